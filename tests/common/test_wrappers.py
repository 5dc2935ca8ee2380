import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_msd import (
    CombinerDisplay,
    KernelDisplay,
    LearningCurveDisplay,
    LinearCombiner,
    SegmentScaler,
    TimeConvClassifier,
    WeightHistogramDisplay,
)
from sklearn_msd.common.wrappers import look_through

X = np.random.default_rng(0).normal(size=(160, 10, 4))
Y = np.arange(160) % 2


def test_what_is_inside_and_what_comes_before():
    flat = X.reshape(160, -1)
    inner = make_pipeline(MinMaxScaler(), FrozenEstimator(LogisticRegression()))
    inner[-1].estimator.fit(
        inner[0].fit_transform(StandardScaler().fit_transform(flat)), Y
    )
    search = GridSearchCV(make_pipeline(StandardScaler(), inner), {}, cv=2)
    search.fit(flat, Y)
    estimator, transformers = look_through(FrozenEstimator(search))
    assert isinstance(estimator, LogisticRegression)
    rows = flat
    for transformer in transformers:
        rows = transformer.transform(rows)
    np.testing.assert_array_equal(
        estimator.predict_proba(rows), search.predict_proba(flat)
    )


def test_without_wrappers():
    net = TimeConvClassifier()
    assert look_through(net) == (net, [])


def test_displays_open_pipelines_and_searches():
    pytest.importorskip("matplotlib")
    net = TimeConvClassifier(n_kernels=3, max_epochs=2, random_state=0)
    scaled = SegmentScaler().fit_transform(X)
    net.fit(scaled, Y, X_val=scaled, y_val=Y)
    model = make_pipeline(SegmentScaler(), FrozenEstimator(net))
    search = GridSearchCV(model, {}, cv=2).fit(X, Y)
    curves = LearningCurveDisplay.from_estimator(search).histories["GridSearchCV"]
    np.testing.assert_allclose(curves[0][0], net.validation_loss_curve_, rtol=1e-6)
    kernels = KernelDisplay.from_estimator(search.best_estimator_, n_strongest=3)
    assert kernels.kernels.shape == (3, 3, 4)
    assert WeightHistogramDisplay.from_estimator(search).weights
    combiner = LinearCombiner([("a", search), ("b", search)], cv=2)
    model = make_pipeline(SegmentScaler(), combiner).fit(X, Y)
    display = CombinerDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.contributions, model[-1].class_contributions_)

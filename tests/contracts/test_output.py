"""scikit-learn's `transform_output`: data frames, where songs can be one."""

import warnings

import numpy as np
import pytest
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from small_models import CONV, N_FEATURES, every_classifier, songs

from sklearn_msd import LinearCombiner, SegmentCropper, SegmentScaler, stack_segments

X, y = songs()
DEEP = X.reshape(len(X), -1, N_FEATURES)
LISTED = [song[: 6 + i % 5] for i, song in enumerate(DEEP)]
each_frame = pytest.mark.parametrize("frame", ["pandas", "polars"])


@each_frame
def test_songs_in_three_dimensions_stay_arrays(frame):
    pytest.importorskip(frame)
    before = SegmentScaler().fit(DEEP)
    expected = before.transform(DEEP)
    with config_context(transform_output=frame):
        for found in (
            before.transform(DEEP),
            SegmentScaler().fit_transform(DEEP),
            SegmentScaler().set_output(transform=frame).fit_transform(DEEP),
        ):
            np.testing.assert_array_equal(found, expected)
        scaled = SegmentScaler().fit_transform(LISTED)
    assert scaled.shape == stack_segments(LISTED).shape


@each_frame
@pytest.mark.parametrize(
    "transformer",
    [SegmentScaler(n_segment_features=N_FEATURES), SegmentCropper(n_segments=8)],
)
def test_flat_songs_are_a_data_frame_with_names(frame, transformer):
    pytest.importorskip(frame)
    given = X if isinstance(transformer, SegmentScaler) else LISTED
    expected = transformer.fit_transform(given)
    with config_context(transform_output=frame):
        found = transformer.fit(given).transform(given)
    assert type(found).__module__.startswith(frame)
    assert list(found.columns) == transformer.get_feature_names_out().tolist()
    np.testing.assert_array_equal(found.to_numpy(), expected)


@each_frame
def test_pipelines_of_songs_in_three_dimensions(frame):
    pytest.importorskip(frame)
    model = make_pipeline(SegmentScaler(), CONV).fit(DEEP, y)
    expected = model.predict_proba(DEEP)
    with config_context(transform_output=frame):
        np.testing.assert_array_equal(model.predict_proba(DEEP), expected)
        again = make_pipeline(SegmentScaler(), CONV).fit(DEEP, y)
    np.testing.assert_array_equal(again.predict_proba(DEEP), expected)


@each_frame
@pytest.mark.parametrize("name", every_classifier())
def test_classifiers_predict_the_same_and_warn_of_nothing(frame, name):
    pytest.importorskip(frame)
    estimator = every_classifier()[name].fit(X, y)
    expected = estimator.predict_proba(X)
    with config_context(transform_output=frame), warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(estimator.predict_proba(X), expected)
        np.testing.assert_array_equal(estimator.fit(X, y).predict_proba(X), expected)


@each_frame
def test_logits_are_a_data_frame_with_names(frame):
    pytest.importorskip(frame)
    combiner = LinearCombiner([("one", LogisticRegression())], cv=2).fit(X, y)
    expected = combiner.transform(X)
    with config_context(transform_output=frame):
        found = combiner.transform(X)
    assert list(found.columns) == combiner.get_feature_names_out().tolist()
    np.testing.assert_array_equal(found.to_numpy(), expected)

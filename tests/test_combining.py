"""Combiners against scikit-learn's own regression and net on the stacked logits."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msd import (
    FullyConnectedClassifier,
    LinearCombiner,
    NonlinearCombiner,
    TimeConvClassifier,
)

N_SONGS, WIDTH = 90, 60
SMALL = {"n_segment_features": 5, "hidden_layer_sizes": (6,), "max_epochs": 4}


def songs(n_classes=3, seed=0):
    rng = np.random.RandomState(seed)
    y = rng.randint(n_classes, size=N_SONGS)
    X = rng.normal(size=(N_SONGS, WIDTH))
    X[:, ::5] += y[:, None]
    return X, np.array(["a", "b", "c", "d"])[y]


def net(seed=0, kind=FullyConnectedClassifier, **kwargs):
    return kind(**(SMALL | {"random_state": seed} | kwargs))


@pytest.fixture(scope="module", params=[2, 3])
def frozen(request):
    """Songs of two and three classes, and two nets that have seen some of them."""
    X, y = songs(request.param)
    bases = [
        ("dense", FrozenEstimator(net().fit(X[:40], y[:40]))),
        ("conv", FrozenEstimator(net(1, TimeConvClassifier).fit(X[:40], y[:40]))),
    ]
    return X, y, bases


def weight_hash(base):
    parameters = base.estimator.module_.parameters()
    return torch.nn.utils.parameters_to_vector(parameters).detach().numpy().tobytes()


# --- against references --------------------------------------------------------------


@pytest.mark.parametrize("l2", [1e-3, 0.1])
def test_linear_combiner_is_logistic_regression_on_the_logits(frozen, l2):
    X, y, bases = frozen
    weight = np.random.RandomState(0).rand(len(X))
    stacked = np.hstack([base.estimator._logits(X) for _, base in bases])
    C = 1 / (l2 * weight.sum())
    reference = LogisticRegression(C=C, tol=1e-12, solver="newton-cg", max_iter=1000)
    reference.fit(stacked.astype(np.float64), y, sample_weight=weight)
    combiner = LinearCombiner(bases, l2=l2).fit(X, y, sample_weight=weight)
    proba = reference.predict_proba(stacked)
    assert_allclose(combiner.predict_proba(X), proba, atol=1e-6)
    assert_array_equal(combiner.predict(X), reference.predict(stacked))
    if len(reference.classes_) > 2:
        assert_allclose(combiner.coef_, reference.coef_, atol=2e-5)
        assert_allclose(combiner.intercept_, reference.intercept_, atol=2e-5)


def test_gradient_of_the_objective_is_zero(frozen):
    X, y, bases = frozen
    combiner = LinearCombiner(bases, l2=0.01).fit(X, y)
    onehot = (y[:, None] == combiner.classes_).astype(float)
    Z = combiner.transform(X)
    residual = combiner.predict_proba(X) - onehot
    gradient = residual.T @ Z / len(X)
    if len(combiner.classes_) == 2:  # one vector for two classes: scores -w/2 and w/2
        gradient, coef = gradient[1], combiner.coef_[1] - combiner.coef_[0]
    else:
        coef = combiner.coef_
    assert_allclose(gradient + 0.01 * coef, 0, atol=1e-7)


def test_nonlinear_combiner_is_a_net_on_the_logits(frozen):
    X, y, bases = frozen
    training = {"max_epochs": 3, "random_state": 5, "learning_rate": 0.01}
    combiner = NonlinearCombiner(bases, hidden_layer_sizes=(7,), **training)
    combiner.fit(X, y, X_val=X[:10], y_val=y[:10])
    stacked = np.hstack([base.estimator._logits(X) for _, base in bases])
    reference = FullyConnectedClassifier(
        n_segment_features=1, hidden_layer_sizes=(7,), **training
    )
    reference.fit(stacked, y, X_val=stacked[:10], y_val=y[:10])
    assert_allclose(combiner.predict_proba(X), reference.predict_proba(stacked))
    assert combiner.loss_curve_ == reference.loss_curve_
    assert combiner.validation_scores_ == reference.validation_scores_


def test_unfrozen_bases_give_the_combiner_logits_of_songs_they_have_not_seen():
    X, y = songs()
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    combiner = LinearCombiner([("logistic", LogisticRegression())], cv=cv).fit(X, y)
    held_out = cross_val_predict(
        LogisticRegression(), X, y, cv=cv, method="decision_function"
    )
    C = 1 / (combiner.l2 * len(X))
    reference = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(held_out, y)
    assert_allclose(combiner.coef_, reference.coef_, atol=1e-4)
    # To predict, the base is one that has seen them all.
    fitted = LogisticRegression().fit(X, y)
    assert_allclose(combiner.transform(X), fitted.decision_function(X), rtol=1e-6)


def test_a_base_that_knows_its_songs_by_heart_needs_held_out_logits():
    X, y = songs()
    unseen, truth = songs(seed=1)
    y[::3] = np.roll(y[::3], 1)  # labels that cannot be learnt, only remembered
    heart, bayes = KNeighborsClassifier(1), GaussianNB()
    assert clone(heart).fit(X, y).score(X, y) == 1.0
    bases = [("heart", heart), ("bayes", bayes)]
    fitted = [(n, FrozenEstimator(clone(b).fit(X, y))) for n, b in bases]
    in_sample = LinearCombiner(fitted).fit(X, y)
    held_out = LinearCombiner(bases, cv=5).fit(X, y)
    says = in_sample.say_.mean(axis=1), held_out.say_.mean(axis=1)
    assert says[0][0] > says[0][1]
    assert says[1][0] < says[1][1]
    assert held_out.score(unseen, truth) > in_sample.score(unseen, truth)


@pytest.mark.parametrize("make", [LinearCombiner, NonlinearCombiner])
def test_sample_weight_reaches_bases_and_combiner(make):
    X, y = songs()
    weight = np.random.RandomState(1).randint(0, 3, size=len(X))
    exact = {"dtype": "float64", "batch_size": 1000}
    bases = [("net", net(**exact)), ("logistic", LogisticRegression(tol=1e-10))]
    half = len(X) // 2
    rows = np.repeat(np.arange(len(X)), weight)
    fitted = []
    for X_, y_, w_, row in (
        (X, y, weight, np.arange(len(X))),
        (X[rows], y[rows], None, rows),
    ):
        cv = [
            (np.flatnonzero(row < half), np.flatnonzero(row >= half)),
            (np.flatnonzero(row >= half), np.flatnonzero(row < half)),
        ]
        combiner = make(bases, cv=cv)
        if make is NonlinearCombiner:
            combiner.set_params(**exact, max_epochs=5, random_state=0)
        fitted.append(combiner.fit(X_, y_, sample_weight=w_))
    weighted, repeated = fitted
    assert_allclose(weighted.transform(X), repeated.transform(X), rtol=1e-7, atol=1e-9)
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-6)


def test_say_is_one_for_a_model_taken_as_it_is(frozen):
    X, y, bases = frozen
    combiner = LinearCombiner(bases).fit(X, y)
    n_classes = len(combiner.classes_)
    combiner.coef_ = np.hstack([np.eye(n_classes), np.zeros((n_classes, n_classes))])
    expected = [[1.0] * n_classes, [0.0] * n_classes]
    assert_allclose(combiner.say_, expected, atol=1e-12)
    combiner.intercept_ = np.zeros(n_classes)
    proba = bases[0][1].predict_proba(X)
    assert_allclose(combiner.predict_proba(X), proba, rtol=1e-5)


# --- conventions ----------------------------------------------------------------------


class Counting(ClassifierMixin, BaseEstimator):
    """Counts how often it is asked, and by how many songs."""

    asked: list[int] = []

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X):
        Counting.asked.append(len(X))
        return self.inner_.predict_proba(X)


@pytest.mark.parametrize("make", [LinearCombiner, NonlinearCombiner])
@pytest.mark.parametrize("cv", [None, 3, "prefit"])
def test_a_frozen_base_is_asked_once_and_left_as_it_is(make, cv):
    X, y = songs()
    conv = FrozenEstimator(net(kind=TimeConvClassifier).fit(X, y))
    before = weight_hash(conv)
    bases = [("counting", FrozenEstimator(Counting().fit(X, y))), ("conv", conv)]
    Counting.asked.clear()
    combiner = make(bases, cv=cv).fit(X, y)
    assert Counting.asked == [len(X)]
    assert combiner.estimators_[1] is conv
    assert weight_hash(conv) == before


def test_prefit_bases_are_used_as_they_are(frozen):
    X, y, bases = frozen
    prefit = [(name, base.estimator) for name, base in bases]
    as_frozen = LinearCombiner(bases).fit(X, y)
    combiner = LinearCombiner(prefit, cv="prefit").fit(X, y)
    assert combiner.named_estimators_["conv"] is prefit[1][1]
    assert_array_equal(combiner.predict_proba(X), as_frozen.predict_proba(X))


def test_names_parameters_and_dropping(frozen):
    X, y, bases = frozen
    combiner = LinearCombiner([*bases, ("logistic", LogisticRegression())], cv=2)
    combiner.set_params(logistic__C=0.5, dense="drop").fit(X, y)
    assert combiner.named_estimators_["logistic"].C == 0.5
    assert combiner.named_estimators_["dense"] == "drop"
    assert len(combiner.estimators_) == 2
    n_classes = len(combiner.classes_)
    names = combiner.get_feature_names_out().tolist()
    assert names[0] == "linearcombiner_conv0"
    assert len(names) == combiner.transform(X).shape[1] == 2 * n_classes
    assert combiner.n_features_in_ == WIDTH
    assert combiner.coef_.shape == (n_classes, 2 * n_classes)


def test_cv_may_be_a_splitter_or_a_list_of_folds():
    X, y = songs()
    bases = [("logistic", LogisticRegression())]
    folds = StratifiedKFold(3)
    by_number = LinearCombiner(bases, cv=3).fit(X, y)
    for cv in (folds, list(folds.split(X, y))):
        combiner = LinearCombiner(bases, cv=cv, n_jobs=2).fit(X, y)
        assert_array_equal(combiner.coef_, by_number.coef_)


def test_column_names_come_from_the_bases():
    X, y = songs()
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(WIDTH)])
    combiner = LinearCombiner([("logistic", LogisticRegression())], cv=2)
    combiner.fit(frame, y)
    assert_array_equal(combiner.feature_names_in_, frame.columns)
    assert combiner.predict(frame).shape == (N_SONGS,)


def test_songs_in_three_dimensions(frozen):
    X, y, bases = frozen
    combiner = LinearCombiner(bases).fit(X, y)
    cube = X.reshape(N_SONGS, -1, 5)
    again = clone(combiner).fit(cube, y)
    assert_array_equal(again.predict_proba(cube), combiner.predict_proba(X))
    assert again.n_features_in_ == WIDTH


def test_grid_search_pipeline_clone_and_pickle(frozen):
    X, y, bases = frozen
    combiner = LinearCombiner(bases)
    search = GridSearchCV(combiner, {"l2": [1e-3, 1.0]}, cv=2, n_jobs=2).fit(X, y)
    best = search.best_estimator_
    assert best.estimators_[0].estimator is bases[0][1].estimator
    unpickled = pickle.loads(pickle.dumps(best))
    assert_array_equal(unpickled.predict_proba(X), best.predict_proba(X))
    pipe = make_pipeline(StandardScaler(), clone(best)).fit(X, y)
    assert pipe.predict(X).shape == y.shape


def test_metadata_is_routed_to_the_bases_that_ask_for_it():
    X, y = songs()
    weight = np.random.RandomState(0).rand(len(X))
    with config_context(enable_metadata_routing=True):
        asks = LogisticRegression().set_fit_request(sample_weight=True)
        declines = LogisticRegression().set_fit_request(sample_weight=False)
        combiner = LinearCombiner([("asks", asks), ("declines", declines)], cv=2)
        combiner.set_fit_request(sample_weight=True).fit(X, y, sample_weight=weight)
        weighted = LogisticRegression().fit(X, y, sample_weight=weight)
    assert_array_equal(combiner.named_estimators_["asks"].coef_, weighted.coef_)
    plain = LogisticRegression().fit(X, y)
    assert_array_equal(combiner.named_estimators_["declines"].coef_, plain.coef_)


# --- mistakes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bases", "error", "message"),
    [
        ([], ValueError, "non-empty list"),
        ([("a", GaussianNB()), ("a", GaussianNB())], ValueError, "not unique"),
        ([GaussianNB()], ValueError, "list of .string, estimator. tuples"),
        ([("a", "drop")], ValueError, "All estimators are dropped"),
        ([("a", LinearRegression())], ValueError, "LinearRegression should be a class"),
        ([("a", FrozenEstimator(GaussianNB()))], NotFittedError, "'a' is to be used"),
    ],
)
@pytest.mark.parametrize("make", [LinearCombiner, NonlinearCombiner])
def test_bases_that_cannot_be_combined(make, bases, error, message):
    X, y = songs()
    with pytest.raises(error, match=message):
        make(bases).fit(X, y)


def test_frozen_bases_of_other_classes_or_features():
    X, y = songs()
    few = y != "c"
    other_classes = FrozenEstimator(GaussianNB().fit(X[few], y[few]))
    with pytest.raises(ValueError, match=r"'b' was fitted on the classes \['a', 'b'\]"):
        LinearCombiner([("a", GaussianNB()), ("b", other_classes)]).fit(X, y)
    narrow = FrozenEstimator(GaussianNB().fit(X[:, :7], y))
    with pytest.raises(ValueError, match=r"'b' cannot predict X: X has 60 features"):
        LinearCombiner([("a", GaussianNB()), ("b", narrow)]).fit(X, y)


def test_weights_for_a_base_that_takes_none():
    X, y = songs()
    combiner = LinearCombiner([("counting", Counting())], cv=2)
    with pytest.raises(TypeError, match="Counting does not support sample weights"):
        combiner.fit(X, y, sample_weight=np.ones(len(X)))
    with pytest.raises(TypeError, match=r"unexpected arguments \['colour'\]"):
        combiner.fit(X, y, colour="red")


def test_not_fitted():
    with pytest.raises(NotFittedError):
        LinearCombiner([("a", GaussianNB())]).predict(songs()[0])

"""Combiners against scikit-learn's own regression and net on the stacked logits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from small_models import DENSE, EXACT, frozen_nets, songs

from sklearn_msd import (
    FullyConnectedClassifier,
    LinearCombiner,
    NonlinearCombiner,
)


@pytest.fixture(scope="module", params=[2, 3])
def frozen(request):
    return frozen_nets(request.param)


# --- against references --------------------------------------------------------------


@pytest.mark.parametrize("l2", [1e-3, 0.1])
def test_linear_combiner_is_logistic_regression_on_the_logits(frozen, l2):
    X, y, bases = frozen
    weight = np.random.RandomState(0).rand(len(X))
    stacked = np.hstack([base.estimator._logits(X) for _, base in bases])
    C = 1 / (l2 * weight.sum())
    reference = LogisticRegression(C=C, tol=1e-12, solver="newton-cg", max_iter=1000)
    reference.fit(stacked.astype(np.float64), y, sample_weight=weight)
    combiner = LinearCombiner(bases, l2=l2, shrink_to="zero").fit(
        X, y, sample_weight=weight
    )
    proba = reference.predict_proba(stacked)
    assert_allclose(combiner.predict_proba(X), proba, atol=1e-6)
    assert_array_equal(combiner.predict(X), reference.predict(stacked))
    if len(reference.classes_) > 2:
        assert_allclose(combiner.coef_, reference.coef_, atol=2e-5)
        assert_allclose(combiner.intercept_, reference.intercept_, atol=2e-5)


def test_gradient_of_the_objective_is_zero(frozen):
    X, y, bases = frozen
    combiner = LinearCombiner(bases, l2=0.01, shrink_to="zero").fit(X, y)
    onehot = (y[:, None] == combiner.classes_).astype(float)
    Z = combiner.transform(X)
    residual = combiner.predict_proba(X) - onehot
    gradient = residual.T @ Z / len(X)
    if len(combiner.classes_) == 2:  # one vector for two classes: scores -w/2 and w/2
        gradient, coef = gradient[1], combiner.coef_[1] - combiner.coef_[0]
    else:
        coef = combiner.coef_
    assert_allclose(gradient + 0.01 * coef, 0, atol=1e-7)


@pytest.mark.parametrize("shrink_to", ["zero", "average", "calibrated_average"])
def test_probabilities_are_the_softmax_of_the_weights_there_are(frozen, shrink_to):
    X, y, bases = frozen
    combiner = LinearCombiner(bases, l2=0.01, shrink_to=shrink_to).fit(X, y)
    scores = combiner.transform(X) @ combiner.coef_.T + combiner.intercept_
    assert_allclose(combiner.predict_proba(X), softmax(scores, axis=1), atol=1e-9)


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
    combiner = LinearCombiner(
        [("logistic", LogisticRegression())], l2=1e-3, shrink_to="zero", cv=cv
    ).fit(X, y)
    held_out = cross_val_predict(
        LogisticRegression(), X, y, cv=cv, method="decision_function"
    )
    C = 1 / (combiner.l2 * len(X))
    reference = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(held_out, y)
    assert_allclose(combiner.coef_, reference.coef_, atol=1e-4)
    # To predict, the base is one that has seen them all.
    fitted = LogisticRegression().fit(X, y)
    assert_allclose(combiner.transform(X), fitted.decision_function(X), rtol=1e-6)


def test_an_overconfident_base_needs_out_of_fold_logits():
    X, y = songs()
    unseen, truth = songs(seed=1)
    y[::3] = np.roll(y[::3], 1)  # labels that cannot be learnt, only remembered
    heart, bayes = KNeighborsClassifier(1), GaussianNB()
    assert clone(heart).fit(X, y).score(X, y) == 1.0
    bases = [("heart", heart), ("bayes", bayes)]
    fitted = [(n, FrozenEstimator(clone(b).fit(X, y))) for n, b in bases]
    in_sample = LinearCombiner(fitted, l2=1e-3, shrink_to="zero").fit(X, y)
    held_out = LinearCombiner(bases, l2=1e-3, shrink_to="zero", cv=5).fit(X, y)
    contributions = [
        model.class_contributions_.mean(axis=1) for model in (in_sample, held_out)
    ]
    assert contributions[0][0] > contributions[0][1]
    assert contributions[1][0] < contributions[1][1]
    assert held_out.score(unseen, truth) > in_sample.score(unseen, truth)


@pytest.mark.parametrize("make", [LinearCombiner, NonlinearCombiner])
def test_sample_weight_reaches_bases_and_combiner(make):
    X, y = songs()
    weight = np.random.RandomState(1).randint(0, 3, size=len(X))
    bases = [
        ("net", clone(DENSE).set_params(**EXACT)),
        ("logistic", LogisticRegression(tol=1e-10)),
    ]
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
        # With less of a penalty the optimum is so flat that the solver, which stops by
        # the loss, ends up to 2e-6 away from it.
        combiner = make(bases, cv=cv, l2=0.01)
        if make is NonlinearCombiner:
            combiner.set_params(**EXACT, max_epochs=5, random_state=0)
        fitted.append(combiner.fit(X_, y_, sample_weight=w_))
    weighted, repeated = fitted
    assert_allclose(weighted.transform(X), repeated.transform(X), rtol=1e-7, atol=1e-9)
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-6)


def test_contribution_is_the_weight_less_the_mean_weight_in_other_classes(frozen):
    X, y, bases = frozen
    combiner = LinearCombiner(bases).fit(X, y)
    n = len(combiner.classes_)
    for m in range(len(bases)):
        weights = combiner.coef_[:, m * n : (m + 1) * n]
        for k in range(n):
            others = np.delete(weights[:, k], k).mean()
            found = combiner.class_contributions_[m, k]
            assert found == pytest.approx(weights[k, k] - others, rel=1e-12)
    with pytest.warns(FutureWarning, match="class_contributions_"):
        assert_allclose(combiner.say_, combiner.class_contributions_)


def test_contribution_is_one_for_a_model_taken_as_it_is(frozen):
    X, y, bases = frozen
    combiner = LinearCombiner(bases).fit(X, y)
    n_classes = len(combiner.classes_)
    combiner.coef_ = np.hstack([np.eye(n_classes), np.zeros((n_classes, n_classes))])
    expected = [[1.0] * n_classes, [0.0] * n_classes]
    assert_allclose(combiner.class_contributions_, expected, atol=1e-12)
    combiner.intercept_ = np.zeros(n_classes)
    proba = bases[0][1].predict_proba(X)
    assert_allclose(combiner.predict_proba(X), proba, rtol=1e-5)

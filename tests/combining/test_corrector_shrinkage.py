"""Shares of corrections that songs held out have chosen."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from small_models import DENSE, songs

from sklearn_msd import (
    CorrectingClassifier,
    LearningCurveDisplay,
    class_logits,
    load,
    save,
)
from sklearn_msd.combining.fitting.shrinkage import choose_correction
from sklearn_msd.combining.logits import out_of_fold_logits

CV = StratifiedKFold(3, shuffle=True, random_state=0)
CORRECTOR = clone(DENSE).set_params(max_epochs=30, learning_rate=0.01)


def first_half(X):
    """Songs of which a base sees the noise alone."""
    return X[:, 1:5]


BLIND = make_pipeline(FunctionTransformer(first_half), GaussianNB())


def test_a_corrector_with_nothing_to_add_adds_nothing():
    X, y = songs()
    noise = np.random.RandomState(0).normal(size=X.shape)
    X = np.hstack([X, noise])
    base = make_pipeline(FunctionTransformer(signal), LogisticRegression())
    hopeless = make_pipeline(FunctionTransformer(rest), CORRECTOR)
    corrected = CorrectingClassifier(base, hopeless, cv=CV, shrinkage="auto")
    corrected.fit(X, y)
    assert corrected.shrinkages_ == [0.0]
    assert_array_equal(corrected.decision_function(X), class_logits(base.fit(X, y), X))
    assert_array_equal(corrected.correction(X), 0)


def signal(X):
    return X[:, : X.shape[1] // 2]


def rest(X):
    return X[:, X.shape[1] // 2 :]


def test_the_share_is_that_of_songs_held_out(tmp_path):
    X, y = songs()
    corrected = CorrectingClassifier(BLIND, CORRECTOR, cv=CV, shrinkage="auto")
    corrected.fit(X, y)
    (share,) = corrected.shrinkages_
    assert 0 < share <= 1
    # By hand: the base's and the corrector's logits of songs that neither has seen.
    base = out_of_fold_logits(BLIND, X, y, cv=CV)
    correction = np.empty_like(base)
    for known, held_out in CV.split(X, y):
        net = clone(CORRECTOR).fit(X[known], y[known], base_logits=base[known])
        correction[held_out] = class_logits(net, X[held_out])
    codes = np.searchsorted(corrected.classes_, y)
    _, by_hand = choose_correction(base, [correction], codes, np.ones(len(y)))
    assert_allclose(share, by_hand, rtol=1e-5)
    unseen, truth = songs(seed=1)
    blind = clone(BLIND).fit(X, y)
    assert corrected.score(unseen, truth) > blind.score(unseen, truth) + 0.1
    assert_array_equal(
        corrected.decision_function(X), class_logits(blind, X) + corrected.correction(X)
    )


def test_songs_count_with_their_weights_and_a_checkpoint_is_of_the_fit_alone(
    tmp_path, monkeypatch
):
    seen = []

    def spy(*arguments):
        seen.append(arguments)
        return 0, 0.5

    choose = "sklearn_msd.combining.fitting.correctors.choose_correction"
    monkeypatch.setattr(choose, spy)
    X, y = songs()
    base = FrozenEstimator(clone(BLIND).fit(X[:30], y[:30]))
    X, y = X[30:], y[30:]
    weight = np.random.RandomState(0).exponential(size=60)
    brief = clone(DENSE).set_params(learning_rate=0.01)
    kept = clone(brief).set_params(checkpoint=tmp_path / "fit")
    corrected = CorrectingClassifier(base, kept, shrinkage="auto")
    corrected.fit(X, y, sample_weight=weight)
    assert corrected.shrinkages_ == [0.5]
    logits = class_logits(base, X)
    correction = np.empty_like(logits)
    for known, held_out in StratifiedKFold(5).split(X, y):
        net = clone(brief).fit(
            X[known], y[known], weight[known], base_logits=logits[known]
        )
        correction[held_out] = class_logits(net, X[held_out])
    codes = np.searchsorted(corrected.classes_, y)
    (found,) = seen
    for ours, by_hand in zip(found, (logits, [correction], codes, weight), strict=True):
        assert_allclose(ours, by_hand, rtol=1e-5)


def least_loss(base, correction, codes):
    """Of the base and a share of a correction, at any temperature."""

    def loss(share, scale):
        log_proba = log_softmax(scale * (base + share * correction), axis=1)
        return -log_proba[np.arange(len(codes)), codes].mean()

    def at(share):
        scales = {"bounds": (0, 20), "method": "bounded"}
        return minimize_scalar(lambda scale: loss(share, scale), **scales).fun

    return minimize_scalar(at, bounds=(0, 1), method="bounded").fun


@pytest.mark.parametrize("learning_rate", [0.1, 0.3])
def test_early_stopping_takes_the_epochs_that_suit_songs_held_out(learning_rate):
    X, y = songs()
    fixed = clone(CORRECTOR).set_params(learning_rate=learning_rate)
    stops = clone(fixed).set_params(
        early_stopping=True, n_iter_no_change=10, max_epochs=10
    )
    corrected = CorrectingClassifier(BLIND, stops, cv=CV, shrinkage="auto")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # of 30 songs for each fold
        warnings.simplefilter("ignore", ConvergenceWarning)
        corrected.fit(X, y)
    # By hand: one training for each number of epochs and each fold.
    base = out_of_fold_logits(BLIND, X, y, cv=CV)
    codes = np.searchsorted(corrected.classes_, y)
    losses, corrections = [], []
    for n_epochs in range(1, 11):
        correction = np.empty_like(base)
        for known, held_out in CV.split(X, y):
            net = clone(fixed).set_params(max_epochs=n_epochs)
            net.fit(X[known], y[known], base_logits=base[known])
            correction[held_out] = class_logits(net, X[held_out])
        losses.append(least_loss(base, correction, codes))
        corrections.append(correction)
    best = int(np.argmin(losses))
    (net,) = corrected.correctors_
    assert net.n_iter_ == best + 1
    assert (best + 1 == 10) == (learning_rate == 0.1)  # not the last in any case
    (share,) = corrected.shrinkages_
    _, by_hand = choose_correction(base, [corrections[best]], codes, np.ones(len(y)))
    assert_allclose(share, by_hand, rtol=1e-3, atol=1e-6)
    # On all songs: none is held out of the corrector that is kept.
    again = clone(fixed).set_params(max_epochs=best + 1)
    again.fit(X, y, base_logits=base)
    assert_allclose(class_logits(net, X), class_logits(again, X), atol=1e-6)


def test_songs_that_are_given_are_those_that_early_stopping_watches():
    X, y = songs()
    stops = clone(CORRECTOR).set_params(early_stopping=True, n_iter_no_change=3)
    corrected = CorrectingClassifier(BLIND, stops, cv=CV, shrinkage="auto")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        corrected.fit(X, y, X_val=X[:40], y_val=y[:40])
    (net,) = corrected.correctors_
    assert len(corrected.validation_loss_curve_) == net.n_iter_


def test_a_model_is_kept_with_its_shares(tmp_path):
    X, y = songs()
    corrected = CorrectingClassifier(
        GaussianNB(), CORRECTOR, cv=CV, shrinkage="auto", n_corrections=2
    ).fit(X, y)
    assert len(corrected.shrinkages_) == 2
    save(corrected, tmp_path / "model.msd")
    again = load(tmp_path / "model.msd")
    assert again.shrinkages_ == corrected.shrinkages_
    assert_array_equal(again.predict_proba(X), corrected.predict_proba(X))


def test_a_frozen_base_is_corrected_on_songs_of_five_folds():
    X, y = songs()
    base = FrozenEstimator(clone(BLIND).fit(*songs(seed=1)))
    corrected = CorrectingClassifier(base, CORRECTOR, shrinkage="auto")
    assert 0 < corrected.fit(X, y).shrinkages_[0] <= 1


@pytest.mark.parametrize("params", [{"freeze": False}, {"combine": "linear"}])
def test_where_there_is_no_share_to_choose(params):
    X, y = songs()
    corrected = CorrectingClassifier(DENSE, DENSE, shrinkage="auto", **params)
    with pytest.raises(ValueError, match='shrinkage="auto" chooses what share'):
        corrected.fit(X, y)


def test_where_folds_chose_the_epochs_there_is_no_curve_to_draw():
    X, y = songs()
    stops = clone(CORRECTOR).set_params(early_stopping=True, max_epochs=2)
    corrected = CorrectingClassifier(BLIND, stops, cv=CV, shrinkage="auto")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        corrected.fit(X, y)
    with pytest.raises(ValueError, match='y_val: with shrinkage="auto" folds choose'):
        LearningCurveDisplay.from_estimators({"corrected": corrected})

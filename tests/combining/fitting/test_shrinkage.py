"""Combiners of few songs: against SciPy's solvers, and against the plain average."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold
from small_models import frozen_nets

from sklearn_msd import LinearCombiner, load, save
from sklearn_msd.combining.fitting.shrinkage import (
    STRENGTHS,
    centre,
    choose_correction,
    choose_strength,
    fit_shrunk,
)

CLASSES = np.array(["a", "b", "c", "d"])


class Given(ClassifierMixin, BaseEstimator):
    """Predicts the probabilities of the logits that it finds in its columns."""

    def __init__(self, first=0):
        self.first = first
        self.classes_ = CLASSES
        self.n_features_in_ = 0

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return softmax(X[:, self.first : self.first + len(CLASSES)], axis=1)


def logits_of_models(n_songs, scales, seed):
    """Noisy logits of models, the right class's higher, by unlike scales."""
    rng = np.random.RandomState(seed)
    codes = rng.randint(len(CLASSES), size=n_songs)
    right = np.eye(len(CLASSES))[codes]
    logits = [s * (1.2 * right + rng.normal(size=right.shape)) for s in scales]
    models = [
        (f"m{i}", FrozenEstimator(Given(len(CLASSES) * i))) for i in range(len(scales))
    ]
    return np.hstack(logits), codes, models


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("l2", [1e-3, 0.1, 10.0])
def test_shrunk_combiner_is_the_optimum_that_scipy_finds(n_classes, l2):
    X, y, bases = frozen_nets(n_classes)
    weight = np.random.RandomState(0).rand(len(X))
    combiner = LinearCombiner(bases, l2=l2, shrink_to="average")
    combiner.fit(X, y, sample_weight=weight)
    Z, right = combiner.transform(X), y[:, None] == combiner.classes_
    mean = Z.reshape(len(Z), 2, n_classes).mean(axis=1)
    scale = minimize_scalar(
        lambda s: np.average(-log_softmax(s * mean, axis=1)[right], weights=weight),
        options={"xtol": 1e-12},
    ).x
    average = scale * np.hstack([np.eye(n_classes)] * 2) / 2

    def objective(flat):
        W, b = flat[:-n_classes].reshape(n_classes, -1), flat[-n_classes:]
        losses = -log_softmax(Z @ W.T + b, axis=1)[right]
        penalty = 0.5 * l2 * (((W - average) ** 2).sum() + (b**2).sum())
        return np.average(losses, weights=weight) + penalty

    start = np.r_[average.ravel(), np.zeros(n_classes)]
    for _ in range(3):  # from where it stopped, as it counts differences by itself
        start = minimize(objective, start, method="BFGS", options={"gtol": 1e-9}).x
    ours = np.r_[combiner.coef_.ravel(), combiner.intercept_]
    assert objective(ours) <= objective(start) + 1e-12
    theirs = start[:-n_classes].reshape(n_classes, -1), start[-n_classes:]
    proba = softmax(Z @ theirs[0].T + theirs[1], axis=1)
    assert_allclose(combiner.predict_proba(X), proba, atol=1e-6)
    # And its slopes are 0, which differences of the objective are too coarse to show.
    residual = (combiner.predict_proba(X) - right) * (weight / weight.sum())[:, None]
    slopes = residual.T @ Z + l2 * (combiner.coef_ - average)
    assert_allclose(slopes, 0, atol=1e-8 + 1e-7 * l2)
    slopes = residual.sum(axis=0) + l2 * combiner.intercept_
    assert_allclose(slopes, 0, atol=1e-8 + 1e-7 * l2)


def test_its_limits_are_the_average_and_the_reports_combiner():
    X, codes, models = logits_of_models(400, [1, 3], seed=0)
    y = CLASSES[codes]
    average = LinearCombiner(models, l2=np.inf, shrink_to="average").fit(X, y)
    assert_array_equal(average.coef_, average.coef_[0, 0] * np.hstack([np.eye(4)] * 2))
    assert_array_equal(average.intercept_, 0)
    logits = average.transform(X)
    mean = (logits[:, :4] + logits[:, 4:]) / 2
    assert_array_equal(average.predict(X), CLASSES[mean.argmax(axis=1)])
    weak = LinearCombiner(models, l2=1e-7, shrink_to="average").fit(X, y)
    report = LinearCombiner(models, l2=1e-7, shrink_to="zero").fit(X, y)
    assert_allclose(weak.predict_proba(X), report.predict_proba(X), atol=1e-3)


def test_one_weight_a_model_brings_them_to_one_scale():
    # The second model is as good, and three times too sure of itself.
    X, codes, models = logits_of_models(2000, [1, 3], seed=0)
    combiner = LinearCombiner(models, l2=np.inf, shrink_to="weighted_average").fit(
        X, CLASSES[codes]
    )
    weights = combiner.coef_[0, [0, 4]]
    assert_allclose(weights[0] / weights[1], 3, rtol=0.15)
    assert_array_equal(combiner.coef_, np.kron(weights, np.eye(4)))
    # At the optimum for exactly these two numbers.
    logits = combiner.transform(X).reshape(-1, 2, 4)

    def loss(w):
        return log_loss(codes, softmax(np.einsum("m,nmk->nk", w, logits), axis=1))

    best = minimize(loss, [0.5, 0.5], method="Nelder-Mead", options={"xatol": 1e-8}).x
    assert_allclose(weights, best, atol=1e-4)


def test_calibrated_models_are_averaged_whatever_their_confidence():
    X, codes, models = logits_of_models(2000, [0.1, 5], seed=0)
    y = CLASSES[codes]
    weight = np.random.RandomState(0).rand(len(X))
    combiner = LinearCombiner(models, l2=np.inf)
    combiner.fit(X, y, sample_weight=weight)
    weights = combiner.coef_[0, [0, 4]]
    assert_array_equal(combiner.coef_, np.kron(weights, np.eye(4)))
    # Each model's temperature by itself, and then one of the mean.
    logits = combiner.transform(X).reshape(-1, 2, 4)

    def best_scale(Z):
        def loss(scale):
            return log_loss(codes, softmax(scale * Z, axis=1), sample_weight=weight)

        return minimize_scalar(loss, bounds=(0, 50), options={"xatol": 1e-9}).x

    scales = [best_scale(own) for own in logits.swapaxes(0, 1)]
    by_hand = np.array(scales) / 2
    by_hand *= best_scale(np.einsum("m,nmk->nk", by_hand, logits))
    assert_allclose(weights, by_hand, rtol=1e-5)
    assert_allclose(scales[0] / scales[1], 50, rtol=0.1)
    # The plain average hears the louder alone.
    unseen, codes, _ = logits_of_models(2000, [0.1, 5], seed=1)
    plain = LinearCombiner(models, l2=np.inf, shrink_to="average").fit(X, y)
    gain = combiner.score(unseen, CLASSES[codes]) - plain.score(unseen, CLASSES[codes])
    assert gain > 0.05


@pytest.mark.parametrize("how", ["weighted_average", "calibrated_average"])
def test_a_model_that_is_worse_than_none_is_left_out(how):
    X, codes, models = logits_of_models(300, [1, 1], seed=0)
    X[:, 4:] *= -1
    combiner = LinearCombiner(models, l2=np.inf, shrink_to=how).fit(X, CLASSES[codes])
    assert combiner.coef_[0, 0] > 0.5
    assert combiner.coef_[0, 4] == 0


@pytest.mark.slow
def test_fifty_draws_of_100_songs_are_not_below_the_average():
    margins, of_report = [], []
    for seed in range(50):
        X, codes, models = logits_of_models(1100, [1, 1.5, 0.7], seed)
        known, y = X[:100], CLASSES[codes]
        average = X.reshape(-1, 3, 4).mean(axis=1)[100:].argmax(axis=1) == codes[100:]
        scores = [
            combiner.fit(known, y[:100]).score(X[100:], y[100:])
            for combiner in (
                LinearCombiner(models),
                LinearCombiner(models, l2=1e-3, shrink_to="zero"),
            )
        ]
        margins.append(scores[0] - average.mean())
        of_report.append(scores[1] - average.mean())
    assert np.mean(margins) > -0.01
    # Which the report's combiner is, on as few songs.
    assert np.mean(of_report) < -0.02


def test_many_songs_that_show_a_need_set_the_weights_free():
    # The first model knows two of the classes alone, the second model the others.
    X, codes, models = logits_of_models(4000, [1, 1], seed=0)
    X, noise = X.reshape(-1, 2, 4), np.random.RandomState(1).normal(size=(4000, 4))
    X[:, 0, :2], X[:, 1, 2:] = 3 * noise[:, :2], 3 * noise[:, 2:]
    X, y = X.reshape(len(X), -1), CLASSES[codes]
    free = LinearCombiner(models).fit(X[:2000], y[:2000])
    held = LinearCombiner(models, l2=np.inf).fit(X[:2000], y[:2000])
    assert free.l2_ < held.l2_
    losses = [log_loss(y[2000:], m.predict_proba(X[2000:])) for m in (free, held)]
    assert losses[0] < losses[1]


def test_strength_is_among_those_tried_and_kept_in_a_file(tmp_path):
    X, y, bases = frozen_nets(3)
    combiner = LinearCombiner(bases).fit(X, y)
    assert combiner.l2_ in STRENGTHS
    assert_allclose(
        combiner.final_estimator_.predict_proba(combiner.transform(X)),
        combiner.predict_proba(X),
    )
    save(combiner, tmp_path / "combiner.msd")
    again = load(tmp_path / "combiner.msd")
    assert again.l2_ == combiner.l2_
    assert_array_equal(again.predict_proba(X), combiner.predict_proba(X))


def test_folds_of_the_bases_choose_the_strength(monkeypatch):
    X, codes, models = logits_of_models(60, [1, 1], seed=0)
    y, group = CLASSES[codes], np.arange(60) // 20
    folds = [(np.flatnonzero(group != g), np.flatnonzero(group == g)) for g in range(3)]
    unfrozen = [(name, model.estimator) for name, model in models]
    seen = []

    def spy(how, stacked, codes, n_classes, weight, folds):
        seen.append(folds)
        return 1.0

    monkeypatch.setattr("sklearn_msd.combining.linear.choose_strength", spy)
    LinearCombiner(unfrozen, cv=iter(folds)).fit(X, y)
    LinearCombiner(models).fit(X, y)
    assert seen[0] == folds
    assert len(seen[1]) == 5


def test_a_class_of_one_song_leaves_nothing_to_choose_by():
    X, codes, models = logits_of_models(40, [1, 1], seed=0)
    codes[codes == 3] = 2
    codes[0] = 3
    assert LinearCombiner(models).fit(X, CLASSES[codes]).l2_ == np.inf


@pytest.mark.parametrize(
    "how", ["zero", "average", "calibrated_average", "weighted_average"]
)
def test_strength_is_the_greatest_within_one_standard_error_of_the_best(how):
    finite = [l2 for l2 in STRENGTHS if np.isfinite(l2)]
    tried = finite if how == "zero" else [*finite, np.inf]
    chosen = []
    for seed in range(8):
        X, codes, _ = logits_of_models(60, [1, 3], seed)
        if seed == 0:  # nothing to learn: the more of a penalty, the better
            X = np.random.RandomState(9).normal(size=X.shape)
        if seed == 1:  # models that call classes by each other's names
            X += np.tile(6 * np.eye(4)[codes - 1], 2)
        weight = np.random.RandomState(seed).exponential(size=60) ** 3
        folds = list(KFold(3).split(X))
        losses = np.empty((len(tried), 60))
        for train, test in folds:
            known, right = X[train], codes[train]
            towards = centre(how, known, right, 4, weight[train])
            for i, l2 in enumerate(tried):
                coef, intercept = towards, 0
                if np.isfinite(l2):
                    fitted = fit_shrunk(known, right, towards, l2, weight[train])
                    coef, intercept = fitted
                log_proba = log_softmax(X[test] @ coef.T + intercept, axis=1)
                losses[i, test] = -log_proba[np.arange(len(test)), codes[test]]
        means = np.average(losses, axis=1, weights=weight)
        worse = losses - losses[means.argmin()]
        mean = np.average(worse, axis=1, weights=weight)
        share = weight / weight.sum()
        error = np.sqrt(((worse - mean[:, None]) ** 2) @ share**2)
        chosen.append(
            max(l2 for l2, m, e in zip(tried, mean, error, strict=True) if m <= e)
        )
        found = choose_strength(how, X, codes, 4, weight, folds)
        assert found == chosen[-1]
    assert chosen[0] == tried[-1]
    assert len(set(chosen)) > 1


def test_share_of_a_correction():
    X, codes, _ = logits_of_models(500, [1, 1], seed=0)
    base, other = X[:, :4], X[:, 4:]
    ones = np.ones(len(codes))
    share = choose_correction(base, [other], codes, ones)[1]
    shares = np.linspace(0, 1, 201)

    def loss(s):  # at the temperature that suits the sum
        def at(scale):
            log_proba = log_softmax(scale * (base + s * other), axis=1)
            return -log_proba[np.arange(500), codes].mean()

        return minimize_scalar(at, bounds=(0, 20), method="bounded").fun

    assert_allclose(share, shares[np.argmin([loss(s) for s in shares])], atol=6e-3)
    # Noise is nothing to add; and no more than the whole is added.
    noise = np.random.RandomState(1).normal(size=base.shape)
    assert choose_correction(base, [noise], codes, ones)[1] == 0
    assert choose_correction(base, [0.01 * other], codes, ones)[1] > 0.999
    # Of several the one that can help most, however loud it is.
    several = [noise, 0.01 * other, 5 * other, other + 3 * noise]
    index, part = choose_correction(base, several, codes, ones)
    assert index == 2
    assert_allclose(part, share / 5, rtol=1e-3)


def test_to_be_surer_than_the_base_is_no_correction():
    X, codes, _ = logits_of_models(2000, [1, 1], seed=0)
    base, other = 0.02 * X[:, :4], X[:, 4:]
    ones = np.ones(len(codes))
    share = choose_correction(base, [other], codes, ones)[1]
    assert share == pytest.approx(0.02, rel=0.2)  # as much as the base itself
    right = (base + share * other).argmax(axis=1) == codes
    louder = (base + other).argmax(axis=1) == codes
    assert right.mean() > louder.mean() + 0.02
    # What says the same as the base, but louder, adds nothing.
    assert choose_correction(base, [50 * base], codes, ones)[1] == 0


def test_weights_repeat_songs():
    X, codes, _ = logits_of_models(50, [1, 1], seed=0)
    towards = np.hstack([np.eye(4)] * 2) / 2
    weight = np.random.RandomState(0).randint(0, 3, size=50).astype(float)
    rows = np.repeat(np.arange(50), weight.astype(int))
    weighted = fit_shrunk(X, codes, towards, 0.1, weight)
    repeated = fit_shrunk(X[rows], codes[rows], towards, 0.1, np.ones(len(rows)))
    for ours, theirs in zip(weighted, repeated, strict=True):
        assert_allclose(ours, theirs, atol=1e-7)

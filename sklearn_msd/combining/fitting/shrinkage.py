"""How far to trust what few songs say: penalties towards something that needs none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import log_softmax, softmax

ShrinkTo = Literal["zero", "average", "calibrated_average", "weighted_average"]

# Strengths that "auto" compares; infinity leaves what is shrunk to.
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0, np.inf)

_CLOSELY = {"maxiter": 10_000, "maxfun": 100_000, "ftol": 0.0, "gtol": 1e-10}
_NEWTON_STEPS = 2
# As closely as decides which strength is the better.
_ROUGHLY = {"maxiter": 200, "ftol": 1e-9, "gtol": 1e-5}


def cross_entropies(logits: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Cross-entropy of each song.

    Parameters
    ----------
    logits : ndarray of shape (n_songs, n_classes)
    codes : ndarray of shape (n_songs,)
        Columns of the right classes.

    Returns
    -------
    ndarray of shape (n_songs,)
    """
    log_proba = log_softmax(logits, axis=1)
    return np.asarray(-log_proba[np.arange(len(codes)), codes])


def model_weights(
    stacked: np.ndarray, codes: np.ndarray, n_classes: int, weight: np.ndarray
) -> np.ndarray:
    """One weight, at least 0, for the logits of each model: of lowest cross-entropy.

    Parameters
    ----------
    stacked : ndarray of shape (n_songs, n_models * n_classes)
    codes : ndarray of shape (n_songs,)
    n_classes : int
    weight : ndarray of shape (n_songs,)

    Returns
    -------
    ndarray of shape (n_models,)
    """
    logits = stacked.reshape(len(stacked), -1, n_classes)
    n_models = logits.shape[1]
    share = weight / weight.sum()

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        total = np.einsum("m,nmk->nk", w, logits)
        value = share @ cross_entropies(total, codes)
        slopes = np.einsum("nk,nmk->m", _residuals(total, codes, share), logits)
        return value, slopes

    # From where a weight is of a size with the logits, whatever their scale.
    scale = max(1.0, float(np.abs(logits).mean()))
    start = np.full(n_models, 1 / (n_models * scale))
    bounds = [(0, None)] * n_models
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=_CLOSELY
    )
    return np.asarray(found.x)


def centre(
    how: ShrinkTo,
    stacked: np.ndarray,
    codes: np.ndarray,
    n_classes: int,
    weight: np.ndarray,
) -> np.ndarray:
    """What a combiner's weights are shrunk to, (n_classes, n_models * n_classes)."""
    n_models = stacked.shape[1] // n_classes
    logits = stacked.reshape(len(stacked), n_models, n_classes)
    fit = codes, n_classes, weight
    if how == "weighted_average":
        by_model = model_weights(stacked, *fit)
    else:
        by_model = np.full(n_models, 0.0 if how == "zero" else 1 / n_models)
    if how == "calibrated_average":
        by_model *= [model_weights(own, *fit)[0] for own in logits.swapaxes(0, 1)]
    if how in ("average", "calibrated_average"):
        # One temperature for all, which changes no label. Without it cross-validation
        # would free all weights, only to make an unsure average more sure.
        by_model *= model_weights(np.einsum("m,nmk->nk", by_model, logits), *fit)
    return np.kron(by_model, np.eye(n_classes))


def fit_shrunk(
    stacked: np.ndarray,
    codes: np.ndarray,
    towards: np.ndarray,
    l2: float,
    weight: np.ndarray,
    *,
    closely: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights W and intercepts b of lowest cross-entropy + ½·l2·(Σ(W - W₀)² + Σb²).

    Parameters
    ----------
    stacked : ndarray of shape (n_songs, n_inputs)
    codes : ndarray of shape (n_songs,)
    towards : ndarray of shape (n_classes, n_inputs)
        W₀.
    l2 : float
        Above 0; infinity leaves W₀ and no intercepts.
    weight : ndarray of shape (n_songs,)
    closely : bool, default=True
        To what rounding allows.

    Returns
    -------
    coef : ndarray of shape (n_classes, n_inputs)
    intercept : ndarray of shape (n_classes,)
    """
    n_classes, n_inputs = towards.shape
    if np.isinf(l2):
        return towards, np.zeros(n_classes)
    share = weight / weight.sum()
    inputs = np.hstack([stacked, np.ones((len(stacked), 1))])
    fixed = stacked @ towards.T

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        change = flat.reshape(n_classes, n_inputs + 1)
        total = fixed + inputs @ change.T
        slopes = _residuals(total, codes, share).T @ inputs + l2 * change
        value = share @ cross_entropies(total, codes) + 0.5 * l2 * (flat @ flat)
        return value, slopes.ravel()

    found = minimize(
        loss,
        np.zeros(n_classes * (n_inputs + 1)),
        jac=True,
        method="L-BFGS-B",
        options=_CLOSELY if closely else _ROUGHLY,
    ).x
    for _ in range(_NEWTON_STEPS if closely else 0):  # to where rounding ends
        change = found.reshape(n_classes, n_inputs + 1)
        proba = softmax(fixed + inputs @ change.T, axis=1)

        def curvature(flat: np.ndarray, proba: np.ndarray = proba) -> np.ndarray:
            change = flat.reshape(n_classes, n_inputs + 1)
            rise = proba * (inputs @ change.T)
            rise -= proba * rise.sum(axis=1, keepdims=True)
            slopes = (rise * share[:, None]).T @ inputs + l2 * change
            return np.asarray(slopes.ravel())

        hessian = LinearOperator((len(found), len(found)), matvec=curvature)
        found = found - cg(hessian, loss(found)[1], rtol=1e-8)[0]
    found = found.reshape(n_classes, n_inputs + 1)
    return towards + found[:, :-1], found[:, -1]


def choose_strength(
    how: ShrinkTo,
    stacked: np.ndarray,
    codes: np.ndarray,
    n_classes: int,
    weight: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
) -> float:
    """The greatest of `STRENGTHS` that is no worse than the best but for chance.

    By the cross-entropy of songs held out; no worse but for chance is within one
    standard error of the difference, song by song [1]_.

    References
    ----------
    .. [1] L. Breiman, J. Friedman, R. Olshen, C. Stone (1984). Classification and
       regression trees, section 3.4.3.
    """
    strengths = STRENGTHS[:-1] if how == "zero" else STRENGTHS
    losses = np.full((len(strengths), len(codes)), np.nan)
    for train, test in folds:
        known = stacked[train], codes[train]
        towards = centre(how, *known, n_classes, weight[train])
        for i, l2 in enumerate(strengths):
            coef, intercept = fit_shrunk(
                *known, towards, l2, weight[train], closely=False
            )
            logits = stacked[test] @ coef.T + intercept
            losses[i, test] = cross_entropies(logits, codes[test])
    tried = ~np.isnan(losses[0])  # a splitter may leave songs out
    losses, weight = losses[:, tried], weight[tried]
    best = losses[int(np.argmin(losses @ weight))]
    good = [i for i, own in enumerate(losses) if not _is_greater(own - best, weight)]
    return strengths[max(good)]


def choose_correction(
    base: np.ndarray,
    corrections: Sequence[np.ndarray],
    codes: np.ndarray,
    weight: np.ndarray,
) -> tuple[int, float]:
    """Which of several corrections to add, and what share of it, between 0 and 1.

    That of lowest cross-entropy. Base and sum are compared each at its best
    temperature, which changes no label: to make an unsure base more sure is no
    correction. The share is 0 where the gain is within one standard error of none.

    Parameters
    ----------
    base : ndarray of shape (n_songs, n_classes)
        Logits of songs held out.
    corrections : sequence of ndarray of shape (n_songs, n_classes)
        Of the same songs, those of a corrector after more and more epochs, say.
    codes, weight : ndarray of shape (n_songs,)

    Returns
    -------
    index : int
    share : float
    """
    found = [_best_share(base, one, codes, weight) for one in corrections]
    index = int(np.argmin([losses @ weight for _, losses in found]))
    share, losses = found[index]
    without = _losses_at_best_temperature(base, codes, weight)
    return index, share if _is_greater(without - losses, weight) else 0.0


def _best_share(
    base: np.ndarray, correction: np.ndarray, codes: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """The share of lowest cross-entropy, and each song's cross-entropy with it."""

    def losses(s: float) -> np.ndarray:
        return _losses_at_best_temperature(base + s * correction, codes, weight)

    found = minimize_scalar(
        lambda s: float(losses(s) @ weight), bounds=(0, 1), method="bounded"
    )
    return float(found.x), losses(found.x)


def _losses_at_best_temperature(
    logits: np.ndarray, codes: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    (scale,) = model_weights(logits, codes, logits.shape[1], weight)
    return cross_entropies(scale * logits, codes)


def _is_greater(differences: np.ndarray, weight: np.ndarray) -> bool:
    """Whether a weighted mean is more than a standard error above 0."""
    share = weight / weight.sum()
    mean = share @ differences
    error = np.sqrt(share**2 @ (differences - mean) ** 2)
    return bool(mean > error)


def _residuals(logits: np.ndarray, codes: np.ndarray, share: np.ndarray) -> Any:
    """Slopes of the mean cross-entropy by the logits."""
    slopes = np.exp(log_softmax(logits, axis=1))
    slopes[np.arange(len(codes)), codes] -= 1
    return slopes * share[:, None]

"""Does a claim hold on these songs? A paired interval over songs and seeds decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import digamma, polygamma
from scipy.stats import t

from sklearn_msd.report.declaration import Relation

Verdict = Literal["holds", "does not hold", "undecided"]

# As good as no doubt about a variance.
LARGEST_DOF = 1e4


@dataclass(frozen=True)
class Comparison:
    """Two models' accuracies, compared.

    Attributes
    ----------
    margin : float
        Left accuracy less right accuracy, between -1 and 1.
    low, high : float
        Confidence interval of the margin.
    """

    margin: float
    low: float
    high: float

    def verdict(self, relation: Relation, margin: float) -> Verdict:
        """Whether the interval lies wholly where the claim says, or wholly elsewhere.

        Parameters
        ----------
        relation : {"beats", "does not beat", "equals"}
            "beats": above 0. "does not beat": below `margin`. "equals": between
            -`margin` and `margin`.
        margin : float
        """
        if relation == "beats":
            inside, outside = self.low > 0, self.high < 0
        elif relation == "does not beat":
            inside, outside = self.high < margin, self.low > margin
        else:
            inside = -margin < self.low and self.high < margin
            outside = self.low > margin or self.high < -margin
        return "holds" if inside else "does not hold" if outside else "undecided"


@dataclass(frozen=True)
class SeedVariation:
    """How much margins vary between seeds, learned from many comparisons.

    Attributes
    ----------
    variance : float
        Of the margin with one seed, on the same songs.
    dof : float
        How many degrees of freedom it is worth beside a comparison's own.
    """

    variance: float
    dof: float


def seed_variation(differences: Sequence[np.ndarray]) -> SeedVariation | None:
    """Learn from all comparisons of a report what random starts change.

    Two or three seeds say little about one comparison's variance between seeds, but
    forty comparisons say what such variances are like: a scaled inverse chi-squared
    distribution, fitted to the moments of their logarithms [1]_.

    Parameters
    ----------
    differences : sequence of ndarray of shape (n_seeds, n_songs)
        Left model less right model, of each comparison.

    Returns
    -------
    SeedVariation or None
        None if there is one seed, or nothing varies.

    References
    ----------
    .. [1] G. Smyth, "Linear models and empirical Bayes methods for assessing
       differential expression in microarray experiments", Statistical Applications in
       Genetics and Molecular Biology 3, 2004, section 6.2.
    """
    n_seeds = min((len(d) for d in differences), default=1)
    if n_seeds < 2:
        return None
    variances = np.array([d.mean(axis=1).var(ddof=1) for d in differences])
    variances = variances[variances > 0]
    if len(variances) < 2:
        return None
    own = (n_seeds - 1) / 2
    logs = np.log(variances) - digamma(own) + np.log(own)
    spread = logs.var(ddof=1) - polygamma(1, own)
    if spread <= polygamma(1, LARGEST_DOF / 2):  # all alike
        return SeedVariation(float(np.exp(logs.mean())), LARGEST_DOF)
    half = brentq(lambda x: polygamma(1, x) - spread, 1e-3, LARGEST_DOF)
    variance = np.exp(logs.mean() + digamma(half) - np.log(half))
    return SeedVariation(float(variance), 2 * half)


def compare(
    left: ArrayLike,
    right: ArrayLike,
    seeds: SeedVariation | None = None,
    confidence: float = 0.95,
) -> Comparison:
    """Paired comparison of two models over the same seeds and validation songs.

    Both songs and seeds are drawn at random: the margin's variance is that of a mean
    over two crossed random effects, ``(MS_songs + MS_seeds - MS_rest) / (n_seeds *
    n_songs)``, with Satterthwaite's degrees of freedom. With one seed only songs are
    random, and the interval says nothing of other starts. With few, `seeds` adds what
    other comparisons tell of the variance between them.

    The interval counts two songs more than there are, one that only the left model
    gets right and one that only the right model does [1]_, so that few songs, or songs
    that all agree, do not make it too narrow.

    Parameters
    ----------
    left, right : array-like of shape (n_seeds, n_songs)
        1 where a song was classified right, 0 where wrong, or a share of epochs.
    seeds : SeedVariation, default=None
        None leaves the variance between seeds to this comparison's own.
    confidence : float, default=0.95

    Returns
    -------
    Comparison

    References
    ----------
    .. [1] D. Bonett, R. Price, "Adjusted Wald confidence interval for a difference of
       binomial proportions based on paired data", Journal of Educational and
       Behavioral Statistics 37, 2012.

    Examples
    --------
    >>> from sklearn_msd.report.judging.intervals import compare
    >>> c = compare([[1, 1, 1, 0, 1, 1, 1, 1] * 2], [[0, 0, 1, 0, 0, 0, 1, 0] * 2])
    >>> c.margin, c.verdict("beats", 0.01)
    (0.625, 'holds')
    """
    left, right = _checked(left, "left"), _checked(right, "right")
    if left.shape != right.shape:
        raise ValueError(
            "left and right must have one shape, (n_seeds, n_songs); got "
            f"{left.shape} and {right.shape}."
        )
    return _interval(left - right, (1, -1), confidence, seeds)


def accuracy(
    right: ArrayLike, seeds: SeedVariation | None = None, confidence: float = 0.95
) -> Comparison:
    """Accuracy of one model over seeds and validation songs, with its interval.

    As :func:`compare`, with two songs more that are right and two that are wrong
    (Agresti and Coull, 1998).

    Parameters
    ----------
    right : array-like of shape (n_seeds, n_songs)
    seeds : SeedVariation, default=None
        Of accuracies, not of margins.
    confidence : float, default=0.95

    Returns
    -------
    Comparison
        With chance of 0: the margin is the accuracy.
    """
    found = _interval(_checked(right, "right"), (1, 1, 0, 0), confidence, seeds)
    return Comparison(found.margin, max(found.low, 0.0), found.high)


def _checked(right: ArrayLike, name: str) -> np.ndarray:
    """What was right, as numbers of shape (n_seeds, n_songs)."""
    array = np.asarray(right)
    if array.dtype.kind not in "biuf" or array.ndim != 2 or not array.size:
        raise ValueError(
            f"{name} must be numbers of shape (n_seeds, n_songs), with at least one of "
            f"each; got the shape {array.shape} and the dtype {array.dtype}."
        )
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"{name} must lie between 0 and 1.")
    return array.astype(float)


def _interval(
    d: np.ndarray,
    more: tuple[int, ...],
    confidence: float,
    seeds: SeedVariation | None = None,
) -> Comparison:
    if not isinstance(confidence, Real) or not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1; got {confidence!r}.")
    margin = float(d.mean())
    d = np.hstack([d, np.tile(np.asarray(more, dtype=float), (len(d), 1))])
    n_seeds, n_songs = d.shape
    by_song, by_seed, mean = d.mean(axis=0), d.mean(axis=1), d.mean()
    ms_songs = n_seeds * by_song.var(ddof=1)
    variance, dof = ms_songs, ms_songs**2 / (n_songs - 1)
    if n_seeds > 1:
        rest = d - by_song - by_seed[:, None] + mean
        ms_rest = (rest**2).sum() / ((n_songs - 1) * (n_seeds - 1))
        ms_seeds, dof_seeds = n_songs * by_seed.var(ddof=1), float(n_seeds - 1)
        if seeds is not None:
            known = seeds.dof * n_songs * seeds.variance + dof_seeds * ms_seeds
            dof_seeds += seeds.dof
            ms_seeds = known / dof_seeds
        # An effect that comes out negative is none.
        variance = max(ms_songs + ms_seeds - ms_rest, ms_songs, ms_seeds)
        dof += ms_seeds**2 / dof_seeds
        dof += ms_rest**2 / ((n_songs - 1) * (n_seeds - 1))
    quantile = t.ppf((1 + confidence) / 2, variance**2 / dof)
    half = quantile * np.sqrt(variance / d.size)
    return Comparison(
        margin, float(max(mean - half, -1.0)), float(min(mean + half, 1.0))
    )

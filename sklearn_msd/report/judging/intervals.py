"""A difference of accuracies over songs and random starts, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t

from sklearn_msd.report.declaration import Relation
from sklearn_msd.report.judging.spread import Spread

Verdict = Literal["holds", "does not hold", "undecided"]


@dataclass(frozen=True)
class Comparison:
    """Two models' accuracies, compared.

    Attributes
    ----------
    margin : float
        Left accuracy less right accuracy, between -1 and 1.
    low, high : float
        Confidence interval of the margin.
    song_variance : float
        The part of the margin's variance that only more songs make smaller.
    start_variance : float
        The part that more random starts make smaller, as it is with one start.
    start_sides : float
        How many models it is of, between 1, if one varies far more, and 2, if both do
        alike: it has so many times the degrees of freedom of one.
    """

    margin: float
    low: float
    high: float
    song_variance: float = 0.0
    start_variance: float = 0.0
    start_sides: float = 1.0

    def verdict(self, relation: Relation, margin: float) -> Verdict:
        """Whether the interval lies where the claim says, or where it does not.

        Parameters
        ----------
        relation : {"beats", "does not beat", "equals"}
            "beats" holds above 0 and does not below `margin`: between them, either
            verdict is right, and an interval there says that it holds. "does not beat"
            holds below `margin` and does not above it. "equals" holds between -`margin`
            and `margin`, and does not beyond them.
        margin : float
            What counts as a difference.
        """
        if relation == "beats":
            inside, outside = self.low > 0, self.high < margin
        elif relation == "does not beat":
            inside, outside = self.high < margin, self.low > margin
        else:
            inside = -margin < self.low and self.high < margin
            outside = self.low > margin or self.high < -margin
        return "holds" if inside else "does not hold" if outside else "undecided"


def compare(
    left: ArrayLike,
    right: ArrayLike | float,
    spread: Spread | None = None,
    confidence: float = 0.95,
    group: ArrayLike | None = None,
) -> Comparison:
    """Comparison of two models, each from random starts, over the same songs.

    Songs and starts are both random: the margin's variance is that of a mean over two
    crossed random effects, ``(MS_songs + MS_starts - MS_rest) / (n_starts * n_songs)``,
    with Satterthwaite's degrees of freedom. Songs are paired; starts are not, as the
    first start of one model has nothing to do with the first of another. Where it has,
    as one builds on the other, the interval is wider than it need be. With one start
    and no `spread` only songs are random, and the interval says nothing of other
    starts. With few, `spread` adds what other models tell of the variance between them.

    The interval counts two songs more than there are, one that only the left model
    gets right and one that only the right model does [1]_, so that few songs, or songs
    that all agree, do not make it too narrow.

    Parameters
    ----------
    left, right : array-like of shape (n_starts, n_songs)
        1 where a song was classified right, 0 where wrong, or a share of epochs. A
        number on the right is an accuracy that is known, such as chance.
    spread : Spread, default=None
        None leaves the variance between starts to these models' own.
    confidence : float, default=0.95
    group : array-like of shape (n_songs,), default=None
        Songs that belong together, such as an artist's: it is then groups that are
        random, and not their songs.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If `left`, `right` and `group` do not go together, or `confidence` is none.

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
    left = _checked(left, "left")
    sides = [_start_variance(left, spread)]
    if isinstance(right, Real):
        right = _checked(np.full(left.shape, right), "right")
    else:
        right = _checked(right, "right")
        sides.append(_start_variance(right, spread))
    if left.shape != right.shape:
        raise ValueError(
            "left and right must have one shape, (n_starts, n_songs); got "
            f"{left.shape} and {right.shape}."
        )
    return _interval(left - right, (1, -1), confidence, sides, group)


def accuracy(
    right: ArrayLike,
    spread: Spread | None = None,
    confidence: float = 0.95,
    group: ArrayLike | None = None,
) -> Comparison:
    """Accuracy of one model over starts and songs, with its interval.

    As :func:`compare`, with two songs more that are right and two that are wrong
    (Agresti and Coull, 1998).

    Parameters
    ----------
    right : array-like of shape (n_starts, n_songs)
    spread : Spread, default=None
    confidence : float, default=0.95
    group : array-like of shape (n_songs,), default=None

    Returns
    -------
    Comparison
        With 0: the margin is the accuracy.
    """
    right = _checked(right, "right")
    side = _start_variance(right, spread)
    found = _interval(right, (1, 1, 0, 0), confidence, [side], group)
    return Comparison(found.margin, max(found.low, 0.0), found.high)


def _checked(right: ArrayLike, name: str) -> np.ndarray:
    """What was right, as numbers of shape (n_starts, n_songs)."""
    array = np.asarray(right)
    if array.dtype.kind not in "biuf" or array.ndim != 2 or not array.size:
        raise ValueError(
            f"{name} must be numbers of shape (n_starts, n_songs), with at least one "
            f"of each; got the shape {array.shape} and the dtype {array.dtype}."
        )
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"{name} must lie between 0 and 1.")
    return array.astype(float)


def _start_variance(right: np.ndarray, spread: Spread | None) -> tuple[float, float]:
    """What starts change in an accuracy, and the degrees of freedom of that."""
    n_starts, n_songs = right.shape
    by_start = right.mean(axis=1)
    variance = float(by_start.var(ddof=1)) if n_starts > 1 else 0.0
    if spread is None:
        return variance, n_starts - 1
    # None of few songs right says little of the odds: as of a song more right, and
    # one more wrong.
    accuracy = (by_start.mean() * n_songs + 1) / (n_songs + 2)
    return (
        spread.beside(accuracy, variance, n_starts - 1),
        n_starts - 1 + spread.dof,
    )


def _interval(
    d: np.ndarray,
    more: Sequence[int],
    confidence: float,
    sides: Sequence[tuple[float, float]],
    group: ArrayLike | None,
) -> Comparison:
    """Of a mean of d, (n_starts, n_songs).

    Parameters
    ----------
    more : sequence of int
        Songs to add.
    sides : sequence of (float, float)
        What starts change in the mean, by model, and the degrees of freedom.
    """
    if not isinstance(confidence, Real) or not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1; got {confidence!r}.")
    margin = float(d.mean())
    d = np.hstack([d, np.tile(np.asarray(more, dtype=float), (len(d), 1))])
    if group is not None:
        d = _by_group(d, np.asarray(group), len(more))
    n_starts, n_songs = d.shape
    mean = d.mean()
    ms_songs = n_starts * d.mean(axis=0).var(ddof=1)
    ms_rest = 0.0
    dof = ms_songs**2 / (n_songs - 1)
    if n_starts > 1:
        by_song, by_start = d.mean(axis=0), d.mean(axis=1)
        rest = d - by_song - by_start[:, None] + mean
        ms_rest = (rest**2).sum() / ((n_songs - 1) * (n_starts - 1))
        dof += ms_rest**2 / ((n_songs - 1) * (n_starts - 1))
    variances = np.array([variance for variance, _ in sides])
    ms_starts = n_songs * variances.sum()
    for variance, own in sides:
        if variance > 0:
            dof += (n_songs * variance) ** 2 / own
    # An effect that comes out negative is none.
    total = max(ms_songs + ms_starts - ms_rest, ms_songs, ms_starts)
    variance = total / d.size
    half = t.ppf((1 + confidence) / 2, total**2 / dof) * np.sqrt(variance)
    of_songs = max(ms_songs - ms_rest, 0.0) / d.size
    return Comparison(
        margin,
        float(max(mean - half, -1.0)),
        float(min(mean + half, 1.0)),
        float(of_songs),
        float((variance - of_songs) * n_starts),
        float(variances.sum() ** 2 / (variances**2).sum()) if ms_starts > 0 else 1.0,
    )


def _by_group(d: np.ndarray, group: np.ndarray, n_more: int) -> np.ndarray:
    """A column for each group, and for each added song, of the same mean.

    A mean over songs in groups is a ratio, of sums over groups to their sizes; the
    columns are its linear approximation.
    """
    if group.shape != (d.shape[1] - n_more,):
        raise ValueError(
            f"group must be (n_songs,) = ({d.shape[1] - n_more},); got {group.shape}."
        )
    codes = np.unique(group, return_inverse=True)[1]
    codes = np.r_[codes, codes.max() + 1 + np.arange(n_more)]
    n_groups = codes[-1] + 1
    mean = d.mean()
    sums = np.stack([np.bincount(codes, row, n_groups) for row in d - mean])
    return np.asarray(mean + sums * n_groups / d.shape[1])

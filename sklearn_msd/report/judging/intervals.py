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
    """

    margin: float
    low: float
    high: float
    song_variance: float = 0.0
    start_variance: float = 0.0

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
    right: ArrayLike,
    spread: Spread | None = None,
    confidence: float = 0.95,
    group: ArrayLike | None = None,
) -> Comparison:
    """Paired comparison of two models over the same random starts and songs.

    Songs and starts are both random: the margin's variance is that of a mean over two
    crossed random effects, ``(MS_songs + MS_starts - MS_rest) / (n_starts * n_songs)``,
    with Satterthwaite's degrees of freedom. With one start and no `spread` only songs
    are random, and the interval says nothing of other starts. With few, `spread` adds
    what other comparisons tell of the variance between them.

    The interval counts two songs more than there are, one that only the left model
    gets right and one that only the right model does [1]_, so that few songs, or songs
    that all agree, do not make it too narrow.

    Parameters
    ----------
    left, right : array-like of shape (n_starts, n_songs)
        1 where a song was classified right, 0 where wrong, or a share of epochs.
    spread : Spread, default=None
        None leaves the variance between starts to this comparison's own.
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
    left, right = _checked(left, "left"), _checked(right, "right")
    if left.shape != right.shape:
        raise ValueError(
            "left and right must have one shape, (n_starts, n_songs); got "
            f"{left.shape} and {right.shape}."
        )
    return _interval(left - right, (1, -1), confidence, spread, group)


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
        Of accuracies, not of margins.
    confidence : float, default=0.95
    group : array-like of shape (n_songs,), default=None

    Returns
    -------
    Comparison
        With 0: the margin is the accuracy.
    """
    found = _interval(_checked(right, "right"), (1, 1, 0, 0), confidence, spread, group)
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


def _interval(
    d: np.ndarray,
    more: Sequence[int],
    confidence: float,
    spread: Spread | None,
    group: ArrayLike | None,
) -> Comparison:
    if not isinstance(confidence, Real) or not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1; got {confidence!r}.")
    margin = float(d.mean())
    d = np.hstack([d, np.tile(np.asarray(more, dtype=float), (len(d), 1))])
    if group is not None:
        d = _by_group(d, np.asarray(group), len(more))
    n_starts, n_songs = d.shape
    mean = d.mean()
    ms_songs = n_starts * d.mean(axis=0).var(ddof=1)
    ms_starts = ms_rest = 0.0
    dof = ms_songs**2 / (n_songs - 1)
    if n_starts > 1:
        by_song, by_start = d.mean(axis=0), d.mean(axis=1)
        rest = d - by_song - by_start[:, None] + mean
        ms_rest = (rest**2).sum() / ((n_songs - 1) * (n_starts - 1))
        ms_starts = n_songs * by_start.var(ddof=1)
        dof += ms_rest**2 / ((n_songs - 1) * (n_starts - 1))
    own = n_starts - 1
    if spread is not None:
        ms_starts = n_songs * spread.beside(ms_starts / n_songs, own)
        own += spread.dof
    if own > 0:
        dof += ms_starts**2 / own
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

"""How surely an accuracy is known, and a difference of two on the same songs.

Songs that share a group, such as an artist, count as little as they differ.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A number and its 95 % confidence interval."""

    value: float
    low: float
    high: float


def accuracy_estimate(
    correct: NDArray[np.floating], group: NDArray[np.generic] | None = None
) -> Estimate:
    """Accuracy, with Wilson's interval over songs [1]_.

    Parameters
    ----------
    correct : ndarray of shape (n_songs,)
        1 where a song was classified right, 0 where wrong; between them, the share of
        repetitions in which it was right.
    group : ndarray of shape (n_songs,), default=None
        Songs of a group are not independent: the interval is that of as many
        independent songs as would make the mean vary as much.

    References
    ----------
    .. [1] E. Wilson, "Probable inference, the law of succession, and statistical
       inference", Journal of the American Statistical Association 22, 1927.
    """
    n = float(len(correct))
    mean = float(np.mean(correct))
    if group is not None:
        sums = _sums(correct - mean, group)
        n_groups = len(sums)
        variance = n_groups / max(n_groups - 1, 1) * (sums**2).sum() / n**2
        spread = mean * (1 - mean)
        n = min(n, spread / variance) if variance > 0 and spread > 0 else n_groups
    z2 = float(norm.ppf((1 + CONFIDENCE) / 2)) ** 2
    centre = (mean + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (mean * (1 - mean) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Estimate(
        mean, max(0.0, float(centre - half)), min(1.0, float(centre + half))
    )


def difference_estimate(
    left: NDArray[np.floating],
    right: NDArray[np.floating],
    group: NDArray[np.generic] | None = None,
) -> Estimate:
    """Accuracy of one model less that of another on the same songs, paired.

    The interval counts two songs more than there are, one that only the left model
    gets right and one that only the right one does [1]_, so that few songs, or songs
    that all agree, do not make it too narrow.

    Parameters
    ----------
    left, right : ndarray of shape (n_songs,)
        As for `accuracy_estimate`.
    group : ndarray of shape (n_songs,), default=None

    References
    ----------
    .. [1] D. Bonett, R. Price, "Adjusted Wald confidence interval for a difference of
       binomial proportions based on paired data", Journal of Educational and
       Behavioral Statistics 37, 2012.
    """
    margins = np.append(left - right, [1.0, -1.0])
    n = len(margins)
    mean = margins.mean()
    rest = margins - mean
    if group is not None:
        rest = np.append(_sums(rest[:-2], group), rest[-2:])
    n_groups = len(rest)
    variance = n_groups / (n_groups - 1) * (rest**2).sum() / n**2
    half = t.ppf((1 + CONFIDENCE) / 2, n_groups - 1) * np.sqrt(variance)
    value = float(np.mean(left - right))
    return Estimate(value, max(-1.0, float(mean - half)), min(1.0, float(mean + half)))


def chance(y: NDArray[np.generic]) -> float:
    """Accuracy of always saying the most frequent label."""
    return float(np.unique(y, return_counts=True)[1].max() / len(y))


def _sums(
    values: NDArray[np.floating], group: NDArray[np.generic]
) -> NDArray[np.floating]:
    _, index = np.unique(group, return_inverse=True)
    sums: NDArray[np.floating] = np.bincount(index, weights=values).astype(float)
    return sums

"""How much a result changes from one random start to another, learned from many."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

# Variances are never taken to be more alike than this, however alike a few dozen look.
LARGEST_DOF = 16.0


@dataclass(frozen=True)
class Spread:
    """What all models tell of the variance between starts.

    Attributes
    ----------
    variance : float
        Of the log-odds of a right answer, with one start, on the same songs.
    dof : float
        How many degrees of freedom it is worth beside a model's own.
    typical : float
        Geometric mean of the variances of all accuracies.
    """

    variance: float
    dof: float
    typical: float

    def beside(self, accuracy: float, own_variance: float, own_dof: float) -> float:
        """An accuracy's own variance and this, weighted by degrees of freedom."""
        expected = self.variance * _square_of_slope(accuracy)
        weighted = self.dof * expected + own_dof * own_variance
        return weighted / (self.dof + own_dof)


class Observed(NamedTuple):
    """The results of one model with several starts.

    Parameters
    ----------
    kind : hashable
        Results of one kind vary alike: those on the same songs.
    accuracy : float
        Mean over starts.
    variance : float
        Of the accuracy, between starts.
    dof : int
        The number of starts less one.
    """

    kind: Hashable
    accuracy: float
    variance: float
    dof: int


def learn_spread(observed: Sequence[Observed]) -> dict[Hashable, Spread]:
    """Learn from all results of a report what random starts change.

    Two or three starts say little about one result's variance between starts, but forty
    results say what such variances are like: a scaled inverse chi-squared distribution,
    fitted to the moments of their logarithms [1]_. Its scale is that of the kind, which
    counts for less the fewer results tell it; its width is that of all kinds together.

    It is the log-odds that vary about alike, whether a model is right in half of the
    songs or in nine of ten. Of an accuracy p they make p (1 - p) as much.

    Parameters
    ----------
    observed : sequence of Observed
        Those of no variance, or of a single start, tell nothing.

    Returns
    -------
    dict of hashable to Spread
        By kind; without the kinds of which nothing is known.

    References
    ----------
    .. [1] G. Smyth, "Linear models and empirical Bayes methods for assessing
       differential expression in microarray experiments", Statistical Applications in
       Genetics and Molecular Biology 3, 2004, section 6.2.
    """
    known = [one for one in observed if one.dof > 0 and one.variance > 0]
    kinds = list(dict.fromkeys(one.kind for one in known))
    if len(known) - len(kinds) < 1:
        return {}
    own = np.array([one.dof for one in known]) / 2
    variances = np.log([one.variance for one in known]) - digamma(own) + np.log(own)
    slopes = np.log([_square_of_slope(one.accuracy) for one in known])
    logs = variances - slopes
    code = np.array([kinds.index(one.kind) for one in known])
    centres = np.bincount(code, logs) / np.bincount(code)
    residual = logs - centres[code]
    width = (residual**2).sum() / (len(known) - len(kinds)) - polygamma(1, own).mean()
    dof, shift = LARGEST_DOF, 0.0
    if width > polygamma(1, LARGEST_DOF / 2):  # else they are more alike than that
        half = brentq(lambda x: polygamma(1, x) - width, 1e-3, LARGEST_DOF)
        dof, shift = 2 * half, digamma(half) - np.log(half)
    found = {}
    for k, kind in enumerate(kinds):
        # What others than the one result tell of the scale.
        others = 2 * (own[code == k].sum() - own[code == k].mean())
        if others > 0:
            variance = np.exp(centres[k] + shift)
            typical = np.exp(variances[code == k].mean())
            worth = 1 / (1 / dof + 1 / others)
            found[kind] = Spread(float(variance), float(worth), float(typical))
    return found


def _square_of_slope(accuracy: float) -> float:
    """Of the accuracy as a function of its log-odds."""
    return (accuracy * (1 - accuracy)) ** 2

"""Labels of few songs: how many a model needs, and what to say of fewer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV

# Labels that one message names.
_MAX_NAMED = 3


def songs_needed(estimator: Any) -> int:
    """How many songs of each label a fit needs.

    More than one where an estimator divides the songs that it is given into folds of
    its own, as combiners and calibration do.

    Examples
    --------
    >>> from sklearn.calibration import CalibratedClassifierCV
    >>> from sklearn.svm import SVC
    >>> from sklearn_msd import LinearCombiner
    >>> from sklearn_msd.cli.few_songs import songs_needed
    >>> svm = CalibratedClassifierCV(SVC(), cv=3)
    >>> songs_needed(SVC()), songs_needed(svm)
    (1, 3)
    >>> songs_needed(LinearCombiner([("svm", svm)], cv=3))
    5
    """
    inside = max((songs_needed(part) for part in _parts(estimator)), default=1)
    folds = estimator.get_params(deep=False).get("cv")
    if not isinstance(folds, int) or folds < 2:
        return inside
    # scikit-learn's calibration asks for a song of each label in each fold, too.
    needed = folds if isinstance(estimator, CalibratedClassifierCV) else 1
    while needed - math.ceil(needed / folds) < inside:
        needed += 1
    return needed


def _parts(estimator: Any) -> Iterator[Any]:
    """Estimators that are parameters of another, alone or in a list with names."""
    for value in estimator.get_params(deep=False).values():
        for one in value if isinstance(value, list) else [value]:
            part = one[-1] if isinstance(one, tuple) and one else one
            if hasattr(part, "fit") and hasattr(part, "get_params"):
                yield part


def too_few(
    y: NDArray[Any], parts: Iterable[NDArray[np.intp]], estimator: Any
) -> str | None:
    """Why an estimator cannot be fitted to parts of the songs, if one has too few.

    Parameters
    ----------
    y : ndarray of shape (n_songs,)
        Labels of all songs.
    parts : iterable of ndarray
        Songs to fit it to, one part after the other.
    estimator : classifier
    """
    needed = songs_needed(estimator)
    least, label = needed, None
    for part in parts:
        labels, counts = np.unique(y[part], return_counts=True)
        if len(labels) > 1 and counts.min() < least:
            least, label = counts.min(), labels[counts.argmin()]
    if label is None:
        return None
    n_all = np.count_nonzero(y == label)
    return (
        f"not tried: it needs {needed} songs of each label to train on, and folds "
        f"leave as few as {least} of the {n_all} of {str(label)!r}"
    )


def few_in_words(y: NDArray[Any], n_folds: int) -> str | None:
    """A sentence on labels that have fewer songs than there are folds, if any has."""
    labels, counts = np.unique(y, return_counts=True)
    few = [
        f"{str(label)!r} has {count} song{'s' if count > 1 else ''}"
        for label, count in zip(labels, counts, strict=True)
        if count < n_folds
    ]
    if not few:
        return None
    more = f", and {len(few) - _MAX_NAMED} more labels" if few[_MAX_NAMED:] else ""
    return (
        f"label {', '.join(few[:_MAX_NAMED])}{more}: fewer than the {n_folds} folds. "
        "Such a label is judged by these few, and models that divide the songs once "
        "more may not be tried. Add songs of it, or leave it out."
    )

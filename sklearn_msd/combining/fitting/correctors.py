"""Correctors fitted, alone or once for each fold, to see what they are good for."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from sklearn_msd.classifiers.preparing import FitOptions
from sklearn_msd.combining.fitting.shrinkage import choose_share
from sklearn_msd.combining.logits import class_logits, folds_of
from sklearn_msd.common.scikit_learn.private import check_sample_weight, safe_indexing

# Of songs that a frozen base has not seen.
_N_FOLDS = 5


def held_out_share(
    corrector: Any,
    songs: Any,
    y: np.ndarray,
    sample_weight: Any,
    folds: Any,
    warn_of_scale: bool,
) -> float:
    """What share of a correction suits songs that the corrector has not seen.

    Parameters
    ----------
    corrector : net classifier, or pipeline that ends in one
        Cloned for each fold.
    songs : Songs
        Rows and the base's logits.
    y : ndarray of shape (n_songs,)
    sample_weight : array-like of shape (n_songs,) or None
    folds : list of (train, test) or None
        None is 5 stratified ones.
    warn_of_scale : bool
        Whether unscaled rows are warned of.

    Returns
    -------
    float
        From 0 to 1.
    """
    classes = np.unique(y)
    if folds is None:
        folds = folds_of(_N_FOLDS, songs.logits, y)
    weight = check_sample_weight(sample_weight, songs.logits)
    correction = np.full(songs.logits.shape, np.nan)
    for known, held_out in folds:
        if len(np.unique(y[known])) < len(classes):
            continue
        net = clone(corrector)
        net_of(net).set_params(checkpoint=None)
        fit_net(
            net,
            safe_indexing(songs.rows, known),
            y[known],
            sample_weight=None if sample_weight is None else weight[known],
            base_logits=songs.logits[known],
            options=FitOptions(warn_of_scale=warn_of_scale),
        )
        correction[held_out] = class_logits(net, safe_indexing(songs.rows, held_out))
    tried = ~np.isnan(correction).any(axis=1)
    if not tried.any():
        return 0.0
    return choose_share(
        songs.logits[tried],
        correction[tried],
        np.searchsorted(classes, y)[tried],
        weight[tried],
    )


def fit_net(corrector: Any, rows: Any, y: np.ndarray, **kwargs: Any) -> None:
    """Fit a corrector, and what stands before the net in a pipeline."""
    if isinstance(corrector, Pipeline) and len(corrector) > 1:
        front = corrector[:-1]
        rows = front.fit_transform(rows, y)
        if kwargs.get("X_val") is not None:
            kwargs["X_val"] = front.transform(kwargs["X_val"])
    net_of(corrector)._fit(rows, y, **kwargs)


def net_of(corrector: Any) -> Any:
    """What is trained of a corrector: itself, or the last step of a pipeline."""
    return corrector[-1] if isinstance(corrector, Pipeline) else corrector

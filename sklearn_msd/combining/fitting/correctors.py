"""Correctors fitted, alone or once for each fold, to see what they are good for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback

from sklearn_msd.classifiers.preparing import FitOptions
from sklearn_msd.combining.fitting.shrinkage import choose_correction
from sklearn_msd.combining.logits import class_logits, folds_of
from sklearn_msd.common.scikit_learn.private import check_sample_weight, safe_indexing

# Of songs that a frozen base has not seen.
_N_FOLDS = 5


class Suited(NamedTuple):
    """What suits songs that a corrector has not seen.

    Attributes
    ----------
    share : float
        Of the correction, from 0 to 1.
    n_epochs : int or None
        To train the corrector for; None leaves that to its parameters.
    """

    share: float
    n_epochs: int | None


def suited(
    corrector: Any,
    songs: Any,
    y: np.ndarray,
    sample_weight: Any,
    folds: Any,
    warn_of_scale: bool,
    choose_epochs: bool,
) -> Suited:
    """Fit a corrector for each fold, to see what suits the songs held out.

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
    choose_epochs : bool
        Whether the number of epochs is chosen too, one for all folds, together with
        the share. Otherwise corrections are those of whole trainings.

    Returns
    -------
    Suited
    """
    classes, codes = np.unique(y, return_inverse=True)
    if folds is None:
        folds = folds_of(_N_FOLDS, songs.logits, y)
    weight = check_sample_weight(sample_weight, songs.logits)
    tried, corrections = [], []  # songs held out, (n_epochs, n_songs, n_classes)
    for known, held_out in folds:
        if len(np.unique(y[known])) < len(classes):
            continue
        net, recorder = clone(corrector), OwnLogits()
        net_of(net).set_params(checkpoint=None)
        rows = safe_indexing(songs.rows, held_out)
        watched = {}
        if choose_epochs:
            own = net_of(net).callbacks or []
            net_of(net).set_params(callbacks=[*own, recorder])
            watched = {
                "X_val": rows,
                "y_val": y[held_out],
                "base_logits_val": songs.logits[held_out],
            }
        fit_net(
            net,
            safe_indexing(songs.rows, known),
            y[known],
            sample_weight=None if sample_weight is None else weight[known],
            base_logits=songs.logits[known],
            options=FitOptions(
                warn_of_scale=warn_of_scale, warn_of_validation=not choose_epochs
            ),
            **watched,
        )
        tried.append(held_out)
        corrections.append(recorder.epochs or [class_logits(net, rows)])
    if not tried:
        return Suited(0.0, None)
    order = np.argsort(np.concatenate(tried))
    held_out = np.concatenate(tried)[order]
    base, codes, weight = songs.logits[held_out], codes[held_out], weight[held_out]
    # As many epochs as all folds have.
    epochs = zip(*corrections, strict=False)
    by_epoch = [np.concatenate(parts)[order] for parts in epochs]
    best, share = choose_correction(base, by_epoch, codes, weight)
    return Suited(share, best + 1 if choose_epochs else None)


class OwnLogits(Callback):
    """Keeps what a corrector alone says of the songs to validate on.

    Attributes
    ----------
    epochs : list of ndarray of shape (n_songs, n_classes)
    """

    # Batches of the training are of no interest.
    training_batches = False

    def __init__(self) -> None:
        self.epochs: list[np.ndarray] = []

    def __deepcopy__(self, memo: Any) -> OwnLogits:
        return self  # a net's copies tell what they say here

    def __sklearn_clone__(self) -> OwnLogits:
        return self

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin an epoch."""
        self._parts: list[Any] = []

    def on_batch_end(
        self,
        net: Any,
        batch: Any = None,
        training: bool = False,
        y_pred: Any = None,
        **kwargs: Any,
    ) -> None:
        """Take the logits that the net computed anyway."""
        if not training:
            self._parts.append((y_pred - batch[0]["base_logits"]).cpu().numpy())

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Keep those of the epoch."""
        self.epochs.append(np.concatenate(self._parts))


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

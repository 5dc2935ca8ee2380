"""Warnings of a fit: what makes it poor, and what to change."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from sklearn_msd.nets.base import SegmentNet

# Rows that the scale is judged by: read in no time, from a memory map as well.
N_SAMPLED = 256
# Of standardised inputs the mean size is at most 1, whatever their distribution; of
# binary ones and of those between 0 and 1 it is, too.
LARGE = 10.0
# Compared with the largest value, since a rare binary input is 0 in the mean.
SMALL = 0.01
# Inputs scaled alike differ less than this in their mean size, be they of other songs.
ANOTHER_SCALE = 4.0
# One of so many songs is 5 points of accuracy.
FEW_SONGS = 20
# The losses of epochs scatter by hundredths; twice that of the start is no scatter.
EXPLODED = 2.0


def warn_of_scale(X: np.ndarray) -> None:
    """Warn of inputs that look as if nobody had scaled them.

    Parameters
    ----------
    X : ndarray of shape (n_songs, n_features)
        May end in NaN; a sample of its rows is read.
    """
    found = _unscaled(_sizes(X))
    if found is not None:
        warnings.warn(
            f"X looks unscaled: {found}, and nets learn best near 1. Put a scaler "
            "before it: make_pipeline(StandardScaler(), net), or SegmentScaler().",
            UserWarning,
            stacklevel=2,
        )


def warn_of_validation_scale(X_val: Any, X: Any) -> None:
    """Warn of songs to validate on that were not scaled as those to train on were.

    Parameters
    ----------
    X_val, X : ndarray or Tensor of shape (n_songs, n_features)
        May end in NaN; a sample of the rows is read.
    """
    sizes, others = _sizes(X_val), _sizes(X)
    found, mean, other = _unscaled(sizes), np.nanmean(sizes), np.nanmean(others)
    if found is None and not other <= ANOTHER_SCALE * mean <= ANOTHER_SCALE**2 * other:
        found = f"the mean size of its inputs is {mean:.2g}, that of X {other:.2g}"
    if found is not None and _unscaled(others) is None:
        warnings.warn(
            f"X_val looks unscaled: {found}. A Pipeline scales X alone: scale X_val "
            "with the fitted scaler, or name it in the Pipeline's transform_input.",
            UserWarning,
            stacklevel=2,
        )


def _sizes(X: Any) -> np.ndarray:
    """Absolute values of a sample of the songs, NaN where a song has ended."""
    rows = np.linspace(0, len(X) - 1, min(len(X), N_SAMPLED)).astype(int)
    sample = X[rows]
    if isinstance(sample, torch.Tensor):
        sample = sample.cpu().numpy()
    return np.abs(np.asarray(sample, dtype=np.float64))


def _unscaled(sizes: np.ndarray) -> str | None:
    """What shows that nobody scaled the inputs, if anything does."""
    present = np.nan_to_num(sizes, nan=0.0)
    mean_size, largest = float(present.mean(axis=0).max()), float(present.max())
    if mean_size > LARGE:
        return f"the mean size of an input is {mean_size:.0e}"
    if 0 < largest < SMALL:
        return f"the largest value of a sample is {largest:.0e}"
    return None


def warn_of_shrinking(module: nn.Module) -> None:
    """Warn of kernels or pools that are longer than a song.

    Parameters
    ----------
    module : Module
        New.
    """
    shrunk = module.shrunk() if isinstance(module, SegmentNet) else []
    if shrunk:
        warnings.warn(
            f"For songs this short {' and '.join(shrunk)}: larger values make no other "
            "net.",
            UserWarning,
            stacklevel=2,
        )


def enough_to_validate(n_wanted: int, n: int, n_to_train: int) -> float | None:
    """The least `validation_fraction`, in hundredths, that holds so many songs out.

    None if that leaves fewer than `n_to_train` of the `n` songs.

    Examples
    --------
    >>> enough_to_validate(20, 80, 4)
    0.25
    >>> enough_to_validate(20, 22, 4)
    """
    fraction = math.ceil(100 * n_wanted / n) / 100
    return fraction if n - math.ceil(fraction * n) >= n_to_train else None


def warn_of_validation_part(
    estimator: Any, y: np.ndarray, *, held_out_of: int | None
) -> None:
    """Warn of validation songs that are too few to choose an epoch, or lack a class.

    Parameters
    ----------
    estimator : object
        With `classes_`, and the parameters of a training.
    y : ndarray of shape (n_songs,)
        Class indices of the validation songs.
    held_out_of : int or None
        From how many songs `early_stopping` took them; None if they were given.
    """
    held_out = held_out_of is not None
    what = "validation_fraction" if held_out else "X_val and y_val"
    remedy = f"Raise {what}" if held_out else f"Give more songs in {what}"
    n_classes = len(estimator.classes_)
    enough = max(FEW_SONGS, 2 * n_classes)
    if estimator.early_stopping and len(y) < enough:
        instead = f"{remedy}, or set early_stopping=False"
        if held_out_of is not None:
            fraction = enough_to_validate(enough, held_out_of, 2 * n_classes)
            instead = "Set early_stopping=False"
            if fraction is not None:
                instead += f", or validation_fraction={fraction:g} to watch {enough}"
        warnings.warn(
            f"early_stopping watches only {len(y)} songs of {n_classes} classes: the "
            f"epoch that it takes is largely chance. {instead}.",
            UserWarning,
            stacklevel=2,
        )
    missing = np.setdiff1d(np.arange(n_classes), y)
    if len(missing):
        names = ", ".join(map(repr, estimator.classes_[missing[:5]].tolist()))
        warnings.warn(
            f"No validation song is of {len(missing)} of the {n_classes} classes "
            f"({names}{', …' if len(missing) > 5 else ''}): the validation curves do "
            "not show them. "
            + (remedy if held_out else f"Draw {what} with stratify=y")
            + ".",
            UserWarning,
            stacklevel=2,
        )


def warn_if_not_converged(estimator: Any) -> None:
    """Warn where `early_stopping` still awaited the end of a falling loss.

    That is so where the last of `max_epochs` was reached and the best epoch is in the
    last tenth. A one-cycle schedule falls to its end by design.

    Parameters
    ----------
    estimator : object
        Fitted, with its curves.
    """
    n_epochs: int = estimator.max_epochs
    patience = min(estimator.n_iter_no_change, max(1, n_epochs // 10))
    if (
        estimator.early_stopping
        and estimator.lr_schedule == "constant"
        and estimator.n_iter_ == n_epochs
        and n_epochs - estimator.best_iter_ < patience
    ):
        warnings.warn(
            f"The validation loss was still falling when max_epochs={n_epochs} ended "
            "the training. Raise max_epochs or learning_rate.",
            ConvergenceWarning,
            stacklevel=2,
        )


def warn_if_diverged(estimator: Any, loss_without_net: float) -> None:
    """Warn where the training loss exploded and came to nothing.

    That is so where the loss of an epoch is `EXPLODED` times what it was before the
    first step, and of guessing, and the weights that are kept are of an epoch that is
    no better than a prediction without the net. Of these, the last alone is not enough:
    where nothing can be learned, it is so without any fault of the rate.

    Parameters
    ----------
    estimator : object
        Fitted, with its curves.
    loss_without_net : float
        Of the same songs.
    """
    curve: list[float] = estimator.loss_curve_
    if not curve:
        return
    first = float(estimator.net_.history[0, "batches", 0, "train_loss"])
    start = max(first, loss_without_net, math.log(len(estimator.classes_)))
    kept = curve[(estimator.best_iter_ if estimator.early_stopping else 0) - 1]
    if max(curve) > EXPLODED * start and kept > loss_without_net:
        warnings.warn(
            f"The training diverged: the loss rose from {first:.3g} to "
            f"{max(curve):.3g} in epoch {np.argmax(curve) + 1}, and {kept:.3g} in the "
            f"end is no better than {loss_without_net:.3g} without the net. "
            "Standardise X or lower learning_rate, which is "
            f"{estimator.learning_rate}.",
            ConvergenceWarning,
            stacklevel=2,
        )

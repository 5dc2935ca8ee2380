"""Follow the validation songs through a training, whatever it is that trains."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from torch.nn.functional import cross_entropy


@dataclass
class Course:
    """One training's validation, epoch by epoch.

    Attributes
    ----------
    losses : list of float
        Mean cross-entropy of the songs, without penalties.
    predictions : list of ndarray of shape (n_songs,)
        Class of the largest logit.
    own_losses, own_predictions : list
        The same of the net's own logits, where these are added to others.
    """

    losses: list[float] = field(default_factory=list)
    predictions: list[np.ndarray] = field(default_factory=list)
    own_losses: list[float] = field(default_factory=list)
    own_predictions: list[np.ndarray] = field(default_factory=list)


class ValidationFollower(Callback):
    """Keeps what nets predict for their validation songs in each epoch.

    An estimator may train several nets with it, one after the other, and copies it for
    each: copies share what was kept.

    Attributes
    ----------
    courses : list of Course
        One for each training that had validation songs.
    """

    def __init__(self) -> None:
        self.courses: list[Course] = []

    def __deepcopy__(self, memo: Any) -> ValidationFollower:
        return self

    def __sklearn_clone__(self) -> ValidationFollower:
        return self

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin a training."""
        self._course = Course()

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin an epoch."""
        self._batches: list[tuple[torch.Tensor, ...]] = []

    def on_batch_end(
        self,
        net: Any,
        batch: Any = None,
        training: bool = False,
        y_pred: Any = None,
        **kwargs: Any,
    ) -> None:
        """Take the logits that the net computed anyway."""
        if training:
            return
        inputs, y = batch
        logits = y_pred[0] if isinstance(y_pred, tuple) else y_pred
        own = logits - inputs["base_logits"] if "base_logits" in inputs else logits
        kept = []
        for scores in (logits, own):
            kept += [cross_entropy(scores, y, reduction="none"), scores.argmax(1)]
        self._batches.append(tuple(values.cpu() for values in kept))

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """End an epoch."""
        if not self._batches:
            return
        if not self._course.losses:
            self.courses.append(self._course)
        parts = zip(*self._batches, strict=True)
        loss, predicted, own_loss, own = (torch.cat(part).numpy() for part in parts)
        self._course.losses.append(float(loss.mean()))
        self._course.predictions.append(predicted)
        self._course.own_losses.append(float(own_loss.mean()))
        self._course.own_predictions.append(own)

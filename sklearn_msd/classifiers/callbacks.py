"""The callbacks of a fit, the user's and its own, and the curves that they record."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    InputShapeSetter,
    LRScheduler,
)
from torch.optim.lr_scheduler import OneCycleLR

from sklearn_msd.training.keeping.checkpoints import Checkpoint
from sklearn_msd.training.net import LogitNet


def fit_callbacks(
    estimator: Any, n_songs: int, validated: bool, checkpoint: Checkpoint | None
) -> dict[str, Callback]:
    """Those that the parameters of `fit` ask for, by name, in the order of calls."""
    callbacks: dict[str, Callback] = {}
    if estimator.lr_schedule == "one_cycle":
        schedule = LRScheduler(
            policy=OneCycleLR,
            max_lr=estimator.learning_rate,
            total_steps=estimator.max_epochs
            * math.ceil(n_songs / estimator.batch_size),
            step_every="batch",
        )
        callbacks["one_cycle"] = schedule
    if checkpoint is not None:
        callbacks["fit_checkpoint"] = checkpoint
    if estimator.early_stopping and validated:
        stopping = EarlyStopping(
            patience=estimator.n_iter_no_change, threshold=0, load_best=True
        )
        callbacks["early_stopping"] = stopping
    return callbacks


def own_callbacks(estimator: Any) -> list[Any]:
    """The user's callbacks, as they are.

    Raises
    ------
    TypeError
        If there is something else among them, or skorch's InputShapeSetter: nets take
        the width of their input from X anyway, and cannot be told another.
    """
    for i, item in enumerate(estimator.callbacks or []):
        pair = isinstance(item, list | tuple) and len(item) == 2
        callback = item[1] if pair else item
        if not (
            isinstance(callback, Callback)
            or (isinstance(callback, type) and issubclass(callback, Callback))
        ):
            raise TypeError(
                f"callbacks[{i}] must be a skorch callback, or a pair of a name "
                f"and one; got {item!r}."
            )
        if isinstance(callback, InputShapeSetter) or callback is InputShapeSetter:
            raise TypeError(
                f"callbacks[{i}] is an InputShapeSetter, which nets have no use for: "
                "they take the width of their input from X. Leave it out."
            )
    return list(estimator.callbacks or [])


def has_callbacks_of(net: LogitNet, estimator: Any) -> bool:
    """Whether a net still has the callbacks that the estimator's parameter names."""
    had, now = net.callbacks, estimator.callbacks or []
    return (
        had is not None
        and len(had) == len(now)
        and all(a is b for a, b in zip(had, now, strict=True))
    )


class EpochsAsTasks(Callback):
    """Tell scikit-learn's callbacks of each epoch."""

    def __init__(self, context: Any, task: dict[str, Any]) -> None:
        self.context, self.task = context, task

    def on_epoch_begin(self, net: LogitNet, **kwargs: Any) -> None:
        """Begin a task for the epoch."""
        self.epoch = self.context.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(**self.task, **self._fitted(net))

    def on_epoch_end(self, net: LogitNet, **kwargs: Any) -> None:
        """End it, and the training where a callback asks for that."""
        if self.epoch.call_on_fit_task_end(**self.task, **self._fitted(net)):
            raise KeyboardInterrupt  # skorch's way to end a training

    def _fitted(self, net: LogitNet) -> dict[str, Any]:
        # A function, called only where a callback asks for it: it copies the weights.
        return {"reconstruction_attributes": lambda: {"net_": copy.deepcopy(net)}}


def curves_of(net: LogitNet) -> dict[str, Any]:
    """Fitted attributes of a net classifier, from what the callbacks have recorded."""
    history = list(net.history)
    # Python's floats, as numpy's are ill to read in a list.
    curves: dict[str, Any] = {
        "n_iter_": len(history),
        "best_iter_": len(history),
        "loss_curve_": [float(epoch["train_loss"]) for epoch in history],
        "penalty_curve_": [epoch["penalty"] for epoch in history],
        "validation_loss_curve_": None,
        "validation_scores_": None,
    }
    if history and "valid_loss" in history[-1]:
        losses = [float(epoch["valid_loss"]) for epoch in history]
        curves["validation_loss_curve_"] = losses
        curves["validation_scores_"] = [epoch["valid_acc"] for epoch in history]
        curves["best_iter_"] = int(np.argmin(losses)) + 1
    return curves

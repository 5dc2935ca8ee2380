"""Checkpoints: a training in a file, from which a `fit` that was killed goes on.

The file is of the same kind as a model's, without pickle, and appears whole or not at
all. It holds all that the rest of a training depends on: weights, the optimiser's
state, the generator that shuffles, the place in the learning rate's schedule, the best
weights and the history. So the weights in the end are, to the bit, those of a fit that
nothing interrupted. It also says which fit it is of; another one is an error.
"""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from skorch.callbacks import Callback

from sklearn_msd.common.files.atomic import remove_parts
from sklearn_msd.common.files.digests import digest
from sklearn_msd.common.files.model_file import (
    read_model_file,
    refusing,
    write_model_file,
)
from sklearn_msd.common.files.values import ValueDecoder, ValueEncoder
from sklearn_msd.common.scikit_learn.definition import definition
from sklearn_msd.training.batches import SongDataset
from sklearn_msd.training.keeping.fingerprints import fit_fingerprint
from sklearn_msd.training.keeping.state import optimizer_state, restore_optimizer
from sklearn_msd.training.net import LogitNet

# Writing takes at most a twentieth of the time, however short the epochs are.
_PAUSE = 20

_KIND = "checkpoint"


class Checkpoint(Callback):
    """Writes the state of a training after epochs, and takes up what was written.

    It stands before the early stopping, whose exception ends an epoch for those after.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    ValueError
        If there is a file that is no checkpoint, or a damaged one.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._found = self._read() if self.path.exists() else None
        self._written: tuple[int, ...] | None = None
        self._due = 0.0

    def start(self, random_state: Any) -> np.random.RandomState:
        """The generator of the fit; without a seed, the one that the file has."""
        rng: np.random.RandomState = check_random_state(random_state)
        if random_state is None:
            rng = np.random.RandomState(rng.randint(2**31))
            if self._found is not None:
                rng.set_state(self._found["start"].get_state())
        self._start = copy.deepcopy(rng)
        return rng

    def begin(
        self,
        net: LogitNet,
        estimator: Any,
        train: SongDataset,
        valid: SongDataset | None,
    ) -> None:
        """Compare the fit with the file's, or write the first file.

        Parameters
        ----------
        net : LogitNet
            Initialised, and not trained yet.
        estimator : net classifier
            The one that is fitted.
        train, valid : SongDataset or None

        Raises
        ------
        ValueError
            If the file is of another fit.
        OSError
            If it cannot be written: better now than after the first epoch.
        """
        self._max_epochs: int = estimator.max_epochs
        self._fit = fit_fingerprint(estimator, net.module_, train, valid)
        seeded = estimator.random_state is not None
        _, key, *rest = self._start.get_state(legacy=True)
        self._fit["random_state"] = digest(key, str(rest)) if seeded else None
        remove_parts(self.path)
        if self._found is None:
            self._write(net)
        else:
            self._check_same_fit(self._found)
            self._written = self._signature()

    def resume(self, net: LogitNet, epochs: int) -> int:
        """Put a training where the file's was; the number of epochs left."""
        found, self._found = self._found, None
        if found is None or not found["history"]:
            return epochs
        callbacks = net.fit_callbacks
        net.module_.load_state_dict(found["weights"])
        restore_optimizer(net, found["optimizer"])
        if net.rng is not None:
            net.rng.set_state(found["rng"].get_state())
        net.history.extend(found["history"])
        for _, callback in net.callbacks_:
            name = getattr(callback, "name_", getattr(callback, "name", None))
            bests = [epoch for epoch in net.history if epoch.get(f"{name}_best")]
            if bests:
                callback.best_score_ = bests[-1][name]
        if found["schedule"] is not None:
            schedule = callbacks["one_cycle"]
            schedule.lr_scheduler_.load_state_dict(found["schedule"])
            schedule.batch_idx_ = found["schedule"]["last_epoch"]
        stopping = callbacks.get("early_stopping")
        if stopping is not None:
            best, stopping.dynamic_threshold_ = _best_epoch(net)
            stopping.best_epoch_ = best
            stopping.misses_ = len(net.history) - best
            weights = found["best"] or found["weights"]
            stopping.best_model_weights_ = weights if best else None
            if stopping.misses_ >= stopping.patience:
                return 0
        return epochs - len(net.history)

    def on_epoch_end(self, net: LogitNet, **kwargs: Any) -> None:
        """Write, if it is time to or there is nothing more to come."""
        last = len(net.history) == self._max_epochs
        stopping = net.fit_callbacks.get("early_stopping")
        if stopping is not None:
            misses = len(net.history) - _best_epoch(net)[0]
            last = last or misses == stopping.patience
        if last or time.monotonic() >= self._due:
            self._write(net)

    def _write(self, net: LogitNet) -> None:
        began = time.monotonic()
        if self._written != self._signature():
            raise ValueError(
                f"checkpoint={str(self.path)!r} was changed by something else during "
                "the fit: each fit needs a file of its own."
            )
        callbacks, best = net.fit_callbacks, None
        if "early_stopping" in callbacks and 0 < _best_epoch(net)[0] < len(net.history):
            best = callbacks["early_stopping"].best_model_weights_
        scheduler = getattr(callbacks.get("one_cycle"), "lr_scheduler_", None)
        state = {
            "fit": self._fit,
            "start": self._start,
            "rng": net.rng,
            "weights": dict(net.module_.state_dict()),
            "best": None if best is None else dict(best),
            "optimizer": optimizer_state(net),
            "schedule": None if scheduler is None else scheduler.state_dict(),
            # Whatever callbacks have recorded there.
            "history": json.loads(json.dumps(list(net.history), default=_as_json)),
        }
        encoder = ValueEncoder()
        root = encoder.encode(state, "state")
        manifest = {"kind": _KIND, "root": root, "objects": encoder.objects}
        write_model_file(self.path, manifest, encoder.arrays)
        self._written = self._signature()
        now = time.monotonic()
        self._due = now + _PAUSE * (now - began)

    def _signature(self) -> tuple[int, ...] | None:
        """What changes when another file takes the place of this one."""
        if not self.path.exists():
            return None
        stat = self.path.stat()
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def _read(self) -> dict[str, Any]:
        try:
            manifest, tensors = read_model_file(self.path, max_bytes=2**63 - 1)
            if manifest.get("kind") != _KIND:
                raise ValueError("it is a model, not a checkpoint")
            if "root" not in manifest:
                raise ValueError("it is of an earlier version of this package")
            with refusing(self.path):
                decoder = ValueDecoder(manifest["objects"], tensors.pop)
                state: dict[str, Any] = decoder.decode(manifest["root"])
        except ValueError as error:
            raise ValueError(
                f"checkpoint={str(self.path)!r} is there, but is no training that "
                f"could go on: {error}"
            ) from error
        return state

    def _check_same_fit(self, found: Mapping[str, Any]) -> None:
        theirs, ours = found["fit"], self._fit
        names = [n for n in theirs | ours if theirs.get(n) != ours.get(n)]
        if names:
            raise ValueError(
                f"checkpoint={str(self.path)!r} is of another fit; what differs: "
                f"{', '.join(names)}. Name another file, or delete this one to begin "
                "anew. In searches and cross-validation, which fit many times, "
                "checkpoint has to be None."
            )
        if len(found["history"]) > self._max_epochs:
            raise ValueError(
                f"checkpoint={str(self.path)!r} has {len(found['history'])} epochs, "
                f"more than max_epochs={self._max_epochs}."
            )


def sibling(path: str | os.PathLike[str] | None, name: Any) -> str | None:
    """The file beside `path` for another net of the same estimator."""
    return None if path is None else f"{os.fspath(path)}.{name}"


def _best_epoch(net: LogitNet) -> tuple[int, float]:
    """Epoch, from 1, with the lowest validation loss so far, and that loss."""
    best, lowest = 0, math.inf
    for i, epoch in enumerate(net.history, start=1):
        if epoch["valid_loss"] < lowest:
            best, lowest = i, epoch["valid_loss"]
    return best, lowest


def _as_json(value: Any) -> Any:
    return definition(value, other=repr)

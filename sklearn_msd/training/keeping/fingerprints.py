"""Which fit it is: what decides a training, in a form that can be compared."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from sklearn.utils import gen_batches
from torch import Tensor, nn

from sklearn_msd.common.files.digests import digest
from sklearn_msd.common.scikit_learn.definition import NOT_THE_MODEL, definition
from sklearn_msd.training.batches import SongDataset

# Numbers digested at a time: a memory map is never read whole into memory.
_CHUNK = 4_000_000


def fit_fingerprint(
    estimator: Any, module: nn.Module, train: SongDataset, valid: SongDataset | None
) -> dict[str, Any]:
    """Parameters, and digests of all that is known of the songs and of the start.

    Parameters
    ----------
    estimator : net classifier
    module : Module
        With the weights that the training starts from.
    train, valid : SongDataset or None

    Returns
    -------
    dict of str to what JSON can hold
        By the names of parameters and arguments. `max_epochs` is left out where the
        rate is constant: then a longer fit goes through all that a shorter one does.
    """
    without = {*NOT_THE_MODEL, "random_state"}
    if estimator.lr_schedule == "constant":
        without.add("max_epochs")
    found: dict[str, Any] = definition(estimator, without=without, other=repr)["params"]
    found["estimator"] = type(estimator).__name__
    found |= _digests(train, estimator.classes_, "")
    if valid is not None and valid.stored is not train.stored:
        found |= _digests(valid, estimator.classes_, "_val")
    weights = {name: as_array(value) for name, value in module.state_dict().items()}
    found["weights at the start"] = digest(*weights, *weights.values())
    return found


def as_array(tensor: Tensor) -> np.ndarray:
    """A tensor's numbers, one after another in memory."""
    return np.asarray(tensor.detach().cpu().numpy(), order="C")


def _digests(songs: SongDataset, classes: np.ndarray, suffix: str) -> dict[str, str]:
    """Digests by the names of `fit`'s arguments.

    Songs are read once, block by block, as an epoch does. To read some of them only
    would be cheaper, and not sure. They are those given, wherever the net is, so that
    a training can go on on another device.
    """
    X, labels = songs.stored, np.asarray(classes)[songs.labels]
    blocks = [
        digest(np.asarray(X[rows]))
        for rows in gen_batches(len(X), max(1, _CHUNK // X.shape[1]))
    ]
    found = {
        f"y{suffix}": digest(json.dumps(labels.tolist(), default=repr)),
        f"X{suffix}": digest(f"{X.dtype} {tuple(X.shape)}", *blocks),
    }
    for key, name in ("weight", "sample_weight"), ("base_logits", "base_logits"):
        if key in songs.extras:
            found[f"{name}{suffix}"] = digest(as_array(songs.extras[key]))
    return found

"""One model → its record: fit, follow the validation songs through the epochs."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.utils import check_random_state
from skorch.callbacks import Callback

from sklearn_msd.base import BaseSegmentClassifier
from sklearn_msd.modules import count_parameters
from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import definition, rebuild
from sklearn_msd.report.records import Record, RecordStore


class ValidationPredictions(Callback):
    """Keep the class predicted for each validation song in each epoch."""

    def initialize(self) -> ValidationPredictions:
        """Begin a training."""
        self.epochs_: list[np.ndarray] = []
        return self

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin an epoch."""
        self._batches: list[np.ndarray] = []

    def on_batch_end(
        self, net: Any, training: bool = False, y_pred: Any = None, **kwargs: Any
    ) -> None:
        """Take the logits that the net computed anyway."""
        if not training:
            logits = y_pred[0] if isinstance(y_pred, tuple) else y_pred
            self._batches.append(logits.argmax(dim=1).cpu().numpy())

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """End an epoch."""
        self.epochs_.append(np.concatenate(self._batches))


def train(
    estimator: Any,
    data: ReportData,
    *,
    label: str,
    base_keys: dict[str, str],
    store: RecordStore,
    keep_weights: bool,
) -> Record:
    """Train a model and record how it does on the validation songs.

    Parameters
    ----------
    estimator : classifier
        Configured; its bases are unfitted in their ``FrozenEstimator``.
    data : ReportData
    label : str
    base_keys : dict of str to str
        Where `store` has the record of each base, by :func:`fingerprint`.
    store : RecordStore
    keep_weights : bool
        Whether the record holds the net's parameters.
    """

    def trained(frozen: FrozenEstimator) -> FrozenEstimator:
        record = store.load(base_keys[fingerprint(frozen.estimator)])
        if record is None:
            raise OSError(f"the record of a base of {label} has gone from the disk")
        return FrozenEstimator(restore(frozen.estimator, record, data))

    model = rebuild(estimator, trained)
    start = time.perf_counter()
    losses, predictions = fit(model, data)
    seconds = time.perf_counter() - start
    info = {
        "label": label,
        "definition": definition(estimator),
        "data": {"name": data.name, "key": data.key},
        "n_parameters": getattr(model, "n_parameters_", {}).get("total"),
        "fit_seconds": seconds,
        "finished": time.time(),
        "versions": {
            name: version(name)
            for name in ("sklearn-msd", "torch", "scikit-learn", "skorch", "numpy")
            if _installed(name)
        }
        | {"python": platform.python_version(), "machine": platform.machine()},
    }
    weights = {}
    if keep_weights and hasattr(model, "module_"):
        weights = {
            name: parameter.detach().cpu().numpy()
            for name, parameter in model.module_.named_parameters()
        }
    return Record(info, losses, predictions, weights)


def fit(model: Any, data: ReportData) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fit; losses and predictions of each output, as in :class:`Record`."""
    if isinstance(model, BaseSegmentClassifier):
        model.set_params(callbacks=[("predictions", ValidationPredictions())])
        model.fit(data.X_train, data.y_train, X_val=data.X_valid, y_val=data.y_valid)
        (followed,) = (
            callback
            for _, callback in model.net_.callbacks_
            if isinstance(callback, ValidationPredictions)
        )
        losses = {"model": np.array(model.validation_loss_curve_)}
        return losses, {"model": _narrow(followed.epochs_)}
    model.fit(data.X_train, data.y_train)
    probabilities = model.predict_proba(data.X_valid)
    loss = log_loss(data.y_valid, probabilities, labels=np.arange(data.n_classes))
    predicted = probabilities.argmax(axis=1)
    return {"model": np.array([loss])}, {"model": _narrow([predicted])}


def restore(
    estimator: BaseSegmentClassifier, record: Record, data: ReportData
) -> BaseSegmentClassifier:
    """The net that a record was made of, fitted as it was."""
    import torch

    estimator.classes_ = np.arange(data.n_classes)
    estimator.n_features_in_ = data.X_train.shape[1]
    estimator._rng = check_random_state(estimator.random_state)
    estimator.net_ = estimator._make_net(None)
    estimator.module_.load_state_dict(
        {name: torch.from_numpy(array) for name, array in record.weights.items()}
    )
    estimator.net_.forget_training()
    estimator.n_parameters_ = count_parameters(estimator.module_)
    return estimator


def fingerprint(estimator: Any) -> str:
    """Equal for estimators of equal definition."""
    return str(definition(estimator))


def _narrow(predictions: Any) -> np.ndarray:
    return np.asarray(predictions).astype(np.uint16)


def _installed(name: str) -> bool:
    from importlib.metadata import PackageNotFoundError

    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True

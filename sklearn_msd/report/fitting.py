"""One model → its record."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.utils import check_random_state
from sklearn.utils.validation import has_fit_parameter

import sklearn_msd
from sklearn_msd.classifiers.base import BaseSegmentClassifier
from sklearn_msd.classifiers.sparse_refit import SparseRefitClassifier
from sklearn_msd.combining.correcting import CorrectingClassifier
from sklearn_msd.nets.base import count_parameters
from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import definition, rebuild
from sklearn_msd.report.following import ValidationFollower
from sklearn_msd.report.records import Record, RecordStore
from sklearn_msd.saving.parameter_counts import n_parameters
from sklearn_msd.segments.validation import segment_width

Outputs = dict[str, np.ndarray]


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

    follower = ValidationFollower()
    model = rebuild(estimator, trained, callbacks=[("report", follower)])
    start = time.perf_counter()
    losses, predictions = fit(model, data, follower)
    info = {
        "label": label,
        "definition": definition(estimator),
        "data": {"name": data.name, "key": data.key},
        "n_parameters": n_parameters(model),
        "fit_seconds": time.perf_counter() - start,
        "finished": time.time(),
        "versions": versions(),
    }
    if isinstance(model, SparseRefitClassifier):
        info["masked"] = model.sparsity_["total"]
    weights = {}
    if keep_weights:
        weights = {
            name: parameter.detach().cpu().numpy()
            for name, parameter in model.module_.named_parameters()
        }
    return Record(info, losses, predictions, weights)


def fit(
    model: Any, data: ReportData, follower: ValidationFollower
) -> tuple[Outputs, Outputs]:
    """Fit; losses and predictions of each output, as in :class:`Record`."""
    valid = {}
    if has_fit_parameter(model, "X_val"):
        valid = {"X_val": data.X_valid, "y_val": data.y_valid}
    model.fit(data.X_train, data.y_train, **valid)
    courses = follower.courses
    if not courses:  # not trained in epochs
        probabilities = model.predict_proba(data.X_valid)
        labels = np.arange(data.n_classes)
        loss = log_loss(data.y_valid, probabilities.astype(float), labels=labels)
        predicted = _narrow([probabilities.argmax(axis=1)])
        return {"model": np.array([loss])}, {"model": predicted}
    last = courses[-1]
    losses = {"model": np.array(last.losses)}
    predictions = {"model": _narrow(last.predictions)}
    if isinstance(model, CorrectingClassifier):
        if len(courses) == 1 and model.freeze and model.combine == "sum":
            losses["correction"] = np.array(last.own_losses)
            predictions["correction"] = _narrow(last.own_predictions)
        if len(courses) > 1:
            for i, course in enumerate(courses, start=1):
                losses[f"stage {i}"] = np.array(course.losses)
                predictions[f"stage {i}"] = _narrow(course.predictions)
    return losses, predictions


def restore(
    estimator: BaseSegmentClassifier, record: Record, data: ReportData
) -> BaseSegmentClassifier:
    """The net that a record was made of, fitted as it was."""
    estimator.classes_ = np.arange(data.n_classes)
    estimator.n_features_in_ = data.X_train.shape[1]
    segment_width(estimator, data.X_train, reset=True)
    estimator._rng = check_random_state(estimator.random_state)
    estimator.net_ = estimator._make_net(estimator._initialised_module())
    estimator.module_.load_state_dict(
        {name: torch.from_numpy(array) for name, array in record.weights.items()}
    )
    estimator.net_.forget_training()
    estimator.n_parameters_ = count_parameters(estimator.module_)
    return estimator


def versions() -> dict[str, str]:
    """Of the packages and the machine that decide a result."""
    packages = ("torch", "scikit-learn", "skorch", "numpy")
    return {
        "sklearn-msd": sklearn_msd.__version__,
        **{name: version(name) for name in packages},
        "Python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def fingerprint(estimator: Any) -> str:
    """Equal for estimators of equal definition."""
    return str(definition(estimator))


def _narrow(predictions: Any) -> np.ndarray:
    return np.asarray(predictions).astype(np.uint16)

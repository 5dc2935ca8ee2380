"""One model → its record."""

from __future__ import annotations

import platform
import time
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.utils.validation import has_fit_parameter

import sklearn_msd
from sklearn_msd.classifiers.sparse_refit import SparseRefitClassifier
from sklearn_msd.combining.correcting import CorrectingClassifier
from sklearn_msd.common.scikit_learn.definition import definition
from sklearn_msd.report.data import Split
from sklearn_msd.report.declaration import rebuild
from sklearn_msd.report.recorder import OutputHistory, PredictionRecorder
from sklearn_msd.report.records import Record, RecordStore
from sklearn_msd.saving.parameter_counts import n_parameters

Outputs = dict[str, np.ndarray]


def train(
    estimator: Any,
    data: Split,
    *,
    label: str,
    base_keys: dict[str, str],
    store: RecordStore,
    keep_weights: bool,
) -> Record:
    """Train a model and record how it does on songs that it is not trained on.

    Parameters
    ----------
    estimator : classifier
        Configured; its bases are unfitted in their ``FrozenEstimator``.
    data : Split
    label : str
    base_keys : dict of str to str
        Where `store` has the record of each base, by :func:`fingerprint`.
    store : RecordStore
    keep_weights : bool
        Whether the record holds the model itself.
    """

    def trained(frozen: FrozenEstimator) -> FrozenEstimator:
        record = store.load(base_keys[fingerprint(frozen.estimator)])
        if record is None or record.model is None:
            raise OSError(f"the record of a base of {label} has gone from the disk")
        return FrozenEstimator(record.model)

    start, start_cpu = time.perf_counter(), time.process_time()
    recorder = PredictionRecorder(data.n_valid)
    model = rebuild(estimator, trained, callbacks=[("report", recorder)])
    outputs = fit(model, data, recorder)
    info = {
        "label": label,
        "definition": definition(estimator),
        "data": data.key,
        "n_parameters": n_parameters(model),
        "fit_seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - start_cpu,
        "finished": time.time(),
        "versions": versions(),
    }
    if isinstance(model, SparseRefitClassifier):
        info["masked"] = model.sparsity_["total"]
    return Record(info, *outputs, _kept(model) if keep_weights else None)


def _kept(net: Any) -> Any:
    """A trained net without what followed its training, which no file holds.

    Its numbers are in the record, and nobody trains it on.
    """
    net.net_.forget_training()
    return net.set_params(callbacks=None)


def fit(
    model: Any, data: Split, recorder: PredictionRecorder
) -> tuple[Outputs, Outputs, Outputs]:
    """Fit; losses, predictions and tested of each output, as in :class:`Record`."""
    evaluated = {}
    if has_fit_parameter(model, "X_val"):
        evaluated = {"X_val": data.X_eval, "y_val": data.y_eval}
    with warnings.catch_warnings():
        # A fold may lack a class; all folds together do not.
        warnings.filterwarnings("ignore", "No validation song is of")
        # All songs are scaled alike; by few songs, other songs can come out large.
        warnings.filterwarnings("ignore", "X_val looks unscaled")
        model.fit(data.X_train, data.y_train, **evaluated)
    outputs = {"model": OutputHistory()}
    trainings = recorder.trainings
    if not trainings:  # not trained in epochs
        probabilities = model.predict_proba(data.X_eval)
        predicted = probabilities.argmax(axis=1)
        outputs["model"].predictions.append(predicted[: data.n_valid])
        outputs["model"].tested = predicted[data.n_valid :] if data.n_test else None
        outputs["model"].losses.append(
            log_loss(
                data.y_valid,
                probabilities[: data.n_valid].astype(float),
                labels=np.arange(data.n_classes),
            )
        )
    else:
        outputs["model"] = trainings[-1].whole
    if isinstance(model, CorrectingClassifier):
        if len(trainings) > 1:
            for i, training in enumerate(trainings, start=1):
                outputs[f"stage {i}"] = training.whole
        elif model.freeze and model.combine == "sum":
            outputs["correction"] = trainings[-1].own
    return (
        {name: np.array(one.losses) for name, one in outputs.items()},
        {name: _narrow(one.predictions) for name, one in outputs.items()},
        {
            name: _narrow(one.tested)
            for name, one in outputs.items()
            if one.tested is not None
        },
    )


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

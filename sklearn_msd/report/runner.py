"""Trains what a report needs: each model once, and what is done is kept."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import joblib
import numpy as np

import sklearn_msd
from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Figure, Model, bases, configured, definition
from sklearn_msd.report.fitting import fingerprint, train
from sklearn_msd.report.records import Record, RecordStore

_ARRAYS = ("X_train", "y_train", "X_valid", "y_valid")


@dataclass(frozen=True)
class Run:
    """One training: a model on some data with one seed.

    Parameters
    ----------
    label : str
    estimator : classifier
        Configured, unfitted.
    data : ReportData
    key : str
        What its record is filed under: it changes with the definition of the model or
        of one of its bases, the data, the seed, or the version of this package.
    bases : mapping of str to str
        Keys of the runs that it builds on, by fingerprint.
    keep_weights : bool
        Whether others build on it, or a picture shows its weights.
    """

    label: str
    estimator: Any = field(repr=False)
    data: ReportData = field(repr=False)
    key: str
    bases: Mapping[str, str] = field(default_factory=dict, repr=False)
    keep_weights: bool = False


@dataclass(frozen=True)
class Settings:
    """How models are trained.

    Parameters
    ----------
    max_epochs : int
    seeds : sequence of int
    device : str
    """

    max_epochs: int
    seeds: Sequence[int] = (0,)
    device: str = "auto"


class Plan:
    """All trainings that figures need, each once, bases before what builds on them.

    Parameters
    ----------
    figures : iterable of (Figure, ReportData)
    models : mapping of str to Model
        All models there are, also those that these figures do not show: whether a
        model's weights are kept must not depend on the figures chosen.
    settings : Settings

    Attributes
    ----------
    runs : dict of str to Run
        By key, in the order of training.
    """

    def __init__(
        self,
        figures: Iterable[tuple[Figure, ReportData]],
        models: Mapping[str, Model],
        settings: Settings,
        weights_of: Iterable[str] = (),
    ) -> None:
        self.models, self.settings = models, settings
        self.runs: dict[str, Run] = {}
        self._keys: dict[tuple[str, str, int], str] = {}
        self._kept = {
            fingerprint(base)
            for model in models.values()
            for base in bases(model.estimator)
        } | {fingerprint(models[name].estimator) for name in weights_of}
        figures = list(figures)
        for seed in settings.seeds:
            for figure, data in figures:
                for name in figure.models():
                    label, estimator = models[name].label, models[name].estimator
                    key = self._add(label, estimator, data, seed)
                    self._keys[name, data.key, seed] = key

    def key(self, name: str, data: ReportData, seed: int) -> str:
        """Where the record of a model is filed."""
        return self._keys[name, data.key, seed]

    def _add(self, label: str, estimator: Any, data: ReportData, seed: int) -> str:
        base_keys = {}
        for base in bases(estimator):
            base_keys[fingerprint(self._configured(base, data, seed))] = self._add(
                self._label_of(base), base, data, seed
            )
        ready = self._configured(estimator, data, seed)
        identity = {
            "model": definition(ready),
            "data": data.key,
            "seed": seed,
            "sklearn_msd": sklearn_msd.__version__,
        }
        text = json.dumps(identity, sort_keys=True).encode()
        key = hashlib.sha256(text).hexdigest()[:24]
        kept = fingerprint(estimator) in self._kept
        self.runs.setdefault(key, Run(label, ready, data, key, base_keys, kept))
        return key

    def _configured(self, estimator: Any, data: ReportData, seed: int) -> Any:
        return configured(
            estimator,
            max_epochs=self.settings.max_epochs,
            device=self.settings.device,
            random_state=seed,
            n_segment_features=data.n_segment_features,
        )

    def _label_of(self, estimator: Any) -> str:
        for model in self.models.values():
            if fingerprint(model.estimator) == fingerprint(estimator):
                return model.label
        return type(estimator).__name__


def run(
    plan: Plan,
    store: RecordStore,
    *,
    n_jobs: int | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, Record]:
    """Train what is missing; give all records of the plan, without weights' cost.

    Parameters
    ----------
    plan : Plan
    store : RecordStore
        What is done is filed here at once, so a stopped run loses only the models that
        were being trained.
    n_jobs : int or None
        Models to train at a time, as joblib counts; its backend, in
        ``joblib.parallel_config``, decides where. Machines must share the file system.
    say : callable
        Takes lines of progress.

    Returns
    -------
    dict of str to Record
        By key.

    Raises
    ------
    OSError
        If a record cannot be written; those written before are safe.
    """
    done = {key: record for key in plan.runs if (record := store.load(key))}
    missing = [run for key, run in plan.runs.items() if key not in done]
    n_jobs = min(joblib.effective_n_jobs(n_jobs), max(1, len(missing)))
    say(
        f"{len(plan.runs)} models: {len(done)} done before, {len(missing)} to train"
        + (f", {n_jobs} at a time" if n_jobs > 1 and missing else "")
    )
    progress = _Progress(len(missing), say)
    while missing:
        ready = [run for run in missing if all(b in done for b in run.bases.values())]
        jobs = (joblib.delayed(_train_one)(*_parts(run), store) for run in ready)
        parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")
        for key, record in parallel(jobs):
            done[key] = record
            progress.step(plan.runs[key].label, record)
        missing = [run for run in missing if run.key not in done]
    return done


def _parts(run: Run) -> tuple[Any, ...]:
    """A run without its arrays, and they as arguments of their own.

    A backend that sends arguments to other machines sends an array only once then.
    """
    arrays = [getattr(run.data, name) for name in _ARRAYS]
    nothing: dict[str, Any] = dict.fromkeys(_ARRAYS, np.empty(0))
    return replace(run, data=replace(run.data, **nothing)), *arrays


def _train_one(run: Run, *arrays_and_store: Any) -> tuple[str, Record]:
    *arrays, store = arrays_and_store
    record = train(
        run.estimator,
        replace(run.data, **dict(zip(_ARRAYS, arrays, strict=True))),
        label=run.label,
        base_keys=dict(run.bases),
        store=store,
        keep_weights=run.keep_weights,
    )
    store.save(run.key, record)
    return run.key, record


class _Progress:
    """A line for each model trained, with an estimate of the time left."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self.total, self.say, self.count = total, say, 0
        self.start = time.perf_counter()

    def step(self, label: str, record: Record) -> None:
        self.count += 1
        spent = time.perf_counter() - self.start
        left = spent / self.count * (self.total - self.count)
        self.say(
            f"[{self.count}/{self.total}] {label}: "
            f"{record.info['fit_seconds']:.1f} s; about {duration(left)} left"
        )


def duration(seconds: float) -> str:
    """Seconds in words.

    Examples
    --------
    >>> from sklearn_msd.report.runner import duration
    >>> duration(42.3), duration(192), duration(7500)
    ('42 s', '3 min 12 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"

"""Trains what a report needs: each model once, and what is done is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import joblib
import numpy as np

import sklearn_msd
from sklearn_msd.common.files.digests import digest
from sklearn_msd.common.scikit_learn.definition import definition
from sklearn_msd.report.data import ARRAYS, ReportData, Split
from sklearn_msd.report.declaration import Model, bases, configured
from sklearn_msd.report.fitting import fingerprint, train
from sklearn_msd.report.records import Record, RecordStore


@dataclass(frozen=True)
class Run:
    """One training: a model on some songs from one random start.

    Parameters
    ----------
    label : str
    estimator : classifier
        Configured, unfitted.
    split : Split
    key : str
        What its record is filed under: it changes with the definition of the model or
        of one of its bases, the songs, the seed, or the version of this package.
    bases : mapping of str to str
        Keys of the runs that it builds on, by fingerprint.
    keep_weights : bool
        Whether others build on it, or a picture shows its weights.
    data_name : str
        What pages call the songs.
    """

    label: str
    estimator: Any = field(repr=False)
    split: Split = field(repr=False)
    key: str
    bases: Mapping[str, str] = field(default_factory=dict, repr=False)
    keep_weights: bool = False
    data_name: str = ""

    @property
    def needs(self) -> set[str]:
        """Keys of the runs that must be done before."""
        return {*self.bases.values()}


@dataclass(frozen=True)
class Settings:
    """How models are trained.

    Parameters
    ----------
    seeds : sequence of int
        Of the random starts, the first start's first.
    device : str
    """

    seeds: Sequence[int] = (0,)
    device: str = "auto"


class Plan:
    """The trainings behind any start of any model, bases before what builds on them.

    Parameters
    ----------
    models : mapping of str to Model
        All models there are, also those that these figures do not show: whether a
        model's weights are kept must not depend on the figures chosen.
    settings : Settings
    weights_of : iterable of str
        Models whose weights are shown.
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        settings: Settings,
        weights_of: Iterable[str] = (),
    ) -> None:
        self.models, self.settings = models, settings
        self._runs: dict[tuple[str, str, int], list[list[Run]]] = {}
        self._labels = {
            fingerprint(model.estimator): model.label for model in models.values()
        }
        self._kept = {
            fingerprint(base)
            for model in models.values()
            for base in bases(model.estimator)
        } | {fingerprint(models[name].estimator) for name in weights_of}

    def runs(self, name: str, data: ReportData, start: int) -> list[Run]:
        """What to train for a start of a model, bases first."""
        return [run for runs in self._by_split(name, data, start) for run in runs]

    def keys(self, name: str, data: ReportData, start: int) -> list[str]:
        """Where the records of a start of a model are filed, one for each split."""
        return [runs[-1].key for runs in self._by_split(name, data, start)]

    def _by_split(self, name: str, data: ReportData, start: int) -> list[list[Run]]:
        at = (name, data.key, start)
        if at not in self._runs:
            seed = self.settings.seeds[start]
            self._runs[at] = [
                list(
                    self._needed(
                        self.models[name].estimator, split, seed, data
                    ).values()
                )
                for split in data.splits(seed)
            ]
        return self._runs[at]

    def _needed(
        self, estimator: Any, split: Split, seed: int, data: ReportData
    ) -> dict[str, Run]:
        """Runs by key; the last is the estimator's own."""
        settings = {
            "max_epochs": data.max_epochs,
            "device": self.settings.device,
            "random_state": seed,
            "n_segment_features": split.n_segment_features,
        }
        needed: dict[str, Run] = {}
        base_keys = {}
        for base in bases(estimator):
            runs = self._needed(base, split, seed, data)
            needed |= runs
            base_keys[fingerprint(configured(base, **settings))] = [*runs][-1]
        ready = configured(estimator, **settings)
        identity = {
            "model": definition(ready),
            "data": split.key,
            "seed": seed,
            "sklearn_msd": sklearn_msd.__version__,
        }
        key = digest(json.dumps(identity, sort_keys=True))[:24]
        mark = fingerprint(estimator)
        label = self._labels.get(mark, type(estimator).__name__)
        needed.pop(key, None)
        kept = mark in self._kept
        needed[key] = Run(label, ready, split, key, base_keys, kept, data.name)
        return needed


def run(
    runs: Iterable[Run],
    store: RecordStore,
    *,
    n_jobs: int | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, Record]:
    """Train what is missing, and give all records.

    Parameters
    ----------
    runs : iterable of Run
        Those that others build on come before these, or were trained before.
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
    wanted = {one.key: one for one in runs}
    done = {key: record for key in wanted if (record := store.load(key))}
    missing = [one for key, one in wanted.items() if key not in done]
    n_jobs = min(joblib.effective_n_jobs(n_jobs), max(1, len(missing)))
    say(
        f"{len(wanted)} models: {len(done)} done before, {len(missing)} to train"
        + (f", {n_jobs} at a time" if n_jobs > 1 and missing else "")
    )
    progress = _Progress(len(missing), say)
    while missing:
        waiting = {one.key for one in missing}
        ready = [one for one in missing if not waiting & one.needs]
        jobs = (joblib.delayed(_train_one)(*_parts(one), store) for one in ready)
        parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")
        for key, record in parallel(jobs):
            done[key] = record
            progress.step(wanted[key].label, record)
        missing = [one for one in missing if one.key not in done]
    return done


def _parts(one: Run) -> tuple[Any, ...]:
    """A run without its arrays, and they as arguments of their own.

    A backend that sends arguments to other machines sends an array only once then.
    """
    arrays = [getattr(one.split, name) for name in ARRAYS]
    nothing: dict[str, Any] = dict.fromkeys(ARRAYS, np.empty(0))
    return replace(one, split=replace(one.split, **nothing)), *arrays


def _train_one(one: Run, *arrays_and_store: Any) -> tuple[str, Record]:
    *arrays, store = arrays_and_store
    record = train(
        one.estimator,
        replace(one.split, **dict(zip(ARRAYS, arrays, strict=True))),
        label=one.label,
        base_keys=dict(one.bases),
        store=store,
        keep_weights=one.keep_weights,
    )
    store.save(one.key, record)
    return one.key, record


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

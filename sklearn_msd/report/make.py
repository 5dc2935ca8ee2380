"""From a source of songs to the page, in one call."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from joblib.parallel import LokyBackend, get_active_backend, parallel_config

from sklearn_msd.common.optional import import_optional
from sklearn_msd.common.pytorch.device import resolve_device
from sklearn_msd.datasets import AudioSegmenter
from sklearn_msd.datasets.sources.labelled_audio import AudioFolder
from sklearn_msd.datasets.sources.tasks import (
    REPORT_SEGMENTS,
    SYNTHETIC,
    choose_task,
    find_tasks,
)
from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Figure
from sklearn_msd.report.division import Amount, prepare
from sklearn_msd.report.figures.experiments import FIGURES, MODELS
from sklearn_msd.report.judging.looks import LOOKS
from sklearn_msd.report.page.render import render
from sklearn_msd.report.records import RecordStore
from sklearn_msd.report.runner import Plan, Settings
from sklearn_msd.report.study import conduct

# So many songs are shown to a model from each random start, in all epochs and folds,
# and so many of each class: after 20 epochs of 4,000 synthetic songs of 10 classes, and
# 50 of 25, the curves of most nets are flat. The page names the others.
SONGS_SHOWN, OF_EACH_CLASS = 80_000, 8_000
# No more epochs than the report's, however few the songs.
MOST_EPOCHS = 100


@dataclass(frozen=True)
class Size:
    """How much to train: songs at most, epochs, and time.

    Parameters
    ----------
    amount : Amount
    max_epochs : int or None
        None is as many as flatten the curves, by the number of songs and classes.
    minutes : float or None
    n_segments : int
        Of synthetic songs.
    all_songs : bool
        Whether songs of the user's own are all taken.
    """

    amount: Amount
    max_epochs: int | None
    minutes: float | None
    n_segments: int = REPORT_SEGMENTS
    all_songs: bool = False


# "full" is the report's own setting. Quick synthetic songs are a third as long, so that
# in the same time each model can be trained three times as often: it is starts that
# claims want for.
SIZES = {
    "quick": Size(Amount(4000, 1000, 10_000), None, 15, n_segments=40),
    "full": Size(Amount(40_000, 10_000, 20_000), 100, None, all_songs=True),
}

# Segments of a recording, by kind.
_RECORDED = {"segments": 120, "musicnn": 20}


def make_report(
    data: str = SYNTHETIC,
    *,
    out: str | os.PathLike[str] = "report-out",
    task: str | int | None = None,
    figures: Sequence[str] | None = None,
    seeds: Sequence[int] = range(LOOKS[-1]),
    minutes: float | None = None,
    max_epochs: int | None = None,
    size: str = "quick",
    n_jobs: int | None = None,
    device: str = "auto",
    features: str = "segments",
    recordings: AudioFolder | None = None,
    memory: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    command: str = "",
) -> tuple[Path, Path]:
    """Train the report's models on a source of songs and write the page.

    Each model is trained from two random starts, then those whose claims are open from
    more, until all claims are decided, the time is used, or no number of starts that
    is planned would decide more. Stopped at any moment, the same call goes on where it
    was and comes to the same page.

    Parameters
    ----------
    data : str
        "synthetic", "spoken-digits", an npz file with `X`, or `X_flat` and `offsets`,
        `y` and perhaps `group`, a folder of the report's npz files or of `sklearn-msd
        build`, or one of recordings, with one folder in it for each genre.
    out : path-like
        Folder for the page, and for ``models``, which holds what was trained.
    task : str, int or None
        Number of classes, or name, of the task for all figures. None gives each figure
        the task that it has in the report, where the data has it; figures of the
        larger task are left out where there is one task.
    figures : sequence of str or None
        Ids of figures; None takes all.
    seeds : sequence of int
        Of the random starts, as many as may be used. With a single one the verdicts
        know nothing of other starts, and the page says so.
    minutes : float or None
        To take in all, about; ``math.inf`` is no limit. None takes the size's.
    max_epochs : int or None
        None takes the size's.
    size : {"quick", "full"}
    n_jobs : int or None
        Models to train, or recordings to read, at a time, as joblib counts.
        ``joblib.parallel_config`` says where; machines must share the file system.
    device : str
        As for the classifiers. On CUDA, models and starts of one shape train together.
    features : {"segments", "musicnn"}
        Of recordings: which kind, as in `AudioSegmenter`. The songs are their central
        120 segments, half a minute, or 20 of musicnn's, a minute.
    recordings : AudioFolder or None
        How to read a folder of recordings: where labels and groups stand, and whether
        files that cannot be read are left out. None takes its defaults.
    memory : path-like or None
        Folder that keeps what is read of recordings, as in `AudioSegmenter`.
    quiet : bool
        Print no progress.
    command : str
        What the page says it was made by.

    Returns
    -------
    html, markdown : Path
        The page in its two forms.

    Raises
    ------
    ValueError, OSError, ImportError
        For a source, figure, task or device that is not there, a full disk, a missing
        extra. What was trained before stays.
    """
    # Before hours of training, not after.
    import_optional("matplotlib.figure", "plot")
    resolve_device(device)
    chosen = choose(figures)
    if max_epochs is not None and max_epochs < 1:
        raise ValueError(f"max_epochs must be at least 1; got {max_epochs}.")
    if not len(seeds) or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different, from 0 on; got {list(seeds)}.")
    limits = SIZES[size]
    minutes = limits.minutes if minutes is None else minutes
    if minutes is not None and not minutes > 0:
        raise ValueError(f"minutes must be more than 0; got {minutes}.")
    if features not in _RECORDED:
        raise ValueError(
            f"features must be one of {', '.join(_RECORDED)}; got {features!r}."
        )
    segmenter = AudioSegmenter(
        _RECORDED[features], features=features, device=device, memory=memory
    )
    audio = replace(
        recordings or AudioFolder(), segmenter=segmenter, n_jobs=n_jobs, quiet=quiet
    )
    limits = replace(limits, max_epochs=max_epochs or limits.max_epochs)
    pairs = _with_data(
        chosen, str(data), task, limits, audio, named=figures is not None
    )
    shown = {
        curve.model
        for figure in FIGURES
        if figure.kind == "weights"
        for curve in figure.curves
    }
    plan = Plan(MODELS, Settings(tuple(seeds), device), weights_of=shown)
    with _together_on_a_gpu(device):
        results = conduct(
            pairs,
            plan,
            RecordStore(Path(out).absolute() / "models"),
            minutes=minutes,
            n_jobs=n_jobs,
            say=(lambda line: None) if quiet else _say,
        )
    limited = None if minutes is None or math.isinf(minutes) else minutes
    return render(results, Path(out), command, limited)


def _together_on_a_gpu(device: str) -> AbstractContextManager[Any]:
    """Where models train: on CUDA those of one shape as one, if nobody says otherwise.

    Starts and models of a shape take little longer there than one of them.
    """
    chosen, _ = get_active_backend()
    if resolve_device(device).type == "cuda" and isinstance(chosen, LokyBackend):
        context: AbstractContextManager[Any] = parallel_config(backend="together")
        return context
    return nullcontext()


def _with_data(
    figures: Sequence[Figure],
    source: str,
    task: str | int | None,
    limits: Size,
    audio: AudioFolder,
    *,
    named: bool,
) -> list[tuple[Figure, ReportData]]:
    """Each figure with its songs; without those of the larger task if there is one."""
    amount = limits.amount
    n_held_out = (amount.n_valid or 0) + (amount.n_test or 0)
    tasks = find_tasks(
        source,
        amount.n_train or 0,
        n_held_out,
        n_segments=limits.n_segments,
        audio=audio,
        whole=True,
    )
    if task is not None:
        task = choose_task(tasks, str(task), source)
    if limits.all_songs:
        amount = Amount(None, amount.n_valid, None)
    ready: dict[str, ReportData] = {}
    pairs = []
    one_task = task is not None or len(tasks) == 1
    for figure in figures:
        if one_task and figure.task != 10 and not named:
            continue
        own = str(figure.task)
        used = task or (own if own in tasks else next(iter(tasks)))
        if used not in ready:
            songs = tasks[used]()
            audio.check_source(source, songs)
            features = audio.segmenter.features
            if features != "segments" and songs.features != "audio":
                raise ValueError(f"features={features!r} is for recordings.")
            data = prepare(songs, amount)
            epochs = limits.max_epochs or _epochs(data)
            ready[used] = replace(data, max_epochs=epochs)
        pairs.append((figure, ready[used]))
    return pairs


def _epochs(data: ReportData) -> int:
    """As many as flatten the curves, or all that the report took."""
    in_an_epoch = sum(len(split.y_train) for split in data.splits(0))
    shown = max(SONGS_SHOWN, OF_EACH_CLASS * data.n_classes)
    return min(MOST_EPOCHS, math.ceil(shown / in_an_epoch))


def choose(ids: Sequence[str] | None) -> list[Figure]:
    """The figures of these ids, in the report's order.

    Raises
    ------
    ValueError
        If there is no figure of an id.
    """
    known = {figure.id: figure for figure in FIGURES}
    unknown = [name for name in ids or () if name not in known]
    if unknown:
        raise ValueError(
            f"no figure {', '.join(map(repr, unknown))}; there are {', '.join(known)}."
        )
    return [figure for name, figure in known.items() if ids is None or name in ids]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

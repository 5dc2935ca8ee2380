"""From a source of songs to the page, in one call."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn_msd.common.device import resolve_device
from sklearn_msd.common.optional import import_optional
from sklearn_msd.datasets import AudioSegmenter
from sklearn_msd.datasets.sources.labelled_audio import AudioFolder
from sklearn_msd.datasets.sources.tasks import SYNTHETIC, choose_task, find_tasks
from sklearn_msd.report.data import ReportData, prepare
from sklearn_msd.report.declaration import Figure
from sklearn_msd.report.figures.experiments import FIGURES, MODELS
from sklearn_msd.report.judging.results import Results
from sklearn_msd.report.page.render import render
from sklearn_msd.report.records import RecordStore
from sklearn_msd.report.runner import Plan, Settings, run


@dataclass(frozen=True)
class Size:
    """How much to train: songs at most, and epochs."""

    n_train: int
    n_valid: int
    max_epochs: int
    all_songs: bool = False


# "full" is the report's own setting; songs of the user's own are then all taken.
SIZES = {"quick": Size(4000, 1000, 12), "full": Size(40_000, 10_000, 100, True)}

# Segments of a recording, by kind.
_RECORDED = {"segments": 120, "musicnn": 20}


def make_report(
    data: str = SYNTHETIC,
    *,
    out: str | os.PathLike[str] = "report-out",
    task: str | int | None = None,
    figures: Sequence[str] | None = None,
    seeds: Sequence[int] = (0, 1),
    max_epochs: int | None = None,
    size: str = "quick",
    n_jobs: int | None = None,
    device: str = "auto",
    features: str = "segments",
    command: str = "",
) -> tuple[Path, Path]:
    """Train the report's models on a source of songs and write the page.

    Stopped at any moment, the same call goes on where it was.

    Parameters
    ----------
    data : str
        "synthetic", "spoken-digits", an npz file with `X`, `y` and perhaps `group`, a
        folder of the report's npz files or of `sklearn-msd build`, or one of
        recordings, with one folder in it for each genre.
    out : path-like
        Folder for the page, and for ``models``, which holds what was trained.
    task : str, int or None
        Number of classes, or name, of the task for all figures. None gives each figure
        the task that it has in the report, where the data has it.
    figures : sequence of str or None
        Ids of figures; None takes all.
    seeds : sequence of int
        Each model is trained once with each. With a single one the verdicts know
        nothing of random starts, and the page says so.
    max_epochs : int or None
        None takes the size's.
    size : {"quick", "full"}
    n_jobs : int or None
        Models to train at a time, as joblib counts. ``joblib.parallel_config`` says
        where; machines must share the file system.
    device : str
        As for the classifiers.
    features : {"segments", "musicnn"}
        Of recordings: which kind, as in `AudioSegmenter`. The songs are their central
        120 segments, half a minute, or 20 of musicnn's, a minute.
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
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different, from 0 on; got {list(seeds)}.")
    limits = SIZES[size]
    if features not in _RECORDED:
        raise ValueError(
            f"features must be one of {', '.join(_RECORDED)}; got {features!r}."
        )
    segmenter = AudioSegmenter(_RECORDED[features], features=features, device=device)
    audio = AudioFolder(segmenter=segmenter)
    tasks = find_tasks(str(data), limits.n_train, limits.n_valid, audio=audio)
    if task is not None:
        task = choose_task(tasks, str(task), data)
    caps = (None, None) if limits.all_songs else (limits.n_train, limits.n_valid)
    ready: dict[str, ReportData] = {}
    pairs = []
    for figure in chosen:
        own = str(figure.task)
        used = task or (own if own in tasks else next(iter(tasks)))
        if used not in ready:
            songs = tasks[used]()
            if features != "segments" and songs.features != "audio":
                raise ValueError(f"features={features!r} is for recordings.")
            ready[used] = prepare(songs, *caps)
        pairs.append((figure, ready[used]))
    settings = Settings(max_epochs or limits.max_epochs, tuple(seeds), device)
    shown = {
        curve.model
        for figure in FIGURES
        if figure.kind == "weights"
        for curve in figure.curves
    }
    plan = Plan(pairs, MODELS, settings, weights_of=shown)
    store = RecordStore(Path(out).absolute() / "models")
    records = run(plan, store, n_jobs=n_jobs, say=_say)
    return render(Results(pairs, MODELS, plan, records), Path(out), command)


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

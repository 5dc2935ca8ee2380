"""The argument DATA, and the options that say how to read it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sklearn_msd.cli.commands import note
from sklearn_msd.segments.columns import N_FEATURES

if TYPE_CHECKING:
    from sklearn_msd.datasets import AudioSegmenter
    from sklearn_msd.datasets.sources.labelled_audio import AudioFolder
    from sklearn_msd.datasets.sources.songs import LabelledSongs

DATA_HELP = """\
DATA is one of
  a folder of recordings, in folders named after genres directly below it, or with
    labels in their names (--label-pattern) or in a table (--labels)
  an npz file with the arrays X, (n_songs, n_segments, n_features) or flat, y, and
    perhaps groups: artists, say; for songs of unequal length, instead of X,
    X_flat, all segments one below the other, and offsets, where each song begins and,
    at last, the number of segments
  a folder made by `sklearn-msd build`, or of the report's msd-…-genre-….npz files;
    these are divided already into songs to train on and songs held out
  spoken-digits, which comes with the package, or synthetic, which is made up
"""

# Synthetic songs made: as many as the quick report takes.
_N_TRAIN, _N_VALID = 4000, 1000


def add_data(add: Callable[..., argparse.Action]) -> None:
    """Add DATA and its options to a command."""
    add("data", metavar="DATA", help="songs with labels; see above")
    add("--task", help="name of the task where DATA has several (its first)")
    add("--n-jobs", type=int, help="processes that read recordings (1); -1 for all")
    add_reading(add)


def add_reading(add: Callable[..., argparse.Action]) -> None:
    """Add the options that say how to read a folder of recordings."""
    add(
        "--label-pattern",
        metavar="REGEX",
        help="regular expression searched in the path of each recording below DATA; "
        "its first group is the label: '^(\\d)_' for 0_george_0.wav (the folder "
        "directly below DATA)",
    )
    add(
        "--group-pattern",
        metavar="REGEX",
        help="the same for groups, such as artists, whose songs must not be on both "
        "sides when songs are held out",
    )
    add(
        "--labels",
        metavar="FILE",
        help="tab- or comma-separated lines: file below DATA, label, perhaps group",
    )
    add(
        "--skip-unreadable",
        action="store_true",
        help="leave out recordings that cannot be read, with a warning",
    )
    add(
        "--memory",
        metavar="FOLDER",
        help="keep what is read of recordings there, so that other commands with the "
        "same FOLDER need not read them again",
    )
    add("--quiet", action="store_true", help="print no progress")


def recordings(args: argparse.Namespace, **options: Any) -> AudioFolder:
    """How the arguments of `add_reading` say to read a folder of recordings.

    Parameters
    ----------
    args : Namespace
    **options
        Other parameters of `AudioFolder`.

    Raises
    ------
    ValueError
        For options that do not go together.
    """
    from sklearn_msd.datasets.sources.labelled_audio import AudioFolder
    from sklearn_msd.datasets.sources.labels import FOLDER_LABEL

    if args.labels and (args.label_pattern or args.group_pattern):
        raise ValueError(
            "--labels has the labels and groups of all files: it cannot go with "
            "--label-pattern or --group-pattern."
        )
    return AudioFolder(
        label_pattern=args.label_pattern or FOLDER_LABEL,
        group_pattern=args.group_pattern,
        table=args.labels,
        skip_unreadable=args.skip_unreadable,
        quiet=args.quiet,
        n_jobs=args.n_jobs,
        **options,
    )


def load_songs(
    args: argparse.Namespace,
    kinds: Sequence[AudioSegmenter],
    *,
    whole: bool = False,
    n_labels: int = 1,
) -> LabelledSongs:
    """The songs that the arguments name; of recordings, their paths.

    Parameters
    ----------
    args : Namespace
        With the options of `add_data`.
    kinds : sequence of AudioSegmenter
        Kinds of segments to read of recordings, for `LabelledSongs.kept`.
    whole : bool, default=False
        As for `find_tasks`.
    n_labels : int, default=1
        At least as many labels there must be.

    Raises
    ------
    ValueError, OSError, ImportError
        As `find_tasks`, and for options that do not go together.
    """
    from sklearn.base import clone

    from sklearn_msd.datasets.sources.labels import check_labels
    from sklearn_msd.datasets.sources.tasks import choose_task, find_tasks

    kinds = [clone(kind).set_params(memory=args.memory) for kind in kinds]
    audio = recordings(args, kinds=kinds, n_labels=n_labels)
    tasks = find_tasks(args.data, _N_TRAIN, _N_VALID, audio=audio, whole=whole)
    if args.task is not None:
        task = choose_task(tasks, args.task, args.data)
    else:
        task = next(iter(tasks))
        if len(tasks) > 1:
            note(f"{args.data} has the tasks {', '.join(tasks)}; taking {task}")
    songs = tasks[task]()
    for remark in songs.remarks:
        note(f"{args.data}: {remark}")
    audio.check_source(args.data, songs)
    check_labels(args.data, songs.classes[songs.y].tolist(), n_labels)
    return songs


def songs_to_train_on(
    args: argparse.Namespace, kinds: Sequence[AudioSegmenter]
) -> LabelledSongs:
    """As `load_songs`, not divided yet, and with two labels or more."""
    return load_songs(args, kinds, whole=True, n_labels=2)


def in_words(songs: LabelledSongs) -> str:
    """How many songs there are to train on, and of what shape arrays are."""
    text = f"{len(songs.X) + len(songs.X_valid)} songs"
    if songs.kept is not None:
        return text
    width = songs.X.shape[2] if songs.X.ndim == 3 else N_FEATURES
    n_segments = songs.X[0].size // width
    return f"{text} of {n_segments} segments with {width} features"

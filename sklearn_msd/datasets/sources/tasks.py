"""What a source of songs has to offer, by its name."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from sklearn_msd.datasets import load_msd_genre, load_spoken_digits, make_songs
from sklearn_msd.datasets.report_arrays.archive import NpzArchive
from sklearn_msd.datasets.sources.labelled_audio import AUDIO_SUFFIXES, AudioFolder
from sklearn_msd.datasets.sources.npz_songs import FLAT_KEYS, read_array, split_songs
from sklearn_msd.datasets.sources.songs import LabelledSongs, divide
from sklearn_msd.segments.columns import N_FEATURES, REPORT_ORDER, feature_names
from sklearn_msd.segments.cropper import SegmentCropper

# The report takes this many segments of each song.
REPORT_SEGMENTS = 120

SYNTHETIC = "synthetic"
SPOKEN_DIGITS = "spoken-digits"
SYNTHETIC_TASKS = (10, 25)
# What the classes of the synthetic songs are like; the same in every report.
SYNTHETIC_STATE = 2017

# What an npz file may call the groups of its songs; scikit-learn says "groups".
_GROUP_KEYS = ("groups", "group")

Load = Callable[[], LabelledSongs]


def find_tasks(
    source: str,
    n_train: int,
    n_valid: int,
    *,
    n_segments: int = REPORT_SEGMENTS,
    audio: AudioFolder | None = None,
    whole: bool = False,
) -> dict[str, Load]:
    """What a source has to offer: for each task, how to load its songs.

    Parameters
    ----------
    source : str
        "synthetic", "spoken-digits", the path of an npz file with the keys `X`, or
        `X_flat` and `offsets`, `y` and perhaps `groups`, of a folder with the report's
        npz files or a build's, or of a folder with audio files.
    n_train, n_valid : int
        Synthetic songs to make.
    n_segments : int, default=120
        Of synthetic songs.
    audio : AudioFolder, default=None
        How a folder of audio files is to be read; by default, with one folder a genre.
    whole : bool, default=False
        Do not divide a source that is not divided: all its songs are to train on.

    Returns
    -------
    tasks : dict of str to callable
        By the name of the task: the number of classes, but for builds that were given
        another.

    Raises
    ------
    FileNotFoundError, ValueError
        If the source is not one of these.
    """
    if source == SYNTHETIC:
        return {
            str(n): partial(_make, n, n_train, n_valid, n_segments)
            for n in SYNTHETIC_TASKS
        }
    if source == SPOKEN_DIGITS:
        return _only(_spoken_digits(whole))
    path = Path(source)
    if path.is_dir():
        found = {
            match[1]
            for child in path.iterdir()
            if (match := re.fullmatch(r"msd-([\w-]+)-genre-train(\.npz)?", child.name))
        }
        if found:
            ordered = sorted(found, key=lambda t: (not t.isdecimal(), len(t), t))
            return {task: partial(_read_task, path, task) for task in ordered}
        audio = audio or AudioFolder()
        if not audio.has_files(path):
            raise FileNotFoundError(
                f"{source} has no audio files, by the endings of their names, and no "
                "msd-…-genre-train.npz: is it the right folder? It has to be one of "
                "recordings, of the report's files, or one that `sklearn-msd build` "
                "made."
            )
        labelled = audio.find(path)
        return {str(len({*labelled.labels})): lambda: audio.read(labelled, whole=whole)}
    if not path.is_file():
        raise FileNotFoundError(
            f"data {source!r} is neither a file nor a folder here; it may also be "
            f"{SYNTHETIC!r} or {SPOKEN_DIGITS!r}."
        )
    if path.suffix.lower() in AUDIO_SUFFIXES:
        raise ValueError(
            f"{source} is one recording: name a folder of recordings, in folders named "
            "after their labels, or with --label-pattern or --labels."
        )
    if path.suffix.lower() != ".npz" and not zipfile.is_zipfile(path):
        raise ValueError(
            f"{source} is neither a folder of recordings nor an npz file, such as "
            "np.savez(file, X=X, y=y) writes."
        )
    return _only(_read_npz(path, whole))


def choose_task(tasks: Mapping[str, Load], task: str, source: str) -> str:
    """The task, if the source has it.

    Raises
    ------
    ValueError
        If it has not; the message says what it has.
    """
    if task not in tasks:
        raise ValueError(
            f"task {task} is not in {source}, which has {' and '.join(tasks)}."
        )
    return task


def _only(songs: LabelledSongs) -> dict[str, Load]:
    return {str(len(np.unique(songs.classes))): lambda: songs}


def _make(n_classes: int, n_train: int, n_valid: int, n_segments: int) -> LabelledSongs:
    X, y = make_songs(
        n_train + n_valid,
        n_segments,
        n_classes,
        task_state=SYNTHETIC_STATE,
        random_state=SYNTHETIC_STATE + 1,
    )
    return LabelledSongs(
        f"synthetic songs of {n_classes} classes",
        "These songs are SYNTHETIC: sklearn_msd.datasets.make_songs sampled them from "
        "a model of real songs' segment statistics and hid class information in single "
        "segments, in their order and in their position. No song of the Million Song "
        "Dataset is in them, the classes are no genres, and accuracies say nothing of "
        "real music.",
        X[:n_train],
        y[:n_train],
        X[n_train:],
        y[n_train:],
        classes=np.arange(n_classes),
        synthetic=True,
    )


def _spoken_digits(whole: bool) -> LabelledSongs:
    digits = load_spoken_digits()
    return divide(
        "spoken digits",
        "Recordings of spoken English digits as segments: real audio in real order, "
        "but speech, not music.",
        digits.data,
        digits.target,
        digits.groups,
        whole=whole,
        classes=digits.target_names,
    )


def _read_task(folder: Path, task: str) -> LabelledSongs:
    train, valid = (
        load_msd_genre(task, split, data_home=folder) for split in ("train", "valid")
    )
    return LabelledSongs(
        f"{folder.name}, {task}-genre task",
        f"The train and valid splits of the {task}-genre task in {folder}.",
        train.segments,
        train.target,
        valid.segments,
        valid.target,
        classes=max(train.target_names, valid.target_names, key=len),
        feature_names=train.feature_names and _of_a_segment(train.feature_names),
        features="Echo Nest",
    )


def _of_a_segment(names: list[str]) -> list[str]:
    short = [re.sub(r"^segment_\d+_", "", name) for name in names[:N_FEATURES]]
    return short if len(set(short)) == N_FEATURES else feature_names(REPORT_ORDER)


def _read_npz(path: Path, whole: bool) -> LabelledSongs:
    about = f"The songs of {os.fspath(path)}."
    with NpzArchive(path) as archive:
        names = {*archive.names}
        ragged = {*FLAT_KEYS, "y"} <= names
        if not ragged and not {"X", "y"} <= names:
            raise ValueError(
                f"{path}: an npz file needs the keys X and y, or X_flat, offsets and y "
                "for songs of unequal length, and groups where songs belong together; "
                f"it has {sorted(names)}."
            )
        keys = (*FLAT_KEYS, "y") if ragged else ("X", "y")
        *songs, y = (read_array(archive, key) for key in keys)
        groups = {k: read_array(archive, k) for k in _GROUP_KEYS if k in names}
        unused = sorted(names - {*keys, *groups})
    remarks = [f"Keys not used: {', '.join(unused)}."] if unused else []
    if ragged:
        X, cut = _equal_lengths(path, *songs)
        remarks.append(cut)
    else:
        (X,) = songs
    if X.ndim not in (2, 3) or y.shape != X.shape[:1]:
        raise ValueError(
            f"{path}: X must be (n_songs, n_segments * 25) or (n_songs, n_segments, "
            f"n_features) and y (n_songs,); got {X.shape} and {y.shape}."
        )
    for key, values in groups.items():
        if values.shape != y.shape:
            raise ValueError(
                f"{path}: {key} must be (n_songs,); got {values.shape} for {len(y)} "
                "songs."
            )
    if len(groups) == 2 and (groups["group"] != groups["groups"]).any():
        raise ValueError(f"{path}: group and groups differ; keep one of them.")
    group = groups.get("groups", groups.get("group"))
    return divide(path.name, about, X, y, group, whole=whole, remarks=remarks)


def _equal_lengths(
    path: Path, X_flat: np.ndarray, offsets: np.ndarray
) -> tuple[np.ndarray, str]:
    """Songs that lie end to end, as one array, and a sentence that says how."""
    songs = split_songs(path, X_flat, offsets)
    lengths = np.diff(offsets.astype(np.int64))
    n_segments = min(REPORT_SEGMENTS, int(lengths.max()))
    cropper = SegmentCropper(n_segments, n_segment_features=X_flat.shape[1])
    X = cropper.fit_transform(songs)
    return X.reshape(len(X), n_segments, -1), (
        f"The songs have {lengths.min()} to {lengths.max()} segments; of each the "
        f"central {n_segments} are taken, and shorter ones repeated up to there."
    )

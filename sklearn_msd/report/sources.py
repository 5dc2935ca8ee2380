"""Where a report's songs come from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from sklearn_msd.datasets import load_msd_genre, load_spoken_digits, make_songs
from sklearn_msd.datasets._archive import NpzArchive
from sklearn_msd.datasets._columns import N_FEATURES, REPORT_ORDER, feature_names

SYNTHETIC = "synthetic"
SPOKEN_DIGITS = "spoken-digits"
SYNTHETIC_TASKS = (10, 25)
# What the classes of the synthetic songs are like; the same in every report.
SYNTHETIC_STATE = 2017
# The share of songs to validate on where a source is not split: the report's.
N_FOLDS = 5


@dataclass(frozen=True)
class Songs:
    """Songs as a source has them; rows of `valid` are to validate on."""

    name: str
    description: str
    X: np.ndarray
    y: np.ndarray
    X_valid: np.ndarray
    y_valid: np.ndarray
    class_names: list[str] | None = None
    feature_names: list[str] | None = None
    synthetic: bool = False


Load = Callable[[], Songs]


def find_tasks(source: str, n_train: int, n_valid: int) -> dict[int, Load]:
    """What a source has to offer: for each number of classes, how to load its songs.

    Parameters
    ----------
    source : str
        "synthetic", "spoken-digits", the path of an npz file with the keys `X`, `y`
        and perhaps `group`, or of a folder with the report's npz files.
    n_train, n_valid : int
        Synthetic songs to make.

    Raises
    ------
    FileNotFoundError, ValueError
        If the source is not one of these.
    """
    if source == SYNTHETIC:
        return {n: partial(_make, n, n_train, n_valid) for n in SYNTHETIC_TASKS}
    if source == SPOKEN_DIGITS:
        songs = _spoken_digits()
        return {len(np.unique(songs.y)): lambda: songs}
    path = Path(source)
    if path.is_dir():
        found = {
            int(match[1])
            for child in path.iterdir()
            if (match := re.fullmatch(r"msd-(\d+)-genre-train(\.npz)?", child.name))
        }
        if not found:
            raise FileNotFoundError(
                f"{source} has no msd-…-genre-train.npz: it is no folder of the "
                "report's files, nor one made by `sklearn-msd build`."
            )
        return {task: partial(_read_task, path, task) for task in sorted(found)}
    if not path.is_file():
        raise FileNotFoundError(
            f"data {source!r} is neither a file nor a folder here; it may also be "
            f"{SYNTHETIC!r} or {SPOKEN_DIGITS!r}."
        )
    songs = _read_npz(path)
    return {len(np.unique(songs.y)): lambda: songs}


def _make(n_classes: int, n_train: int, n_valid: int) -> Songs:
    X, y = make_songs(
        n_train + n_valid,
        n_classes=n_classes,
        task_state=SYNTHETIC_STATE,
        random_state=SYNTHETIC_STATE + 1,
    )
    return Songs(
        f"synthetic songs, {n_classes} classes",
        "These songs are SYNTHETIC: sklearn_msd.datasets.make_songs drew them from a "
        "model of real songs' segment statistics and hid class information in single "
        "segments, in their order and in their position. No song of the Million Song "
        "Dataset is in them, the classes are no genres, and accuracies say nothing of "
        "real music.",
        X[:n_train],
        y[:n_train],
        X[n_train:],
        y[n_train:],
        synthetic=True,
    )


def _spoken_digits() -> Songs:
    digits = load_spoken_digits()
    return _split(
        "spoken digits",
        "Recordings of spoken English digits as segments: real audio in real order, "
        "but speech, not music.",
        digits.data,
        digits.target,
        digits.groups,
        class_names=[str(name) for name in digits.target_names],
    )


def _read_task(folder: Path, task: int) -> Songs:
    train, valid = (
        load_msd_genre(task, split, data_home=folder) for split in ("train", "valid")
    )
    names = max(train.target_names, valid.target_names, key=len)
    return Songs(
        f"{folder.name}, {task}-genre task",
        f"The train and valid splits of the {task}-genre task in {folder}.",
        train.segments,
        train.target,
        valid.segments,
        valid.target,
        class_names=[str(name) for name in names],
        feature_names=train.feature_names and _of_a_segment(train.feature_names),
    )


def _of_a_segment(names: list[str]) -> list[str]:
    short = [re.sub(r"^segment_\d+_", "", name) for name in names[:N_FEATURES]]
    return short if len(set(short)) == N_FEATURES else feature_names(REPORT_ORDER)


def _read_npz(path: Path) -> Songs:
    with NpzArchive(path) as archive:
        missing = {"X", "y"} - set(archive.names)
        if missing:
            raise ValueError(
                f"{path}: an npz file needs the keys X and y, and group where songs "
                f"belong together; it has {sorted(archive.names)}."
            )
        X, y = archive.read("X"), archive.read("y")
        group = archive.read("group") if "group" in archive.names else None
    if X.ndim not in (2, 3) or y.shape != X.shape[:1]:
        raise ValueError(
            f"{path}: X must be (n_songs, n_segments * 25) or (n_songs, n_segments, "
            f"n_features) and y (n_songs,); got {X.shape} and {y.shape}."
        )
    if group is not None and group.shape != y.shape:
        raise ValueError(
            f"{path}: group must be (n_songs,); got {group.shape} for {len(y)} songs."
        )
    return _split(path.name, f"The songs of {os.fspath(path)}.", X, y, group)


def _split(
    name: str,
    description: str,
    X: np.ndarray,
    y: np.ndarray,
    group: np.ndarray | None,
    class_names: list[str] | None = None,
) -> Songs:
    """Every fifth song to validate on, stratified, no group on both sides."""
    labels, codes = np.unique(y, return_inverse=True)
    n_groups = len(y) if group is None else len(np.unique(group))
    folds = min(N_FOLDS, n_groups)
    if folds < 2:
        raise ValueError(f"{name}: at least two songs and two groups are needed.")
    splitter: Any
    if group is None:
        folds = min(folds, int(np.bincount(codes).max()))
        if folds < 2:
            raise ValueError(f"{name}: no class has two songs, so none can be split.")
        splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
        description += f" One song in {folds} validates, all classes alike."
    else:
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    train, valid = next(iter(splitter.split(X, codes, group)))
    if group is not None:
        description += (
            f" Songs that share a group are never on both sides: "
            f"{len(np.unique(group[valid]))} of {n_groups} groups validate."
        )
    return Songs(
        name,
        description,
        X[train],
        codes[train],
        X[valid],
        codes[valid],
        class_names=class_names or [str(label) for label in labels],
    )

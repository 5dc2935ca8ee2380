"""The songs that the report is made on, from any of its sources."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from sklearn_msd.datasets import load_msd_genre, make_songs
from sklearn_msd.datasets._archive import NpzArchive
from sklearn_msd.datasets._columns import N_FEATURES, REPORT_ORDER, feature_names
from sklearn_msd.segments import SegmentScaler

SYNTHETIC = "synthetic"
SPOKEN_DIGITS = "spoken-digits"
SYNTHETIC_TASKS = (10, 25)
# What the classes of the synthetic songs are like; the same in every report.
SYNTHETIC_STATE = 2017
# The share of songs to validate on where a source is not split: the report's.
N_FOLDS = 5


@dataclass(frozen=True)
class ReportData:
    """Songs to train on and to validate on, standardised as in the report.

    Parameters
    ----------
    name : str
        What pages call the data.
    description : str
        Where they are from and how they were split.
    class_names : list of str
    X_train, X_valid : ndarray of shape (n_songs, n_segments * n_segment_features)
        float32; each input with mean 0 and deviation 1 over the training songs.
    y_train, y_valid : ndarray of shape (n_songs,)
        Positions in `class_names`.
    n_segment_features : int
    feature_names : list of str
        Of the features of a segment.
    synthetic : bool
        Whether the songs are made up: every page and picture says so.
    """

    name: str
    description: str
    class_names: list[str]
    X_train: np.ndarray = field(repr=False)
    y_train: np.ndarray = field(repr=False)
    X_valid: np.ndarray = field(repr=False)
    y_valid: np.ndarray = field(repr=False)
    n_segment_features: int = N_FEATURES
    feature_names: list[str] = field(default_factory=feature_names)
    synthetic: bool = False

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @cached_property
    def key(self) -> str:
        """Changes with any number in the data."""
        arrays = (self.X_train, self.y_train, self.X_valid, self.y_valid)
        key: str = joblib.hash((self.n_segment_features, *arrays))
        return key


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


def prepare(songs: Songs, n_train: int | None, n_valid: int | None) -> ReportData:
    """Check songs, take as many as wanted, and standardise them as the report did.

    Parameters
    ----------
    songs : Songs
    n_train, n_valid : int or None
        At most as many songs, drawn at random; None takes all.

    Raises
    ------
    ValueError
        If the songs cannot be learned from; the message names their source.
    """
    X, y = _drawn(songs.X, songs.y, n_train)
    X_valid, y_valid = _drawn(songs.X_valid, songs.y_valid, n_valid)
    description = songs.description
    width = X.shape[2] if X.ndim == 3 else N_FEATURES
    if X.shape[1:] != X_valid.shape[1:] or (X.ndim == 2 and X.shape[1] % width):
        raise ValueError(
            f"{songs.name}: songs must be (n_songs, n_segments * {width}) or "
            "(n_songs, n_segments, n_features), to train and to validate on alike; "
            f"got {X.shape} and {X_valid.shape}."
        )
    classes, codes = np.unique(y, return_inverse=True)
    known = np.isin(y_valid, classes)
    if not known.all():
        description += (
            f" {np.sum(~known)} validation songs are left out: no training song has "
            f"their class ({', '.join(map(str, np.unique(y_valid[~known])[:5]))})."
        )
        X_valid, y_valid = X_valid[known], y_valid[known]
    if len(classes) < 2 or len(y_valid) == 0:
        raise ValueError(
            f"{songs.name}: at least 2 classes to train on and one song to validate on "
            f"are needed; got {len(classes)} and {len(y_valid)}."
        )
    for name, array in (("train", X), ("valid", X_valid)):
        if not np.isfinite(array).all():
            raise ValueError(
                f"{songs.name}: songs to {name} hold NaN or infinity; the report's "
                "nets take songs of equal length (crop and pad them with "
                "SegmentCropper)."
            )
    scaler = SegmentScaler(per="input", n_segment_features=width).fit(_flat(X))
    names = songs.class_names or [str(label) for label in range(int(max(classes)) + 1)]
    return ReportData(
        name=songs.name,
        description=description,
        class_names=[names[label] for label in classes],
        X_train=scaler.transform(_flat(X)).astype(np.float32, copy=False),
        y_train=codes,
        X_valid=scaler.transform(_flat(X_valid)).astype(np.float32, copy=False),
        y_valid=np.searchsorted(classes, y_valid),
        n_segment_features=width,
        feature_names=songs.feature_names
        or (
            feature_names()
            if width == N_FEATURES
            else [f"feature_{i}" for i in range(width)]
        ),
        synthetic=songs.synthetic,
    )


def _flat(X: np.ndarray) -> np.ndarray:
    return X.reshape(len(X), -1)


def _drawn(X: np.ndarray, y: np.ndarray, n: int | None) -> tuple[Any, Any]:
    if n is None or n >= len(X):
        return X, y
    rows = np.sort(np.random.default_rng(0).permutation(len(X))[:n])
    return X[rows], y[rows]


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
    from sklearn_msd.datasets import load_spoken_digits

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

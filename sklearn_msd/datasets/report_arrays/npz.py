"""The report's arrays: genre tasks of the Million Song Dataset, read from npz files."""

import os
import re
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import PredefinedSplit
from sklearn.utils import Bunch

from sklearn_msd.common.scikit_learn.private import (
    Interval,
    StrOptions,
    validate_params,
)
from sklearn_msd.datasets.report_arrays.genre_files import (
    SPLITS,
    check_targets,
    read_label_map,
    read_split,
)
from sklearn_msd.datasets.report_arrays.variable_length import read_variable_length
from sklearn_msd.segments.columns import (
    N_FEATURES,
    REPORT_ORDER,
    feature_names,
    flat_feature_names,
)

_PARAMETERS: dict[str, list[Any]] = {
    "task": [str, Integral],
    "data_home": [str, os.PathLike, None],
    "variable_length": ["boolean"],
    "max_segments": [Interval(Integral, 1, None, closed="left"), None],
}


@validate_params(
    _PARAMETERS | {"split": [StrOptions(set(SPLITS))], "return_X_y": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_msd_genre(
    task: str | int = "10",
    split: str = "train",
    data_home: str | os.PathLike[str] | None = None,
    variable_length: bool = False,
    return_X_y: bool = False,
    *,
    max_segments: int | None = None,
) -> Any:
    """Load one split of a genre task: the report's files, or those of a build.

    Two forms are read. ``msd-{task}-genre-{split}.npz`` (for the test split
    ``…-test-inputs.npz`` and, where it exists, ``…-test-targets.npz``) is read into
    memory as float32. A folder ``msd-{task}-genre-{split}``, as
    :func:`build_msd_genre` writes with ``form="npy"``, is memory-mapped: `data` is a
    read-only :class:`numpy.memmap` of the dtype stored, and is never read whole.

    The report's files are already standardised, each of the 3000 inputs with its mean
    and deviation over the training songs. Files that :func:`build_msd_genre` writes are
    not.

    Parameters
    ----------
    task : str or int, default="10"
        The report's tasks are "10" (tagtraum CD2C) and "25" (MASD) genres; a build has
        the number of its genres, or the name given to it.

    split : {"train", "valid", "test"}, default="train"
        Which split.

    data_home : str or path-like, default=None
        Folder of the files; by default the environment variable ``MLP_DATA_DIR``.

    variable_length : bool, default=False
        Read the whole songs of ``…-var-length.npz`` instead of their central 120
        segments, put back in the order of the fixed-length file.

    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    max_segments : int, default=None
        With `variable_length`, keep at most this many segments of each song, its first
        ones. All 4000 of the report's take 400 kB a song: 16 GB for 40,000 songs.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes:

        data : ndarray of shape (n_songs, n_segments * 25)
            One song a row, segment after segment. With `variable_length`, of shape
            (n_songs, n_segments, 25), padded with NaN at the end.
        target : ndarray of shape (n_songs,) or None
            Positions in `target_names`; None for a test split without targets.
        target_names : ndarray of str
            Class names; the numbers as text where no file of the task names them.
        feature_names : list of str
            Names of the columns of `data`; with `variable_length`, of the 25 features.
        segments : ndarray of shape (n_songs, n_segments, 25)
            The same memory as `data`.
        groups, track_ids : ndarray of str or None
            Artist and track of each song, where the files have them.
        DESCR : str
            What was read.

    (data, target) : tuple
        If `return_X_y` is True.

    Raises
    ------
    ValueError
        If a file is damaged, or holds something else than it must; the message names
        the file. Python objects in a file are never unpickled.
    FileNotFoundError
        If the split is not there; the message says what is.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from sklearn_msd.datasets import load_msd_genre
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(os.path.join(folder, "msd-10-genre-train.npz"),
    ...              inputs=np.zeros((4, 120, 25), np.float16),
    ...              targets=np.array([0, 1, 0, 1]), label_map=["Rap", "Rock"])
    ...     X, y = load_msd_genre("10", "train", data_home=folder, return_X_y=True)
    >>> X.shape, X.dtype, y
    ((4, 3000), dtype('float32'), array([0, 1, 0, 1]))
    """
    task, home = check_task(task), _data_home(data_home)
    if max_segments is not None and not variable_length:
        raise ValueError("max_segments needs variable_length=True.")
    if variable_length:
        stored = read_variable_length(home, task, split, max_segments)
    else:
        stored = read_split(home, task, split)
    X, y = stored.inputs, stored.targets
    # Where only another split's file names the classes, they are the same classes.
    label_map = stored.label_map or read_label_map(home, task)
    if y is not None:
        check_targets(y, label_map, stored.path)
    if label_map is None:
        label_map = [] if y is None else [str(i) for i in range(y.max() + 1)]
    names = stored.feature_names or feature_names(REPORT_ORDER)
    data = X if variable_length else X.reshape(len(X), -1)
    if return_X_y:
        return data, y
    return Bunch(
        data=data,
        target=y,
        target_names=np.array(label_map, dtype=str),
        feature_names=names
        if variable_length
        else flat_feature_names(X.shape[1], names),
        segments=X,
        groups=stored.groups,
        track_ids=stored.track_ids,
        DESCR=(
            f"Million Song Dataset, {task}-genre task, {split}: {len(X)} songs of "
            f"{'up to ' if variable_length else ''}{X.shape[1]} segments with "
            f"{N_FEATURES} features, {names[0]} first and {names[-1]} last, from "
            f"{stored.path}."
        ),
    )


@validate_params(_PARAMETERS, prefer_skip_nested_validation=True)
def predefined_split(
    task: str | int = "10",
    data_home: str | os.PathLike[str] | None = None,
    variable_length: bool = False,
    *,
    max_segments: int | None = None,
) -> tuple[np.ndarray, np.ndarray, PredefinedSplit]:
    """Join the train and valid splits for searches that use the report's division.

    Parameters
    ----------
    task, data_home, variable_length, max_segments
        As in :func:`load_msd_genre`.

    Returns
    -------
    X : ndarray
        The songs of train, then those of valid: a new array in memory, also where the
        splits are memory-mapped.
    y : ndarray of shape (n_songs,)
        Their targets.
    cv : :class:`~sklearn.model_selection.PredefinedSplit`
        One fold: trained on train, tested on valid.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn_msd.datasets import make_songs, predefined_split
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for split, n in {"train": 30, "valid": 10}.items():
    ...         X, y = make_songs(n, random_state=0)
    ...         X = X.reshape(n, 120, 25)
    ...         np.savez(f"{folder}/msd-10-genre-{split}.npz", inputs=X, targets=y)
    ...     X, y, cv = predefined_split("10", folder)
    >>> X.shape, cv.get_n_splits()
    ((40, 3000), 1)
    """
    train, valid = (
        load_msd_genre(
            task, split, data_home, variable_length, max_segments=max_segments
        )
        for split in ("train", "valid")
    )
    if train.data.shape[2:] != valid.data.shape[2:] or (
        not variable_length and train.data.shape[1] != valid.data.shape[1]
    ):
        raise ValueError(
            f"train has songs of shape {train.segments.shape[1:]} and valid of shape "
            f"{valid.segments.shape[1:]}: they cannot be joined."
        )
    # One list may go on where the other ends: its split lacks the last, unnamed class.
    if any(
        a != b for a, b in zip(train.target_names, valid.target_names, strict=False)
    ):
        raise ValueError(
            f"train has the classes {list(train.target_names)} and valid "
            f"{list(valid.target_names)}: they cannot be joined."
        )
    if train.feature_names[:N_FEATURES] != valid.feature_names[:N_FEATURES]:
        raise ValueError("train and valid have their features in different orders.")
    n_train, n = len(train.data), len(train.data) + len(valid.data)
    width = max(train.data.shape[1], valid.data.shape[1])
    dtype = np.result_type(train.data, valid.data)
    X = np.full((n, width, *train.data.shape[2:]), np.nan, dtype)
    X[:n_train, : train.data.shape[1]] = train.data
    X[n_train:, : valid.data.shape[1]] = valid.data
    fold = np.where(np.arange(n) < n_train, -1, 0)
    return X, np.concatenate([train.target, valid.target]), PredefinedSplit(fold)


def check_task(task: str | int) -> str:
    """Check that `task` can be part of a file's name; return it as text."""
    task = str(task)
    if not re.fullmatch(r"[\w-]+", task):
        raise ValueError(
            f"task must be the number or name of a genre task, such as '10' or '25'; "
            f"got {task!r}."
        )
    return task


def _data_home(data_home: str | os.PathLike[str] | None) -> Path:
    home = data_home if data_home is not None else os.environ.get("MLP_DATA_DIR")
    if not home:
        raise ValueError(
            "data_home is not given and the environment variable MLP_DATA_DIR is not "
            "set: one of them must name the folder of the files."
        )
    return Path(home)

"""The files that hold a genre task: names, reading and writing of one split.

A split lies in a data folder in one of two forms, told apart by what is there:

- npz files with the report's names and keys (``inputs``, ``targets``, ``label_map``),
  and with ``feature_names``, ``groups`` and ``track_ids`` where this package wrote
  them;
- a folder of the same name without ``.npz``, holding ``X.npy``, ``y.npy``,
  ``groups.npy``, ``track_ids.npy`` and ``meta.json``, to be memory-mapped.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sklearn_msd.datasets.report_arrays.archive import NpzArchive, write_npz
from sklearn_msd.segments.columns import N_FEATURES

SPLITS = ("train", "valid", "test")


class StoredSplit(NamedTuple):
    """One split as it is stored; None where a file does not say."""

    inputs: np.ndarray  # (n_songs, n_segments, 25)
    targets: np.ndarray | None  # (n_songs,) integers
    label_map: list[str] | None
    feature_names: list[str] | None
    groups: np.ndarray | None
    track_ids: np.ndarray | None
    path: str = ""


def stem(task: str, split: str) -> str:
    """Name a split's files: the name without its ending."""
    return f"msd-{task}-genre-{split}"


def read_split(home: Path, task: str, split: str) -> StoredSplit:
    """Read one split from the data folder, in whichever form it lies there."""
    folder = home / stem(task, split)
    if folder.is_dir():
        return _read_folder(folder)
    if split != "test":
        return _read_npz(existing(home, f"{stem(task, split)}.npz"))
    stored = _read_npz(existing(home, f"{stem(task, split)}-inputs.npz"))
    path = home / f"{stem(task, split)}-targets.npz"
    if not path.exists():
        return stored
    with NpzArchive(path) as archive:
        targets, label_map = read_targets(archive, len(stored.inputs))
    return stored._replace(targets=targets, label_map=label_map)


def read_label_map(home: Path, task: str) -> list[str] | None:
    """Read the class names from whichever split of the task has them."""
    for split in SPLITS:
        path = home / f"{stem(task, split)}.npz"
        if path.exists():
            with NpzArchive(path) as archive:
                if "label_map" in archive.names:
                    return _label_map(archive)
    return None


def existing(home: Path, *names: str) -> Path:
    """Return the first of the named files that exists in the data folder."""
    for name in names:
        if (home / name).is_file():
            return home / name
    there = sorted(path.name for path in home.glob("msd-*-genre-*"))
    raise FileNotFoundError(
        f"{home} has no {' or '.join(names)}; of genre tasks it holds "
        f"{', '.join(there) or 'nothing'}."
    )


def read_targets(
    archive: NpzArchive, n_songs: int, name: str = "targets"
) -> tuple[np.ndarray, list[str] | None]:
    """Read targets and, where there are any, class names; check that they agree."""
    shape, dtype = archive.header(name)
    if shape != (n_songs,) or dtype.kind not in "iu":
        raise ValueError(
            f"{archive.path}: {name} must be {n_songs} integers; got the shape "
            f"{shape} and the dtype {dtype}."
        )
    targets = archive.read(name).astype(np.int64)
    label_map = _label_map(archive) if "label_map" in archive.names else None
    check_targets(targets, label_map, archive.path)
    return targets, label_map


def check_targets(
    targets: np.ndarray, label_map: Sequence[str] | None, path: str
) -> None:
    """Raise if a target is no position in the class names."""
    bound = np.inf if label_map is None else len(label_map)
    wrong = (targets < 0) | (targets >= bound)
    if wrong.any():
        raise ValueError(
            f"{path}: the target {targets[wrong][0]} is no position in the "
            f"{bound} class names."
        )


def check_inputs(
    path: str, shape: tuple[int, ...], dtype: np.dtype
) -> tuple[int, int, int]:
    """Check the shape and dtype of stored inputs; return the shape unflattened.

    The report's test files hold flat rows, ``(n_songs, n_segments * 25)``.
    """
    if len(shape) == 2 and shape[1] % N_FEATURES == 0:
        shape = (shape[0], shape[1] // N_FEATURES, N_FEATURES)
    if len(shape) != 3 or shape[2] != N_FEATURES or 0 in shape:
        raise ValueError(
            f"{path}: inputs must have the shape (n_songs, n_segments, {N_FEATURES}) "
            f"or (n_songs, n_segments * {N_FEATURES}); got {shape}."
        )
    if dtype.kind not in "fiu":
        raise ValueError(f"{path}: inputs must be numbers; got the dtype {dtype}.")
    return shape[0], shape[1], shape[2]


def _read_npz(path: Path) -> StoredSplit:
    with NpzArchive(path) as archive:
        shape = check_inputs(archive.path, *archive.header("inputs"))
        # float32 as the report's own reader has it; what overflows is infinite, which
        # every estimator refuses.
        with np.errstate(over="ignore"):
            inputs = archive.read("inputs").astype(np.float32, copy=False)
        targets, label_map = None, None
        if "targets" in archive.names or not path.stem.endswith("test-inputs"):
            targets, label_map = read_targets(archive, shape[0])
        names = _strings(archive, "feature_names", N_FEATURES)
        groups = _strings(archive, "groups", shape[0])
        track_ids = _strings(archive, "track_ids", shape[0])
    return StoredSplit(
        inputs.reshape(shape),
        targets,
        label_map,
        None if names is None else names.tolist(),
        groups,
        track_ids,
        os.fspath(path),
    )


def _label_map(archive: NpzArchive) -> list[str]:
    shape, dtype = archive.header("label_map")
    names: np.ndarray = archive.read("label_map")
    if dtype.kind == "S":
        names = np.char.decode(names, "utf-8", "replace")
    if len(shape) != 1 or names.dtype.kind != "U" or len(set(names)) < len(names):
        raise ValueError(
            f"{archive.path}: label_map must hold distinct class names; got the shape "
            f"{shape} and the dtype {dtype}."
        )
    label_map: list[str] = names.tolist()
    return label_map


def _strings(archive: NpzArchive, name: str, length: int) -> np.ndarray | None:
    if name not in archive.names:
        return None
    shape, dtype = archive.header(name)
    if shape != (length,) or dtype.kind != "U":
        raise ValueError(
            f"{archive.path}: {name} must be {length} strings; got the shape {shape} "
            f"and the dtype {dtype}."
        )
    return archive.read(name)


def _read_folder(folder: Path) -> StoredSplit:
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        label_map, names = meta["label_map"], meta["feature_names"]
        for texts in (label_map, names):
            if not isinstance(texts, list) or not all(
                isinstance(t, str) for t in texts
            ):
                raise ValueError("meta.json must hold two lists of names")
        if len(names) != N_FEATURES:
            raise ValueError(f"meta.json must name {N_FEATURES} features")
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ("X", "y", "groups", "track_ids")
        }
    except OSError:
        raise
    except Exception as error:  # JSON, npy headers and memory maps, each their own
        raise ValueError(f"{folder}: cannot be read: {error}.") from error
    X, y = arrays["X"], arrays["y"]
    check_inputs(f"{folder / 'X.npy'}", X.shape, X.dtype)
    if y.dtype.kind not in "iu" or any(
        a.shape != X.shape[:1] for a in arrays.values() if a is not X
    ):
        raise ValueError(
            f"{folder}: y, groups and track_ids must have one entry for each of the "
            f"{len(X)} songs of X, and y must hold integers."
        )
    targets = np.array(y, dtype=np.int64)
    check_targets(targets, label_map, os.fspath(folder))
    return StoredSplit(
        X,
        targets,
        label_map,
        names,
        arrays["groups"],
        arrays["track_ids"],
        os.fspath(folder),
    )


def write_split(
    home: Path, task: str, split: str, stored: StoredSplit, form: str
) -> None:
    """Write one split into a data folder, flushed to the disk.

    Parameters
    ----------
    home : Path
        An existing folder.
    task, split : str
        What the split is called.
    stored : StoredSplit
        Nothing may be None. A memory map as `inputs` is not read whole into memory.
    form : {"npz", "npy"}
        npz files as the report's, or a folder to be memory-mapped.
    """
    groups, track_ids = np.asarray(stored.groups), np.asarray(stored.track_ids)
    base = home / stem(task, split)
    if form == "npy":
        base.mkdir()
        meta = {"label_map": stored.label_map, "feature_names": stored.feature_names}
        _write(base / "meta.json", json.dumps(meta, indent=1).encode())
        for name, array in (
            ("X", stored.inputs),
            ("y", np.asarray(stored.targets)),
            ("groups", groups),
            ("track_ids", track_ids),
        ):
            _write(base / f"{name}.npy", array)
        return
    inputs = {
        "inputs": stored.inputs,
        "feature_names": np.array(stored.feature_names),
        "groups": groups,
        "track_ids": track_ids,
    }
    targets = {
        "targets": np.asarray(stored.targets),
        "label_map": np.array(stored.label_map),
    }
    if split == "test":
        _write(base.with_name(f"{base.name}-inputs.npz"), inputs)
        _write(base.with_name(f"{base.name}-targets.npz"), targets)
    else:
        _write(base.with_name(f"{base.name}.npz"), inputs | targets)


def _write(path: Path, content: bytes | np.ndarray | dict[str, np.ndarray]) -> None:
    with open(path, "wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        elif isinstance(content, dict):
            write_npz(file, content)
        else:
            np.save(file, content, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())

"""Songs of unequal length, from the report's files of length buckets."""

import os
import re
from pathlib import Path

import numpy as np

from sklearn_msd.datasets.report_arrays.archive import NpzArchive
from sklearn_msd.datasets.report_arrays.genre_files import (
    StoredSplit,
    existing,
    read_targets,
    stem,
)
from sklearn_msd.segments.columns import N_FEATURES
from sklearn_msd.segments.layout import without_padding


def read_variable_length(
    home: Path, task: str, split: str, max_segments: int | None
) -> StoredSplit:
    """Join the length buckets of a split in the order of its fixed-length file."""
    base = stem(task, split)
    names = [f"{base}-var-length.npz"]
    if split == "test":
        names.insert(0, f"{base}-inputs-var-length.npz")
    path = existing(home, *names)
    with NpzArchive(path) as archive:
        buckets = sorted(
            int(name.removeprefix("inputs_"))
            for name in archive.names
            if re.fullmatch(r"inputs_[1-9]\d*", name)
        )
        if not buckets:
            raise ValueError(f"{path}: has no array inputs_{{n}} of any length n.")
        indices = {n: _bucket_indices(archive, n) for n in buckets}
        order = np.concatenate([[], *indices.values()])
        n_songs = len(order)
        if n_songs == 0 or not np.array_equal(np.sort(order), np.arange(n_songs)):
            raise ValueError(
                f"{path}: the indices of its buckets must number its songs from 0 on, "
                "each once."
            )
        width = max(n for n in buckets if len(indices[n]))
        X = np.full(
            (n_songs, min(width, max_segments or width), N_FEATURES),
            np.nan,
            np.float32,
        )
        targeted = any(name.startswith("targets_") for name in archive.names)
        y = np.zeros(n_songs, np.int64) if targeted else None
        label_map = None
        for n in buckets:
            songs = archive.read(f"inputs_{n}")
            for row, song in zip(indices[n], songs, strict=True):
                song = without_padding(song)[: X.shape[1]]
                X[row, : len(song)] = song
            if y is not None:
                y[indices[n]], label_map = read_targets(
                    archive, len(songs), f"targets_{n}"
                )
    if y is None:
        # Put in order, the songs are those of the fixed-length targets.
        targets = home / f"{base}-targets.npz"
        if targets.exists():
            with NpzArchive(targets) as archive:
                y, label_map = read_targets(archive, n_songs)
    return StoredSplit(X, y, label_map, None, None, None, os.fspath(path))


def _bucket_indices(archive: NpzArchive, n: int) -> np.ndarray:
    """Read a bucket's indices, checking that its inputs are what goes with them."""
    shape, dtype = archive.header(f"inputs_{n}")
    if shape[1:] != (n, N_FEATURES) or dtype.kind != "f":
        raise ValueError(
            f"{archive.path}: inputs_{n} must have the shape (n_songs, {n}, "
            f"{N_FEATURES}) and hold floating-point numbers; got {shape} of {dtype}."
        )
    found, kind = archive.header(f"indices_{n}")
    if found != shape[:1] or kind.kind not in "iu":
        raise ValueError(
            f"{archive.path}: indices_{n} must be {shape[0]} integers; got the shape "
            f"{found} and the dtype {kind}."
        )
    return archive.read(f"indices_{n}").astype(np.int64)

"""Songs in an npz file of one's own: what its arrays are called and look like."""

from __future__ import annotations

import os

import numpy as np

from sklearn_msd.datasets.report_arrays.archive import HOLDS_OBJECTS, NpzArchive

# Songs of unequal length, end to end.
FLAT_KEYS = ("X_flat", "offsets")


def read_array(archive: NpzArchive, key: str) -> np.ndarray:
    """Read an array; where it holds Python objects, say how it is saved without.

    Raises
    ------
    ValueError
        As `NpzArchive.read`.
    """
    try:
        return archive.read(key)
    except ValueError as error:
        if HOLDS_OBJECTS not in str(error):
            raise
        advice = f"Save {key} as text or numbers: {key}=np.array({key}, dtype=str)."
        if key == "X":
            advice = (
                "Save songs of unequal length as X_flat=np.concatenate(songs) and "
                "offsets=np.cumsum([0, *map(len, songs)]), each song (n_segments, "
                "n_features)."
            )
        raise ValueError(f"{error} {advice}") from error


def split_songs(
    path: str | os.PathLike[str], X_flat: np.ndarray, offsets: np.ndarray
) -> list[np.ndarray]:
    """Songs that lie end to end, each of shape (n_segments, n_features).

    Raises
    ------
    ValueError
        If the arrays are of other shapes, or a song has no segment; the message begins
        with the path.
    """
    good = X_flat.ndim == 2 and offsets.ndim == 1 and offsets.dtype.kind in "iu"
    if not good or len(offsets) < 2 or (offsets[0], offsets[-1]) != (0, len(X_flat)):
        raise ValueError(
            f"{path}: X_flat must be (n_segments of all songs, n_features), and "
            "offsets the rows where songs begin, from 0 to its length; got "
            f"{X_flat.shape} and {offsets[:3]}…{offsets[-1:]} of shape {offsets.shape}."
        )
    if np.diff(offsets.astype(np.int64)).min() < 1:
        raise ValueError(f"{path}: offsets must grow: every song needs a segment.")
    return np.split(X_flat, offsets[1:-1])

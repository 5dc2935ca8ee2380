"""Songs of other lengths than a model's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_msd.segments.cropper import SegmentCropper


def cut_songs(
    X: NDArray[Any], n_segments: int, n_segment_features: int
) -> NDArray[Any]:
    """Flat songs of `n_segments`: their central ones, as in the report.

    Songs that end in NaN are repeated, as far as they are too short.

    Parameters
    ----------
    X : ndarray of shape (n_songs, n) or (n_songs, n_segments_in, n_segment_features)
    n_segments, n_segment_features : int

    Raises
    ------
    ValueError
        If all songs are shorter, or no segments of `n_segment_features`.
    """
    if X.ndim not in (2, 3) or X.dtype.kind not in "fiub":
        raise ValueError(
            f"X must be numbers of shape (n_songs, n_segments * {n_segment_features}) "
            f"or (n_songs, n_segments, {n_segment_features}); got {X.dtype} of shape "
            f"{X.shape}."
        )
    if X.ndim == 3 and X.shape[2] != n_segment_features:
        raise ValueError(
            f"X has {X.shape[2]} features a segment, expected {n_segment_features}."
        )
    n_features = X[:1].size
    if n_features % n_segment_features or not n_features:
        raise ValueError(
            f"X has {n_features} features a song, expected a multiple of the "
            f"{n_segment_features} of a segment."
        )
    width = n_segments * n_segment_features
    if n_features < width:
        raise ValueError(
            f"X has {n_features} features a song, expected {width}: {n_segments} "
            f"segments of {n_segment_features}, or more segments."
        )
    flat = X.reshape(len(X), n_features)
    if n_features == width and not np.isnan(flat[:, -1]).any():
        return flat
    cut: NDArray[Any] = cropper(n_segments, n_segment_features).fit_transform(flat)
    return cut


def whole_or_cut(
    X: NDArray[Any], n_segments: int | None, n_segment_features: int
) -> NDArray[Any]:
    """Songs of `n_segments`, or whole: flat if none is shorter, else three-dimensional.

    Raises
    ------
    ValueError
        As `cut_songs`.
    """
    if not len(X):
        return X
    n_features = X[:1].size
    flat = X.ndim in (2, 3) and X.dtype.kind in "fiub" and n_features
    if n_segments is None and flat and n_features % n_segment_features == 0:
        songs = X.reshape(len(X), n_features)
        if np.isnan(songs[:, -1]).any():
            whole: NDArray[Any] = songs.reshape(len(X), -1, n_segment_features)
            return whole
    if n_segments is None:
        n_segments = n_features // n_segment_features
    return cut_songs(X, n_segments, n_segment_features)


def cropper(n_segments: int, n_segment_features: int) -> SegmentCropper:
    """Cuts songs as `AudioSegmenter` does."""
    return SegmentCropper(n_segments, n_segment_features=n_segment_features)

"""Arrays of song segments: layouts, unequal lengths, crops."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import assert_all_finite

from sklearn_msd.segments.as_array import as_array
from sklearn_msd.segments.mapped_songs import MappedSongs

CROPS = ("center", "start", "random", "even")
PADS = ("repeat", "mean", "zero", "nan")


def is_song_list(X: Any) -> bool:
    """Whether ``X`` is a list of songs, each an array of shape (n_segments, n)."""
    listed = isinstance(X, list | tuple) or (
        isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype == object
    )
    return listed and len(X) > 0 and np.ndim(X[0]) == 2


def check_songs(songs: Sequence[ArrayLike], name: str = "songs") -> list[NDArray[Any]]:
    """Songs as floating-point arrays of one dtype and one width, none copied if so."""
    if (
        not isinstance(songs, Collection)
        or isinstance(songs, str | bytes | Mapping)
        or getattr(songs, "ndim", 1) == 0
    ):
        raise TypeError(f"{name} must be a sequence of arrays; got {songs!r:.60}.")
    arrays = [
        np.asarray(as_array(song, f"{name}[{i}]")) for i, song in enumerate(songs)
    ]
    if not arrays:
        raise ValueError(f"{name} is empty: at least one song is needed.")
    for i, array in enumerate(arrays):
        if array.ndim != 2 or array.shape[1] != arrays[0].shape[-1]:
            lengths = {a.shape[0] if a.ndim == 2 else None for a in arrays}
            turned = len(lengths) == 1 and None not in lengths
            hint = (
                f" Do they need transposing: [x.T for x in {name}]?" if turned else ""
            )
            raise ValueError(
                f"{name}[{i}] has shape {array.shape}; every song must have shape "
                "(n_segments, n_segment_features), n_segment_features the same in all."
                f"{hint}"
            )
        if array.dtype.kind not in "fiub":
            raise ValueError(f"{name}[{i}] has dtype {array.dtype}, expected numbers.")
    # float16 as the least: integers become floating, float32 stays as it is.
    dtype = np.result_type(np.float16, *{array.dtype for array in arrays})
    return [array.astype(dtype, copy=False) for array in arrays]


def stack_segments(songs: Sequence[ArrayLike]) -> NDArray[Any]:
    """Stack songs of unequal length into one array, padded with NaN at the end.

    Parameters
    ----------
    songs : sequence of array-like of shape (n_segments_i, n_segment_features)
        One array for each song.

    Returns
    -------
    ndarray of shape (n_songs, max(n_segments_i), n_segment_features)
        Floating point; float16 and float32 are kept.

    Raises
    ------
    ValueError
        If there is no song, a song is not two-dimensional, or widths differ.
    TypeError
        If ``songs`` is no sequence.

    See Also
    --------
    unstack_segments : The inverse.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msd import stack_segments
    >>> X = stack_segments([np.ones((2, 25)), np.ones((4, 25))])
    >>> X.shape
    (2, 4, 25)
    >>> np.isnan(X[0, 2:]).all()
    np.True_
    """
    arrays = check_songs(songs)
    longest = max(map(len, arrays))
    stacked = np.full(
        (len(arrays), longest, arrays[0].shape[1]), np.nan, dtype=arrays[0].dtype
    )
    for row, array in zip(stacked, arrays, strict=True):
        row[: len(array)] = array
    return stacked


def unstack_segments(X: NDArray[Any]) -> list[NDArray[Any]]:
    """Songs without the NaN at their ends: the inverse of `stack_segments`.

    Parameters
    ----------
    X : ndarray of shape (n_songs, n_segments, n_segment_features)
        Songs, padded with NaN at the end.

    Returns
    -------
    list of ndarray of shape (n_segments_i, n_segment_features)
        Views of ``X``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msd.segments.layout import stack_segments, unstack_segments
    >>> songs = unstack_segments(stack_segments([np.ones((2, 25)), np.ones((4, 25))]))
    >>> [len(song) for song in songs]
    [2, 4]
    """
    if np.ndim(X) != 3:
        raise ValueError(
            "X must have shape (n_songs, n_segments, n_segment_features), "
            f"got {np.shape(X)}."
        )
    return [without_padding(song) for song in np.asarray(as_array(X))]


def without_padding(song: NDArray[Any]) -> NDArray[Any]:
    """Cut the segments that are NaN throughout from the end of a song."""
    (present,) = np.nonzero(~np.isnan(song).all(axis=1))
    return song[: present[-1] + 1] if present.size else song[:0]


def flatten_songs(X: Any, n_segment_features: int, name: str = "X") -> Any:
    """Three-dimensional ``X`` as flat rows (a view); anything else as it is."""
    if getattr(X, "ndim", 2) != 3:
        return X
    X = X if isinstance(X, MappedSongs) else np.asarray(X)
    if X.shape[2] != n_segment_features:
        turned = X.shape[1] == n_segment_features
        raise ValueError(
            f"{name} has segments of {X.shape[2]} features, expected "
            f"n_segment_features={n_segment_features}."
            + (f" Does it need transposing: {name}.transpose(0, 2, 1)?" * turned)
        )
    # Not -1: no songs, or no segments, would leave the width undecided.
    return X.reshape(len(X), X.shape[1] * X.shape[2])


def check_width(n_features: int, n_segment_features: int, name: str = "X") -> None:
    """Raise if flat rows do not hold a whole number of segments."""
    if n_features % n_segment_features:
        raise ValueError(
            f"{name} has {n_features} features, which is not a multiple of "
            f"n_segment_features={n_segment_features}: set it to the width of a "
            f"segment, or pass {name} as (n_songs, n_segments, n_segment_features)."
        )


def crop_starts(
    n_spare: int, n_crops: int, crop: str, random_state: np.random.RandomState
) -> NDArray[np.intp]:
    """Where crops start in a song with ``n_spare`` segments more than a crop has."""
    if crop == "random":
        return random_state.randint(n_spare + 1, size=n_crops)
    if crop == "even" and n_crops > 1:
        return np.linspace(0, n_spare, n_crops).round().astype(np.intp)
    # One of one crop is evenly placed in the middle.
    return np.full(n_crops, 0 if crop == "start" else n_spare // 2, dtype=np.intp)


def pad_song(song: NDArray[Any], n_segments: int, pad: str) -> NDArray[Any]:
    """Lengthen a song at its end to ``n_segments``; longer ones stay as they are."""
    n_missing = n_segments - len(song)
    if n_missing <= 0:
        return song
    if pad == "repeat":
        return np.resize(song, (n_segments, song.shape[1]))
    if pad == "mean":
        # The sum of float16 in float16 overflows.
        wide = np.result_type(song.dtype, np.float32)
        fill = np.nanmean(song, axis=0, dtype=wide)
    else:
        fill = (
            np.zeros(song.shape[1]) if pad == "zero" else np.full(song.shape[1], np.nan)
        )
    padding = np.broadcast_to(fill.astype(song.dtype), (n_missing, song.shape[1]))
    return np.concatenate([song, padding])


def iter_crops(
    songs: Sequence[NDArray[Any]] | NDArray[Any],
    n_segments: int,
    *,
    n_crops: int = 1,
    crop: str = "center",
    pad: str = "repeat",
    random_state: np.random.RandomState,
) -> Iterator[list[NDArray[Any]]]:
    """Yield for each song its ``n_crops`` crops of ``n_segments`` segments.

    ``songs`` holds arrays of shape (n_segments_i, n_segment_features), padded with
    NaN at the end or not; `SegmentCropper` says what ``crop`` and ``pad`` mean.
    """
    for i, song in enumerate(songs):
        song = without_padding(song)
        if not len(song):
            raise ValueError(f"X[{i}] holds no segments, only NaN.")
        padded = pad_song(song, n_segments, pad)
        starts = crop_starts(len(padded) - n_segments, n_crops, crop, random_state)
        yield [padded[start : start + n_segments] for start in starts]


def crop_songs(
    params: Any,
    songs: list[NDArray[Any]] | NDArray[Any],
    *,
    n_crops: int,
    crop: str,
    random_state: np.random.RandomState,
) -> NDArray[Any]:
    """Crops of all songs as flat rows, those of a song one after another."""
    width = params.n_segments * songs[0].shape[1]
    n_crops = int(n_crops)  # True is one, and no length
    crops = np.empty((len(songs) * n_crops, width), dtype=songs[0].dtype)
    cropped = iter_crops(
        songs,
        params.n_segments,
        n_crops=n_crops,
        crop=crop,
        pad=params.pad,
        random_state=random_state,
    )
    for i, song_crops in enumerate(cropped):
        rows = slice(i * n_crops, (i + 1) * n_crops)
        crops[rows] = np.reshape(song_crops, (n_crops, width))
    assert_all_finite(crops, allow_nan=True, input_name="X")
    return crops

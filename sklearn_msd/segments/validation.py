"""Songs as the user has them → validated flat array."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    column_or_1d,
)
from sklearn.utils.validation import FLOAT_DTYPES, validate_data

from sklearn_msd.common.scikit_learn.private import check_feature_names
from sklearn_msd.segments.as_array import as_array, as_labels
from sklearn_msd.segments.columns import N_FEATURES
from sklearn_msd.segments.layout import (
    check_songs,
    check_width,
    flatten_songs,
    is_song_list,
    stack_segments,
)
from sklearn_msd.segments.mapped_songs import MappedSongs

# scikit-learn's sign for a call without labels; None is a mistake of the caller's.
NO_LABELS = "no_validation"

# Songs that the layout is guessed by.
_N_LOOKED_AT = 256

# Numbers checked at a time: a memory map is never read whole into memory.
_CHUNK = 4_000_000


def validate_songs(
    estimator: Any,
    X: Any,
    y: Any = NO_LABELS,
    *,
    padding: bool = False,
    reset: bool = True,
    name: str = "X",
) -> Any:
    """Check songs and lay them out flat, without copying floating-point data.

    Parameters
    ----------
    estimator : estimator with `n_segment_features` and `dtype`
        Its `n_features_in_` and `feature_names_in_` are set, or compared with.
    X : array-like of shape (n_songs, n_segments * n_segment_features) or \
            (n_songs, n_segments, n_segment_features)
    y : array-like of shape (n_songs,), default=NO_LABELS
    padding : bool, default=False
        Whether a song may end in segments of NaN. Songs in three dimensions may then
        also be longer or shorter than those of `fit`.
    reset : bool, default=True
        Whether this is a fit.
    name : str, default="X"
        What messages call `X`.

    Returns
    -------
    X : ndarray or MappedSongs of shape (n_songs, n_segments * n_segment_features)
    y : ndarray of shape (n_songs,)
        Only if `y` was given.

    Raises
    ------
    ValueError
        If the width is not a multiple of `n_segment_features`, or numbers are missing
        or infinite; with `y`, also if they would be infinite in the net's `dtype`.
    """
    X = as_array(X, name)
    if y is not NO_LABELS:
        y = as_labels(y, name.replace("X", "y"))
    if is_song_list(X):
        X = _stack(X, padding, estimator, name)
    width = segment_width(estimator, X, reset=reset, name=name)
    if padding and not reset and getattr(X, "ndim", None) == 3:
        X = _pad_to_fit(X, estimator, width)
    rows, labels = _validate_rows(
        estimator,
        X,
        y,
        width=width,
        reset=reset,
        any_length=padding,
        name=name,
        # A type listed is kept; any other becomes the first.
        dtype=[np.dtype(estimator.dtype), np.float32, np.float64, np.float16],
    )
    if not rows.dtype.isnative:
        rows = rows.astype(rows.dtype.newbyteorder("="))
    n_at_once = max(1, _CHUNK // rows.shape[1])
    for start in range(0, len(rows), n_at_once):
        chunk = np.asarray(rows[start : start + n_at_once])
        songs = chunk.reshape(len(chunk), -1, width)
        try:
            # With the estimator's name scikit-learn would recommend others.
            assert_all_finite(chunk, allow_nan=padding, input_name=name)
        except ValueError as error:
            if padding or not _is_padded(songs):
                raise
            raise ValueError(
                f"{name} contains NaN at the ends of songs, as padding, and "
                f"{_takes_one_length(estimator)}"
            ) from error
        if padding:
            check_padding(songs, name)
        if y is not NO_LABELS:
            _check_range(chunk, estimator.dtype, name)
    return rows if y is NO_LABELS else (rows, labels)


def validate_flat(
    estimator: Any, X: Any, *, width: int, reset: bool, any_length: bool
) -> Any:
    """Flat rows of whole segments, neither copied nor read.

    With ``any_length``, songs given in three dimensions may be longer or shorter than
    those of ``fit``; flat rows must always be as wide.
    """
    rows, _ = _validate_rows(
        estimator,
        X,
        width=width,
        reset=reset,
        any_length=any_length,
        dtype=FLOAT_DTYPES,
    )
    return rows


def validate_uncropped(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Songs of any length: a list of arrays, or one three-dimensional array.

    `MappedSongs` stay on disk.
    """
    X = as_array(X)
    width = segment_width(estimator, X, reset=reset)
    if is_song_list(X):
        songs = check_songs(X, "X")
        flatten_songs(songs[0][None], width)  # raises for a wrong width
        if reset:
            check_feature_names(estimator, songs, reset=True)  # forgets old ones
            estimator.n_features_in_ = max(map(len, songs)) * width
        return songs
    rows = validate_flat(estimator, X, width=width, reset=reset, any_length=True)
    return rows.reshape(len(rows), rows.shape[1] // width, width)


def segment_width(estimator: Any, X: Any, *, reset: bool, name: str = "X") -> int:
    """Number of features of a segment, which a fit sets as `n_segment_features_`.

    It is the parameter `n_segment_features`; where that is None, the last axis of songs
    that have one, and 25 for flat rows.

    Warns
    -----
    UserWarning
        If the features seem to lie along the other axis.
    """
    if not reset and hasattr(estimator, "n_segment_features_"):
        return int(estimator.n_segment_features_)
    width = estimator.n_segment_features
    if width is None:
        width = N_FEATURES
        if is_song_list(X):
            width = np.shape(X[0])[1]
        elif getattr(X, "ndim", 2) == 3:
            width = X.shape[2]
            if X.shape[1] == N_FEATURES != width and not _ends_in_nan(X):
                warnings.warn(
                    f"{name} of shape {X.shape} is taken for {N_FEATURES} segments of "
                    f"{width} features. If the features lie along the second axis, "
                    f"pass {name}.transpose(0, 2, 1); if not, set "
                    f"n_segment_features={width}.",
                    stacklevel=2,
                )
    width = int(width)  # True is one, and no length
    if reset:
        estimator.n_segment_features_ = width
    return width


def _ends_in_nan(songs: Any) -> bool:
    """Whether some of the first songs are padded, so that their second axis is time."""
    ends = np.asarray(songs[:_N_LOOKED_AT])[:, -1]
    return ends.dtype.kind == "f" and bool(np.isnan(ends).all(axis=1).any())


def _stack(songs: Any, padding: bool, estimator: Any, name: str) -> NDArray[Any]:
    """A list of songs as one array, padded with NaN where lengths differ."""
    songs = check_songs(songs, name)
    lengths = {len(song) for song in songs}
    if len(lengths) > 1 and not padding:
        raise ValueError(
            f"{name} has songs of {min(lengths)} to {max(lengths)} segments, and "
            f"{_takes_one_length(estimator)}"
        )
    return stack_segments(songs)


def _takes_one_length(estimator: Any) -> str:
    """What a message says of songs of unequal length that are not taken."""
    return (
        f"{type(estimator).__name__} takes songs of one length: put a SegmentCropper "
        "before it, or use a classifier that takes unequal lengths, as "
        "TimeConvClassifier does with global_pooling, and RecurrentClassifier."
    )


def _is_padded(songs: NDArray[Any]) -> bool:
    """Whether there is NaN in songs, and only where padding may be."""
    try:
        check_padding(songs, "X")
    except ValueError:
        return False
    return bool(np.isnan(songs).any())


def _validate_rows(
    estimator: Any,
    X: Any,
    y: Any = NO_LABELS,
    *,
    width: int,
    reset: bool,
    any_length: bool,
    dtype: Any,
    name: str = "X",
) -> tuple[Any, Any]:
    """Flat rows of whole segments and the labels, if any.

    `MappedSongs` stay on disk: as much of them as can be told without reading them,
    their form, is checked.
    """
    other_length = any_length and not reset and getattr(X, "ndim", 2) == 3
    shape = tuple(getattr(X, "shape", ()))
    X = flatten_songs(X, width, name)
    labels, mapped = None, X if isinstance(X, MappedSongs) else None
    if mapped is not None:
        X = np.broadcast_to(np.zeros((), mapped.dtype), mapped.shape)
    if other_length:
        rows = check_array(X, dtype=dtype, ensure_all_finite=False, input_name=name)
        if y is not NO_LABELS:
            labels = column_or_1d(y, warn=True)
            check_consistent_length(rows, labels)
    else:
        with _explaining_width(estimator, shape, width):
            rows = validate_data(
                estimator, X, y=y, reset=reset, dtype=dtype, ensure_all_finite=False
            )
        if y is not NO_LABELS:
            rows, labels = rows
    check_width(rows.shape[1], width, name)
    return (rows if mapped is None else mapped), labels


@contextlib.contextmanager
def _explaining_width(
    estimator: Any, shape: tuple[int, ...], width: int
) -> Iterator[None]:
    """Add to scikit-learn's message on songs of another width what may be meant."""
    try:
        yield
    except ValueError as error:
        known = getattr(estimator, "n_features_in_", None)
        of_width = "features as input" in str(error)
        if known is None or len(shape) < 2 or not of_width:
            raise
        n_features = int(np.prod(shape[1:]))
        if len(shape) == 2 and shape[1] == width and shape[0] * width == known:
            hint = f"If X is one song of {shape[0]} segments, pass X[None]."
        elif n_features % width == 0 and known % width == 0:
            hint = (
                f"These songs have {n_features // width} segments, those of fit had "
                f"{known // width}: a SegmentCropper before the classifier makes them "
                "as long."
            )
        else:
            raise
        raise ValueError(f"{error} {hint}") from error


def _pad_to_fit(X: Any, estimator: Any, width: int) -> Any:
    """Songs shorter than those of `fit`, padded to their length: a net needs as many.

    The wider ones stay as they are.
    """
    missing = estimator.n_features_in_ // width - X.shape[1]
    if missing <= 0:
        return X
    X = np.asarray(X)
    if X.dtype.kind != "f":
        X = X.astype(estimator.dtype)
    return np.pad(X, ((0, 0), (0, missing), (0, 0)), constant_values=np.nan)


def sorted_classes(labels: Any, name: str = "y") -> np.ndarray:
    """The different labels, sorted.

    Raises
    ------
    ValueError
        If they are not one-dimensional, some are missing (NaN, None, masked), or they
        are of kinds that cannot be sorted together.
    """
    y = np.asarray(as_labels(labels, name))
    if y.ndim != 1 or y.dtype.kind == "V":
        raise ValueError(
            f"{name} must be one-dimensional, of numbers or text; got the shape "
            f"{y.shape} and the dtype {y.dtype}."
        )
    assert_all_finite(y, input_name=name)
    missing = [i for i, label in enumerate(y) if label is None]
    if missing:
        raise ValueError(
            f"{name} must hold labels of one kind, numbers or text; got None for "
            f"{len(missing)} of them, first at {missing[0]}: leave these songs out."
        )
    try:
        return np.unique(y)
    except TypeError as error:
        raise ValueError(
            f"{name} must hold labels of one kind, numbers or text: {error}"
        ) from error


def check_known(labels: np.ndarray, classes: np.ndarray, message: str) -> None:
    """Raise a ValueError if there are labels that are not among the classes.

    By equality, not by order: labels may be of another kind than the classes.
    """
    known = set(classes.tolist())
    different = dict.fromkeys(labels.tolist())
    unknown = [label for label in different if label not in known]
    if unknown:
        raise ValueError(f"{message}: {unknown[:10]}; known are {classes.tolist()}.")


def check_scores(scores: np.ndarray, estimator: Any, method: str) -> None:
    """Raise a ValueError for scores, of any estimator, that are not finite."""
    if not np.isfinite(scores).all():
        raise ValueError(
            f"{type(estimator).__name__}.{method} gave NaN or infinite scores."
        )


def _check_range(flat: NDArray[Any], dtype: str, name: str) -> None:
    """Raise a ValueError for numbers to train on that would be infinite in `dtype`."""
    largest = np.finfo(dtype).max
    if np.finfo(flat.dtype).max > largest and (np.abs(flat) > largest).any():
        raise ValueError(
            f"{name} has values beyond {largest:.1e}, which are infinite in {dtype}. "
            f'Scale {name}, or compute in dtype="float64".'
        )


def check_padding(songs: np.ndarray, name: str) -> None:
    """Raise a ValueError if NaN is anywhere but in whole segments at a song's end.

    Parameters
    ----------
    songs : ndarray of shape (n_songs, n_segments, n_segment_features)
    name : str
        What messages call them.
    """
    missing = np.isnan(songs)
    if not missing.any():
        return
    padded = missing.all(axis=2)
    if (missing.any(axis=2) != padded).any():
        raise ValueError(
            f"{name} contains NaN in part of a segment; only whole segments at the end "
            "of a song may be NaN, to pad it."
        )
    if (padded[:, :-1] & ~padded[:, 1:]).any():
        raise ValueError(
            f"{name} contains NaN before the end of a song; only whole segments at its "
            "end may be NaN, to pad it."
        )
    if padded[:, 0].any():
        raise ValueError(f"{name} contains NaN in all segments of a song.")

"""Songs as estimators over segments take them: validated, then cropped."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.validation import FLOAT_DTYPES, _check_feature_names, validate_data

from sklearn_msd._segment_arrays import (
    check_songs,
    check_width,
    flatten_songs,
    is_song_list,
    iter_crops,
)


def validate_flat(
    estimator: BaseEstimator, X: Any, *, reset: bool, any_length: bool
) -> NDArray:
    """Flat rows of whole segments, neither copied nor read.

    With ``any_length``, songs given in three dimensions may be longer or shorter than
    those of ``fit``; flat rows must always be as wide.
    """
    n_segment_features: int = estimator.n_segment_features
    any_length = any_length and getattr(X, "ndim", 2) == 3 and not reset
    X = flatten_songs(X, n_segment_features)
    if any_length:
        X = check_array(X, dtype=FLOAT_DTYPES, ensure_all_finite=False)
    else:
        X = validate_data(
            estimator, X, reset=reset, dtype=FLOAT_DTYPES, ensure_all_finite=False
        )
    check_width(X.shape[1], n_segment_features)
    return X


def validate_songs(
    estimator: BaseEstimator, X: Any, *, reset: bool
) -> list[NDArray] | NDArray:
    """Songs of any length: a list of arrays, or one three-dimensional array."""
    n_segment_features: int = estimator.n_segment_features
    if is_song_list(X):
        songs = check_songs(X)
        flatten_songs(songs[0][None], n_segment_features)  # raises for a wrong width
        if reset:
            _check_feature_names(estimator, songs, reset=True)  # forgets old ones
            estimator.n_features_in_ = max(map(len, songs)) * n_segment_features
        return songs
    X = validate_flat(estimator, X, reset=reset, any_length=True)
    return X.reshape(len(X), -1, n_segment_features)


def crop_songs(
    params: Any,
    songs: list[NDArray] | NDArray,
    *,
    n_crops: int,
    crop: str,
    random_state: np.random.RandomState,
) -> NDArray:
    """Crops of all songs as flat rows, those of a song one after another."""
    width = params.n_segments * params.n_segment_features
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

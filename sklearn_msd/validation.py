"""Songs as the user has them → validated flat array."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.utils import assert_all_finite, gen_batches
from sklearn.utils.validation import validate_data

from sklearn_msd._segment_arrays import check_width, flatten_songs

# scikit-learn's sign for a call without labels; None is a mistake of the caller's.
NO_LABELS = "no_validation"

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
        Whether a song may end in segments of NaN.
    reset : bool, default=True
        Whether this is a fit.
    name : str, default="X"
        What messages call `X`.

    Returns
    -------
    X : ndarray of shape (n_songs, n_segments * n_segment_features)
    y : ndarray of shape (n_songs,)
        Only if `y` was given.

    Raises
    ------
    ValueError
        If the width is not a multiple of `n_segment_features`, or numbers are missing
        or infinite.
    """
    width = estimator.n_segment_features
    validated = validate_data(
        estimator,
        flatten_songs(_as_arrays(X), width, name),
        y=y,
        reset=reset,
        # A type listed is kept; any other becomes the first.
        dtype=[np.dtype(estimator.dtype), np.float32, np.float64, np.float16],
        ensure_all_finite=False,
    )
    flat = validated if y is NO_LABELS else validated[0]
    check_width(flat.shape[1], width, name)
    if not flat.dtype.isnative:
        flat = flat.astype(flat.dtype.newbyteorder("="))
    rows = max(1, _CHUNK // flat.shape[1])
    for chunk in gen_batches(len(flat), rows):
        assert_all_finite(
            flat[chunk],
            allow_nan=padding,
            estimator_name=type(estimator).__name__,
            input_name=name,
        )
        if padding:
            _check_padding(flat[chunk], width, name)
    return flat if y is NO_LABELS else (flat, validated[1])


def _as_arrays(X: Any) -> Any:
    """Tensors and lists of songs as arrays; anything else as it is."""
    if isinstance(X, torch.Tensor):
        return X.detach().cpu().numpy()
    if isinstance(X, list) and X and np.ndim(X[0]) == 2:
        return np.asarray(X)
    return X


def _check_padding(flat: np.ndarray, n_segment_features: int, name: str) -> None:
    """Raise a ValueError if NaN is anywhere but in whole segments at a song's end."""
    missing = np.isnan(flat)
    if not missing.any():
        return
    segments = missing.reshape(len(flat), -1, n_segment_features)
    padded = segments.all(axis=2)
    if (segments.any(axis=2) != padded).any():
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

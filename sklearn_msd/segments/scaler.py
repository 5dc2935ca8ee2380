"""Features brought to mean 0 and deviation 1, per feature or per input."""

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import assert_all_finite, gen_batches
from sklearn.utils.validation import check_is_fitted

from sklearn_msd.common.atomic_fits import atomic_fit
from sklearn_msd.common.scikit_learn.output import frames_of_flat_songs
from sklearn_msd.common.scikit_learn.private import Interval, StrOptions, fit_context
from sklearn_msd.segments.as_array import as_array
from sklearn_msd.segments.layout import (
    is_song_list,
    stack_segments,
)
from sklearn_msd.segments.validation import segment_width, validate_flat

# Values taken up at a time: 32 MB in float64, so that a memory map is never read whole.
_BLOCK_VALUES = 2**22

_POSITIVE = Interval(Integral, 1, None, closed="left")


@frames_of_flat_songs
class SegmentScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Standardise features: mean 0 and standard deviation 1 over all segments.

    Like scikit-learn's `StandardScaler`, for songs in two or three dimensions, padded
    ones too.

    Parameters
    ----------
    per : {"feature", "input"}, default="feature"
        One mean and deviation for each feature over the segments of all songs, which
        keeps what differs between the beginning and the end of songs; or one for each
        input, a feature at a place in the song, as the report does [1]_ and
        `StandardScaler` would.
    n_segment_features : int, default=None
        Features of a segment: where one ends and the next begins in a flat row. None
        is the last axis of three-dimensional songs, and 25 for flat rows.

    Attributes
    ----------
    mean_, var_, scale_ : ndarray
        Means, variances and the divisors, of shape (n_segment_features,), or
        (n_features_in_,) for ``per="input"``. The divisor is 1 where the variance
        is 0.
    n_segment_features_ : int
        Features of a segment.
    n_samples_seen_ : int or ndarray
        Values behind each mean; an array where NaN made the counts differ.
    n_features_in_ : int
        Width of the songs seen by `fit`, flat.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen by `fit`, where all were strings.

    Notes
    -----
    Songs come out in the layout in which they went in, flat or three-dimensional, so
    that sequences padded with NaN stay sequences; a list of songs comes out stacked.
    NaN is left out of the means and stays where it is. With ``per="feature"``, songs
    given in three dimensions may have any length. Statistics are summed in float64,
    block by block: a memory map is not read whole by `fit`, and float16 and float32
    are not copied to float64. `transform` gives an array in memory; a memory map is
    scaled into another with ``out[i:j] = scaler.transform(X[i:j])``.

    References
    ----------
    .. [1] "Music genre classification with the Million Song Dataset", 2017,
       Introduction.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msd import SegmentScaler
    >>> X = np.random.default_rng(0).normal(-20, 6, size=(8, 120, 25))
    >>> scaler = SegmentScaler().fit(X)
    >>> scaler.mean_.shape
    (25,)
    >>> np.allclose(scaler.inverse_transform(scaler.transform(X)), X)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "per": [StrOptions({"feature", "input"})],
        "n_segment_features": [_POSITIVE, None],
    }

    def __init__(self, *, per: str = "feature", n_segment_features: int | None = None):
        self.per = per
        self.n_segment_features = n_segment_features

    @atomic_fit
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Take means and deviations.

        Parameters
        ----------
        X : array-like or list of ndarray
            Songs: flat, three-dimensional, or a list of (n_segments_i,
            n_segment_features) arrays.
        y : None
            Ignored.

        Returns
        -------
        SegmentScaler
            Itself.

        Raises
        ------
        ValueError
            If segments do not have ``n_segment_features`` features, or hold infinity.
        """
        return self._update(X, StandardScaler(), reset=True)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Take more songs into the means and deviations.

        Parameters
        ----------
        X : array-like or list of ndarray
            Songs, as for `fit`.
        y : None
            Ignored.

        Returns
        -------
        SegmentScaler
            Itself.
        """
        first = not hasattr(self, "mean_")
        scaler = StandardScaler() if first else self._scaler
        return self._update(X, scaler, reset=first)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there are means: songs that were refused leave none."""
        return "mean_" in vars(self)

    def _update(self, X: Any, scaler: StandardScaler, *, reset: bool) -> Self:
        X, _ = self._validate(X, reset=reset)
        width = self.n_segment_features_ if self.per == "feature" else X.shape[1]
        for rows in _blocks(X):
            scaler.partial_fit(np.asarray(X[rows]).reshape(-1, width))
        self._scaler = scaler
        self.mean_, self.var_, self.scale_ = scaler.mean_, scaler.var_, scaler.scale_
        self.n_samples_seen_ = scaler.n_samples_seen_
        return self

    def _validate(self, X: Any, *, reset: bool) -> tuple[NDArray[Any], tuple[int, ...]]:
        """Flat rows, and the shape in which they came."""
        X = stack_segments(X) if is_song_list(X) else as_array(X)
        flat = validate_flat(
            self,
            X,
            width=segment_width(self, X, reset=reset),
            reset=reset,
            any_length=self.per == "feature",
        )
        return flat, X.shape if getattr(X, "ndim", 2) == 3 else flat.shape

    def transform(self, X: Any) -> NDArray[Any]:
        """Subtract the means and divide by the deviations.

        Parameters
        ----------
        X : array-like or list of ndarray
            Songs, as for `fit`.

        Returns
        -------
        ndarray
            Of the layout and dtype of ``X``.
        """
        return self._apply(X, lambda block, mean, scale: (block - mean) / scale)

    def inverse_transform(self, X: Any) -> NDArray[Any]:
        """Multiply by the deviations and add the means.

        Parameters
        ----------
        X : array-like or list of ndarray
            Scaled songs, as `transform` returns them.

        Returns
        -------
        ndarray
            Of the layout and dtype of ``X``.
        """
        return self._apply(X, lambda block, mean, scale: block * scale + mean)

    def _apply(self, X: Any, function: Callable[..., NDArray[Any]]) -> NDArray[Any]:
        check_is_fitted(self, "mean_")
        X, shape = self._validate(X, reset=False)
        out = np.empty(X.shape, X.dtype)
        # float16 is only stored as such: its own arithmetic would lose digits.
        dtype = np.result_type(X.dtype, np.float32)
        mean, scale = self.mean_.astype(dtype), self.scale_.astype(dtype)
        for rows in _blocks(X):
            block = np.asarray(X[rows]).reshape(-1, mean.size)
            assert_all_finite(block, allow_nan=True, input_name="X")
            out[rows] = function(block, mean, scale).reshape(out[rows].shape)
        return out.reshape(shape)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32", "float16"]
        return tags


def _blocks(X: NDArray[Any]) -> Iterator[slice]:
    """Rows of ``X``, a block at a time."""
    yield from gen_batches(len(X), max(1, _BLOCK_VALUES // X.shape[1]))

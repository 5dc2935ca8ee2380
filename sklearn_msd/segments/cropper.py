"""Transformers over song segments: cropping, padding and scaling."""

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    OneToOneFeatureMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.preprocessing import StandardScaler
from sklearn.utils import assert_all_finite, check_random_state, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from sklearn_msd.segments.as_array import as_array
from sklearn_msd.segments.columns import flat_feature_names
from sklearn_msd.segments.layout import (
    CROPS,
    PADS,
    crop_songs,
    is_song_list,
    stack_segments,
    unstack_segments,
)
from sklearn_msd.segments.validation import validate_flat, validate_uncropped

__all__ = ["SegmentCropper", "SegmentScaler", "stack_segments", "unstack_segments"]

# Values taken up at a time: 32 MB in float64, so that a memory map is never read whole.
_BLOCK_VALUES = 2**22

_POSITIVE = Interval(Integral, 1, None, closed="left")


class SegmentCropper(TransformerMixin, BaseEstimator):
    """Cut every song to the same number of segments.

    Songs longer than ``n_segments`` are cropped, shorter ones are lengthened at their
    end. The report takes the central 120 segments of each song [1]_.

    Parameters
    ----------
    n_segments : int, default=120
        Segments kept of each song.
    crop : {"center", "start", "random"}, default="center"
        Which part of a song is kept: its middle, its beginning, or a part drawn
        anew in each call of `transform`.
    pad : {"repeat", "mean", "zero", "nan"}, default="repeat"
        What follows the end of a song that is too short: the song again from its
        beginning, the mean of its segments, zeros (for data already standardised:
        a loudness of 0 dB is the loudest there is), or NaN, for classifiers that take
        padded sequences.
    n_segment_features : int, default=25
        Features of a segment.
    random_state : int, RandomState instance or None, default=None
        Decides where crops start for ``crop="random"``. An integer gives the same
        crops in every call.

    Attributes
    ----------
    n_features_in_ : int
        Width of the songs seen by `fit`, flat.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen by `fit`, where all were strings.

    See Also
    --------
    CropAveragingClassifier : Several crops a song, predictions averaged.
    stack_segments : Songs of unequal length as one array.

    Notes
    -----
    ``X`` is flat, ``(n_songs, n_segments * n_segment_features)``, or
    ``(n_songs, n_segments, n_segment_features)``, either padded with NaN at the end of
    short songs, or a list of arrays of shape ``(n_segments_i, n_segment_features)``.
    There is no inverse: what is cut away is lost.

    References
    ----------
    .. [1] "Music genre classification with the Million Song Dataset", 2017,
       Introduction.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msd import SegmentCropper
    >>> songs = [np.ones((80, 25)), np.ones((700, 25))]
    >>> SegmentCropper(n_segments=120).fit_transform(songs).shape
    (2, 3000)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_segments": [_POSITIVE],
        "crop": [StrOptions(set(CROPS) - {"even"})],
        "pad": [StrOptions(set(PADS))],
        "n_segment_features": [_POSITIVE],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_segments: int = 120,
        *,
        crop: str = "center",
        pad: str = "repeat",
        n_segment_features: int = 25,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_segments = n_segments
        self.crop = crop
        self.pad = pad
        self.n_segment_features = n_segment_features
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the songs; there is nothing to learn.

        Parameters
        ----------
        X : array-like or list of ndarray
            Songs, in any of the layouts above.
        y : None
            Ignored.

        Returns
        -------
        SegmentCropper
            Itself.

        Raises
        ------
        ValueError
            If segments do not have ``n_segment_features`` features.
        """
        validate_uncropped(self, X, reset=True)
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Crop or lengthen each song to ``n_segments``.

        Parameters
        ----------
        X : array-like or list of ndarray
            Songs, in any of the layouts above. Flat rows must be as wide as those of
            `fit`; songs in the other layouts may have any length.

        Returns
        -------
        ndarray of shape (n_songs, n_segments * n_segment_features)
            Floating point; float16 and float32 are kept.

        Raises
        ------
        ValueError
            If a song has no segment, or segments hold infinity.
        """
        check_is_fitted(self, "n_features_in_")
        songs = validate_uncropped(self, X, reset=False)
        return crop_songs(
            self,
            songs,
            n_crops=1,
            crop=self.crop,
            random_state=check_random_state(self.random_state),
        )

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns: ``segment_0_feature_0``, ``segment_0_feature_1``, …

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Checked against those of `fit` only.

        Returns
        -------
        ndarray of shape (n_segments * n_segment_features,)
            Names, as objects.
        """
        check_is_fitted(self, "n_features_in_")
        _check_feature_names_in(self, input_features, generate_names=False)
        features = [f"feature_{i}" for i in range(self.n_segment_features)]
        names = flat_feature_names(self.n_segments, features)
        return np.asarray(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32", "float16"]
        tags.non_deterministic = self.crop == "random"
        return tags


class SegmentScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Bring features to mean 0 and standard deviation 1.

    Parameters
    ----------
    per : {"feature", "input"}, default="feature"
        One mean and deviation for each feature over the segments of all songs, which
        keeps what differs between the beginning and the end of songs; or one for each
        input, a feature at a place in the song, as the report does [1]_ and
        `StandardScaler` would.
    n_segment_features : int, default=25
        Features of a segment.

    Attributes
    ----------
    mean_, var_, scale_ : ndarray
        Means, variances and the divisors, of shape (n_segment_features,), or
        (n_features_in_,) for ``per="input"``. The divisor is 1 where the variance
        is 0.
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
        "n_segment_features": [_POSITIVE],
    }

    def __init__(self, *, per: str = "feature", n_segment_features: int = 25):
        self.per = per
        self.n_segment_features = n_segment_features

    @_fit_context(prefer_skip_nested_validation=True)
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

    @_fit_context(prefer_skip_nested_validation=True)
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
        first = not hasattr(self, "_scaler")
        scaler = StandardScaler() if first else self._scaler
        return self._update(X, scaler, reset=first)

    def _update(self, X: Any, scaler: StandardScaler, *, reset: bool) -> Self:
        X, _ = self._validate(X, reset=reset)
        width = int(self.n_segment_features) if self.per == "feature" else X.shape[1]
        for rows in _blocks(X):
            scaler.partial_fit(X[rows].reshape(-1, width))
        self._scaler = scaler
        self.mean_, self.var_, self.scale_ = scaler.mean_, scaler.var_, scaler.scale_
        self.n_samples_seen_ = scaler.n_samples_seen_
        return self

    def _validate(self, X: Any, *, reset: bool) -> tuple[NDArray[Any], tuple[int, ...]]:
        """Flat rows, and the shape in which they came."""
        X = stack_segments(X) if is_song_list(X) else as_array(X)
        flat = validate_flat(self, X, reset=reset, any_length=self.per == "feature")
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
            block = X[rows].reshape(-1, mean.size)
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

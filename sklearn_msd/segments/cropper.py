"""Songs of unequal length cut or lengthened to one number of segments."""

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_msd.common.atomic_fits import atomic_fit
from sklearn_msd.common.scikit_learn.private import (
    Interval,
    StrOptions,
    check_feature_names_in,
    fit_context,
)
from sklearn_msd.segments.columns import flat_feature_names
from sklearn_msd.segments.layout import (
    CROPS,
    PADS,
    crop_songs,
)
from sklearn_msd.segments.validation import validate_uncropped

_POSITIVE = Interval(Integral, 1, None, closed="left")


class SegmentCropper(TransformerMixin, BaseEstimator):
    """Bring songs to one length: crop the longer ones, pad the shorter ones.

    The report takes the central 120 segments of each song [1]_.

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
    n_segment_features : int, default=None
        Features of a segment: where one ends and the next begins in a flat row. None
        is the last axis of three-dimensional songs, and 25 for flat rows.
    random_state : int, RandomState instance or None, default=None
        Decides where crops start for ``crop="random"``. An integer gives the same
        crops in every call.

    Attributes
    ----------
    n_segment_features_ : int
        Features of a segment.
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
        "n_segment_features": [_POSITIVE, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_segments: int = 120,
        *,
        crop: str = "center",
        pad: str = "repeat",
        n_segment_features: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_segments = n_segments
        self.crop = crop
        self.pad = pad
        self.n_segment_features = n_segment_features
        self.random_state = random_state

    @atomic_fit
    @fit_context(prefer_skip_nested_validation=True)
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
        check_feature_names_in(self, input_features, generate_names=False)
        features = [f"feature_{i}" for i in range(self.n_segment_features_)]
        names = flat_feature_names(self.n_segments, features)
        return np.asarray(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32", "float16"]
        tags.non_deterministic = self.crop == "random"
        return tags

"""Songs of any length as one row of numbers: statistics of their segments."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

from sklearn_msd.common.atomic_fits import atomic_fit
from sklearn_msd.common.scikit_learn.private import (
    Interval,
    check_feature_names_in,
    fit_context,
)
from sklearn_msd.segments.columns import N_FEATURES, feature_names
from sklearn_msd.segments.layout import stack_segments
from sklearn_msd.segments.validation import check_padding, validate_uncropped

STATISTICS = ("mean", "std", "covariance", "change", "quantile")

# Numbers of songs taken up at a time: 8 MB in float64, so that memory stays flat.
_BLOCK_VALUES = 2**20

_POSITIVE = Interval(Integral, 1, None, closed="left")


class SegmentStatistics(TransformerMixin, BaseEstimator):
    r"""Describe each song by statistics of its segments.

    Songs of any length become rows of one width, which every classifier of
    scikit-learn takes. The order of the segments counts in ``"change"`` alone. With
    few songs (hundreds), a classifier on these rows was more accurate than any net on
    the segments themselves (user guide, "How many songs do you have?").

    Parameters
    ----------
    statistics : sequence of str, default=all five
        What is computed, over the segments of a song, for F features of a segment:

        - ``"mean"``: the mean of each feature; F numbers.
        - ``"std"``: its standard deviation; F numbers.
        - ``"covariance"``: the covariance of each pair of features and the variance of
          each, the upper triangle of the covariance matrix row by row;
          F (F + 1) / 2 numbers.
        - ``"change"``: of the differences between one segment and the next ("delta
          features"), the mean absolute value of each feature, then the standard
          deviation of each; 2 F numbers, 0 for a song of one segment.
        - ``"quantile"``: `quantiles` of each feature, interpolated linearly.

        Columns come in this order, whatever the order here.
    quantiles : sequence of float, default=(0.05, 0.25, 0.5, 0.75, 0.95)
        Which quantiles ``"quantile"`` takes, each from 0, the minimum, to 1, the
        maximum.
    n_segment_features : int, default=None
        Features of a segment: where one ends and the next begins in a flat row. None
        is the last axis of three-dimensional songs, and 25 for flat rows.

    Attributes
    ----------
    n_features_in_ : int
        Width of the songs seen by `fit`, flat.
    n_segment_features_ : int
        Features of a segment.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen by `fit`, where all were strings.

    See Also
    --------
    SegmentScaler : Scales the segments themselves.
    SegmentCropper : Cuts songs to one length.

    Notes
    -----
    Moments divide by the number of segments (``ddof=0``). All are summed in float64,
    and come in float32 where songs are float16 or float32. They have the units of the
    features, or their squares: scale the rows, with `StandardScaler` for example,
    before a classifier that heeds scales. To scale the segments beforehand changes
    nothing then but rounding.

    Songs are flat, three-dimensional (padded with NaN at the end or not, of any
    length), a list of (n_segments_i, n_segment_features) arrays, or memory maps, which
    are read block by block.

    In music information retrieval this is a *bag of frames*, summarised by *temporal
    integration*: mean and covariance are the song-level features, a single Gaussian, of
    [1]_; those of the timbre alone are the 90 numbers of the YearPredictionMSD data set
    [2]_. In speech, mean and deviation are *statistics pooling*.

    References
    ----------
    .. [1] M. Mandel and D. Ellis (2005). Song-level features and support vector
       machines for music classification. ISMIR.
    .. [2] T. Bertin-Mahieux, D. Ellis, B. Whitman and P. Lamere (2011). The Million
       Song Dataset. ISMIR.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.svm import SVC
    >>> from sklearn_msd import SegmentStatistics
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(200, n_segments=30, n_classes=3, random_state=0)
    >>> statistics = SegmentStatistics()
    >>> statistics.fit_transform(X).shape
    (200, 550)
    >>> print(statistics.get_feature_names_out()[[0, 51, 375, 549]])
    ['chroma_0 mean' 'chroma_0 × chroma_1 covariance'
     'chroma_0 mean absolute change' 'loudness 0.95 quantile']
    >>> model = make_pipeline(statistics, StandardScaler(), SVC(C=3)).fit(X, y)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "statistics": [list, tuple, np.ndarray],
        "quantiles": [list, tuple, np.ndarray],
        "n_segment_features": [_POSITIVE, None],
    }

    def __init__(
        self,
        statistics: Sequence[str] = STATISTICS,
        *,
        quantiles: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
        n_segment_features: int | None = None,
    ):
        self.statistics = statistics
        self.quantiles = quantiles
        self.n_segment_features = n_segment_features

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
        SegmentStatistics
            Itself.

        Raises
        ------
        ValueError
            For unknown statistics, quantiles beyond 0 and 1, segments that do not have
            ``n_segment_features`` features, and songs as for `transform`.
        """
        self._chosen()
        self._quantiles()
        for _ in _checked_blocks(validate_uncropped(self, X, reset=True)):
            pass
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Compute the statistics of each song.

        Parameters
        ----------
        X : array-like or list of ndarray
            Songs, in any of the layouts above. Flat rows must be as wide as those of
            `fit`; songs in the other layouts may have any length.

        Returns
        -------
        ndarray of shape (n_songs, n_statistics)
            float32 for float16 and float32, else float64; named by
            `get_feature_names_out`.

        Raises
        ------
        ValueError
            If a song has no segment, NaN elsewhere than at its end, or values that are
            infinite or whose squares are.
        """
        check_is_fitted(self, "n_features_in_")
        songs = validate_uncropped(self, X, reset=False)
        chosen, quantiles = self._chosen(), self._quantiles()
        dtype = np.result_type(songs[0].dtype, np.float32)
        rows = np.empty((len(songs), len(self._names())), dtype)
        start = 0
        for block in _checked_blocks(songs):
            part = rows[start : start + len(block)]
            with np.errstate(over="ignore", invalid="ignore"):
                part[:] = _statistics(block, chosen, quantiles)
            if not np.isfinite(part).all():
                raise ValueError(
                    "X has values that are too large for statistics: their squares are "
                    f"infinite in {dtype}. Scale X."
                )
            start += len(block)
        return rows

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns, such as ``"timbre_3 × loudness covariance"``.

        Features have the names that they have in the columns of `fit`, where these are
        ``segment_0_NAME`` and so on; otherwise 25 features are those of this package's
        order (chroma, timbre, loudness), and any others ``feature_0``, ….

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Checked against those of `fit` only.

        Returns
        -------
        ndarray of shape (n_statistics,)
            Names, as objects.
        """
        check_is_fitted(self, "n_features_in_")
        check_feature_names_in(self, input_features, generate_names=False)
        return np.asarray(self._names(), dtype=object)

    def _names(self) -> list[str]:
        features = self._segment_feature_names()
        pairs = combinations_with_replacement(enumerate(features), 2)
        by_statistic = {
            "mean": [f"{name} mean" for name in features],
            "std": [f"{name} standard deviation" for name in features],
            "covariance": [
                f"{a} variance" if i == j else f"{a} × {b} covariance"
                for (i, a), (j, b) in pairs
            ],
            "change": [
                *(f"{name} mean absolute change" for name in features),
                *(f"{name} standard deviation of change" for name in features),
            ],
            "quantile": [
                f"{name} {q:g} quantile" for q in self._quantiles() for name in features
            ],
        }
        return [name for chosen in self._chosen() for name in by_statistic[chosen]]

    def _segment_feature_names(self) -> list[str]:
        width = self.n_segment_features_
        columns = [str(name) for name in getattr(self, "feature_names_in_", [])[:width]]
        found = [re.fullmatch("segment_0_(.+)", name) for name in columns]
        if columns and all(found):
            return [match[1] for match in found if match]
        if width == N_FEATURES:
            return feature_names()
        return [f"feature_{i}" for i in range(width)]

    def _chosen(self) -> list[str]:
        """The statistics asked for, in the order of their columns."""
        asked = list(self.statistics)
        if not asked or not all(name in STATISTICS for name in asked):
            raise ValueError(
                f"statistics must be a sequence of names among {STATISTICS}, at least "
                f"one; got {self.statistics!r}."
            )
        return [name for name in STATISTICS if name in asked]

    def _quantiles(self) -> NDArray[np.float64]:
        quantiles = np.asarray(self.quantiles)
        numbers = quantiles.dtype.kind in "fi" and quantiles.ndim == 1
        if not numbers or not len(quantiles) or not (abs(quantiles - 0.5) <= 0.5).all():
            raise ValueError(
                "quantiles must be a sequence of numbers from 0 to 1, at least one; "
                f"got {self.quantiles!r}."
            )
        return quantiles.astype(np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        # allow_nan stays False: NaN pads the end of a song and stands for nothing else.
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _checked_blocks(
    songs: list[NDArray[Any]] | NDArray[Any],
) -> Iterator[NDArray[Any]]:
    """Blocks of songs that have NaN at their ends alone."""
    for block in _blocks(songs):
        assert_all_finite(block, allow_nan=True, input_name="X")
        check_padding(block, "X")
        yield block


def _blocks(songs: list[NDArray[Any]] | NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Songs, in order, as three-dimensional arrays of a limited size."""
    if not isinstance(songs, list):
        n_at_once = max(1, _BLOCK_VALUES // max(1, songs.shape[1] * songs.shape[2]))
        for start in range(0, len(songs), n_at_once):
            yield np.asarray(songs[start : start + n_at_once])
        return
    block: list[NDArray[Any]] = []
    longest = 0
    for song in songs:
        longest = max(longest, len(song))
        if block and (len(block) + 1) * longest * song.shape[1] > _BLOCK_VALUES:
            yield stack_segments(block)
            block, longest = [], len(song)
        block.append(song)
    yield stack_segments(block)


def _statistics(
    songs: NDArray[Any], chosen: Sequence[str], quantiles: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Statistics of songs (n_songs, n_segments, n), padded with NaN: a row each."""
    present = ~np.isnan(songs[:, :, :1])
    lengths = present.sum(axis=1)  # (n_songs, 1)
    # From the first segment on: of a constant feature all moments are exactly 0, and a
    # scaler finds it constant.
    first = songs[:, 0].astype(np.float64)
    shifted = np.where(present, songs - first[:, None], 0)
    mean = shifted.sum(axis=1) / lengths
    centred = np.where(present, shifted - mean[:, None], 0)
    parts = []
    if "mean" in chosen:
        parts.append(first + mean)
    if "std" in chosen:
        parts.append(_std(centred, lengths))
    if "covariance" in chosen:
        products = centred.transpose(0, 2, 1) @ centred
        rows, columns = np.triu_indices(songs.shape[2])
        parts.append(products[:, rows, columns] / lengths)
    if "change" in chosen:
        both, n_changes = present[:, 1:], np.maximum(lengths - 1, 1)
        change = np.where(both, np.diff(shifted, axis=1), 0)
        parts.append(np.abs(change).sum(axis=1) / n_changes)
        drift = change.sum(axis=1) / n_changes
        parts.append(_std(np.where(both, change - drift[:, None], 0), n_changes))
    if "quantile" in chosen:
        parts += _quantiles(songs, lengths, quantiles)
    return np.hstack(parts)


def _std(centred: NDArray[np.float64], n: NDArray[Any]) -> NDArray[np.float64]:
    squares = np.einsum("ijk,ijk->ik", centred, centred)
    return np.asarray(np.sqrt(squares / n))


def _quantiles(
    songs: NDArray[Any], lengths: NDArray[Any], quantiles: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Each quantile of each feature, (n_songs, n), as `numpy.quantile` has it."""
    # Feature by feature, which sorts fastest; NaN go to the end.
    dtype = np.result_type(songs.dtype, np.float32)  # float16 has no fast sort
    ordered = np.sort(songs.transpose(0, 2, 1).astype(dtype, order="C"), axis=2)
    for q in quantiles:
        place = q * (lengths[:, :, None] - 1)
        below = np.floor(place).astype(np.intp)
        above = np.minimum(below + 1, lengths[:, :, None] - 1)
        low = np.take_along_axis(ordered, below, axis=2)[:, :, 0].astype(np.float64)
        high = np.take_along_axis(ordered, above, axis=2)[:, :, 0]
        yield low + (high - low) * (place - below)[:, :, 0]

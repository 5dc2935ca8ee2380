"""Several crops of each song to train on, predictions averaged over them."""

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import (
    check_consistent_length,
    check_random_state,
    column_or_1d,
    get_tags,
)
from sklearn.utils.metadata_routing import MetadataRouter, get_routing_for_object
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from sklearn_msd.classifiers.logit_classifier import ScoreMixin
from sklearn_msd.common.atomic_fits import atomic_fit
from sklearn_msd.common.scikit_learn.private import (
    BaseSearchCV,
    GroupsConsumerMixin,
    HasMethods,
    Interval,
    StrOptions,
    check_method_params,
    check_sample_weight,
    fit_context,
    routing_enabled,
)
from sklearn_msd.common.scikit_learn.routing import fit_router, routed_params
from sklearn_msd.segments.as_array import as_array, as_labels
from sklearn_msd.segments.layout import PADS, crop_songs
from sklearn_msd.segments.validation import (
    check_scores,
    sorted_classes,
    validate_uncropped,
)

__all__ = ["CropAveragingClassifier"]

_POSITIVE = Interval(Integral, 1, None, closed="left")


class CropAveragingClassifier(ScoreMixin, MetaEstimatorMixin, BaseEstimator):
    """Classifier that is trained on several crops of each song and averages over them.

    Every crop is a training example with the label of its song, and the probabilities
    of a song are the mean over its crops: test-time augmentation, as it is called for
    images. It is a meta-estimator because a transformer cannot change the number of
    rows.

    Parameters
    ----------
    estimator : estimator
        Classifier with `predict_proba`; it sees flat crops of ``n_segments``.
    n_crops : int, default=5
        Crops of a song, in training and in prediction.
    n_segments : int, default=120
        Segments of a crop.
    crop : {"even", "random"}, default="even"
        Crops to train on: spread evenly from the beginning to the end of the song,
        or drawn at random. Predictions always use evenly spread crops.
    pad : {"repeat", "mean", "zero", "nan"}, default="repeat"
        What lengthens songs that are too short, as in `SegmentCropper`.
    n_segment_features : int, default=None
        Features of a segment: where one ends and the next begins in a flat row. None
        is the last axis of three-dimensional songs, and 25 for flat rows.
    random_state : int, RandomState instance or None, default=None
        Decides where random crops start.

    Attributes
    ----------
    estimator_ : estimator
        The classifier fitted on crops.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_features_in_ : int
        Width of the songs seen by `fit`, flat.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen by `fit`, where all were strings.

    Notes
    -----
    All crops are in memory during `fit`: ``n_crops * n_segments`` segments a song.
    An ``estimator`` that splits off validation rows by itself, as a net with
    `early_stopping` does, finds crops of one song on both sides, and so does a search.
    Put the search around, or give the search inside a `cv` that splits by groups, such
    as `StratifiedGroupKFold`: the groups are those passed to `fit`, else each song is
    one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_msd import CropAveragingClassifier
    >>> rng = np.random.default_rng(0)
    >>> songs = [rng.normal(size=(rng.integers(150, 400), 25)) for _ in range(8)]
    >>> clf = CropAveragingClassifier(LogisticRegression(), n_crops=3)
    >>> clf.fit(songs, ["Jazz", "Rock"] * 4).predict_proba(songs).shape
    (8, 2)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "n_crops": [_POSITIVE],
        "n_segments": [_POSITIVE],
        "crop": [StrOptions({"even", "random"})],
        "pad": [StrOptions(set(PADS))],
        "n_segment_features": [_POSITIVE, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        n_crops: int = 5,
        n_segments: int = 120,
        crop: str = "even",
        pad: str = "repeat",
        n_segment_features: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.estimator = estimator
        self.n_crops = n_crops
        self.n_segments = n_segments
        self.crop = crop
        self.pad = pad
        self.n_segment_features = n_segment_features
        self.random_state = random_state

    # The estimator inside is checked by its own fit.
    @atomic_fit
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Fit the classifier on crops.

        Parameters
        ----------
        X : array-like or list of ndarray
            Songs, in any of the layouts of `SegmentCropper`.
        y : array-like of shape (n_songs,)
            Labels.
        sample_weight : array-like of shape (n_songs,) or None, default=None
            Weights of the songs, given to each of their crops.
        **params : dict
            Metadata for the classifier, where metadata routing is enabled; what has a
            row for each song is given to each of its crops. `groups` also without it,
            for a search by groups.

        Returns
        -------
        CropAveragingClassifier
            Itself.

        Raises
        ------
        ValueError
            If segments do not have ``n_segment_features`` features, a song has no
            segment, or ``y`` has another length.
        TypeError
            If there are ``params`` that nothing asks for.
        """
        songs = validate_uncropped(self, X, reset=True)
        y = column_or_1d(as_labels(y), warn=True)
        check_consistent_length(songs, y)
        sorted_classes(y)  # raises for what cannot be sorted
        check_classification_targets(y)
        if sample_weight is not None:
            sample_weight = as_array(sample_weight, "sample_weight")
            sample_weight = check_sample_weight(sample_weight, songs)
        params = self._for_estimator(len(songs), sample_weight, params)
        of_crop = np.arange(len(songs)).repeat(int(self.n_crops))
        self.estimator_ = clone(self.estimator)
        self.estimator_.fit(
            self._crop(songs, self.crop),
            y[of_crop],
            **check_method_params(songs, params, indices=of_crop),
        )
        self.classes_ = self.estimator_.classes_
        return self

    def _for_estimator(
        self, n_songs: int, sample_weight: Any, params: dict[str, Any]
    ) -> dict[str, Any]:
        """What the classifier's `fit` is given, with songs as groups if need be."""
        inside = ["estimator"]
        if not _takes_groups(self.estimator):
            return routed_params(self, inside, sample_weight, params).fit["estimator"]
        groups = params.pop("groups", None)
        groups = {"groups": np.arange(n_songs) if groups is None else groups}
        if routing_enabled():
            params |= groups
            return routed_params(self, inside, sample_weight, params).fit["estimator"]
        return (
            routed_params(self, inside, sample_weight, params).fit["estimator"] | groups
        )

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Probabilities of songs: the means of their crops'.

        Parameters
        ----------
        X : array-like or list of ndarray
            Songs, in any of the layouts of `SegmentCropper`.

        Returns
        -------
        ndarray of shape (n_songs, n_classes)
            Probabilities, columns in the order of ``classes_``.

        Raises
        ------
        ValueError
            If the estimator gives probabilities that are not finite.
        """
        check_is_fitted(self, "estimator_")
        songs = validate_uncropped(self, X, reset=False)
        proba = self.estimator_.predict_proba(self._crop(songs, "even"))
        check_scores(proba, self.estimator_, "predict_proba")
        by_crop = proba.reshape(len(songs), int(self.n_crops), -1)
        return np.asarray(by_crop.mean(axis=1))

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels of songs: the most probable class.

        Parameters
        ----------
        X : array-like or list of ndarray
            Songs, in any of the layouts of `SegmentCropper`.

        Returns
        -------
        ndarray of shape (n_songs,)
            Labels.
        """
        proba = self.predict_proba(X)
        return np.asarray(self.classes_[proba.argmax(axis=1)])

    def _crop(
        self, songs: list[NDArray[Any]] | NDArray[Any], crop: str
    ) -> NDArray[Any]:
        random_state = check_random_state(self.random_state)
        return crop_songs(
            self, songs, n_crops=self.n_crops, crop=crop, random_state=random_state
        )

    def get_metadata_routing(self) -> MetadataRouter:
        """Routing of `sample_weight` and other metadata to the classifier.

        Returns
        -------
        MetadataRouter
        """
        return fit_router(self, {"estimator": self.estimator}, itself=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # NaN that ends a song is padding; any other is the estimator's affair.
        tags.input_tags.allow_nan = get_tags(self.estimator).input_tags.allow_nan
        tags.input_tags.three_d_array = True
        return tags


def _takes_groups(estimator: Any) -> bool:
    """Whether something inside splits songs by groups."""
    if routing_enabled():
        routing = get_routing_for_object(estimator)
        return bool(routing.consumes("fit", ["groups"]))
    by_groups = isinstance(getattr(estimator, "cv", None), GroupsConsumerMixin)
    return by_groups and isinstance(estimator, BaseSearchCV)

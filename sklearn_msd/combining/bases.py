"""The classifiers that a meta-estimator builds on: frozen or fitted first."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from sklearn_msd.classifiers.base import BaseSegmentClassifier
from sklearn_msd.combining.logits import class_logits
from sklearn_msd.common.scikit_learn.private import fit_single_estimator
from sklearn_msd.segments.as_array import as_labels
from sklearn_msd.segments.validation import sorted_classes


def check_labels(estimator: Any, y: Any) -> np.ndarray:
    """Labels as a 1-D array; sets the estimator's `classes_`.

    Raises
    ------
    ValueError
        If `y` is missing, is no array of labels or has fewer than two classes.
    """
    name = type(estimator).__name__
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    labels: np.ndarray = column_or_1d(as_labels(y), warn=True)
    estimator.classes_ = sorted_classes(labels)
    check_classification_targets(labels)
    if len(estimator.classes_) < 2:
        raise ValueError(f"{name} needs at least 2 classes in y; got 1 class.")
    return labels


def is_frozen(base: Any) -> bool:
    """Whether a base is used as it is."""
    return isinstance(base, FrozenEstimator)


def fit_base(base: Any, X: Any, y: Any, params: dict[str, Any]) -> Any:
    """A fitted clone; a frozen base is handed back untouched."""
    if is_frozen(base):
        return base
    return fit_single_estimator(clone(base), X, y, params)


def check_fitted_base(name: str, base: Any, classes: np.ndarray) -> None:
    """Raise an error if a base cannot be used as it is.

    Raises
    ------
    NotFittedError
        If it was not fitted.
    ValueError
        If its classes are others than `classes`.
    """
    try:
        check_is_fitted(base)
    except NotFittedError as error:
        raise NotFittedError(
            f"The base {name!r} is to be used as it is but is not fitted: fit it "
            "before it is frozen."
        ) from error
    if not np.array_equal(base.classes_, classes):
        raise ValueError(
            f"The base {name!r} was fitted on the classes "
            f"{np.asarray(base.classes_).tolist()}; y has {classes.tolist()}."
        )


def fitted_base_logits(name: str, base: Any, X: Any) -> np.ndarray:
    """Logits of a base that was fitted elsewhere.

    Raises
    ------
    ValueError
        If it does not take `X`; the message names it.
    """
    try:
        return class_logits(base, X)
    except ValueError as error:
        raise ValueError(f"The base {name!r} cannot predict X: {error}") from error


def unfrozen_net(name: str, base: Any, purpose: str) -> Any:
    """The net itself, frozen or not, of which a copy can be fine-tuned.

    Raises
    ------
    TypeError
        If it is no net of this package.
    """
    net = base.estimator if is_frozen(base) else base
    if not isinstance(net, BaseSegmentClassifier):
        raise TypeError(
            f"{purpose} needs nets of this package, frozen or not; {name} is "
            f"{type(net).__name__}."
        )
    return net


def take_feature_names(estimator: Any, bases: list[Any]) -> None:
    """Set `feature_names_in_` where a fitted base has it, and only there."""
    estimator.__dict__.pop("feature_names_in_", None)
    for base in bases:
        if hasattr(base, "feature_names_in_"):
            estimator.feature_names_in_ = base.feature_names_in_


class LearningCurvesMixin:
    """The learning curves of the nets trained inside, one after another."""

    def _trained_nets(self) -> list[Any]:
        raise NotImplementedError

    def _curve(self, name: str) -> list[float] | None:
        curves = [getattr(net, name) for net in self._trained_nets()]
        if not curves or None in curves:
            return None
        return [value for curve in curves for value in curve]

    @property
    def loss_curve_(self) -> list[float] | None:
        """Mean cross-entropy of the training songs in each epoch."""
        return self._curve("loss_curve_")

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """Mean cross-entropy of the validation songs, where there were any."""
        return self._curve("validation_loss_curve_")

    @property
    def validation_scores_(self) -> list[float] | None:
        """Accuracy on the validation songs, where there were any."""
        return self._curve("validation_scores_")

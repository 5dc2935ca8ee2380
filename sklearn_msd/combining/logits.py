"""One rule for the scores of any classifier, and for those of models held out."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import check_cv, cross_val_predict
from sklearn.utils.metadata_routing import MetadataRequest

from sklearn_msd.classifiers.logit_classifier import LogitClassifierMixin
from sklearn_msd.common.wrappers import look_through
from sklearn_msd.segments.as_array import as_array
from sklearn_msd.segments.validation import check_scores

# Probabilities below are taken for this: what float32 resolves next to 1. A forest's
# probability of 0 is no evidence of minus infinity.
SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)

# Classifiers of scikit-learn whose decision function is a logit. Of all others the
# probabilities are taken, which differ from logits by a constant for each song.
_GIVE_LOGITS = (
    LogisticRegression,
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
)

# How boosting libraries give margins instead of probabilities, and the objectives with
# which these margins are logits.
_RAW_SCORES = (("predict", "output_margin"), ("predict_proba", "raw_score"))
_LOGIT_OBJECTIVES = {
    *("binary:logistic", "multi:softprob", "multi:softmax"),
    *("binary", "multiclass", "softmax"),
}


def class_logits(estimator: Any, X: Any) -> np.ndarray:
    """Logits of any fitted classifier: scores whose softmax is its probabilities.

    Combiners and correctors work on these. The first of the following that the
    classifier has is taken:

    1. the logits of this package's classifiers, as they are before the softmax;
    2. the raw margins of XGBoost's and LightGBM's models, and the decision function
       of scikit-learn's classifiers where it is a logit (logistic regression,
       discriminant analysis, gradient boosting with the logistic loss);
    3. ``log(predict_proba)``, with probabilities below 1.2e-7 taken for 1.2e-7;
    4. the decision function: margins, whose softmax are no probabilities, but whose
       largest is the class predicted.

    Looks through `FrozenEstimator`, pipelines and searches.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    X : array-like of shape (n_songs, n_features), or what `estimator` takes

    Returns
    -------
    ndarray of shape (n_songs, n_classes)
        In the order of ``estimator.classes_``. A single score for two classes, ``d``,
        becomes ``(-d / 2, d / 2)``.

    Raises
    ------
    TypeError
        If `estimator` has neither `predict_proba` nor `decision_function`.
    ValueError
        If it does not give one finite score for each class.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import softmax
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn_msd import class_logits
    >>> X, y = load_iris(return_X_y=True)
    >>> bayes = GaussianNB().fit(X, y)
    >>> logits = class_logits(bayes, X)
    >>> np.allclose(softmax(logits, axis=1), bayes.predict_proba(X), atol=1e-6)
    True
    """
    estimator, transformers = look_through(estimator)
    X = as_array(X)
    for transformer in transformers:
        X = transformer.transform(X)
    if isinstance(estimator, LogitClassifierMixin):
        return estimator._logits(X)
    method, keywords = _score_method(estimator)
    scores = np.asarray(getattr(estimator, method)(X, **keywords))
    if not np.issubdtype(scores.dtype, np.floating):
        scores = scores.astype(float)
    if method == "predict_proba" and not keywords:
        scores = np.log(np.maximum(scores, SMALLEST_PROBABILITY))
    elif scores.ndim == 1:
        scores = np.column_stack([-scores / 2, scores / 2])
    n_classes = len(estimator.classes_)
    if scores.ndim != 2 or scores.shape[1] != n_classes:
        raise ValueError(
            f"{type(estimator).__name__}.{method} gave scores of shape {scores.shape}; "
            f"one for each of {n_classes} classes was expected."
        )
    check_scores(scores, estimator, method)
    return scores


def hidden_representation(estimator: Any, X: Any) -> np.ndarray:
    """Last hidden layer of a fitted net, (n_songs, n_units); see `class_logits`.

    Raises
    ------
    TypeError
        If there is no net with a hidden representation inside `estimator`.
    """
    name = type(estimator).__name__
    estimator, transformers = look_through(estimator)
    X = as_array(X)
    for transformer in transformers:
        X = transformer.transform(X)
    if not hasattr(estimator, "hidden_representation"):
        raise TypeError(
            "A base with the method hidden_representation was expected, such as this "
            f"package's nets; got {name}."
        )
    return np.asarray(estimator.hidden_representation(X))


def out_of_fold_logits(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any,
    n_jobs: int | None = None,
    params: dict[str, Any] | None = None,
) -> np.ndarray:
    """Logits of each song from a clone that was fitted without it.

    Parameters
    ----------
    estimator : classifier
    X, y
        What its `fit` takes.
    cv : int, splitter or iterable of (train, test)
    n_jobs : int, default=None
        Folds fitted at a time.
    params : dict, default=None
        Further arguments of `fit`; those with a row for each song are split with it.

    Returns
    -------
    ndarray of shape (n_songs, n_classes)

    Raises
    ------
    ValueError
        If the songs to train on lack a class in some fold.
    """
    logits = cross_val_predict(
        _Logits(estimator, np.unique(y), tuple(params or ())),
        X,
        y,
        cv=cv,
        n_jobs=n_jobs,
        params=params,
    )
    return np.asarray(logits)


def folds_of(cv: Any, X: Any, y: Any, groups: Any = None) -> list[Any]:
    """Pairs of training and test rows, stratified where `cv` is their number.

    Raises
    ------
    ValueError
        If `cv` is neither a number of folds nor a splitter nor an iterable of pairs.
    """
    wrong = (
        "cv must be a number of folds, a splitter, or an iterable of pairs of training "
        f"and test rows; got {cv!r}."
    )
    try:
        folds = list(check_cv(cv, y, classifier=True).split(X, y, groups))
    except (TypeError, ValueError, AttributeError) as error:
        if not isinstance(cv, Iterable):
            raise  # a splitter's own message
        raise ValueError(wrong) from error
    if not folds:
        raise ValueError(wrong)
    return folds


class _Logits(BaseEstimator):
    """A classifier that predicts its logits, for `cross_val_predict`."""

    def __init__(
        self, estimator: Any, classes: np.ndarray, metadata: tuple[str, ...]
    ) -> None:
        self.estimator = estimator
        self.classes = classes
        self.metadata = metadata

    def fit(self, X: Any, y: Any, **params: Any) -> _Logits:
        absent = np.setdiff1d(self.classes, y).tolist()
        if absent:
            raise ValueError(
                f"A fold of cv leaves no song of class {absent[0]!r} to train on; use "
                "fewer folds or a stratified splitter."
            )
        self.estimator_ = clone(self.estimator)
        self.estimator_.fit(X, y, **params)  # which may return anything
        return self

    def predict(self, X: Any) -> np.ndarray:
        return class_logits(self.estimator_, X)

    def get_metadata_routing(self) -> MetadataRequest:
        # What comes was routed, and has the names that `fit` knows it by.
        request = MetadataRequest(owner=self)
        for name in self.metadata:
            request.fit.add_request(param=name, alias=True)
        return request

    def __sklearn_tags__(self) -> Any:
        return self.estimator.__sklearn_tags__()


def _score_method(estimator: Any) -> tuple[str, dict[str, bool]]:
    """The method that the scores are taken from, and its keyword arguments."""
    objective = getattr(estimator, "objective_", getattr(estimator, "objective", None))
    for method, keyword in _RAW_SCORES:
        if objective in _LOGIT_OBJECTIVES and _takes(estimator, method, keyword):
            return method, {keyword: True}
    logistic = getattr(estimator, "loss", "log_loss") == "log_loss"
    if isinstance(estimator, _GIVE_LOGITS) and logistic:
        return "decision_function", {}
    for method in ("predict_proba", "decision_function"):
        if hasattr(estimator, method):
            return method, {}
    known = isinstance(estimator, BaseEstimator) and is_classifier(estimator)
    kind = "it" if known else "it is no classifier and"
    raise TypeError(
        "A classifier with predict_proba or decision_function was expected; got "
        f"{type(estimator).__name__}: {kind} has neither."
    )


def _takes(estimator: Any, method: str, keyword: str) -> bool:
    function = getattr(estimator, method, None)
    return callable(function) and keyword in inspect.signature(function).parameters

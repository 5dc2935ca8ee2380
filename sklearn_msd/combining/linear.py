"""A linear combination of several classifiers' logits (section 5.1, Figure 9)."""

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import _fit_context
from sklearn.linear_model import LogisticRegression
from sklearn.utils import deprecated
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight

from sklearn_msd.combining.stacking import BASES, CV, STACKED, StackedLogits
from sklearn_msd.common.atomic_fits import atomic_fit
from sklearn_msd.common.docstrings import fill_docstring
from sklearn_msd.segments.as_array import as_array


@fill_docstring(bases=BASES, cv=CV, stacked=STACKED)
class LinearCombiner(StackedLogits):
    r"""Stacking by logistic regression on the classifiers' logits (section 5.1).

    Like scikit-learn's `StackingClassifier` with a multinomial logistic regression, but
    on logits instead of probabilities, and able to use fitted classifiers as they are
    (Figure 9):

    .. math:: p = \operatorname{softmax}\Big(\sum_m W_m z_m + b\Big),

    where :math:`z_m` are the logits of classifier m. The loss is convex and is
    minimised to its one optimum.

    Parameters
    ----------
    <bases>
    l2 : float, default=1e-3
        Strength of the penalty ½·l2·Σw², beside the mean cross-entropy. With 0 there
        may be no optimum: with bases that are overconfident on these songs the weights
        grow without end.
    <cv>

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_estimators * n_classes)
        Weight of each logit, named by `get_feature_names_out`, for each class.
    intercept_ : ndarray of shape (n_classes,)
    class_contributions_ : ndarray of shape (n_estimators, n_classes)
        Contribution of each model to each class: the weight of its logit of a class in
        that class, less the mean of its weights in the other classes. A model taken as
        it is has 1 throughout.
    final_estimator_ : LogisticRegression
    <stacked>

    See Also
    --------
    NonlinearCombiner : With a hidden layer.
    JointCombiner : Trains the bases too.
    CombinerDisplay : Shows `class_contributions_`.

    Examples
    --------
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn_msd import (
    ...     FullyConnectedClassifier, LinearCombiner, TimeConvClassifier
    ... )
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(300, n_segments=30, n_classes=3, random_state=0)
    >>> nets = [
    ...     ("dense", FullyConnectedClassifier(max_epochs=3, random_state=0)),
    ...     ("conv", TimeConvClassifier(max_epochs=3, random_state=0)),
    ... ]
    >>> frozen = [
    ...     (name, FrozenEstimator(net.fit(X[:150], y[:150]))) for name, net in nets
    ... ]
    >>> combiner = LinearCombiner(frozen).fit(X[150:], y[150:])
    >>> combiner.class_contributions_.shape
    (2, 3)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **StackedLogits._parameter_constraints,
        "l2": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        estimators: list[tuple[str, Any]],
        *,
        l2: float = 1e-3,
        cv: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimators = estimators
        self.l2 = l2
        self.cv = cv
        self.n_jobs = n_jobs

    # The bases are checked by their own fit.
    @_fit_context(prefer_skip_nested_validation=False)
    @atomic_fit
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Fit the bases that are not frozen, and the combiner.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_features), or what the bases take
        y : array-like of shape (n_songs,)
            Labels of any type.
        sample_weight : array-like of shape (n_songs,), default=None
            Weights of the songs, for the combiner and for all bases that are fitted.
        **params : dict
            Metadata for the bases, where metadata routing is enabled.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If bases are missing, have one name or other classes than `y`.
        NotFittedError
            If a base that is to be used as it is was not fitted.
        """
        stacked, y = self._fit_bases(X, y, sample_weight, params)
        self._fit_linear(stacked, y, sample_weight, self.l2)
        return self

    def _fit_linear(
        self, stacked: np.ndarray, y: np.ndarray, sample_weight: Any, l2: float
    ) -> None:
        weight = _check_sample_weight(
            as_array(sample_weight, "sample_weight"), stacked, ensure_non_negative=True
        )
        # By a power of two, which rounds nothing: sums of huge ones overflow.
        weight = np.ldexp(weight, -np.frexp(weight.max())[1])
        self.final_estimator_ = LogisticRegression(
            C=1 / (l2 * weight.sum()) if l2 else np.inf, tol=1e-8, max_iter=10_000
        ).fit(stacked, y, sample_weight=weight)
        coef, intercept = self.final_estimator_.coef_, self.final_estimator_.intercept_
        if len(self.classes_) == 2:  # one score for two classes
            coef = np.vstack([-coef, coef]) / 2
            intercept = np.hstack([-intercept, intercept]) / 2
        self.coef_, self.intercept_ = coef, intercept

    def _logits(self, X: Any) -> np.ndarray:
        return np.asarray(self._stacked(X) @ self.coef_.T + self.intercept_)

    @property
    def class_contributions_(self) -> np.ndarray:
        """Contribution of each model to each class, (n_estimators, n_classes)."""
        n_classes = len(self.classes_)
        weights = self.coef_.reshape(n_classes, -1, n_classes)
        own = np.einsum("kmk->mk", weights)
        others = (weights.sum(axis=0) - own) / (n_classes - 1)
        return np.asarray(own - others)

    @property
    @deprecated("`say_` is `class_contributions_` since 0.2 and will go in 0.3.")
    def say_(self) -> np.ndarray:
        """Old name of `class_contributions_`."""
        return self.class_contributions_

"""A linear combination of several classifiers' logits (section 5.1, Figure 9)."""

from numbers import Real
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.utils import deprecated

from sklearn_msd.combining.fitting.shrinkage import (
    ShrinkTo,
    centre,
    choose_strength,
    fit_shrunk,
)
from sklearn_msd.combining.logits import folds_of
from sklearn_msd.combining.stacking import BASES, CV, STACKED, StackedLogits
from sklearn_msd.common.atomic_fits import atomic_fit
from sklearn_msd.common.docstrings import fill_docstring
from sklearn_msd.common.scikit_learn.private import (
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
)
from sklearn_msd.segments.as_array import as_array

# Of songs that all models were frozen on, to choose a strength by.
N_FOLDS = 5


@fill_docstring(bases=BASES, cv=CV, stacked=STACKED)
class LinearCombiner(StackedLogits):
    r"""Stacking by logistic regression on the classifiers' logits (section 5.1).

    Like scikit-learn's `StackingClassifier` with a multinomial logistic regression, but
    on logits instead of probabilities, and able to use fitted classifiers as they are
    (Figure 9):

    .. math:: p = \operatorname{softmax}\Big(\sum_m W_m z_m + b\Big),

    where :math:`z_m` are the logits of classifier m. The loss is convex and is
    minimised to its one optimum. ``LinearCombiner(estimators, l2=1e-3,
    shrink_to="zero")`` is the report's combiner, for thousands of songs. Its
    n_classes · n_classes weights for each model are too many for few, so by default
    these are shrunk to the average of the calibrated models, as far as songs held out
    say.

    Parameters
    ----------
    <bases>
    l2 : float or "auto", default="auto"
        Strength of the penalty ½·l2·Σ(w - w₀)², beside the mean cross-entropy.
        "auto" compares 0.001, 0.01, …, 10 and infinity by cross-validation on the
        models' logits, in the folds of `cv`, and takes the greatest that is not worse
        than the best by more than a standard error. With 0 there may be no optimum:
        with bases that are overconfident on these songs the weights grow without end.
    shrink_to : {"calibrated_average", "average", "weighted_average", "zero"}
        w₀, which the penalty pulls to:

        - "calibrated_average", the default: the mean of the models' logits, each
          model's divided by a temperature of its own that is fitted to these songs, so
          that one that is overconfident does not outvote one that is unsure; a model
          that knows less than nothing is left out.
        - "average": the plain mean of the models' logits. Both means are multiplied by
          one number for all models, which changes no label.
        - "weighted_average": one weight a model, at least 0, all fitted together
          without a penalty. It may leave a weak model out; with 100 songs it was less
          accurate than the calibrated mean of good ones.
        - "zero": no weights, and no intercepts in the penalty: logistic regression, the
          report's combiner.
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
    l2_ : float
        The strength used.
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
    >>> report = LinearCombiner(frozen, l2=1e-3, shrink_to="zero").fit(X[150:], y[150:])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **StackedLogits._parameter_constraints,
        "l2": [Interval(Real, 0, None, closed="both"), StrOptions({"auto"})],
        "shrink_to": [StrOptions(set(get_args(ShrinkTo)))],
    }

    def __init__(
        self,
        estimators: list[tuple[str, Any]],
        *,
        l2: float | Literal["auto"] = "auto",
        shrink_to: ShrinkTo = "calibrated_average",
        cv: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimators = estimators
        self.l2: Any = l2  # JointCombiner has a number of its own
        self.shrink_to = shrink_to
        self.cv = cv
        self.n_jobs = n_jobs

    # The bases are checked by their own fit.
    @atomic_fit
    @fit_context(prefer_skip_nested_validation=False)
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
        stacked, y, folds = self._fit_bases(X, y, sample_weight, params)
        self.l2_ = self.l2
        if self.l2 == "auto":
            weight = _scaled_weight(sample_weight, stacked)
            self.l2_ = self._chosen_strength(stacked, y, weight, folds)
        if self.shrink_to == "zero" and np.isfinite(self.l2_):
            self._fit_logistic(stacked, y, sample_weight, self.l2_)
        else:
            self._fit_shrunk(stacked, y, _scaled_weight(sample_weight, stacked))
        return self

    def _chosen_strength(
        self, stacked: np.ndarray, y: np.ndarray, weight: np.ndarray, folds: Any
    ) -> float:
        codes = np.searchsorted(self.classes_, y)
        if folds is None:
            n_folds = min(N_FOLDS, int(np.bincount(codes).min()))
            if n_folds < 2:  # there is nothing to choose by
                return np.inf
            folds = folds_of(n_folds, stacked, y)
        return choose_strength(
            self.shrink_to, stacked, codes, len(self.classes_), weight, folds
        )

    def _fit_shrunk(
        self, stacked: np.ndarray, y: np.ndarray, weight: np.ndarray
    ) -> None:
        """Weights shrunk to what `shrink_to` says."""
        codes = np.searchsorted(self.classes_, y)
        known = stacked, codes
        towards = centre(self.shrink_to, *known, len(self.classes_), weight)
        # An l2 of 0 penalises as little as can be told apart from nothing.
        l2 = max(self.l2_, np.finfo(float).tiny)
        coef, intercept = fit_shrunk(*known, towards, l2, weight)
        self.coef_, self.intercept_ = coef, intercept
        model = LogisticRegression(C=1 / min(l2, 1e300))
        model.classes_, model.n_features_in_ = self.classes_, stacked.shape[1]
        if len(self.classes_) == 2:  # one score for two classes
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        model.coef_, model.intercept_ = coef, intercept
        self.final_estimator_ = model

    def _fit_logistic(
        self, stacked: np.ndarray, y: np.ndarray, sample_weight: Any, l2: float
    ) -> None:
        """Weights of a multinomial logistic regression."""
        weight = _scaled_weight(sample_weight, stacked)
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


def _scaled_weight(sample_weight: Any, stacked: np.ndarray) -> np.ndarray:
    weight = check_sample_weight(
        as_array(sample_weight, "sample_weight"), stacked, ensure_non_negative=True
    )
    # By a power of two, which rounds nothing: sums of huge ones overflow.
    return np.asarray(np.ldexp(weight, -np.frexp(weight.max())[1]))

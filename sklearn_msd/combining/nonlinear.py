"""A net with a hidden layer on several classifiers' logits (section 5.1)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from sklearn_msd.classifiers.net_classifiers import FullyConnectedClassifier
from sklearn_msd.classifiers.preparing import FitOptions
from sklearn_msd.combining.bases import LearningCurvesMixin
from sklearn_msd.combining.logits import class_logits
from sklearn_msd.combining.stacking import BASES, CV, STACKED, StackedLogits
from sklearn_msd.common.atomic_fits import atomic_fit
from sklearn_msd.common.docstrings import fill_docstring
from sklearn_msd.common.scikit_learn.private import fit_context
from sklearn_msd.training.parameters import (
    SEQUENCE,
    TRAINING_PARAMETERS,
    TrainingParameters,
)


@fill_docstring(
    bases=BASES, cv=CV, training_parameters=TRAINING_PARAMETERS, stacked=STACKED
)
@dataclass(kw_only=True, eq=False, repr=False)
class NonlinearCombiner(LearningCurvesMixin, TrainingParameters, StackedLogits):
    """Stacking by a net with a hidden layer on the classifiers' logits (section 5.1).

    :class:`LinearCombiner` with a multilayer perceptron instead of the logistic
    regression.

    Parameters
    ----------
    <bases>
    hidden_layer_sizes : sequence of int, default=(200,)
        Units of each hidden layer of the combiner.
    <cv>
    <training_parameters>

    Attributes
    ----------
    final_estimator_ : FullyConnectedClassifier
        The combiner.
    loss_curve_, validation_loss_curve_, validation_scores_ : list of float
        Its learning curves.
    <stacked>

    See Also
    --------
    LinearCombiner : Without a hidden layer; in the report as good.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_msd import NonlinearCombiner, TimeConvClassifier
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(200, n_segments=30, n_classes=3, random_state=0)
    >>> combiner = NonlinearCombiner(
    ...     [
    ...         ("conv", TimeConvClassifier(max_epochs=2, random_state=0)),
    ...         ("logistic", LogisticRegression()),
    ...     ],
    ...     cv=2, max_epochs=5, random_state=0,
    ... ).fit(X, y)
    >>> combiner.transform(X).shape
    (200, 6)
    """

    estimators: list[tuple[str, Any]] = field(kw_only=False)
    hidden_layer_sizes: Sequence[int] = (200,)
    cv: Any = None
    n_jobs: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **StackedLogits._parameter_constraints,
        **TrainingParameters._parameter_constraints,
        "hidden_layer_sizes": SEQUENCE,
    }

    @atomic_fit
    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        **params: Any,
    ) -> Self:
        """Fit the bases that are not frozen, and the combiner.

        Parameters
        ----------
        X, y, sample_weight, **params
            As for :meth:`LinearCombiner.fit`.
        X_val, y_val : array-like, default=None
            Songs to record the combiner's validation curves on; with `early_stopping`,
            the songs that it watches.

        Returns
        -------
        self : object
        """
        stacked, y, _ = self._fit_bases(X, y, sample_weight, params)
        combiner = FullyConnectedClassifier(
            n_segment_features=1,
            hidden_layer_sizes=self.hidden_layer_sizes,
            **self.training_parameters(),
        )
        self.final_estimator_ = combiner._fit(
            stacked,
            y,
            sample_weight=sample_weight,
            X_val=None if X_val is None else self._stacked(X_val),
            y_val=y_val,
            options=FitOptions(warn_of_scale=False),
        )
        return self

    def _logits(self, X: Any) -> np.ndarray:
        stacked = self._stacked(X)  # which says first whether this is fitted
        return class_logits(self.final_estimator_, stacked)

    def _trained_nets(self) -> list[Any]:
        return [self.final_estimator_]

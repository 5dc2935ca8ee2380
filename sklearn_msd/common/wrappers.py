"""What is inside frozen estimators, searches and pipelines."""

from __future__ import annotations

from typing import Any

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from sklearn_msd.common.scikit_learn.private import BaseSearchCV


def look_through(estimator: Any) -> tuple[Any, list[Any]]:
    """The fitted estimator inside wrappers, and what transforms its input.

    Parameters
    ----------
    estimator : estimator
        `FrozenEstimator`, fitted searches and pipelines are opened, in any order.

    Returns
    -------
    estimator : estimator
        The innermost; for a pipeline, its last step.
    transformers : list of transformers
        To be applied to `X` in this order before it is passed to `estimator`.
    """
    transformers = []
    while True:
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif isinstance(estimator, BaseSearchCV) and hasattr(
            estimator, "best_estimator_"
        ):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            if len(estimator) > 1:
                transformers.append(estimator[:-1])
            estimator = estimator[-1]
        else:
            return estimator, transformers

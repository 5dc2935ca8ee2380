"""How many numbers a model has learned."""

from __future__ import annotations

from typing import Any

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from sklearn_msd.classifiers.sparse_refit import SparseRefitClassifier
from sklearn_msd.combining.correcting import CorrectingClassifier


def n_parameters(model: Any) -> int:
    """Number of parameters of a fitted model and all it is made of, masked ones not.

    Of a pipeline, those of its last step. Of other libraries' models, `coef_` and
    `intercept_` are counted, and `estimator_`, `estimators_` and `final_estimator_`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_msd.saving.parameter_counts import n_parameters
    >>> X, y = np.eye(4), [0, 1, 2, 2]
    >>> n_parameters(LogisticRegression().fit(X, y))
    15
    """
    if isinstance(model, FrozenEstimator):
        return n_parameters(model.estimator)
    if isinstance(model, Pipeline):
        return n_parameters(model[-1])
    if hasattr(model, "n_parameters_"):
        return int(model.n_parameters_["total"])
    if isinstance(model, SparseRefitClassifier):
        masked = sum(int((~mask).sum()) for mask in model.masks_.values())
        return n_parameters(model.estimator_) - masked
    if isinstance(model, CorrectingClassifier):
        parts = [model.estimator_, *model.correctors_]
        combined = sum(w.size + b.size for w, b in model.combiners_)
        return combined + sum(map(n_parameters, parts))
    own = 0
    if hasattr(model, "coef_"):
        own = model.coef_.size + model.intercept_.size
    elif hasattr(model, "final_estimator_"):
        own = n_parameters(model.final_estimator_)
    parts = [*getattr(model, "estimators_", [])]
    parts += [model.estimator_] if hasattr(model, "estimator_") else []
    return int(own) + sum(map(n_parameters, parts))

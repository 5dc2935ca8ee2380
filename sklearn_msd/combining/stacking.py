"""Stacking logits: what all combiners share, on StackingClassifier's conventions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.ensemble import StackingClassifier
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import MetadataRouter
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from sklearn_msd.classifiers.logit_classifier import LogitClassifierMixin
from sklearn_msd.combining.bases import (
    check_fitted_base,
    check_labels,
    fit_base,
    fitted_base_logits,
    is_frozen,
    take_feature_names,
)
from sklearn_msd.combining.logits import class_logits, folds_of, out_of_fold_logits
from sklearn_msd.common.scikit_learn.private import (
    BaseHeterogeneousEnsemble,
    VisualBlock,
)
from sklearn_msd.common.scikit_learn.routing import fit_router, routed_params
from sklearn_msd.segments.as_array import as_array

BASES = """\
estimators : list of (str, classifier)
        Named bases, of any kind. ``FrozenEstimator(base)`` is used as it is and
        predicts once in a fit; others are cloned and fitted. ``"drop"`` leaves one
        out."""

CV = """\
cv : int, splitter, iterable, "prefit" or None, default=None
        Folds in which bases that are not frozen give the logits that the combiner is
        trained on, each song's from a clone that has not seen it; None is 5 stratified
        folds. With "prefit" all bases are used as they are, as if frozen.
    n_jobs : int, default=None
        Bases and folds fitted at a time."""

STACKED = """\
classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    estimators_ : list of classifiers
        Fitted bases, without those dropped.
    named_estimators_ : Bunch
        Fitted bases by name.
    n_features_in_ : int
        As the first base has it.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where the bases have it."""


class StackedLogits(LogitClassifierMixin, StackingClassifier):
    """Base of the combiners: `StackingClassifier` on logits, with frozen bases.

    Unlike there, bases are fitted on the labels as they are, not on their numbers.
    """

    # Parameters of StackingClassifier that the combiners do without.
    final_estimator = None
    passthrough = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: StackingClassifier._parameter_constraints[name]
        for name in ("estimators", "cv", "n_jobs")
    }

    def _fit_bases(
        self, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]
    ) -> tuple[np.ndarray, np.ndarray, list[Any] | None]:
        """Fit the bases; the logits to train the combiner on, labels and folds.

        The folds are those in which songs were held out; None where all bases are used
        as they are.
        """
        names, bases = self._checked_bases()
        X, y = as_array(X), check_labels(self, y)
        used = {n: b for n, b in zip(names, bases, strict=True) if b != "drop"}
        prefit = isinstance(self.cv, str) and self.cv == "prefit"
        ready = {n: prefit or is_frozen(b) for n, b in used.items()}
        for name, base in used.items():
            if ready[name]:
                check_fitted_base(name, base, self.classes_)
        weight = as_array(sample_weight, "sample_weight")
        routed = routed_params(self, list(used), weight, params)
        to_fit = [name for name in used if not ready[name]]
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_base)(used[name], X, y, routed.fit[name]) for name in to_fit
        )
        fitted = used | dict(zip(to_fit, fitted, strict=True))
        self.estimators_ = list(fitted.values())
        self.named_estimators_ = Bunch(**dict.fromkeys(names, "drop") | fitted)
        take_feature_names(self, self.estimators_)
        logits = {n: fitted_base_logits(n, used[n], X) for n in used if ready[n]}
        folds = None
        if to_fit:
            folds = folds_of(self.cv, X, y, **routed.split)
            held_out = Parallel(n_jobs=self.n_jobs)(
                delayed(out_of_fold_logits)(
                    used[name],
                    X,
                    y,
                    cv=folds,
                    n_jobs=self.n_jobs,
                    params=routed.fit[name],
                )
                for name in to_fit
            )
            logits |= dict(zip(to_fit, held_out, strict=True))
        stacked = self._stack([logits[name] for name in used])
        return stacked, y, folds

    def _checked_bases(self) -> tuple[Sequence[str], Sequence[Any]]:
        """Names and bases, as scikit-learn checks them once all are estimators."""
        for i, item in enumerate(self.estimators):
            if not (isinstance(item, list | tuple) and len(item) == 2):
                raise ValueError(
                    "estimators must be a list of (string, estimator) tuples; "
                    f"got {item!r} in it."
                )
            base = item[1]
            is_estimator = hasattr(base, "fit") and not isinstance(base, type)
            if not (is_estimator or (isinstance(base, str) and base == "drop")):
                raise TypeError(
                    f"estimators[{i}] must have a classifier or 'drop'; got {base!r}."
                )
        checked: tuple[Sequence[str], Sequence[Any]]
        checked = BaseHeterogeneousEnsemble._validate_estimators(self)
        return checked

    def transform(self, X: Any) -> np.ndarray:
        """Logits of the bases, side by side.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_features_in_), or what the bases take

        Returns
        -------
        ndarray of shape (n_songs, n_estimators * n_classes)
            Named by `get_feature_names_out`.
        """
        return self._stacked(X)

    def _stacked(self, X: Any) -> np.ndarray:
        """`transform`, an array whatever scikit-learn's `set_output` says."""
        check_is_fitted(self)
        return self._stack([class_logits(base, X) for base in self.estimators_])

    def _stack(self, logits: list[np.ndarray]) -> np.ndarray:
        self._n_feature_outs = [scores.shape[1] for scores in logits]
        return np.hstack(logits).astype(np.float64)

    def _sk_visual_block_(self) -> VisualBlock:
        # StackingClassifier's shows the final estimator that it would have had.
        names, estimators = zip(*self.estimators, strict=True)
        return VisualBlock("parallel", estimators, names=names)

    def get_metadata_routing(self) -> MetadataRouter:
        """Routing of `sample_weight` and other metadata to the bases and to `cv`.

        Returns
        -------
        MetadataRouter
        """
        bases = {n: b for n, b in self.estimators if b != "drop"}
        return fit_router(self, bases, splitter=self.cv)

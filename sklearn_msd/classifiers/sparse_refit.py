"""Sparse nets in two steps: L1 finds the weights to keep, L2 fits them (3.2)."""

import copy
import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_msd.classifiers.base import BaseSegmentClassifier
from sklearn_msd.classifiers.logit_classifier import LogitClassifierMixin
from sklearn_msd.classifiers.preparing import FitOptions
from sklearn_msd.common.atomic_fits import atomic_fit
from sklearn_msd.common.scikit_learn.private import Interval, fit_context
from sklearn_msd.nets.base import check_layer_names, layer_weights
from sklearn_msd.training.keeping.checkpoints import sibling
from sklearn_msd.training.parameters import SEQUENCE


class SparseRefitClassifier(LogitClassifierMixin, BaseEstimator):
    """Prune a net by L1, then train it anew with the remaining weights (Figure 5).

    An L1 penalty drives weights to zero, but also shrinks those it keeps. So a first
    net, with L1 instead of `estimator`'s penalties on `layers`, serves only to find the
    weights that are needed. A second net is then trained from a fresh start with
    `estimator`'s own penalties, its other weights fixed at zero. The report does this
    for convolutional layers; for the hidden layer it is its future work.

    Parameters
    ----------
    estimator : net classifier of this package
        Its `random_state` decides both starts. Of a `checkpoint`, which needs it, the
        first net has ``path.dense``.
    l1 : float, default=1e-3
        Strength of the first net's penalty l1·Σ|w| (equation 2).
    threshold : float, default=0.01
        Weights of a smaller absolute value than this are masked.
    layers : sequence of {"conv", "recurrent", "hidden", "output"}, default=("conv",)
        Layers to make sparse; those that the net lacks are passed over.

    Attributes
    ----------
    estimator_ : net classifier
        The second net; its curves and numbers are those of its class.
    dense_estimator_ : net classifier
        The first net.
    masks_ : dict of str to ndarray of bool
        For each weight of `layers`, by its name in the module, where it may be other
        than zero.
    sparsity_ : dict of str to float
        Share of the weights masked, of each and of all (``"total"``).
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_features_in_ : int
        Width of a flat row.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where `X` had string column names.

    References
    ----------
    .. [1] O. Demir-Kavuk, M. Kamada, T. Akutsu, E. Knapp, "Prediction using step-wise
       L1, L2 regularization and feature selection for small data sets with large number
       of features", BMC Bioinformatics 12, 412, 2011: reference 8 of the report.

    Examples
    --------
    >>> from sklearn_msd import SegmentConvClassifier, SparseRefitClassifier
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(200, n_segments=30, n_classes=3, random_state=0)
    >>> net = SegmentConvClassifier(max_epochs=5, random_state=0)
    >>> sparse = SparseRefitClassifier(net, threshold=0.05).fit(X, y)
    >>> sorted(sparse.sparsity_)
    ['conv.0.weight', 'conv.1.weight', 'total']
    >>> weight = sparse.estimator_.module_.conv[0].weight.detach().numpy()
    >>> bool((weight[~sparse.masks_["conv.0.weight"]] == 0).all())
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [BaseSegmentClassifier],
        "l1": [Interval(Real, 0, None, closed="left")],
        "threshold": [Interval(Real, 0, None, closed="left")],
        "layers": SEQUENCE,
    }

    def __init__(
        self,
        estimator: BaseSegmentClassifier,
        *,
        l1: float = 1e-3,
        threshold: float = 0.01,
        layers: Sequence[str] = ("conv",),
    ) -> None:
        self.estimator = estimator
        self.l1 = l1
        self.threshold = threshold
        self.layers = layers

    # The net checks its own parameters.
    @atomic_fit
    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        base_logits: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        base_logits_val: Any = None,
    ) -> Self:
        """Train both nets.

        Parameters
        ----------
        X, y, sample_weight, base_logits
            As for the net.
        X_val, y_val, base_logits_val : array-like, default=None
            Songs to record the second net's validation curves on, as for the net.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For unknown layers and bad input.
        """
        check_layer_names(self.layers, "layers", least=1)
        weights = {"sample_weight": sample_weight, "base_logits": base_logits}
        # A fresh start: with one seed the second net would begin where the first did.
        rng = check_random_state(copy.deepcopy(self.estimator.random_state))
        first, second = (int(seed) for seed in rng.randint(2**31 - 1, size=2))
        kept = [name for name in self.estimator.l2_layers if name not in self.layers]
        self.dense_estimator_ = clone(self.estimator).set_params(
            l1=self.l1,
            l1_layers=tuple(self.layers),
            l2_layers=tuple(kept),
            random_state=first,
            checkpoint=sibling(self.estimator.checkpoint, "dense"),
        )
        self.dense_estimator_.fit(X, y, **weights)
        self.masks_ = {
            name: weight.detach().abs().cpu().numpy() >= self.threshold
            for name, weight in layer_weights(
                self.dense_estimator_.module_, self.layers
            ).items()
        }
        self._warn_of_layers_without_weights()
        self.estimator_ = clone(self.estimator).set_params(random_state=second)
        self.estimator_._fit(
            X,
            y,
            **weights,
            X_val=X_val,
            y_val=y_val,
            base_logits_val=base_logits_val,
            options=FitOptions(masks=self.masks_),
        )
        self.classes_ = self.estimator_.classes_
        self.n_features_in_ = self.estimator_.n_features_in_
        if hasattr(self.estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.estimator_.feature_names_in_
        return self

    @property
    def sparsity_(self) -> dict[str, float]:
        """Share of the weights masked, of each and of all."""
        masked = {name: int((~mask).sum()) for name, mask in self.masks_.items()}
        sizes = {name: mask.size for name, mask in self.masks_.items()}
        shares = {name: masked[name] / sizes[name] for name in sizes}
        total = sum(masked.values()) / max(1, sum(sizes.values()))
        return shares | {"total": total}

    def hidden_representation(self, X: Any) -> np.ndarray:
        """Activations of the last layer before the output, (n_songs, n_units)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.hidden_representation(X))

    def _logits(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return np.asarray(self.estimator_._logits(X))

    def _warn_of_layers_without_weights(self) -> None:
        empty = [name for name, mask in self.masks_.items() if not mask.any()]
        if empty:
            warnings.warn(
                f"threshold={self.threshold} masks all weights of {', '.join(empty)}: "
                "the net sees nothing of its input. Lower threshold or l1.",
                UserWarning,
                stacklevel=5,
            )
        if not self.masks_:
            warnings.warn(
                f"{type(self.estimator).__name__} has none of layers={self.layers}: "
                "nothing is masked.",
                UserWarning,
                stacklevel=5,
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = self.estimator.__sklearn_tags__().input_tags
        return tags

"""Training several nets and their combiner together (section 5 of the report)."""

import copy
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils import Bunch

from sklearn_msd.classifiers.base import BaseSegmentClassifier
from sklearn_msd.classifiers.preparing import FitOptions
from sklearn_msd.combining.bases import LearningCurvesMixin, unfrozen_net
from sklearn_msd.combining.linear import LinearCombiner
from sklearn_msd.combining.stacking import CV, STACKED, StackedLogits
from sklearn_msd.common.atomic_fits import atomic_fit
from sklearn_msd.common.docstrings import fill_docstring
from sklearn_msd.common.pytorch.modes import plain_torch
from sklearn_msd.common.scikit_learn.private import Interval, fit_context
from sklearn_msd.nets.composed import CombinedNet
from sklearn_msd.training.parameters import TRAINING_PARAMETERS, TrainingParameters


@fill_docstring(cv=CV, training_parameters=TRAINING_PARAMETERS, stacked=STACKED)
@dataclass(kw_only=True, eq=False, repr=False)
class JointCombiner(LearningCurvesMixin, TrainingParameters, LinearCombiner):
    r"""Nets and their linear combiner, fine-tuned together (Figure 9, unconstrained).

    Training starts from copies of the fitted nets and from their
    :class:`LinearCombiner`; with ``max_epochs=0`` that combiner is the result. With a
    `similarity_penalty` λ the loss has one more term,

    .. math:: -\frac{\lambda}{N M} \sum_{n=1}^N \sum_{m=1}^M
        \| p_{nm} - \bar p_n \|^2, \qquad
        p_{nm} = \operatorname{softmax}(z_m(x_n)), \quad
        \bar p_n = \frac{1}{M} \sum_{m=1}^M p_{nm},

    which grows, up to 0, as the outputs of the M nets agree: the report's future work
    (section 5.2), in the form of negative correlation learning [1]_.

    Parameters
    ----------
    estimators : list of (str, net classifier)
        Named nets of this package. ``FrozenEstimator(net)`` is where the training
        starts; others are cloned and fitted first. ``"drop"`` leaves one out.
    similarity_penalty : float, default=0.0
        λ; 0 lets the nets learn the same things.
    combiner_l2 : float, default=1e-3
        `l2` of the linear combiner to start from. The joint training does not penalise
        the combiner; its penalties are on the layers of all nets.
    <cv>
    <training_parameters>

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_estimators * n_classes)
        Weight of each logit, named by `get_feature_names_out`, for each class.
    intercept_ : ndarray of shape (n_classes,)
    class_contributions_ : ndarray of shape (n_estimators, n_classes)
        Contribution of each net to each class, as in :class:`LinearCombiner`.
    joint_ : net classifier
        What trained, with its `net_`. Only where `max_epochs` is not 0.
    loss_curve_, validation_loss_curve_, validation_scores_ : list of float
        Its learning curves; the similarity penalty is in the first alone.
    <stacked>

    See Also
    --------
    LinearCombiner : Leaves the bases as they are; in the report the better.

    References
    ----------
    .. [1] Liu, Y. and Yao, X. (1999). Ensemble learning via negative correlation.
       Neural Networks 12(10), 1399-1404.

    Examples
    --------
    >>> from sklearn_msd import (
    ...     FullyConnectedClassifier, JointCombiner, TimeConvClassifier
    ... )
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(200, n_segments=30, n_classes=3, random_state=0)
    >>> combiner = JointCombiner(
    ...     [
    ...         ("dense", FullyConnectedClassifier(max_epochs=2, random_state=0)),
    ...         ("conv", TimeConvClassifier(max_epochs=2, random_state=0)),
    ...     ],
    ...     cv=2, similarity_penalty=0.5, max_epochs=2, random_state=0,
    ... ).fit(X, y)
    >>> len(combiner.joint_.loss_curve_)
    2
    """

    estimators: list[tuple[str, Any]] = field(kw_only=False)
    similarity_penalty: float = 0.0
    combiner_l2: float = 1e-3
    cv: Any = None
    n_jobs: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **StackedLogits._parameter_constraints,
        **TrainingParameters._parameter_constraints,
        "similarity_penalty": [Interval(Real, 0, None, closed="left")],
        "combiner_l2": [Interval(Real, 0, None, closed="left")],
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
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
        """Fit the nets that are not frozen, then all nets and the combiner together.

        Parameters
        ----------
        X, y, sample_weight, **params
            As for :meth:`LinearCombiner.fit`.
        X_val, y_val : array-like, default=None
            Songs to record validation curves on; with `early_stopping`, the songs that
            it watches.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If a base is no net of this package.
        """
        for name, base in self.estimators:
            if base != "drop":
                unfrozen_net(repr(name), base, "JointCombiner")
        stacked, y, _ = self._fit_bases(X, y, sample_weight, params)
        self._fit_logistic(stacked, y, sample_weight, self.combiner_l2)
        if self.max_epochs == 0:
            return self
        nets = [unfrozen_net("", base, "") for base in self.estimators_]
        with plain_torch():
            nets = copy.deepcopy(nets)
            together = CombinedNet(
                [net.module_ for net in nets],
                len(self.classes_),
                self.similarity_penalty,
            ).start_from(
                torch.from_numpy(self.coef_), torch.from_numpy(self.intercept_)
            )
        self.joint_ = JointNet(
            n_segment_features=nets[0].n_segment_features_, **self.training_parameters()
        )._fit(
            X,
            y,
            sample_weight=sample_weight,
            X_val=X_val,
            y_val=y_val,
            options=FitOptions(module=together),
        )
        self.joint_.net_.optimizer_ = None  # it cannot go on
        for net in nets:
            net.module_.to(net.net_.device, net.net_.dtype)
            net.net_.forget_training()  # its weights are others now
        trained = iter(nets)
        self.named_estimators_ = Bunch(
            **{
                name: base if base == "drop" else next(trained)
                for name, base in self.named_estimators_.items()
            }
        )
        self.estimators_ = nets
        self.coef_ = _float64(together.combiner.weight)
        self.intercept_ = _float64(together.combiner.bias)
        return self

    def _trained_nets(self) -> list[Any]:
        return [self.joint_] if hasattr(self, "joint_") else []


@dataclass(kw_only=True, eq=False, repr=False)
class JointNet(BaseSegmentClassifier):
    """Nets and their combiner as one net, which `JointCombiner` makes and fits."""


def _float64(parameter: torch.Tensor) -> np.ndarray:
    return parameter.detach().cpu().double().numpy()

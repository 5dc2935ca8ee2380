"""Correcting a classifier: a net that adds to its logits (section 6 of the report)."""

import copy
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import MetadataRouter

from sklearn_msd.classifiers.base import BaseSegmentClassifier
from sklearn_msd.classifiers.net_classifiers import FullyConnectedClassifier
from sklearn_msd.classifiers.preparing import FitOptions
from sklearn_msd.combining.bases import (
    LearningCurvesMixin,
    check_fitted_base,
    check_labels,
    fit_base,
    fitted_base_logits,
    is_frozen,
    take_feature_names,
    unfrozen_net,
)
from sklearn_msd.combining.fitting.correctors import fit_net, net_of, suited
from sklearn_msd.combining.logits import folds_of, out_of_fold_logits
from sklearn_msd.combining.staged_corrections import StagedCorrections
from sklearn_msd.common.atomic_fits import atomic_fit
from sklearn_msd.common.pytorch.modes import plain_torch
from sklearn_msd.common.scikit_learn.private import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
)
from sklearn_msd.common.scikit_learn.routing import fit_router, routed_params
from sklearn_msd.nets.composed import CorrectedNet
from sklearn_msd.segments.as_array import as_array
from sklearn_msd.training.keeping.checkpoints import sibling


class CorrectingClassifier(
    LearningCurvesMixin, StagedCorrections, MetaEstimatorMixin, BaseEstimator
):
    r"""A classifier corrected by a net that adds to its logits (Figure 10).

    .. math:: p = \operatorname{softmax}\big(z_{base}(x) + z_{corrector}(x)\big)

    This is equation 3 of the report. The base is trained first. The corrector is then
    trained on the loss of the sum, and so learns where the base is wrong and what to
    add there; alone it is not a classifier (section 6.3). It is one step of gradient
    boosting with a net: XGBoost's `base_margin` plays the same part.

    Parameters
    ----------
    estimator : classifier
        The base, of any kind. ``FrozenEstimator(base)`` is used as it is and predicts
        once in a fit; any other is cloned and fitted first.
    corrector : net classifier, or pipeline that ends in one, default=None
        Its early stopping, if it is on, watches the corrected predictions. None is
        ``FullyConnectedClassifier(hidden_layer_sizes=(200, 200))``. Of several
        correctors each has a `checkpoint` of its own: ``path``, ``path.2``, …. With a
        pipeline the net can see the songs in another way than the base does.
    freeze : bool, default=True
        With False the base, a net, is fine-tuned together with the first corrector, in
        a copy and with the corrector's training parameters (Figure 11).
    n_corrections : int, default=1
        Correctors, each trained on the sum so far (the report's further work).
    use_hidden : bool, default=False
        Give the correctors, beside the songs, the base's hidden representation and
        logits (equation 4). The base must be a net, the corrector fully connected; the
        songs are copied once to put these beside them.
    cv : int, splitter, iterable or None, default=None
        Train on out-of-fold base logits, each song's from a clone of the base that has
        not seen it: on its own training songs a base is overconfident. The hidden
        representation stays that of the base. Not for a frozen base. Of no effect with
        ``freeze=False``, where the first corrector is trained on no fixed logits.
    combine : {"sum", "linear"}, default="sum"
        "linear" puts a linear combiner of base and corrector, trained with the
        corrector, in the sum's place. The sum is where it starts and its special case
        with unit weights (section 6.3).
    shrinkage : float or "auto", default=1.0
        What share of each correction is added, as in boosting; in (0, 1]. "auto" trains
        the corrector once more for each fold of `cv` (5 without one) and takes the
        share that suits the songs held out, from 0 to 1, base and sum each at its best
        temperature; it is 0, and the base is left as it is, where the gain in
        cross-entropy is within one standard error of none. Where the corrector has
        `early_stopping`, and no `X_val` is given, these songs choose the epochs, one
        number for all folds, together with the share, and the corrector is trained for
        so many on all songs. All this says something only of base logits of songs that
        the base has not seen: set `cv`, or give other songs than a frozen base was
        fitted on.
    n_jobs : int, default=None
        Folds of `cv` fitted at a time.
    random_state : int, RandomState instance or None, default=None
        Seeds the correctors, each differently; None leaves that to the `random_state`
        of `corrector`. The base keeps its own.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    estimator_ : classifier
        The base: as it was given, a fitted clone or, with ``freeze=False``, the copy
        that trained on.
    correctors_ : list of net classifiers or pipelines
        Fitted.
    loss_curve_, validation_loss_curve_, validation_scores_ : list of float
        Learning curves of the corrected predictions, corrector after corrector.
    shrinkages_ : list of float
        The share of each correction that is added.
    combiners_ : list of (ndarray, ndarray)
        For each corrector the weights, (n_classes, 2 * n_classes), and intercepts,
        (n_classes,), with ``combine="linear"``.
    n_features_in_ : int
        As the base has it.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where the base has it.

    See Also
    --------
    LinearCombiner : Combines classifiers that were trained apart.

    Examples
    --------
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn_msd import (
    ...     CorrectingClassifier, FullyConnectedClassifier, TimeConvClassifier
    ... )
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(200, n_segments=30, n_classes=3, random_state=0)
    >>> base = TimeConvClassifier(max_epochs=3, random_state=0).fit(X, y)
    >>> corrector = FullyConnectedClassifier(max_epochs=3)
    >>> corrected = CorrectingClassifier(
    ...     FrozenEstimator(base), corrector, random_state=0
    ... ).fit(X, y)
    >>> logits = base.decision_function(X) + corrected.correction(X)
    >>> bool((logits == corrected.decision_function(X)).all())
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods("fit")],
        "corrector": [BaseSegmentClassifier, Pipeline, None],
        "freeze": ["boolean"],
        "n_corrections": [Interval(Integral, 1, None, closed="left")],
        "use_hidden": ["boolean"],
        "cv": ["cv_object"],
        "combine": [StrOptions({"sum", "linear"})],
        "shrinkage": [Interval(Real, 0, 1, closed="right"), StrOptions({"auto"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        corrector: BaseSegmentClassifier | None = None,
        *,
        freeze: bool = True,
        n_corrections: int = 1,
        use_hidden: bool = False,
        cv: Any = None,
        combine: Literal["sum", "linear"] = "sum",
        shrinkage: float | Literal["auto"] = 1.0,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.corrector = corrector
        self.freeze = freeze
        self.n_corrections = n_corrections
        self.use_hidden = use_hidden
        self.cv = cv
        self.combine = combine
        self.shrinkage = shrinkage
        self.n_jobs = n_jobs
        self.random_state = random_state

    # The base is checked by its own fit.
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
        """Fit the base, unless it is frozen, and the correctors.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_features) or \
                (n_songs, n_segments, n_segment_features)
        y : array-like of shape (n_songs,)
            Labels of any type.
        sample_weight : array-like of shape (n_songs,), default=None
            Weights of the songs, for the correctors and for a base that is fitted.
        X_val, y_val : array-like, default=None
            Songs to record the correctors' validation curves on; with their
            `early_stopping`, the songs that it watches.
        **params : dict
            Metadata for the base, where metadata routing is enabled.

        Returns
        -------
        self : object

        Raises
        ------
        NotFittedError
            If a frozen base was not fitted.
        TypeError, ValueError
            If the base, the corrector and the parameters do not go together, or the
            base was fitted on other classes or features.
        """
        X, y = as_array(X), check_labels(self, y)
        sample_weight = as_array(sample_weight, "sample_weight")
        corrector = self._check_corrector()
        base_logits, folds = self._fit_base(X, y, sample_weight, params)
        train = self._songs(X, base_logits)
        valid = self._songs(X_val)
        seeds = None
        if self.random_state is not None:
            seeds = check_random_state(self.random_state)
        self.correctors_, self.combiners_, self.shrinkages_ = [], [], []
        for stage in range(self.n_corrections):
            fresh = clone(corrector)
            net = net_of(fresh)
            if seeds is not None:
                net.set_params(random_state=seeds.randint(np.iinfo(np.int32).max))
            if stage > 0:
                net.set_params(checkpoint=sibling(net.checkpoint, stage + 1))
            with_base = stage == 0 and not self.freeze
            share = self.shrinkage
            if share == "auto":
                share, n_epochs = suited(
                    fresh,
                    train,
                    y,
                    sample_weight,
                    folds,
                    warn_of_scale=not self.use_hidden,
                    choose_epochs=net.early_stopping and X_val is None,
                )
                if n_epochs is not None:
                    net.set_params(max_epochs=n_epochs, early_stopping=False)
            self.shrinkages_.append(float(share))
            self._fit_corrector(
                fresh,
                train.rows,
                y,
                sample_weight=sample_weight,
                X_val=valid.rows,
                y_val=y_val,
                base_logits=None if with_base else train.logits,
                base_logits_val=None if with_base else valid.logits,
            )
            if with_base:  # it has changed
                train, valid = self._songs(X), self._songs(X_val)
            if stage + 1 < self.n_corrections:
                train = self._corrected(stage, train)
                valid = self._corrected(stage, valid)
        return self

    @property
    def n_features_in_(self) -> int:
        """Number of features that the base takes."""
        if not hasattr(self, "estimator_"):
            raise AttributeError("n_features_in_ is there after fit.")
        return int(self.estimator_.n_features_in_)

    def _check_corrector(self) -> Any:
        """The corrector to clone, fit for the other parameters."""
        corrector = self.corrector
        if corrector is None:
            corrector = FullyConnectedClassifier()
        corrector = clone(corrector)
        net = net_of(corrector)
        if not isinstance(net, BaseSegmentClassifier):
            raise TypeError(
                "corrector must be a net of this package or a pipeline that ends in "
                f"one; got {type(net).__name__} at its end."
            )
        if net is not corrector and not self.freeze:
            raise TypeError(
                "freeze=False trains the base on what the corrector sees, so the "
                "corrector must be a net and no pipeline."
            )
        if self.use_hidden:
            if not isinstance(corrector, FullyConnectedClassifier):
                raise TypeError(
                    "use_hidden=True gives the corrector inputs that are no segments, "
                    "so it must be a FullyConnectedClassifier; got "
                    f"{type(corrector).__name__}."
                )
            corrector.set_params(n_segment_features=1)
        if not self.freeze and getattr(net, "crop_segments", None) is not None:
            raise ValueError(
                "freeze=False trains the base on what the corrector sees, so the "
                f"corrector's crop_segments must be None; got {corrector!r}."
            )
        if self.shrinkage == "auto" and (not self.freeze or self.combine == "linear"):
            raise ValueError(
                'shrinkage="auto" chooses what share of a sum to add: it needs '
                'freeze=True and combine="sum".'
            )
        if self.cv is not None and is_frozen(self.estimator):
            raise ValueError(
                "cv fits clones of the base, which a frozen base does not allow: pass "
                "the estimator itself, or cv=None."
            )
        return corrector

    def _fit_base(
        self, X: Any, y: np.ndarray, sample_weight: Any, params: dict[str, Any]
    ) -> tuple[np.ndarray, Any]:
        """Set `estimator_`; the logits to train the first corrector on, and folds."""
        base = self.estimator
        routed = routed_params(self, ["estimator"], sample_weight, params)
        params = routed.fit["estimator"]
        if not self.freeze:
            unfrozen_net("estimator", base, "freeze=False")
        if is_frozen(base):
            check_fitted_base("estimator", base, self.classes_)
        base = fit_base(base, X, y, params)
        if not self.freeze:
            with plain_torch():
                base = copy.deepcopy(unfrozen_net("estimator", base, "freeze=False"))
        self.estimator_ = base
        take_feature_names(self, [base])
        if self.cv is None or not self.freeze:
            return fitted_base_logits("estimator", base, X), None
        folds = folds_of(self.cv, X, y, **routed.split)
        logits = out_of_fold_logits(
            self.estimator, X, y, cv=folds, n_jobs=self.n_jobs, params=params
        )
        return logits, folds

    def _fit_corrector(
        self, corrector: Any, rows: Any, y: np.ndarray, **kwargs: Any
    ) -> None:
        """Fit one corrector on base logits, or together with the base without them."""
        with_base = kwargs["base_logits"] is None
        compose = None
        if with_base or self.combine == "linear":
            composed: list[CorrectedNet] = []

            def compose(net: Any) -> CorrectedNet:
                together = CorrectedNet(
                    net,
                    len(self.classes_),
                    base=self.estimator_.module_ if with_base else None,
                    n_inputs=self.n_features_in_ if self.use_hidden else None,
                    combine=self.combine,
                )
                composed.append(together)
                return together

        options = FitOptions(compose=compose, warn_of_scale=not self.use_hidden)
        fit_net(corrector, rows, y, **kwargs, options=options)
        if compose is not None:
            self.combiners_ += composed[0].combination()
        if with_base:
            net = self.estimator_.net_
            net.module_.to(net.device, net.dtype)
            net.forget_training()  # its weights are others now
        self.correctors_.append(corrector)

    def _trained_nets(self) -> list[Any]:
        return [net_of(corrector) for corrector in self.correctors_]

    def get_metadata_routing(self) -> MetadataRouter:
        """Routing of `sample_weight` and other metadata to the base and to `cv`.

        Returns
        -------
        MetadataRouter
        """
        return fit_router(self, {"estimator": self.estimator}, splitter=self.cv)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = get_tags(self.estimator).input_tags.allow_nan
        tags.input_tags.three_d_array = True
        return tags

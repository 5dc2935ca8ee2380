"""What the net classifiers share: from arrays and labels to a trained net and back.

Data flows one way: array → validated flat array → tensors → logits → labels.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted
from skorch.helper import predefined_split

from sklearn_msd.classifiers.callbacks import (
    EpochsAsTasks,
    curves_of,
    fit_callbacks,
    own_callbacks,
)
from sklearn_msd.classifiers.logit_classifier import LogitClassifierMixin
from sklearn_msd.classifiers.preparing import (
    FitOptions,
    check_same_classes,
    hold_out,
    labelled_songs,
    module_to_continue,
    net_to_continue,
    training_settings,
    training_songs,
    validation_songs,
)
from sklearn_msd.common.atomic_fits import atomic_training, forget_fit
from sklearn_msd.common.pytorch.modes import plain_torch
from sklearn_msd.common.scikit_learn.private import (
    CallbackSupportMixin,
    Interval,
    check_partial_fit_first_call,
    fit_context,
)
from sklearn_msd.nets.base import SegmentNet, count_parameters
from sklearn_msd.nets.layers import initialised
from sklearn_msd.segments.validation import check_known, sorted_classes, validate_songs
from sklearn_msd.training.batches import SongDataset
from sklearn_msd.training.fit_warnings import (
    warn_if_diverged,
    warn_if_not_converged,
    warn_of_shrinking,
    warn_of_validation_part,
)
from sklearn_msd.training.keeping.checkpoints import Checkpoint
from sklearn_msd.training.net import LogitNet
from sklearn_msd.training.parameters import TrainingParameters
from sklearn_msd.training.predicting import apply_in_chunks
from sklearn_msd.training.together.fits import train_net


@dataclass(kw_only=True, eq=False, repr=False)
class BaseSegmentClassifier(
    TrainingParameters, CallbackSupportMixin, LogitClassifierMixin, BaseEstimator
):
    """Base of the net classifiers: all of them but the net itself.

    A subclass is a dataclass of the parameters of its net and `_make_module`.
    """

    n_segment_features: int | None = None
    warm_start: bool = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TrainingParameters._parameter_constraints,
        "n_segment_features": [Interval(Integral, 1, None, closed="left"), None],
        "warm_start": ["boolean"],
    }

    def _make_module(self, n_inputs: int, n_classes: int) -> SegmentNet:
        """The net for rows of `n_inputs` numbers, not yet initialised."""
        raise NotImplementedError

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
        """Train the net.

        Ctrl-C stops the training with a KeyboardInterrupt, which also stops a search.
        If at least one step was made, the estimator is fitted all the same: with the
        weights of the best finished epoch if `early_stopping` is on, otherwise with
        those of the last step.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_segments * n_segment_features) or \
                (n_songs, n_segments, n_segment_features)
            Songs, standardised as a rule.
        y : array-like of shape (n_songs,)
            Labels of any type.
        sample_weight : array-like of shape (n_songs,), default=None
            Weight of each song in the loss.
        base_logits : array-like of shape (n_songs, n_classes), default=None
            Fixed scores to which the net's logits are added in the loss: what XGBoost
            calls `base_margin` and LightGBM `init_score`. They are not part of the
            model: predictions are the net's own logits alone.
        X_val, y_val : array-like, default=None
            Songs on which validation curves are recorded. `early_stopping`, if it is
            on, watches these songs and holds none out.
        base_logits_val : array-like of shape (n_songs_val, n_classes), default=None
            As `base_logits`, for `X_val`; with both or with neither.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For input that is not as above, and when the training diverges.
        KeyboardInterrupt
            For Ctrl-C. A callback that raises it ends the training quietly.

        Warns
        -----
        ConvergenceWarning
            If the loss exploded and the net ends no better than guessing, or
            `early_stopping` ran into `max_epochs`.
        """
        self._fit(X, y, sample_weight, base_logits, X_val, y_val, base_logits_val)
        return self

    @atomic_training
    @fit_context(prefer_skip_nested_validation=True)
    @plain_torch()
    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        base_logits: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        base_logits_val: Any = None,
        options: FitOptions = FitOptions(),  # noqa: B008 - it is frozen
    ) -> Self:
        """`fit`, as another estimator may ask for it."""
        previous = self.module_ if self.warm_start and hasattr(self, "net_") else None
        padding = (options.module or self).takes_padding
        X, y, classes = labelled_songs(self, X, y, padding)
        if previous is not None:
            check_same_classes(self, classes)
            previous = module_to_continue(self, previous, "warm_start=True")
        self.__dict__.pop("net_", None)
        self.classes_ = classes
        checkpoint = None if self.checkpoint is None else Checkpoint(self.checkpoint)
        begin = check_random_state if checkpoint is None else checkpoint.start
        self._rng = begin(self.random_state)

        train = training_songs(self, X, y, sample_weight, base_logits, options)
        valid = validation_songs(
            self, X_val, y_val, base_logits_val, padding, train, options
        )
        if held_out := self.early_stopping and valid is None:
            train, valid = hold_out(self, train)
        if valid is not None and options.warn_of_validation:
            n_held = len(train) + len(valid) if held_out else None
            warn_of_validation_part(self, valid.y, held_out_of=n_held)

        context = self._init_callback_context(max_subtasks=self.max_epochs)
        task = {"estimator": self, "X": X, "y": classes[y]}
        context.call_on_fit_task_begin(**task)
        callbacks = fit_callbacks(self, len(train), valid is not None, checkpoint)
        if hasattr(self, "_skl_callbacks"):
            callbacks["scikit_learn"] = EpochsAsTasks(context, task)

        module = previous or options.module or self._initialised_module()
        trained = module if options.compose is None else options.compose(module)
        net = self._make_net(trained, valid, callbacks, options.masks)
        if checkpoint is not None:
            checkpoint.begin(net, self, train, valid)
        self._train(net, train, self.max_epochs)
        if options.compose is not None:
            net.module_ = net.module = module
            net.initialize_optimizer()
            self.n_parameters_ = count_parameters(module)
        warn_if_diverged(self, train.loss_without_net())
        warn_if_not_converged(self)
        context.call_on_fit_task_end(**task, reconstruction_attributes={})
        return self

    @fit_context(prefer_skip_nested_validation=True)
    @plain_torch()
    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: Any = None,
        sample_weight: Any = None,
        base_logits: Any = None,
    ) -> Self:
        """Train for one more epoch, on the songs given.

        The first call initialises the net; later ones continue with its weights, also
        after `fit`, copying, pickling, saving and loading. Parameters count when they
        are set: the learning rate, the penalties, the batch size and all others, from
        the next call on. `random_state` is for the first call; `checkpoint`, early
        stopping and ``lr_schedule`` are for `fit`.

        Parameters
        ----------
        X, y, sample_weight, base_logits
            As for :meth:`fit`.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed in the first call.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For input that is not as above, for parameters with which the net would be
            of another shape, and when the training diverges, which leaves no net.
        """
        first = not hasattr(self, "net_")
        if first:  # nothing is left of a call that failed
            forget_fit(self)
        X, y = validate_songs(self, X, y, padding=self.takes_padding, reset=first)
        present = sorted_classes(y)
        check_classification_targets(y)
        if classes is not None:
            classes = sorted_classes(classes, "classes")
        check_partial_fit_first_call(self, classes)
        check_known(present, self.classes_, "y has labels that are not in `classes`")
        y = np.searchsorted(self.classes_, y)
        train = training_songs(self, X, y, sample_weight, base_logits, FitOptions())
        if first:
            self._rng = check_random_state(self.random_state)
            net = self._make_net(None)
        else:
            net = net_to_continue(self)
        try:
            self._train(net, train, epochs=1)
        except BaseException:
            if not net.has_finite_weights:
                forget_fit(self)
            raise
        return self

    def hidden_representation(self, X: Any) -> np.ndarray:
        """Activations of the last hidden layer: an embedding of each song.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_features_in_), or 3-D

        Returns
        -------
        ndarray of shape (n_songs, n_units)
        """
        return self._apply("representation", X)

    @property
    def module_(self) -> SegmentNet:
        """The trained PyTorch module."""
        module: SegmentNet = self.net_.module_
        return module

    def _logits(self, X: Any) -> np.ndarray:
        """Logits, of shape (n_songs, n_classes)."""
        logits = self._apply("forward", X)
        finite = np.isfinite(logits).all(axis=1, keepdims=True)
        if not finite.all():
            logits = np.where(finite, logits, self._of_huge_songs(X, logits.dtype))
        return logits

    def _of_huge_songs(self, X: Any, dtype: np.dtype[Any]) -> np.ndarray:
        """Logits of songs whose sums overflow; less the largest, to fit `dtype`."""
        X = validate_songs(self, X, padding=self.module_.takes_padding, reset=False)
        with plain_torch():
            module = copy.deepcopy(self.module_).double().eval()
        logits = apply_in_chunks(module, X, torch.float64, self.net_.device)
        logits = logits - logits.max(axis=1, keepdims=True)
        if np.isnan(logits).any():
            raise ValueError(
                f"{type(self).__name__} finds no finite logits for some songs: values "
                "in X are too large even for float64, or weights are not finite."
            )
        # Half, so that a sum with a correction, or a difference, still is finite.
        return np.asarray(logits.clip(np.finfo(dtype).min / 2), dtype)

    def _apply(self, method: str, X: Any) -> np.ndarray:
        check_is_fitted(self, "net_")
        X = validate_songs(self, X, padding=self.module_.takes_padding, reset=False)
        net, function = self.net_, getattr(self.module_.eval(), method)
        return apply_in_chunks(function, X, net.dtype, net.device)

    @property
    def takes_padding(self) -> bool:
        """Whether songs may end in segments of NaN."""
        return False

    @property
    def _crop(self) -> tuple[int, int] | None:
        """Segments of a training crop and features of a segment; None: whole songs."""
        return None

    def _initialised_module(self) -> SegmentNet:
        """A net, initialised by the fit's generator."""
        generator = torch.Generator().manual_seed(int(self._rng.randint(2**31)))
        shape = self.n_features_in_, len(self.classes_)
        module = initialised(lambda: self._make_module(*shape), generator)
        warn_of_shrinking(module)
        return module

    def _make_net(
        self,
        module: SegmentNet | None,
        valid: SongDataset | None = None,
        fit_callbacks: Mapping[str, Any] | None = None,
        masks: Mapping[str, Any] | None = None,
        callbacks: Sequence[Any] | None = None,
    ) -> LogitNet:
        """A net that is ready to train `module`, or one newly initialised."""
        if module is None:
            module = self._initialised_module()
        if any(parameter.is_inference() for parameter in module.parameters()):
            module = copy.deepcopy(module)  # it was copied in PyTorch's inference mode
        settings = training_settings(self)
        del settings["net"]
        dtype, device = getattr(torch, settings.pop("dtype")), settings["device"]
        if masks is not None:
            masks = {n: torch.as_tensor(m, device=device) for n, m in masks.items()}
        net = LogitNet(
            module.to(dtype),
            classes=np.arange(len(self.classes_)),
            masks=masks,
            rng=self._rng,
            crop=self._crop,
            dtype=dtype,
            train_split=None if valid is None else predefined_split(valid),
            callbacks=own_callbacks(self) if callbacks is None else list(callbacks),
            fit_callbacks=fit_callbacks,
            **settings,
        )
        net.initialize()
        return net

    def _train(self, net: LogitNet, dataset: SongDataset, epochs: int) -> None:
        try:
            train_net(net, dataset, epochs)
        finally:
            net.module_.eval()
            net.drop_unfinished_epoch()
        interrupt, net.interrupt_ = net.interrupt_, None
        if interrupt is not None and not net.optimizer_.state:
            raise interrupt  # before the first step: there is nothing to keep
        # What follows is not of this fit: `partial_fit` validates nothing, and knows
        # no end that a rate could fall to.
        if "one_cycle" in net.fit_callbacks:
            net.initialize_optimizer()
        net.train_split, net.fit_callbacks = None, {}
        self.net_, self._settings = net, training_settings(self)
        self.__dict__.update(curves_of(net))
        self.n_parameters_ = count_parameters(self.module_)
        if interrupt is not None:
            raise interrupt

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a trained net: a fit that failed leaves none."""
        return "net_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        # allow_nan stays False: NaN pads the end of a song and stands for nothing else.
        return tags

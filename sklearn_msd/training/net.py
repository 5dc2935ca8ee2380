"""The one skorch net: loss, penalties, masks.

A net is trained on the mean cross-entropy of ``softmax(net(x) + base_logits)``, where
the base logits, fixed for each song, are what a correcting model adds to (equation 3 of
the report). Penalties act on the gradients: ½·l2·Σw² as the optimiser's weight decay,
which costs nothing in the loop, and l1·Σ|w| as its sign. So the losses in the history
are cross-entropies, and the penalty is logged beside them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, PrintLog
from skorch.utils import TeeGenerator
from torch import Tensor, nn

from sklearn_msd.common.pytorch.modes import plain_torch
from sklearn_msd.nets.base import SegmentNet, layer_weights
from sklearn_msd.nets.layers import noise_from
from sklearn_msd.training.batches import (
    BatchIterator,
    SongDataset,
    as_songs,
)
from sklearn_msd.training.endings.here import here
from sklearn_msd.training.endings.interrupts import NotedInterrupts
from sklearn_msd.training.predicting import chunk_size


class LogitNet(NeuralNetClassifier):
    """The skorch net: loss on the sum of logits and base logits, penalties and masks.

    Parameters
    ----------
    module : SegmentNet
        An initialised net; it is trained in place.
    l2, l1 : float
        Strengths of ½·l2·Σw² and l1·Σ|w|.
    l2_layers, l1_layers : sequence of str
        The layers whose weights, never their biases, are penalised.
    masks : mapping of parameter name to bool Tensor, default=None
        Weights where a mask is False are set to zero and stay there.
    rng : RandomState, default=None
        Shuffles the batches, and decides what is dropped out and where crops start.
    shuffle : {"full", "blocks"}
        How batches are shuffled.
    crop : (int, int), default=None
        Segments of the crop of a song to train on, and features of a segment; None
        trains on whole songs.
    dtype : torch.dtype
    fit_callbacks : mapping of str to Callback, default=None
        Those of a fit itself, beside `callbacks`, which are the user's. They have no
        names there that a user's might have too.
    **kwargs
        As for :class:`skorch.NeuralNetClassifier`.
    """

    def __init__(
        self,
        module: SegmentNet,
        *,
        l2: float = 0.0,
        l2_layers: Sequence[str] = (),
        l1: float = 0.0,
        l1_layers: Sequence[str] = (),
        masks: Mapping[str, Tensor] | None = None,
        rng: np.random.RandomState | None = None,
        shuffle: str = "full",
        crop: tuple[int, int] | None = None,
        dtype: torch.dtype = torch.float32,
        fit_callbacks: Mapping[str, Callback] | None = None,
        criterion: Any = nn.CrossEntropyLoss,
        optimizer: Any = torch.optim.Adam,
        train_split: Any = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("criterion__reduction", "none")
        super().__init__(
            module,
            criterion=criterion,
            optimizer=optimizer,
            train_split=train_split,
            **kwargs,
        )
        self.l2, self.l2_layers = l2, l2_layers
        self.l1, self.l1_layers = l1, l1_layers
        self.masks, self.rng, self.dtype = masks, rng, dtype
        self.shuffle, self.crop = shuffle, crop
        self.fit_callbacks: Mapping[str, Any] = fit_callbacks or {}
        # By skorch's name for it, where its callbacks look it up.
        valid_size = max(self.batch_size, chunk_size(self.device))
        self.iterator_valid__batch_size = kwargs.get(
            "iterator_valid__batch_size", valid_size
        )

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        callbacks = dict(super()._default_callbacks)
        return list((callbacks | {"print_log": _QuietPrintLog()}).items())

    def initialize_callbacks(self) -> LogitNet:
        """Initialise skorch's and the user's callbacks, and the fit's own."""
        super().initialize_callbacks()
        for callback in self.fit_callbacks.values():
            callback.initialize()
        return self

    def initialize_module(self) -> LogitNet:
        """Take the module as it is, with the masked weights at zero."""
        super().initialize_module()
        if self.masks is not None:
            with torch.no_grad():
                for name, mask in self.masks.items():
                    parameter = self.module_.get_parameter(name)
                    parameter.mul_(mask.to(parameter.device))  # not there yet
        return self

    def initialize_optimizer(self, triggered_directly: Any = None) -> LogitNet:
        """Adam with the L2 penalty as weight decay on the penalised weights."""
        decayed = layer_weights(self.module_, self.l2_layers)
        others = [p for n, p in self.module_.named_parameters() if n not in decayed]
        groups: list[dict[str, Any]] = [
            {"params": list(decayed.values()), "weight_decay": self.l2},
            {"params": others},
        ]
        kwargs = self.get_params_for("optimizer")
        if self.optimizer is torch.optim.Adam:
            kwargs.setdefault("fused", True)
        self.optimizer_ = self.optimizer(
            [group for group in groups if group["params"]], lr=self.lr, **kwargs
        )
        return self

    def get_dataset(self, X: Any, y: Any = None) -> SongDataset:
        """Wrap arrays and data sets, from which callbacks may predict."""
        return as_songs(X, y, self.dtype, self.device)

    def check_data(self, X: Any, y: Any = None) -> None:
        """Nothing: estimators have checked their songs, which may be on a disk."""

    def get_iterator(self, dataset: SongDataset, training: bool = False) -> Any:
        """Shuffled batches for training, larger ones in order otherwise."""
        if training:
            return BatchIterator(
                dataset, self.batch_size, self.rng, self.shuffle, self.crop
            )
        size = self.get_params_for("iterator_valid")["batch_size"]
        return BatchIterator(dataset, size)

    def evaluation_step(self, batch: Any, training: bool = False) -> Any:
        """Logits of a batch, in whatever modes PyTorch was set to."""
        with plain_torch():
            return super().evaluation_step(batch, training=training)

    def train_step(self, batch: Any, **fit_params: Any) -> Any:
        """Skorch's step without a closure, which Adam has no use for."""
        self._zero_grad_optimizer()
        step = self.train_step_single(batch, **fit_params)
        named_parameters = TeeGenerator(self.get_all_learnable_params())
        self.notify(
            "on_grad_computed",
            named_parameters=named_parameters,
            batch=batch,
            training=True,
        )
        self._step_optimizer(None)
        return step

    def train_step_single(self, batch: Any, **fit_params: Any) -> Any:
        """One step, in which the net's own generator decides what is dropped out."""
        with noise_from(self.module_, self.rng):
            return super().train_step_single(batch, **fit_params)

    def infer(self, x: dict[str, Tensor], **fit_params: Any) -> Tensor:
        """Logits plus base logits, where there are any: softmax(base + correction)."""
        logits: Tensor = self.module_(x["x"])
        if "base_logits" in x:
            logits = self.module_.add_base_logits(logits, x["base_logits"])
        return logits

    def get_loss(
        self, y_pred: Tensor, y_true: Tensor, X: Any = None, training: bool = False
    ) -> Tensor:
        """Mean cross-entropy, each song counting with its weight.

        A module may return, beside the logits, what each song adds to its loss. Without
        `X`, as skorch's `loss_scoring` calls it, the loss of each song.
        """
        if isinstance(y_pred, tuple):
            logits, extra = y_pred
            losses: Tensor = self.criterion_(logits, y_true) + extra
        else:
            losses = self.criterion_(y_pred, y_true)
        if X is None:
            return losses
        if "weight" in X:
            losses = losses * X["weight"]
        return losses.mean()

    def on_grad_computed(self, net: Any, named_parameters: Any, **kwargs: Any) -> None:
        """Add the L1 penalty's gradient, and hold masked weights where they are."""
        if self.l1 > 0:
            for weight in layer_weights(self.module_, self.l1_layers).values():
                if weight.grad is not None:
                    weight.grad.add_(weight.detach().sign(), alpha=self.l1)
        if self.masks is not None:
            for name, mask in self.masks.items():
                grad = self.module_.get_parameter(name).grad
                if grad is not None:
                    grad.mul_(mask)

    def partial_fit(
        self, X: Any, y: Any = None, classes: Any = None, **kwargs: Any
    ) -> LogitNet:
        """Train until the end or until a callback ends it; keep Ctrl-C for the fit."""
        if not self.initialized_:
            self.initialize()
        self.interrupt_: BaseException | None = None
        kwargs.setdefault("_routing_method", "partial_fit")
        self.notify("on_train_begin", X=X, y=y)
        for callback in self.fit_callbacks.values():
            if hasattr(callback, "resume"):  # from where an earlier training was
                kwargs["epochs"] = callback.resume(self, kwargs.get("epochs"))
        with NotedInterrupts() as noted:
            try:
                self.fit_loop(X, y, **kwargs)
            except KeyboardInterrupt as error:
                if noted.caused(error):
                    self.interrupt_ = error
        self.notify("on_train_end", X=X, y=y)
        return self

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Call a method of skorch's and the user's callbacks, and of the fit's own.

        The fit's own come last, so that a history is complete when they read it, and
        they see each finished epoch, also the one at whose end a callback ends the
        training. At the end of the training they come first: what the user's callbacks
        save is then the net that the fit returns.
        """
        own = list(self.fit_callbacks.values())
        if method_name == "on_train_end":
            for callback in own if self.history else []:
                callback.on_train_end(self, **kwargs)
            own = []
        stop = None
        try:
            getattr(self, method_name)(self, **kwargs)
            for _, callback in self.callbacks_:
                if callback is not None:  # switched off by `set_params`
                    getattr(callback, method_name)(self, **kwargs)
        except KeyboardInterrupt as error:
            if method_name != "on_epoch_end" or not self.epoch_is_finished:
                raise
            stop = error
        for callback in own:
            try:
                getattr(callback, method_name)(self, **kwargs)
            except KeyboardInterrupt as error:
                stop = stop or error
        if stop is not None:
            raise stop

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **kwargs: Any
    ) -> None:
        """One pass over the songs; a ValueError if weights or loss end up not finite.

        The last batch tells: a loss that is not finite makes weights that are not, and
        these make all later losses so.
        """
        if iterator is None:
            return
        seat = here.seat
        together = training and seat is not None and seat.net is self
        if not (together and seat.train_epoch(iterator, prefix)):
            super().run_single_epoch(iterator, training, prefix, step_fn, **kwargs)
        losses = self.history[-1, "batches", :, f"{prefix}_loss"]
        if not training and not np.isfinite(losses).all():
            raise ValueError(
                f"The validation loss is {np.sum(losses)} in epoch "
                f"{len(self.history)}: values in X_val or base_logits_val are too "
                f"large to compute with in {self.dtype}."
            )
        if training and not (math.isfinite(losses[-1]) and self.has_finite_weights):
            raise ValueError(
                f"The training diverged: the loss is {losses[-1]} in epoch "
                f"{len(self.history)}, or a weight is not finite after it. Standardise "
                f"X or lower learning_rate, which is {self.lr}."
            )

    @property
    def has_finite_weights(self) -> bool:
        """Whether all parameters are finite, by their sums: in one pass, no copy."""
        with torch.no_grad():
            return all(math.isfinite(p.sum()) for p in self.module_.parameters())

    @property
    def epoch_is_finished(self) -> bool:
        """Whether the last epoch has all of its losses."""
        logged = {"penalty", "train_loss"}
        last = self.history[-1] if self.history else {}
        if "valid_batch_count" in last:
            logged |= {"valid_loss", "valid_acc"}
        return logged.issubset(last)

    def drop_unfinished_epoch(self) -> None:
        """Forget the losses of an epoch that was cut short; its steps stay."""
        if self.history and not self.epoch_is_finished:
            del self.history[-1]

    def on_batch_begin(self, net: Any, **kwargs: Any) -> None:
        """End a training that nobody waits for any more."""
        here.check()
        super().on_batch_begin(net, **kwargs)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Log the penalty beside the losses."""
        self.history.record("penalty", self.penalty())

    def penalty(self) -> float:
        """½·l2·Σw² + l1·Σ|w| at the present weights."""
        total = 0.0
        with torch.no_grad():
            for weight in layer_weights(self.module_, self.l2_layers).values():
                total += 0.5 * self.l2 * float(weight.square().sum())
            for weight in layer_weights(self.module_, self.l1_layers).values():
                total += self.l1 * float(weight.abs().sum())
        return total

    @property
    def can_train(self) -> bool:
        """Whether it can go on at once: callbacks are not pickled."""
        return bool(self.callbacks_) and self.optimizer_ is not None

    def forget_data(self) -> None:
        """Drop the songs, and the callbacks, which may hold anything of a fit."""
        self.callbacks = None
        self.callbacks_: list[tuple[str, Any]] = []
        self.fit_callbacks = {}
        self.train_split = None
        self.rng = None

    def forget_training(self) -> None:
        """Drop all that only a training needs: data and optimiser. History stays.

        Adam keeps two numbers for each weight: a model file is then a third of the
        size, and a pickle, which has the weights twice, half of it. A training that
        goes on begins Adam anew.
        """
        self.forget_data()
        self.optimizer_ = None

    def __getstate__(self) -> dict[str, Any]:
        """The state without callbacks and the data they hold; the optimiser stays."""
        light = object.__new__(type(self))
        light.__dict__.update(self.__dict__)
        light.forget_data()
        state: dict[str, Any] = NeuralNetClassifier.__getstate__(light)
        return state


class _QuietPrintLog(PrintLog):
    """skorch's table of losses, which is not even laid out where nobody sees it."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Print a line, where the net is to say anything."""
        if net.verbose:
            super().on_epoch_end(net, **kwargs)

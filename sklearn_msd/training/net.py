"""Training: the one skorch net, its data and its batches.

A net is trained on the mean cross-entropy of ``softmax(net(x) + offset)``, where the
offset, fixed logits for each song, is what a correcting model adds to (equation 3 of
the report). Penalties act on the gradients: ½·l2·Σw² as the optimiser's weight decay,
which costs nothing in the loop, and l1·Σ|w| as its sign. So the losses in the history
are cross-entropies, and the penalty is logged beside them.
"""

from __future__ import annotations

import copy
import dis
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from torch import Tensor, nn
from torch.utils.data import Dataset

import sklearn_msd.training.forks  # noqa: F401 - for its effect
from sklearn_msd.nets.conv_net import SegmentNet, layer_weights
from sklearn_msd.segments.mapped_songs import on_disk

# Songs in a chunk of a prediction: large enough for the matrix products to run at full
# speed, small enough to keep memory flat.
PREDICTION_CHUNK = 128

# Songs in a block of `shuffle="blocks"`: 0.8 MB of the report's songs in float16, which
# a disk reads at its full speed. And songs held to be shuffled among each other.
BLOCK = 128
BUFFER = 2048

Batch = tuple[dict[str, Tensor], Tensor]


class SongDataset(Dataset[Batch]):
    """Songs with what the loss needs of them, read by arrays of row numbers.

    Nothing is copied or converted before a batch is asked for, so a memory map is read
    batch by batch.

    Parameters
    ----------
    X : ndarray or MappedSongs of shape (n_songs, n_segments * n_segment_features)
    y : ndarray of shape (n_songs,), default=None
        Class indices; zeros if None, for predicting.
    weight : ndarray of shape (n_songs,), default=None
    offset : ndarray of shape (n_songs, n_classes), default=None
    rows : ndarray of int, default=None
        The rows of the arrays that belong to this data set; all if None.
    dtype : torch.dtype
    device : torch.device or str
    """

    def __init__(
        self,
        X: Any,
        y: Any = None,
        *,
        weight: Any = None,
        offset: Any = None,
        rows: Any = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.dtype, self.device = dtype, torch.device(device)
        self.rows = np.arange(len(X)) if rows is None else rows
        self.X = X
        if self.device.type != "cpu" and not on_disk(X):
            # Held there once; batches are then gathered without a transfer.
            self.X = torch.from_numpy(np.ascontiguousarray(X)).to(self.device)
        self.y = np.zeros(len(X), dtype=np.int64) if y is None else y
        self.extras = {
            name: torch.as_tensor(values, dtype=dtype, device=self.device)
            for name, values in (("weight", weight), ("offset", offset))
            if values is not None
        }
        self._targets = torch.as_tensor(self.y, dtype=torch.int64, device=self.device)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Batch:
        rows = self.rows[index]
        inputs = self.X[rows]
        if not isinstance(inputs, Tensor):
            inputs = torch.from_numpy(np.asarray(inputs))
        batch = {"x": inputs.to(self.device, self.dtype)}
        batch |= {name: values[rows] for name, values in self.extras.items()}
        return batch, self._targets[rows]

    def subset(self, rows: np.ndarray) -> SongDataset:
        """The same songs without a copy, as far as they are in ``rows``."""
        part = copy.copy(self)
        part.rows = self.rows[rows]
        return part

    def loss_without_net(self) -> float:
        """The loss of the offset alone; without one, of the shares of the classes.

        Of the predictions that are the same for all songs, the shares have the lowest.
        """
        y = self._targets[self.rows]
        ones = torch.ones_like(self._targets, dtype=self.dtype)
        weight = self.extras.get("weight", ones)[self.rows]
        if "offset" in self.extras:
            offset = self.extras["offset"][self.rows]
            losses = nn.functional.cross_entropy(offset, y, reduction="none")
            return float((losses * weight).mean())
        by_class = torch.bincount(y, weight)
        shares = by_class / by_class.sum()
        return float(torch.special.entr(shares).sum() * weight.mean())

    def in_memory(self) -> SongDataset:
        """The same songs; those on disk are read, in the order of their rows."""
        if not on_disk(self.X):
            return self
        part = copy.copy(self)
        part.rows = np.arange(len(self))
        part.X, part.y = np.asarray(self.X[self.rows]), self.y[self.rows]
        part._targets = self._targets[self.rows]
        part.extras = {name: v[self.rows] for name, v in self.extras.items()}
        return part


class BatchIterator:
    """Batches of a :class:`SongDataset`: whole slices, no collation of single songs.

    Parameters
    ----------
    dataset : SongDataset
    batch_size : int
    rng : RandomState, default=None
        Shuffles the songs anew in each pass; None keeps their order.
    shuffle : {"full", "blocks"}, default="full"
        How: `TrainingParameters` explains.
    """

    def __init__(
        self,
        dataset: SongDataset,
        batch_size: int,
        rng: np.random.RandomState | None = None,
        shuffle: str = "full",
    ) -> None:
        self.dataset, self.batch_size = dataset, batch_size
        self.rng, self.shuffle = rng, shuffle

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        n = len(self.dataset)
        if self.rng is None:
            yield from self._batches(self.dataset, np.arange(n))
        elif self.shuffle == "full":
            yield from self._batches(self.dataset, self.rng.permutation(n))
        else:
            yield from self._from_blocks(self.rng)

    def _from_blocks(self, rng: np.random.RandomState) -> Iterator[Batch]:
        # Where the songs lie does not change their order, only how they are read.
        by_row = np.argsort(self.dataset.rows)
        blocks = by_row[_blocks_in_random_order(len(by_row), rng)]
        # Whole batches, so that each pass has as many as one of the whole data set.
        n_buffered = -(-BUFFER // self.batch_size) * self.batch_size
        for start in range(0, len(blocks), n_buffered):
            buffer = blocks[start : start + n_buffered]
            buffer = buffer[np.argsort(self.dataset.rows[buffer])]
            songs = self.dataset.subset(buffer).in_memory()
            yield from self._batches(songs, rng.permutation(len(songs)))

    def _batches(self, dataset: SongDataset, order: np.ndarray) -> Iterator[Batch]:
        for start in range(0, len(order), self.batch_size):
            yield dataset[order[start : start + self.batch_size]]


def _blocks_in_random_order(n: int, rng: np.random.RandomState) -> np.ndarray:
    """0 to n - 1: blocks of consecutive numbers, the blocks in random order."""
    starts = rng.permutation(-(-n // BLOCK)) * BLOCK
    order = (starts[:, None] + np.arange(BLOCK)).ravel()
    return np.asarray(order[order < n])


class LogitNet(NeuralNetClassifier):
    """The skorch net: loss on logits plus offset, penalties and masks.

    Parameters
    ----------
    module : SegmentNet
        A net with its parameters drawn; it is trained in place.
    l2, l1 : float
        Strengths of ½·l2·Σw² and l1·Σ|w|.
    l2_layers, l1_layers : sequence of str
        The layers whose weights, never their biases, are penalised.
    masks : mapping of parameter name to bool Tensor, default=None
        Weights where a mask is False are set to zero and stay there.
    rng : RandomState, default=None
        Shuffles the batches.
    shuffle : {"full", "blocks"}
        How.
    dtype : torch.dtype
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
        dtype: torch.dtype = torch.float32,
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
        self.shuffle = shuffle

    def initialize_module(self) -> LogitNet:
        """Take the module as it is, with the masked weights at zero."""
        super().initialize_module()
        if self.masks is not None:
            with torch.no_grad():
                for name, mask in self.masks.items():
                    self.module_.get_parameter(name).mul_(mask)
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
        """Wrap arrays; skorch's own callbacks may predict from them."""
        if isinstance(X, SongDataset):
            return X
        return SongDataset(X, y, dtype=self.dtype, device=self.device)

    def get_iterator(self, dataset: SongDataset, training: bool = False) -> Any:
        """Shuffled batches for training, larger ones in order otherwise."""
        if training:
            return BatchIterator(dataset, self.batch_size, self.rng, self.shuffle)
        return BatchIterator(dataset, max(self.batch_size, PREDICTION_CHUNK))

    def infer(self, x: dict[str, Tensor], **fit_params: Any) -> Tensor:
        """Logits plus the offset, where there is one: softmax(base + correction)."""
        logits: Tensor = self.module_(x["x"])
        if "offset" in x:
            logits = self.module_.add_offset(logits, x["offset"])
        return logits

    def get_loss(
        self, y_pred: Tensor, y_true: Tensor, X: Any = None, training: bool = False
    ) -> Tensor:
        """Mean cross-entropy, each song counting with its weight.

        A module may return, beside the logits, what each song adds to its loss.
        """
        if isinstance(y_pred, tuple):
            logits, extra = y_pred
            losses: Tensor = self.criterion_(logits, y_true) + extra
        else:
            losses = self.criterion_(y_pred, y_true)
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

    def fit_loop(self, X: Any, y: Any = None, epochs: Any = None, **kwargs: Any) -> Any:
        """Train until the end or until a callback ends it; keep who pressed Ctrl-C."""
        self.interrupt_: BaseException | None = None
        for _, callback in self.callbacks_:
            if hasattr(callback, "resume"):  # from where an earlier training was
                epochs = callback.resume(self, epochs)
        try:
            return super().fit_loop(X, y, epochs, **kwargs)
        except KeyboardInterrupt as error:  # skorch takes it for an end of the training
            if not _raised_by_a_statement(error):
                self.interrupt_ = error
            raise

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **kwargs: Any
    ) -> None:
        """One pass; raises a ValueError after one that made weights or loss no number.

        One batch is enough to ask: a loss that is no number makes weights that are
        none, and they make all later losses such.
        """
        super().run_single_epoch(iterator, training, prefix, step_fn, **kwargs)
        if iterator is None:
            return
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
                f"{len(self.history)}, or a weight is no number after it. Standardise "
                f"X or lower learning_rate, which is {self.lr}."
            )

    @property
    def has_finite_weights(self) -> bool:
        """Whether all parameters are finite, by their sums: in one pass, no copy."""
        with torch.no_grad():
            return all(math.isfinite(p.sum()) for p in self.module_.parameters())

    def drop_unfinished_epoch(self) -> None:
        """Forget the losses of an epoch that was cut short; its steps stay."""
        logged = {"penalty", "train_loss"}
        if self.history and "valid_batch_count" in self.history[-1]:
            logged |= {"valid_loss", "valid_acc"}
        if self.history and not logged.issubset(self.history[-1]):
            del self.history[-1]

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
        """Whether the optimiser is there: it is not pickled."""
        return getattr(self, "optimizer_", None) is not None

    def forget_training(self) -> None:
        """Drop what only a fit needs: data, optimiser, callbacks. History stays."""
        self.optimizer_ = None
        self.callbacks = None
        self.callbacks_: list[tuple[str, Any]] = []
        self.train_split = None
        self.rng = None

    def __getstate__(self) -> dict[str, Any]:
        """The state without the optimiser, the callbacks and the data they hold."""
        light = object.__new__(type(self))
        light.__dict__.update(self.__dict__)
        light.forget_training()
        state: dict[str, Any] = NeuralNetClassifier.__getstate__(light)
        return state


def _raised_by_a_statement(error: BaseException) -> bool:
    """Whether a KeyboardInterrupt is a callback's, and not of Ctrl-C.

    A callback ends a training with ``raise KeyboardInterrupt``; the signal handler
    throws it in at whatever instruction is next.
    """
    origin = error.__traceback__
    while origin is not None and origin.tb_next is not None:
        origin = origin.tb_next
    if origin is None:
        return False
    instruction = origin.tb_frame.f_code.co_code[origin.tb_lasti]
    return dis.opname[instruction] == "RAISE_VARARGS"


def apply_in_chunks(
    function: Any, X: Any, dtype: torch.dtype, device: torch.device | str
) -> np.ndarray:
    """``function`` of the songs, chunk by chunk and without gradients.

    Parameters
    ----------
    function : callable
        From a Tensor of songs to a Tensor with as many rows.
    X : ndarray of shape (n_songs, n_segments * n_segment_features)
    dtype : torch.dtype
    device : torch.device or str

    Returns
    -------
    ndarray of shape (n_songs, n_outputs)
    """
    out = np.empty(0)
    with torch.inference_mode():
        for start in range(0, len(X), PREDICTION_CHUNK):
            chunk = np.ascontiguousarray(X[start : start + PREDICTION_CHUNK])
            songs = _from_numpy(chunk).to(device, dtype)
            part = function(songs).cpu().numpy()
            if start == 0:
                # One array for all: small ones kept from each chunk would lie between
                # the large ones of the net, whose memory then could not be used again.
                out = np.empty((len(X), part.shape[1]), part.dtype)
            out[start : start + len(part)] = part
    return out


def _from_numpy(array: np.ndarray) -> Tensor:
    # PyTorch warns of tensors over read-only memory, which a memory map may be.
    return torch.from_numpy(array if array.flags.writeable else array.copy())

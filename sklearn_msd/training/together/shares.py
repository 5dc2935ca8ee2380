"""One net's share of a stack's epoch: which songs in which order, at which rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from skorch.callbacks import Callback, LRScheduler

from sklearn_msd.training.batches import BatchIterator, SongDataset


@dataclass(frozen=True)
class Share:
    """What one net does in an epoch.

    Attributes
    ----------
    songs : SongDataset
    rows : ndarray of int of shape (n_songs,)
        Rows of the arrays of `songs`, batch after batch.
    batch_size : int
        Songs in each batch but the last.
    rates : ndarray of shape (4, n_batches)
        For each batch, what Adam needs to know: see :func:`adam_rates`.
    """

    songs: SongDataset
    rows: np.ndarray
    batch_size: int
    rates: np.ndarray

    @property
    def n_batches(self) -> int:
        """Number of steps."""
        return int(self.rates.shape[1])

    def sizes(self) -> np.ndarray:
        """Songs in each batch."""
        sizes = np.full(self.n_batches, self.batch_size)
        sizes[-1] = len(self.rows) - self.batch_size * (self.n_batches - 1)
        return sizes


def take_share(net: Any, iterator: BatchIterator) -> Share:
    """The share of an epoch that `net` now begins.

    Its generator and its schedules of the learning rate move on as in the epoch, and
    the history has an entry for each batch.

    Parameters
    ----------
    net : LogitNet
    iterator : BatchIterator
        Of its training songs.
    """
    order = iterator.order()
    songs = iterator.dataset
    return Share(
        songs,
        songs.rows[order],
        min(iterator.batch_size, len(order)),
        adam_rates(net, len(iterator)),
    )


def remembered(net: Any) -> Callable[[], None]:
    """What puts a net back to where it is now, before :func:`take_share`."""
    generator = None if net.rng is None else net.rng.get_state()
    groups = [
        {name: group[name] for name in ("lr", "betas")}
        for group in net.optimizer_.param_groups
    ]
    schedules = [
        (schedule, schedule.lr_scheduler_.state_dict(), schedule.batch_idx_)
        for schedule in batch_schedules(net)
    ]

    def put_back() -> None:
        if generator is not None:
            net.rng.set_state(generator)
        for group, kept in zip(net.optimizer_.param_groups, groups, strict=True):
            group.update(kept)
        for schedule, state, batch_idx in schedules:
            schedule.lr_scheduler_.load_state_dict(state)
            schedule.batch_idx_ = batch_idx
        net.history[-1]["batches"].clear()

    return put_back


def record_losses(net: Any, share: Share, losses: Sequence[float], prefix: str) -> None:
    """Put the losses of an epoch into the history, as skorch does batch by batch."""
    entries = net.history[-1]["batches"]
    for entry, loss, size in zip(entries, losses, share.sizes(), strict=True):
        entry[f"{prefix}_loss"] = loss
        entry[f"{prefix}_batch_size"] = int(size)
    net.history.record(f"{prefix}_batch_count", share.n_batches)


def adam_rates(net: Any, n_batches: int) -> np.ndarray:
    r"""What Adam needs to know in each batch of the epoch that begins.

    Adam's mean of the gradients, ``m``, and of their squares, ``v``, are
    ``m += a * (g - m)`` and ``v += b * (g ** 2 - v)``, and a step is
    ``w -= s * m / (sqrt(v) / r + eps)``.

    Returns
    -------
    ndarray of shape (4, n_batches)
        Rows ``a``, ``b``, ``s`` and ``r``: :math:`1 - \beta_1`, :math:`1 - \beta_2`,
        :math:`\eta / (1 - \beta_1^t)` and :math:`\sqrt{1 - \beta_2^t}`.
    """
    optimizer = net.optimizer_
    schedules = batch_schedules(net)
    # Steps come in their order, which PyTorch's schedules would else doubt.
    optimizer._opt_called = True
    rates, betas = np.empty(n_batches), np.empty((2, n_batches))
    for i in range(n_batches):
        rates[i] = optimizer.param_groups[0]["lr"]
        betas[:, i] = optimizer.param_groups[0]["betas"]
        net.history.new_batch()
        for schedule in schedules:
            schedule.on_batch_end(net, training=True)
    steps = steps_taken(net) + np.arange(1, n_batches + 1)
    corrections = 1 - betas**steps
    return np.stack([*(1 - betas), rates / corrections[0], np.sqrt(corrections[1])])


def batch_schedules(net: Any) -> list[LRScheduler]:
    """Callbacks that change the learning rate after each batch."""
    return [
        callback
        for callback in all_callbacks(net)
        if type(callback) is LRScheduler and callback.step_every == "batch"
    ]


def all_callbacks(net: Any) -> list[Callback]:
    """skorch's, the user's, and those of the fit itself."""
    given = [callback for _, callback in net.callbacks_ if callback is not None]
    return given + list(net.fit_callbacks.values())


def steps_taken(net: Any) -> int:
    """Steps of the net's optimiser so far."""
    for state in net.optimizer_.state.values():
        return int(state["step"])
    return 0

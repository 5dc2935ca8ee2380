"""A stack of nets whose fits run in threads of their own.

Each fit is skorch's own loop over epochs, in its own thread: callbacks, validation,
early stopping, history and errors are those of any other fit. Only the training's pass
over the songs is another. The threads wait there for each other; the last one to come
lets the stack run an epoch of all nets, and each goes on with its own net.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import torch

from sklearn_msd.training.batches import BatchIterator
from sklearn_msd.training.endings.here import Cancelled, here
from sklearn_msd.training.together.shares import (
    Share,
    record_losses,
    remembered,
    take_share,
)
from sklearn_msd.training.together.tensors import StackTensors


class Seat:
    """A net's place in a stack, for the time of its fit: a context.

    Parameters
    ----------
    net : LogitNet
    songs : SongDataset
        Its training songs.
    task : Task or None
        Of the parallel loop that the fit belongs to.

    Attributes
    ----------
    stack : Stack or None
    share : Share or None
        What it now waits for.
    losses : list of float
        Of the batches of the last epoch.
    """

    def __init__(self, net: Any, songs: Any, task: Any = None) -> None:
        self.net, self.songs, self.task = net, songs, task
        self.stack: Stack | None = None
        self.share: Share | None = None
        self.losses: list[float] = []

    def __enter__(self) -> Seat:
        self._outer, here.seat = here.seat, self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        here.seat = self._outer
        if self.stack is not None:
            self.stack.leave(self)

    def train_epoch(self, iterator: BatchIterator, prefix: str) -> bool:
        """Train the net for an epoch with the others; False if it has to do so alone.

        Parameters
        ----------
        iterator : BatchIterator
            Of its training songs.
        prefix : str
            Of the names in the history.
        """
        if self.stack is None:
            return False
        put_back = remembered(self.net)
        share = take_share(self.net, iterator)
        try:
            losses = self.stack.run_epoch(self, share)
        except _CannotRun as error:
            warnings.warn(
                "Nets that could be trained together are trained one by one, as that "
                f"failed: {error.__cause__!r}",
                UserWarning,
                stacklevel=2,
            )
            self.stack.leave(self)
            put_back()
            return False
        record_losses(self.net, share, losses, prefix)
        return True


class Stack:
    """Nets of one shape, which train an epoch when the fits of all have come to it.

    A net that stops early leaves, and its row waits; when half have left, the others
    move into a smaller stack. What does not fit into the device's memory is halved.

    Parameters
    ----------
    seats : sequence of Seat
    changed : Condition, default=None
        Guards the stack, and wakes those that wait.
    room : Meeting, default=None
        Says whose turn it is; None for a stack by itself.
    """

    def __init__(
        self,
        seats: Sequence[Seat],
        changed: threading.Condition | None = None,
        room: Any = None,
    ) -> None:
        # Those with the same array of songs next to each other.
        arrays = list({id(seat.songs.held): None for seat in seats})
        self.seats = sorted(seats, key=lambda seat: arrays.index(id(seat.songs.held)))
        self.changed = changed or threading.Condition(threading.Lock())
        self.room = room
        self._tensors: StackTensors | None = None
        self._rows: list[Seat] = []
        self._running = False
        self._error: Exception | None = None
        for seat in seats:
            seat.stack = self

    def run_epoch(self, seat: Seat, share: Share) -> list[float]:
        """Wait for the others, and train; the losses of the net's batches.

        Raises
        ------
        Cancelled
            If nobody waits for the fit any more.
        _CannotRun
            If the nets have to train by themselves; they are as they were.
        """
        with self.changed:
            seat.share = share
            while seat.share is not None:
                here.check()
                stack = seat.stack  # another one, where the first had to be halved
                assert stack is not None
                if stack._error is not None:
                    raise _CannotRun from stack._error
                if stack._all_are_there():
                    stack._run()
                else:
                    self.changed.wait()
            return seat.losses

    def leave(self, seat: Seat) -> None:
        """Take a net out: the others do not wait for it."""
        with self.changed:
            stack, seat.stack, seat.share = seat.stack, None, None
            if stack is None:
                return
            stack.seats.remove(seat)
            if not stack.seats:
                stack._tensors = None
            if stack.room is not None:
                stack.room.left(stack, seat)
            self.changed.notify_all()

    def _all_are_there(self) -> bool:
        return (
            not self._running
            and (self.room is None or self.room.current is self)
            and all(seat.share is not None for seat in self.seats)
        )

    def _run(self) -> None:
        """An epoch, while the others wait; errors are kept for all."""
        seats = list(self.seats)
        self._running = True
        self.changed.release()
        try:
            outcome: Any = self._epoch(seats)
        except Exception as error:
            # Without the traceback, whose frames hold the memory that was wanting.
            self._tensors, outcome = None, error.with_traceback(None)
        finally:
            self.changed.acquire()
            self._running = False
            self.changed.notify_all()
        if not isinstance(outcome, Exception):
            for seat, losses in zip(seats, outcome, strict=True):
                seat.losses, seat.share = losses, None
        elif isinstance(outcome, torch.cuda.OutOfMemoryError) and len(seats) > 1:
            self._halve(seats)
        else:
            self._error = outcome

    def _epoch(self, seats: Sequence[Seat]) -> list[list[float]]:
        shares = {seat: seat.share for seat in seats}
        if self._tensors is None or 2 * len(seats) <= len(self._rows):
            self._tensors, self._rows = None, list(seats)
            self._tensors = StackTensors(
                [seat.net for seat in seats],
                [share for share in shares.values() if share],
            )
        losses = self._tensors.run(
            [shares.get(seat) for seat in self._rows], lambda: _check(seats)
        )
        by_seat = dict(zip(self._rows, losses, strict=True))
        return [by_seat[seat] for seat in seats]

    def _halve(self, seats: Sequence[Seat]) -> None:
        half = len(seats) // 2
        self.seats = list(seats[:half])
        rest = Stack(seats[half:], self.changed, self.room)
        if self.room is not None:
            self.room.postpone(rest)


class _CannotRun(Exception):
    """A stack failed; its cause says how."""


def _check(seats: Sequence[Seat]) -> None:
    """Raise `Cancelled` if nobody waits for any of the fits."""
    if all(seat.task is not None and seat.task.cancelled for seat in seats):
        raise Cancelled

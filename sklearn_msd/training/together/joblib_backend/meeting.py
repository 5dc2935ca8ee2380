"""Where the tasks of parallel loops meet: who runs, who waits, and when nets train.

A task is a thread. It runs; or it waits with a fit for others to come; or it trains in
a stack; or it waits for a parallel loop of its own. As soon as no task runs any more,
nobody is left who could bring another net: those that wait are sorted by shape into
stacks, which train one after another. A task that takes much longer than the others is
not waited for. So whatever tasks do, none waits for ever.
"""

from __future__ import annotations

import enum
import itertools
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from sklearn_msd.training.endings.here import Cancelled, here
from sklearn_msd.training.together.joblib_backend.folds import Folds
from sklearn_msd.training.together.stack import Seat, Stack

# Seconds that are waited for a straggler at least.
PATIENCE = 1.0


_numbers = itertools.count()


class State(enum.Enum):
    """What a task is at."""

    RUNS = enum.auto()
    CALLS = enum.auto()  # in a parallel loop of its own, whose tasks it waits for
    WAITS = enum.auto()
    TRAINS = enum.auto()


class Call:
    """A parallel loop.

    Parameters
    ----------
    n_jobs : int
        Tasks at a time.
    caller : Task
        Where it was called.
    """

    def __init__(self, n_jobs: int, caller: Task) -> None:
        self.n_jobs, self.caller = n_jobs, caller
        self.is_cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.is_cancelled or self.caller.cancelled


class Task:
    """A task of a parallel loop, or the thread that calls the outermost one.

    Parameters
    ----------
    room : Meeting
    call : Call or None
        The loop that it is of.
    run : callable
    callback : callable
        Takes the outcome, a pair of the result and the error.
    """

    def __init__(
        self,
        room: Meeting,
        call: Call | None = None,
        run: Callable[[], Any] = lambda: None,
        callback: Callable[[Any], Any] = lambda outcome: None,
    ) -> None:
        self.room, self.call, self.run, self.callback = room, call, run, callback
        self.state = State.RUNS
        self.began = time.monotonic()
        self.number = next(_numbers)

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.call is not None and self.call.cancelled


class Meeting:
    """The tasks of a parallel loop and of all loops within it.

    Parameters
    ----------
    on_cpu : bool, default=False
        Whether nets on the CPU train together, too. It gains nothing there.
    patience : float
        Seconds to wait for a straggler, or twice as long as the slowest task took to
        come, if that is longer.

    Attributes
    ----------
    current : Stack or None
        Whose turn it is to train.
    sizes : list of int
        Of the stacks so far.
    """

    def __init__(self, *, on_cpu: bool = False, patience: float = PATIENCE) -> None:
        self.on_cpu, self.patience = on_cpu, patience
        self.changed = threading.Condition(threading.Lock())
        self.folds = Folds()
        self.current: Stack | None = None
        self.sizes: list[int] = []
        self._tasks: list[Task] = []
        self._calls: list[Call] = []
        self._queue: deque[Task] = deque()
        self._waiting: list[tuple[Hashable, Seat]] = []
        self._stacks: deque[Stack] = deque()
        self._slowest = 0.0
        self._last_event = time.monotonic()
        self._alone = 0

    # What joblib says.

    def begin_call(self, n_jobs: int) -> Call:
        """A parallel loop begins in the present thread."""
        caller = here.task or Task(self)
        call = Call(n_jobs, caller)
        with self.changed:
            self._calls.append(call)
            if caller.call is None:
                self._tasks.append(caller)
        return call

    def end_call(self, call: Call) -> None:
        """It has ended."""
        with self.changed:
            self._calls.remove(call)
            if call.caller.call is None:
                self._tasks.remove(call.caller)
            self._happened()

    @contextmanager
    def waiting_for(self, call: Call) -> Iterator[None]:
        """Its caller waits for its tasks, all of which it has brought."""
        with self.changed:
            call.caller.state = State.CALLS
            self._happened()
        try:
            yield
        finally:
            with self.changed:
                call.caller.state = State.RUNS
                call.caller.began = time.monotonic()

    def add(self, task: Task) -> None:
        """Run a task as soon as there is room for it."""
        with self.changed:
            if not task.cancelled:
                self._queue.append(task)
                self._happened()
                return
        task.callback((None, Cancelled()))

    def cancel(self, call: Call) -> None:
        """Nobody waits for a loop any more, nor for those within it."""
        with self.changed:
            call.is_cancelled = True
            dropped = [task for task in self._queue if task.cancelled]
            for task in dropped:
                self._queue.remove(task)
            self._happened()
            self.changed.notify_all()
        for task in dropped:  # a loop within it waits for them
            task.callback((None, Cancelled()))

    # What fits say.

    def join(self, seat: Seat, shape: Hashable) -> None:
        """Wait until it is the turn of a stack with this net.

        Raises
        ------
        Cancelled
        """
        task = seat.task
        with self.changed:
            self._slowest = max(self._slowest, time.monotonic() - task.began)
            task.state = State.WAITS
            self._waiting.append((shape, seat))
            self._happened()
            try:
                while seat.stack is None or seat.stack is not self.current:
                    here.check()
                    # One that is in a stack waits for its turn, and for nothing else.
                    self.changed.wait(None if seat.stack else self._time_left())
                    self._settle()
            except BaseException:
                self._waiting = [pair for pair in self._waiting if pair[1] is not seat]
                stack, seat.stack = seat.stack, None
                if stack is not None:
                    stack.seats.remove(seat)
                    self.left(stack, seat)
                task.state = State.RUNS
                raise
            task.state = State.TRAINS

    def left(self, stack: Stack, seat: Seat) -> None:
        """A net has left its stack, which it tells; the lock is held."""
        seat.task.state = State.RUNS
        seat.task.began = time.monotonic()
        if not stack.seats and self.current is stack:
            self.current = None
        if not stack.seats and stack in self._stacks:
            self._stacks.remove(stack)
        self._happened()

    def postpone(self, stack: Stack) -> None:
        """The half of a stack has its turn next; the lock is held."""
        self._stacks.appendleft(stack)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let only so many nets train by themselves at a time as there are cores for.

        Raises
        ------
        Cancelled
        """
        n_at_a_time = max(1, (os.cpu_count() or 1) // torch.get_num_threads())
        with self.changed:
            while self._alone >= n_at_a_time:
                here.check()
                self.changed.wait()
            self._alone += 1
        try:
            yield
        finally:
            with self.changed:
                self._alone -= 1
                self.changed.notify_all()

    # Who goes on. The lock is held in all of these.

    def _happened(self) -> None:
        """Something has: let whatever can go on do so."""
        self._last_event = time.monotonic()
        self._settle()

    def _settle(self) -> None:
        self._start_tasks()
        gathers = self.current is None and not self._stacks and bool(self._waiting)
        if gathers and (not self._somebody_runs() or self._time_left() <= 0):
            self._make_stacks()
        if self.current is None and self._stacks:
            self.current = self._stacks.popleft()
            self.changed.notify_all()

    def _somebody_runs(self) -> bool:
        awaited = {
            task.call.caller for task in (*self._tasks, *self._queue) if task.call
        }
        for task in self._tasks:
            # A caller whose tasks have all ended is about to go on.
            calls = task.state is State.CALLS and task not in awaited
            if (calls or task.state is State.RUNS) and not task.cancelled:
                return True
        return False

    def _start_tasks(self) -> None:
        live = [task for task in self._tasks if task.call and not task.cancelled]
        n_busy = sum(task.state is not State.CALLS for task in live)
        of_call = Counter(task.call for task in live)
        limit = max((call.n_jobs for call in self._calls), default=0)
        for task in list(self._queue):
            if n_busy >= limit:
                break
            assert task.call is not None
            if of_call[task.call] < task.call.n_jobs:
                self._queue.remove(task)
                self._tasks.append(task)
                n_busy += 1
                of_call[task.call] += 1
                task.began = time.monotonic()
                threading.Thread(
                    target=self._run, args=(task,), name="together", daemon=True
                ).start()

    def _run(self, task: Task) -> None:
        """What the thread of a task does."""
        here.task = task
        outcome: tuple[Any, BaseException | None]
        try:
            here.check()
            outcome = task.run(), None
        except BaseException as error:
            outcome = None, error
        try:
            task.callback(outcome)  # it may add the next task
        finally:
            with self.changed:
                self._tasks.remove(task)
                self._happened()

    def _make_stacks(self) -> None:
        """Of all that wait, in the order of their tasks."""
        by_shape: dict[Hashable, list[Seat]] = {}
        for shape, seat in sorted(self._waiting, key=lambda pair: pair[1].task.number):
            by_shape.setdefault(shape, []).append(seat)
        self._waiting = []
        for seats in by_shape.values():
            self.sizes.append(len(seats))
            self._stacks.append(Stack(seats, self.changed, self))

    def _time_left(self) -> float:
        """Seconds that a straggler still has."""
        patience = max(self.patience, 2 * self._slowest)
        return self._last_event + patience - time.monotonic()

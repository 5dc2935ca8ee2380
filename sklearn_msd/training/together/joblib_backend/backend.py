"""The backend ``"together"``, as joblib knows backends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from joblib.parallel import (
    FallbackToBackend,
    ParallelBackendBase,
    SequentialBackend,
)

from sklearn_msd.training.endings.here import here
from sklearn_msd.training.together.joblib_backend.meeting import (
    PATIENCE,
    Call,
    Meeting,
    Task,
)

# Tasks at a time if nobody says how many. More gain little: the device is busy then.
MANY = 48


class TogetherBackend(ParallelBackendBase):
    """Tasks are threads, and the nets that are fitted in them train together.

    Those of loops within loops do, too. See :class:`Meeting` for `on_cpu` and
    `patience`.
    """

    default_n_jobs = -1
    supports_retrieve_callback = True
    supports_sharedmem = True
    uses_threads = True

    def __init__(
        self,
        nesting_level: int | None = None,
        inner_max_num_threads: int | None = None,
        *,
        on_cpu: bool = False,
        patience: float = PATIENCE,
        **kwargs: Any,
    ) -> None:
        super().__init__(nesting_level, inner_max_num_threads, **kwargs)
        self.room = Meeting(on_cpu=on_cpu, patience=patience)
        if here.task is not None:
            self.room = here.task.room
        self._n_jobs = 1
        self._call: Call | None = None

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Tasks at a time; -1 is as many as gain from each other."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs is None:
            return MANY
        return n_jobs if n_jobs > 0 else max(1, MANY + 1 + n_jobs)

    def configure(
        self, n_jobs: int | None = 1, parallel: Any = None, **kwargs: Any
    ) -> int:
        """Make ready for a loop; one by one within a fit, for which others wait."""
        self._n_jobs = self.effective_n_jobs(n_jobs)
        if self._n_jobs == 1 or here.seat is not None:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        self.parallel = parallel
        return self._n_jobs

    def start_call(self) -> None:
        """Begin a loop."""
        self._call = self.room.begin_call(self._n_jobs)

    def stop_call(self) -> None:
        """End it."""
        call, self._call = self._call, None
        if call is not None:
            self.room.end_call(call)

    def submit(self, func: Callable[[], Any], callback: Any = None) -> Task:
        """Run a task as soon as there is room for it."""
        if hasattr(func, "items"):  # joblib's list of calls
            func.items = self.room.folds.share(func.items)
        task = Task(self.room, self._call, func, callback)
        self.room.add(task)
        return task

    # Its name in earlier versions of joblib.
    apply_async = submit

    def retrieve_result_callback(self, out: tuple[Any, BaseException | None]) -> Any:
        """Result of a task, or its error."""
        result, error = out
        if error is not None:
            raise error
        return result

    def retrieval_context(self) -> AbstractContextManager[None]:
        """While the caller waits, and other tasks may run in its place."""
        assert self._call is not None
        return self.room.waiting_for(self._call)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End all tasks of the loop, and of loops in them."""
        if self._call is not None:
            self.room.cancel(self._call)

    def get_nested_backend(self) -> tuple[ParallelBackendBase, int]:
        """For loops in tasks: they meet in the same room."""
        nested = TogetherBackend(nesting_level=(self.nesting_level or 0) + 1)
        nested.room = self.room
        return nested, self._n_jobs

"""What the present thread is at: a task of a parallel loop, a net of a stack."""

from __future__ import annotations

import threading
from typing import Any


class Cancelled(BaseException):
    """Ends what a thread does for a parallel loop that has ended without it.

    No `Exception`, as nobody is to take it for the failure of a fit.
    """


class _Here(threading.local):
    """Of the present thread.

    Attributes
    ----------
    task : Task or None
        The task of a parallel loop with the backend ``"together"`` that it runs.
    seat : Seat or None
        Its place in the stack of nets that its fit takes part in.
    """

    task: Any = None
    seat: Any = None

    def check(self) -> None:
        """Raise `Cancelled` if nobody waits for the thread's task any more."""
        if self.task is not None and self.task.cancelled:
            raise Cancelled


here = _Here()

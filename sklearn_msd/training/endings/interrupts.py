"""Ctrl-C told from a callback that ends a training: both raise a KeyboardInterrupt."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self


class NotedInterrupts:
    """A context in which exceptions raised by the handler of SIGINT are noted.

    skorch ends a training quietly at any KeyboardInterrupt, as callbacks end one by
    raising it. Ctrl-C is a signal, and what it raises is raised by the signal's
    handler: Python's own or one that the program has set. That handler is called from
    here and is in its place again afterwards. Other threads than the main one are never
    sent signals.
    """

    def __enter__(self) -> Self:
        self._raised: list[BaseException] = []
        self._handler: Any = None
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            # Not one where the signal is ignored, or handled by what embeds Python.
            if callable(handler):
                self._handler = handler
                signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        # A callback may have set another one in the meantime.
        if self._handler and signal.getsignal(signal.SIGINT) == self._handle:
            signal.signal(signal.SIGINT, self._handler)
        self._raised.clear()

    def _handle(self, signum: int, frame: FrameType | None) -> Any:
        try:
            return self._handler(signum, frame)
        except BaseException as error:
            self._raised.append(error)
            raise

    def caused(self, error: BaseException) -> bool:
        """Whether an exception was raised by the handler, or while such a one was."""
        cause: BaseException | None = error
        while cause is not None:
            if any(cause is raised for raised in self._raised):
                return True
            cause = cause.__cause__ or cause.__context__
        return False

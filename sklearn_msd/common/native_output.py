"""What libraries written in C print to standard error, past Python."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Standard error is one for the whole process.
_LOCK = threading.Lock()
_STDERR = 2


@contextmanager
def caught_lines(pattern: str, lines: list[str]) -> Iterator[None]:
    """Keep lines that a C library prints to standard error from getting there.

    Other lines, as of other threads, come out at the end.

    Parameters
    ----------
    pattern : str
        Regular expression that begins the library's lines.
    lines : list of str
        Where to put the lines that begin so.
    """
    with _LOCK:
        try:
            stderr = os.dup(_STDERR)
        except OSError:  # a program without standard error
            yield
            return
        try:
            with tempfile.TemporaryFile() as file:
                os.dup2(file.fileno(), _STDERR)
                try:
                    yield
                finally:
                    os.dup2(stderr, _STDERR)
                    file.seek(0)
                    for line in file:
                        text = line.decode(errors="replace")
                        if re.match(pattern, text):
                            lines.append(text.strip())
                        else:
                            os.write(_STDERR, line)
        finally:
            os.close(stderr)

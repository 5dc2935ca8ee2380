"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


def checked_path(path: Any) -> Path:
    """A path that is one, and no number: `open` would take that for an open file.

    Raises
    ------
    TypeError
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be a str or path-like; got {type(path).__name__}.")
    return Path(path)


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A binary file that appears under its name when it is on the disk, or never.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    OSError
        With the name of the file, which a full disk does not tell; also where there is
        a folder or a device.
    """
    path = checked_path(path)
    if path.exists() and not path.is_file():  # a device would be gone from its place
        code = errno.EISDIR if path.is_dir() else errno.EINVAL
        raise OSError(code, "not a file that could be replaced", str(path))
    # Two processes may write the same file: each has a part of its own.
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        part.unlink(missing_ok=True)

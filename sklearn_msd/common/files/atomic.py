"""Atomic writing: files appear whole or not at all."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

# Bytes in the name of a file that is being written; file systems take 255.
_LONGEST_NAME = 200
_RANDOM_BYTES = 8


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
def atomic_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Write a binary file atomically: it appears when it is on the disk, or never.

    Of a file that is replaced, the permissions stay. A symbolic link stays one: the
    file that it points to is replaced.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    OSError
        With the name of the file, which the error of a full disk lacks; also where
        there is a folder or a device.
    """
    path = checked_path(path)
    target = Path(os.path.realpath(path))
    mode = _mode_of_file(path, target)
    # Two threads may write the same file: each has a part of its own.
    random = secrets.token_hex(_RANDOM_BYTES)
    part = target.with_name(f"{_part_prefix(target)}{random}.part")
    try:
        with open(part, "xb") as file:
            if mode is not None:
                os.chmod(part, mode)  # before there is anything in it to read
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as error:
        if error.filename in (None, str(part)):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        part.unlink(missing_ok=True)


def remove_parts(path: str | os.PathLike[str]) -> None:
    """Remove what processes that were killed while they wrote a file left beside it."""
    target = Path(os.path.realpath(checked_path(path)))
    random = "[0-9a-f]" * 2 * _RANDOM_BYTES
    prefix = glob.escape(_part_prefix(target))
    for part in target.parent.glob(f"{prefix}{random}.part"):
        part.unlink(missing_ok=True)


def _mode_of_file(path: Path, target: Path) -> int | None:
    """The permissions of the file that is there, if one is.

    Raises
    ------
    OSError
        If something else is there, or there can be no file of that name.
    """
    try:
        found = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        error.filename = str(path)
        raise
    if not stat.S_ISREG(found):  # a device would be gone from its place
        code = errno.EISDIR if stat.S_ISDIR(found) else errno.EINVAL
        raise OSError(code, "not a file that could be replaced", str(path))
    return stat.S_IMODE(found)


def _part_prefix(target: Path) -> str:
    """How the names of a file's parts begin: as its own, as far as there is room."""
    name = target.name
    while len(os.fsencode(name)) > _LONGEST_NAME:
        name = name[:-1]
    return f"{name}."

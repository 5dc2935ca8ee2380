"""Whatever a damaged or forged file brings about, as one error that names the file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_error(
    path: str | os.PathLike[str],
    message: str = "{path}: damaged: {reason}.",
    kind: type[ValueError] = ValueError,
) -> Iterator[None]:
    """Turn any error that a file's content causes into one ValueError.

    Errors of the machine (no such file, no permission, no memory) are none of the
    content's, and pass; so does an error of this kind that names the file already.

    Parameters
    ----------
    path : path-like
        The file.
    message : str
        With ``{path}`` and ``{reason}``.
    kind : type of ValueError
        Of the error that is raised.

    Raises
    ------
    ValueError
        Of this kind.
    """
    name = os.fspath(path)
    try:
        yield
    except (MemoryError, Warning):
        raise
    # A file made by hand can be wrong in any way, and each library has its own errors.
    except Exception as error:
        # "Invalid argument" is what a damaged offset gives.
        if isinstance(error, OSError) and error.errno not in (None, 0, errno.EINVAL):
            raise
        if isinstance(error, kind) and name in str(error):
            raise
        reason = str(error).rstrip(".")
        if not reason or not isinstance(error, ValueError | OSError | RuntimeError):
            reason = f"{type(error).__name__}: {reason}".removesuffix(": ")
        raise kind(message.format(path=name, reason=reason)) from error

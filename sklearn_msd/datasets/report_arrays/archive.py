"""npz archives, read without trust and written without holding them in memory."""

import os
import zipfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from sklearn_msd.common.files.damage import one_error

# What deflate can shrink at most: a member that claims more than this times its
# stored size is not what it claims, and no memory is taken for it.
_MAX_RATIO = 1100
# Songs, padded ones too, shrink far less. A small file may still unpack to this many
# bytes, a larger one to this many times its size.
_ALWAYS_BYTES, _USUAL_RATIO = 2**30, 100
# What is said of an array that could only be unpickled.
HOLDS_OBJECTS = "it holds Python objects, which are never unpickled"


class NpzArchive:
    """A checked reader of the plain arrays in an npz file; a context manager.

    Nothing is unpickled. The size that a member's header claims is compared with the
    bytes that the archive holds before any memory is taken for it.

    Parameters
    ----------
    path : str or path-like
        The npz file.

    Attributes
    ----------
    names : list of str
        Names of the arrays, without ``.npy``.

    Raises
    ------
    ValueError
        Here and in every method, if the archive or a member is damaged, missing, or
        holds Python objects; the message names the file and the member.
    OSError
        If the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        with self._naming_damage("the archive"):
            self._zip = zipfile.ZipFile(self.path)
        self._members = {
            info.filename.removesuffix(".npy"): info for info in self._zip.infolist()
        }
        self.names = list(self._members)
        if len(self.names) < len(self._zip.infolist()):
            self._zip.close()
            raise ValueError(f"{self.path}: the archive holds two arrays of one name.")

    def __enter__(self) -> "NpzArchive":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """Read the shape and the dtype of an array, checked against its size."""
        if name not in self._members:
            raise ValueError(
                f"{self.path}: has no array {name!r}; it holds {sorted(self.names)}."
            )
        info = self._members[name]
        with self._naming_damage(f"array {name!r}"), self._zip.open(info) as file:
            version = npy_format.read_magic(file)
            read = {
                (1, 0): npy_format.read_array_header_1_0,
                (2, 0): npy_format.read_array_header_2_0,
            }[version]
            shape, _, dtype = read(file)
            if dtype.hasobject:
                raise ValueError(HOLDS_OBJECTS)
            size = dtype.itemsize
            for length in shape:  # Python integers: no overflow
                size *= length
            if size < 0 or file.tell() + size != info.file_size:
                raise ValueError(
                    f"its header claims {size} bytes and the archive holds "
                    f"{info.file_size - file.tell()}"
                )
            # The directory of an archive may lie about the size stored, too.
            stored = min(info.compress_size, os.path.getsize(self.path))
            usual = max(_ALWAYS_BYTES, _USUAL_RATIO * stored)
            if info.file_size > min(usual, _MAX_RATIO * (stored + 1)):
                raise ValueError(
                    f"{stored} bytes stored are not to unpack to {info.file_size}"
                )
        return shape, dtype

    def read(self, name: str) -> np.ndarray:
        """Read an array whole."""
        self.header(name)
        info = self._members[name]
        with self._naming_damage(f"array {name!r}"), self._zip.open(info) as file:
            array = npy_format.read_array(file, allow_pickle=False)
            file.read(1)  # the end of the member: its checksum is compared here
        return array

    def _naming_damage(self, what: str) -> AbstractContextManager[None]:
        """Turn whatever a damaged archive brings about into one error with the path."""
        return one_error(self.path, f"{{path}}: {what} cannot be read: {{reason}}.")


def write_npz(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as an npz archive, the same bytes for the same arrays.

    `numpy.savez` would do the same, but promises nothing about the times that it puts
    in the archive. Memory maps are written piece by piece.

    Parameters
    ----------
    file : binary file
        Where to write.
    arrays : mapping of str to ndarray
        The arrays; none of them may hold Python objects.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            with archive.open(info, "w", force_zip64=True) as member:
                npy_format.write_array(member, array, allow_pickle=False)

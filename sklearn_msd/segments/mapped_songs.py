"""Songs that stay on disk, whatever rows of them are asked for."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray


class MappedSongs:
    """Songs in a memory map, of which any selection stays on disk.

    Indexing a memory map with row numbers copies the rows, and a search does so for
    every fold, in every process. Indexing these gives such songs again; they are read
    where an array is made of them, as the nets do batch by batch. Pickled, they are the
    name of the file and the row numbers, so processes and machines that share a file
    system send no songs to each other.

    Parameters
    ----------
    songs : memmap of shape (n_songs, n_segments * n_segment_features) or \
            (n_songs, n_segments, n_segment_features)
        Or a view of whole songs one after another, as slices and `reshape` give it.
        float16, float32 or float64, in the machine's byte order. The file must not
        change.

    Attributes
    ----------
    shape : tuple of int
    ndim : int
    dtype : dtype

    Raises
    ------
    TypeError
        If `songs` is no memory map of a file.
    ValueError
        If its numbers do not lie one after another in the file, are of another type, or
        may differ from the file's (mode "c").

    Notes
    -----
    The net classifiers, searches and splitters take such songs as they are; for
    anything else they are an array-like, read into memory. Songs are read from the
    file, not through the map, so they do not count to the memory of the process.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn_msd.datasets import MappedSongs, make_songs
    >>> X, y = make_songs(100, n_segments=20, n_classes=2, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/songs.npy", X)
    ...     songs = MappedSongs(np.load(f"{folder}/songs.npy", mmap_mode="r"))
    ...     fold = songs[50:]
    ...     np.array_equal(fold, X[50:])
    True
    >>> fold.shape
    (50, 500)
    """

    def __init__(self, songs: np.memmap) -> None:
        root: Any = songs
        while isinstance(root, np.ndarray) and isinstance(root.base, np.ndarray):
            root = root.base
        if not isinstance(root, np.memmap) or root.filename is None:
            raise TypeError(
                "songs must be a memory map, as np.load(path, mmap_mode='r') gives it; "
                f"got {type(songs).__name__}."
            )
        if root.mode == "c":
            raise ValueError(
                "songs must not be mapped with mode 'c': what is written to such a map "
                "is not in the file."
            )
        if songs.ndim < 2 or not songs.flags.c_contiguous:
            raise ValueError(
                "songs must hold whole songs one after another, of shape (n_songs, …); "
                f"got shape {songs.shape} with strides {songs.strides}."
            )
        if songs.dtype not in (np.float16, np.float32, np.float64):
            raise ValueError(
                "songs must be float16, float32 or float64 in the machine's byte "
                f"order; got {songs.dtype.str!r}."
            )
        self._path = os.path.abspath(root.filename)
        self._offset = root.offset + byte_bounds(songs)[0] - byte_bounds(root)[0]
        self._n_stored = len(songs)
        self._rows: slice | NDArray[np.intp] = slice(None)
        self.dtype: np.dtype[Any] = songs.dtype
        self.shape: tuple[int, ...] = songs.shape

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """The songs at ``key``, still on disk; one song as an array."""
        if isinstance(key, tuple):  # scikit-learn writes X[rows, ...]
            if key[1:] != (Ellipsis,):
                raise IndexError("Only songs can be selected, not parts of them.")
            key = key[0]
        rows = np.arange(self._n_stored)[self._rows][key]
        if rows.ndim == 0:
            return self._read(rows[None])[0]
        return self._view(rows, (len(rows), *self.shape[1:]))

    def reshape(self, *shape: int) -> MappedSongs:
        """The same songs in another form, still on disk.

        Parameters
        ----------
        *shape : int
            The number of songs, and the shape of one.

        Returns
        -------
        MappedSongs
        """
        if shape[0] != len(self) or np.prod(shape[1:]) != np.prod(self.shape[1:]):
            raise ValueError(f"Songs of shape {self.shape} have no shape {shape}.")
        return self._view(self._rows, shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("Songs on disk cannot be an array without a copy.")
        songs = self._read(self._rows)
        return songs if dtype is None else songs.astype(dtype, copy=False)

    def __repr__(self) -> str:
        return f"MappedSongs({self._path!r}, shape={self.shape}, dtype={self.dtype})"

    def _view(self, rows: Any, shape: tuple[int, ...]) -> MappedSongs:
        view = object.__new__(MappedSongs)
        view.__dict__.update(self.__dict__, _rows=rows, shape=shape)
        return view

    def _read(self, rows: slice | NDArray[np.intp]) -> NDArray[Any]:
        # By reading the file and not through a map: what was touched of a map counts to
        # the memory of the process, and each of its pages costs a fault.
        places = np.arange(self._n_stored)[rows]
        songs = np.empty((len(places), *self.shape[1:]), self.dtype)
        if not songs.size:
            return songs
        size = songs[0].nbytes
        content = songs.reshape(-1).view(np.uint8).data
        # Songs that follow each other are read at once.
        firsts = np.flatnonzero(np.diff(places, prepend=-2) != 1).tolist()
        with open(self._path, "rb", buffering=0) as file:
            for first, stop in zip(firsts, [*firsts[1:], len(places)], strict=True):
                file.seek(self._offset + int(places[first]) * size)
                _read_whole(file, content[first * size : stop * size])
        return songs


def _read_whole(file: io.FileIO, content: memoryview) -> None:
    while content:
        n_read = file.readinto(content)
        if not n_read:
            raise OSError(
                f"{file.name} ended early: it has changed since it was mapped."
            )
        content = content[n_read:]


def on_disk(X: Any) -> bool:
    """Whether ``X`` is a memory map, a view of one, or rows of one."""
    if isinstance(X, MappedSongs):
        return True
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap):
            return True
        X = X.base
    return False

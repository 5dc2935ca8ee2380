"""A walk over a folder of HDF5 files in one order, in pieces of bounded size."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from sklearn_msd.common.files.walk import FolderWalk
from sklearn_msd.datasets.msd.song_file import DamagedFileError, SongFile
from sklearn_msd.segments.columns import COLUMN_ORDER

_ENDINGS = (".h5", ".hdf5")
# A file larger than this is an aggregate: a track takes about 0.3 MB, 1 MB at most.
AGGREGATE_BYTES = 64_000_000
# A group of pieces is one task for one process: a tenth of a second of work or more.
GROUP_FILES = 128
GROUP_BYTES = 64_000_000


class Piece(NamedTuple):
    """Songs `first` to `stop` (all of them: None) of one file.

    Size and time of change show whether the file is still the one that was read.
    """

    path: str  # relative to the root
    first: int
    stop: int | None
    size: int
    mtime_ns: int


def h5_files(root: Path) -> FolderWalk | list[Path]:
    """HDF5 files below a folder, sorted folder by folder; or the one file."""
    return [root] if root.is_file() else FolderWalk(root, _ENDINGS)


def iter_groups(
    root: Path, files: Iterable[os.DirEntry[str] | Path] | None = None
) -> Iterator[list[Piece]]:
    """Group the pieces of all files below `root` into tasks of like size.

    Large aggregate files are cut into pieces, so that several processes can share one.

    Parameters
    ----------
    root : Path
        Folder, or the one file.
    files : iterable of path-like, default=None
        What `h5_files` gave for it.
    """
    group: list[Piece] = []
    n_bytes = 0
    for piece in _iter_pieces(root, h5_files(root) if files is None else files):
        group.append(piece)
        n_bytes += min(piece.size, AGGREGATE_BYTES)
        if len(group) >= GROUP_FILES or n_bytes >= GROUP_BYTES:
            yield group
            group, n_bytes = [], 0
    if group:
        yield group


def _iter_pieces(
    root: Path, files: Iterable[os.DirEntry[str] | Path]
) -> Iterator[Piece]:
    base = root.parent if root.is_file() else root
    for entry in files:
        path = os.path.relpath(entry, base)
        try:
            stat = entry.stat()
        except OSError:  # a broken link: reading it will fail, and be counted
            yield Piece(path, 0, None, 0, 0)
            continue
        whole = Piece(path, 0, None, stat.st_size, stat.st_mtime_ns)
        n_songs = _count_songs(entry) if stat.st_size > AGGREGATE_BYTES else 1
        if n_songs <= GROUP_FILES:
            yield whole
            continue
        for first in range(0, n_songs, GROUP_FILES):
            yield whole._replace(first=first, stop=first + GROUP_FILES)


def _count_songs(path: os.DirEntry[str] | Path) -> int:
    try:
        with SongFile(path, COLUMN_ORDER, "start") as file:
            return file.n_songs
    except (DamagedFileError, OSError):
        return 1  # taken as one song, which will be counted as damaged

"""Fast, checked reading of the Million Song Dataset's HDF5 files.

h5py's low-level interface is used on purpose: on single-song files it takes less than
half the time of ``h5py.File``, which matters when there are a million of them (see
``benchmarks/build.py``).
"""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np

from sklearn_msd.common.files.damage import one_error
from sklearn_msd.common.optional import import_optional
from sklearn_msd.segments.columns import N_FEATURES, check_order

# Rows of a song table read at once: bounds memory on aggregate files.
_BLOCK = 512
# More segments than a day of music has: a length beyond it is damage, not data.
MAX_SEGMENTS = 1_000_000
# Even an empty song takes this many bytes of a file: a table that claims more songs
# than fit is damaged, and must not be walked or allocated for.
_MIN_SONG_BYTES = 32
# The data set's own pieces, of 1024 rows, have at most some megabytes.
_MAX_CHUNK = 2**26


class DamagedFileError(ValueError):
    """A file that is not what a Million Song Dataset file must be."""


class Song(NamedTuple):
    """Where one song lies in its file: a slice of each of the segment arrays."""

    row: int
    track_id: str
    starts: tuple[int, ...]
    stops: tuple[int, ...]


class SongFile:
    """An open file of one song or many; a context manager.

    Parameters
    ----------
    path : str or path-like
        The file.
    columns : sequence of str
        Order of the feature groups in the segments read.
    loudness : {"start", "max"}
        Which loudness of a segment is its loudness feature.

    Attributes
    ----------
    n_songs : int
        Songs in the file.

    Raises
    ------
    DamagedFileError
        Here and in every method, if the file's content is not as it must be.
    OSError
        If the file cannot be opened for a reason outside of it.
    """

    def __init__(
        self, path: str | os.PathLike[str], columns: Sequence[str], loudness: str
    ) -> None:
        self._h5py = import_optional("h5py", "hdf5")
        self.path = os.fspath(path)
        arrays = {
            "chroma": ("segments_pitches", 12),
            "timbre": ("segments_timbre", 12),
            "loudness": (f"segments_loudness_{loudness}", 1),
        }
        order = [arrays[group] for group in check_order(columns)]
        os.stat(self.path)  # for Python's own error where there is no such file
        with self._naming_damage():
            h5f = self._h5py.h5f
            self._file = h5f.open(os.fsencode(self.path), h5f.ACC_RDONLY)
        try:
            with self._naming_damage():
                self._songs = self._open("analysis/songs", 1)
                self.n_songs: int = self._songs.shape[0]
                if self.n_songs > os.path.getsize(self.path) // _MIN_SONG_BYTES:
                    raise self._damaged(f"cannot hold {self.n_songs} songs")
                self._names = [name for name, _ in order]
                self._widths = [width for _, width in order]
                self._arrays = [self._open_numeric(*array) for array in order]
                self._metadata: Any = None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "SongFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._songs = self._metadata = None
        self._arrays = []
        self._file.close()

    def songs(self, first: int = 0, stop: int | None = None) -> Iterator[Song]:
        """Walk over the songs from `first` up to, not including, `stop`."""
        stop = self.n_songs if stop is None else min(stop, self.n_songs)
        lengths = tuple(array.shape[0] for array in self._arrays)
        if self.n_songs == 1 and first < stop:
            # One song owns the arrays whole; its idx columns are not needed.
            track = self.table("songs", {"track_id": "S32"}, 0, 1)["track_id"][0]
            yield Song(0, track.decode("utf-8", "replace"), (0, 0, 0), lengths)
            return
        idx = [f"idx_{name}" for name in self._names]
        fields = {"track_id": "S32", **dict.fromkeys(idx, "i8")}
        for block in range(first, stop, _BLOCK):
            end = min(block + _BLOCK, stop)
            # One row more, where there is one: a song ends where the next starts.
            n_rows = min(end + 1, self.n_songs) - block
            rows = self.table("songs", fields, block, n_rows)
            bounds = [tuple(int(row[name]) for name in idx) for row in rows]
            bounds.append(lengths)
            for i in range(end - block):
                track = rows["track_id"][i].decode("utf-8", "replace")
                yield Song(block + i, track, bounds[i], bounds[i + 1])

    def length(self, song: Song) -> int:
        """Count the segments of a song, checking that its arrays agree on it."""
        slices = zip(song.starts, song.stops, self._arrays, strict=True)
        found = set()
        for start, stop, array in slices:
            if not 0 <= start <= stop <= array.shape[0]:
                raise self._damaged(f"song {song.row} lies outside of its arrays")
            found.add(stop - start)
        if len(found) > 1:
            raise self._damaged(
                f"the segment arrays of song {song.row} have {sorted(found)} rows"
            )
        (length,) = found
        if length > MAX_SEGMENTS:
            raise self._damaged(f"song {song.row} claims {length} segments")
        return length

    def segments(self, song: Song, first: int, count: int) -> np.ndarray:
        """Read `count` segments of a song from segment `first` on.

        Returns
        -------
        segments : ndarray of shape (count, 25) and dtype float64
        """
        h5s = self._h5py.h5s
        out = np.zeros((count, N_FEATURES))
        column = 0
        with self._naming_damage():
            for array, start, width in zip(
                self._arrays, song.starts, self._widths, strict=True
            ):
                source = array.get_space()
                at = (start + first, 0)[: array.rank]
                source.select_hyperslab(at, (count, width)[: array.rank])
                target = h5s.create_simple(out.shape)
                target.select_hyperslab((0, column), (count, width))
                array.read(target, source, out)
                column += width
        if not np.isfinite(out).all():
            raise self._damaged(f"song {song.row} holds NaN or infinity")
        return out

    def vector(self, name: str, song: Song) -> np.ndarray:
        """Read a song's part of another array with one number for each segment."""
        length = self.length(song)
        with self._naming_damage():
            array = self._open_numeric(name, 1)
            start = 0
            if self.n_songs > 1:
                column = f"idx_{name}"
                row = self.table("songs", {column: "i8"}, song.row, 1)
                start = int(row[column][0])
            stop = start + length
            if (
                start < 0
                or stop > array.shape[0]
                or (self.n_songs == 1 and stop != array.shape[0])
            ):
                raise self._damaged(
                    f"{name} has {array.shape[0]} rows where song {song.row} needs "
                    f"{start} to {stop}"
                )
            out = np.zeros(length)
            source = array.get_space()
            source.select_hyperslab((start,), (length,))
            array.read(self._h5py.h5s.create_simple(out.shape), source, out)
        return out

    def artist_id(self, song: Song) -> str:
        """Read the id of the song's artist; empty where the file has none."""
        row = self.table("metadata", {"artist_id": "S32"}, song.row, 1)
        artist: bytes = row["artist_id"][0]
        return artist.decode("utf-8", "replace")

    def table(
        self, name: str, fields: dict[str, str], first: int, count: int
    ) -> np.ndarray:
        """Read some fields of some rows of a song table.

        Parameters
        ----------
        name : {"songs", "metadata"}
            ``/analysis/songs`` or ``/metadata/songs``.
        fields : dict of str to str
            Fields to read and the dtype to read each as.
        first, count : int
            Rows to read.

        Returns
        -------
        rows : structured ndarray of shape (count,)
        """
        h5s, h5t = self._h5py.h5s, self._h5py.h5t
        with self._naming_damage():
            if name == "metadata" and self._metadata is None:
                self._metadata = self._open("metadata/songs", 1)
                if self._metadata.shape[0] != self.n_songs:
                    raise self._damaged(
                        f"/metadata/songs has {self._metadata.shape[0]} rows and "
                        f"/analysis/songs {self.n_songs}"
                    )
            dataset = self._songs if name == "songs" else self._metadata
            stored = dataset.get_type()
            # HDF5 leaves a field that is not there as it was, without a word.
            for field in fields:
                if not isinstance(stored, h5t.TypeCompoundID):
                    raise self._damaged(f"the {name} table is no table")
                stored.get_member_index(field.encode())
            rows = np.zeros(count, list(fields.items()))
            source = dataset.get_space()
            source.select_hyperslab((first,), (count,))
            target = h5s.create_simple((count,))
            dataset.read(target, source, rows, h5t.py_create(rows.dtype))
        return rows

    def _open(self, name: str, rank: int) -> Any:
        h5d, h5f = self._h5py.h5d, self._h5py.h5f
        dataset = h5d.open(self._file, name.encode())
        if dataset.rank != rank:
            raise self._damaged(f"/{name} has the shape {dataset.shape}")
        # A file may point to others, of any kind, and give out what is theirs.
        stored = dataset.get_create_plist()
        if (
            h5f.get_name(dataset) != h5f.get_name(self._file)
            or stored.get_layout() == h5d.VIRTUAL
            or stored.get_external_count()
        ):
            raise self._damaged(f"/{name} lies in another file")
        size = dataset.get_type().get_size()
        if stored.get_layout() == h5d.CHUNKED:  # read whole, even for one row
            size *= math.prod(stored.get_chunk())
        if size > _MAX_CHUNK:
            raise self._damaged(f"/{name} is stored in pieces of {size} bytes")
        return dataset

    def _open_numeric(self, name: str, width: int) -> Any:
        h5t = self._h5py.h5t
        array = self._open(f"analysis/{name}", 1 if width == 1 else 2)
        if array.get_type().get_class() not in (h5t.FLOAT, h5t.INTEGER):
            raise self._damaged(f"/analysis/{name} holds no numbers")
        if array.rank == 2 and array.shape[1] != width:
            raise self._damaged(
                f"/analysis/{name} has {array.shape[1]} columns, not {width}"
            )
        return array

    def _damaged(self, what: object) -> DamagedFileError:
        return DamagedFileError(
            f"{self.path}: damaged, or no Million Song Dataset file: {what}."
        )

    def _naming_damage(self) -> AbstractContextManager[None]:
        """Turn whatever h5py raises about the content into one error with the path."""
        return one_error(
            self.path,
            "{path}: damaged, or no Million Song Dataset file: {reason}.",
            DamagedFileError,
        )

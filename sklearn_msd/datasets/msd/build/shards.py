"""Songs read from HDF5 into shards: small files, each whole or absent.

A shard holds what one task of a build found: its songs' crops, one after another in
``{key}.rows``, and everything else in ``{key}.json``, which is written last. The key
is a digest of all that the content follows from, so that a shard that exists is done
and right, whichever build wrote it.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sklearn_msd.common.files.atomic import atomic_file
from sklearn_msd.common.files.digests import digest
from sklearn_msd.datasets.msd.annotations import TRACK_ID
from sklearn_msd.datasets.msd.build.walk import Piece
from sklearn_msd.datasets.msd.labels import Labels
from sklearn_msd.datasets.msd.song_file import DamagedFileError, Song, SongFile
from sklearn_msd.segments.columns import N_FEATURES

# Why songs are left out, in the order of the checks.
REASONS = ("unreadable", "damaged", "too_short", "no_label", "duplicate")


@dataclass(frozen=True)
class Settings:
    """What of each song goes into a shard; `build_msd_genre` explains each."""

    n_segments: int
    crop: str
    loudness: str
    columns: tuple[str, ...]
    dtype: str
    seed: int
    trust_names: bool


class Kept(NamedTuple):
    """A song whose crop is in the shard; its row is its place in the list."""

    track_id: str
    artist_id: str
    code: int
    path: str


class Skipped(NamedTuple):
    """A song that was left out, and why."""

    reason: str
    track_id: str
    path: str
    detail: str


class Shard:
    """One shard of a work folder.

    Parameters
    ----------
    work : Path
        The work folder.
    key : str
        The shard's key.
    """

    def __init__(self, work: Path, key: str) -> None:
        self.rows_path = work / f"{key}.rows"
        self.json_path = work / f"{key}.json"

    def content(self) -> tuple[list[Kept], list[Skipped], dict[str, int]]:
        """Read what the shard holds: songs kept, songs skipped, and counts."""
        content = json.loads(self.json_path.read_text(encoding="ascii"))
        return (
            [Kept(*song) for song in content["kept"]],
            [Skipped(*song) for song in content["skipped"]],
            content["counts"],
        )

    def rows(self, settings: Settings) -> np.ndarray:
        """Map the crops: an array of shape (n_kept, n_segments, 25)."""
        shape = (-1, settings.n_segments, N_FEATURES)
        return np.memmap(self.rows_path, settings.dtype, "r").reshape(shape)


def write_shard(
    root: Path,
    work: Path,
    pieces: Sequence[Piece],
    labels: Labels,
    settings: Settings,
    salt: str,
) -> str:
    """Read the pieces into a shard of the work folder, if it is not there yet.

    Parameters
    ----------
    root : Path
        Folder, or the one file, that the pieces' paths start from.
    work : Path
        The work folder.
    pieces : sequence of Piece
        What to read.
    labels : Labels
        Genres of tracks.
    settings : Settings
        What of each song to keep.
    salt : str
        Whatever else the content follows from: a digest of the labels.

    Returns
    -------
    key : str
        The shard's key.
    """
    facts = json.dumps([asdict(settings), salt, pieces])
    key = digest(facts)[:32]
    shard = Shard(work, key)
    if shard.json_path.exists():
        return key
    base = root.parent if root.is_file() else root
    kept: list[Kept] = []
    skipped: list[Skipped] = []
    counts = {"found": 0, "read": 0, "labelled": 0}
    with atomic_file(shard.rows_path) as file:
        for piece in pieces:
            for song, segments in _read(base, piece, labels, settings, skipped, counts):
                file.write(segments.tobytes())
                kept.append(song)
    content = {"kept": kept, "skipped": skipped, "counts": counts}
    with atomic_file(shard.json_path) as file:
        file.write(json.dumps(content).encode("ascii"))
    return key


def _read(
    base: Path,
    piece: Piece,
    labels: Labels,
    settings: Settings,
    skipped: list[Skipped],
    counts: dict[str, int],
) -> Iterator[tuple[Kept, np.ndarray]]:
    """Yield the songs of a piece that are kept; list and count the others."""
    name = Path(piece.path).stem
    if settings.trust_names and TRACK_ID.fullmatch(name) and labels.find(name) is None:
        counts["found"] += 1
        skipped.append(Skipped("no_label", name, piece.path, "not opened"))
        return
    path = base / piece.path
    try:
        with SongFile(path, settings.columns, settings.loudness) as file:
            for song in file.songs(piece.first, piece.stop):
                try:
                    found = _read_song(file, song, piece, labels, settings, counts)
                except (DamagedFileError, OSError) as error:
                    found = _failure(error, path, song.track_id, piece)
                counts["found"] += 1
                counts["read"] += 1
                if isinstance(found, Skipped):
                    skipped.append(found)
                else:
                    yield found
    except (DamagedFileError, OSError) as error:
        counts["found"] += 1
        counts["read"] += 1
        skipped.append(_failure(error, path, "", piece))


def _read_song(
    file: SongFile,
    song: Song,
    piece: Piece,
    labels: Labels,
    settings: Settings,
    counts: dict[str, int],
) -> tuple[Kept, np.ndarray] | Skipped:
    """Check a song and crop it, or say why it is left out."""
    length = file.length(song)
    code = labels.find(song.track_id)
    if length < settings.n_segments:
        counts["labelled"] += code is not None
        return Skipped("too_short", song.track_id, piece.path, f"{length} segments")
    if code is None:
        return Skipped("no_label", song.track_id, piece.path, "")
    first = _crop_start(length - settings.n_segments, song.track_id, settings)
    with np.errstate(over="ignore"):
        segments = file.segments(song, first, settings.n_segments).astype(
            settings.dtype
        )
    if not np.isfinite(segments).all():
        detail = f"values beyond {settings.dtype}"
        return Skipped("damaged", song.track_id, piece.path, detail)
    artist = file.artist_id(song)
    counts["labelled"] += 1
    return Kept(song.track_id, artist, code, piece.path), segments


def _crop_start(n_spare: int, track_id: str, settings: Settings) -> int:
    """Decide on which segment a track's crop starts."""
    if settings.crop != "random":
        return 0 if settings.crop == "start" else n_spare // 2
    # Each track has its own random numbers: a crop depends on nothing but the track.
    seed = bytes.fromhex(digest(f"{settings.seed} {track_id}"))
    rng = np.random.RandomState(int.from_bytes(seed[:4], "little"))
    return int(rng.randint(n_spare + 1))


def _failure(
    error: DamagedFileError | OSError, path: Path, track_id: str, piece: Piece
) -> Skipped:
    """Describe an error in the same words whenever it happens."""
    if isinstance(error, OSError):
        detail = os.strerror(error.errno) if error.errno else "cannot be read"
        return Skipped("unreadable", track_id, piece.path, detail)
    # HDF5's own messages may hold the time and addresses in memory: two builds would
    # not be the same bytes.
    detail = re.sub(r"time = .*", "…)", str(error), flags=re.DOTALL)
    return Skipped("damaged", track_id, piece.path, detail.removeprefix(f"{path}: "))

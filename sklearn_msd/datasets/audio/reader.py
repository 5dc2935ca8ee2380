"""Read files by the parameters of `AudioSegmenter`, with a cache or without."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_memory, check_random_state

from sklearn_msd.common.optional import import_optional
from sklearn_msd.datasets.audio.decoding import decode_audio
from sklearn_msd.datasets.audio.recording import Kind, kind_of_segments
from sklearn_msd.segments.layout import iter_crops, stack_segments


class FileSegments(NamedTuple):
    """Segments of a file, and what may be wrong with it."""

    segments: NDArray[np.float32]  # (n_segments, n_features)
    doubts: list[str]  # sentences that name the file


@dataclass(frozen=True)
class SegmentReader:
    """The parameters of `AudioSegmenter` that say how files become songs."""

    n_segments: int | str | None = "auto"
    crop: str = "center"
    pad: str = "repeat"
    memory: Any = None
    features: str = "segments"
    output: str = "penultimate"
    device: str = "auto"

    @property
    def kind(self) -> Kind:
        """The kind of segments that the parameters name."""
        return kind_of_segments(self.features, self.output, self.device)

    @property
    def length(self) -> int | None:
        """Segments of a song; None where all are kept."""
        auto = isinstance(self.n_segments, str)
        return self.kind.n_segments if auto else self.n_segments  # type: ignore[return-value]

    def read(self, path: str) -> FileSegments:
        """Read a file, or take from a cache what was read before.

        What a cache holds of another file, of the file before it changed, or by other
        versions of what makes segments is not taken.

        Raises
        ------
        ValueError, OSError
            As `decode_audio`.
        """
        memory = self.memory
        memory = os.fspath(memory) if isinstance(memory, os.PathLike) else memory
        # The device changes nothing that matters.
        read = check_memory(memory).cache(_read, ignore=["path", "device"])
        stat = os.stat(path)
        segments, doubts = read(
            path,
            os.path.realpath(path),
            stat.st_size,
            stat.st_mtime_ns,
            self.features,
            self.output,
            self.device,
            _versions(self.kind),
        )
        # A cache may have read the same file by another name.
        return FileSegments(segments, [f"{path}: {doubt}." for doubt in doubts])

    def songs(self, files: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Join files, (n_segments, n_features) each, to songs of one length.

        Returns
        -------
        songs : ndarray of shape (n_songs, length * n_features), or \
                (n_songs, n_segments, n_features), padded with NaN, where all are kept
        """
        length = self.length
        if length is None:
            return stack_segments(files)
        crops = iter_crops(
            files,
            length,
            crop=self.crop,
            pad=self.pad,
            random_state=check_random_state(0),  # of no effect without random crops
        )
        return np.stack([np.ravel(song_crops) for song_crops in crops])


def _read(
    path: str,
    real_path: str,
    size: int,
    mtime_ns: int,
    features: str,
    output: str,
    device: str,
    versions: str,
) -> tuple[NDArray[np.float32], list[str]]:
    """Read a file; a cache finds what was read by all arguments but the path."""
    kind = kind_of_segments(features, output, device)
    audio = decode_audio(path, kind.rate)
    segments, _ = kind.segments(audio.samples, audio.rate)
    return segments, audio.doubts


def _versions(kind: Kind) -> str:
    """What decides a file's segments beside its content and their kind."""
    soundfile, librosa, soxr = (
        import_optional(name, "audio") for name in ("soundfile", "librosa", "soxr")
    )
    return (
        f"features {kind.version}, libsndfile {soundfile.__libsndfile_version__}, "
        f"librosa {librosa.__version__}, soxr {soxr.__version__}"
    )

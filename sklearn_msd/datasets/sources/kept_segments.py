"""Segments of recordings in memory, so that each is read once for many models."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Self

from sklearn.base import clone
from sklearn.utils.validation import check_memory

from sklearn_msd.datasets.audio.reader import SegmentReader
from sklearn_msd.datasets.audio.segmenter import AudioSegmenter, segment_reader


class KeptSegments:
    """What was read of recordings: a `joblib.Memory` that is in memory.

    Given to `AudioSegmenter` as ``memory``, with which it shares the interface. Clones
    of the transformer share what it keeps.

    Parameters
    ----------
    memory : str or object with the joblib.Memory interface, default=None
        Where to look for what is not kept yet.

    Attributes
    ----------
    doubts : list of str
        What may be wrong with the recordings, in sentences that name them.
    """

    def __init__(self, memory: Any = None) -> None:
        self.memory = memory
        self.doubts: list[str] = []
        self._kept: dict[tuple[Any, ...], Any] = {}

    def cache(
        self, function: Callable[..., Any], ignore: Sequence[str] = ()
    ) -> Callable[..., Any]:
        """The function, called once for the same arguments but those ignored."""
        call = check_memory(self.memory).cache(function, ignore=list(ignore))
        signature = inspect.signature(function)

        def kept(*args: Any) -> Any:
            arguments = signature.bind(*args).arguments
            key = tuple(v for name, v in arguments.items() if name not in ignore)
            if key not in self._kept:
                self._kept[key] = call(*args)
            return self._kept[key]

        return kept

    def update(self, other: KeptSegments) -> None:
        """Take over what another keeps, from another process perhaps."""
        self._kept.update(other._kept)
        self.doubts += other.doubts

    def __deepcopy__(self, memo: Any) -> Self:
        return self


def read_kinds(segmenters: Sequence[AudioSegmenter], path: str) -> KeptSegments | str:
    """Segments of a file, of each kind, or what is wrong with the file."""
    kept = KeptSegments(segmenters[0].memory)
    try:
        for segmenter in segmenters:
            kept.doubts = _reader(segmenter, kept).read(path).doubts
    except (ValueError, OSError) as error:
        return error_text(error)
    return kept


def lengthened(
    paths: Sequence[str], kept: KeptSegments, segmenter: AudioSegmenter
) -> str | None:
    """Say how many recordings have fewer segments than they are brought to, and how."""
    if segment_reader(segmenter).length is None:
        return None
    return in_words(n_segments(paths, kept, segmenter), segmenter)


def n_segments(
    paths: Sequence[str], kept: KeptSegments, segmenter: AudioSegmenter
) -> list[int]:
    """How many segments recordings have, before they are brought to one number."""
    reader = _reader(segmenter, kept)
    return [len(reader.read(path).segments) for path in paths]


def in_words(found: Sequence[int], segmenter: AudioSegmenter) -> str | None:
    """Say which of these numbers of segments are lengthened, and how; None if none."""
    reader = segment_reader(segmenter)
    length = reader.length
    short = [n for n in found if length is not None and n < length]
    if not short:
        return None
    some = f"{min(short)} to {max(short)}" if min(short) < max(short) else short[0]
    how = {"repeat": "repeated", "mean": "filled with their means"}
    how |= {"zero": "filled with zeros", "nan": "padded with NaN"}
    return (
        f"{len(short)} of {len(found)} recordings have {some} segments and are "
        f"{how[reader.pad]} to {length}."
    )


def error_text(error: Exception) -> str:
    """What is wrong with a file, in words that name it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _reader(segmenter: AudioSegmenter, kept: KeptSegments) -> SegmentReader:
    return segment_reader(clone(segmenter).set_params(memory=kept))

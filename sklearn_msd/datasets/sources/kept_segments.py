"""Segments of recordings in memory, so that each is read once for many models."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Self

from sklearn.base import clone
from sklearn.utils.validation import check_memory

from sklearn_msd.datasets.audio.segmenter import AudioSegmenter


class KeptSegments:
    """What was read of recordings: a `joblib.Memory` that is in memory.

    Given to `AudioSegmenter` as ``memory``, with which it shares the interface. Clones
    of the transformer share what it keeps.

    Parameters
    ----------
    memory : str or object with the joblib.Memory interface, default=None
        Where to look for what is not kept yet.
    """

    def __init__(self, memory: Any = None) -> None:
        self.memory = memory
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

    def __deepcopy__(self, memo: Any) -> Self:
        return self


def read_kinds(segmenters: Sequence[AudioSegmenter], path: str) -> KeptSegments | str:
    """Segments of a file, of each kind, or what is wrong with the file."""
    kept = KeptSegments(segmenters[0].memory)
    try:
        for segmenter in segmenters:
            reader = clone(segmenter).set_params(memory=kept, n_segments=None)
            reader.transform([path])
    except (ValueError, OSError) as error:
        return str(error)
    return kept

"""What an estimator is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.base import BaseEstimator

from sklearn_msd.datasets import AudioSegmenter


def parts_of(estimator: Any) -> Iterator[BaseEstimator]:
    """An estimator and all estimators in it, given and fitted ones, each once."""
    seen: set[int] = set()
    waiting = [estimator]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
        elif isinstance(value, BaseEstimator) and id(value) not in seen:
            seen.add(id(value))
            yield value
            waiting.extend(vars(value).values())


def segmenters_in(estimator: Any) -> list[AudioSegmenter]:
    """What reads recordings in an estimator; none if it takes arrays."""
    return [part for part in parts_of(estimator) if isinstance(part, AudioSegmenter)]

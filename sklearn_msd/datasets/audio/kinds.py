"""The kinds of segments that a recording can be cut into."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import StrOptions

from sklearn_msd.datasets.audio.features import audio_segments
from sklearn_msd.segments.columns import feature_names

Samples = NDArray[np.floating]
Segments = NDArray[np.float32]

# What parameters that name a kind may be.
KIND_CONSTRAINTS: dict[str, list[Any]] = {
    "features": [StrOptions({"segments", "musicnn"})],
    "output": [StrOptions({"penultimate", "mean_pool", "tags"})],
    "device": [str],
}


class Kind(NamedTuple):
    """A kind of segments.

    Attributes
    ----------
    names : list of str
        Of the features of a segment.
    n_segments : int or None
        Segments of a song where nobody says how many; None is all.
    segments : callable
        From samples (n_samples,) and their rate in Hz to segments
        (n_segments, n_features), float32, and where they start, in seconds.
    """

    names: list[str]
    n_segments: int | None
    segments: Callable[[Samples, float], tuple[Segments, NDArray[np.floating]]]


def kind_of_segments(features: str, output: str, device: str) -> Kind:
    """The kind that the parameters of `AudioSegmenter` name.

    Parameters
    ----------
    features : {"segments", "musicnn"}
    output : {"penultimate", "mean_pool", "tags"}
        Which layer of musicnn.
    device : str
        Where musicnn runs.
    """
    if features == "segments":
        return Kind(feature_names(), 120, audio_segments)
    # Not before it is needed: it takes PyTorch in.
    from sklearn_msd.datasets.audio.musicnn.features import (
        musicnn_names,
        musicnn_segments,
    )

    segments = partial(musicnn_segments, output=output, device=device)
    return Kind(musicnn_names(output), None, segments)

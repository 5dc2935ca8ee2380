"""Segments from the audio analysis of Echo Nest and Spotify, in JSON."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_msd.common.scikit_learn.private import StrOptions, validate_params
from sklearn_msd.segments.columns import COLUMN_ORDER, check_order, feature_names

# The analysis of a song takes about a megabyte, and in memory many times as much.
_MAX_BYTES = 2**27


@dataclass(frozen=True, eq=False)
class AudioAnalysis:
    """Segments of one track, as Echo Nest or Spotify analysed it.

    Attributes
    ----------
    segments : ndarray of shape (n_segments, 25), float64
        Features of each segment, in the order of `feature_names`: chroma (0 to 1),
        timbre (no unit) and loudness (dB).
    start : ndarray of shape (n_segments,), float64
        Start of each segment, in seconds.
    feature_names : list of str
        Names of the 25 columns of `segments`.
    """

    segments: NDArray[np.float64]
    start: NDArray[np.float64]
    feature_names: list[str]


@validate_params(
    {
        "path": [str, os.PathLike],
        "columns": ["array-like"],
        "loudness": [StrOptions({"start", "max"})],
    },
    prefer_skip_nested_validation=True,
)
def read_audio_analysis(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] = COLUMN_ORDER,
    loudness: str = "max",
) -> AudioAnalysis:
    """Read the segments of an Echo Nest or Spotify audio analysis.

    These are the features that the Million Song Dataset holds, from the same
    analyser.

    Parameters
    ----------
    path : str or path-like
        JSON file with a list ``segments``, each with ``start``, ``pitches``,
        ``timbre`` and ``loudness_max`` or ``loudness_start``.
    columns : sequence of str, default=("chroma", "timbre", "loudness")
        Order of the feature groups.
    loudness : {"max", "start"}, default="max"
        Maximal loudness of a segment, or that at its start, which `read_msd_track`
        and the report take.

    Returns
    -------
    AudioAnalysis
        Segments and where they start.

    Raises
    ------
    ValueError
        If the file is not JSON or not such an analysis; the message names the file
        and the segment.
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> import json
    >>> import tempfile
    >>> from sklearn_msd.datasets import read_audio_analysis
    >>> segment = {"start": 0.0, "pitches": [0.5] * 12, "timbre": [1.0] * 12}
    >>> segment |= {"loudness_start": -20.0, "loudness_max": -10.0}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(f"{folder}/analysis.json", "w") as file:
    ...         json.dump({"segments": [segment, segment | {"start": 0.3}]}, file)
    ...     analysis = read_audio_analysis(f"{folder}/analysis.json")
    >>> analysis.segments.shape
    (2, 25)
    """
    fields = {
        "chroma": ("pitches", (12,)),
        "timbre": ("timbre", (12,)),
        "loudness": (f"loudness_{loudness}", ()),
    }
    order = [fields[group] for group in check_order(columns)]
    path = os.fspath(path)
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES} bytes")
        analysis = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON ({error})") from error
    songs = analysis.get("segments") if isinstance(analysis, dict) else None
    if not isinstance(songs, list) or not songs:
        raise ValueError(f"{path}: no list of 'segments', or an empty one.")

    def number(i: int, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        return _numbers(songs[i], name, shape, f"{path}: segments[{i}]")

    rows = range(len(songs))
    return AudioAnalysis(
        segments=np.array([np.hstack([number(i, *f) for f in order]) for i in rows]),
        start=np.array([number(i, "start", ()) for i in rows]),
        feature_names=feature_names(columns),
    )


def _numbers(
    segment: Any, name: str, shape: tuple[int, ...], where: str
) -> NDArray[np.float64]:
    """The finite numbers that a segment holds under ``name``."""
    if not isinstance(segment, dict) or name not in segment:
        raise ValueError(f"{where} has no {name!r}.")
    try:
        values = np.asarray(segment[name])
    except ValueError:  # lists of unequal length
        values = np.asarray(None)
    if (
        values.dtype.kind not in "iuf"
        or values.shape != shape
        or not np.isfinite(values).all()
    ):
        what = f"{shape[0]} finite numbers" if shape else "a finite number"
        raise ValueError(f"{where}: {name!r} must be {what}.")
    return values.astype(np.float64)

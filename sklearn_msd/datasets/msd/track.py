"""Million Song Dataset tracks, read from its HDF5 files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from sklearn_msd.common.scikit_learn.private import (
    Interval,
    StrOptions,
    validate_params,
)
from sklearn_msd.datasets.msd.song_file import SongFile
from sklearn_msd.segments.columns import COLUMN_ORDER, feature_names

_TEXT = ("artist_id", "artist_name", "song_id", "title")


@dataclass(frozen=True, eq=False)
class MSDTrack:
    """One track of the Million Song Dataset.

    Attributes
    ----------
    segments : ndarray of shape (n_segments, 25), float64
        Features of each segment, in the order of `feature_names`: chroma (0 to 1),
        timbre (no unit) and loudness (dB).
    start : ndarray of shape (n_segments,), float64
        Start of each segment, in seconds.
    track_id, song_id, artist_id : str
        The data set's own identifiers.
    artist_name, title : str
        Names, for people to read.
    duration : float
        Length of the track, in seconds.
    feature_names : list of str
        Names of the 25 columns of `segments`.
    """

    segments: np.ndarray
    start: np.ndarray
    track_id: str
    song_id: str
    artist_id: str
    artist_name: str
    title: str
    duration: float
    feature_names: list[str]


@validate_params(
    {
        "path": [str, os.PathLike],
        "index": [Interval(Integral, 0, None, closed="left")],
        "columns": ["array-like"],
        "loudness": [StrOptions({"start", "max"})],
    },
    prefer_skip_nested_validation=True,
)
def read_msd_track(
    path: str | os.PathLike[str],
    index: int = 0,
    *,
    columns: Sequence[str] = COLUMN_ORDER,
    loudness: str = "start",
) -> MSDTrack:
    """Read one track from a single-song or aggregate HDF5 file.

    Parameters
    ----------
    path : str or path-like
        File in the Million Song Dataset's layout.

    index : int, default=0
        Which song of an aggregate file.

    columns : sequence of str, default=("chroma", "timbre", "loudness")
        Order of the feature groups. The report's files hold
        ``("timbre", "chroma", "loudness")``.

    loudness : {"start", "max"}, default="start"
        Loudness at the start of a segment, as the report uses, or its maximum.

    Returns
    -------
    track : MSDTrack

    Raises
    ------
    ValueError
        If the file is damaged or has no such song; the message names the file.
    OSError
        If the file cannot be opened.
    ImportError
        If h5py is missing: ``pip install sklearn-msd[hdf5]``.

    References
    ----------
    .. [1] T. Bertin-Mahieux, D. Ellis, B. Whitman, P. Lamere, "The Million Song
       Dataset", ISMIR 2011.

    Examples
    --------
    >>> from sklearn_msd.datasets import read_msd_track
    >>> track = read_msd_track("A/D/Z/TRAAADZ128F9348C2E.h5")  # doctest: +SKIP
    >>> track.segments.shape, track.track_id  # doctest: +SKIP
    ((562, 25), 'TRAAADZ128F9348C2E')
    """
    names = feature_names(columns)
    with SongFile(path, columns, loudness) as file:
        if index >= file.n_songs:
            raise ValueError(
                f"{os.fspath(path)} holds {file.n_songs} songs; index={index} is too "
                "large."
            )
        (song,) = file.songs(index, index + 1)
        texts = file.table("metadata", dict.fromkeys(_TEXT, "S1024"), index, 1)[0]
        times = file.table("songs", {"duration": "f8"}, index, 1)
        return MSDTrack(
            segments=file.segments(song, 0, file.length(song)),
            start=file.vector("segments_start", song),
            track_id=song.track_id,
            duration=float(times["duration"][0]),
            feature_names=names,
            **{name: texts[name].decode("utf-8", "replace") for name in _TEXT},
        )

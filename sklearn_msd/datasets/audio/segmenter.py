"""A transformer from paths of recordings to songs of segments."""

import os
import warnings
from collections.abc import Sequence
from itertools import chain
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from joblib import Memory
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.parallel import Parallel, delayed

from sklearn_msd.common.atomic_fits import atomic_fit
from sklearn_msd.common.scikit_learn.output import frames_of_flat_songs
from sklearn_msd.common.scikit_learn.private import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
)
from sklearn_msd.datasets.audio.decoding import check_file
from sklearn_msd.datasets.audio.reader import SegmentReader
from sklearn_msd.datasets.audio.recording import KIND_CONSTRAINTS
from sklearn_msd.segments.columns import flat_feature_names
from sklearn_msd.segments.layout import PADS


@frames_of_flat_songs
class AudioSegmenter(TransformerMixin, BaseEstimator):
    """Turn paths of audio files into songs of segments.

    Parameters
    ----------
    n_segments : int, "auto" or None, default="auto"
        Segments of each song, cropped or padded to it. None keeps all, as sequences
        of unequal length, padded with NaN. "auto" is 120 (half a minute) of
        ``features="segments"``, the report's number, and None of "musicnn".
    crop : {"center", "start"}, default="center"
        Which part of a longer recording is kept.
    pad : {"repeat", "mean", "zero", "nan"}, default="repeat"
        What lengthens shorter recordings, as in `SegmentCropper`.
    memory : str, path-like or object with the joblib.Memory interface, default=None
        Where to keep the segments of each file. They are taken from there as long as
        the file has the same absolute path, size and time of change, and the versions
        of the features, libsndfile, librosa and soxr are the same. By default, nothing
        is kept.
    n_jobs : int or None, default=None
        Processes that read files, as everywhere in scikit-learn.
    features : {"segments", "musicnn"}, default="segments"
        Which kind of segments: 25 features at each onset, or every three seconds what
        musicnn gives, a net that was trained on the tags of the Million Song Dataset.
        With few recordings, take "musicnn" first.
    output : {"penultimate", "mean_pool", "tags"}, default="penultimate"
        Which layer of musicnn, of 200, 753 or 50 numbers.
    device : str, default="auto"
        Where musicnn runs: "cpu", "cuda", or a GPU where there is one.

    See Also
    --------
    segments_from_audio : What is done to each file.
    sklearn_msd.SegmentCropper : Crops and pads songs of ``n_segments=None``.

    Notes
    -----
    There is nothing to fit. One file that cannot be read is an error that names it.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_msd.datasets import AudioSegmenter, load_spoken_digits
    >>> recordings = load_spoken_digits().recordings
    >>> paths, voices = recordings.filenames, recordings.groups
    >>> voice = make_pipeline(AudioSegmenter(4), StandardScaler(), LogisticRegression())
    >>> voice.fit(paths[:12], voices[:12]).predict(paths[12:14]).shape
    (2,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_segments": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
            None,
        ],
        "crop": [StrOptions({"center", "start"})],
        "pad": [StrOptions(set(PADS))],
        "memory": [str, os.PathLike, HasMethods(["cache"]), None],
        "n_jobs": [Integral, None],
        **KIND_CONSTRAINTS,
    }

    def __init__(
        self,
        n_segments: int | str | None = "auto",
        *,
        crop: str = "center",
        pad: str = "repeat",
        memory: str | os.PathLike[str] | Memory | None = None,
        n_jobs: int | None = None,
        features: str = "segments",
        output: str = "penultimate",
        device: str = "auto",
    ):
        self.n_segments = n_segments
        self.crop = crop
        self.pad = pad
        self.memory = memory
        self.n_jobs = n_jobs
        self.features = features
        self.output = output
        self.device = device

    @atomic_fit
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence[str | os.PathLike[str]], y: Any = None) -> Self:
        """Check the parameters; there is nothing to learn, and no file is read.

        Parameters
        ----------
        X : array-like of shape (n_songs,) or (n_songs, 1)
            Paths.
        y : None
            Ignored.

        Returns
        -------
        AudioSegmenter
            Itself.
        """
        _check_paths(X)
        return self

    def transform(self, X: Sequence[str | os.PathLike[str]]) -> NDArray[np.float32]:
        """Read the files.

        Parameters
        ----------
        X : array-like of shape (n_songs,) or (n_songs, 1)
            Paths.

        Returns
        -------
        ndarray of shape (n_songs, n_segments * n_segment_features), or \
                (n_songs, n_segments, n_segment_features) where all are kept
            Songs, of 25 features a segment, or as many as the layer of musicnn has.

        Raises
        ------
        ValueError, OSError
            As `segments_from_audio`, for the first file that cannot be read; files that
            are missing or empty are found before any is read.
        """
        self._validate_params()
        paths = _check_paths(X)
        for path in paths:
            check_file(path)  # all of them before the first is read
        reader = segment_reader(self)
        files = Parallel(n_jobs=self.n_jobs)(
            delayed(reader.read)(path) for path in paths
        )
        for doubt in chain.from_iterable(file.doubts for file in files):
            warnings.warn(doubt, stacklevel=3)  # past scikit-learn's set_output
        return reader.songs([file.segments for file in files])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns: ``segment_0_chroma_0``, ``segment_0_chroma_1``, …

        Parameters
        ----------
        input_features : None
            Ignored: paths are not features.

        Returns
        -------
        ndarray of shape (n_segments * n_segment_features,)
            Names, as objects. Of musicnn, tags have their own; other outputs are
            numbered: ``segment_0_penultimate_0``.

        Raises
        ------
        ValueError
            If all segments are kept: sequences have no columns.
        """
        reader = segment_reader(self)
        if reader.length is None:
            raise ValueError(
                f"n_segments={self.n_segments!r} gives sequences, which have no "
                "columns."
            )
        names = flat_feature_names(reader.length, reader.kind.names)
        return np.asarray(names, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def segment_reader(segmenter: AudioSegmenter) -> SegmentReader:
    """Return what reads files as a segmenter's parameters say."""
    parameters = segmenter.get_params(deep=False)
    del parameters["n_jobs"]
    return SegmentReader(**parameters)


def _is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def _check_paths(X: Any) -> list[str]:
    """Paths as strings, from a sequence or a single column of them."""
    if _is_path(X):
        raise ValueError(f"X must be a list of paths, got one path: {X!s}.")
    paths = np.asarray(X, dtype=object)
    if paths.ndim == 2 and paths.shape[1] == 1:
        paths = paths[:, 0]
    if paths.ndim != 1 or not len(paths):
        raise ValueError(
            f"X must hold at least one path, in one dimension; got shape {paths.shape}."
        )
    for i, path in enumerate(paths):
        if not _is_path(path):
            raise ValueError(f"X[{i}] is not a path but {type(path).__name__}.")
    return [os.fspath(path) for path in paths]

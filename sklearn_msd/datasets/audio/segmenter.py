"""Segments straight from audio: one file, or a transformer over many."""

import os
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from joblib import Memory
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_memory, check_random_state

from sklearn_msd.datasets.audio.decoding import RATES, read_audio
from sklearn_msd.datasets.audio.features import audio_segments
from sklearn_msd.segments.as_array import as_array
from sklearn_msd.segments.columns import feature_names, flat_feature_names
from sklearn_msd.segments.layout import PADS, iter_crops, stack_segments


@validate_params(
    {
        "path_or_samples": [str, os.PathLike, "array-like"],
        "sample_rate": [Interval(Real, *RATES, closed="both"), None],
        "return_times": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def segments_from_audio(
    path_or_samples: str | os.PathLike[str] | ArrayLike,
    sample_rate: float | None = None,
    *,
    return_times: bool = False,
) -> NDArray[np.float32] | tuple[NDArray[np.float32], NDArray[np.floating]]:
    """Take segments of 25 features from a recording.

    A segment begins at an onset, and long sounds are cut into even parts, so that
    there are about as many as in the Million Song Dataset: 4.4 a second, 0.23 s
    each at the median. Features: 12 chroma, pitch classes from C to B (A at 440 Hz),
    the strongest of each segment 1, all 1 in silence; 12 timbre coefficients, the
    first the mean level in dB above -60 dB, the others mel-frequency cepstral
    coefficients 1 to 11 of the mel spectrum in dB; and the loudness of the loudest
    frame in dB of full scale, at least -60.

    Parameters
    ----------
    path_or_samples : str, path-like or array-like of shape (n_samples,) or \
            (n_samples, n_channels)
        A file that soundfile or librosa reads (WAV, FLAC, Ogg, MP3, …), or samples
        between -1 and 1; integers are taken as shares of their type's range.
        Channels are averaged.
    sample_rate : float, default=None
        Samples a second, 1 to 768 kHz, given in Hz. Needed for samples; a file says it
        itself.
    return_times : bool, default=False
        Whether to return where segments start as well.

    Returns
    -------
    segments : ndarray of shape (n_segments, 25), float32
        Features of each segment: chroma, timbre, loudness.
    start : ndarray of shape (n_segments,)
        Start of each segment in seconds. Only if ``return_times`` is True.

    Raises
    ------
    ValueError
        If a file is empty, cut short, damaged or not audio (the message names it), or
        samples are empty, not finite, or without a rate.
    OSError
        If there is no such file, or it may not be read.
    ImportError
        If librosa or soundfile is missing: ``pip install sklearn-msd[audio]``.

    Notes
    -----
    The features are of the kind that the Million Song Dataset has, not the same: Echo
    Nest's timbre is a projection on twelve spectral shapes that were never published,
    and its segmentation is not public either. A model trained on the one is of no use
    on the other; train on audio to predict audio.

    A louder copy has the same segments, chroma and timbre, but for the first
    coefficient, and its loudness is higher by as much.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msd.datasets import segments_from_audio
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(44_100) / 22_050)
    >>> segments = segments_from_audio(tone, 22_050)
    >>> segments.shape
    (9, 25)
    >>> segments[:, :12].argmax(axis=1)  # A
    array([9, 9, 9, 9, 9, 9, 9, 9, 9])
    """
    if isinstance(path_or_samples, str | os.PathLike):
        if sample_rate is not None:
            raise ValueError(
                "sample_rate is for samples; a file says its own. "
                f"Got sample_rate={sample_rate} with the path {path_or_samples!s}."
            )
        samples, sample_rate = read_audio(path_or_samples)
    else:
        if sample_rate is None:
            raise ValueError("sample_rate is needed for samples, in Hz.")
        samples = _mono(path_or_samples)
    segments, start = audio_segments(samples, sample_rate)
    return (segments, start) if return_times else segments


def _mono(samples: ArrayLike) -> NDArray[np.floating]:
    """One channel of floating-point samples."""
    y = np.asarray(as_array(samples, "samples"))
    if y.dtype.kind == "i":
        y = y / -float(np.iinfo(y.dtype).min)
    if y.dtype.kind != "f":
        raise ValueError(
            f"samples have dtype {y.dtype}, expected floating point or signed integers."
        )
    if y.ndim == 2 and y.shape[1] > y.shape[0]:
        raise ValueError(
            f"samples have shape {y.shape}, more channels than samples: expected "
            "(n_samples, n_channels). Are they transposed?"
        )
    if y.ndim not in (1, 2) or not y.size:
        raise ValueError(
            f"samples have shape {y.shape}, expected (n_samples,) or "
            "(n_samples, n_channels), neither of them 0."
        )
    y = y if y.ndim == 1 else y.mean(axis=1)
    if not np.isfinite(y).all():
        raise ValueError("samples hold NaN or infinity.")
    return y


def _file_segments(path: str, size: int, mtime_ns: int) -> NDArray[np.float32]:
    """Segments of a file; the arguments past the first are for a cache to see."""
    segments = segments_from_audio(path)
    assert isinstance(segments, np.ndarray)
    return segments


class AudioSegmenter(TransformerMixin, BaseEstimator):
    """Turn paths of audio files into songs of segments.

    Parameters
    ----------
    n_segments : int or None, default=120
        Segments of each song, cropped or padded to it. None keeps all, as sequences
        of unequal length, padded with NaN.
    crop : {"center", "start"}, default="center"
        Which part of a longer recording is kept.
    pad : {"repeat", "mean", "zero", "nan"}, default="repeat"
        What lengthens shorter recordings, as in `SegmentCropper`.
    memory : str, path-like or object with the joblib.Memory interface, default=None
        Where to keep the segments of each file, to be taken from there as long as the
        file is the same. By default, nothing is kept.
    n_jobs : int or None, default=None
        Processes that read files, as everywhere in scikit-learn.

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
    >>> from sklearn_msd.datasets import AudioSegmenter
    >>> genre = make_pipeline(AudioSegmenter(), StandardScaler(), LogisticRegression())
    >>> genre.fit(["a.mp3", "b.flac"], ["Jazz", "Rock"])  # doctest: +SKIP
    >>> genre.predict(["c.wav"])  # doctest: +SKIP
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_segments": [Interval(Integral, 1, None, closed="left"), None],
        "crop": [StrOptions({"center", "start"})],
        "pad": [StrOptions(set(PADS))],
        "memory": [str, os.PathLike, HasMethods(["cache"]), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_segments: int | None = 120,
        *,
        crop: str = "center",
        pad: str = "repeat",
        memory: str | os.PathLike[str] | Memory | None = None,
        n_jobs: int | None = None,
    ):
        self.n_segments = n_segments
        self.crop = crop
        self.pad = pad
        self.memory = memory
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
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
        ndarray of shape (n_songs, n_segments * 25), or (n_songs, n_segments, 25) \
                where ``n_segments`` is None
            Songs.

        Raises
        ------
        ValueError, OSError
            As `segments_from_audio`, for the first file that cannot be read.
        """
        self._validate_params()
        memory = self.memory
        if isinstance(memory, os.PathLike):
            memory = os.fspath(memory)
        read = check_memory(memory).cache(_file_segments)
        paths = _check_paths(X)
        stats = [os.stat(path) for path in paths]
        songs = Parallel(n_jobs=self.n_jobs)(
            delayed(read)(path, stat.st_size, stat.st_mtime_ns)
            for path, stat in zip(paths, stats, strict=True)
        )
        if self.n_segments is None:
            return stack_segments(songs)
        crops = iter_crops(
            songs,
            self.n_segments,
            crop=self.crop,
            pad=self.pad,
            random_state=check_random_state(0),  # not drawn from
        )
        return np.stack([np.ravel(song_crops) for song_crops in crops])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns: ``segment_0_chroma_0``, ``segment_0_chroma_1``, …

        Parameters
        ----------
        input_features : None
            Ignored: paths are not features.

        Returns
        -------
        ndarray of shape (n_segments * 25,)
            Names, as objects.

        Raises
        ------
        ValueError
            If ``n_segments`` is None: sequences have no columns.
        """
        if self.n_segments is None:
            raise ValueError("n_segments=None gives sequences, which have no columns.")
        names = flat_feature_names(self.n_segments, feature_names())
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

"""Segments of one recording, of whichever kind, from a file or from samples."""

import os
import warnings
from collections.abc import Callable
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_msd.common.scikit_learn.private import (
    Interval,
    StrOptions,
    validate_params,
)
from sklearn_msd.datasets.audio.decoding import RATES, decode_audio
from sklearn_msd.datasets.audio.features import FEATURE_VERSION, RATE, audio_segments
from sklearn_msd.segments.as_array import as_array
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
    rate : int
        In Hz, to which samples are brought.
    version : int
        Another wherever the same samples give other segments.
    segments : callable
        From samples (n_samples,), which may be overwritten, and their rate in Hz to
        segments (n_segments, n_features), float32, and where they start, in seconds.
    """

    names: list[str]
    n_segments: int | None
    rate: int
    version: int
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
        segments = partial(audio_segments, overwrite=True)
        return Kind(feature_names(), 120, RATE, FEATURE_VERSION, segments)
    # Not before it is needed: it takes PyTorch in.
    from sklearn_msd.datasets.audio.musicnn import features as musicnn

    names = musicnn.musicnn_names(output)
    segments = partial(musicnn.musicnn_segments, output=output, device=device)
    return Kind(names, None, musicnn.RATE, musicnn.FEATURE_VERSION, segments)


@validate_params(
    {
        "path_or_samples": [str, os.PathLike, "array-like"],
        "sample_rate": [Interval(Real, *RATES, closed="both"), None],
        "return_times": ["boolean"],
        **KIND_CONSTRAINTS,
    },
    prefer_skip_nested_validation=True,
)
def segments_from_audio(
    path_or_samples: str | os.PathLike[str] | ArrayLike,
    sample_rate: float | None = None,
    *,
    features: str = "segments",
    output: str = "penultimate",
    device: str = "auto",
    return_times: bool = False,
) -> NDArray[np.float32] | tuple[NDArray[np.float32], NDArray[np.floating]]:
    """Take segments from a recording: 25 features each, or those of musicnn.

    Of ``features="segments"``, a segment begins at an onset, and long sounds are cut
    into even parts, so that segments last about as long as those of the Million Song
    Dataset, a quarter of a second. Features: 12 chroma, pitch classes from C to B (A at
    440 Hz), the strongest of each segment 1, all 1 in silence; 12 timbre coefficients,
    the first the mean level in dB above -60 dB, the others mel-frequency cepstral
    coefficients 1 to 11 of the mel spectrum in dB; and the loudness of the loudest
    frame in dB of full scale, at least -60.

    Of ``features="musicnn"``, a segment is 2.992 seconds long, and its features are
    what a layer of musicnn gives for it, a net that was trained on the tags of the
    Million Song Dataset [1]_. A rest at the end that fills no segment is left out; a
    recording shorter than one is repeated to fill it.

    Parameters
    ----------
    path_or_samples : str, path-like or array-like of shape (n_samples,) or \
            (n_samples, n_channels)
        A file: WAV, FLAC, Ogg, MP3 and what else soundfile reads; m4a, wma and others
        where ffmpeg is installed. Or samples between -1 and 1; integers are taken as
        shares of their type's range. Channels are averaged.
    sample_rate : float, default=None
        Samples a second, 1 to 768 kHz, given in Hz. Needed for samples; a file says it
        itself.
    features : {"segments", "musicnn"}, default="segments"
        Which kind of segments.
    output : {"penultimate", "mean_pool", "tags"}, default="penultimate"
        Which layer of musicnn: the hidden layer before the tags, 200 numbers; means
        over time of all that comes before it, 753; or the 50 tags themselves, as
        probabilities.
    device : str, default="auto"
        Where musicnn runs: "cpu", "cuda", or a GPU where there is one.
    return_times : bool, default=False
        Whether to return where segments start as well.

    Returns
    -------
    segments : ndarray of shape (n_segments, 25, 200, 753 or 50), float32
        Features of each segment: chroma, timbre, loudness, or a layer's.
    start : ndarray of shape (n_segments,)
        Start of each segment in seconds. Only if ``return_times`` is True.

    Raises
    ------
    ValueError
        If a file is empty, cut short, damaged or not audio (the message names it), or
        samples are empty, not finite, or without a rate, or there is no such device.
    OSError
        If there is no such file, or it may not be read.
    ImportError
        If librosa or soundfile is missing: ``pip install sklearn-msd[audio]``.

    Warns
    -----
    UserWarning
        If a file may have been cut short, or is damaged in places, and does not say how
        long it was to be: what is there is read.

    Notes
    -----
    An MP3 is read to its last frame, whatever length its size lets expect; a file that
    holds several, one behind another, is read to the end of the last. A file may unpack
    to 50 minutes, a large one to six hours, which take 2 GB of memory.

    The features are of the kind that the Million Song Dataset has, not the same: Echo
    Nest's timbre is a projection on twelve spectral shapes that were never published,
    and its segmentation is not public either. A model trained on the one is of no use
    on the other; train on audio to predict audio.

    A louder copy has the same segments, chroma and timbre, but for the first
    coefficient, and its loudness is higher by as much. To musicnn loudness matters: it
    was trained on recordings as they were released.

    References
    ----------
    .. [1] J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks
       for music audio tagging", late-breaking session of the 20th International
       Society for Music Information Retrieval Conference, 2019. The model is
       MSD_musicnn of its authors' package, to 1e-4.

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
    >>> tags = segments_from_audio(tone, 22_050, features="musicnn", output="tags")
    >>> tags.shape
    (1, 50)
    """
    kind = kind_of_segments(features, output, device)
    if isinstance(path_or_samples, str | os.PathLike):
        if sample_rate is not None:
            raise ValueError(
                "sample_rate is for samples; a file says its own. "
                f"Got sample_rate={sample_rate} with the path {path_or_samples!s}."
            )
        samples, sample_rate, doubts = decode_audio(path_or_samples, kind.rate)
        for doubt in doubts:
            # Past the check of parameters.
            warnings.warn(f"{path_or_samples!s}: {doubt}.", stacklevel=3)
    else:
        if sample_rate is None:
            raise ValueError("sample_rate is needed for samples, in Hz.")
        samples = _mono(path_or_samples)
    segments, start = kind.segments(samples, sample_rate)
    return (segments, start) if return_times else segments


def _mono(samples: ArrayLike) -> NDArray[np.floating]:
    """One channel of floating-point samples, in memory of its own."""
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
    return y.astype(np.float32)

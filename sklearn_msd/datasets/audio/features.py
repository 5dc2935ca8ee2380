"""From samples to segments of 25 features: onsets, chroma, timbre and loudness.

Everything but loudness is taken from the signal divided by its peak, so that a louder
copy gives the same segments, chroma and timbre.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.signal import find_peaks

from sklearn_msd.common.optional import import_optional
from sklearn_msd.segments.columns import N_FEATURES

# To be raised whenever the same samples give other segments: caches are kept by it.
FEATURE_VERSION = 1

RATE = 22_050  # Hz, to which all signals are brought
HOP = 512  # samples between frames: 23 ms
N_FFT = 2048
# Longer for chroma: semitones below 200 Hz are less than two bins of N_FFT apart.
N_FFT_CHROMA = 4096
N_MELS = 40
# Frames transformed at a time: 32 MB of spectra however long the signal.
BLOCK = 1024

# Of real Million Song Dataset tracks, segments last 0.23 s at the median, 0.11 to
# 0.56 s from the 5th to the 95th percentile.
SEGMENT_SECONDS = 0.23
SHORTEST_SECONDS = 0.1
LONGEST_SECONDS = 0.6
# Mean rise over the mel bands, in dB a frame, that can be an onset at all.
LEAST_RISE = 0.5

FLOOR = -60.0  # dB: what Echo Nest calls silence
# dB below the loudest band; what is fainter does not shape the timbre.
DYNAMIC_RANGE = 80.0
# 90 dB below a tone at full scale: chroma of what is fainter is flat.
CHROMA_FLOOR = 1e-9 * (N_FFT_CHROMA / 4) ** 2

FloatArray = NDArray[np.floating]


def audio_segments(
    samples: FloatArray, sample_rate: float, *, overwrite: bool = False
) -> tuple[NDArray[np.float32], FloatArray]:
    """Segments (n, 25) of one channel of samples, and where they start in seconds.

    ``overwrite`` saves the memory of a copy where the samples are needed no more.
    """
    librosa = import_optional("librosa", "audio")
    y = np.asarray(samples, dtype=np.float32)
    if sample_rate != RATE:
        y = librosa.resample(y, orig_sr=sample_rate, target_sr=RATE)
    peak = float(max(y.max(), -y.min())) or 1.0
    own = overwrite or not np.may_share_memory(y, samples)
    y = np.divide(y, np.float32(peak), out=y if own else None)

    mel, chroma = _filter_banks()
    log_mel = librosa.power_to_db(
        _spectra(librosa, y, N_FFT, lambda power: mel @ power),
        ref=np.max,
        top_db=DYNAMIC_RANGE,
    )
    chroma_frames = _spectra(librosa, y, N_FFT_CHROMA, lambda power: chroma @ power)
    level = _levels(librosa, y, 2 * HOP)
    # A level below the floor by far, and not log of 0, where there is silence.
    level = 20 * np.log10(np.maximum(level * peak, 1e-9))

    starts = segment_starts(log_mel)
    segments = np.empty((len(starts), N_FEATURES), dtype=np.float32)
    segments[:, :12] = _chroma(chroma_frames, starts)
    segments[:, 12] = _means(np.maximum(level, FLOOR), starts) - FLOOR
    segments[:, 13:24] = _means(dct(log_mel, axis=0, norm="ortho")[1:12], starts).T
    segments[:, 24] = np.maximum(np.maximum.reduceat(level, starts), FLOOR)
    return segments, starts * (HOP / RATE)


def segment_starts(log_mel: FloatArray) -> NDArray[np.intp]:
    """First frames of segments: the strongest onsets, and even parts between far ones.

    ``log_mel`` holds mel bands in dB, (n_mels, n_frames).
    """
    n_frames = log_mel.shape[1]
    shortest, typical, longest = (
        seconds * RATE / HOP
        for seconds in (SHORTEST_SECONDS, SEGMENT_SECONDS, LONGEST_SECONDS)
    )
    rise = np.diff(log_mel, axis=1, prepend=log_mel[:, :1])
    rise = np.maximum(rise, 0).mean(axis=0)
    peaks, found = find_peaks(rise, distance=round(shortest), prominence=LEAST_RISE)
    inside = (peaks >= shortest) & (peaks <= n_frames - shortest)
    peaks, strength = peaks[inside], found["prominences"][inside]
    n_most = round(n_frames / typical)
    strongest = np.sort(peaks[np.argsort(-strength, kind="stable")[:n_most]])
    bounds = [0, *strongest.tolist(), n_frames]
    starts: list[int] = []
    for start, stop in pairwise(bounds):
        gap = stop - start
        n_parts = round(gap / typical) if gap > longest else 1
        starts += [start + gap * i // n_parts for i in range(n_parts)]
    return np.array(starts, dtype=np.intp)


@lru_cache
def _filter_banks() -> tuple[FloatArray, FloatArray]:
    """Weights of the mel bands and of the pitch classes: a third of a short file."""
    librosa = import_optional("librosa", "audio")
    mel = librosa.filters.mel(sr=RATE, n_fft=N_FFT, n_mels=N_MELS)
    chroma = librosa.filters.chroma(sr=RATE, n_fft=N_FFT_CHROMA, tuning=0.0)
    return mel, chroma


def _frame_blocks(y: FloatArray, width: int) -> Iterator[FloatArray]:
    """The samples of a block of frames at a time, frames of `width` around each hop.

    Beyond the ends of the signal there is silence.
    """
    n_frames = 1 + len(y) // HOP
    for first in range(0, n_frames, BLOCK):
        last = min(first + BLOCK, n_frames) - 1
        start, stop = first * HOP - width // 2, last * HOP + width - width // 2
        part = y[max(0, start) : stop]
        yield np.pad(part, (max(0, -start), max(0, stop - len(y))))


def _spectra(
    librosa: Any, y: FloatArray, n_fft: int, project: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """Projected power spectra of all frames, a block of frames at a time."""
    blocks = []
    for part in _frame_blocks(y, n_fft):
        stft = librosa.stft(part, n_fft=n_fft, hop_length=HOP, center=False)
        blocks.append(project(np.abs(stft) ** 2))
    return np.concatenate(blocks, axis=1)


def _levels(librosa: Any, y: FloatArray, width: int) -> FloatArray:
    """Root mean square of all frames, a block of frames at a time."""
    blocks = [
        librosa.feature.rms(y=part, frame_length=width, hop_length=HOP, center=False)[0]
        for part in _frame_blocks(y, width)
    ]
    return np.concatenate(blocks)


def _means(frames: FloatArray, starts: NDArray[np.intp]) -> FloatArray:
    """Mean of frames, along the last axis, over each segment."""
    lengths = np.diff(starts, append=frames.shape[-1])
    return np.add.reduceat(frames, starts, axis=-1) / lengths


def _chroma(frames: FloatArray, starts: NDArray[np.intp]) -> FloatArray:
    """Chroma of segments (n_segments, 12), the strongest pitch class of each 1."""
    chroma = _means(frames, starts).T + CHROMA_FLOOR
    return np.asarray(chroma / chroma.max(axis=1, keepdims=True))

"""Background of synthetic songs: noise with the statistics of real segments."""

import json
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from sklearn_msd.segments.columns import GROUPS, N_FEATURES

FloatArray = NDArray[np.floating]

N_CHROMA = len(GROUPS["chroma"])
CHROMA, OTHERS = np.s_[:N_CHROMA], np.s_[N_CHROMA:]
# Cutting chroma off at 0 and 1 narrows and shifts it. The uncut process is made lower
# and wider by these, found by simulation, so that what comes out has the real figures.
CHROMA_SHIFT, CHROMA_WITHIN, CHROMA_BETWEEN, CHROMA_LAG1 = -0.05, 1.05, 1.2, 1.15


class SongStatistics(NamedTuple):
    """Figures of real songs, in the data set's units (loudness in dB)."""

    mean: FloatArray  # (25,)
    within: FloatArray  # (25, 25) covariance of a song's segments
    between: FloatArray  # (25, 25) covariance of songs' mean segments
    lag1: FloatArray  # (25,) autocorrelation of a song's segments

    @property
    def scale(self) -> FloatArray:
        """Standard deviation of the segments of all songs, (25,)."""
        return np.sqrt(np.diag(self.within) + np.diag(self.between))


@lru_cache
def song_statistics() -> SongStatistics:
    """Read the figures, those of 286 Million Song Dataset tracks."""
    path = files("sklearn_msd.datasets") / "data" / "msd_segment_statistics.json"
    figures = json.loads(path.read_text(encoding="utf-8"))
    return SongStatistics(
        mean=np.asarray(figures["mean"]),
        within=np.asarray(figures["within_song_covariance"]),
        between=np.asarray(figures["between_song_covariance"]),
        lag1=np.asarray(figures["lag1_autocorrelation"]),
    )


@lru_cache
def uncut_statistics() -> SongStatistics:
    """The figures before chroma is transposed at random and cut off at 0 and 1."""
    real = song_statistics()
    mean, lag1 = real.mean.copy(), over_keys(real.lag1)
    mean[CHROMA] += CHROMA_SHIFT
    lag1[CHROMA] *= CHROMA_LAG1
    within, between = over_keys(real.within), over_keys(real.between)
    for covariance, width in ((within, CHROMA_WITHIN), (between, CHROMA_BETWEEN)):
        covariance[CHROMA] *= width
        covariance[:, CHROMA] *= width
    return SongStatistics(mean, within, between, lag1)


def over_keys(figures: FloatArray) -> FloatArray:
    """Average a vector or matrix over the twelve transpositions of its chroma."""
    total = np.zeros_like(figures)
    for key in range(N_CHROMA):
        rolled = np.r_[np.roll(np.arange(N_CHROMA), key), N_CHROMA:N_FEATURES]
        total += figures[np.ix_(*[rolled] * figures.ndim)]
    return total / N_CHROMA


def root(covariance: FloatArray) -> FloatArray:
    """Symmetric root of the nearest positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


def innovation_root() -> FloatArray:
    """Root of the covariance of what a segment adds to the one before, (25, 25)."""
    _, within, _, lag1 = uncut_statistics()
    return root(within * (1 - np.outer(lag1, lag1)))


def lag1_left(signal_within: FloatArray, signal_lag1: FloatArray) -> FloatArray:
    """Autocorrelation that the background needs beside a signal, (25,).

    Beyond -1..1 no background can make up for what the signal lacks.
    """
    _, within, _, lag1 = uncut_statistics()
    variance = np.diag(within)
    return (lag1 * variance - signal_lag1) / (variance - np.diag(signal_within))


class Background:
    """First-order autoregressive songs that leave room for a signal.

    Signal and background together have the covariances and the lag-1 autocorrelation of
    real songs.

    Parameters
    ----------
    signal_within : (25, 25) array
        Covariance that the signal adds within songs.
    signal_lag1 : (25,) array
        Covariance of the signal with itself one segment later, feature by feature.
    signal_between : (25, 25) array
        Covariance that the signal adds between songs.

    Raises
    ------
    ValueError
        If the signal varies more than real songs do.
    """

    def __init__(
        self,
        signal_within: FloatArray,
        signal_lag1: FloatArray,
        signal_between: FloatArray,
    ) -> None:
        _, within, between, _ = uncut_statistics()
        if eigh(signal_within, within, eigvals_only=True)[-1] >= 1:
            raise ValueError(
                "class_sep is too large for these shares: the sounds would vary more "
                "than real segments do. Lower class_sep or the shares."
            )
        if eigh(signal_between, between, eigvals_only=True)[-1] >= 1:
            raise ValueError(
                "mean_sep is too large for this number of classes: their means would "
                "vary more than those of real songs. Lower mean_sep."
            )
        rest = within - signal_within
        lag1 = np.clip(lag1_left(signal_within, signal_lag1), -0.95, 0.95)
        self.lag1 = lag1.astype(np.float32)
        self.start_root = root(rest).astype(np.float32)
        self.step_root = root(rest * (1 - np.outer(lag1, lag1))).astype(np.float32)
        self.between_root = root(between - signal_between).astype(np.float32)

    def sample(
        self, n_songs: int, n_segments: int, rng: np.random.Generator
    ) -> FloatArray:
        """Draw (n_songs, n_segments, 25) float32 values around 0."""

        def normal(*shape: int) -> FloatArray:
            return rng.standard_normal((*shape, N_FEATURES), dtype=np.float32)

        x = normal(n_segments, n_songs) @ self.step_root
        x[0] = normal(n_songs) @ self.start_root
        for t in range(1, n_segments):
            x[t] += self.lag1 * x[t - 1]
        x += normal(n_songs) @ self.between_root
        return np.ascontiguousarray(x.transpose(1, 0, 2))


def transpose_and_cut(
    x: FloatArray, offset: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Transpose songs to random keys, add `offset`, bring chroma into its range.

    Parameters
    ----------
    x : (n_songs, n_segments, 25) array
        Changed in place.
    offset : (25,) array
        Mean segment; it stays as it is in every key, as real songs' does: some
        pitches are more frequent than others.

    Returns
    -------
    x : (n_songs, n_segments, 25) array
        Chroma lies in 0..1 with a maximum of 1 in every segment.
    """
    chroma = x[..., CHROMA]
    keys = rng.integers(N_CHROMA, size=(len(x), 1, 1))
    pitches = (np.arange(N_CHROMA) - keys) % N_CHROMA
    chroma[:] = np.take_along_axis(chroma, pitches, axis=2)
    x += offset.astype(x.dtype)
    strongest = chroma.argmax(axis=2)[..., None]
    np.clip(chroma, 0, 1, out=chroma)
    np.put_along_axis(chroma, strongest, 1, axis=2)
    return x

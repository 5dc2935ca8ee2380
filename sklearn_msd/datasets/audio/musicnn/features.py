"""Features that musicnn gives every three seconds of a recording."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from sklearn_msd.common.optional import import_optional
from sklearn_msd.common.pytorch.device import resolve_device
from sklearn_msd.common.pytorch.modes import plain_torch
from sklearn_msd.datasets.audio.musicnn.net import N_FRAMES, N_MELS, MusicNN

# To be raised whenever the same samples give other numbers: caches are kept by it.
FEATURE_VERSION = 1

RATE = 16_000  # Hz, to which all signals are brought
HOP = 256  # samples between frames
N_FFT = 512
PATCH = N_FRAMES * HOP  # samples
# Patches at a time: memory does not grow with the recording.
BATCH = {"cpu": 8, "cuda": 64}

WEIGHTS = Path(__file__).with_name("weights.safetensors")

N_OUTPUTS: dict[str, int] = {"penultimate": 200, "mean_pool": 753, "tags": 50}

# The 50 most frequent last.fm tags of the Million Song Dataset, in the order of the
# net's outputs.
TAGS = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance",
    "00s", "alternative rock", "jazz", "beautiful", "metal", "chillout",
    "male vocalists", "classic rock", "soul", "indie rock", "Mellow", "electronica",
    "80s", "folk", "90s", "chill", "instrumental", "punk", "oldies", "blues",
    "hard rock", "ambient", "acoustic", "experimental", "female vocalist", "guitar",
    "Hip-Hop", "70s", "party", "country", "easy listening", "sexy", "catchy", "funk",
    "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop", "sad",
    "House", "happy",
)  # fmt: skip


def musicnn_names(output: str) -> list[str]:
    """Names of the numbers that a layer gives."""
    if output == "tags":
        return list(TAGS)
    return [f"{output}_{i}" for i in range(N_OUTPUTS[output])]


def musicnn_segments(
    samples: NDArray[np.floating],
    sample_rate: float,
    output: str = "penultimate",
    device: str = "auto",
) -> tuple[NDArray[np.float32], NDArray[np.floating]]:
    """Features of each whole patch of 2.992 seconds, one after the other.

    A recording shorter than one patch is repeated to fill it, as the net was trained.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,)
        One channel, between -1 and 1. The net was trained on recordings as they were
        released: louder or softer ones have other features.
    sample_rate : float
        In Hz.
    output : {"penultimate", "mean_pool", "tags"}
        Which layer: the hidden layer, the means over time of all that comes before
        it, or the probabilities of `TAGS`.
    device : str, default="auto"
        Where the net runs: a CUDA device where there is one.

    Returns
    -------
    segments : ndarray of shape (n_patches, 200, 753 or 50), float32
    start : ndarray of shape (n_patches,)
        Where patches start, in seconds.

    Raises
    ------
    ImportError
        If librosa is missing.
    ValueError
        If there is no such device.
    """
    place = resolve_device(device)
    with plain_torch(), torch.device("cpu"):
        net = _net(place)
    # Convolutions of CUDA devices round to 10 bits unless told not to.
    exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
    with plain_torch(), torch.inference_mode(), exact:
        batches = [
            net.layers(torch.from_numpy(patches).to(place))[output].cpu().numpy()
            for patches in _batches(samples, sample_rate, place.type)
        ]
    segments = np.concatenate(batches)
    return segments, np.arange(len(segments)) * (PATCH / RATE)


@lru_cache
def _net(device: torch.device) -> MusicNN:
    net = MusicNN()
    net.load_state_dict(load_file(WEIGHTS))
    # Whatever PyTorch's default type is.
    return net.requires_grad_(False).to(device, torch.float32)


def _batches(
    samples: NDArray[np.floating], sample_rate: float, device_type: str
) -> Iterator[NDArray[np.float32]]:
    """Patches of spectra, (n_patches, 187, 96), a batch at a time."""
    librosa = import_optional("librosa", "audio")
    y = np.asarray(samples, dtype=np.float32)
    if sample_rate != RATE:
        y = librosa.resample(y, orig_sr=sample_rate, target_sr=RATE)
    # The first and the last frame are centred on the ends of the recording.
    shortest = PATCH - HOP
    if len(y) < shortest:
        y = np.resize(y, shortest)
    n_patches = (1 + len(y) // HOP) // N_FRAMES
    padded = np.pad(y, N_FFT // 2)
    size = BATCH.get(device_type, BATCH["cpu"])
    for first in range(0, n_patches, size):
        last = min(first + size, n_patches)
        part = padded[first * PATCH : last * PATCH - HOP + N_FFT]
        yield _log_mel(part).reshape(-1, N_FRAMES, N_MELS)


def _log_mel(padded: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compressed mel spectra (n_frames, 96) of all whole frames."""
    librosa = import_optional("librosa", "audio")
    spectrum = librosa.stft(padded, n_fft=N_FFT, hop_length=HOP, center=False)
    energy = _mel_bands() @ np.abs(spectrum) ** 2
    return np.ascontiguousarray(np.log10(10_000 * energy.T + 1))


@lru_cache
def _mel_bands() -> NDArray[np.float32]:
    librosa = import_optional("librosa", "audio")
    bands: NDArray[np.float32] = librosa.filters.mel(
        sr=RATE, n_fft=N_FFT, n_mels=N_MELS
    )
    return bands

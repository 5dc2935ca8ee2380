"""Signals for musicnn: noise, tones and speech. No random number can change them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Frames of each layer that the reference keeps.
FRAMES = [0, 1, 62, 93, 125, 186]


def noise() -> tuple[NDArray[np.float32], int]:
    """Two patches of white noise, 16 kHz."""
    samples = np.random.RandomState(0).standard_normal(6 * 16_000)
    return (0.1 * samples).astype(np.float32), 16_000


def tones() -> tuple[NDArray[np.float32], int]:
    """A chord whose notes swell at three rates, loud, 22.05 kHz."""
    seconds = np.arange(int(3.2 * 22_050)) / 22_050
    notes = [
        np.sin(2 * np.pi * pitch * seconds) * (1 + np.sin(2 * np.pi * rate * seconds))
        for pitch, rate in ((220, 1), (554.37, 2), (1318.5, 8))
    ]
    return (sum(notes) / 6).astype(np.float32), 22_050


def speech(folder: Path) -> tuple[NDArray[np.float32], int]:
    """The digits from 0 to 9 by one speaker of those that ship with the package."""
    import soundfile

    digits = [soundfile.read(folder / f"{digit}_jackson_0.wav") for digit in range(10)]
    return np.concatenate([samples for samples, _ in digits]).astype(np.float32), 8_000


def random_patch() -> NDArray[np.float32]:
    """A patch of spectra (1, 187, 96), for tests that know no librosa."""
    return np.random.RandomState(1).uniform(0, 5, (1, 187, 96)).astype(np.float32)

"""Samples of an audio file, or an error that names it; nothing cut short is let by."""

import os
import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_msd.common.optional import import_optional

# Sizes of the samples in WAV, AIFF and AU files, as libsndfile's log gives them where
# the header says more than the file holds.
_WRONG_SIZE = re.compile(
    r"^\s*(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE
)
# Written for "unknown" by programs that could not go back to the header.
_UNKNOWN_SIZE = 0x7FFFF000
# The length of an MP3 file without a header is an estimate, off by some frames.
_TOLERANCE = 0.1  # seconds

# Sample rates in Hz, from well below telephones to above studios. Beyond them a header
# is damaged, and to believe it would take any amount of memory.
RATES = (1_000, 768_000)

# Six hours at 44.1 kHz. A small file of silence can be much longer.
MAX_SAMPLES = 2**30
_BLOCK = 2**20


def read_audio(path: str | os.PathLike[str]) -> tuple[NDArray[np.float32], float]:
    """Samples of a file, its channels averaged, and their rate in Hz.

    soundfile is tried first; what it does not know (m4a, wma, …) is left to librosa,
    which may find another decoder on the machine.

    Raises
    ------
    ValueError
        If the file is empty, cut short, damaged, or not audio; the message names it.
    OSError
        If there is no such file, or it may not be read.
    """
    soundfile = import_optional("soundfile", "audio")
    path = os.fspath(path)
    # An OSError of Python's own says more than libsndfile's "System error".
    with open(path, "rb") as file:
        if not file.read(1):
            raise ValueError(f"{path}: the file is empty.")
    try:
        with soundfile.SoundFile(path) as file:
            rate, expected, log = file.samplerate, file.frames, file.extra_info
            samples = _mono(file, path)
    except soundfile.SoundFileError as error:
        known = os.path.splitext(path)[1][1:].upper() in soundfile.available_formats()
        if known:
            raise ValueError(
                f"{path}: damaged, cut short, or not audio ({error})"
            ) from error
        return _read_with_librosa(path)
    if expected - len(samples) > _TOLERANCE * rate or _header_says_more(log):
        raise ValueError(f"{path}: cut short: the header tells of more samples.")
    if _ogg_is_open(path):
        raise ValueError(f"{path}: cut short: the Ogg stream has no last page.")
    if not len(samples):
        raise ValueError(f"{path}: the file holds no samples.")
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"{path}: damaged: a sample rate of {rate} Hz.")
    if not np.isfinite(samples).all():
        raise ValueError(f"{path}: damaged: samples are NaN or infinite.")
    return samples, rate


def _mono(file: Any, path: str) -> NDArray[np.float32]:
    """The mean of the channels, read block by block: a header may claim any length."""
    blocks, length = [np.empty(0, np.float32)], 0
    while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
        blocks.append(block.mean(axis=1))
        length += len(block)
        if length > MAX_SAMPLES:
            raise ValueError(
                f"{path}: too long: more than {MAX_SAMPLES} samples a channel."
            )
    return np.concatenate(blocks)


def _read_with_librosa(path: str) -> tuple[NDArray[np.float32], float]:
    librosa = import_optional("librosa", "audio")
    try:
        with warnings.catch_warnings():
            # Its news that soundfile failed, and that the other way is to go.
            warnings.simplefilter("ignore")
            samples, rate = librosa.load(path, sr=None, mono=True)
            return samples, rate
    except Exception as error:
        raise ValueError(
            f"{path}: not an audio file that soundfile or librosa can read "
            f"({type(error).__name__}: {error})"
        ) from error


def _header_says_more(log: str) -> bool:
    sizes = [(int(said), int(is_)) for said, is_ in _WRONG_SIZE.findall(log)]
    return any(is_ < said < _UNKNOWN_SIZE for said, is_ in sizes)


def _ogg_is_open(path: str) -> bool:
    """Whether a file is an Ogg stream whose last page is cut or not marked as last."""
    with open(path, "rb") as file:
        if file.read(4) != b"OggS":
            return False
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 65_536))  # a page has at most 65,307 bytes
        tail = file.read()
    # A page: 27 bytes, the sixth with flags (bit 2: last page), the last the number
    # of lengths that follow; then as many bytes as these lengths add up to.
    page = tail[max(0, tail.rfind(b"OggS")) :]
    whole = len(page) > 26 and len(page) >= 27 + page[26] + sum(
        page[27 : 27 + page[26]]
    )
    return not (whole and page[5] & 4)

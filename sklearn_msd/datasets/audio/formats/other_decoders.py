"""What soundfile does not know (m4a, wma, …), by a decoder that the machine may have.

audioread knows where to find one: ffmpeg, or those of macOS and GStreamer.
"""

import os
import warnings
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_msd.common.optional import import_optional

#: Blocks of samples, one channel, and their rate in Hz.
Blocks: TypeAlias = Iterator[tuple[NDArray[np.float32], float]]

# By which bytes, and where, formats are known that soundfile does not read.
_FORMATS = {
    (4, b"ftyp"): "MP4 (m4a)",
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"): "Windows Media (wma)",
    (0, b"\x1a\x45\xdf\xa3"): "Matroska or WebM",
    (0, b"\xff\xf1"): "AAC",
    (0, b"\xff\xf9"): "AAC",
    (0, b"MAC "): "Monkey's Audio (ape)",
    (0, b"wvPk"): "WavPack",
    (0, b"MPCK"): "Musepack",
    (0, b"MP+"): "Musepack",
    (0, b"TTA1"): "True Audio",
    (0, b"#!AMR"): "AMR",
}
# MP4 and Windows Media say how long they are; of others, ffmpeg makes an estimate.
_KNOW_THEIR_LENGTH = ("MP4 (m4a)", "Windows Media (wma)")
_TOLERANCE = 1.0  # seconds; durations are rounded, and tracks begin and end apart


def other_blocks(path: str, error: Exception) -> Blocks:
    """Means of the channels, block by block.

    Parameters
    ----------
    path : str
        The file.
    error : Exception
        What soundfile said of it.

    Raises
    ------
    ValueError
        If no decoder on this machine reads the file; the message names both.
    """
    with open(path, "rb") as file:
        head = file.read(16)
    kind = next((v for (at, k), v in _FORMATS.items() if head.startswith(k, at)), None)
    source = _open(path)
    if source is None:
        raise ValueError(_refusal(path, kind, error)) from error
    length = 0
    with source:
        rate, channels = source.samplerate, source.channels
        for part in source:  # 16-bit numbers, the channels interleaved
            samples = np.frombuffer(part, "<i2").reshape(-1, channels)
            length += len(samples)
            yield samples.mean(axis=1, dtype=np.float32) / np.float32(2**15), rate
    missing = source.duration - length / rate
    if kind in _KNOW_THEIR_LENGTH and abs(missing) > _TOLERANCE:
        raise ValueError(
            f"{path}: cut short or damaged: it is to last {source.duration:.1f} "
            f"seconds, and {length / rate:.1f} can be decoded."
        )


def _open(path: str) -> Any:
    """The file, opened by the first decoder that can; None if there is none."""
    for decoder in _decoders():
        try:
            source = decoder(path)
        except Exception:  # each has errors of its own, and audioread others
            continue
        if source.samplerate and source.channels:
            return source
        source.close()
    return None


def _decoders() -> list[Any]:
    """Decoders of audioread, but for the one of Python's own library.

    That reads WAV, AIFF and AU files, which soundfile knows better.
    """
    audioread = import_optional("audioread", "audio")
    with warnings.catch_warnings():
        # That of modules which Python's library is to lose.
        warnings.simplefilter("ignore")
        found = audioread.available_backends()
    return [decoder for decoder in found if decoder.__name__ != "RawAudioFile"]


def _refusal(path: str, kind: str | None, error: Exception) -> str:
    """The message about a file that no decoder reads."""
    soundfile = import_optional("soundfile", "audio")
    ending = os.path.splitext(path)[1][1:].upper()
    said = getattr(error, "error_string", str(error))  # without the path
    if "does not exist" in said:  # what libsndfile says of MP3 that it cannot find
        said = "Format not recognised."
    if kind is None and ending in soundfile.available_formats():
        return f"{path}: damaged, cut short, or not audio ({said})."
    what = "not an audio file that soundfile can read"
    what = f"{kind}, which soundfile cannot read" if kind else f"{what} ({said})"
    if decoders := _decoders():
        names = ", ".join(decoder.__name__ for decoder in decoders)
        return f"{path}: {what}; nor can {names}."
    return (
        f"{path}: {what}; ffmpeg is not installed, which reads m4a, wma and many other "
        "formats: install it, so that there is a command `ffmpeg`."
    )

"""Samples of an audio file, or an error that names it; nothing cut short is let by."""

import contextlib
import io
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_msd.common.files.damage import one_error
from sklearn_msd.common.native_output import caught_lines
from sklearn_msd.common.optional import import_optional
from sklearn_msd.datasets.audio.formats.containers import (
    behind_id3v2,
    bytes_behind_wav,
    flac_streams,
    header_says_more,
    ogg_chain,
    unfinished_wav,
)
from sklearn_msd.datasets.audio.formats.mpeg import Stream, as_file, find_streams
from sklearn_msd.datasets.audio.formats.other_decoders import Blocks, other_blocks

# libsndfile's number of samples is larger still where the header does not say it.
_UNKNOWN_LENGTH = 2**60
# Some frames of MP3, which headers count in more ways than one.
_TOLERANCE = 0.1  # seconds

# Sample rates in Hz, from well below telephones to above studios. Beyond them a header
# is damaged, and to believe it would take any amount of memory.
RATES = (1_000, 768_000)

# Samples of a file in memory: six hours at 22.05 kHz, 2 GB.
MAX_SAMPLES = 2**29
# Compressed silence can last for any time. Any file may unpack to 50 minutes, a larger
# one to twice as many samples a byte as speech at the lowest bit rates.
_ALWAYS_SAMPLES, _SAMPLES_A_BYTE = 2**26, 64
_MAX_MPEG_BYTES = 2**30  # six hours of MP3 at 320 kbit/s
# Loud music passes full scale, 1, by a little; what a decoder makes of damage, by far.
_LOUDEST = 4.0
# How far into a file, or behind its tag, the first frame of MP3 is looked for.
_MAX_LEADING_BYTES = 2**20
_BLOCK = 2**16

# What libmpg123, in libsndfile, prints to standard error of audio that is damaged.
_LIBMPG123 = r"(\[\S*libmpg123|Note: |Warning: )"


class Audio(NamedTuple):
    """What was read of a file."""

    samples: NDArray[np.float32]  # (n_samples,), between -1 and 1
    rate: float  # samples a second
    doubts: list[str]  # what may be wrong with them


def read_audio(
    path: str | os.PathLike[str], rate: int | None = None
) -> tuple[NDArray[np.float32], float]:
    """Samples of a file and their rate, as `decode_audio`; doubts are UserWarnings."""
    audio = decode_audio(path, rate)
    for doubt in audio.doubts:
        warnings.warn(f"{os.fspath(path)}: {doubt}.", stacklevel=2)
    return audio.samples, audio.rate


def decode_audio(path: str | os.PathLike[str], rate: int | None = None) -> Audio:
    """Samples of a file, its channels averaged.

    soundfile is tried first; what it does not know (m4a, wma, …) is left to audioread,
    which may find another decoder on the machine: ffmpeg, or the system's own. A file
    that may have been cut short, or has damaged places, is read as far as it can be,
    and doubts are returned; one that certainly was cut short is an error.

    Parameters
    ----------
    path : path-like
        The file.
    rate : int, default=None
        Bring the samples to this rate in Hz while they are read: the same samples as
        `librosa.resample` gives, in less memory. By default, the file's rate.

    Raises
    ------
    ValueError
        If the file is empty, cut short, damaged, too long, or not audio; the message
        names it.
    OSError
        If there is no such file, or it may not be read.
    """
    path = os.fspath(path)
    check_file(path)
    joined = _Joined(path, rate)
    doubts: list[str] = []
    with one_error(path, "{path}: damaged, or cut short ({reason})."):
        for block, block_rate in _blocks(path, doubts):
            joined.add(block, block_rate)
        return Audio(*joined.finish(), doubts)


def check_file(path: str) -> None:
    """Raise if there is no such file, it may not be read, or it is empty.

    Raises
    ------
    ValueError
        If it is empty.
    OSError
        Python's own, which says more than libsndfile's "System error".
    """
    with open(path, "rb") as file:
        if not file.read(1):
            raise ValueError(f"{path}: the file is empty.")


class _Joined:
    """Blocks of samples, checked, brought to one rate and joined."""

    def __init__(self, path: str, target: int | None) -> None:
        self._path, self._target = path, target
        self._most = min(
            MAX_SAMPLES,
            max(_ALWAYS_SAMPLES, _SAMPLES_A_BYTE * os.path.getsize(path)),
        )
        self._rate = 0.0
        self._n_read = 0
        # Grown where it lies, mostly: two copies of long recordings are too much.
        self._samples = bytearray()
        self._resampler: Any = None

    def add(self, block: NDArray[np.float32], rate: float) -> None:
        if not self._rate:
            self._begin(rate)
        if rate != self._rate:
            raise ValueError(
                f"{self._path}: its sample rate changes, from {self._rate:g} to "
                f"{rate:g} Hz."
            )
        self._n_read += len(block)
        if self._n_read * (self._target or rate) > self._most * rate:
            minutes = self._most / (self._target or rate) / 60
            raise ValueError(
                f"{self._path}: too long: more than the {minutes:.0f} minutes that are "
                f"read of a file of {os.path.getsize(self._path)} bytes."
            )
        if not np.isfinite(block).all():
            raise ValueError(f"{self._path}: damaged: samples are NaN or infinite.")
        if self._resampler is not None:
            block = self._resampler.resample_chunk(block)
        self._append(block)

    def finish(self) -> tuple[NDArray[np.float32], float]:
        if not self._n_read:
            raise ValueError(f"{self._path}: the file holds no samples.")
        length, rate = self._n_read, self._rate
        if self._resampler is not None and self._target is not None:
            nothing = np.empty(0, np.float32)
            self._append(self._resampler.resample_chunk(nothing, last=True))
            # As long as librosa makes it, the last sample 0 if need be.
            length, rate = math.ceil(length * self._target / rate), self._target
            self._samples.extend(bytes(max(0, 4 * length - len(self._samples))))
        return np.frombuffer(self._samples, np.float32)[:length], rate

    def _append(self, block: NDArray[np.float32]) -> None:
        self._samples += np.ascontiguousarray(block, np.float32).data

    def _begin(self, rate: float) -> None:
        if not RATES[0] <= rate <= RATES[1]:
            raise ValueError(f"{self._path}: damaged: a sample rate of {rate:g} Hz.")
        self._rate = rate
        if self._target not in (None, rate):
            soxr = import_optional("soxr", "audio")
            self._resampler = soxr.ResampleStream(
                rate, self._target, 1, dtype="float32", quality="soxr_hq"
            )


def _blocks(path: str, doubts: list[str]) -> Blocks:
    """Means of the channels, block by block, from the decoder that knows the file."""
    soundfile = import_optional("soundfile", "audio")
    try:
        # Bytes name any file; text only one whose name can be encoded.
        file = _open(path if os.name == "nt" else os.fsencode(path))
    except soundfile.SoundFileError as error:
        yield from _blocks_of_unknown(path, error, doubts)
        return
    with file:
        yield from _blocks_of_known(path, file, doubts)


def _blocks_of_known(path: str, file: Any, doubts: list[str]) -> Blocks:
    """Read what soundfile knows, beyond the end that it sees where there is more."""
    if file.format in ("MP3", "MPEG"):
        data = _read_bytes(path)
        yield from _blocks_of_mpeg(path, data, find_streams(data), doubts)
    elif file.format == "OGG":
        chain = ogg_chain(_read_bytes(path))
        if chain.is_cut:
            raise ValueError(f"{path}: cut short: its last Ogg page is not complete.")
        if chain.n_gaps:
            raise ValueError(f"{path}: damaged: pages of its Ogg stream are missing.")
        for link in chain.links:
            with _open(io.BytesIO(link)) as part:
                yield from _file_blocks(path, part)
        if chain.is_open:
            doubts.append("its Ogg stream has no last page: it may have been cut short")
    elif file.format == "FLAC":
        with open(path, "rb") as raw:
            for stream in flac_streams(raw):
                with _open(stream) as part:
                    yield from _file_blocks(path, part)
    else:
        whole = None
        if file.format == "WAV" and not file.frames:
            whole = unfinished_wav(_read_bytes(path))
        with _open(whole) if whole else contextlib.nullcontext(file) as part:
            yield from _file_blocks(path, part)
        if file.format in ("WAV", "WAVEX") and not whole:
            with open(path, "rb") as raw:
                n_bytes = bytes_behind_wav(raw)
            if n_bytes > _TOLERANCE * file.samplerate:
                doubts.append(f"its header leaves out {n_bytes} bytes at its end")


def _file_blocks(path: str, file: Any) -> Blocks:
    """Read a file that soundfile opened; compare its length with its header."""
    expected, length = file.frames, 0
    log = file.extra_info
    for block in _means(path, file):
        length += len(block)
        yield block, file.samplerate
    missing = expected - length if expected < _UNKNOWN_LENGTH else 0
    if missing > _TOLERANCE * file.samplerate or header_says_more(log):
        raise ValueError(f"{path}: cut short: the header counts more samples.")


@cache
def _sequential(soundfile: Any) -> Any:
    class Sequential(soundfile.SoundFile):
        """A file read from its beginning to its end.

        soundfile seeks after each block to where it is, which fails where the length
        is not known.
        """

        def seekable(self) -> bool:
            return False

    return Sequential


def _open(source: Any, lines: list[str] | None = None) -> Any:
    """Open a file with soundfile; what libmpg123 prints goes to `lines`."""
    opener = _sequential(import_optional("soundfile", "audio"))
    with caught_lines(_LIBMPG123, [] if lines is None else lines):
        return opener(source)


def _means(
    path: str, file: Any, lines: list[str] | None = None
) -> Iterator[NDArray[np.float32]]:
    """Means of the channels, block by block: a header may claim any length."""
    lines = [] if lines is None else lines
    n_left = file.frames
    while n_left > 0:
        with caught_lines(_LIBMPG123, lines):
            block = file.read(min(n_left, _BLOCK), dtype="float32", always_2d=True)
        if not len(block):
            break
        n_left -= len(block)
        yield block.mean(axis=1)


def _blocks_of_unknown(path: str, error: Exception, doubts: list[str]) -> Blocks:
    """Read what soundfile does not know by its first bytes, or not at all."""
    soundfile = import_optional("soundfile", "audio")
    data = _read_bytes(path)
    streams = find_streams(data, first_within=_MAX_LEADING_BYTES)
    ranges = [part for stream in streams for part in stream.ranges]
    n_bytes = sum(stop - start for start, stop in ranges)
    if ranges and n_bytes > (len(data) - ranges[0][0]) / 2:
        yield from _blocks_of_mpeg(path, data, streams, doubts)
        return
    if start := behind_id3v2(data):
        try:
            file = _open(io.BytesIO(data[start:]))
        except soundfile.SoundFileError:
            pass
        else:
            with file:
                yield from _blocks_of_known(path, file, doubts)
            return
    yield from other_blocks(path, error)


def _read_bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        data = file.read(_MAX_MPEG_BYTES + 1)
    if len(data) > _MAX_MPEG_BYTES:
        raise ValueError(f"{path}: too long: more than {_MAX_MPEG_BYTES} bytes.")
    return data


def _blocks_of_mpeg(
    path: str, data: bytes, streams: Sequence[Stream], doubts: list[str]
) -> Blocks:
    """Decode the frames found; compare with what their headers say of them."""
    if not streams:
        raise ValueError(f"{path}: damaged, cut short, or not audio: no MPEG frames.")
    for stream in streams:
        rate, n_samples = stream.header.rate, stream.header.n_samples
        claimed = stream.n_claimed or 0
        if (claimed - stream.n_frames) * n_samples > _TOLERANCE * rate:
            raise ValueError(
                f"{path}: cut short or damaged: its header counts {claimed} frames of "
                f"MPEG audio, and {stream.n_frames} are there."
            )
        if stream.cut and not claimed:
            doubts.append("it ends within a frame, and may have been cut short")
        if n_lost := sum(stop - start for start, stop in stream.skipped):
            doubts.append(f"{n_lost} bytes between its frames are damaged, or no audio")
        if not stream.n_frames:
            continue
        decoded = 0
        lines: list[str] = []
        with _open(as_file(data, stream), lines) as file:
            for block in _means(path, file, lines):
                if np.abs(block).max() > _LOUDEST:
                    raise ValueError(f"{path}: damaged: noise far beyond full scale.")
                decoded += len(block)
                yield block, rate
        if lines:
            doubts.append(f"its decoder says {lines[0]!r}")
        if stream.n_samples - decoded > _TOLERANCE * rate:
            raise ValueError(
                f"{path}: damaged: {decoded / rate:.1f} seconds of "
                f"{stream.n_samples / rate:.1f} can be decoded."
            )

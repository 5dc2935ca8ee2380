"""MPEG audio (MP3): its frames, found by walking from one header to the next.

An MP3 file is a row of frames with anything before, between and after them: tags,
pictures, padding, the leavings of a cut. Nothing says where the row ends; only a Xing,
Info or VBRI header in its first frame, if it has one, says how many frames were
written. libsndfile believes it, and where there is none takes an estimate from the
file's size for the length, at which it stops. So the frames are found here first, and
`as_file` hands libsndfile these and nothing else, with an estimate out of reach.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from sklearn_msd.datasets.audio.formats.containers import behind_id3v2

# Bit rates in kbit/s by the header's four bits; 0 is "free", any rate that stays.
_RATES_1 = {
    1: (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_RATES_2 = {
    1: (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    3: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SYNC = re.compile(rb"\xff[\xe2-\xff]")
# As many frames in a row are taken for audio, and not for bytes that look like it.
_CHAIN = 3
_LONGEST_FREE = 4608  # bytes of a frame of free bit rate that any decoder takes
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")


class Header(NamedTuple):
    """What the four bytes at the beginning of a frame say."""

    kind: tuple[int, int, int, bool]  # version, layer, sample rate, whether mono
    length: int  # bytes of the frame with its header; of a free rate, its padding
    free: bool

    @property
    def rate(self) -> int:
        """Sample rate in Hz."""
        return self.kind[2]

    @property
    def n_samples(self) -> int:
        """Samples of a channel in a frame."""
        version, layer = self.kind[:2]
        return {1: 384, 2: 1152, 3: 1152 if version == 1 else 576}[layer]


@lru_cache(maxsize=4096)
def read_header(head: bytes) -> Header | None:
    """Read a frame's header; None if these four bytes are none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version = {0: 25, 2: 2, 3: 1}.get(head[1] >> 3 & 3)
    layer = 4 - (head[1] >> 1 & 3)
    speed, rate = head[2] >> 4, head[2] >> 2 & 3
    if version is None or layer == 4 or speed == 15 or rate == 3:
        return None
    hertz = (44_100, 48_000, 32_000)[rate] // {1: 1, 2: 2, 25: 4}[version]
    kilobits = (_RATES_1 if version == 1 else _RATES_2)[layer][speed]
    padding = head[2] >> 1 & 1
    if layer == 1:
        length = 4 * (12_000 * kilobits // hertz + padding)
    else:
        slots = 72_000 if layer == 3 and version != 1 else 144_000
        length = slots * kilobits // hertz + padding
    return Header((version, layer, hertz, head[3] >> 6 == 3), length, not kilobits)


@dataclass
class Stream:
    """Frames of one kind that belong together, as an encoder wrote them.

    Attributes
    ----------
    header : Header
        Of its first frame.
    ranges : list of (int, int)
        Where its frames with audio lie in the file: first byte, and the one after the
        last.
    n_frames : int
        How many frames with audio there are.
    n_claimed : int or None
        How many a Xing, Info or VBRI header counts.
    info : (int, int, int) or None
        Where the frame with a Xing or Info header lies, and its count in it.
    n_trimmed : int
        Samples of a channel at both ends that the encoder added, and a decoder takes
        away where it sees that header.
    skipped : list of (int, int)
        What lies between its frames and is neither a tag nor empty.
    cut : bool
        Whether the file ends within its last frame.
    """

    header: Header
    ranges: list[tuple[int, int]] = field(default_factory=list)
    n_frames: int = 0
    n_claimed: int | None = None
    info: tuple[int, int, int] | None = None
    n_trimmed: int = 0
    skipped: list[tuple[int, int]] = field(default_factory=list)
    cut: bool = False

    def add(self, start: int, stop: int) -> None:
        """Add a frame with audio."""
        self.n_frames += 1
        if self.ranges and self.ranges[-1][1] == start:
            self.ranges[-1] = (self.ranges[-1][0], stop)
        else:
            self.ranges.append((start, stop))

    @property
    def n_samples(self) -> int:
        """Samples of a channel that a decoder makes of it."""
        return max(0, self.n_frames * self.header.n_samples - self.n_trimmed)


def find_streams(data: bytes, first_within: int | None = None) -> list[Stream]:
    """Find the frames in a file: one stream, or several one after another.

    Parameters
    ----------
    data : bytes
        The file.
    first_within : int, default=None
        How far from the beginning, after a tag there, the first frame may lie.

    Returns
    -------
    streams : list of Stream
        Empty if there is no MPEG audio.
    """
    streams: list[Stream] = []
    current: Stream | None = None
    free = 0  # length of the frames of a free bit rate, without padding
    position = 0
    limit = None if first_within is None else behind_id3v2(data) + first_within
    while True:
        header = read_header(data[position : position + 4])
        if current is None or header is None or header.kind != current.header.kind:
            found = _next_chain(data, position, limit, first=current is None)
            if found is None:
                break
            start, free = found
            if current is not None and _is_junk(data, position, start):
                current.skipped.append((position, start))
            position, limit = start, None
            header = read_header(data[position : position + 4])
            assert header is not None
        stop = position + header.length + (free if header.free else 0)
        info = _read_info(data, position, header)
        if current is None or header.kind != current.header.kind or info is not None:
            current = Stream(header)
            streams.append(current)
        if info is not None:
            current.n_claimed, current.n_trimmed, count_at = info
            current.info = (position, stop, count_at) if count_at else None
        if stop > len(data):
            current.cut = True
            break
        if info is None:
            current.add(position, stop)
        position = stop
    return streams


def as_file(data: bytes, stream: Stream) -> io.IOBase:
    """Return a stream as a file for libsndfile, which holds its frames alone.

    A header that counts them wrongly, as after a cut, is given the right number.
    """
    content = b"".join(data[start:stop] for start, stop in stream.ranges)
    if stream.info is None:
        return _EndlessFile(content)
    start, stop, count_at = stream.info
    count = stream.n_frames.to_bytes(4, "big")
    info = data[start:count_at] + count + data[count_at + 4 : stop]
    return io.BytesIO(info + content)


class _EndlessFile(io.RawIOBase):
    """A file that ends where its content ends, and says that it were far longer.

    libsndfile stops where it estimates the end, by the size of the file. Where the last
    128 bytes of that size would lie there are zeros: a tag is looked for there, and a
    size that cannot be read is no size.
    """

    _SIZE = 2**40
    _TAIL = 128

    def __init__(self, content: bytes) -> None:
        self._content, self._position = memoryview(content), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        at = self._position
        if at >= self._SIZE - self._TAIL:
            part: bytes | memoryview = bytes(max(0, min(len(buffer), self._SIZE - at)))
        else:
            part = self._content[at : at + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {
            io.SEEK_SET: 0,
            io.SEEK_CUR: self._position,
            io.SEEK_END: self._SIZE,
        }[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position


def _next_chain(
    data: bytes, start: int, limit: int | None, first: bool
) -> tuple[int, int] | None:
    """Where frames follow each other next, and the length of those of a free rate."""
    for match in _SYNC.finditer(data, start):
        at = match.start()
        if limit is not None and at > limit:
            break
        header = read_header(data[at : at + 4])
        if header is None:
            continue
        lengths = _free_lengths(data, at, header) if header.free else (0,)
        for free in lengths:
            if _is_chain(data, at, header, free, first):
                return at, free
    return None


def _is_chain(data: bytes, at: int, header: Header, free: int, first: bool) -> bool:
    """Whether a chain begins here, or all frames to the end if there are fewer.

    One frame alone is enough only if it is the first of all: what is behind the last
    may look like it by chance.
    """
    for n_before in range(_CHAIN):
        following = read_header(data[at : at + 4])
        if following is None or following[::2] != header[::2]:
            at_end = len(data) - at < 4 or data.startswith(_TAGS, at)
            return at_end and n_before > (0 if first and at <= len(data) else 1)
        at += following.length + free
    return True


def _free_lengths(data: bytes, at: int, header: Header) -> Iterator[int]:
    """What a frame of free bit rate may be long: as far as to such a frame."""
    stop = at + _LONGEST_FREE
    for match in _SYNC.finditer(data, at + 8, stop):
        following = read_header(data[match.start() : match.start() + 4])
        if following is not None and following[::2] == header[::2]:
            yield match.start() - at - header.length


def _read_info(
    data: bytes, at: int, header: Header
) -> tuple[int | None, int, int] | None:
    """What a Xing, Info or VBRI header says: frames, and samples added at the ends.

    The last is where the count of frames stands in a header that libmpg123 knows, or 0.
    """
    version, layer, _, mono = header.kind
    if layer != 3:
        return None
    if data.startswith(b"VBRI", at + 36):
        return int.from_bytes(data[at + 50 : at + 54], "big"), 0, 0
    side = {True: 17, False: 32}[mono] if version == 1 else {True: 9, False: 17}[mono]
    for name_at in (at + 4 + side, at + 6 + side):  # the latter after a checksum
        if not data.startswith((b"Xing", b"Info"), name_at):
            continue
        flags = int.from_bytes(data[name_at + 4 : name_at + 8], "big")
        if not flags & 1:
            return None, 0, 0
        claimed = int.from_bytes(data[name_at + 8 : name_at + 12], "big")
        # Count, size, table of contents and quality, each if its flag is set; then
        # LAME's name of nine letters and, twelve bytes on, the samples added.
        fields = enumerate((4, 4, 100, 4))
        lame = name_at + 8 + sum(size for bit, size in fields if flags >> bit & 1)
        added = int.from_bytes(data[lame + 21 : lame + 24], "big")
        named = data[lame : lame + 4].isalnum()
        trimmed = (added >> 12) + (added & 0xFFF) if named else 0
        return claimed, trimmed, name_at + 8
    return None


def _is_junk(data: bytes, start: int, stop: int) -> bool:
    """Whether bytes between frames are neither a tag nor empty."""
    return not data.startswith(_TAGS, start) and any(data[start:stop].strip(b"\0"))

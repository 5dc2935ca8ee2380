"""What WAV, Ogg and FLAC files say of their own ends, and several files in one.

libsndfile reads a file as far as its header says. Here is what it does not look at:
headers that claim more than there is, sizes that were never filled in, and what
follows the end: a next stream of the same kind, or only a tag.
"""

import io
import os
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

# Sizes of the samples in WAV, AIFF and AU files, as libsndfile's log gives them where
# the header says more than the file holds.
_WRONG_SIZE = re.compile(
    r"^\s*(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE
)
# Written for "unknown" by programs that could not go back to the header.
_UNKNOWN_SIZE = 0x7FFFF000

# The beginning of a FLAC stream: its name, and the header of its first block.
_FLAC = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")

_BLOCK = 2**20

_FIRST, _LAST = 2, 4  # flags of Ogg pages


def header_says_more(log: str) -> bool:
    """Whether libsndfile's log of a file counts samples that are not there."""
    sizes = [(int(said), int(is_)) for said, is_ in _WRONG_SIZE.findall(log)]
    return any(is_ < said < _UNKNOWN_SIZE for said, is_ in sizes)


def behind_id3v2(data: bytes) -> int:
    """Where an ID3v2 tag at the beginning ends, by what it says; 0 without a tag."""
    if not data.startswith(b"ID3") or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + 10 * (data[5] >> 4 & 1)


def unfinished_wav(data: bytes) -> io.BytesIO | None:
    """A WAV file with 0 for the size of its samples, made one of unknown size.

    Its writer was stopped, or could not go back to the header. None if the file has no
    samples indeed.
    """
    at = data.find(b"data\0\0\0\0", 12)
    if not data.startswith(b"RIFF") or at < 0:
        return None
    rest = data[at + 8 :]
    if not rest or _begins_chunk(rest[:8], len(rest)):
        return None
    unknown = b"\xff" * 4
    return io.BytesIO(data[:4] + unknown + data[8 : at + 4] + unknown + rest)


def bytes_behind_wav(file: BinaryIO) -> int:
    """How many bytes follow a WAV file's samples and are no chunk.

    They may be samples, in a file of over 4 GB, or one that was added to.
    """
    file.seek(0, os.SEEK_END)
    end = file.tell()
    file.seek(12)
    while len(head := file.read(8)) == 8:
        at, size = file.tell(), int.from_bytes(head[4:], "little")
        behind = at + size + size % 2
        if head[:4] == b"data":
            file.seek(behind)
            rest = file.read(8)
            is_chunk = len(rest) < 8 or _begins_chunk(rest, end - behind)
            return 0 if is_chunk or not any(rest) else end - behind
        file.seek(behind)
    return 0


def _begins_chunk(head: bytes, n_bytes: int) -> bool:
    """Whether bytes are a name and a size that fits, as at the beginning of a chunk."""
    name, size = head[:4], int.from_bytes(head[4:8], "little")
    return name.isascii() and name.strip().isalnum() and 8 + size <= n_bytes + 1


def flac_streams(file: BinaryIO) -> list["Slice"]:
    """The streams of FLAC in a file, which some programs put one behind another."""
    starts: list[int] = []
    at, tail = 0, b""
    file.seek(0)
    while block := file.read(_BLOCK):
        window = tail + block
        starts += [at - len(tail) + m.start() for m in _FLAC.finditer(window)]
        at += len(block)
        tail = window[-7:]  # one byte less than what is looked for
    stops = [*starts[1:], _before_tags(file, at)]
    return [Slice(file, i, j) for i, j in zip(starts, stops, strict=True)]


def _before_tags(file: BinaryIO, end: int) -> int:
    """Where ID3v1 and APE tags at a file's end begin; the end if there are none."""
    while True:
        file.seek(max(0, end - 128))
        tail = file.read(min(end, 128)).rjust(128, b"\0")
        if tail.startswith(b"TAG"):
            end -= 128
        elif tail.startswith(b"APETAGEX", 96):
            # All but a header of as many bytes as this footer, which it may have.
            size = int.from_bytes(tail[108:112], "little") + 32 * (tail[119] >> 7)
            if size > end:
                return end
            end -= size
        else:
            return end


class Slice(io.RawIOBase):
    """A part of an open file, as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, stop: int) -> None:
        self._file, self._start, self._size = file, start, stop - start
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read up to the end of the part."""
        n_left = max(0, self._size - self._position)
        self._file.seek(self._start + self._position)
        part = self._file.read(min(len(buffer), n_left))
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position within the part."""
        base = (0, self._position, self._size)[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Get the position within the part."""
        return self._position


class OggPage(NamedTuple):
    """Where an Ogg page lies, and what it says of itself."""

    start: int
    stop: int
    flags: int
    serial: bytes
    number: int


class OggChain(NamedTuple):
    """Ogg files one behind another in one, as radio stations send them."""

    links: list[bytes]  # each a file of its own
    n_gaps: int  # places where pages are missing
    is_cut: bool  # whether the file ends within a page
    is_open: bool  # whether its last page is not marked as the last of a stream


def ogg_chain(data: bytes) -> OggChain:
    """Find the links of an Ogg chain; a file has one, mostly."""
    starts: list[int] = []
    stops: list[int] = []
    numbers: dict[bytes, int] = {}
    n_gaps = 0
    last: OggPage | None = None
    for page in _ogg_pages(data):
        is_first = bool(page.flags & _FIRST)
        if last is None or (is_first and not last.flags & _FIRST):
            starts.append(page.start)
            stops.append(page.stop)
        if not is_first and page.number != numbers.get(page.serial, page.number):
            n_gaps += 1
        numbers[page.serial] = page.number + 1
        stops[-1] = page.stop
        last = page
    return OggChain(
        links=[data[i:j] for i, j in zip(starts, stops, strict=True)],
        n_gaps=n_gaps,
        is_cut=last is None or last.stop > len(data),
        is_open=last is None or not last.flags & _LAST,
    )


def _ogg_pages(data: bytes) -> Iterator[OggPage]:
    """Pages, one after another; what is between them is passed over.

    The last may be cut, and then ends beyond the end of the file.
    """
    at = data.find(b"OggS")
    while at >= 0:
        # 27 bytes, the last the number of lengths that follow; then as many bytes as
        # these lengths add up to.
        head = data[at : at + 27].ljust(27, b"\0")
        lengths = data[at + 27 : at + 27 + head[26]]
        stop = at + 27 + head[26] + sum(lengths)
        number = int.from_bytes(head[18:22], "little")
        yield OggPage(at, stop, head[5], head[14:18], number)
        at = data.find(b"OggS", stop)

"""Audio files as encoders, taggers and shops make them, put together byte by byte.

soundfile encodes a few seconds of sound; headers, tags and frames are then taken away,
added or changed here, not in the way that the package likes to read them.
"""

import io
import struct
from dataclasses import dataclass

import numpy as np

RATE = 44_100


def sound(rate=RATE, seconds=2.0, channels=2):
    """Tones and noise of changing strength, so that variable rates do vary."""
    rng = np.random.default_rng(0)
    t = np.arange(int(rate * seconds)) / rate
    tone = 0.3 * np.sin(2 * np.pi * 440 * t) * (t % 0.7 > 0.2)
    noise = rng.normal(0, 0.1, (t.size, channels)) * (t % 1 > 0.6)[:, None]
    return (tone[:, None] + noise).astype(np.float32)


def encode(samples, rate, format, **options):
    """The bytes of a file as soundfile writes it."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=format, **options)
    return buffer.getvalue()


# MP3

_KILOBITS = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_KILOBITS[0] = _KILOBITS[2]
_HERTZ = {
    3: (44_100, 48_000, 32_000),
    2: (22_050, 24_000, 16_000),
    0: (11_025, 12_000, 8_000),
}


def mp3_frames(data):
    """Frames of a file that begins with one and holds nothing else, one after another.

    Layer III alone, by the table of ISO 11172-3 and 13818-3: no code of the package.
    """
    frames = []
    at = 0
    while at < len(data):
        (word,) = struct.unpack_from(">I", data, at)
        version = word >> 19 & 3
        assert word >> 21 == 0x7FF, at
        assert word >> 17 & 3 == 1, at
        kilobits = _KILOBITS[version][word >> 12 & 15]
        hertz = _HERTZ[version][word >> 10 & 3]
        size = (144_000 if version == 3 else 72_000) * kilobits // hertz
        frames.append(data[at : at + size + (word >> 9 & 1)])
        at += len(frames[-1])
    return frames


def frame_samples(frame):
    """Samples of a channel that a frame of MP3 holds."""
    return 1152 if frame[1] >> 3 & 3 == 3 else 576


def mp3(mode="CONSTANT", rate=RATE, channels=2, level=0.5, seconds=2.0):
    """An MP3 file of libsndfile's LAME: a frame with Xing or Info, and audio."""
    samples = sound(rate, seconds, channels)
    return encode(samples, rate, "MP3", bitrate_mode=mode, compression_level=level)


def without_header(data):
    """The audio frames alone, as from encoders that write to a pipe."""
    return b"".join(
        frame
        for frame in mp3_frames(data)
        if b"Xing" not in frame[:60] and b"Info" not in frame[:60]
    )


def with_vbri(data):
    """Fraunhofer's header in the place of LAME's."""
    header, *audio = mp3_frames(data)
    count, size = len(audio), sum(map(len, audio))
    vbri = b"VBRI" + struct.pack(">HHHIIHHHH", 1, 0, 75, size, count, 0, 1, 2, 1)
    first = header[:4] + bytes(32) + vbri
    return first.ljust(len(header), b"\0") + b"".join(audio)


def with_count(data, change):
    """LAME's header with another count of frames."""
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    (count,) = struct.unpack_from(">I", data, at)
    return data[:at] + struct.pack(">I", count + change) + data[at + 4 :]


def free_rate(data):
    """The same frames of one length, with "free" for their bit rate."""
    frames = mp3_frames(without_header(data))
    assert len({len(frame) for frame in frames}) == 1
    return b"".join(f[:2] + bytes([f[2] & 0x0F]) + f[3:] for f in frames)


def riff_header(n_bytes):
    """What makes a WAV file of MP3 frames (format 0x55)."""
    form = struct.pack("<HHIIHH", 0x55, 2, RATE, 16_000, 1, 0) + bytes(2)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", n_bytes)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks) + n_bytes) + b"WAVE" + chunks


# Tags


def picture(n_bytes=200_000):
    """The bytes of a cover: deflated noise as in PNG, with what looks like frames."""
    noise = np.random.default_rng(1).bytes(n_bytes)
    looks = b"\xff\xfb\x90\x64" + bytes(20) + b"\xff\xf3\x84\xc4" + bytes(13)
    return b"\x89PNG\r\n\x1a\n" + looks + noise[: n_bytes - len(looks) - 8]


def _synchsafe(n):
    return bytes(n >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3v2(version=3, cover=b"", padding=0, footer=False):
    """An ID3v2 tag with a title, and perhaps a cover (APIC), of version 2.3 or 2.4."""
    frames = []
    for name, content in (
        (b"TIT2", b"\x01" + "Ζορμπάς".encode("utf-16")),
        (b"APIC", b"\0image/png\0\x03\0" + cover),
    ):
        if name == b"APIC" and not cover:
            continue
        size = len(content)
        packed = struct.pack(">I", size) if version == 3 else _synchsafe(size)
        frames.append(name + packed + b"\0\0" + content)
    body = b"".join(frames) + bytes(padding)
    flags = 0x10 if footer else 0
    about = bytes([version, 0, flags]) + _synchsafe(len(body))
    return b"ID3" + about + body + (b"3DI" + about if footer else b"")


def id3v1(title=b"Song"):
    """The 128 bytes at a file's end."""
    return b"TAG" + title.ljust(124, b"\0") + b"\x11"


def ape(value=b"Artist of the song", header=True):
    """An APEv2 tag with one item; both its ends say how long it is."""
    item = struct.pack("<II", len(value), 0) + b"Cover Art (Front)\0" + value
    size = len(item) + 32

    def end(is_header):
        flags = 1 << 31 if header else 0
        flags |= 1 << 29 if is_header else 0
        return b"APETAGEX" + struct.pack("<IIII8x", 2000, size, 1, flags)

    return (end(True) if header else b"") + item + end(False)


def lyrics3():
    """A Lyrics3v2 tag, which lies before an ID3v1 tag."""
    body = b"LYRICSBEGIN" + b"IND0000200" + b"LYR00011[00:01]words"
    return body + f"{len(body):06d}".encode() + b"LYRICS200"


# FLAC, Ogg, WAV


def flac_of_unknown_length(data):
    """A FLAC file as written to a pipe: no count of samples, and no digest."""
    assert data[:4] == b"fLaC"
    out = bytearray(data)
    at = 8 + 13  # STREAMINFO: 20 bits rate, 3 channels, 5 width, 36 samples; MD5
    out[at] &= 0xF0
    out[at + 1 : at + 5] = bytes(4)
    out[at + 5 : at + 21] = bytes(16)
    return bytes(out)


def flac_with_picture(data, n_bytes=100_000):
    """A FLAC file with a picture and padding before its audio."""
    body = struct.pack(">II", 3, 9) + b"image/png" + struct.pack(">I", 0)
    cover = picture(n_bytes)
    body += struct.pack(">IIIII", 100, 100, 24, 0, len(cover)) + cover
    blocks = b"\x06" + len(body).to_bytes(3, "big") + body
    blocks += b"\x01" + (4096).to_bytes(3, "big") + bytes(4096)
    return data[:42] + blocks + data[42:]


def wav_of_size(data, size):
    """A WAV file whose header gives this for the size of its samples."""
    out = bytearray(data)
    at = out.index(b"data") + 4
    out[at : at + 4] = out[4:8] = struct.pack("<I", size)
    return bytes(out)


def wav_with_chunks(data):
    """A WAV file with a broadcast chunk before its samples, and a list behind them."""
    at = data.index(b"data")
    bext = b"bext" + struct.pack("<I", 602) + bytes(602)
    about = b"INFOINAM\x05\0\0\0Song\0\0"
    body = data[12:at] + bext + data[at:] + b"LIST" + struct.pack("<I", len(about))
    body += about
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def rf64(samples, rate):
    """A WAV file with 64-bit sizes in a chunk of their own (EBU Tech 3306)."""
    pcm = (samples * 32767).astype("<i2").tobytes()
    channels = samples.shape[1]
    ds64 = struct.pack("<QQQI", 72 + len(pcm), len(pcm), len(samples), 0)
    form = struct.pack(
        "<HHIIHH", 1, channels, rate, 2 * channels * rate, 2 * channels, 16
    )
    unknown = b"\xff" * 4
    chunks = b"ds64" + struct.pack("<I", len(ds64)) + ds64
    chunks += b"fmt " + struct.pack("<I", len(form)) + form
    return b"RF64" + unknown + b"WAVE" + chunks + b"data" + unknown + pcm


@dataclass
class Made:
    """A file, and how many samples a decoder makes of it."""

    ending: str
    data: bytes
    n_samples: int
    rate: int = RATE
    frame: int = 0  # samples by which decoders may differ

    def write(self, folder):
        path = folder / f"made.{self.ending}"
        path.write_bytes(self.data)
        return path


def _of_frames(audio, before=b"", after=b""):
    """An MP3 without a header: as many samples as its frames hold, and no fewer."""
    frames = mp3_frames(audio)
    size = frame_samples(frames[0])
    version = frames[0][1] >> 3 & 3
    rate = _HERTZ[version][frames[0][2] >> 2 & 3]
    return Made("mp3", before + audio + after, len(frames) * size, rate, size)


def _whole(data, rate=RATE, seconds=2.0, before=b"", after=b""):
    """An MP3 with LAME's header: exactly the samples that were encoded."""
    frame = frame_samples(mp3_frames(data)[0])
    return Made("mp3", before + data + after, int(rate * seconds), rate, frame)


def mp3_files():
    """Ways in which MP3 files are made, by name."""
    cover = picture()
    cbr, abr, vbr = mp3(), mp3("AVERAGE"), mp3("VARIABLE")
    vbri = [with_vbri(data)[: len(mp3_frames(data)[0])] for data in (cbr, vbr)]
    bare, bare_abr, bare_vbr = map(without_header, (cbr, abr, vbr))
    mpeg2 = {rate: mp3("VARIABLE", rate) for rate in (22_050, 24_000, 16_000)}
    mpeg25 = {rate: mp3("CONSTANT", rate, 1) for rate in (11_025, 8_000)}
    unpadded = mp3(rate=48_000)
    assert not any(frame[2] & 2 for frame in mp3_frames(unpadded))
    quiet_first = without_header(
        encode(np.zeros((RATE, 2), np.float32), RATE, "MP3", bitrate_mode="VARIABLE")
    )
    loud = sound()
    loud[:RATE] = np.random.default_rng(2).normal(0, 0.3, (RATE, 2))
    loud_first = without_header(
        encode(loud, RATE, "MP3", bitrate_mode="VARIABLE", compression_level=0)
    )
    return {
        "constant rate, Info header": _whole(cbr),
        "constant rate, no header": _of_frames(bare),
        "constant rate, no padding": _whole(unpadded, 48_000),
        "constant rate, no padding, no header": _of_frames(without_header(unpadded)),
        "average rate, Xing header": _whole(abr),
        "average rate, no header": _of_frames(bare_abr),
        "variable rate, Xing header": _whole(vbr),
        "variable rate, no header": _of_frames(bare_vbr),
        "variable rate, no header, silence first": _of_frames(quiet_first + bare_vbr),
        "variable rate, no header, noise first": _of_frames(loud_first + bare_vbr),
        "variable rate, VBRI header": _of_frames(bare_vbr, vbri[1]),
        "constant rate, VBRI header": _of_frames(bare, vbri[0]),
        "ID3v1": _of_frames(bare, after=id3v1()),
        "ID3v1, Info header": _whole(cbr, after=id3v1()),
        "ID3v2.3, large picture": _of_frames(bare, id3v2(3, cover)),
        "ID3v2.3, large picture, Xing header": _whole(vbr, before=id3v2(3, cover)),
        "ID3v2.4, large picture": _of_frames(bare_vbr, id3v2(4, cover)),
        "ID3v2.4, footer": _of_frames(bare, id3v2(4, footer=True)),
        "ID3v2.3, padded; ID3v1": _of_frames(bare, id3v2(3, padding=4096), id3v1()),
        "two ID3v2 tags": _of_frames(bare, id3v2(3, cover) + id3v2(4)),
        "zeros between tag and audio": _of_frames(bare, id3v2(3) + bytes(3000)),
        "APE before": _of_frames(bare, ape()),
        "APE after": _of_frames(bare_vbr, after=ape()),
        "APE with picture after, ID3v1": _of_frames(bare, after=ape(cover) + id3v1()),
        "APE and ID3v2 before, APE after": _of_frames(
            bare, ape() + id3v2(), ape(cover)
        ),
        "Lyrics3 and ID3v1": _of_frames(bare, after=lyrics3() + id3v1()),
        "mono": _whole(mp3(channels=1)),
        "mono, variable rate, no header": _of_frames(
            without_header(mp3("VARIABLE", channels=1))
        ),
        "two files in one": Made(
            "mp3", id3v2() + cbr + id3v1() + id3v2(4, cover) + vbr, 176_400, RATE, 2304
        ),
        "two files in one, no tags": Made("mp3", vbr + cbr, 176_400, RATE, 2304),
        "too small a count in its header": _whole(with_count(cbr, -9)),
        # What others have reported of folders of music; the numbers are of issues.
        "false headers before the first (mutagen 268)": _of_frames(
            bare,
            b"".join(b"\xff\xfb\x90\x64" + picture(60)[8:] for _ in range(800)),
        ),
        "a tag that says it is empty": _of_frames(
            bare, id3v2(3, cover)[:6] + bytes(4) + id3v2(3, cover)[10:]
        ),
        "a tag that says it is longer": _of_frames(
            bare, id3v2()[:6] + _synchsafe(500) + id3v2()[10:]
        ),
        "mono, then stereo": Made(
            "mp3",
            bare + without_header(mp3(channels=1)),
            2 * len(mp3_frames(bare)) * 1152,
            RATE,
            1152,
        ),
        "MP3 in RIFF": _of_frames(bare, riff_header(len(bare))),
        "free bit rate": Made(
            "mp3",
            free_rate(unpadded),
            len(mp3_frames(without_header(unpadded))) * 1152,
            48_000,
            1152,
        ),
        **{f"MPEG-2, {r} Hz": _whole(data, r) for r, data in mpeg2.items()},
        **{
            f"MPEG-2, {r} Hz, no header, picture": _of_frames(
                without_header(data), id3v2(3, cover)
            )
            for r, data in mpeg2.items()
        },
        **{f"MPEG-2.5, {r} Hz": _whole(data, r) for r, data in mpeg25.items()},
        **{
            f"MPEG-2.5, {r} Hz, no header": _of_frames(without_header(data), id3v2())
            for r, data in mpeg25.items()
        },
    }


def other_files():
    """Ways in which FLAC, Ogg, WAV and other files are made, by name."""
    samples = sound()
    n = len(samples)
    flac = encode(samples, RATE, "FLAC")
    wav = encode(samples, RATE, "WAV")
    kinds = {
        "FLAC": ("flac", flac),
        "FLAC of unknown length": ("flac", flac_of_unknown_length(flac)),
        "FLAC with picture": ("flac", flac_with_picture(flac)),
        "FLAC behind ID3v2": ("flac", id3v2(3, picture(50_000)) + flac),
        "FLAC, 24 bits": ("flac", encode(samples, RATE, "FLAC", subtype="PCM_24")),
        "WAV": ("wav", wav),
        "WAV of size 0": ("wav", wav_of_size(wav, 0)),
        "WAV of size 0xFFFFFFFF": ("wav", wav_of_size(wav, 0xFFFFFFFF)),
        "WAV of size 0x7FFFFFFF": ("wav", wav_of_size(wav, 0x7FFFFFFF)),
        "WAV with more chunks": ("wav", wav_with_chunks(wav)),
        "WAV, 24 bits": ("wav", encode(samples, RATE, "WAV", subtype="PCM_24")),
        "WAV, 64-bit float": ("wav", encode(samples, RATE, "WAV", subtype="DOUBLE")),
        "WAV, mu-law": ("wav", encode(samples, RATE, "WAV", subtype="ULAW")),
        "WAV, extensible": ("wav", encode(samples, RATE, "WAVEX")),
        "RF64": ("wav", rf64(samples, RATE)),
        "RF64 by libsndfile": ("rf64", encode(samples, RATE, "RF64")),
        "W64": ("w64", encode(samples, RATE, "W64")),
        "AIFF": ("aif", encode(samples, RATE, "AIFF")),
        "AIFF, little-endian": ("aifc", encode(samples, RATE, "AIFF", endian="LITTLE")),
        "CAF": ("caf", encode(samples, RATE, "CAF")),
        "AU": ("au", encode(samples, RATE, "AU")),
        "Ogg Vorbis": ("ogg", encode(samples, RATE, "OGG", subtype="VORBIS")),
    }
    made = {name: Made(*kind, n) for name, kind in kinds.items()}
    opus = encode(sound(48_000), 48_000, "OGG", subtype="OPUS")
    ogg = made["Ogg Vorbis"].data
    return made | {
        "Ogg Opus": Made("opus", opus, 96_000, 48_000),
        "Ogg Opus, chained": Made("opus", opus + opus, 192_000, 48_000),
        "Ogg Vorbis, chained": Made("ogg", ogg + ogg, 2 * n),
        "Ogg Vorbis behind ID3v2": Made("ogg", id3v2() + ogg, n),
        "Ogg Vorbis before zeros": Made("ogg", ogg + bytes(70_000), n),
        "WAV called MP3 (mutagen 562)": Made("mp3", made["WAV"].data, n),
        "WAV, last block cut off (librosa 749)": Made(
            "wav", wav_of_size(made["WAV"].data, 4 * n - 2)[:-2], n - 1
        ),
        "WAV, 24 bits, extensible (torchaudio 3762)": Made(
            "wav", encode(samples, RATE, "WAVEX", subtype="PCM_24"), n
        ),
        "FLAC, empty padding (mutagen 67)": Made(
            "flac", flac[:42] + 3 * b"\x01\0\0\0" + flac[42:], n
        ),
        "FLAC twice": Made("flac", flac + flac, 2 * n),
        "FLAC before ID3v1": Made("flac", flac + id3v1(), n),
        "FLAC of unknown length before APE and ID3v1": Made(
            "flac", flac_of_unknown_length(flac) + ape() + id3v1(), n
        ),
    }

import os
import warnings

import audio_files
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

soundfile = pytest.importorskip("soundfile", reason="needs sklearn-msd[audio]")

from sklearn_msd.datasets.audio import decoding  # noqa: E402
from sklearn_msd.datasets.audio.decoding import read_audio  # noqa: E402
from sklearn_msd.datasets.audio.formats import other_decoders  # noqa: E402

RATE = 22_050
FORMATS = ["wav", "flac", "ogg", "mp3", "aiff", "au"]


@pytest.fixture(scope="module")
def tone():
    t = np.arange(3 * RATE) / RATE
    noise = np.random.default_rng(0).normal(0, 0.01, t.size)
    return (0.3 * np.sin(2 * np.pi * 440 * t) + noise).astype(np.float32)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_formats(tone, tmp_path, suffix, channels):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, np.tile(tone[:, None], channels), RATE)
    samples, rate = read_audio(path)
    assert rate == RATE
    assert samples.shape == tone.shape
    # Lossy formats change the noise, not the tone.
    assert np.corrcoef(samples, tone)[0, 1] > 0.99


def test_channels_are_averaged(tmp_path):
    channels = np.array([[0.5, 0.1], [0.25, -0.25], [-0.5, 0.0]])
    soundfile.write(tmp_path / "a.wav", channels, 8000, subtype="FLOAT")
    samples, _ = read_audio(tmp_path / "a.wav")
    np.testing.assert_allclose(samples, [0.3, 0, -0.25], atol=1e-7)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1, 0.01])
def test_cut_short(tone, tmp_path, suffix, share):
    whole, path = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    soundfile.write(whole, tone, RATE)
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match=rf"cut\.{suffix}: (cut short|damaged)"):
        read_audio(path)


def lengths(made, folder):
    """Samples and rate of each file as read, and as it was made."""
    found, expected = {}, {}
    for name, file in made.items():
        path = file.write(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            samples, rate = read_audio(path)
        found[name], expected[name] = (len(samples), rate), (file.n_samples, file.rate)
        assert np.abs(samples[-rate // 2 :]).max() > 0.1, name  # no silence at the end
    return found, expected


def test_mp3_files_of_all_makes_are_read_to_their_ends(tmp_path):
    found, expected = lengths(audio_files.mp3_files(), tmp_path)
    assert found == expected


def test_other_files_of_all_makes_are_read_to_their_ends(tmp_path):
    found, expected = lengths(audio_files.other_files(), tmp_path)
    assert found == expected


def test_mp3_samples_are_those_encoded(tmp_path):
    """Neither shifted, nor silent, nor changed where blocks meet."""
    sound = audio_files.sound().mean(axis=1)
    made = audio_files.mp3_files()
    for name in ("variable rate, Xing header", "two files in one"):
        samples, _ = read_audio(made[name].write(tmp_path))
        copies = samples.reshape(-1, len(sound))
        for copy in copies:
            assert np.corrcoef(copy, sound)[0, 1] > 0.95


def test_real_mp3_files(shared_data):
    paths = sorted((shared_data / "mp3").glob("*.mp3"))
    assert paths
    for path in paths:
        samples, rate = read_audio(path)
        # One minute, in 2298 frames; the estimate from the size says 2,654,000.
        assert (len(samples), rate) == (2298 * 1152, 44_100)


def test_cut_mp3_files_are_errors_where_a_header_counts_frames(tmp_path):
    made = audio_files.mp3_files()
    for name in ("variable rate, Xing header", "variable rate, VBRI header"):
        file = made[name]
        path = file.write(tmp_path)
        path.write_bytes(file.data[: len(file.data) * 2 // 3])
        with pytest.raises(ValueError, match=r"made\.mp3: cut short"):
            read_audio(path)


def test_cut_mp3_files_without_a_count_are_doubted(tmp_path):
    data = audio_files.mp3_files()["constant rate, no header"].data
    frames = audio_files.mp3_frames(data)
    path = tmp_path / "cut.mp3"
    path.write_bytes(b"".join(frames[:40]) + frames[40][:99])
    with pytest.warns(UserWarning, match=r"cut\.mp3: it ends within a frame"):
        samples, _ = read_audio(path)
    assert len(samples) == 40 * 1152
    # Where a cut left whole frames nothing tells it.
    path.write_bytes(b"".join(frames[:40]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_audio(path)[0]) == 40 * 1152


@pytest.mark.filterwarnings("ignore:.*its decoder says")
def test_damage_within_mp3_files(tmp_path, capfd):
    frames = audio_files.mp3_frames(
        audio_files.mp3_files()["constant rate, no header"].data
    )
    path = tmp_path / "bad.mp3"
    noise = np.random.default_rng(0).bytes(3000)
    path.write_bytes(b"".join(frames[:30]) + noise + b"".join(frames[37:]))
    with pytest.warns(UserWarning, match=r"bad\.mp3: 3000 bytes between its frames"):
        samples, _ = read_audio(path)
    assert len(samples) == (len(frames) - 7) * 1152
    # The same with the headers whole: what libmpg123 prints is caught and told.
    for i in range(20, 60):
        frames[i] = frames[i][:60] + np.random.default_rng(i).bytes(len(frames[i]) - 60)
    path.write_bytes(b"".join(frames))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            read_audio(path)
        except ValueError as error:
            told.append(error)
    assert "bad.mp3: " in " ".join(str(getattr(t, "message", t)) for t in told)
    assert capfd.readouterr() == ("", "")


def test_a_wav_whose_header_leaves_samples_out_is_doubted(tmp_path):
    """As of more than 4 GB, whose size begins again at 0 (librosa 876)."""
    data = audio_files.other_files()["WAV"].data
    path = tmp_path / "long.wav"
    path.write_bytes(audio_files.wav_of_size(data, 44_100))
    match = rf"long\.wav: its header leaves out {len(data) - 44 - 44_100} bytes"
    with pytest.warns(UserWarning, match=match):
        assert len(read_audio(path)[0]) == 11_025


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"<!DOCTYPE html><html>404" + b" " * 3000, "Format not recognised"),
        (b"\0\0\0\1Bud1" + bytes(6000), "Format not recognised"),
        (audio_files.id3v2(3, audio_files.picture(20_000)), "Format not recognised"),
        (None, "damaged"),
    ],
    ids=["error page", "DS_Store", "tag alone", "one frame"],
)
def test_what_is_called_mp3_and_is_none(tmp_path, content, match):
    path = tmp_path / "song.mp3"
    if content is None:
        made = audio_files.mp3_files()["constant rate, no header"]
        content = audio_files.mp3_frames(made.data)[3]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"song\.mp3: .*{match}"):
        read_audio(path)


def test_an_mp3_file_whose_rate_changes(tmp_path):
    made = audio_files.mp3_files()
    one, other = made["constant rate, no header"], made["MPEG-2, 22050 Hz"]
    path = tmp_path / "two.mp3"
    path.write_bytes(one.data + other.data)
    with pytest.raises(ValueError, match=r"two\.mp3: its sample rate changes"):
        read_audio(path)


def test_cut_ogg_and_flac_files(tmp_path):
    made = audio_files.other_files()
    for name in ("FLAC of unknown length", "Ogg Opus", "Ogg Vorbis, chained"):
        file = made[name]
        path = file.write(tmp_path)
        path.write_bytes(file.data[: len(file.data) * 2 // 3])
        with pytest.raises(ValueError, match=r"cut short"):
            read_audio(path)


def test_ogg_streams_without_a_last_page_or_with_a_gap(tmp_path):
    data = audio_files.other_files()["Ogg Vorbis"].data
    starts = [i for i in range(len(data)) if data.startswith(b"OggS", i)]
    path = tmp_path / "open.ogg"
    path.write_bytes(data[: starts[-1]])
    with pytest.warns(UserWarning, match=r"open\.ogg: its Ogg stream has no last"):
        read_audio(path)
    path.write_bytes(data[: starts[-3]] + data[starts[-2] :])
    with pytest.raises(ValueError, match=r"open\.ogg: damaged: pages of its Ogg"):
        read_audio(path)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 22_050])
@pytest.mark.parametrize("n", [1, 999, 100_001])
def test_a_rate_may_be_asked_for(tmp_path, rate, n, monkeypatch):
    """The samples are those of `librosa.resample`, in whatever blocks they are read."""
    librosa = pytest.importorskip("librosa")
    monkeypatch.setattr(decoding, "_BLOCK", 777)
    samples = np.random.default_rng(0).normal(0, 0.1, n).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, rate, subtype="FLOAT")
    found, new_rate = read_audio(tmp_path / "a.wav", 22_050)
    assert new_rate == 22_050
    expected = librosa.resample(samples, orig_sr=rate, target_sr=22_050)
    np.testing.assert_array_equal(found, expected)


def test_small_files_of_long_silence(tmp_path):
    """What 6.6 kB of FLAC hold is measured after it is brought to another rate."""
    tracemalloc = pytest.importorskip("tracemalloc")
    path = tmp_path / "silence.flac"
    for hours, fits in ((0.75, True), (3, False)):
        soundfile.write(path, np.zeros(int(hours * 3600 * 1000), np.int16), 1000)
        assert path.stat().st_size < 40_000
        tracemalloc.start()
        try:
            if fits:
                assert len(read_audio(path, 22_050)[0]) == hours * 3600 * 22_050
            else:
                with pytest.raises(ValueError, match=r"silence\.flac: too long"):
                    read_audio(path, 22_050)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # Four bytes a sample, and what is being read.
        assert most < 4 * 2**26 + 5e7


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_no_text_can_hold(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    soundfile.write(os.fsencode(path), np.zeros(100) + 0.1, RATE)
    assert len(read_audio(path)[0]) == 100
    with open(path, "wb") as file:
        file.write(b"RIFF....WAVE")
    with pytest.raises(ValueError, match="caf\udce9"):
        read_audio(path)


class Decoder:
    """Reads any file, as audioread's decoders do."""

    samplerate, channels, duration = RATE, 2, 2.0

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __iter__(self):
        samples = np.full((RATE // 2, 2), (2**14, 0), "<i2")
        return iter([samples.tobytes()] * 4)


def test_formats_left_to_other_decoders(tmp_path, monkeypatch):
    path = tmp_path / "song.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(999))
    monkeypatch.setattr(other_decoders, "_decoders", lambda: [])
    with pytest.raises(
        ValueError, match=r"song\.m4a: MP4 \(m4a\).* install .*`ffmpeg`"
    ):
        read_audio(path)
    monkeypatch.setattr(other_decoders, "_decoders", lambda: [Decoder])
    samples, rate = read_audio(path)
    assert (len(samples), rate) == (2 * RATE, RATE)
    np.testing.assert_array_equal(samples, 0.25)
    monkeypatch.setattr(Decoder, "duration", 9.0)
    with pytest.raises(ValueError, match=r"song\.m4a: cut short or damaged: .* 9\.0 s"):
        read_audio(path)


def test_python_librarys_own_decoder_is_not_taken():
    pytest.importorskip("audioread")
    names = {decoder.__name__ for decoder in other_decoders._decoders()}
    assert "RawAudioFile" not in names


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("empty.wav", b"", r"empty\.wav: the file is empty"),
        ("text.mp3", b"not audio at all\n" * 99, r"text\.mp3: damaged.*or not audio"),
        ("text.wav", b"not audio at all\n" * 99, r"text\.wav: damaged.*or not audio"),
        ("notes.txt", b"not audio at all\n" * 99, r"notes\.txt: not an audio file"),
        ("zeros.m4a", bytes(5000), r"zeros\.m4a: not an audio file"),
    ],
)
def test_what_is_not_audio_is_named(tmp_path, name, content, match):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=match):
        read_audio(tmp_path / name)


def test_no_samples(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE)
    with pytest.raises(ValueError, match=r"none\.wav: the file holds no samples"):
        read_audio(tmp_path / "none.wav")


def test_nan_in_a_file(tmp_path):
    samples = np.full(100, np.nan)
    soundfile.write(tmp_path / "nan.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"nan\.wav: damaged.*NaN"):
        read_audio(tmp_path / "nan.wav")


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        read_audio(tmp_path / "missing.wav")
    with pytest.raises(IsADirectoryError):
        read_audio(tmp_path)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    suffix=st.sampled_from(["wav", "flac", "ogg", "aiff"]),
    changes=st.lists(
        st.tuples(st.integers(0, 120), st.integers(0, 255)), min_size=1, max_size=8
    ),
)
def test_damaged_headers_never_crash(tmp_path, suffix, changes):
    path = tmp_path / f"damaged.{suffix}"
    soundfile.write(path, np.zeros(2000) + 0.1, RATE)
    data = bytearray(path.read_bytes())
    for position, value in changes:
        data[position % len(data)] = value
    path.write_bytes(data)
    try:
        samples, rate = read_audio(path)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert samples.ndim == 1
        assert np.isfinite(samples).all()
        assert 1000 <= rate <= 768_000

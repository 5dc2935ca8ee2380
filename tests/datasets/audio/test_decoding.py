import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

soundfile = pytest.importorskip("soundfile", reason="needs sklearn-msd[audio]")

from sklearn_msd.datasets.audio.decoding import read_audio  # noqa: E402

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


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_wav_of_unknown_length_is_whole(tone, tmp_path, size):
    path = tmp_path / "stream.wav"
    soundfile.write(path, tone, RATE)
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = data[4:8] = size.to_bytes(4, "little")
    path.write_bytes(data)
    assert len(read_audio(path)[0]) == len(tone)


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

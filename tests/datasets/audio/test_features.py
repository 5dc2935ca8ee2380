import numpy as np
import pytest

librosa = pytest.importorskip("librosa", reason="needs sklearn-msd[audio]")

from sklearn_msd.datasets.audio import features  # noqa: E402

RATE = features.RATE


def tone(midi, seconds=1.0, rate=RATE, amplitude=0.5):
    """A sine, A at 440 Hz being midi note 69."""
    hertz = 440 * 2 ** ((midi - 69) / 12)
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


def plucked(midi, seconds):
    """A note with harmonics that starts at once and fades."""
    t = np.arange(int(RATE * seconds)) / RATE
    harmonics = [tone(midi + 12 * np.log2(k), seconds) / k for k in range(1, 6)]
    return np.exp(-t / 0.3) * np.sum(harmonics, axis=0)


@pytest.fixture(scope="module")
def melody():
    """Notes at known times, some noise beneath."""
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.12, 0.5, size=80))
    y = 1e-3 * rng.standard_normal(int((times[-1] + 1) * RATE))
    for time in times:
        note = plucked(rng.integers(48, 84), 0.5)
        start = int(time * RATE)
        y[start : start + len(note)] += note[: len(y) - start]
    return 0.5 * y / abs(y).max(), times


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000])
def test_a_tone_gives_its_chroma_bin(rate):
    for midi in range(36, 96, 5):  # C2 to B6, all pitch classes
        segments, _ = features.audio_segments(tone(midi, 0.5, rate), rate)
        np.testing.assert_array_equal(segments[:, :12].argmax(axis=1), midi % 12)
        np.testing.assert_array_equal(segments[:, :12].max(axis=1), 1)
        # Next to nothing three semitones and more away.
        far = [(midi + i) % 12 for i in range(3, 10)]
        if midi >= 48:  # below, semitones are closer than the transform resolves
            assert segments[:, far].max() < 0.05


def test_a_scale_gives_its_sequence():
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    y = np.concatenate([plucked(midi, 0.4) for midi in scale])
    segments, start = features.audio_segments(y, RATE)
    for i, midi in enumerate(scale):
        middle = np.searchsorted(start, 0.4 * i + 0.2) - 1
        assert segments[middle, :12].argmax() == midi % 12
    # A segment starts with each note.
    for i in range(1, 8):
        assert abs(start - 0.4 * i).min() < 0.05


def test_segments_start_at_onsets(melody):
    y, times = melody
    _, start = features.audio_segments(y, RATE)
    nearest = np.abs(start[:, None] - times).min(axis=0)
    assert np.mean(nearest < 0.05) > 0.9


def test_segments_last_as_long_as_those_of_the_million_song_dataset(melody):
    for y in (melody[0], tone(69, 20), np.random.default_rng(0).normal(size=20 * RATE)):
        segments, start = features.audio_segments(y, RATE)
        lasting = np.diff(start, append=len(y) / RATE)
        assert 0.18 < np.median(lasting) < 0.28
        assert 3.5 < len(segments) / (len(y) / RATE) < 5
        assert lasting.min() >= 0.09
        assert lasting.max() <= 0.65


@pytest.mark.parametrize("gain", [10 ** (6 / 20), 0.05])
def test_a_louder_copy(melody, gain):
    segments, start = features.audio_segments(melody[0], RATE)
    louder, louder_start = features.audio_segments(gain * melody[0], RATE)
    decibels = 20 * np.log10(gain)
    np.testing.assert_array_equal(start, louder_start)
    np.testing.assert_allclose(louder[:, :12], segments[:, :12], atol=1e-5)
    np.testing.assert_allclose(louder[:, 13:24], segments[:, 13:24], atol=1e-3)
    # Where neither touches the floor.
    above = (segments[:, 24] > -30) & (louder[:, 24] > -55)
    assert above.sum() > 50
    moved = louder[above] - segments[above]
    np.testing.assert_allclose(moved[:, 24], decibels, atol=1e-3)


def test_levels_in_decibels():
    # A sine of amplitude a has the level 20 log10(a / sqrt 2).
    for amplitude in (1, 0.5, 0.01):
        segments, _ = features.audio_segments(tone(69, 2, amplitude=amplitude), RATE)
        level = 20 * np.log10(amplitude / np.sqrt(2))
        np.testing.assert_allclose(segments[:, 24], level, atol=0.05)
        # The first and the last frame look beyond the signal.
        np.testing.assert_allclose(segments[1:-1, 12], level + 60, atol=0.05)


def test_timbre_is_librosas_mfcc():
    """Of a steady sound, segment means are the means of librosa's coefficients."""
    y = np.random.default_rng(0).normal(size=4 * RATE).astype(np.float32)
    y /= abs(y).max()
    segments, start = features.audio_segments(y, RATE)
    mel = librosa.feature.melspectrogram(
        y=y, sr=RATE, n_fft=2048, hop_length=512, n_mels=40
    )
    mfcc = librosa.feature.mfcc(
        S=librosa.power_to_db(mel, ref=np.max, top_db=80), n_mfcc=12
    )
    frames = np.rint(start * RATE / 512).astype(int)
    for i, (first, last) in enumerate(zip(frames, [*frames[1:], None], strict=True)):
        expected = mfcc[1:, first:last].mean(axis=1)
        np.testing.assert_allclose(segments[i, 13:24], expected, rtol=1e-3, atol=1e-2)


def test_silence_is_finite():
    for y in (np.zeros(3 * RATE), np.zeros(1), np.full(RATE, 1e-30)):
        segments, start = features.audio_segments(y, RATE)
        assert np.isfinite(segments).all()
        np.testing.assert_array_equal(segments[:, 24], -60)
        np.testing.assert_array_equal(segments[:, 12], 0)
        np.testing.assert_array_equal(segments[:, :12].max(axis=1), 1)
        assert start[0] == 0
    np.testing.assert_allclose(
        features.audio_segments(np.zeros(99), 8000)[0][:, :12], 1
    )


def test_silence_within_a_song():
    y = np.concatenate([tone(69), np.zeros(2 * RATE), tone(69)])
    segments, start = features.audio_segments(y, RATE)
    assert np.isfinite(segments).all()
    inside = (start > 1.2) & (start < 2.4)
    np.testing.assert_array_equal(segments[inside, 24], -60)
    np.testing.assert_allclose(segments[inside, :12], 1)


@pytest.mark.parametrize("n_samples", [1, 2, 511, 512, 2047, 4097, 22_050])
@pytest.mark.parametrize("rate", [8000, 22_050, 48_000])
def test_signals_of_any_length(n_samples, rate):
    y = np.random.default_rng(0).normal(size=n_samples)
    segments, start = features.audio_segments(y, rate)
    assert segments.shape == (len(start), 25)
    assert segments.dtype == np.float32
    assert np.isfinite(segments).all()


def test_blocks_do_not_show(melody, monkeypatch):
    whole = features.audio_segments(melody[0], RATE)
    monkeypatch.setattr(features, "BLOCK", 7)
    for one, other in zip(whole, features.audio_segments(melody[0], RATE), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_far_onsets_are_joined_by_even_parts():
    log_mel = np.zeros((40, 400))
    onsets = [100, 115, 140, 300]  # frames of 23 ms
    for onset in onsets:
        log_mel[:, onset : onset + 4] = 30
    starts = features.segment_starts(log_mel)
    assert {0, *onsets} <= set(starts)
    # Near onsets bound a segment; far ones are parts of about 0.23 s, 10 frames.
    assert not set(range(101, 140)) & set(starts) - {115}
    lasting = np.diff(starts, append=400)
    parts = lasting[(starts < 100) | (starts >= 140)]
    assert set(parts) <= {9, 10, 11}


def test_at_most_the_strongest_onsets_are_kept():
    rng = np.random.default_rng(0)
    rises = np.zeros(1000)
    rises[5::5] = rng.uniform(1, 20, size=199)  # 8.6 a second
    log_mel = np.zeros((40, 1000))
    for frame in np.flatnonzero(rises):
        log_mel[:, frame : frame + 2] = rises[frame]
    starts = features.segment_starts(log_mel)
    n_most = round(1000 / (0.23 * features.RATE / 512))
    by_strength = np.argsort(-rises)
    assert set(by_strength[:n_most]) <= set(starts)
    # Of the others, only those that a long gap happens to be cut at.
    others = np.flatnonzero(np.isin(starts, by_strength[n_most:199]))
    assert len(others) < 10
    assert (starts[others + 1] - starts[others - 1] >= 15).all()


def test_other_values_have_another_version():
    """Segments in caches are told by `FEATURE_VERSION`: raise it, and change both."""
    t = np.arange(4 * RATE) / RATE
    notes = [tone(57 + k, 4, amplitude=1) * (t % 1 > k / 8) for k in range(8)]
    y = sum(notes) * np.exp(-(t % 0.5) * 4) / 8
    segments, _ = features.audio_segments(y, RATE)
    # fmt: off
    means = [
        0.515, 0.443, 0.265, 0.146, 0.057, 0.011, 0.004, 0.006, 0.170, 0.874, 0.802,
        0.610, 36.664, 66.180, 35.187, 28.257, 21.248, 15.659, 9.196, 3.659, -1.503,
        -5.856, -9.580, -12.270, -19.814,
    ]
    # fmt: on
    assert features.FEATURE_VERSION == 1
    assert len(segments) == 18
    np.testing.assert_allclose(segments.mean(axis=0), means, atol=0.01)

import importlib.util
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msd.datasets import load_spoken_digits
from sklearn_msd.datasets.spoken_digits import DATA

SPEAKERS = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
SCRIPT = Path(__file__).parents[2] / "tools" / "make_spoken_digits.py"


@pytest.fixture(scope="module")
def digits():
    return load_spoken_digits()


@pytest.fixture(scope="module")
def script():
    """The script that made the data, as a module."""
    spec = importlib.util.spec_from_file_location("make_spoken_digits", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_shapes_and_types(digits):
    assert digits.data.shape == (600, 3000)
    assert digits.data.dtype == np.float32
    assert np.isfinite(digits.data).all()
    assert digits.target_names[digits.target[0]] == "zero"
    assert len(digits.feature_names) == 3000
    assert digits.feature_names[24:26] == ["segment_0_loudness", "segment_1_chroma_0"]
    assert "speech, not music" in digits.DESCR
    X, y = load_spoken_digits(return_X_y=True)
    assert_array_equal(X, digits.data)
    assert_array_equal(y, digits.target)


def test_balanced(digits):
    counts = Counter(zip(digits.target.tolist(), digits.groups.tolist(), strict=True))
    assert counts == {(d, speaker): 10 for d in range(10) for speaker in SPEAKERS}
    assert len(set(digits.track_id)) == 600


def test_columns_are_what_their_names_say(digits):
    segments = digits.data.reshape(600, 120, 25)
    assert segments[..., :12].min() >= 0
    assert_array_equal(segments[..., :12].max(axis=2), 1)
    assert segments[..., 24].max() <= 0
    assert segments[..., 24].min() >= -100


def test_recordings_lie_beside(digits):
    recordings = digits.recordings
    assert len(recordings.filenames) == 60
    names = zip(recordings.target, recordings.groups, strict=True)
    for filename, (digit, speaker) in zip(recordings.filenames, names, strict=True):
        path = Path(filename)
        assert path.name == f"{digit}_{speaker}_0.wav"
        assert path.read_bytes()[:4] == b"RIFF"


def test_small_enough_to_ship_and_attributed():
    assert (DATA / "spoken_digits.npz").stat().st_size <= 4_000_000
    wavs = (DATA / "spoken_digits").glob("*.wav")
    assert sum(path.stat().st_size for path in wavs) <= 500_000
    notice = (DATA / "LICENSE-spoken-digits.txt").read_text(encoding="utf-8")
    for words in ("Zohar Jackson", "CC BY-SA 4.0", "Changes made"):
        assert words in notice


def test_digits_can_be_learned_on_voices_not_heard(digits):
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e-4, max_iter=200))
    scores = cross_val_score(
        model, digits.data, digits.target, groups=digits.groups, cv=GroupKFold(6)
    )
    assert scores.mean() > 0.3  # chance is 0.1


def test_made_from_the_whole_data_set(shared_data, script, tmp_path, digits):
    script.main(
        [
            str(shared_data / "fsdd_120x25.npz"),
            str(shared_data / "fsdd_wav"),
            str(tmp_path),
        ]
    )
    with (
        np.load(tmp_path / "spoken_digits.npz") as made,
        np.load(DATA / "spoken_digits.npz") as shipped,
    ):
        assert sorted(made) == sorted(shipped)
        for name in made:
            assert made[name].dtype == shipped[name].dtype
            assert_array_equal(made[name], shipped[name])
    for path in (DATA / "spoken_digits").glob("*.wav"):
        assert (tmp_path / "spoken_digits" / path.name).read_bytes() == (
            path.read_bytes()
        )
    # And each song is that of the source with its name.
    with np.load(shared_data / "fsdd_120x25.npz") as source:
        X = dict(zip(source["track_id"].tolist(), source["X"], strict=True))
    for song, track_id in zip(digits.data, digits.track_id, strict=True):
        assert_array_equal(song.reshape(120, 25), X[track_id])


class TestScript:
    @pytest.fixture
    def songs(self):
        """A small source, in no order: 2 speakers, 4 takes."""
        rng = np.random.default_rng(0)
        tracks = [f"{d}_{s}_{t}" for d in range(10) for s in "ab" for t in range(4)]
        rng.shuffle(tracks)
        return {
            "X": rng.normal(size=(80, 120, 25)).astype(np.float16),
            "y": np.array([f"digit_{track[0]}" for track in tracks]),
            "group": np.array([track[2] for track in tracks]),
            "track_id": np.array(tracks),
        }

    def test_takes_the_first_of_each(self, script, songs):
        arrays = script.balanced(songs, 3)
        assert arrays["data"].shape == (60, 120, 25)
        expected = [f"{d}_{s}_{t}" for d in range(10) for s in "ab" for t in range(3)]
        assert arrays["track_id"].tolist() == expected
        row = songs["track_id"].tolist().index("7_b_1")
        assert_array_equal(arrays["data"][expected.index("7_b_1")], songs["X"][row])

    def test_refuses_what_is_wrong(self, script, songs):
        with pytest.raises(ValueError, match="80 takes found, expected 100"):
            script.balanced(songs, 5)
        with pytest.raises(ValueError, match="float32"):
            script.balanced(songs | {"X": songs["X"].astype(np.float32)}, 2)
        with pytest.raises(ValueError, match="y disagrees"):
            script.balanced(songs | {"y": songs["y"][::-1]}, 2)
        with pytest.raises(ValueError, match="group disagrees"):
            script.balanced(songs | {"group": songs["group"][::-1]}, 2)
        with pytest.raises(ValueError, match="track_id is not"):
            script.balanced(songs | {"track_id": songs["y"]}, 2)

    def test_leaves_nothing_that_is_too_large(self, script, songs, tmp_path):
        wav = tmp_path / "0_a_0.wav"
        wav.write_bytes(bytes(100))
        out = tmp_path / "out"
        noise = np.random.default_rng(0).bytes(4_500_000)
        with pytest.raises(ValueError, match="segments take"):
            script.write({"data": np.frombuffer(noise, np.uint8)}, [wav], out)
        assert not list(out.iterdir())
        wav.write_bytes(bytes(600_000))
        with pytest.raises(ValueError, match="recordings take 600000"):
            script.write(script.balanced(songs, 1), [wav], out)
        with pytest.raises(ValueError, match="no recordings"):
            script.write(script.balanced(songs, 1), [], out)

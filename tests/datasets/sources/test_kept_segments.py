import pickle

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_msd.datasets import AudioSegmenter, load_spoken_digits
from sklearn_msd.datasets.sources.kept_segments import KeptSegments, read_kinds

KINDS = [AudioSegmenter(None), AudioSegmenter(None, features="musicnn", output="tags")]


@pytest.fixture(scope="module")
def paths():
    pytest.importorskip("soundfile")
    pytest.importorskip("librosa")
    return load_spoken_digits().recordings.filenames[:3]


def counted(calls):
    def square(number, device):
        calls.append(number)
        return np.array([number**2])

    return square


def test_a_function_is_called_once_for_what_counts():
    calls = []
    kept = KeptSegments()
    square = kept.cache(counted(calls), ignore=["device"])
    assert square(3, "cpu") is square(3, "cuda")
    assert calls == [3]
    # What another has is taken over, also from another process.
    other = pickle.loads(pickle.dumps(kept))
    later = KeptSegments()
    later.update(other)
    assert later.cache(counted(calls), ignore=["device"])(3, "cpu") == 9
    assert calls == [3]


def test_clones_share_what_is_kept():
    kept = KeptSegments()
    assert clone(AudioSegmenter(memory=kept)).memory is kept


def test_what_is_not_kept_is_looked_for_in_the_memory_behind(tmp_path, paths):
    first = KeptSegments(str(tmp_path))
    expected = AudioSegmenter(4, memory=first).transform(paths)
    later = AudioSegmenter(4, memory=KeptSegments(str(tmp_path)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn_msd.datasets.audio.reader.decode_audio", None)
        np.testing.assert_array_equal(later.transform(paths), expected)


def test_all_kinds_of_a_file_are_read_at_once(paths, monkeypatch):
    kept = KeptSegments()
    for path in paths:
        read = read_kinds(KINDS, path)
        assert isinstance(read, KeptSegments)
        kept.update(read)
    expected = [clone(kind).set_params(n_segments=2).transform(paths) for kind in KINDS]
    monkeypatch.setattr("sklearn_msd.datasets.audio.reader.decode_audio", None)
    for kind, X in zip(KINDS, expected, strict=True):
        reader = clone(kind).set_params(n_segments=2, memory=kept)
        np.testing.assert_array_equal(reader.transform(paths), X)


def test_what_is_wrong_with_a_file_is_said(tmp_path):
    pytest.importorskip("soundfile")
    (tmp_path / "bad.wav").write_text("no audio")
    assert "bad.wav" in read_kinds(KINDS, str(tmp_path / "bad.wav"))

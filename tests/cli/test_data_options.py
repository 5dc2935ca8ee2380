import argparse

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_msd.cli.data_options import add_data, load_songs
from sklearn_msd.datasets import AudioSegmenter

KINDS = [AudioSegmenter(None), AudioSegmenter(None, features="musicnn")]


def load(*options, **kwargs):
    parser = argparse.ArgumentParser()
    add_data(parser.add_argument)
    return load_songs(parser.parse_args(map(str, options)), KINDS, **kwargs)


def test_recordings_with_labels_in_their_names(recordings):
    pattern, group = r"--label-pattern=^(\d)_", "--group-pattern=_(.*)_"
    songs = load(recordings, pattern, group)
    assert songs.features == "audio"
    assert len(songs.X_valid) in (3, 6)  # all of one voice or two
    assert len(songs.group) == len(songs.X) == 18 - len(songs.X_valid)
    assert len(set(songs.group)) in (4, 5)
    whole = load(recordings, pattern, whole=True)
    names = sorted(path.name for path in recordings.iterdir())
    assert [whole.classes[code] for code in whole.y] == [name[0] for name in names]
    assert list(whole.X) == [str(recordings / name) for name in names]
    expected = [kind.transform(whole.X[:3]) for kind in KINDS]
    with pytest.MonkeyPatch.context() as patch:  # nothing is read again
        patch.setattr("sklearn_msd.datasets.audio.reader.decode_audio", None)
        for kind, segments in zip(KINDS, expected, strict=True):
            again = clone(kind).set_params(memory=whole.kept)
            np.testing.assert_array_equal(again.transform(whole.X[:3]), segments)


def test_the_first_of_several_tasks_is_told(tmp_path, capsys):
    for task in ("25", "10", "mine"):
        for split in ("train", "valid"):
            X = np.zeros((4, 120, 25), np.float16)
            path = tmp_path / f"msd-{task}-genre-{split}.npz"
            np.savez(path, inputs=X, targets=np.arange(4) % 2)
    assert load(tmp_path).name.endswith("10-genre task")
    assert "has the tasks 10, 25, mine; taking 10" in capsys.readouterr().err
    assert load(tmp_path, "--task=mine").name.endswith("mine-genre task")
    with pytest.raises(ValueError, match=r"task 9 is not in .* has 10 and 25 and mine"):
        load(tmp_path, "--task=9")


def test_options_that_do_not_go_together(recordings):
    with pytest.raises(ValueError, match="cannot go with"):
        load(recordings, "--labels=a.csv", "--label-pattern=(.)")
    with pytest.raises(ValueError, match="no folder of recordings"):
        load("spoken-digits", "--group-pattern=(.)")

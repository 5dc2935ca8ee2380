import numpy as np
import pytest

from sklearn_msd.datasets.sources.songs import divide

X = np.arange(40)[:, None] * np.ones(25)
Y = np.array(["a", "b"])[np.arange(40) % 2]


def test_one_in_five_of_each_class_validates():
    songs = divide("d", "", X, Y, None)
    assert list(songs.classes) == ["a", "b"]
    assert list(np.bincount(songs.y_valid)) == [4, 4]
    rows = np.concatenate([songs.X, songs.X_valid])[:, 0].astype(int)
    assert sorted(rows) == list(range(40))
    codes = np.concatenate([songs.y, songs.y_valid])
    np.testing.assert_array_equal(songs.classes[codes], Y[rows])


def test_whole_is_not_divided():
    songs = divide("d", "", X, Y, None, whole=True)
    assert (len(songs.X), len(songs.X_valid)) == (40, 0)
    assert divide("d", "", X[:1], Y[:1], None, whole=True).y == [0]


def test_labels_may_be_positions():
    songs = divide("d", "", X, np.arange(40) % 2, None, classes=np.array(["z", "b"]))
    assert set(songs.classes[songs.y[songs.X[:, 0] % 2 == 0]]) == {"z"}


def test_too_few_songs_are_told_by_name():
    with pytest.raises(ValueError, match=r"^d: at least two songs"):
        divide("d", "", X[:1], Y[:1], None)

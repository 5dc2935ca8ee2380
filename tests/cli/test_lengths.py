import numpy as np
import pytest

from sklearn_msd.cli.lengths import cut_songs

X = np.arange(2 * 6 * 3, dtype=np.float32).reshape(2, 6, 3)


def test_songs_of_the_length_are_not_copied():
    assert np.shares_memory(cut_songs(X, 6, 3), X)


@pytest.mark.parametrize("songs", [X, X.reshape(2, -1)])
def test_longer_ones_are_cut_to_their_middle(songs):
    np.testing.assert_array_equal(cut_songs(songs, 4, 3), X[:, 1:5].reshape(2, -1))


def test_songs_that_end_in_nan_are_repeated():
    padded = X.copy()
    padded[0, 4:] = np.nan
    cut = cut_songs(padded, 6, 3).reshape(2, 6, 3)
    np.testing.assert_array_equal(cut[0], X[0, [0, 1, 2, 3, 0, 1]])
    np.testing.assert_array_equal(cut[1], X[1])


@pytest.mark.parametrize(
    ("songs", "message"),
    [
        (X[:, :3], "9 features a song, expected 12"),
        (
            X.reshape(2, -1)[:, :17],
            "17 features a song, expected a multiple of the 3",
        ),
        (X[:, :0], "0 features a song, expected a multiple of the 3"),
        (X[:, :, :2], "2 features a segment, expected 3"),
        (X[0, 0], "must be numbers of shape"),
        (np.array([["a"]]), "must be numbers of shape"),
    ],
)
def test_songs_that_cannot_be_cut(songs, message):
    with pytest.raises(ValueError, match=message):
        cut_songs(songs, 4, 3)

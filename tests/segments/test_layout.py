import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_msd.segments import layout as arrays
from sklearn_msd.segments.layout import stack_segments, unstack_segments


def song(n_segments, n_features=3, dtype=np.float64):
    """A song whose values say where they come from."""
    return np.arange(n_segments * n_features, dtype=dtype).reshape(n_segments, -1)


def crops_of(songs, n_segments, **kwargs):
    kwargs.setdefault("random_state", np.random.RandomState(0))
    return [np.array(crops) for crops in arrays.iter_crops(songs, n_segments, **kwargs)]


@settings(max_examples=50)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
    st.sampled_from([np.float16, np.float32, np.float64]),
)
def test_stack_and_unstack_are_inverse(lengths, dtype):
    songs = [song(n, dtype=dtype) for n in lengths]
    X = stack_segments(songs)
    assert X.shape == (len(lengths), max(lengths), 3)
    assert X.dtype == dtype
    assert np.isnan(X).sum() == sum(max(lengths) - n for n in lengths) * 3
    for got, expected in zip(unstack_segments(X), songs, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_stack_takes_integers_lists_and_object_arrays():
    assert stack_segments([[[1, 2], [3, 4]], [[5, 6]]]).tolist()[0] == [[1, 2], [3, 4]]
    ragged = np.empty(2, dtype=object)
    ragged[:] = [song(1), song(2)]
    assert stack_segments(ragged).shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("songs", "match"),
    [
        ([], "songs is empty"),
        ([song(2), song(2, 4)], r"songs\[1\] has shape \(2, 4\)"),
        ([song(2), song(2)[0]], r"songs\[1\] has shape \(3,\)"),
        ([np.float64(1)], r"songs\[0\] has shape \(\)"),
        ([song(2).astype(str)], r"songs\[0\] has dtype <U"),
    ],
)
def test_stack_names_the_song_that_does_not_fit(songs, match):
    with pytest.raises(ValueError, match=match):
        stack_segments(songs)


@pytest.mark.parametrize(
    "songs", [int, 3.0, np.array(3), "songs", {"a": np.ones((2, 3))}, iter([])]
)
def test_stack_needs_a_sequence(songs):
    with pytest.raises(TypeError, match="songs must be a sequence of arrays"):
        stack_segments(songs)


def test_unstack_needs_three_dimensions():
    with pytest.raises(ValueError, match=r"got \(2, 3\)"):
        unstack_segments(song(2))


def test_nan_inside_a_song_is_not_padding():
    holed = song(4)
    holed[1] = np.nan
    holed[3, :2] = np.nan  # the last segment still holds one value
    assert len(arrays.without_padding(holed)) == 4


@pytest.mark.parametrize(
    ("crop", "n_crops", "starts"),
    [
        ("center", 1, [3]),  # (10 - 4) // 2
        ("start", 1, [0]),
        ("even", 1, [3]),
        ("even", 2, [0, 6]),
        ("even", 4, [0, 2, 4, 6]),
    ],
)
def test_crops_start_where_they_should(crop, n_crops, starts):
    (crops,) = crops_of([song(10)], 4, crop=crop, n_crops=n_crops)
    expected = [song(10)[start : start + 4] for start in starts]
    np.testing.assert_array_equal(crops, expected)


def test_random_crops_reach_every_start_and_only_those():
    (crops,) = crops_of([song(6)], 4, crop="random", n_crops=200)
    starts = crops[:, 0, 0] / 3
    assert set(starts) == {0, 1, 2}
    for start, crop in zip(starts.astype(int), crops, strict=True):
        np.testing.assert_array_equal(crop, song(6)[start : start + 4])


def test_padding_of_short_songs():
    short = song(2)  # [[0, 1, 2], [3, 4, 5]]
    expected = {
        "repeat": [*short, *short, short[0]],
        "mean": [*short, *[[1.5, 2.5, 3.5]] * 3],
        "zero": [*short, *[[0, 0, 0]] * 3],
        "nan": [*short, *[[np.nan] * 3] * 3],
    }
    assert set(expected) == set(arrays.PADS)
    for pad, padded in expected.items():
        (crops,) = crops_of([short], 5, pad=pad)
        np.testing.assert_array_equal(crops[0], padded)


def test_nan_at_the_end_is_cut_before_cropping():
    padded = stack_segments([song(6), song(20)])
    for crop in ("center", "even"):
        got, alone = crops_of(padded, 4, crop=crop), crops_of([song(6)], 4, crop=crop)
        np.testing.assert_array_equal(got[0], alone[0])


def test_mean_padding_of_float16_does_not_overflow():
    loud = np.full((1000, 3), 500, dtype=np.float16)
    (crops,) = crops_of([loud], 1001, pad="mean")
    assert crops.dtype == np.float16
    np.testing.assert_array_equal(crops[0, -1], 500)


def test_a_song_of_nan_is_named():
    with pytest.raises(ValueError, match=r"X\[1\] holds no segments"):
        crops_of([song(3), np.full((3, 3), np.nan)], 2)


def test_flatten_is_a_view_and_checks_widths():
    X = np.zeros((4, 6, 3), dtype=np.float32)
    assert np.shares_memory(arrays.flatten_songs(X, 3), X)
    assert arrays.flatten_songs(X[:0], 3).shape == (0, 18)
    with pytest.raises(ValueError, match=r"segments of 3 features.*=25"):
        arrays.flatten_songs(X, 25)
    with pytest.raises(ValueError, match="30 features, which is not a multiple"):
        arrays.check_width(30, 25)


def test_songs_with_their_channels_first_are_asked_about():
    with pytest.raises(
        ValueError, match=r"need transposing: \[x\.T for x in songs\]\?"
    ):
        stack_segments([np.ones((12, 20)), np.ones((12, 26))])
    with pytest.raises(ValueError, match=r"the same in all\.$"):
        stack_segments([np.ones((12, 20)), np.ones((13, 26))])

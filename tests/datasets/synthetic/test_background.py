import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_msd.datasets.synthetic.background import (
    Background,
    over_keys,
    root,
    song_statistics,
    transpose_and_cut,
    uncut_statistics,
)

NOTHING = np.zeros((25, 25))


def test_the_figures_are_those_of_the_real_songs(shared_data):
    figures = json.loads((shared_data / "msd_segment_statistics.json").read_text())
    ours = song_statistics()
    assert_array_equal(ours.mean, figures["mean"])
    assert_array_equal(ours.within, figures["within_song_covariance"])
    assert_array_equal(ours.between, figures["between_song_covariance"])
    assert_array_equal(ours.lag1, figures["lag1_autocorrelation"])


def test_averaged_over_keys_no_transposition_changes_anything():
    rng = np.random.default_rng(0)
    figures = over_keys(rng.standard_normal((25, 25)))
    rolled = figures.copy()
    rolled[:12] = np.roll(rolled[:12], 1, axis=0)
    rolled[:, :12] = np.roll(rolled[:, :12], 1, axis=1)
    assert_allclose(rolled, figures)


def test_root_drops_negative_directions():
    assert_allclose(root(np.diag([4.0, 9.0, -1e-3])), np.diag([2.0, 3.0, 0.0]))


def test_background_alone_has_the_covariances_and_autocorrelation():
    rng = np.random.default_rng(0)
    # Long songs, so that the mean of a song says little of its noise.
    x = Background(NOTHING, np.zeros(25), NOTHING).sample(500, 500, rng)
    assert x.dtype == np.float32
    figures = uncut_statistics()
    within_std = np.sqrt(np.diag(figures.within))
    between_std = np.sqrt(np.diag(figures.between))
    song_means = x.mean(axis=1)
    inner = (x - song_means[:, None]).reshape(-1, 25)
    correlation = figures.within / np.outer(within_std, within_std)
    assert_allclose(np.corrcoef(inner.T), correlation, atol=0.03)
    assert_allclose(inner.std(axis=0), within_std, rtol=0.03)
    correlation = figures.between / np.outer(between_std, between_std)
    assert_allclose(np.corrcoef(song_means.T), correlation, atol=0.15)
    assert_allclose(song_means.std(axis=0), between_std, rtol=0.1)
    steps = (x - song_means[:, None]) / within_std
    assert_allclose(
        (steps[:, 1:] * steps[:, :-1]).mean(axis=(0, 1)), figures.lag1, atol=0.03
    )


def test_background_leaves_room_for_a_signal():
    rng = np.random.default_rng(0)
    figures = uncut_statistics()
    signal = 0.3 * figures.within
    signal_lag1 = np.diag(signal) * figures.lag1
    x = Background(signal, signal_lag1, NOTHING).sample(400, 300, rng)
    x -= x.mean(axis=1, keepdims=True)
    assert_allclose(x.std(axis=(0, 1)) ** 2, 0.7 * np.diag(figures.within), rtol=0.05)


@pytest.mark.parametrize(
    ("within", "between", "message"),
    [(1.1, 0.0, "class_sep is too large"), (0.0, 1.1, "mean_sep is too large")],
)
def test_a_signal_that_varies_more_than_real_songs_is_refused(within, between, message):
    figures = uncut_statistics()
    with pytest.raises(ValueError, match=message):
        Background(within * figures.within, np.zeros(25), between * figures.between)


def test_transposition_rolls_chroma_and_leaves_the_rest():
    rng = np.random.default_rng(0)
    x = rng.random((200, 7, 25), dtype=np.float32) * 0.9
    x[..., 3] = 1.0
    out = transpose_and_cut(x.copy(), np.zeros(25), rng)
    assert_array_equal(out[..., 12:], x[..., 12:])
    keys = out[:, 0, :12].argmax(axis=1) - 3
    assert set(keys % 12) == set(range(12))
    for song, rolled, key in zip(x, out, keys, strict=True):
        assert_array_equal(rolled[:, :12], np.roll(song[:, :12], key, axis=1))


def test_chroma_is_cut_to_its_range_with_a_maximum_of_one():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 20, 25)).astype(np.float32)
    out = transpose_and_cut(x, np.zeros(25), rng)
    assert out[..., :12].min() == 0
    assert_array_equal(out[..., :12].max(axis=2), np.ones((50, 20)))

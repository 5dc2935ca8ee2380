import json
from importlib.resources import files

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msd.datasets import make_songs

FIGURES = json.loads(
    (files("sklearn_msd.datasets") / "data/msd_segment_statistics.json").read_text()
)
ALL_OFF = {"segment_share": 0, "order_share": 0, "position_share": 0, "mean_sep": 0}
CHANCE = 1 / 4


@pytest.fixture(scope="module", params=[0, 1, 2])
def raw_songs(request):
    X, _ = make_songs(1000, standardize=False, random_state=request.param)
    return X.reshape(-1, 120, 25).astype(float)


def test_means_and_deviations_are_those_of_real_songs(raw_songs):
    within = np.array(FIGURES["within_song_std"])
    between = np.array(FIGURES["between_song_std"])
    assert_allclose(
        (raw_songs.mean(axis=(0, 1)) - FIGURES["mean"]) / np.hypot(within, between),
        0,
        atol=0.08,
    )
    assert_allclose(raw_songs.std(axis=1, ddof=1).mean(axis=0) / within, 1, atol=0.12)
    # The mean of only 120 segments adds to what real songs of some 800 vary.
    assert_allclose(raw_songs.mean(axis=1).std(axis=0) / between, 1, atol=0.25)


def test_autocorrelation_is_that_of_real_songs(raw_songs):
    centred = raw_songs - raw_songs.mean(axis=1, keepdims=True)
    lag1 = [
        np.corrcoef(centred[:, :-1, i].ravel(), centred[:, 1:, i].ravel())[0, 1]
        for i in range(25)
    ]
    assert_allclose(lag1, FIGURES["lag1_autocorrelation"], atol=0.1)
    assert np.abs(np.subtract(lag1, FIGURES["lag1_autocorrelation"])).mean() < 0.05


def test_timbre_and_loudness_covary_as_in_real_songs(raw_songs):
    centred = (raw_songs - raw_songs.mean(axis=1, keepdims=True))[..., 12:]
    std = np.array(FIGURES["within_song_std"])[12:]
    real = np.array(FIGURES["within_song_covariance"])[12:, 12:] / np.outer(std, std)
    assert_allclose(np.corrcoef(centred.reshape(-1, 13).T), real, atol=0.1)


def test_chroma_is_that_of_segments(raw_songs):
    chroma = raw_songs[..., :12]
    assert chroma.min() == 0
    assert_array_equal(chroma.max(axis=2), 1)
    # Neighbouring pitches sound together, distant ones hardly.
    correlation = np.corrcoef(chroma.reshape(-1, 12).T)
    assert 0.15 < np.diag(correlation, 1).mean() < 0.45
    assert abs(np.diag(correlation, 6).mean()) < 0.15


def test_layout_types_and_balanced_classes():
    X, y = make_songs(53, n_segments=30, n_classes=10, random_state=0)
    assert X.shape == (53, 750)
    assert X.dtype == np.float32
    assert X.flags["C_CONTIGUOUS"]
    assert y.dtype.kind == "i"
    assert sorted(np.bincount(y)) == [5] * 7 + [6] * 3


@pytest.mark.parametrize("n_classes", [2, 10, 25, 40])
def test_any_number_of_classes(n_classes):
    _, y = make_songs(80, n_segments=20, n_classes=n_classes, random_state=0)
    assert_array_equal(np.unique(y), np.arange(n_classes))


def test_standardised_by_the_figures_of_real_songs():
    raw, _ = make_songs(40, n_segments=30, standardize=False, random_state=0)
    X, _ = make_songs(40, n_segments=30, random_state=0)
    scale = np.hypot(FIGURES["within_song_std"], FIGURES["between_song_std"])
    expected = (raw.reshape(-1, 25) - FIGURES["mean"]) / scale
    assert_allclose(X.reshape(-1, 25), expected, atol=0.05)


def test_names_as_labels():
    X, y = make_songs(40, n_segments=20, n_classes=12, random_state=0)
    X_named, names = make_songs(
        40, n_segments=20, n_classes=12, labels="name", random_state=0
    )
    assert_array_equal(X, X_named)
    assert_array_equal(names, [f"genre {label:02d}" for label in y])


def test_unequal_lengths_are_padded_with_nan_at_the_end():
    X, y = make_songs(300, n_segments=40, min_segments=10, random_state=0)
    assert X.shape == (300, 40, 25)
    there = ~np.isnan(X)
    assert_array_equal(there.all(axis=2), there.any(axis=2))
    lengths = there[..., 0].sum(axis=1)
    assert_array_equal(there[..., 0], np.arange(40) < lengths[:, None])
    assert set(lengths) == set(range(10, 41))
    # Songs are cut, not sorted: length tells nothing of the class.
    means = [lengths[y == label].mean() for label in range(10)]
    assert max(means) - min(means) < 10


def test_the_same_seed_gives_the_same_songs():
    X, y = make_songs(20, n_segments=30, random_state=0)
    X_again, y_again = make_songs(20, n_segments=30, random_state=0)
    assert_array_equal(X, X_again)
    assert_array_equal(y, y_again)
    assert not np.array_equal(X, make_songs(20, n_segments=30, random_state=1)[0])
    from_state = [
        make_songs(20, n_segments=30, random_state=np.random.RandomState(5))[0]
        for _ in range(2)
    ]
    assert_array_equal(*from_state)


@pytest.mark.parametrize("random_state", [0, None])
def test_numpys_global_state_is_neither_read_nor_changed(random_state):
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    first, _ = make_songs(5, n_segments=20, random_state=random_state)
    assert_array_equal(before, np.random.get_state()[1])
    second, _ = make_songs(5, n_segments=20, random_state=random_state)
    assert np.array_equal(first, second) == (random_state is not None)


def timbre(X):
    return X.reshape(len(X), -1, 25)[..., 12:24]


def by_single_segments(X):
    """Moments of single segments: what no shuffling changes."""
    x = timbre(X)
    cubes = np.maximum(x[..., None] * [1, -1], 0) ** 3
    return np.hstack([x.mean(axis=1), cubes.mean(axis=1).reshape(len(X), -1)])


def by_order(X):
    """How far features lead each other: what changes its sign when time turns."""
    x = timbre(X)
    x = x - x.mean(axis=1, keepdims=True)
    follows = np.einsum("nti,ntj->nij", x[:, :-1], x[:, 1:]) / x.shape[1]
    lower = np.tril_indices(12, -1)
    return (follows - follows.transpose(0, 2, 1))[:, *lower]


def by_position(X):
    """Features of the second half of a song less those of the first."""
    x = timbre(X)
    early, late = np.array_split(np.maximum(x[..., None] * [1, -1], 0) ** 2, 2, axis=1)
    return (late.mean(axis=1) - early.mean(axis=1)).reshape(len(X), -1)


def shuffled(X):
    rng = np.random.default_rng(0)
    x = X.reshape(len(X), -1, 25)
    order = rng.random(x.shape[:2]).argsort(axis=1)[..., None]
    return np.take_along_axis(x, order, axis=1).reshape(X.shape)


def accuracy(features, y):
    half = len(y) // 2
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
    return model.fit(features[:half], y[:half]).score(features[half:], y[half:])


def songs_with(**shares):
    return make_songs(1600, 100, n_classes=4, random_state=3, **(ALL_OFF | shares))


def test_without_shares_nothing_tells_the_classes():
    X, y = songs_with()
    for features in (by_single_segments, by_order, by_position):
        assert abs(accuracy(features(X), y) - CHANCE) < 0.05


@pytest.mark.parametrize(
    ("shares", "seen_by"),
    [
        ({"segment_share": 0.3}, by_single_segments),
        ({"mean_sep": 1.2}, by_single_segments),
        ({"order_share": 0.5}, by_order),
        ({"position_share": 0.3}, by_position),
    ],
)
def test_each_share_brings_information_of_its_own_kind_only(shares, seen_by):
    X, y = songs_with(**shares)
    assert accuracy(seen_by(X), y) > 0.5
    for features in {by_single_segments, by_order, by_position} - {seen_by}:
        assert abs(accuracy(features(X), y) - CHANCE) < 0.06
    after = accuracy(seen_by(shuffled(X)), y)
    if seen_by is by_single_segments:
        assert after > 0.5
    else:
        assert abs(after - CHANCE) < 0.05


def test_at_full_noise_events_tell_nothing():
    X, y = songs_with(order_share=0.5, segment_share=0.3, noise=0.5)
    for features in (by_single_segments, by_order):
        assert abs(accuracy(features(X), y) - CHANCE) < 0.05


def test_task_state_gives_more_songs_of_the_same_classes():
    only_mean = {**ALL_OFF, "mean_sep": 1.8, "n_classes": 4, "n_segments": 60}
    X, y = make_songs(1000, task_state=7, random_state=0, **only_mean)
    X_more, y_more = make_songs(1000, task_state=7, random_state=1, **only_mean)
    X_other, y_other = make_songs(1000, task_state=8, random_state=1, **only_mean)
    assert not np.array_equal(X, X_more)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
    model.fit(by_single_segments(X), y)
    here = model.score(by_single_segments(X_more), y_more)
    assert here > 0.5
    assert model.score(by_single_segments(X_other), y_other) < here - 0.1


def test_true_is_one():
    X, _ = make_songs(True, n_segments=True, random_state=0)
    assert_array_equal(X, make_songs(1, n_segments=1, random_state=0)[0])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_songs": 0}, "n_songs"),
        ({"n_segments": 0}, "n_segments"),
        ({"n_classes": 1}, "n_classes"),
        ({"segment_share": -0.1}, "segment_share"),
        ({"order_share": 1.1}, "order_share"),
        ({"position_share": "all"}, "position_share"),
        ({"mean_sep": -1}, "mean_sep"),
        ({"class_sep": -1}, "class_sep"),
        ({"noise": 0.6}, "noise"),
        ({"min_segments": 0}, "min_segments"),
        ({"min_segments": 121}, "min_segments must be at most n_segments=120; got 121"),
        ({"labels": "genre"}, "labels"),
        ({"standardize": "yes"}, "standardize"),
        ({"random_state": "now"}, "random_state"),
        ({"task_state": -1}, "task_state"),
        ({"segment_share": 0.6, "order_share": 0.6}, r"at most 1; got 1\.28"),
        ({"class_sep": 9}, "class_sep is too large"),
        ({"mean_sep": 9}, "mean_sep is too large"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_songs(**{"n_songs": 10, **parameters})

import tracemalloc
from itertools import combinations_with_replacement

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_msd import SegmentStatistics, stack_segments
from sklearn_msd.datasets import MappedSongs, make_songs
from sklearn_msd.segments import statistics as module
from sklearn_msd.segments.columns import flat_feature_names

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@parametrize_with_checks(
    [
        SegmentStatistics(n_segment_features=1),
        SegmentStatistics(["quantile", "mean"], quantiles=[1], n_segment_features=1),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def songs():
    """Songs of 1 to 60 segments of 4 features, of which one is constant in a song."""
    rng = np.random.default_rng(0)
    songs = [rng.normal(-20, 6, (n, 4)) for n in (1, 2, 3, 17, 60)]
    songs[3][:, 2] = 0.1
    return songs


def by_hand(song, statistic):
    """A statistic of one song, feature by feature, in NumPy's own words."""
    columns = list(song.T)
    changes = [np.diff(column) if len(column) > 1 else [0.0] for column in columns]
    match statistic:
        case "mean":
            return [np.mean(column) for column in columns]
        case "std":
            return [np.std(column) for column in columns]
        case "covariance":
            return [
                np.mean((a - a.mean()) * (b - b.mean()))
                for a, b in combinations_with_replacement(columns, 2)
            ]
        case "change":
            return [*(np.mean(np.abs(c)) for c in changes), *map(np.std, changes)]
        case "quantile":
            return [np.quantile(column, q) for q in QUANTILES for column in columns]


@pytest.mark.parametrize("statistic", module.STATISTICS)
@pytest.mark.parametrize("padded", [False, True])
def test_each_statistic_is_numpys(songs, statistic, padded):
    X = stack_segments(songs) if padded else songs
    rows = SegmentStatistics([statistic], n_segment_features=4).fit_transform(X)
    expected = [by_hand(song, statistic) for song in songs]
    assert_allclose(rows, expected, rtol=1e-12, atol=1e-12)


def test_covariances_are_numpys(songs):
    transformer = SegmentStatistics(["covariance"], n_segment_features=4)
    row = transformer.fit_transform(songs)[-1]
    expected = np.cov(songs[-1].T, bias=True)[np.triu_indices(4)]
    assert_allclose(row, expected, rtol=1e-12)


def test_a_constant_feature_has_moments_of_exactly_zero(songs):
    # Near 0 would do for a reader, but a scaler makes unit variance of rounding.
    X = np.random.default_rng(0).normal(size=(30, 7, 4)).astype(np.float32)
    X[:, :, 1] = np.linspace(0.1, 0.7, 30)[:, None]
    transformer = SegmentStatistics(n_segment_features=4)
    rows = transformer.fit_transform(X)
    names = transformer.get_feature_names_out()
    moments = [
        i
        for i, name in enumerate(names)
        if "feature_1" in name and "mean" not in name.split() and "quantile" not in name
    ]
    assert len(moments) == 1 + 4 + 1
    assert (rows[:, moments] == 0).all()


def test_columns_come_in_one_order_with_names_to_match(songs):
    everything = SegmentStatistics(n_segment_features=4).fit(songs)
    few = SegmentStatistics(["quantile", "mean"], n_segment_features=4).fit(songs)
    names = list(everything.get_feature_names_out())
    assert everything.transform(songs).shape == (5, len(names))
    assert len(set(names)) == len(names)
    columns = [names.index(name) for name in few.get_feature_names_out()]
    assert_array_equal(few.transform(songs), everything.transform(songs)[:, columns])


def test_features_are_named_by_the_package_or_by_the_columns():
    pd = pytest.importorskip("pandas")
    X, _ = make_songs(5, n_segments=3, n_classes=2, random_state=0)
    transformer = SegmentStatistics(["covariance"]).fit(X)
    names = transformer.get_feature_names_out()
    assert {"timbre_3 × loudness covariance", "loudness variance"} <= set(names)
    frame = pd.DataFrame(
        X[:, :6], columns=flat_feature_names(3, ["pitch", "energy × 2"])
    )
    transformer = SegmentStatistics(["mean", "covariance"], n_segment_features=2)
    rows = transformer.set_output(transform="pandas").fit_transform(frame)
    assert list(rows.columns) == [
        "pitch mean",
        "energy × 2 mean",
        "pitch variance",
        "pitch × energy × 2 covariance",
        "energy × 2 variance",
    ]


def test_layouts_give_the_same(songs, tmp_path):
    padded = stack_segments(songs)
    transformer = SegmentStatistics(n_segment_features=4).fit(padded)
    rows = transformer.transform(songs)
    assert_allclose(transformer.transform(padded), rows, rtol=1e-12, atol=1e-12)
    flat = padded.reshape(len(songs), -1)
    assert_array_equal(transformer.transform(flat), transformer.transform(padded))
    np.save(tmp_path / "songs.npy", padded)
    mapped = np.load(tmp_path / "songs.npy", mmap_mode="r")
    for X in (mapped, MappedSongs(mapped), MappedSongs(mapped.reshape(len(flat), -1))):
        assert_array_equal(transformer.transform(X), transformer.transform(padded))


def test_blocks_do_not_show(songs, monkeypatch):
    songs = songs * 3
    transformer = SegmentStatistics(n_segment_features=4).fit(songs)
    rows = transformer.transform(songs)
    for size in (1, 150, 500):
        monkeypatch.setattr(module, "_BLOCK_VALUES", size)
        for X in (songs, stack_segments(songs)):
            assert_allclose(transformer.transform(X), rows, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
def test_dtypes(dtype):
    X = np.random.default_rng(0).integers(-8, 8, (6, 40)).astype(dtype)
    rows = SegmentStatistics(n_segment_features=4).fit_transform(X)
    exact = SegmentStatistics(n_segment_features=4).fit_transform(X.astype(float))
    assert rows.dtype == (np.float32 if dtype in (np.float16, np.float32) else float)
    assert_allclose(rows, exact, rtol=1e-6, atol=1e-6)


def test_songs_on_disk_are_read_block_by_block(tmp_path):
    X = np.ones((4000, 3000), np.float32)
    np.save(tmp_path / "songs.npy", X)
    mapped = MappedSongs(np.load(tmp_path / "songs.npy", mmap_mode="r"))
    transformer = SegmentStatistics().fit(mapped)
    tracemalloc.start()
    rows = transformer.transform(mapped)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A third of what lies on disk, of which the statistics are a sixth.
    assert rows.nbytes < peak < 2 * X.nbytes


def test_makes_a_genre_classifier_of_a_linear_model():
    # Order changes, positions do not matter here: a mean alone says less.
    X, y = make_songs(300, n_segments=40, n_classes=4, random_state=0)
    scores = [
        cross_val_score(
            make_pipeline(
                SegmentStatistics(names), StandardScaler(), LogisticRegression(C=0.01)
            ),
            X,
            y,
            cv=3,
        ).mean()
        for names in (["mean"], module.STATISTICS)
    ]
    assert scores[1] > scores[0] > 1 / 4


def test_width_of_a_segment_is_that_of_the_last_axis():
    X = np.random.default_rng(0).normal(size=(4, 6, 7))
    assert SegmentStatistics(["mean"]).fit_transform(X).shape == (4, 7)
    assert SegmentStatistics(["mean"]).fit_transform(list(X)).shape == (4, 7)
    with pytest.raises(ValueError, match="25"):
        SegmentStatistics().fit(X.reshape(4, -1))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"statistics": ["mean", "median"]}, "statistics must be .* names among"),
        ({"statistics": []}, "at least one"),
        ({"quantiles": [0.5, 1.1]}, "quantiles must be"),
        ({"quantiles": ["half"]}, "quantiles must be"),
        ({"quantiles": []}, "at least one"),
        ({"quantiles": [0.5, np.nan]}, "quantiles must be"),
    ],
)
def test_unknown_statistics_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        SegmentStatistics(**params, n_segment_features=4).fit(np.ones((2, 8)))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ((0, 0, slice(None)), np.nan, "before the end"),
        ((0, slice(None), slice(None)), np.nan, "all segments of a song"),
        ((0, 2, 1), np.nan, "part of a segment"),
        ((0, 1, 1), np.inf, "infinity"),
        ((0, 1, 1), 1e200, "too large for statistics"),
    ],
)
def test_what_has_no_statistics_is_an_error(place, value, message):
    X = np.random.default_rng(0).normal(size=(2, 3, 4))
    transformer = SegmentStatistics(n_segment_features=4).fit(X)
    X[place] = value
    with pytest.raises(ValueError, match=message):
        transformer.transform(X)

"""Songs in every shape and container that users have them in."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline

from sklearn_msd import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentCropper,
    SegmentScaler,
    TimeConvClassifier,
)
from sklearn_msd.segments.validation import validate_songs


class Songs(BaseEstimator):
    def __init__(self, n_segment_features=5, dtype="float32"):
        self.n_segment_features = n_segment_features
        self.dtype = dtype


X = np.random.RandomState(0).randn(6, 4, 5)
FLAT = X.reshape(6, 20)


@pytest.mark.parametrize(
    "given",
    [
        X,
        FLAT,
        torch.tensor(X),
        torch.tensor(FLAT, requires_grad=True),
        list(X),
        X.tolist(),
        FLAT.tolist(),
        np.asfortranarray(FLAT),
        X.transpose(0, 2, 1).copy().transpose(0, 2, 1),
        FLAT.astype(">f8"),
    ],
    ids=lambda given: f"{type(given).__module__}.{type(given).__name__}",
)
def test_every_container_gives_the_same_rows(given):
    estimator = Songs()
    np.testing.assert_allclose(validate_songs(estimator, given), FLAT, rtol=1e-6)
    assert estimator.n_features_in_ == 20


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames_give_the_same_rows(library):
    frame = pytest.importorskip(library).DataFrame(FLAT)
    np.testing.assert_allclose(validate_songs(Songs(), frame), FLAT, rtol=1e-6)


def test_column_names_are_kept():
    pd = pytest.importorskip("pandas")
    estimator = Songs()
    names = [f"column{i}" for i in range(20)]
    validate_songs(estimator, pd.DataFrame(FLAT, columns=names))
    assert list(estimator.feature_names_in_) == names


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floating_point_data_is_neither_copied_nor_converted(dtype):
    given = X.astype(dtype)
    out = validate_songs(Songs(dtype="float64"), given)
    assert out.dtype == dtype
    assert np.shares_memory(out, given)


def test_other_numbers_become_what_the_net_computes_in():
    assert validate_songs(Songs(), FLAT.astype(int)).dtype == np.float32
    assert validate_songs(Songs(dtype="float64"), FLAT > 0).dtype == np.float64


def test_labels_come_back_with_the_songs():
    rows, labels = validate_songs(Songs(), X, list("ababab"))
    assert rows.shape == (6, 20)
    assert labels.tolist() == list("ababab")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (FLAT[:, :19], "19 features, which is not a multiple of n_segment_features=5"),
        (X[:, :, :4], "segments of 4 features, expected n_segment_features=5"),
        (X[None], "dim 4"),
        (FLAT[:0], "0 sample"),
        (np.where(FLAT > 2, np.inf, FLAT), "infinity"),
        (np.where(FLAT > 2, np.nan, FLAT), "NaN"),
        (np.where(FLAT > 2, np.inf, FLAT).astype(np.float16), "infinity"),
    ],
)
def test_what_is_no_song_is_an_error(given, message):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
        validate_songs(Songs(), given)


def test_a_bad_number_is_found_in_any_chunk(monkeypatch):
    monkeypatch.setattr("sklearn_msd.segments.validation._CHUNK", 40)
    given = FLAT.copy()
    given[-1, -1] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        validate_songs(Songs(), given)


def test_a_memory_map_stays_one(tmp_path):
    np.save(tmp_path / "X.npy", X.astype(np.float16))
    given = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert np.shares_memory(validate_songs(Songs(), given), given)


def test_padding_at_the_end_of_a_song_is_let_through():
    given = X.copy()
    given[2, 1:] = np.nan
    out = validate_songs(Songs(), given, padding=True)
    np.testing.assert_array_equal(out, given.reshape(6, 20))
    message = "at the ends of songs, as padding.*one length: put a SegmentCropper"
    with pytest.raises(ValueError, match=f"X contains NaN {message}"):
        validate_songs(Songs(), given)


def test_no_other_estimator_is_recommended_where_numbers_are_missing():
    given = X.copy()
    given[2, 0, 1] = np.nan
    with pytest.raises(ValueError, match=r"^Input X contains NaN\.$"):
        validate_songs(Songs(), given)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ((2, 3, 1), "NaN in part of a segment"),
        ((2, 1), "NaN before the end of a song"),
        ((2,), "NaN in all segments"),
    ],
)
def test_nan_elsewhere_is_an_error_with_padding_too(where, message):
    given = X.copy()
    given[where] = np.nan
    with pytest.raises(ValueError, match=message):
        validate_songs(Songs(), given, padding=True)


def test_other_widths_than_in_fit_are_an_error():
    estimator = Songs()
    validate_songs(estimator, X)
    with pytest.raises(ValueError, match="expecting 20 features"):
        validate_songs(estimator, X[:, :3], reset=False)


def test_padded_songs_may_have_another_length_than_in_fit():
    estimator = Songs()
    validate_songs(estimator, X, padding=True)
    longer = np.concatenate([X, X], axis=1)
    out = validate_songs(estimator, longer, padding=True, reset=False)
    np.testing.assert_array_equal(out, longer.reshape(6, 40))
    shorter = validate_songs(estimator, X[:, :3], padding=True, reset=False)
    np.testing.assert_array_equal(shorter[:, :15], FLAT[:, :15])
    assert np.isnan(shorter[:, 15:]).all()
    # Flat rows say nothing of their length: they must be as wide as in fit.
    with pytest.raises(ValueError, match="expecting 20 features"):
        validate_songs(estimator, FLAT[:, :15], padding=True, reset=False)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        validate_songs(estimator, longer, [0, 1], padding=True, reset=False)


class TestSegmentWidth:
    """`n_segment_features=None`: the last axis, and 25 for flat rows."""

    def test_last_axis_and_report_width(self):
        estimator = Songs(n_segment_features=None)
        validate_songs(estimator, X)
        assert estimator.n_segment_features_ == 5
        validate_songs(estimator, list(X))
        assert estimator.n_segment_features_ == 5
        validate_songs(estimator, np.ones((2, 75)))
        assert estimator.n_segment_features_ == 25
        with pytest.raises(ValueError, match="multiple of n_segment_features=25: set"):
            validate_songs(estimator, FLAT)

    def test_what_fit_found_holds_afterwards(self):
        estimator = Songs(n_segment_features=None)
        validate_songs(estimator, X)
        assert validate_songs(estimator, FLAT, reset=False).shape == (6, 20)
        with pytest.raises(ValueError, match="segments of 4 features, expected"):
            validate_songs(estimator, X.transpose(0, 2, 1), reset=False)

    def test_features_along_the_other_axis(self):
        turned = np.ones((3, 25, 120))
        with pytest.warns(UserWarning, match=r"pass X\.transpose\(0, 2, 1\)"):
            validate_songs(Songs(n_segment_features=None), turned)
        with pytest.raises(ValueError, match=r"need transposing: X\.transpose"):
            validate_songs(Songs(n_segment_features=25), turned)

    def test_songs_of_25_segments_that_are_padded_are_not_turned(self):
        songs = np.ones((3, 25, 12))
        songs[2, 20:] = np.nan
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            validate_songs(Songs(n_segment_features=None), songs, padding=True)

    def test_lists_of_unequal_length(self):
        songs = [X[0], X[1, :2]]
        rows = validate_songs(Songs(n_segment_features=None), songs, padding=True)
        np.testing.assert_array_equal(rows[1], [*X[1, :2].ravel(), *[np.nan] * 10])
        with pytest.raises(ValueError, match=r"2 to 4 segments.*SegmentCropper"):
            validate_songs(Songs(), songs)

    @pytest.mark.parametrize("kind", [TimeConvClassifier, RecurrentClassifier])
    def test_nets_take_any_width_and_any_lengths(self, kind):
        y = [0, 1] * 3
        net = kind(max_epochs=1, random_state=0)
        if kind is TimeConvClassifier:
            net.set_params(global_pooling="mean")
        model = make_pipeline(SegmentScaler(), net)
        assert model.fit(X, y).predict(X).shape == (6,)
        songs = [song[: 2 + i % 3] for i, song in enumerate(X)]
        assert net.fit(songs, y).predict_proba(songs).shape == (6, 2)
        assert SegmentCropper(2).fit_transform(songs).shape == (6, 10)


@pytest.mark.parametrize("net", [TimeConvClassifier, FullyConnectedClassifier])
def test_one_song_and_songs_of_another_length_are_told_what_to_do(net):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 8, 6)), np.arange(12) % 2
    model = net(max_epochs=1, random_state=0).fit(X, y)
    expecting = "is expecting 48 features as input"
    with pytest.raises(ValueError, match=expecting) as told:
        model.predict(X[0])
    assert str(told.value).endswith("If X is one song of 8 segments, pass X[None].")
    assert len(model.predict(X[0][None])) == 1
    with pytest.raises(ValueError, match=expecting) as told:
        model.predict(X[:, :5])
    assert "These songs have 5 segments, those of fit had 8: a SegmentCropper " in str(
        told.value
    )
    with pytest.raises(ValueError, match=rf"{expecting}\.$"):
        model.predict(X[:, 0, :4])

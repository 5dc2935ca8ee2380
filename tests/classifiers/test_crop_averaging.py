import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_msd import CropAveragingClassifier, SegmentCropper, stack_segments

EVEN = CropAveragingClassifier(
    LogisticRegression(), n_crops=2, n_segments=2, n_segment_features=1
)
RANDOM = CropAveragingClassifier(
    LogisticRegression(), n_segments=2, crop="random", n_segment_features=1
)
DRAWN_ANEW = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a song given twice is cropped at random twice, which no weight can equal"
    )
}


@parametrize_with_checks(
    [EVEN, RANDOM],
    expected_failed_checks=lambda clf: DRAWN_ANEW if clf.crop == "random" else {},
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def songs():
    """Songs whose class shows in one segment out of twenty: most crops miss it."""
    rng = np.random.default_rng(1)
    y = np.tile(["Jazz", "Rock"], 60)
    songs = []
    for label in y:
        song = rng.normal(size=(rng.integers(150, 220), 2))
        song[rng.integers(20) :: 20, 0] += 6 if label == "Rock" else -6
        songs.append(song.astype(np.float32))
    return songs, y


class Recorder(DummyClassifier):
    """A classifier that keeps what it was given."""

    def fit(self, X, y, sample_weight=None):
        self.seen_ = X, y, sample_weight
        return super().fit(X, y, sample_weight)


def test_what_the_classifier_sees(songs):
    X, y = songs
    weights = np.arange(len(y), dtype=float)
    clf = CropAveragingClassifier(
        Recorder(), n_crops=3, n_segments=100, n_segment_features=2
    )
    clf.fit(X, y, sample_weight=weights)
    crops, labels, crop_weights = clf.estimator_.seen_
    assert crops.shape == (3 * len(y), 200)
    assert_array_equal(labels, np.repeat(y, 3))
    assert_array_equal(crop_weights, np.repeat(weights, 3))
    spare = len(X[4]) - 100
    for i, start in enumerate([0, round(spare / 2), spare]):
        assert_array_equal(crops[12 + i], X[4][start : start + 100].ravel())


def test_probabilities_are_means_over_crops(songs):
    X, y = songs
    clf = CropAveragingClassifier(
        LogisticRegression(), n_crops=2, n_segments=60, n_segment_features=2
    ).fit(X, y)
    first = np.array([song[:60].ravel() for song in X])
    last = np.array([song[-60:].ravel() for song in X])
    expected = np.mean([clf.estimator_.predict_proba(x) for x in (first, last)], axis=0)
    assert_allclose(clf.predict_proba(X), expected)
    assert_allclose(clf.predict_proba(stack_segments(X)), expected)
    assert_array_equal(clf.predict(X), clf.classes_[expected.argmax(axis=1)])


def test_several_crops_do_better_than_one(songs):
    X, y = songs
    options = {"n_segments": 21, "n_segment_features": 2}
    cropper = SegmentCropper(**options)
    single = LogisticRegression().fit(cropper.fit_transform(X[:60]), y[:60])
    one = single.score(cropper.transform(X[60:]), y[60:])
    several = CropAveragingClassifier(
        LogisticRegression(), n_crops=12, crop="random", random_state=0, **options
    )
    assert several.fit(X[:60], y[:60]).score(X[60:], y[60:]) > one + 0.05


def test_random_state_decides(songs):
    X, y = songs
    clf = CropAveragingClassifier(
        LogisticRegression(),
        n_segments=30,
        crop="random",
        n_segment_features=2,
        random_state=0,
    )
    one, same = clf.fit(X, y).predict_proba(X), clf.fit(X, y).predict_proba(X)
    other = clf.set_params(random_state=1).fit(X, y).predict_proba(X)
    assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_in_a_grid_search(songs):
    X, y = songs
    clf = CropAveragingClassifier(
        LogisticRegression(), n_segments=40, n_segment_features=2
    )
    grid = {"n_crops": [1, 4], "estimator__C": [0.01, 1.0]}
    search = GridSearchCV(clf, grid, cv=2).fit(stack_segments(X), y)
    assert search.best_score_ > 0.8


def test_true_is_one(songs):
    X, y = songs
    one = {"n_crops": 1, "n_segments": 1, "n_segment_features": 1}
    sequences = [song[:, :1] for song in X]
    clf = CropAveragingClassifier(LogisticRegression(), **one).fit(sequences, y)
    true = clone(clf).set_params(**dict.fromkeys(one, True)).fit(sequences, y)
    assert_array_equal(true.predict_proba(sequences), clf.predict_proba(sequences))


def test_probabilities_that_are_no_numbers():
    X, y = np.ones((6, 8)), [0, 1, 2] * 2
    clf = CropAveragingClassifier(GaussianNB(), n_segments=2, n_segment_features=2)
    clf.fit(X, y)
    clf.estimator_.var_[:] = 0
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"GaussianNB\.predict_proba gave NaN"),
    ):
        clf.predict_proba(X)


def test_clear_errors(songs):
    X, y = songs
    clf = CropAveragingClassifier(LogisticRegression(), n_segment_features=2)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.fit(X, y[:-1])
    with pytest.raises(ValueError, match="'n_crops' parameter"):
        clf.set_params(n_crops=0).fit(X, y)
    with pytest.raises(ValueError, match="'estimator' parameter"):
        CropAveragingClassifier(LinearSVC()).fit(X, y)


# --- metadata -----------------------------------------------------------------------


class Notes(DummyClassifier):
    """Keeps what else its `fit` was given."""

    def fit(self, X, y, sample_weight=None, remark=None):
        self.seen_ = sample_weight, remark
        return super().fit(X, y, sample_weight)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def averaging(estimator):
    return CropAveragingClassifier(
        estimator, n_crops=3, n_segments=100, n_segment_features=2
    )


@pytest.mark.usefixtures("routing")
def test_what_the_classifier_asks_for_is_given_to_each_crop(songs):
    X, y = songs
    weight, remark = np.arange(1.0, len(y) + 1), [f"song {i}" for i in range(len(y))]
    asking = Notes().set_fit_request(sample_weight=True, remark=True)
    seen = averaging(asking).fit(X, y, sample_weight=weight, remark=remark)
    assert_array_equal(seen.estimator_.seen_[0], weight.repeat(3))
    assert_array_equal(seen.estimator_.seen_[1], np.repeat(remark, 3))
    # What has no row for each song is handed on as it is.
    assert averaging(asking).fit(X, y, remark="all").estimator_.seen_[1] == "all"


@pytest.mark.usefixtures("routing")
def test_what_the_classifier_does_not_ask_for_is_not_given(songs):
    X, y = songs
    weight = np.ones(len(y))
    refusing = Notes().set_fit_request(sample_weight=False)
    with pytest.raises(TypeError, match=r"sample_weight.*not routed to any object"):
        averaging(refusing).fit(X, y, sample_weight=weight)
    refusing.set_fit_request(remark=True)
    with pytest.raises(TypeError, match=r"sample_weight.*not routed to any object"):
        averaging(refusing).fit(X, y, sample_weight=weight, remark=1)
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        averaging(Notes()).fit(X, y, sample_weight=weight)
    with pytest.raises(TypeError, match="remark"):
        averaging(LogisticRegression()).fit(X, y, remark=1)


@pytest.mark.usefixtures("routing")
def test_weights_reach_the_classifier_through_a_search_around_it(songs):
    X, y = songs
    asking = Notes().set_fit_request(sample_weight=True)
    search = GridSearchCV(averaging(asking), {"n_crops": [2]}, cv=2)
    weight = np.arange(1.0, len(y) + 1)
    # The weights are the classifier's: the one around asks for none itself.
    unweighted = make_scorer(accuracy_score).set_score_request(sample_weight=False)
    search.set_params(scoring=unweighted)
    search.fit(stack_segments(X), y, sample_weight=weight)
    seen = search.best_estimator_.estimator_.seen_[0]
    assert_array_equal(seen, weight.repeat(2))


def test_without_routing_metadata_are_an_error(songs):
    X, y = songs
    with pytest.raises(TypeError, match=r"\['remark'\]; metadata .*enable_metadata"):
        averaging(Notes()).fit(X, y, remark=1)
    with pytest.raises(TypeError, match=r"\['groups'\]"):
        averaging(Notes()).fit(X, y, groups=np.arange(len(y)))


class Splits(StratifiedGroupKFold):
    """Keeps the groups that it was given."""

    seen = []

    def split(self, X, y=None, groups=None):
        Splits.seen.append(groups)
        return super().split(X, y, groups)


@pytest.mark.parametrize("routed", [False, True])
def test_a_search_inside_has_all_crops_of_a_song_on_one_side(songs, routed):
    X, y = songs
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=Splits(2))
    Splits.seen.clear()
    with config_context(enable_metadata_routing=routed):
        averaging(search).fit(X, y)
        artists = np.arange(len(y)) // 4
        weight = None if routed else np.ones(len(y))
        averaging(search).fit(X, y, sample_weight=weight, groups=artists)
    by_song, by_artist = Splits.seen
    assert_array_equal(by_song, np.arange(len(y)).repeat(3))
    assert_array_equal(by_artist, artists.repeat(3))

"""One copy of each fold, however many candidates wait with it."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from test_backend import NET, X, Y, assert_same_results, together

from sklearn_msd.training import batches
from sklearn_msd.training.together.joblib_backend import folds as module
from sklearn_msd.training.together.joblib_backend.folds import Folds, SharedRows


@pytest.fixture(autouse=True)
def small_arrays_count(monkeypatch):
    monkeypatch.setattr(module, "LARGE", 1000)


@pytest.fixture
def memory(monkeypatch):
    """Where the songs of each net lie that is fitted; they are kept."""
    kept, init = [], batches.SongDataset.__init__

    def noting(self, songs, *args, **kwargs):
        kept.append(songs)
        init(self, songs, *args, **kwargs)

    monkeypatch.setattr(batches.SongDataset, "__init__", noting)
    return lambda: {songs.__array_interface__["data"][0] for songs in kept}


def test_a_search_has_one_copy_of_each_fold(memory):
    search = GridSearchCV(NET, {"l2": [0.1, 0.2, 0.3], "l1": [0, 1]}, cv=3, refit=False)
    with together() as backend:
        met = clone(search).fit(X, Y)
    assert backend.sizes == [18]
    assert len(memory()) == 3
    assert_same_results(clone(search).fit(X, Y).cv_results_, met.cv_results_)


def test_searches_in_a_cross_validation_share_too(memory):
    search = GridSearchCV(NET, {"l2": [0.1, 0.2, 0.3]}, cv=2)
    with together():
        cross_val_predict(search, X, Y, cv=2)
    # Two folds, and two of each of them.
    assert len(memory()) == 6


class Writing(ClassifierMixin, BaseEstimator):
    """Writes into what it is given, which scikit-learn's own never do."""

    def fit(self, X, y):
        X -= X.mean(axis=0)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[0], len(X))


@pytest.mark.parametrize(
    "model",
    [
        Writing(),
        make_pipeline(StandardScaler(), Writing()),
        make_pipeline(FunctionTransformer(lambda X: np.add(X, 1, out=X)), NET),
    ],
)
def test_who_may_write_gets_copies_of_its_own(model):
    before = X.copy()
    with together():
        GridSearchCV(model, {}, cv=2, error_score="raise", refit=False).fit(X, Y)
    np.testing.assert_array_equal(X, before)


def test_it_is_indexed_as_any_array():
    shared = Folds()._shared(X)
    assert type(shared) is SharedRows
    rows = np.array([3, 1, 1])
    for key in (rows, (rows, ...), 0, slice(2, 9, 3), (slice(None), 2), rows > 1):
        if key is not rows and isinstance(key, np.ndarray):
            key = np.arange(len(X)) % 2 == 0
        np.testing.assert_array_equal(shared[key], X[key])
        assert not isinstance(shared[key], SharedRows)
    assert shared[rows] is shared[rows.copy(), ...]
    assert not shared[rows].flags.writeable
    loaded = pickle.loads(pickle.dumps(shared))
    assert type(loaded) is np.ndarray
    np.testing.assert_array_equal(loaded, X)


def test_copies_go_when_nobody_uses_them():
    shared = Folds()._shared(X)
    first = shared[np.arange(5)]
    assert len(shared._copies._by_rows) == 1
    del first
    assert len(shared._copies._by_rows) == 0

"""scikit-learn's own loops over the backend: results, errors, and their end."""

import _thread
import threading
import time
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_models import N_FEATURES, songs

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    LinearCombiner,
    RecurrentClassifier,
    TimeConvClassifier,
)

SMALL = {"n_segment_features": N_FEATURES, "max_epochs": 2, "random_state": 0}
NET = TimeConvClassifier(**SMALL, n_kernels=3, hidden_layer_sizes=(4,))
DENSE = FullyConnectedClassifier(**SMALL, hidden_layer_sizes=(4,))
GRID = {"kernel_height": [1, 2], "l2": [0.001, 0.1], "random_state": [0, 1]}
X, Y = songs()


@pytest.fixture(autouse=True)
def no_thread_stays():
    yield
    limit = time.monotonic() + 20
    while any(thread.name == "together" for thread in threading.enumerate()):
        assert time.monotonic() < limit, "threads of the backend live on"
        time.sleep(0.01)


class together:
    """The backend, with nets on the CPU stacked, and what it did."""

    def __init__(self, n_jobs=48, **options):
        self.config = joblib.parallel_config(
            backend="together", n_jobs=n_jobs, on_cpu=True, **options
        )

    def __enter__(self):
        self.room = self.config.__enter__()["backend"].room
        return self

    def __exit__(self, *error):
        self.config.__exit__(*error)

    @property
    def sizes(self):
        return self.room.sizes


def without_times(results):
    return {name: v for name, v in results.items() if "time" not in name}


def assert_same_results(one, other):
    one, other = without_times(one), without_times(other)
    assert one.keys() == other.keys()
    for name, values in one.items():
        if name == "params":
            assert values == other[name]
        else:
            np.testing.assert_array_equal(np.asarray(values), np.asarray(other[name]))


SEARCHES = {
    "grid": GridSearchCV(NET, GRID, cv=3, return_train_score=True),
    "random": RandomizedSearchCV(NET, GRID, n_iter=4, cv=2, random_state=0),
    "halving": HalvingGridSearchCV(
        NET, GRID, resource="max_epochs", max_resources=4, cv=2, random_state=0
    ),
    "pipeline": GridSearchCV(
        make_pipeline(StandardScaler(), NET), {"timeconvclassifier__l2": [0.1, 1]}, cv=3
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_searches_have_the_same_results(name):
    search = SEARCHES[name]
    alone = clone(search).fit(X, Y)
    with together() as backend:
        met = clone(search).fit(X, Y)
    assert_same_results(alone.cv_results_, met.cv_results_)
    assert met.best_params_ == alone.best_params_
    np.testing.assert_allclose(met.predict_proba(X), alone.predict_proba(X), rtol=1e-4)
    assert max(backend.sizes) > 1


def test_all_that_can_meet_meet():
    with together() as backend:
        GridSearchCV(NET, GRID, cv=3).fit(X, Y)
    assert backend.sizes == [12, 12]  # by kernel height


@pytest.mark.slow
def test_they_are_those_of_loky():
    for search in SEARCHES.values():
        with joblib.parallel_config(backend="loky", n_jobs=2):
            processes = clone(search).fit(X, Y)
        with together():
            met = clone(search).fit(X, Y)
        assert_same_results(processes.cv_results_, met.cv_results_)


def learning_curve_of(net):
    sizes, *scores = learning_curve(
        net, X, Y, cv=2, train_sizes=[0.4, 1.0], shuffle=True, random_state=0
    )
    return np.concatenate([sizes, *map(np.ravel, scores)])


BASES = [("net", NET), ("dense", DENSE), ("other", clone(NET).set_params(l2=0.5))]
LOOPS = {
    "cross_validate": lambda: cross_validate(NET, X, Y, cv=4)["test_score"],
    "cross_val_predict": lambda: cross_val_predict(
        NET, X, Y, cv=3, method="predict_proba"
    ),
    "learning_curve": lambda: learning_curve_of(NET),
    "bagging": lambda: (
        BaggingClassifier(NET, n_estimators=4, random_state=0)
        .fit(X, Y)
        .predict_proba(X)
    ),
    "voting": lambda: VotingClassifier(BASES, voting="soft").fit(X, Y).predict_proba(X),
    "stacking": lambda: (
        StackingClassifier(BASES, LogisticRegression(), cv=2).fit(X, Y).transform(X)
    ),
    "combiner": lambda: LinearCombiner(BASES, cv=2).fit(X, Y).predict_proba(X),
    "corrector": lambda: (
        CorrectingClassifier(NET, DENSE, cv=3, random_state=0)
        .fit(X, Y)
        .predict_proba(X)
    ),
    "nested": lambda: cross_val_score(
        GridSearchCV(NET, {"l2": [0.001, 1.0]}, cv=2), X, Y, cv=2
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_give_what_they_give_alone(name):
    alone = LOOPS[name]()
    with together() as backend:
        met = LOOPS[name]()
    np.testing.assert_allclose(met, alone, rtol=1e-4, atol=1e-5)
    assert max(backend.sizes) > 1


def test_the_fits_of_searches_in_a_search_meet():
    search = GridSearchCV(NET, {"l2": [0.001, 0.1]}, cv=2)
    with together() as backend:
        cross_val_score(search, X, Y, cv=3)
    # 3 searches of 2 × 2 fits, then the refit of each.
    assert backend.sizes == [12, 3]


def test_fewer_jobs_come_in_parts():
    with together(n_jobs=3) as backend:
        GridSearchCV(NET, {"l2": [0.1, 0.2, 0.3, 0.4]}, cv=2).fit(X, Y)
    assert max(backend.sizes) == 3
    assert sum(backend.sizes) == 8


def test_nets_on_the_cpu_train_by_themselves_unless_asked():
    with joblib.parallel_config(backend="together", n_jobs=4) as config:
        GridSearchCV(NET, {"l2": [0.1, 0.2]}, cv=2).fit(X, Y)
    assert config["backend"].room.sizes == []


def test_nets_that_no_stack_can_train_train_beside():
    bases = [("net", NET), ("gru", RecurrentClassifier(**SMALL, hidden_size=3))]
    alone = VotingClassifier(bases, voting="soft").fit(X, Y).predict_proba(X)
    with together() as backend:
        met = VotingClassifier(bases, voting="soft").fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(met, alone, rtol=1e-4)
    assert sorted(backend.sizes) == [1, 1]


def test_a_fit_that_fails_is_the_only_one():
    grid = {"l2": [0.001, -1.0, 0.1], "learning_rate": [1e-3, 1e30]}
    search = GridSearchCV(NET, grid, cv=3, error_score=np.nan)
    with pytest.warns(FitFailedWarning):
        alone = clone(search).fit(X, Y).cv_results_
    with together() as backend, pytest.warns(FitFailedWarning) as caught:
        met = clone(search).fit(X, Y).cv_results_
    assert_same_results(alone, met)
    assert np.isnan(met["mean_test_score"]).sum() == 4
    assert "l2" in str(caught[0].message)
    assert "diverged" in str(caught[0].message)
    assert backend.sizes == [12]


def test_an_error_that_is_raised_ends_the_search_and_all_its_fits():
    net = clone(NET).set_params(max_epochs=100_000)
    search = GridSearchCV(net, {"l2": [-1.0, 0.1]}, cv=3, error_score="raise")
    with together(), pytest.raises(ValueError, match="l2"):
        search.fit(X, Y)


class Interrupting(ClassifierMixin, BaseEstimator):
    """Presses Ctrl-C while others train."""

    def __init__(self, when=0.5, in_main=True):
        self.when, self.in_main = when, in_main

    def fit(self, X, y):
        time.sleep(self.when)
        if not self.in_main:
            raise KeyboardInterrupt
        _thread.interrupt_main()
        time.sleep(0.1)
        return self


@pytest.mark.parametrize("in_main", [True, False])
def test_ctrl_c_ends_all(in_main):
    nets = [clone(NET).set_params(max_epochs=100_000, l2=l2) for l2 in (0.1, 0.2)]
    gru = RecurrentClassifier(n_segment_features=N_FEATURES, max_epochs=100_000)
    bases = [(str(i), net) for i, net in enumerate([*nets, gru])]
    bases.append(("ctrl-c", Interrupting(in_main=in_main)))
    began = time.monotonic()
    with together(patience=0.1), pytest.raises(KeyboardInterrupt):
        VotingClassifier(bases).fit(X, Y)
    assert time.monotonic() - began < 10


class Slow(TransformerMixin, BaseEstimator):
    """A step of a pipeline that takes its time."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def fit(self, X, y=None):
        time.sleep(self.seconds)
        return self

    def transform(self, X):
        return X


def test_steps_of_unequal_time_are_waited_for():
    model = make_pipeline(Slow(), NET)
    with together() as backend:
        GridSearchCV(model, {"slow__seconds": [0.0, 0.3, 0.1]}, cv=2).fit(X, Y)
    assert backend.sizes == [6]


def test_one_that_takes_much_longer_is_not():
    nets = [(f"net {i}", clone(NET).set_params(random_state=i)) for i in range(3)]
    slow = make_pipeline(Slow(1.5), NET)
    with together(patience=0.2) as backend:
        VotingClassifier([*nets, ("slow", slow)]).fit(X, Y)
    assert backend.sizes == [3, 1]


def test_a_loop_without_nets_ends():
    with together():
        done = joblib.Parallel()(joblib.delayed(pow)(i, 2) for i in range(100))
    assert done == [i**2 for i in range(100)]


def test_generators_come_to_their_end():
    with together(patience=0.1):
        for kind in ("generator", "generator_unordered"):
            fitted = joblib.Parallel(return_as=kind)(
                joblib.delayed(clone(NET).fit)(X, Y) for _ in range(3)
            )
            assert len(list(fitted)) == 3
        dropped = joblib.Parallel(return_as="generator")(
            joblib.delayed(clone(NET).fit)(X, Y) for _ in range(3)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            del dropped

"""Random programs of loops within loops: each ends, and leaves no thread behind."""

import faulthandler
import threading
import time
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_msd import (
    FullyConnectedClassifier,
    LinearCombiner,
    RecurrentClassifier,
    SparseRefitClassifier,
)

LIMIT = 90  # seconds for one program, of which the slowest take two or three

RNG = np.random.RandomState(0)
X = RNG.normal(size=(18, 6))
Y = np.arange(18) % 3

SMALL = {"n_segment_features": 2, "max_epochs": 2, "batch_size": 6, "random_state": 0}


class Slow(TransformerMixin, BaseEstimator):
    """A step that takes its time, or fails."""

    def __init__(self, seconds=0.0, error=None):
        self.seconds, self.error = seconds, error

    def fit(self, X, y=None):
        time.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return self

    def transform(self, X):
        return X


def net(rng):
    sizes = [(2,), (3,), (2, 2)][rng.randint(3)]
    found = FullyConnectedClassifier(**SMALL, hidden_layer_sizes=sizes)
    return found.set_params(
        max_epochs=int(rng.randint(1, 4)),
        l2=[0.1, 0.01, -1.0][rng.choice(3, p=[0.5, 0.4, 0.1])],
        learning_rate=[1e-3, 1e30][rng.choice(2, p=[0.9, 0.1])],
        early_stopping=bool(rng.randint(6) == 0),
        validation_fraction=0.4,
    )


def model(rng, depth):
    """An estimator, of several parts if `depth` allows it."""
    kind = rng.randint(10 if depth else 4)
    if kind < 2:
        return net(rng)
    if kind == 2:
        errors = [None, None, None, RuntimeError("of its own"), KeyboardInterrupt()]
        seconds = rng.choice([0.0, 0.01, 0.1])
        return make_pipeline(Slow(seconds, errors[rng.randint(5)]), net(rng))
    if kind == 3:
        others = [
            LogisticRegression(),
            SparseRefitClassifier(net(rng)),
            RecurrentClassifier(**SMALL, hidden_size=2),
        ]
        return others[rng.randint(3)]
    inner = model(rng, depth - 1)
    if kind < 6:
        n_jobs = jobs(rng)
        parts = [(str(i), model(rng, depth - 1)) for i in range(rng.randint(1, 4))]
        if kind == 4:
            return VotingClassifier(parts, voting="soft", n_jobs=n_jobs)
        return LinearCombiner(parts, cv=2, n_jobs=n_jobs)
    if kind == 6:
        return BaggingClassifier(inner, n_estimators=3, n_jobs=jobs(rng))
    grid = {"max_epochs": [1, 2, 3]} if hasattr(inner, "max_epochs") else {}
    return GridSearchCV(
        inner,
        grid,
        cv=2,
        n_jobs=jobs(rng),
        error_score=["raise", np.nan][rng.randint(2)],
    )


def jobs(rng):
    return [None, None, None, 1, 2, 5][rng.randint(6)]


def run(seed):
    """One program; errors are part of it."""
    rng = np.random.RandomState(seed)
    what = [clone(model(rng, 2)) for _ in range(rng.randint(1, 5))]
    kind = rng.randint(4)
    options = {
        "n_jobs": int(rng.choice([2, 3, 8, 48])),
        "on_cpu": True,
        "patience": float(rng.choice([0.05, 0.3])),
    }
    with (
        warnings.catch_warnings(),
        joblib.parallel_config(backend="together", **options),
    ):
        warnings.simplefilter("ignore")
        if kind == 0:
            cross_val_score(what[0], X, Y, cv=2, n_jobs=jobs(rng))
        elif kind == 1:
            calls = (joblib.delayed(each.fit)(X, Y) for each in what)
            for _ in joblib.Parallel(return_as="generator_unordered")(calls):
                if rng.randint(2):
                    break
        else:
            joblib.Parallel(n_jobs=jobs(rng))(
                joblib.delayed(each.fit)(X, Y) for each in what
            )


def assert_ends(seed):
    errors = []

    def program():
        try:
            run(seed)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=program, daemon=True)
    thread.start()
    limit = time.monotonic() + LIMIT
    while thread.is_alive() or is_at_work():
        if time.monotonic() > limit:
            faulthandler.dump_traceback(all_threads=True)
            pytest.fail(f"program {seed} waits for ever")
        time.sleep(0.005)
    unexpected = [
        error
        for error in errors
        if not isinstance(error, KeyboardInterrupt | RuntimeError | ValueError)
    ]
    assert not unexpected


def is_at_work():
    return any(thread.name == "together" for thread in threading.enumerate())


@pytest.mark.parametrize("seed", range(12))
def test_a_program_ends(seed):
    assert_ends(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_programs_end(seed):
    assert_ends(1000 + seed)

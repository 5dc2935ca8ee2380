"""Choosing among candidates: the folds, the budget, and how the choice is judged."""

import time

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.svm import SVC

from sklearn_msd.cli.candidates import Candidate
from sklearn_msd.cli.choosing import Budget, Choosing, Trial, describe, duration
from sklearn_msd.cli.comparison import as_table, compared


class Slow(DummyClassifier):
    """A classifier whose fit takes a time for each song."""

    def __init__(self, seconds=0.0, error=None):
        super().__init__(strategy="prior")
        self.seconds = seconds
        self.error = error

    def fit(self, X, y):
        time.sleep(self.seconds * len(X))
        if self.error is not None:
            raise self.error
        return super().fit(X, y)


class Guess(ClassifierMixin, BaseEstimator):
    """Says what it likes, whatever it has seen: a number of X decides."""

    def __init__(self, column=0):
        self.column = column

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        second = X[:, self.column] > 0
        return np.where(second[:, None], [0.4, 0.6], [0.6, 0.4])


def named(**estimators):
    return [Candidate(name, "segments", e) for name, e in estimators.items()]


def choosing(X, y, group=None, *, minutes=10.0, n_folds=5):
    budget = Budget(60 * minutes, time.monotonic())
    return Choosing(
        "songs", X, y, group, n_folds=n_folds, budget=budget, random_state=0
    )


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 20)
    return rng.normal(size=(60, 4)) + 1.5 * (y == "b")[:, None], y


def test_dividing_anew_is_said(data):
    """For as long as all that was said before it may take."""
    said = []
    chosen = choosing(*data)
    candidates = named(good=LogisticRegression(), bad=Slow())
    chosen.run(candidates, lambda trial: None, said.append)
    again = "again on other folds, {} of at most 4: 1 of 2"
    assert said == [again.format(n) for n in (2, 3, 4)]


def test_a_label_of_too_few_songs_is_named_with_what_a_model_needs(data):
    X, y = data[0], np.array(["a"] * 30 + ["b"] * 27 + ["few"] * 3)
    svm = CalibratedClassifierCV(SVC(), cv=3, ensemble=False)
    trials = choosing(X, y).run(
        named(svm=svm, other=LogisticRegression()), lambda trial: None
    )
    assert trials[0].problem == (
        "not tried: it needs 3 songs of each label to train on, and folds leave as few "
        "as 2 of the 3 of 'few'"
    )
    assert trials[1].done


def test_each_repetition_is_scikit_learns_cross_validation(data):
    X, y = data
    model = LogisticRegression()
    told = []
    chosen = choosing(X, y)
    (trial,) = chosen.run(named(one=model), told.append)
    assert told == [trial]
    assert len(trial.correct) == len(trial.losses) == 4
    for r in range(4):
        folds = StratifiedKFold(5, shuffle=True, random_state=r)
        p = cross_val_predict(model, X, y, cv=folds, method="predict_proba")
        expected = np.unique(y)[p.argmax(axis=1)] == y
        np.testing.assert_array_equal(trial.correct[r], expected)
        assert trial.losses[r].mean() == pytest.approx(log_loss(y, p))
    correct, losses = chosen.judge_choice([trial])
    np.testing.assert_array_equal(correct, np.mean(trial.correct, axis=0))
    np.testing.assert_allclose(losses, np.mean(trial.losses, axis=0))


def test_no_group_is_on_both_sides(data):
    X, y = data
    group = np.tile(np.arange(12), 5)
    chosen = choosing(X, y, group)
    chosen.run(named(one=DummyClassifier()), lambda trial: None)
    for folds in chosen.folds:
        assert sorted(np.concatenate([test for _, test in folds])) == list(range(60))
        for train, test in folds:
            assert not set(group[train]) & set(group[test])


def test_the_choice_is_not_judged_by_the_songs_that_made_it():
    """Of 30 guesses one is always good by chance. Its judge is not taken in."""
    flattering, honest = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(60, 30)), np.tile(["a", "b"], 30)
        chosen = choosing(X, y)
        guesses = {f"guess_{i}": Guess(i) for i in range(30)}
        trials = chosen.run(named(**guesses), lambda trial: None)
        best = chosen.best(trials)
        flattering.append(np.mean(best.correct))
        honest.append(chosen.judge_choice(trials)[0].mean())
    assert np.mean(flattering) > 0.6
    assert abs(np.mean(honest) - 0.5) < 0.04


def test_the_best_is_the_most_accurate_then_the_surest():
    y = np.array(["a", "b"] * 4)

    def trial(name, correct, loss):
        one = Trial(Candidate(name, "segments", None))
        one.correct, one.losses = [np.array(correct, float)], [np.full(8, loss)]
        return one

    trials = [
        trial("few", [1, 1, 1, 0, 0, 0, 0, 0], 0.1),
        trial("unsure", [1] * 6 + [0, 0], 0.9),
        trial("sure", [0, 0] + [1] * 6, 0.3),
        Trial(Candidate("untried", "segments", None), problem="not tried"),
    ]
    chosen = choosing(np.zeros((8, 1)), y)
    assert chosen.best(trials).candidate.model == "sure"
    assert chosen.best(trials, np.arange(2)).candidate.model == "few"


def test_those_clearly_behind_are_not_tried_again(data):
    X, y = data
    trials = choosing(X, y).run(
        named(good=LogisticRegression(), same=LogisticRegression(C=2), bad=Slow()),
        lambda trial: None,
    )
    assert [len(trial.correct) for trial in trials] == [4, 4, 1]


def test_the_budget_holds_and_says_what_was_left_out(data):
    X, y = np.repeat(data[0], 5, axis=0), np.repeat(data[1], 5)
    told = []
    began = time.monotonic()
    trials = choosing(X, y, minutes=2 / 60).run(
        named(first=Slow(2e-4), slow=Slow(0.02), quick=Slow(1e-5), late=Slow(3e-3)),
        told.append,
    )
    assert time.monotonic() - began < 2.4
    first, slow, quick, late = trials
    assert first.done
    assert quick.done
    assert slow.problem.startswith("not tried: 5 fits of ")
    assert late.problem.startswith("not tried: 5 fits of ")
    assert told == trials
    assert "slow on segments: not tried" in describe(slow, None)


@pytest.mark.parametrize(
    ("step", "problem"),
    [(1, "not tried: 5 fits of "), (2, "not tried: --minutes 1e-06 was used up")],
    ids=["timed on some songs", "too few to time"],
)
def test_the_first_is_tried_whatever_it_takes(data, step, problem):
    X, y = data[0][::step], data[1][::step]
    trials = choosing(X, y, minutes=1e-6).run(
        named(first=Slow(1e-4), second=Slow(1e-3)), lambda trial: None
    )
    assert [trial.done for trial in trials] == [True, False]
    assert trials[1].problem.startswith(problem)
    assert len(trials[0].correct) == 1


def test_what_fails_is_told_and_the_others_go_on(data):
    error = ValueError("too few\nsongs")
    trials = choosing(*data).run(
        named(bad=Slow(error=error), good=Slow()), lambda trial: None
    )
    assert trials[0].problem == "too few songs"
    assert trials[1].done
    with pytest.raises(ValueError, match="too few songs"):
        choosing(*data).run(named(bad=Slow(error=error)), lambda trial: None)


def test_stopping_goes_through(data):
    with pytest.raises(KeyboardInterrupt):
        choosing(*data).run(named(bad=Slow(error=KeyboardInterrupt())), print)


def test_labels_of_few_songs_are_judged_as_wrong(data):
    X, y = data[0], data[1].astype("<U9")
    y[0] = "alone"
    (trial,) = choosing(X, y).run(named(one=LogisticRegression()), lambda trial: None)
    assert not trial.correct[0][0]
    assert np.isfinite(trial.losses).all()


def test_the_table_fits_a_terminal(data):
    X, y = data
    candidates = [
        Candidate("nonlinear-combiner", "segments", LogisticRegression()),
        Candidate("fully-connected", "musicnn", Slow()),
        Candidate("joint-combiner", "both", Slow(error=ValueError("cannot " * 20))),
        Candidate("sparse", "both", Slow(error=ValueError("cannot " * 20))),
    ]
    chosen = choosing(X, y)
    trials = chosen.run(candidates, lambda trial: None)
    entries = compared(trials, chosen.best(trials), None)
    table = as_table(entries).splitlines()
    assert max(map(len, table)) <= 80
    assert table[0].split()[:3] == ["model", "features", "accuracy"]
    assert table[1].startswith("nonlinear-combiner  segments  ")
    # What both cannot is said once.
    assert table[3].startswith("joint-combiner on both, sparse on both: cannot ")
    assert table[4].startswith("  cannot")
    assert sum(line.count("cannot") for line in table) == 20
    first, second, third, _ = entries
    assert first["behind"] is None
    own = np.mean(trials[0].correct)
    assert first["accuracy"] == pytest.approx(own)
    # Paired on the one repetition that both have.
    behind = (trials[0].correct[0] - trials[1].correct[0]).mean()
    assert second["behind"] == pytest.approx(behind)
    assert second["behind_interval"][0] <= behind <= second["behind_interval"][1]
    assert third.keys() == {"model", "features", "problem"}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.004, "4 ms"),
        (0.051, "0.1 s"),
        (9.94, "9.9 s"),
        (95, "95 s"),
        (150, "2 min"),
        (7300, "2 h"),
    ],
)
def test_durations(seconds, words):
    assert duration(seconds) == words

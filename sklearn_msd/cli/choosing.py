"""Choose among candidates by cross-validation, within a budget of time."""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_msd.cli.candidates import Candidate
from sklearn_msd.cli.few_songs import too_few
from sklearn_msd.cli.intervals import accuracy_estimate, difference_estimate
from sklearn_msd.datasets.sources.songs import folds_of_songs

# Repetitions of the folds, with other songs in them, while there is time.
MOST_REPETITIONS = 4
# Songs that show how long a fit takes, as a share of those to train on.
_PROBE = 0.1
_LEAST_PROBABILITY = 1e-7

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


@dataclass
class Trial:
    """What cross-validation found of a candidate.

    Attributes
    ----------
    candidate : Candidate
    correct : list of ndarray of shape (n_songs,)
        1 where a song was classified right by a model that had not been trained on it,
        for each repetition of the folds.
    losses : list of ndarray of shape (n_songs,)
        Minus the logarithm of the probability of its label.
    seconds : list of float
        What each fit took.
    problem : str or None
        Why it was not tried, or not to the end.
    """

    candidate: Candidate
    correct: list[NDArray[np.float64]] = field(default_factory=list)
    losses: list[NDArray[np.float64]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    problem: str | None = None

    @property
    def done(self) -> bool:
        """Whether each song was judged at least once."""
        return bool(self.correct)


class Budget:
    """Time that may be used.

    Parameters
    ----------
    seconds : float
    began : float
        When it began, as `time.monotonic` had it.
    """

    def __init__(self, seconds: float, began: float) -> None:
        self.seconds = seconds
        self.end = began + seconds

    def left(self) -> float:
        """Seconds left; negative once it is used up."""
        return self.end - time.monotonic()

    def __str__(self) -> str:
        return f"--minutes {self.seconds / 60:.3g}"


class Choosing:
    """Cross-validation of candidates on the same folds.

    Parameters
    ----------
    name : str
        Of the songs, for messages.
    X : ndarray of shape (n_songs, ...)
        Songs, as candidates take them.
    y : ndarray of shape (n_songs,)
    group : ndarray of shape (n_songs,) or None
        No group is on both sides of a fold.
    n_folds : int
    budget : Budget
    random_state : int
        Of the folds.

    Attributes
    ----------
    folds : list of Folds
        Of each repetition.
    """

    def __init__(
        self,
        name: str,
        X: NDArray[Any],
        y: NDArray[Any],
        group: NDArray[Any] | None,
        *,
        n_folds: int,
        budget: Budget,
        random_state: int,
    ) -> None:
        self.name, self.X, self.y, self.group = name, X, y, group
        self.n_folds, self.budget = n_folds, budget
        self.random_state = random_state
        self.folds: list[Folds] = []

    def run(
        self,
        candidates: Sequence[Candidate],
        tell: Callable[[Trial], None],
        say: Callable[[str], None] = lambda text: None,
    ) -> list[Trial]:
        """Try candidates, the first in any case, the others while there is time.

        Parameters
        ----------
        candidates : sequence of Candidate
            The cheapest first.
        tell : callable
            Called with each trial once it is done.
        say : callable, default=lambda text: None
            Called with a line before the folds are divided anew.

        Raises
        ------
        ValueError
            If none of the candidates can be trained.
        """
        trials = [Trial(candidate) for candidate in candidates]
        self.folds.append(self._split(0))
        self.n_folds = len(self.folds[0])
        for i, trial in enumerate(trials):
            others = trials[:i]
            self._try(trial, others, always=not any(t.done for t in others))
            tell(trial)
        done = [trial for trial in trials if trial.done]
        if not done:
            raise ValueError(trials[0].problem)
        # Those that are clearly behind are not looked at again.
        leading = [trial for trial in done if not self._behind(trial, self.best(done))]
        for repetition in range(1, MOST_REPETITIONS):
            a_round = sum(self.n_folds * np.mean(t.seconds) for t in leading)
            if self.budget.left() < a_round + self._final(leading):
                break
            say(
                f"again on other folds, {repetition + 1} of at most "
                f"{MOST_REPETITIONS}: {len(leading)} of {len(trials)}"
            )
            self.folds.append(self._split(repetition))
            for trial in leading:
                self._try(trial, leading, always=True)
        return trials

    def _behind(self, trial: Trial, best: Trial) -> bool:
        margin = difference_estimate(best.correct[0], trial.correct[0], self.group)
        return margin.low > 0

    def _split(self, repetition: int) -> Folds:
        with warnings.catch_warnings():
            # Of labels with fewer songs than folds: these are judged all the same.
            warnings.simplefilter("ignore", UserWarning)
            return folds_of_songs(
                *(self.name, self.y, self.group, self.n_folds),
                random_state=self.random_state + repetition,
            )

    def _final(self, trials: Sequence[Trial]) -> float:
        """Seconds to leave for the fit to all songs of whichever is chosen."""
        means = [float(np.mean(trial.seconds)) for trial in trials if trial.seconds]
        return max(means, default=0.0) * self.n_folds / (self.n_folds - 1)

    def _try(self, trial: Trial, others: Sequence[Trial], *, always: bool) -> None:
        """One repetition of a candidate; in the first, only if there is time."""
        n_songs = len(self.y)
        correct, losses = np.zeros(n_songs), np.zeros(n_songs)
        estimator = trial.candidate.estimator
        try:
            parts = (train for train, _ in self.folds[-1])
            trial.problem = trial.problem or too_few(self.y, parts, estimator)
            if not always and not trial.problem:
                trial.problem = self._too_long(others, self._probe(estimator))
            for i, (train, test) in enumerate(self.folds[-1]):
                if trial.problem:
                    return
                began = time.monotonic()
                with _silence():
                    fitted = clone(estimator).fit(self.X[train], self.y[train])
                    trial.seconds.append(time.monotonic() - began)
                    correct[test], losses[test] = judge(
                        fitted, self.X[test], self.y[test]
                    )
                if not always and i + 1 < self.n_folds:
                    mean = float(np.mean(trial.seconds))
                    trial.problem = self._too_long(others, mean, done=i + 1)
        except ValueError as error:
            trial.problem = " ".join(str(error).split())
            return
        trial.correct.append(correct)
        trial.losses.append(losses)

    def _too_long(
        self, others: Sequence[Trial], a_fit: float, done: int = 0
    ) -> str | None:
        """Why there is no time for what is left of the folds, if there is none."""
        final = max(self._final(others), self.n_folds / (self.n_folds - 1) * a_fit)
        if (self.n_folds - done) * a_fit + final <= self.budget.left():
            return None
        if not a_fit:
            return f"not tried: {self.budget} was used up; allow more"
        return (
            f"not tried: {self.n_folds} fits of {duration(a_fit)} each, for which "
            f"{self.budget} leaves no time; allow more"
        )

    def _probe(self, estimator: Any) -> float:
        """About how long a fit takes, from fits to parts of the songs; 0 if unknown."""
        train, _ = self.folds[0][0]
        labels, codes = np.unique(self.y[train], return_inverse=True)
        n = max(int(_PROBE * len(train)), 3 * len(labels))
        if 2 * n > len(train) / 2:
            return 0.0
        # As many of each label: the first n, one of each label after another.
        rank = np.empty(len(train), dtype=int)
        for code in range(len(labels)):
            (rows,) = np.nonzero(codes == code)
            rank[rows] = np.arange(len(rows))
        ordered = train[np.argsort(rank, kind="stable")]
        seconds = 0.0
        # The first also imports and compiles what the second finds ready.
        for size in (n, 2 * n):
            part = ordered[:size]
            began = time.monotonic()
            with _silence(), contextlib.suppress(ValueError):  # too few songs, perhaps
                clone(estimator).fit(self.X[part], self.y[part])
            seconds = (time.monotonic() - began) * len(train) / size
            if self.n_folds * seconds * size / len(train) > self.budget.left():
                break  # not even these few, as often as there are folds
        return seconds

    def best(self, trials: Sequence[Trial], songs: NDArray[Any] | None = None) -> Trial:
        """The trial with the highest accuracy; among equals, the lowest log loss.

        Of those that were tried as often as any.

        Parameters
        ----------
        trials : sequence of Trial
        songs : ndarray, default=None
            Those to go by; by default all.
        """
        where = slice(None) if songs is None else songs

        def merit(trial: Trial) -> tuple[float, float]:
            correct = np.mean(trial.correct, axis=0)[where].mean()
            return float(correct), -float(np.mean(trial.losses, axis=0)[where].mean())

        most = max(len(trial.correct) for trial in trials)
        return max((t for t in trials if len(t.correct) == most), key=merit)

    def judge_choice(
        self, trials: Sequence[Trial]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How good the choice is, on songs that had no part in it.

        For the songs of each fold, that candidate counts which is best on the songs of
        the other folds. The best candidate's own accuracy would flatter: it was chosen
        for being high.

        Returns
        -------
        correct, losses : ndarray of shape (n_songs,)
            Means over repetitions.
        """
        n_repetitions = max(len(trial.correct) for trial in trials)
        correct, losses = np.zeros((2, n_repetitions, len(self.y)))
        for r, folds in enumerate(self.folds[:n_repetitions]):
            for train, test in folds:
                chosen = self.best(trials, train)
                correct[r, test] = chosen.correct[r][test]
                losses[r, test] = chosen.losses[r][test]
        return correct.mean(axis=0), losses.mean(axis=0)


def judge(
    model: Any, X: NDArray[Any], y: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Whether each song is classified right, and minus the log of its probability."""
    probabilities = np.asarray(model.predict_proba(X), dtype=np.float64)
    classes = np.asarray(model.classes_)
    place = {label: i for i, label in enumerate(classes.tolist())}
    own = np.array([place.get(label, -1) for label in y.tolist()])
    correct = classes[probabilities.argmax(axis=1)] == y
    of_label = np.where(own >= 0, probabilities[np.arange(len(y)), own], 0)
    return correct.astype(np.float64), -np.log(np.maximum(of_label, _LEAST_PROBABILITY))


def describe(trial: Trial, group: NDArray[Any] | None) -> str:
    """One line that says how a candidate did."""
    if not trial.done:
        return f"{trial.candidate}: {trial.problem}"
    found = accuracy_estimate(np.mean(trial.correct, axis=0), group)
    return (
        f"{trial.candidate}: {found.value:.3f} ({found.low:.2f} to {found.high:.2f}), "
        f"{duration(float(np.mean(trial.seconds)))} a fit"
    )


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as a person would say it."""
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    if seconds < 0.05:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Neither warnings nor lines of many fits, of which most are thrown away."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield

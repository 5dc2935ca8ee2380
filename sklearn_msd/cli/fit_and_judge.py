"""From labelled songs and candidates to a model, and how good it is."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from sklearn_msd.classifiers.base import BaseSegmentClassifier
from sklearn_msd.cli.candidates import Candidate
from sklearn_msd.cli.choosing import Budget, Choosing, Trial, judge
from sklearn_msd.cli.commands import note
from sklearn_msd.cli.comparison import accuracy_in_words, held_out_in_words
from sklearn_msd.cli.intervals import Estimate, accuracy_estimate, chance
from sklearn_msd.cli.parts import parts_of
from sklearn_msd.datasets.sources.songs import N_FOLDS, LabelledSongs, hold_out

# More songs than these are judged on one part of them, which is enough.
FOLDS_UP_TO = 2000


@dataclass
class Trained:
    """A model, and how it did on songs that had no part in it.

    Attributes
    ----------
    candidate : Candidate
        As it was chosen; its estimator is fitted.
    trials : list of Trial
        What it was chosen from; empty where there was no choice.
    best : Trial or None
        Its own trial.
    group : ndarray or None
        Of the songs of the trials.
    n_songs : int
        That it was trained on.
    n_folds : int
        In which songs were held out; 0 for one part of the songs.
    n_repetitions : int
        How often, with other songs in the folds each time.
    correct, losses, truth, judged_group : ndarray of shape (n_judged,)
        Whether each song was classified right, minus the log of its label's
        probability, its label, and its group, if there are groups.
    """

    candidate: Candidate
    trials: list[Trial]
    best: Trial | None
    group: NDArray[Any] | None
    n_songs: int
    n_folds: int
    correct: NDArray[np.float64]
    losses: NDArray[np.float64]
    truth: NDArray[Any]
    judged_group: NDArray[Any] | None
    n_repetitions: int = 1

    def accuracy(self) -> Estimate:
        """On songs that had no part in the model."""
        return accuracy_estimate(self.correct, self.judged_group)

    def chance(self) -> float:
        """Accuracy of always giving the label that most of these songs have."""
        return chance(self.truth)

    def in_words(self) -> str:
        """The accuracy, and how little it may mean."""
        how = held_out_in_words(len(self.truth), self.n_folds, self.n_repetitions)
        return accuracy_in_words(self.accuracy(), self.chance(), how)


def train_on(
    songs: LabelledSongs,
    candidates: Sequence[Candidate],
    *,
    n_folds: int | None,
    budget: Budget,
    random_state: int,
    tell: Callable[[Trial], None],
    say: Callable[[str], None] = lambda text: None,
    verbose: bool = False,
) -> Trained:
    """Choose among candidates, fit the one chosen, and judge it.

    Songs that judge have no part in the choice. Where the source held some out, or
    ``n_folds`` is 1, that is one part of the songs; else each song is judged in turn by
    models that were not fitted to it.

    Parameters
    ----------
    songs : LabelledSongs
    candidates : sequence of Candidate
        The cheapest first.
    n_folds : int or None
        None is 5 folds of up to `FOLDS_UP_TO` songs, one part of more.
    budget : Budget
    random_state : int
    tell : callable
        Called with each trial when it is done.
    say : callable, default=lambda text: None
        Called with other lines on how far it is.
    verbose : bool, default=False
        Print a line an epoch of the last fit.

    Raises
    ------
    ValueError
        If the songs cannot be divided so, or no candidate can be trained on them.
    """
    n_folds = folds_to_judge_by(songs, n_folds)
    apart = n_folds == 1 or len(songs.X_valid) > 0
    if apart:
        songs = hold_out(songs)
    y, y_valid = songs.classes[songs.y], songs.classes[songs.y_valid]
    trials: list[Trial] = []
    chosen, best = candidates[0], None
    if len(candidates) > 1 or not apart:
        choosing = Choosing(
            *(songs.name, songs.X, y, songs.group),
            n_folds=N_FOLDS if apart else n_folds,
            budget=budget,
            random_state=random_state,
        )
        trials = choosing.run(candidates, tell, say)
        best = choosing.best(trials)
        chosen = best.candidate
    if not apart:
        correct, losses = choosing.judge_choice(trials)
        _fit(chosen.estimator, songs.X, y, verbose=verbose)
        return Trained(
            *(chosen, trials, best, songs.group, len(y), choosing.n_folds),
            *(correct, losses, y, songs.group, len(choosing.folds)),
        )
    known = np.isin(y_valid, y)
    if not known.all():
        lost = ", ".join(map(str, np.unique(y_valid[~known])[:5]))
        note(f"{(~known).sum()} songs held out have labels that no other has: {lost}")
    if not known.any():
        raise ValueError(f"{songs.name}: no song is left to validate on.")
    X_valid, y_valid = songs.X_valid[known], y_valid[known]
    _fit(chosen.estimator, songs.X, y, X_valid, y_valid, verbose=verbose)
    correct, losses = judge(chosen.estimator, X_valid, y_valid)
    return Trained(
        *(chosen, trials, best, songs.group, len(y), 0),
        *(correct, losses, y_valid, None),
    )


def folds_to_judge_by(songs: LabelledSongs, n_folds: int | None) -> int:
    """As many folds as were asked for; 5 of up to `FOLDS_UP_TO` songs, 1 of more."""
    if n_folds is None:
        return N_FOLDS if len(songs.X) <= FOLDS_UP_TO else 1
    return n_folds


def _fit(
    model: Any, X: Any, y: Any, X_val: Any = None, y_val: Any = None, *, verbose: bool
) -> None:
    """Fit a model in place; a net records how it does on the validation songs."""
    net, front = model, None
    if isinstance(model, Pipeline):
        net, front = model[-1], model[:-1]
    nets = [part for part in parts_of(model) if isinstance(part, BaseSegmentClassifier)]
    for part in nets:
        part.set_params(verbose=int(verbose))
    with contextlib.redirect_stdout(_Progress()):
        # What early stopping watches would flatter the model.
        if X_val is None or not _can_watch(net) or front is None:
            model.fit(X, y)
        else:
            X = front.fit_transform(X, y)
            net.fit(X, y, X_val=front.transform(X_val), y_val=y_val)
    for part in nets:
        part.set_params(verbose=0)


def _can_watch(net: Any) -> bool:
    stops_early = any(
        value
        for name, value in net.get_params().items()
        if name.split("__")[-1] == "early_stopping"
    )
    return has_fit_parameter(net, "X_val") and not stops_early


class _Progress(io.TextIOBase):
    """Standard error, for what skorch prints of each epoch, in colour on terminals."""

    def write(self, text: str) -> int:
        plain = text if sys.stderr.isatty() else re.sub(r"\x1b\[\d+m", "", text)
        return sys.stderr.write(plain)

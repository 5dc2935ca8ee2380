"""Claims looked at again and again while starts come in, without erring more often.

A claim is looked at when its models have been trained from 2 random starts, from 3, and
so on, and no more once it is decided. Looking often finds chance differences more
often. So each look has an interval so wide that all of a claim's looks together miss
the truth in 5 % of claims at most, whatever the looks have to do with each other
(Bonferroni's correction). How much starts change is itself an estimate, which makes
intervals err a little more often than they say. So the errors that they say add up to
2.5 %: in planted reports, whose truth is known, less than 3 % of verdicts are then
false; on the single claim that errs most often 2.5 to 4.9 %, or 6.0 % where starts
change some models many times as much as others and all differences are as large as the
margin (``benchmarks/results/planted_reports.txt``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t

from sklearn_msd.report.declaration import Relation
from sklearn_msd.report.judging.intervals import Comparison, Verdict, compare
from sklearn_msd.report.judging.spread import Observed, Spread, learn_spread

# Numbers of random starts at which a claim is looked at.
LOOKS = (2, 3, 5, 8)

# In how many claims the looks together may miss the truth, and what intervals say.
ERROR = 0.05
NOMINAL_ERROR = 0.025

# Margins are rounded up to a multiple of this, and at least two of it: the report's
# accuracies have two decimals.
MARGIN_STEP = 0.005

# More starts than this are not counted in advance.
FAR = 10_000

# What is compared: names of a model, an output, songs, and a measure.
Subject = tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """A claim, on some songs.

    Parameters
    ----------
    relation : {"beats", "does not beat", "equals"}
    left, right : tuple
        What is compared; None on the right is `chance`.
    kind : hashable
        The songs that it is compared on.
    chance : float
        Accuracy of guessing.
    """

    relation: Relation
    left: Subject
    right: Subject | None
    kind: Hashable = None
    chance: float = 0.0

    @property
    def sides(self) -> tuple[Subject, ...]:
        """What has to be trained."""
        return (self.left,) if self.right is None else (self.left, self.right)


@dataclass(frozen=True)
class Finding:
    """What a look at a claim found.

    Attributes
    ----------
    comparison : Comparison
    n_starts : int
        Random starts of each side.
    margin : float
        What counts as a difference.
    verdict : {"holds", "does not hold", "undecided"}
    starts_needed : int or None
        About how many would decide, if the difference is as it seems; None if more than
        10,000, or no number.
    songs_needed : float or None
        The same for songs, as a multiple of those compared on, with as many starts.
    both_needed : float or None
        The same for starts and songs, each as a multiple of what there is.
    least_starts : int or None
        As `starts_needed`, if the difference is one standard error off, for the better:
        what is worth a try.
    """

    comparison: Comparison
    n_starts: int
    margin: float
    verdict: Verdict
    starts_needed: int | None = None
    songs_needed: float | None = None
    both_needed: float | None = None
    least_starts: int | None = None


class Judge:
    """Looks at claims as starts come in.

    Parameters
    ----------
    cases : sequence of Case
    results : callable
        From a subject and a number of starts to what was right, (n_starts, n_songs).
    group : mapping of hashable to ndarray, default={}
        By kind, which songs belong together.
    max_starts : int, default=8
        Looks at more starts are not planned.

    Attributes
    ----------
    findings : dict of Case to Finding
        Of the last look at each case that was looked at.
    margins : dict of hashable to float
        By kind, what counts as a difference: fixed at the first look at it.
    accuracy_spread : dict of hashable to Spread
        By kind, what starts change in the results of a subject, as of the last look.
    looks : tuple of int
        The numbers of starts that are looked at.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        results: Callable[[Subject, int], np.ndarray],
        group: Mapping[Hashable, np.ndarray] = {},
        max_starts: int = LOOKS[-1],
    ) -> None:
        self.cases, self.results, self.group = cases, results, group
        self.looks = tuple(n for n in LOOKS if n <= max_starts) or (1,)
        self.findings: dict[Case, Finding] = {}
        self.margins: dict[Hashable, float] = {}
        self.accuracy_spread: dict[Hashable, Spread] = {}

    @property
    def confidence(self) -> float:
        """Of the interval of a single look."""
        return 1 - (ERROR if self.looks == (1,) else NOMINAL_ERROR) / len(self.looks)

    def look(self, starts: Mapping[Subject, int]) -> None:
        """Look at the cases that are open and have reached a new number of starts.

        Parameters
        ----------
        starts : mapping of tuple to int
            How many there are of each subject.
        """
        n_of = {case: min(starts[side] for side in case.sides) for case in self.cases}
        self._learn(starts)
        for case, n in n_of.items():
            reached = max((look for look in self.looks if look <= n), default=0)
            last = self.findings.get(case)
            if last is None:
                is_due = reached > 0
            else:
                is_due = last.verdict == "undecided" and reached > last.n_starts
            if is_due:
                self.findings[case] = self._finding(case, reached)

    def next_look(self, case: Case) -> int | None:
        """How many starts to train for it; None if it is decided, or had better not."""
        last = self.findings.get(case)
        if last is None:
            return self.looks[0]
        later = [look for look in self.looks if look > last.n_starts]
        if last.verdict != "undecided" or not later:
            return None
        if last.least_starts is None or last.least_starts > self.looks[-1]:
            return None
        return later[0]

    def _finding(self, case: Case, n: int) -> Finding:
        found = compare(
            self.results(case.left, n),
            case.chance if case.right is None else self.results(case.right, n),
            self.accuracy_spread.get(case.kind),
            self.confidence,
            self.group.get(case.kind),
        )
        margin = self.margins.get(case.kind, 2 * MARGIN_STEP)
        verdict = found.verdict(case.relation, margin)
        if verdict != "undecided":
            return Finding(found, n, margin, verdict)
        error = math.sqrt(found.song_variance + found.start_variance / n)
        distance, *others = (
            _distance(found.margin + off, case.relation, margin)
            for off in (0, -error, error)
        )
        return Finding(
            found,
            n,
            margin,
            verdict,
            self._starts_needed(found, n, distance, case.kind),
            self._songs_needed(found, n, distance, case.kind),
            self._both_needed(found, n, distance, case.kind),
            self._starts_needed(found, n, max(distance, *others), case.kind),
        )

    def _starts_needed(
        self, found: Comparison, n: int, distance: float, kind: Hashable
    ) -> int | None:
        def decide(more: int) -> bool:
            variance = found.song_variance + found.start_variance / more
            return self._quantile(found, kind, more) * math.sqrt(variance) < distance

        if distance <= 0 or not decide(FAR):
            return None
        few, many = n, FAR  # few do not decide, many do
        while many - few > 1:
            middle = (few + many) // 2
            few, many = (few, middle) if decide(middle) else (middle, many)
        return many

    def _songs_needed(
        self, found: Comparison, n: int, distance: float, kind: Hashable
    ) -> float | None:
        reach = distance / self._quantile(found, kind, n)
        left = reach**2 - found.start_variance / n
        return found.song_variance / left if distance > 0 and left > 0 else None

    def _both_needed(
        self, found: Comparison, n: int, distance: float, kind: Hashable
    ) -> float | None:
        if distance <= 0:
            return None
        variance = found.song_variance + found.start_variance / n
        return variance * (self._quantile(found, kind, n) / distance) ** 2

    def _quantile(self, found: Comparison, kind: Hashable, n: int) -> float:
        spread = self.accuracy_spread.get(kind)
        dof = found.start_sides * (n - 1 + (spread.dof if spread else 0))
        return float(t.ppf((1 + self.confidence) / 2, max(dof, 1)))

    def _learn(self, starts: Mapping[Subject, int]) -> None:
        """What starts change, and at the first look what counts as a difference."""
        kinds = {side: case.kind for case in self.cases for side in case.sides}
        observed = []
        for subject, kind in kinds.items():
            if starts[subject] > 1:
                by_start = self.results(subject, starts[subject]).mean(axis=1)
                variance = float(by_start.var(ddof=1))
                observed.append(
                    Observed(kind, by_start.mean(), variance, len(by_start) - 1)
                )
        self.accuracy_spread = learn_spread(observed)
        for kind, spread in self.accuracy_spread.items():
            self.margins.setdefault(kind, margin_of(spread))


def margin_of(spread: Spread) -> float:
    """What counts as a difference: what starting again changes, in 19 cases of 20.

    Two starts of one model differ by less than that, but for one pair in twenty: who
    trains a model once cannot tell smaller differences between models from chance.

    Parameters
    ----------
    spread : Spread
        Of accuracies.

    Returns
    -------
    float
        Rounded up to a multiple of 0.005.
    """
    steps = math.ceil(1.96 * math.sqrt(2 * spread.typical) / MARGIN_STEP)
    return max(2, steps) * MARGIN_STEP


def _distance(margin: float, relation: Relation, least: float) -> float:
    """How far the nearest border is that an interval would have to clear."""
    if relation == "beats":
        return max(margin, least - margin)
    if relation == "does not beat":
        return abs(least - margin)
    return abs(least - abs(margin))

"""Trains until the claims are decided, or the time is used, or nothing would help."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import joblib

from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Figure
from sklearn_msd.report.figures.models import CONCLUSION
from sklearn_msd.report.judging.results import Results
from sklearn_msd.report.records import Record, RecordStore
from sklearn_msd.report.runner import Plan, Run, run

# What making songs and the page takes of the time allowed, in seconds; at most half.
BESIDE_TRAINING = 60.0


@dataclass
class Clock:
    """How long trainings took, or would take, on several processes.

    It counts the seconds that records name, not those of this process: so a study that
    was stopped and goes on decides as one that was not.

    Parameters
    ----------
    n_jobs : int
    seconds : float, default=inf
        Allowed.
    """

    n_jobs: int
    seconds: float = math.inf
    spent: float = 0.0
    _known: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def add(self, runs: Sequence[Run], records: Mapping[str, Record]) -> None:
        """Count runs that are done, in the order in which they were begun."""
        seconds = {one.key: float(records[one.key].info["fit_seconds"]) for one in runs}
        self.spent += self._duration(runs, seconds)
        for one in runs:
            self._known.setdefault(_sort(one), []).append(seconds[one.key])

    def affordable(self, groups: Iterable[Sequence[Run]]) -> list[Run]:
        """What fits into the time that is left, the longest first.

        Where the time that a model takes is not known yet, that of the others is
        assumed, and no more than half of what is left is planned. While nothing is
        known, enough is taken to learn it.

        Parameters
        ----------
        groups : iterable of sequence of Run
            Runs that are of use together only, the most urgent group first.

        Returns
        -------
        list of Run
            Each once.
        """
        left = self.seconds - self.spent
        limited = math.isfinite(left)
        chosen: dict[str, Run] = {}
        for group in groups:
            wider = chosen | {one.key: one for one in group}
            if limited and not self._known:
                if len(chosen) >= 2 * self.n_jobs:
                    break
            elif limited:
                surely = all(_sort(one) in self._known for one in wider.values())
                limit = left if surely or not chosen else left / 2
                seconds = {key: self._estimate(one) for key, one in wider.items()}
                if self._duration([*wider.values()], seconds) > limit:
                    continue
            chosen = wider
        return sorted(chosen.values(), key=self._estimate, reverse=True)

    def _estimate(self, one: Run) -> float:
        times = self._known.get(_sort(one)) or [
            seconds for many in self._known.values() for seconds in many
        ]
        return sum(times) / len(times) if times else 0.0

    def _duration(self, runs: Sequence[Run], seconds: Mapping[str, float]) -> float:
        """Of runs that wait for their bases, one after the other on each process."""
        waiting = {one.key: one for one in runs}
        total = 0.0
        while waiting:
            ready = [r for r in waiting.values() if not waiting.keys() & r.needs]
            busy_until = [0.0] * self.n_jobs
            for one in ready:
                heapq.heapreplace(busy_until, busy_until[0] + seconds[one.key])
                del waiting[one.key]
            total += max(busy_until)
        return total


def _sort(one: Run) -> tuple[str, str]:
    """What takes about the same time."""
    return one.label, one.data_name


def conduct(
    figures: Sequence[tuple[Figure, ReportData]],
    plan: Plan,
    store: RecordStore,
    *,
    minutes: float | None = None,
    n_jobs: int | None = None,
    say: Callable[[str], None] = print,
) -> Results:
    """Train all models from a few random starts, then more for claims that are open.

    First come the models of the report's conclusion. Then, while there is time, those
    claims get further starts that are likeliest to be decided soonest, and those that
    no affordable number would decide get none. What comes next depends on the records
    of what came before, and on nothing else.

    Parameters
    ----------
    figures : sequence of (Figure, ReportData)
    plan : Plan
    store : RecordStore
        Holds what is trained; a stopped study goes on from there.
    minutes : float, default=None
        To take in all, about; None is no limit.
    n_jobs : int, default=None
        Models to train at a time, as joblib counts.
    say : callable
        Takes lines of progress.

    Returns
    -------
    Results
    """
    results = Results(figures, plan)
    clock = Clock(joblib.effective_n_jobs(n_jobs))
    if minutes is not None:
        seconds = 60 * minutes
        clock.seconds = seconds - min(BESIDE_TRAINING, seconds / 2)
    for wanted in (_first_starts, _further_starts):
        while batch := clock.affordable(wanted(results)):
            records = run(batch, store, n_jobs=n_jobs, say=say)
            results.records |= records
            clock.add(batch, records)
            if wanted is _further_starts:
                results.look()
        results.look()
    return results


def _first_starts(results: Results) -> Iterator[list[Run]]:
    """Both sides of each claim, the conclusion's models first; then all others."""
    n = results.judge.looks[0]
    figures = [(f, d) for f, d in results.figures]
    shown = {(m, d.key): (m, d) for f, d in figures for m in f.models()}
    first = [pair for pair in shown.values() if pair[0] in CONCLUSION]
    first.sort(key=lambda pair: CONCLUSION.index(pair[0]))
    groups = [[pair] for pair in first]
    for tested in results.claims:
        sides = (tested.claim.left, tested.claim.right)
        groups.append([(side.model, tested.data) for side in sides if side])
    groups += [[pair] for pair in shown.values()]
    for group in groups:
        yield from _missing(results, group, n)


def _further_starts(results: Results) -> Iterator[list[Run]]:
    """Both sides of each open claim, up to its next look."""
    judge = results.judge
    open_claims = [
        (judge.findings[tested.case].least_starts or math.inf, i, tested, n)
        for i, tested in enumerate(results.claims)
        if tested.case in judge.findings
        if (n := judge.next_look(tested.case)) is not None
    ]
    for _, _, tested, n in sorted(open_claims, key=lambda one: one[:2]):
        sides = (tested.claim.left, tested.claim.right)
        group = [(side.model, tested.data) for side in sides if side]
        yield from _missing(results, group, n)


def _missing(
    results: Results, models: Iterable[tuple[str, ReportData]], n_starts: int
) -> Iterator[list[Run]]:
    """What the first starts of these models still need, if anything."""
    runs = {
        one.key: one
        for name, data in models
        for start in range(n_starts)
        for one in results.plan.runs(name, data, start)
        if one.key not in results.records
    }
    if runs:
        yield [*runs.values()]

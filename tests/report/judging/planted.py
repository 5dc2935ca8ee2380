"""Reports whose truth is known: made-up results of the report's own claims.

    python tests/report/judging/planted.py 1000

Models that take turns in claims, as in the report, are right on songs that are harder
or easier for all and for each, from starts that are better or worse, for some models
more than for others. The true difference of each claim is planted: none, or as large as
what the report takes for one. Starts come in as in a study: first two of each model,
then more for claims that are open, the likeliest first, until a budget is used.
"""

import math
import sys
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from sklearn_msd.report.figures.experiments import FIGURES
from sklearn_msd.report.judging.looks import LOOKS, Judge
from sklearn_msd.report.judging.results import case_of

# A column of made-up results is the mean of so many songs.
SONGS_IN_ONE = 10

# Accuracy of all models, where they do not differ.
MEAN = 0.6

# Verdicts that are false where the true difference is none, and where it is the margin.
FALSE = {
    ("beats", "none"): {"holds"},
    ("beats", "margin"): {"does not hold"},
    ("does not beat", "none"): {"does not hold"},
    ("does not beat", "margin"): {"holds", "does not hold"},
    ("equals", "none"): {"does not hold"},
    ("equals", "margin"): {"holds", "does not hold"},
}


def claims(truth):
    """The report's claims as cases.

    Where a difference is planted, left sides are of their claim alone.
    """
    found = []
    for figure in FIGURES:
        data = SimpleNamespace(key=str(figure.task), n_classes=figure.task)
        found += [case_of(claim, data) for claim in figure.claims]
    found = list(dict.fromkeys(replace(case, chance=MEAN) for case in found))
    if truth == "none":
        return found
    return [replace(case, left=(*case.left, i)) for i, case in enumerate(found)]


class PlantedReport:
    """One report.

    Parameters
    ----------
    seed : int
    truth : {"none", "margin"}
        The true difference of every claim.
    n_songs : int
    spread : float
        Standard deviation between starts of a typical model.
    uneven : float
        By how much it differs between models: deviation of its logarithm.
    skewed : bool
        Whether bad starts lie further from the mean than good ones.
    budget : int
        Trainings; two starts of each model come first.
    """

    def __init__(
        self,
        seed,
        truth,
        n_songs=20_000,
        spread=0.015,
        uneven=0.4,
        skewed=False,
        budget=150,
    ):
        self.rng = np.random.default_rng(seed)
        self.truth, self.n_songs, self.budget = truth, n_songs, budget
        self.spread, self.uneven, self.skewed = spread, uneven, skewed
        self.cases = claims(truth)
        self.kinds = {side: case.kind for case in self.cases for side in case.sides}
        self.hard = {
            kind: self.rng.normal(0, 0.1, n_songs // SONGS_IN_ONE)
            for kind in self.kinds.values()
        }
        self.models = {}
        self.judge = Judge(self.cases, self.results)
        self.starts = dict.fromkeys(self.kinds, self.judge.looks[0])

    def model(self, name, kind):
        """What starts change in a model, and its results, (n_starts, n_songs)."""
        at = name, kind
        if at not in self.models:
            rng = self.rng
            sd = self.spread * math.exp(rng.normal(0, self.uneven))
            if kind.startswith("25"):
                sd *= 2
            start = rng.normal(size=(LOOKS[-1], 1))
            if self.skewed:
                start = (4 - rng.gamma(4, size=start.shape)) / 2
            effect = sd * start
            if name.startswith(("correcting", "stacked")):  # they share their base
                effect = 0.5 * effect + 0.8 * self.model("max 2", kind)[0]
            own = rng.normal(0, 0.3 / SONGS_IN_ONE**0.5, len(self.hard[kind]))
            p = MEAN + self.hard[kind] + own + effect
            noise = rng.normal(0, 0.4 / SONGS_IN_ONE**0.5, p.shape)
            self.models[at] = effect, np.clip(p + noise, 0.1, 0.9)
        return self.models[at]

    def results(self, subject, n):
        """What was right."""
        kind = self.kinds[subject]
        _, right = self.model(" ".join(subject[:2]), kind)
        planted = self.judge.margins.get(kind, 0.0) if len(subject) == 5 else 0.0
        return np.minimum(right[:n] + planted, 1)

    def judged(self):
        """The report, to its end: the verdict of each claim."""
        trainings = sum(self.starts.values())
        while True:
            self.judge.look(self.starts)
            wanted = [
                (found.least_starts or math.inf, i, case, n)
                for i, (case, found) in enumerate(self.judge.findings.items())
                if (n := self.judge.next_look(case)) is not None
            ]
            before = trainings
            for _, _, case, n in sorted(wanted, key=lambda one: one[:2]):
                more = {side: n - self.starts[side] for side in case.sides}
                cost = sum(max(0, k) for k in more.values())
                if trainings + cost <= self.budget:
                    trainings += cost
                    self.starts |= {s: max(n, self.starts[s]) for s in case.sides}
            if trainings == before:
                return [self.judge.findings[case].verdict for case in self.cases]


def false_verdicts(truth, n_reports, **options):
    """In how many reports each claim's verdict is false, and how many are open."""
    false, undecided = Counter(), 0
    for seed in range(n_reports):
        report = PlantedReport(seed, truth, **options)
        for i, verdict in enumerate(report.judged()):
            false[i] += verdict in FALSE[report.cases[i].relation, truth]
            undecided += verdict == "undecided"
    n = len(report.cases)
    return np.array([false[i] for i in range(n)]), undecided / n_reports


if __name__ == "__main__":
    n_reports = int(sys.argv[1])
    for truth in ("none", "margin"):
        for options in ({}, {"budget": 300}, {"uneven": 0.7}, {"skewed": True}):
            false, undecided = false_verdicts(truth, n_reports, **options)
            print(
                f"{truth:6} {options!s:20} false a claim: mean "
                f"{false.mean() / n_reports:.3f}, most {false.max() / n_reports:.3f}; "
                f"undecided {undecided:.1f} of {len(false)}",
                flush=True,
            )

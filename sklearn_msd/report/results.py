"""From records to numbers: accuracies by epoch, and which songs were right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Claim, Curve, Figure, Model
from sklearn_msd.report.records import Record
from sklearn_msd.report.runner import Plan
from sklearn_msd.report.verdicts import Comparison, compare


def n_last(n_epochs: int) -> int:
    """Epochs that "the last epochs" are: a tenth, at least 3, at most all."""
    return min(n_epochs, max(3, round(n_epochs / 10)))


@dataclass(frozen=True)
class Score:
    """An accuracy over songs and seeds.

    Attributes
    ----------
    best : Comparison
        With each seed's best epoch, as the report gives it; optimistic, for the songs
        that choose the epoch are those that it is measured on.
    last : float
        Mean over the last epochs.
    """

    best: Comparison
    last: float


@dataclass(frozen=True)
class Results:
    """All that was trained for a report.

    Parameters
    ----------
    figures : sequence of (Figure, ReportData)
    models : mapping of str to Model
    plan : Plan
    records : mapping of str to Record
        By the plan's keys.
    """

    figures: Sequence[tuple[Figure, ReportData]]
    models: Mapping[str, Model]
    plan: Plan
    records: Mapping[str, Record]

    def of(self, name: str, data: ReportData) -> list[Record]:
        """A model's records, one for each seed."""
        seeds = self.plan.settings.seeds
        return [self.records[self.plan.key(name, data, seed)] for seed in seeds]

    def losses(self, curve: Curve, data: ReportData) -> np.ndarray:
        """Mean validation cross-entropy, (n_seeds, n_epochs)."""
        records = self.of(curve.model, data)
        return np.stack([record.losses[curve.output] for record in records])

    def right(self, curve: Curve, data: ReportData) -> np.ndarray:
        """Whether each song was classified right, (n_seeds, n_epochs, n_songs)."""
        records = self.of(curve.model, data)
        predicted = np.stack([record.predictions[curve.output] for record in records])
        return np.asarray(predicted == data.y_valid)

    def accuracies(self, curve: Curve, data: ReportData) -> np.ndarray:
        """Validation accuracy, (n_seeds, n_epochs)."""
        return np.asarray(self.right(curve, data).mean(axis=2))

    def at_best(self, curve: Curve | None, data: ReportData) -> np.ndarray:
        """Songs classified right at each seed's best epoch, (n_seeds, n_songs).

        None is chance.
        """
        if curve is None:
            shape = (len(self.plan.settings.seeds), len(data.y_valid))
            return np.full(shape, 1 / data.n_classes)
        right = self.right(curve, data)
        best = right.mean(axis=2).argmax(axis=1)
        return np.stack([run[epoch] for run, epoch in zip(right, best, strict=True)])

    def at_last(self, curve: Curve | None, data: ReportData) -> np.ndarray:
        """Share of the last epochs in which each song was right, (n_seeds, n_songs)."""
        if curve is None:
            return self.at_best(None, data)
        right = self.right(curve, data)
        return np.asarray(right[:, -n_last(right.shape[1]) :].mean(axis=1))

    def score(self, curve: Curve, data: ReportData) -> Score:
        """A model's accuracy."""
        best = self.at_best(curve, data)
        return Score(
            compare(best, np.zeros_like(best)), float(self.at_last(curve, data).mean())
        )

    def comparison(self, claim: Claim, data: ReportData) -> tuple[Comparison, float]:
        """Margin of a claim at the best epochs with its interval, and at the last."""
        margin_at_last = self.at_last(claim.left, data) - self.at_last(
            claim.right, data
        )
        best = compare(self.at_best(claim.left, data), self.at_best(claim.right, data))
        return best, float(margin_at_last.mean())

    def label(self, curve: Curve) -> str:
        """What a curve is called."""
        return curve.label or self.models[curve.model].label

    def published(self, curve: Curve, figure: Figure, data: ReportData) -> float | None:
        """The report's accuracy, on its task that is nearest to this one."""
        numbers = curve.published
        if numbers is None:
            numbers = self.models[curve.model].published
        task = data.n_classes if data.n_classes in (10, 25) else figure.task
        return numbers.get(task)

"""From records to numbers: accuracies by epoch, and which songs were right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Claim, Curve, Figure, Model
from sklearn_msd.report.judging.intervals import (
    Comparison,
    SeedVariation,
    accuracy,
    compare,
    seed_variation,
)
from sklearn_msd.report.records import Record
from sklearn_msd.report.runner import Plan

# Weights below this in size count as switched off (Figure 4).
SMALL_WEIGHT = 0.01


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

    def data_sets(self) -> list[ReportData]:
        """The data that figures are made on, each once."""
        return list({data.key: data for _, data in self.figures}.values())

    def curves(self, data: ReportData) -> list[tuple[Figure, Curve]]:
        """Each output of each model once, under the model's own name."""
        found: dict[tuple[str, str], tuple[Figure, Curve]] = {}
        for figure, used in self.figures:
            if used.key == data.key:
                for curve in figure.curves:
                    plain = Curve(curve.model) if curve.output == "model" else curve
                    found.setdefault((curve.model, curve.output), (figure, plain))
        return list(found.values())

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

    def predicted_at_best(self, curve: Curve, data: ReportData) -> np.ndarray:
        """Class of each song at each seed's best epoch, (n_seeds, n_songs)."""
        best = self.accuracies(curve, data).argmax(axis=1)
        records = self.of(curve.model, data)
        return np.stack(
            [
                record.predictions[curve.output][epoch]
                for record, epoch in zip(records, best, strict=True)
            ]
        )

    def at_best(self, curve: Curve | None, data: ReportData) -> np.ndarray:
        """Songs classified right at each seed's best epoch, (n_seeds, n_songs).

        None is chance.
        """
        if curve is None:
            shape = (len(self.plan.settings.seeds), len(data.y_valid))
            return np.full(shape, 1 / data.n_classes)
        right = self.predicted_at_best(curve, data) == data.y_valid
        return np.asarray(right, dtype=float)

    def at_last(self, curve: Curve | None, data: ReportData) -> np.ndarray:
        """Share of the last epochs in which each song was right, (n_seeds, n_songs)."""
        if curve is None:
            return self.at_best(None, data)
        right = self.right(curve, data)
        return np.asarray(right[:, -n_last(right.shape[1]) :].mean(axis=1))

    @cached_property
    def margin_variation(self) -> SeedVariation | None:
        """What random starts change in the margins of all claims."""
        return seed_variation(
            [
                self.at_best(claim.left, data) - self.at_best(claim.right, data)
                for figure, data in self.figures
                for claim in figure.claims
                if claim.measure == "accuracy"
            ]
        )

    @cached_property
    def accuracy_variation(self) -> SeedVariation | None:
        """What random starts change in the accuracies of all models."""
        return seed_variation(
            [
                self.at_best(curve, data)
                for data in self.data_sets()
                for _, curve in self.curves(data)
            ]
        )

    def score(self, curve: Curve, data: ReportData) -> Score:
        """A model's accuracy."""
        best = accuracy(self.at_best(curve, data), self.accuracy_variation)
        return Score(best, float(self.at_last(curve, data).mean()))

    def weights(self, name: str, data: ReportData) -> dict[str, np.ndarray]:
        """Convolution weights by layer, (n_seeds, n_weights)."""
        records = self.of(name, data)
        return {
            parameter: np.stack([r.weights[parameter].ravel() for r in records])
            for parameter in records[0].weights
            if parameter.startswith("conv") and parameter.endswith("weight")
        }

    def small_weights(self, name: str, data: ReportData) -> np.ndarray:
        """Which convolution weights are small, (n_seeds, n_weights)."""
        layers = list(self.weights(name, data).values())
        return np.asarray(np.abs(np.hstack(layers)) < SMALL_WEIGHT)

    def comparison(self, claim: Claim, data: ReportData) -> tuple[Comparison, float]:
        """Margin of a claim at the best epochs with its interval, and at the last."""
        if claim.measure == "small weights":
            assert claim.right is not None
            found = compare(
                self.small_weights(claim.left.model, data),
                self.small_weights(claim.right.model, data),
            )
            return found, found.margin
        margin_at_last = self.at_last(claim.left, data) - self.at_last(
            claim.right, data
        )
        best = compare(
            self.at_best(claim.left, data),
            self.at_best(claim.right, data),
            self.margin_variation,
        )
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

"""From records to numbers: accuracies by epoch, and which songs were right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Claim, Curve, Figure, Model
from sklearn_msd.report.judging.intervals import Comparison, accuracy
from sklearn_msd.report.judging.looks import MARGIN_STEP, Case, Judge, Subject
from sklearn_msd.report.records import Record
from sklearn_msd.report.runner import Plan

# Weights below this in size count as switched off (Figure 4).
SMALL_WEIGHT = 0.01


def n_last(n_epochs: int) -> int:
    """Epochs that "the last epochs" are: a tenth, at least 3, at most all."""
    return min(n_epochs, max(3, round(n_epochs / 10)))


@dataclass(frozen=True)
class Score:
    """An accuracy over songs and random starts.

    Attributes
    ----------
    best : Comparison
        With each start's best epoch, which other songs than those measured on choose.
    last : float
        Mean over the last epochs, on the validation songs.
    n_starts : int
    """

    best: Comparison
    last: float
    n_starts: int


@dataclass(frozen=True)
class ClaimOnData:
    """A claim on some songs, as it stands in a figure.

    Parameters
    ----------
    figure : Figure
    data : ReportData
    claim : Claim
    case : Case
        The same for the judge; equal for claims that compare the same.
    """

    figure: Figure
    data: ReportData
    claim: Claim
    case: Case


def case_of(claim: Claim, data: ReportData) -> Case:
    """A claim as the judge takes it."""

    def subject(curve: Curve) -> Subject:
        return curve.model, curve.output, data.key, claim.measure

    kind = data.key if claim.measure == "accuracy" else f"{data.key} {claim.measure}"
    right = None if claim.right is None else subject(claim.right)
    return Case(claim.relation, subject(claim.left), right, kind, 1 / data.n_classes)


@dataclass
class Results:
    """All that was trained for a report so far.

    Parameters
    ----------
    figures : sequence of (Figure, ReportData)
    plan : Plan
    records : dict of str to Record
        By the plan's keys.
    """

    figures: Sequence[tuple[Figure, ReportData]]
    plan: Plan
    records: dict[str, Record] = field(default_factory=dict)
    _right: dict[tuple[str, str, str, int], np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.claims = [
            ClaimOnData(figure, data, claim, case_of(claim, data))
            for figure, data in self.figures
            for claim in figure.claims
        ]
        data_sets = self.data_sets()
        self._data = {data.key: data for data in data_sets}
        self.judge = Judge(
            list(dict.fromkeys(tested.case for tested in self.claims)),
            self.of_subject,
            {d.key: d.group for d in data_sets if d.group is not None},
            len(self.plan.settings.seeds),
        )

    @property
    def models(self) -> Mapping[str, Model]:
        """All models there are."""
        return self.plan.models

    def data_sets(self) -> list[ReportData]:
        """The data that figures are made on, each once."""
        return list({data.key: data for _, data in self.figures}.values())

    def n_starts(self, name: str, data: ReportData) -> int:
        """How many random starts of a model are trained."""
        limit = len(self.plan.settings.seeds)
        for start in range(limit):
            if any(k not in self.records for k in self.plan.keys(name, data, start)):
                return start
        return limit

    def look(self) -> None:
        """Let the judge look at what there is."""
        self.judge.look(
            {
                side: self.n_starts(side[0], self._data[side[2]])
                for case in self.judge.cases
                for side in case.sides
            }
        )

    def of(self, name: str, data: ReportData) -> list[list[Record]]:
        """A model's records: for each start, one for each split."""
        return [
            [self.records[key] for key in self.plan.keys(name, data, start)]
            for start in range(self.n_starts(name, data))
        ]

    def curves(self, data: ReportData) -> list[tuple[Figure, Curve]]:
        """Each output of each trained model once, under the model's own name."""
        found: dict[tuple[str, str], tuple[Figure, Curve]] = {}
        for figure, used in self.figures:
            if used.key == data.key:
                for curve in self.trained(figure, data):
                    plain = Curve(curve.model) if curve.output == "model" else curve
                    found.setdefault((curve.model, curve.output), (figure, plain))
        return list(found.values())

    def trained(self, figure: Figure, data: ReportData) -> list[Curve]:
        """The curves of a figure whose models are trained."""
        return [c for c in figure.curves if self.n_starts(c.model, data)]

    def losses(self, curve: Curve, data: ReportData) -> np.ndarray:
        """Mean validation cross-entropy, (n_starts, n_epochs)."""
        return np.stack(
            [
                np.average(
                    [record.losses[curve.output] for record in records],
                    axis=0,
                    weights=[r.predictions[curve.output].shape[1] for r in records],
                )
                for records in self.of(curve.model, data)
            ]
        )

    def accuracies(self, curve: Curve, data: ReportData) -> np.ndarray:
        """Validation accuracy, (n_starts, n_epochs)."""
        return np.stack(
            [
                np.hstack(self._validated(curve, data, start)).mean(axis=1)
                for start in range(self.n_starts(curve.model, data))
            ]
        )

    def climbs(self, curve: Curve, data: ReportData) -> bool:
        """Whether accuracy still rises when training ends.

        That is, from the third quarter of the epochs to the last, by more than counts
        as a difference.
        """
        accuracy = self.accuracies(curve, data).mean(axis=0)
        n = max(1, len(accuracy) // 4)
        if len(accuracy) < 2 * n or len(accuracy) == 1:
            return False
        rise = accuracy[-n:].mean() - accuracy[-2 * n : -n].mean()
        return bool(rise > self.judge.margins.get(data.key, 2 * MARGIN_STEP))

    def right(self, curve: Curve, data: ReportData) -> np.ndarray:
        """Which songs were classified right at the best epochs, (n_starts, n_songs)."""
        starts = range(self.n_starts(curve.model, data))
        return np.stack(
            [
                (self.predicted(curve, data, start) == data.y_compared).astype(float)
                for start in starts
            ]
        )

    def predicted(self, curve: Curve, data: ReportData, start: int) -> np.ndarray:
        """Classes of the songs that models are compared on, at the best epochs.

        Test songs have those of the epoch that the validation songs chose. Without test
        songs, a validation song has those of the epoch that other songs chose: those of
        other folds, or, of a single split, the other half.
        """
        output = curve.output
        splits = data.splits(self.plan.settings.seeds[start])
        records = self.of(curve.model, data)[start]
        predicted = np.empty(len(data.y_compared), dtype=int)
        if splits[0].n_test:
            predicted[splits[0].compared] = records[0].tested[output]
            return predicted
        right = self._validated(curve, data, start)
        parts = [(i, np.arange(r.shape[1])) for i, r in enumerate(right)]
        if len(parts) == 1:
            parts = [(0, rows) for rows in _halves(data.y_compared, data.group)]
        n_right = [right[i][:, rows].sum(axis=1) for i, rows in parts]
        for (i, rows), own in zip(parts, n_right, strict=True):
            epoch = (np.sum(n_right, axis=0) - own).argmax()
            found = records[i].predictions[output][epoch]
            predicted[splits[i].compared[rows]] = found[rows]
        return predicted

    def of_subject(self, subject: Subject, n: int) -> np.ndarray:
        """What the judge compares, from the first n starts of it."""
        name, output, data_key, measure = subject
        data = self._data[data_key]
        rows = []
        for start in range(n):
            at = (name, output, data_key + measure, start)
            if at not in self._right:
                if measure == "small weights":
                    right = self.small_weights(name, data)[start]
                else:
                    predicted = self.predicted(Curve(name, output), data, start)
                    right = predicted == data.y_compared
                self._right[at] = right.astype(float)
            rows.append(self._right[at])
        return np.stack(rows)

    def score(self, curve: Curve, data: ReportData) -> Score:
        """A model's accuracy."""
        right = self.right(curve, data)
        last = self.accuracies(curve, data)
        return Score(
            accuracy(right, self.judge.accuracy_spread.get(data.key), group=data.group),
            float(last[:, -n_last(last.shape[1]) :].mean()),
            len(right),
        )

    def weights(self, name: str, data: ReportData) -> dict[str, np.ndarray]:
        """Convolution weights by layer, (n_starts, n_weights)."""
        records = [splits[0] for splits in self.of(name, data)]
        return {
            parameter: np.stack([r.weights[parameter].ravel() for r in records])
            for parameter in records[0].weights
            if parameter.startswith("conv") and parameter.endswith("weight")
        }

    def small_weights(self, name: str, data: ReportData) -> np.ndarray:
        """Which convolution weights are small, (n_starts, n_weights)."""
        layers = list(self.weights(name, data).values())
        return np.asarray(np.abs(np.hstack(layers)) < SMALL_WEIGHT)

    def label(self, curve: Curve) -> str:
        """What a curve is called."""
        return curve.label or self.models[curve.model].label

    def _validated(
        self, curve: Curve, data: ReportData, start: int
    ) -> list[np.ndarray]:
        """Which validation songs were right, (n_epochs, n_valid) for each split."""
        splits = data.splits(self.plan.settings.seeds[start])
        records = self.of(curve.model, data)[start]
        return [
            record.predictions[curve.output] == split.y_valid
            for record, split in zip(records, splits, strict=True)
        ]


def _halves(y: np.ndarray, group: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Two halves of the songs, of all classes alike, no group in both."""
    key = np.arange(len(y)) if group is None else group
    first = np.unique(key, return_index=True)[1]
    order = np.lexsort((key[first], y[first]))
    in_first = np.isin(key, key[first][order[::2]])
    return np.flatnonzero(in_first), np.flatnonzero(~in_first)

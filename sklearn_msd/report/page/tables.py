"""The page's tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Curve, Figure
from sklearn_msd.report.figures.models import CONCLUSION
from sklearn_msd.report.judging.results import SMALL_WEIGHT, Results
from sklearn_msd.report.page.document import Interval, Intervals, Table
from sklearn_msd.report.runner import duration

# The report's tasks, by their number of genres.
TASKS = (10, 25)


def published(curve: Curve, data: ReportData, results: Results) -> float | None:
    """The report's accuracy of this output with as many classes, where it has one."""
    numbers = curve.published
    if numbers is None:
        numbers = results.models[curve.model].published
    return numbers.get(data.n_classes)


def conclusion(results: Results) -> Table | None:
    """The models of the report's conclusion, ours beside theirs."""
    sets = results.data_sets()
    tasks = [task for task in TASKS if task in {data.n_classes for data in sets}]
    names = [
        name
        for name in CONCLUSION
        if any(results.n_starts(name, data) for data in sets)
    ]
    if not names:
        return None
    rows = []
    for name in names:
        model = results.models[name]
        row = [f"{model.label}, `{type(model.estimator).__name__}`"]
        known = [model.published.get(task) for task in tasks]
        row += ["–" if number is None else f"{number:g}" for number in known]
        for data in sets:
            text = "–"
            if results.n_starts(name, data):
                best = results.score(Curve(name), data).best
                text = f"{best.margin:.3f} [{best.low:.3f}, {best.high:.3f}]"
            row.append(text)
        rows.append(row)
    header = ["Model", *(f"Report, {task} genres" for task in tasks)]
    return Table([*header, *(f"Here, {data.name}" for data in sets)], rows)


def accuracies(
    curves: Sequence[Curve], data: ReportData, results: Results
) -> tuple[Intervals, Table]:
    """Each output's accuracy, drawn beside the report's; and what else is known."""
    drawn, rows = [], []
    for curve in curves:
        score = results.score(curve, data)
        number = published(curve, data, results)
        drawn.append(
            Interval(
                [results.label(curve), "–" if number is None else f"{number:g}"],
                score.best.margin,
                score.best.low,
                score.best.high,
                number,
            )
        )
        infos = [r.info for records in results.of(curve.model, data) for r in records]
        seconds = sum(info["fit_seconds"] for info in infos) / score.n_starts
        rows.append(
            [
                results.label(curve),
                f"{score.last:.3f}",
                f"{infos[0]['n_parameters']:,}",
                duration(seconds) if seconds >= 10 else f"{seconds:.1f} s",
                str(score.n_starts),
            ]
        )
    plot = Intervals(
        ["Model", "Report", "Accuracy at the best epoch [95% interval]"],
        drawn,
        1 / data.n_classes,
        "chance",
    )
    table = Table(["Model", "Last epochs", "Parameters", "Training", "Starts"], rows)
    return plot, table


def small_weights(figure: Figure, data: ReportData, results: Results) -> Table:
    """How many convolution weights each model has switched off."""
    curves = results.trained(figure, data)
    shares = [results.small_weights(curve.model, data).mean() for curve in curves]
    return Table(
        ["Model", f"Share of weights below {SMALL_WEIGHT:g} in size"],
        [
            [results.label(curve), f"{share:.3f}"]
            for curve, share in zip(curves, shares, strict=True)
        ],
    )


def class_scores(y: np.ndarray, predicted: np.ndarray, data: ReportData) -> Table:
    """scikit-learn's scores for each class.

    Parameters
    ----------
    y : ndarray of shape (n_songs,)
    predicted : ndarray of shape (n_starts, n_songs)
    data : ReportData
    """
    precision, recall, f1, support = precision_recall_fscore_support(
        np.tile(y, len(predicted)),
        predicted.ravel(),
        labels=np.arange(data.n_classes),
        zero_division=0,
    )
    return Table(
        ["Class", "Precision", "Recall", "F1", "Songs"],
        [
            [name, f"{p:.3f}", f"{r:.3f}", f"{f:.3f}", str(n // len(predicted))]
            for name, p, r, f, n in zip(
                data.class_names, precision, recall, f1, support, strict=True
            )
        ],
    )

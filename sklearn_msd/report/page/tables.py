"""The page's tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Claim, Curve, Figure
from sklearn_msd.report.judging.results import SMALL_WEIGHT, Results
from sklearn_msd.report.page.document import Table
from sklearn_msd.report.runner import duration


def accuracies(
    curves: Sequence[tuple[Figure, Curve]],
    data: ReportData,
    results: Results,
) -> Table:
    """A row for each model, beside the report's number."""
    rows = []
    for figure, curve in curves:
        score = results.score(curve, data)
        published = results.published(curve, figure, data)
        infos = [record.info for record in results.of(curve.model, data)]
        n_parameters = infos[0]["n_parameters"]
        seconds = sum(info["fit_seconds"] for info in infos) / len(infos)
        rows.append(
            [
                results.label(curve),
                "–" if published is None else f"{published:g}",
                f"{score.best.margin:.3f} [{score.best.low:.3f}, "
                f"{score.best.high:.3f}]",
                f"{score.last:.3f}",
                f"{n_parameters:,}",
                duration(seconds) if seconds >= 10 else f"{seconds:.1f} s",
            ]
        )
    return Table(
        [
            "Model",
            "Report",
            "Best epoch [95% interval]",
            "Last epochs",
            "Parameters",
            "Training",
        ],
        rows,
    )


def judged(claim: Claim, data: ReportData, results: Results) -> list[str]:
    """A claim's verdict, its margin with the interval, and that at the last epochs."""
    found, at_last = results.comparison(claim, data)
    return [
        f"**{found.verdict(claim.relation, claim.margin)}**",
        f"{found.margin:+.3f} [{found.low:+.3f}, {found.high:+.3f}]",
        f"{at_last:+.3f}",
    ]


def small_weights(figure: Figure, data: ReportData, results: Results) -> Table:
    """How many convolution weights each model has switched off."""
    shares = [results.small_weights(c.model, data).mean() for c in figure.curves]
    return Table(
        ["Model", f"Share of weights below {SMALL_WEIGHT:g} in size"],
        [
            [results.label(curve), f"{share:.3f}"]
            for curve, share in zip(figure.curves, shares, strict=True)
        ],
    )


def class_scores(y: np.ndarray, predicted: np.ndarray, data: ReportData) -> Table:
    """scikit-learn's scores for each class.

    Parameters
    ----------
    y : ndarray of shape (n_seeds * n_songs,)
    predicted : ndarray of shape (n_seeds, n_songs)
    data : ReportData
    """
    precision, recall, f1, support = precision_recall_fscore_support(
        y, predicted.ravel(), labels=np.arange(data.n_classes), zero_division=0
    )
    return Table(
        ["Class", "Precision", "Recall", "F1", "Validation songs"],
        [
            [name, f"{p:.3f}", f"{r:.3f}", f"{f:.3f}", str(n // len(predicted))]
            for name, p, r, f, n in zip(
                data.class_names, precision, recall, f1, support, strict=True
            )
        ],
    )

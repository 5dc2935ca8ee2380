"""The pictures of the page, as PNG."""

from __future__ import annotations

import io
from typing import Any

from sklearn_msd._optional import import_optional
from sklearn_msd.inspection import LearningCurveDisplay
from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Figure
from sklearn_msd.report.results import Results

DPI = 110


def canvas(*shape: int, size: tuple[float, float] = (9, 4.6)) -> tuple[Any, Any]:
    """A matplotlib figure that pyplot knows nothing of, and its axes."""
    figure = import_optional("matplotlib.figure", "plot").Figure(
        figsize=size, layout="constrained"
    )
    return figure, figure.subplots(*shape)


def learning_curves(figure: Figure, data: ReportData, results: Results) -> bytes:
    """The two panels of a figure of the report, with every curve of it."""
    curves = {
        results.label(curve): (
            results.losses(curve, data),
            results.accuracies(curve, data),
        )
        for curve in figure.curves
    }
    drawing, axes = canvas(1, 2)
    LearningCurveDisplay(curves).plot(axes)
    return png(drawing, data, figure.title)


def png(drawing: Any, data: ReportData, title: str) -> bytes:
    """A finished drawing as PNG, labelled with its data."""
    drawing.suptitle(f"{title}\n{stamp(data)}", fontsize=11)
    out = io.BytesIO()
    drawing.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out.getvalue()


def stamp(data: ReportData) -> str:
    """The data's name as it stands on every picture."""
    return f"SYNTHETIC DATA: {data.name}" if data.synthetic else f"data: {data.name}"

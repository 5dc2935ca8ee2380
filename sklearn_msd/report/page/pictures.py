"""The pictures of the page, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay

from sklearn_msd.common.optional import import_optional
from sklearn_msd.inspection.drawing import as_written
from sklearn_msd.inspection.learning_curves import (
    ComparisonDisplay,
    LearningCurveDisplay,
)
from sklearn_msd.inspection.weights import KernelDisplay, WeightHistogramDisplay
from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Figure
from sklearn_msd.report.judging.intervals import Comparison
from sklearn_msd.report.judging.results import Results

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


def weight_histograms(figure: Figure, data: ReportData, results: Results) -> bytes:
    """The convolution weights of a figure's models, a panel for each layer."""
    weights = {
        results.label(curve): {
            f"convolutional layer {i}": values
            for i, values in enumerate(results.weights(curve.model, data).values(), 1)
        }
        for curve in figure.curves
    }
    drawing, axes = canvas(1, len(next(iter(weights.values()))))
    WeightHistogramDisplay(weights).plot(axes)
    return png(drawing, data, figure.title)


def kernels(name: str, data: ReportData, results: Results) -> bytes:
    """The strongest kernels of a model's first convolution, with the first seed."""
    weight = results.of(name, data)[0].weights["conv.0.weight"]
    drawing, axis = canvas(1, 1, size=(9, 5.5))
    KernelDisplay.of_strongest(weight, feature_names=data.feature_names).plot(axis)
    return png(drawing, data, f"First kernels of: {results.models[name].label}")


def comparison(
    names: Sequence[str],
    scores: Sequence[Comparison],
    published: Sequence[float | None],
    data: ReportData,
) -> bytes:
    """All models' accuracies with their intervals, beside the report's."""
    drawing, axis = canvas(1, 1, size=(9, 1.6 + 0.27 * len(names)))
    ComparisonDisplay(
        names,
        [score.margin for score in scores],
        [(score.low, score.high) for score in scores],
        published,
    ).plot(axis)
    axis.set_xlabel("validation accuracy at the best epoch, 95% interval")
    return png(drawing, data, "Accuracies of all models")


def confusion(y: np.ndarray, predicted: np.ndarray, data: ReportData) -> bytes:
    """Which classes are taken for which."""
    n = data.n_classes
    drawing, axis = canvas(1, 1, size=(3.5 + 0.35 * n, 3 + 0.33 * n))
    ConfusionMatrixDisplay.from_predictions(
        y,
        predicted,
        labels=np.arange(n),
        display_labels=[*map(as_written, data.class_names)],
        normalize="true",
        include_values=n <= 13,
        values_format=".2f",
        xticks_rotation="vertical",
        cmap="Greys",
        ax=axis,
        im_kw={"vmin": 0, "vmax": 1},
        text_kw={"fontsize": 8},
    )
    axis.set(xlabel="predicted class", ylabel="true class")
    return png(drawing, data, "Confusion, as a share of each true class")


def diagram(figure: Figure, data: ReportData) -> bytes:
    """Two models whose outputs are added before the softmax (Figure 10)."""
    drawing, axis = canvas(1, 1, size=(9, 3))
    axis.set_axis_off()
    axis.set(xlim=(0, 10), ylim=(0, 4))
    frame = {"boxstyle": "round,pad=0.5", "facecolor": "0.95", "edgecolor": "0.2"}
    dashed = frame | {"linestyle": "--"}
    boxes = {
        "song": (1, 2, "song", frame),
        "base": (
            3.6,
            3.1,
            "model 1: convolution in time,\ntrained before, frozen",
            dashed,
        ),
        "corrector": (3.6, 0.9, "model 2: fully connected,\ntrained on the sum", frame),
        "sum": (6.3, 2, "+", frame),
        "class": (8.6, 2, "softmax → class", frame),
    }
    drawn = {
        name: axis.text(x, y, text, ha="center", va="center", bbox=style)
        for name, (x, y, text, style) in boxes.items()
    }
    arrows = [
        ("song", "base"),
        ("song", "corrector"),
        ("base", "sum"),
        ("corrector", "sum"),
        ("sum", "class"),
    ]
    for start, end in arrows:
        axis.annotate(
            "",
            xy=boxes[end][:2],
            xytext=boxes[start][:2],
            arrowprops={
                "arrowstyle": "->",
                "lw": 1.3,
                "patchA": drawn[start].get_bbox_patch(),
                "patchB": drawn[end].get_bbox_patch(),
                "shrinkA": 3,
                "shrinkB": 3,
            },
        )
    return png(drawing, data, figure.title)


def png(drawing: Any, data: ReportData, title: str) -> bytes:
    """A finished drawing as PNG, labelled with its data."""
    drawing.suptitle(f"{title}\n{as_written(stamp(data))}", fontsize=11)
    out = io.BytesIO()
    drawing.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out.getvalue()


def stamp(data: ReportData) -> str:
    """The data's name as it stands on every picture."""
    return f"SYNTHETIC DATA: {data.name}" if data.synthetic else f"data: {data.name}"

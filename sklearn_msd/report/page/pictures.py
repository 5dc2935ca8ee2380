"""The pictures of the page, as SVG panels with a text that says what they show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay

from sklearn_msd.common.optional import import_optional
from sklearn_msd.inspection.drawing import as_written, line_style, text_inches
from sklearn_msd.inspection.learning_curves import LearningCurveDisplay
from sklearn_msd.inspection.weights import KernelDisplay, WeightHistogramDisplay
from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Curve, Figure
from sklearn_msd.report.judging.results import Results
from sklearn_msd.report.page.document import Picture
from sklearn_msd.report.page.svg import STYLE, svg
from sklearn_msd.report.words import plural

PANEL = (5.0, 3.9)  # inches


def canvas(size: tuple[float, float] = PANEL) -> Any:
    """Axes of a matplotlib figure that pyplot knows nothing of."""
    figures = import_optional("matplotlib.figure", "plot")
    with import_optional("matplotlib", "plot").rc_context(STYLE):
        return figures.Figure(figsize=size, layout="constrained").subplots()


def learning_curves(
    figure: Figure, curves: Sequence[Curve], data: ReportData, results: Results
) -> Picture:
    """The two panels of a figure of the report, with every curve of it."""
    histories = {
        results.label(curve): (
            results.losses(curve, data),
            results.accuracies(curve, data),
        )
        for curve in curves
    }
    axes = [canvas(), canvas()]
    with _style():
        LearningCurveDisplay(histories).plot(axes)
        axes[0].get_legend().remove()
        for axis, chance in zip(
            axes, (math.log(data.n_classes), 1 / data.n_classes), strict=True
        ):
            _chance_line(axis, chance)
    caption = (
        f"{figure.label} (section {figure.section} of the report) on {data.name}. "
        "First validation error, then validation accuracy, by epoch."
    )
    if len({losses.shape[1] for losses, _ in histories.values()}) > 1:
        caption += " A level line is a model that is not trained in epochs."
    if any(len(losses) > 1 for losses, _ in histories.values()):
        caption += " Lines are means over random starts, bands their range."
    n_epochs = max(accuracy.shape[1] for _, accuracy in histories.values())
    ends = "; ".join(
        f"{name} from {accuracy.mean(0)[0]:.2f} to {accuracy.mean(0)[-1]:.2f}, best "
        f"{accuracy.mean(0).max():.2f}"
        for name, (_, accuracy) in histories.items()
    )
    return Picture(
        f"figure-{figure.id}",
        [*(_panel(axis, data) for axis in axes), _legend([*histories], line_style)],
        caption,
        f"Learning curves over {plural(n_epochs, 'epoch')}. Validation accuracy at the "
        f"first and at the last epoch: {ends}. "
        f"Chance is {1 / data.n_classes:.3f}.",
    )


def weight_histograms(
    figure: Figure, curves: Sequence[Curve], data: ReportData, results: Results
) -> Picture:
    """The convolution weights of a figure's models, a panel for each layer."""
    weights = {
        results.label(curve): {
            f"convolutional layer {i}": values
            for i, values in enumerate(results.weights(curve.model, data).values(), 1)
        }
        for curve in curves
    }
    axes = [canvas() for _ in next(iter(weights.values()))]
    with _style():
        WeightHistogramDisplay(weights).plot(axes)
        axes[0].get_legend().remove()
    spread = "; ".join(
        f"{name}, {layer}: standard deviation {values.std():.3f}"
        for name, layers in weights.items()
        for layer, values in layers.items()
    )
    return Picture(
        f"figure-{figure.id}",
        [*(_panel(axis, data) for axis in axes), _legend([*weights], _without_marker)],
        f"{figure.label} (section {figure.section} of the report) on {data.name}: "
        "histograms of the weights after the last epoch, all random starts together, "
        "on a logarithmic scale.",
        f"Histograms of weights around 0. {spread}.",
    )


def kernels(name: str, data: ReportData, results: Results) -> Picture:
    """The strongest kernels of a model's first convolution, from the first start."""
    weight = results.of(name, data)[0][0].weights["conv.0.weight"]
    axis = canvas((9, 5.5))
    with _style():
        display = KernelDisplay.of_strongest(weight, feature_names=data.feature_names)
        display.plot(axis)
    strongest = "; ".join(
        f"kernel {label} weighs {data.feature_names[i]} most"
        for label, kernel in zip(display.labels, display.kernels, strict=True)
        for i in [int(np.abs(kernel).max(axis=0).argmax())]
    )
    return Picture(
        f"kernels-{data.n_classes}",
        [_panel(axis, data)],
        f"The ten strongest kernels of {results.models[name].label} on {data.name}, "
        f"seed {results.plan.settings.seeds[0]}: each a block of consecutive segments "
        "over the features. Blue raises the kernel's activation, red lowers it.",
        f"Weights of kernels as an image. {strongest}.",
    )


def confusion(
    y: np.ndarray, predicted: np.ndarray, data: ReportData, label: str
) -> Picture:
    """Which classes are taken for which."""
    n = data.n_classes
    axis = canvas((3.5 + 0.35 * n, 3 + 0.33 * n))
    with _style():
        shown = ConfusionMatrixDisplay.from_predictions(
            y,
            predicted,
            labels=np.arange(n),
            display_labels=[*map(as_written, data.class_names)],
            normalize="true",
            include_values=n <= 13,
            values_format=".2f",
            xticks_rotation="vertical",
            cmap="Blues",
            ax=axis,
            im_kw={"vmin": 0, "vmax": 1},
            text_kw={"fontsize": 8},
        )
    axis.set(xlabel="predicted class", ylabel="true class")
    matrix = shown.confusion_matrix
    wrong = matrix - np.diag(np.diag(matrix))
    worst = np.dstack(np.unravel_index(np.argsort(-wrong, axis=None)[:3], (n, n)))[0]
    names = data.class_names
    return Picture(
        f"confusion-{n}",
        [_panel(axis, data)],
        f"Confusion matrix of {label} on {data.name}, as a share of each true class: "
        "rows are true classes, darker is more.",
        "Confusion matrix. Most often mistaken: "
        + "; ".join(f"{names[i]} for {names[j]}, {wrong[i, j]:.2f}" for i, j in worst)
        + ".",
    )


def diagram(figure: Figure, data: ReportData) -> Picture:
    """Two models whose outputs are added before the softmax (Figure 10)."""
    axis = canvas((9, 3))
    axis.set_axis_off()
    axis.set(xlim=(0, 10), ylim=(0, 4))
    ink = STYLE["text.color"]
    frame = {"boxstyle": "round,pad=0.5", "facecolor": "none", "edgecolor": ink}
    dashed = frame | {"linestyle": "--"}
    first = "model 1: convolution in time,\ntrained before, frozen"
    second = "model 2: fully connected,\ntrained on the sum"
    boxes = {
        "song": (1, 2, "song", frame),
        "base": (3.6, 3.1, first, dashed),
        "corrector": (3.6, 0.9, second, frame),
        "sum": (6.3, 2, "+", frame),
        "class": (8.6, 2, "softmax → class", frame),
    }
    drawn = {
        name: axis.text(x, y, text, ha="center", va="center", bbox=style, color=ink)
        for name, (x, y, text, style) in boxes.items()
    }
    for start, end in (
        ("song", "base"),
        ("song", "corrector"),
        ("base", "sum"),
        ("corrector", "sum"),
        ("sum", "class"),
    ):
        axis.annotate(
            "",
            xy=boxes[end][:2],
            xytext=boxes[start][:2],
            arrowprops={
                "arrowstyle": "->",
                "lw": 1.3,
                "color": ink,
                "patchA": drawn[start].get_bbox_patch(),
                "patchB": drawn[end].get_bbox_patch(),
                "shrinkA": 3,
                "shrinkB": 3,
            },
        )
    return Picture(
        f"figure-{figure.id}",
        [_panel(axis, data)],
        f"{figure.label} (section {figure.section} of the report): how the two models "
        "are combined.",
        "A song goes into model 1, convolution in time, trained before and frozen, and "
        "into model 2, fully connected, trained on the sum. Their outputs are added, "
        "and the softmax of the sum gives the class.",
    )


def stamp(data: ReportData) -> str:
    """The data's name as it stands on every picture."""
    return f"SYNTHETIC DATA: {data.name}" if data.synthetic else f"data: {data.name}"


def _style() -> Any:
    return import_optional("matplotlib", "plot").rc_context(STYLE)


def _panel(axis: Any, data: ReportData) -> str:
    """A finished drawing, labelled with its data."""
    axis.figure.suptitle(as_written(stamp(data)), fontsize=9, color=STYLE["text.color"])
    return svg(axis.figure)


def _chance_line(axis: Any, chance: float) -> None:
    axis.axhline(chance, color="#7a7a7a", linewidth=1, linestyle=(0, (1, 2)))
    axis.annotate(
        "chance",
        (1, chance),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 2),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color="#7a7a7a",
    )


def _legend(labels: Sequence[str], style: Any) -> str:
    """What the lines of the other panels are."""
    width = 0.9 + text_inches(labels)
    axis = canvas((width, 0.12 + 0.24 * len(labels)))
    axis.set_axis_off()
    with _style():
        handles = [
            axis.plot(
                [],
                [],
                label=as_written(label),
                markersize=4.5,
                linewidth=1.6,
                **style(i),
            )[0]
            for i, label in enumerate(labels)
        ]
        axis.legend(
            handles=handles, loc="center", frameon=False, handlelength=4, fontsize=9
        )
    return svg(axis.figure)


def _without_marker(i: int) -> dict[str, Any]:
    style = line_style(i)
    del style["marker"]
    return style

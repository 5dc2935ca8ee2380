"""What the displays share: styles that survive grey print, and new axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sklearn_msd.common.optional import import_optional

# Told apart in colour, in grey and in print: lightness, dashes and markers all differ.
COLORS = ("#0b1d51", "#c1272d", "#2e7d32", "#d98e04", "#6a3d9a", "#5f8fb4", "#7a7a7a")
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
MARKERS = "osD^vPX"


def line_style(i: int) -> dict[str, Any]:
    """Colour, dash and marker of the i-th line of a picture."""
    return {
        "color": COLORS[i % len(COLORS)],
        "linestyle": DASHES[i % len(DASHES)],
        "marker": MARKERS[i % len(MARKERS)],
    }


def as_written(text: Any) -> str:
    """Text that a picture shows as it is.

    matplotlib takes what is between two dollar signs for mathematics, leaves out of
    legends what begins with an underscore, and cannot show the halves of characters
    that stand in names of files for what is not UTF-8.
    """
    text = str(text).encode("utf-8", "backslashreplace").decode().replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def text_inches(labels: Iterable[Any]) -> float:
    """Room that the longest label takes at the usual size of letters."""
    return 0.085 * max((len(str(label)) for label in labels), default=0)


def numbers(values: Any, name: str, *, finite: bool = False) -> np.ndarray:
    """Values as an array of numbers, at least one of them.

    Raises
    ------
    ValueError
        If they are no such array; the message calls them `name`.
    """
    try:
        array = np.asarray(values)
    except ValueError:  # sequences of unequal length
        array = np.asarray(None)
    if array.dtype.kind not in "biuf" or not array.size:
        raise ValueError(f"{name} must be an array of numbers; got {values!r:.60}.")
    if finite and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got NaN or infinity.")
    return array.astype(np.result_type(array, np.float32), copy=False)


def listed(values: Any, name: str) -> list[Any]:
    """Labels, one for each of something, as a list.

    Raises
    ------
    TypeError
        If they are no sequence; the message calls them `name`.
    """
    if isinstance(values, str | bytes) or np.ndim(values) != 1:
        raise TypeError(f"{name} must be a sequence; got {values!r:.60}.")
    return list(values)


def by_name(values: Any, name: str) -> dict[str, Any]:
    """A mapping, or a list of (name, value), as a dictionary with something in it.

    Raises
    ------
    TypeError
        If it is neither; the message calls it `name`.
    ValueError
        If it is empty.
    """
    if not isinstance(values, Mapping):
        pairs = isinstance(values, list | tuple) and all(
            isinstance(pair, list | tuple) and len(pair) == 2 for pair in values
        )
        if not pairs:
            raise TypeError(
                f"{name} must be a mapping from names, or a list of (name, value); "
                f"got {values!r:.60}."
            )
    found = dict(values)
    if not found:
        raise ValueError(f"{name} must not be empty.")
    return found


def new_axes(n_columns: int, size: tuple[float, float]) -> Any:
    """Axes side by side in a new figure: one, or an array of several.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    """
    pyplot = import_optional("matplotlib.pyplot", "plot")
    _, axes = pyplot.subplots(1, n_columns, figsize=size, layout="constrained")
    return axes


def add_legend(axes: Any, handles: list[Any]) -> None:
    """One legend for all panels: under them, or in the first where room is not made.

    Room is made by a constrained layout, which `new_axes` has, and not for one picture
    among others.
    """
    figure = axes[0].figure
    layouts = import_optional("matplotlib.layout_engine", "plot")
    constrained = layouts.ConstrainedLayoutEngine
    if set(figure.axes) != {*axes} or not isinstance(
        figure.get_layout_engine(), constrained
    ):
        axes[0].legend(handles=handles)
        return
    width = figure.bbox.width / figure.dpi
    column = 1 + text_inches(handle.get_label() for handle in handles)
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=2 if len(handles) > 1 and 2 * column < width else 1,
        frameon=False,
        handlelength=4,
    )

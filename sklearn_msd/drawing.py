"""What the displays share: styles that survive grey print, and new axes."""

from __future__ import annotations

from typing import Any

from sklearn_msd._optional import import_optional

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


def legend_below(figure: Any, handles: list[Any]) -> None:
    """One legend under all panels, where it can cover no line."""
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=2 if len(handles) > 1 else 1,
        frameon=False,
        handlelength=4,
    )

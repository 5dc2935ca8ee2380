"""matplotlib's drawings as SVG that takes its colours from the page."""

from __future__ import annotations

import html
import io
import re
from typing import Any

from sklearn_msd.common.optional import import_optional
from sklearn_msd.inspection.drawing import COLORS

# Colours that drawings have in a file of their own, and the page's names for them. Ink
# is not black, so that a colour chosen for its contrast with a cell stays as it is.
INK, PAPER = "#010101", "#fefefe"
NAMES = {
    INK: "ink",
    PAPER: "paper",
    "#e6e6e6": "grid",
    **{color: f"line-{i}" for i, color in enumerate(COLORS, 1)},
}

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}


def svg(drawing: Any) -> str:
    """A matplotlib figure as an SVG element, the same for the same drawing."""
    out = io.StringIO()
    with import_optional("matplotlib", "plot").rc_context(STYLE):
        drawing.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def themed(element: str, name: str, alt: str) -> str:
    """An SVG element for a page: its colours by name, and a text in its place.

    Parameters
    ----------
    element : str
    name : str
        Begins its ids, which must differ from those of other pictures of the page.
    alt : str
        What it shows; of a picture's further panels, nothing.
    """
    role = (
        f'role="img" aria-label="{html.escape(alt)}"' if alt else 'aria-hidden="true"'
    )
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', element).groups()  # type: ignore[union-attr]
    head = (
        f'<svg {role} viewBox="0 0 {width} {height}" '
        f'style="--width: {float(width) / 72:.2f}in" '
        'xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    body = element[element.index(">") + 1 :]
    body = re.sub(r"\s*<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(href="#|url\(#)', rf"\1{name}-", body)
    body = re.sub("|".join(NAMES), lambda found: f"var(--{NAMES[found[0]]})", body)
    return head + body

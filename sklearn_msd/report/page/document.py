"""A page as a list of blocks, written as HTML in one file or as Markdown with SVGs."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from markupsafe import Markup

from sklearn_msd.common.files.atomic import atomic_file
from sklearn_msd.report.page.svg import themed

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 3; `anchor` is what links name, without the #."""

    level: int
    text: str
    anchor: str = ""


@dataclass(frozen=True)
class Paragraph:
    """Text; `code` in backticks, **bold** in asterisks, [links](#anchor)."""

    text: str
    notice: bool = False


@dataclass(frozen=True)
class Bullets:
    """Items of text."""

    items: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Rows of text under a header; columns of numbers are set right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def numeric(self) -> list[bool]:
        """Which columns are of numbers."""
        columns = range(len(self.header))
        return [all(_is_number(row[i]) for row in self.rows) for i in columns]


@dataclass(frozen=True)
class Picture:
    """SVG panels beside one another, or below where the page is narrow.

    Parameters
    ----------
    name : str
        Of its files, without number and ending.
    panels : sequence of str
        SVG.
    caption : str
    alt : str
        What it shows, for those who cannot see it.
    """

    name: str
    panels: Sequence[str]
    caption: str
    alt: str


@dataclass(frozen=True)
class Interval:
    """A row of an interval plot.

    Parameters
    ----------
    cells : sequence of str
        Text before the drawing.
    middle, low, high : float
    published : float or None
        Drawn as a diamond.
    zone : (float, float) or None
        Drawn as a band.
    """

    cells: Sequence[str]
    middle: float
    low: float
    high: float
    published: float | None = None
    zone: tuple[float, float] | None = None


@dataclass(frozen=True)
class Intervals:
    """A forest plot: a table with a drawn interval in each row.

    Parameters
    ----------
    header : sequence of str
        Of the cells, and of the drawing.
    rows : sequence of Interval
    line : float
        Where a line is drawn through all rows: no difference, or chance.
    line_name : str
    signed : bool
        Whether numbers are differences.
    """

    header: Sequence[str]
    rows: Sequence[Interval]
    line: float
    line_name: str
    signed: bool = False

    @property
    def span(self) -> tuple[float, float]:
        """What the drawing reaches from and to."""
        rows = self.rows
        known = [row.published for row in rows if row.published is not None]
        zones = [edge for row in rows if row.zone for edge in row.zone]
        low = min([self.line, *(row.low for row in rows), *known, *zones])
        high = max([self.line, *(row.high for row in rows), *known, *zones])
        room = 0.03 * (high - low) or 0.01
        return low - room, high + room

    def at(self, value: float) -> str:
        """Where a value is drawn, in per cent of the width."""
        low, high = self.span
        return f"{100 * (value - low) / (high - low):.2f}"

    def numbers(self, row: Interval) -> str:
        """A row's interval in figures."""
        sign = "+" if self.signed else ""
        return f"{row.middle:{sign}.3f} [{row.low:{sign}.3f}, {row.high:{sign}.3f}]"


Block = Heading | Paragraph | Bullets | Table | Picture | Intervals


@dataclass(frozen=True)
class Entry:
    """A line of the table of contents, with those below it."""

    heading: Heading
    below: list[Heading] = field(default_factory=list)


def contents(blocks: Sequence[Block]) -> list[Entry]:
    """The table of contents: headings of level 2 with those of level 3 below."""
    entries: list[Entry] = []
    for block in blocks:
        if isinstance(block, Heading) and block.level == 2:
            entries.append(Entry(block))
        elif isinstance(block, Heading) and block.level == 3 and entries:
            entries[-1].below.append(block)
    return entries


def write_html(blocks: Sequence[Block], path: Path) -> None:
    """Write one page with the pictures in it, which needs no other file."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"inline": _inline, "plain": plain, "themed": _themed}
    title = next(block.text for block in blocks if isinstance(block, Heading))
    page = environment.get_template("page.html.j2").render(
        title=title,
        blocks=[(type(block).__name__, block) for block in blocks],
        contents=contents(blocks),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        file.write(page.encode())


def write_markdown(blocks: Sequence[Block], path: Path) -> None:
    """Write a Markdown page, and its pictures beside it in the folder ``pictures``."""
    pictures = path.parent / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    for block in blocks:
        if isinstance(block, Picture):
            for i, panel in enumerate(block.panels, 1):
                with atomic_file(pictures / f"{block.name}-{i}.svg") as file:
                    file.write(panel.encode())
    with atomic_file(path) as file:
        file.write("\n".join(_markdown(block) for block in blocks).encode())


def plain(text: str) -> str:
    """Text without its marks."""
    return re.sub(r"\[([^]]+)\]\(#[\w-]+\)|\*\*([^*]+)\*\*|`([^`]+)`", _content, text)


def _content(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None)


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        anchor = f'<a id="{block.anchor}"></a>\n\n' if block.anchor else ""
        return f"{anchor}{'#' * block.level} {block.text}\n"
    if isinstance(block, Paragraph):
        return f"> {block.text}\n" if block.notice else f"{block.text}\n"
    if isinstance(block, Bullets):
        return "".join(f"- {item}\n" for item in block.items)
    if isinstance(block, Picture):
        images = " ".join(
            f"![{block.alt if i == 1 else ''}](pictures/{block.name}-{i}.svg)"
            for i in range(1, len(block.panels) + 1)
        )
        return f"{images}\n\n*{block.caption}*\n"
    if isinstance(block, Intervals):
        rows = [[*row.cells, block.numbers(row)] for row in block.rows]
    else:
        rows = [list(row) for row in block.rows]
    lines = [block.header, ["---"] * len(block.header), *rows]
    return (
        "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
            for line in lines
        )
        + "\n"
    )


def _inline(text: str) -> Markup:
    text = html.escape(text, quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)
    return Markup(re.sub(r"\[([^]]+)\]\((#[\w-]+)\)", r'<a href="\2">\1</a>', text))


def _themed(svg: str, name: str, alt: str) -> Markup:
    return Markup(themed(svg, name, alt))


def _is_number(text: str) -> bool:
    return bool(re.match(r"[-+−–~]?\d|–?$", text))

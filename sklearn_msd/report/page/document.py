"""A page as a list of blocks, written as HTML in one file or as Markdown with PNGs."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn_msd.common.files.whole import whole_file

STYLE = """
body { font: 16px/1.5 Georgia, 'DejaVu Serif', serif; color: #1a1a1a;
  max-width: 52rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.9rem; line-height: 1.2; }
h2 { margin-top: 2.6rem; border-bottom: 1px solid #bbb; padding-bottom: .2rem; }
h3 { margin-top: 2rem; }
figure { margin: 1rem 0; }
figure img { max-width: 100%; }
figcaption { font-size: .9rem; color: #444; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .88rem; width: 100%; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; vertical-align: top;
  border-bottom: 1px solid #ddd; }
th { border-bottom: 2px solid #444; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
.notice { border: 2px solid #444; padding: .6rem 1rem; background: #f3f3f3; }
td b { white-space: nowrap; }
code { font-size: .88em; overflow-wrap: anywhere; }
@media print { body { max-width: none; } figure, tr { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 3."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Text; `code` in backticks and **bold** in asterisks."""

    text: str
    notice: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text under a header; columns of numbers are set right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A PNG picture; `name` is its file's, without the ending."""

    name: str
    png: bytes
    caption: str


Block = Heading | Paragraph | Table | Picture


def write_html(blocks: Sequence[Block], path: Path) -> None:
    """Write one page with the pictures in it."""
    title = next(block.text for block in blocks if isinstance(block, Heading))
    body = "\n".join(_html(block) for block in blocks)
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write(page.encode())


def write_markdown(blocks: Sequence[Block], path: Path) -> None:
    """Write a Markdown page, and its pictures beside it in the folder ``pictures``."""
    pictures = path.parent / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    for block in blocks:
        if isinstance(block, Picture):
            with whole_file(pictures / f"{block.name}.png") as file:
                file.write(block.png)
    with whole_file(path) as file:
        file.write("\n".join(_markdown(block) for block in blocks).encode())


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{_inline(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        kind = ' class="notice"' if block.notice else ""
        return f"<p{kind}>{_inline(block.text)}</p>"
    if isinstance(block, Picture):
        data = base64.b64encode(block.png).decode()
        caption = _inline(block.caption)
        return (
            f'<figure><img alt="{html.escape(block.caption)}" '
            f'src="data:image/png;base64,{data}"><figcaption>{caption}</figcaption>'
            "</figure>"
        )
    numbers = [
        all(_is_number(row[i]) for row in block.rows) for i in range(len(block.header))
    ]

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=n' if number else ''}>{_inline(text)}</{tag}>"
            for text, number in zip(row, numbers, strict=True)
        )

    rows = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in block.rows)
    head = f"<tr>{cells('th', block.header)}</tr>"
    return (
        f'<div class="table"><table>\n<thead>{head}</thead>\n<tbody>\n{rows}\n'
        "</tbody></table></div>"
    )


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}\n"
    if isinstance(block, Paragraph):
        return f"> {block.text}\n" if block.notice else f"{block.text}\n"
    if isinstance(block, Picture):
        return f"![{block.caption}](pictures/{block.name}.png)\n\n*{block.caption}*\n"
    lines = [block.header, ["---"] * len(block.header), *block.rows]
    return (
        "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
            for line in lines
        )
        + "\n"
    )


def _inline(text: str) -> str:
    text = html.escape(text, quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)


def _is_number(text: str) -> bool:
    return bool(re.match(r"[-+−–]?\d|–?$", text))

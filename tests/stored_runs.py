"""Stored runs of the benchmarks: JSON files, and pages with tables in Markdown."""

import json
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def stored(name):
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def stored_tables(name):
    """Tables of a page: each a list of rows, which are {column: cell}."""
    tables, header = [], None
    for line in (RESULTS / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            header = None
        elif header is None:
            header = _cells(line)
            tables.append([])
        elif set(line) != set("|-"):
            tables[-1].append(dict(zip(header, _cells(line), strict=True)))
    return tables


def _cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]

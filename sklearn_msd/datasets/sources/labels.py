"""Labels of recordings, from their names or from a table."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sklearn_msd.datasets.sources.songs import one_form

# Many more files than anyone has, and a fraction of a computer's memory.
_MAX_TABLE_BYTES = 2**26

# The folder below the first that a file is in.
FOLDER_LABEL = "^([^/]+)/"


class LabelledFiles(NamedTuple):
    """Recordings of a folder, by their paths relative to it."""

    folder: Path
    names: list[str]
    labels: list[str]
    groups: list[str] | None
    remarks: list[str]  # what of the folder was passed over


def _plain(name: str) -> str:
    """A name as text, in one Unicode form, also if its bytes are not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raw = os.fsencode(name)
        try:
            name = raw.decode()  # where the locale is not UTF-8, and the disk is
        except UnicodeDecodeError:
            name = raw.decode("latin-1")
    return one_form(name)


def check_labels(source: str, labels: Sequence[object], n_labels: int) -> None:
    """Raise if there are fewer labels than `n_labels`, and say what a label is."""
    found = sorted({str(label) for label in labels})
    if not labels or len(found) >= n_labels:
        return
    raise ValueError(
        f"{source}: all {len(labels)} songs have the label {found[0]!r}; to tell songs "
        f"apart, at least {n_labels} labels are needed. Of recordings, labels are the "
        "folders that lie directly below this one, or what --label-pattern or --labels "
        "say."
    )


def match_names(names: Sequence[str], pattern: str, what: str) -> list[str]:
    """The first group of a pattern in each name; `what` is it called in errors."""
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"{what} pattern '{pattern}' is not a regular expression: {error}."
        ) from error
    if expression.groups < 1:
        raise ValueError(
            f"{what} pattern '{pattern}' has no group: put what is the {what} in "
            "brackets, as in '^([a-z]+)_'."
        )
    matches = [expression.search(_plain(name)) for name in names]
    missed = [name for name, m in zip(names, matches, strict=True) if not (m and m[1])]
    if missed:
        count = f"{len(missed)} of {len(names)} files, {missed[0]} the first,"
        if pattern == FOLDER_LABEL:
            raise ValueError(
                f"{count} are in no folder that could be their label: say with "
                "--label-pattern (label_pattern=) where in their names it is, or give "
                "a table with --labels (table=)."
            )
        raise ValueError(
            f"{count} do not match the {what} pattern '{pattern}'. It is searched in "
            "such paths: folders below DATA, name, and ending."
        )
    return [match[1] for match in matches if match]


def _cells(text: str, delimiter: str, table: Path) -> Iterator[list[str]]:
    try:
        yield from csv.reader(text.splitlines(), delimiter=delimiter)
    except csv.Error as error:  # a cell of over 100,000 letters
        raise ValueError(f"{table}: no table of files and labels ({error}).") from error


def labels_by_table(
    folder: Path, names: Sequence[str], table: Path, remarks: Sequence[str]
) -> LabelledFiles:
    """Files, labels and perhaps groups, as a table lists them.

    Parameters
    ----------
    folder : Path
        What the paths in the table are relative to.
    names : sequence of str
        The recordings in it.
    table : Path
        Tab- or comma-separated lines, with or without a heading.
    remarks : sequence of str
        As in `LabelledFiles`.
    """
    with open(table, "rb") as file:
        content = file.read(_MAX_TABLE_BYTES + 1)
    if len(content) > _MAX_TABLE_BYTES:
        raise ValueError(f"{table}: a table of more than {_MAX_TABLE_BYTES} bytes.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{table}: not a text file in UTF-8 ({error}).") from error
    first = next(filter(str.strip, text.split("\n")), "")
    delimiter = "\t" if "\t" in first else ","
    rows: dict[str, list[str]] = {}
    by_plain_name = {_plain(name): name for name in names}
    width, is_first = None, True
    for number, row in enumerate(_cells(text, delimiter, table), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        is_heading = is_first and cells[0].lower() == "file"
        is_first = False
        if is_heading:
            continue
        width = width or len(cells)
        if len(cells) != width or width not in (2, 3) or not all(cells):
            raise ValueError(
                f"{table}, line {number}: expected file, label and perhaps group, with "
                f"tabs or commas between, on every line; got {cells}."
            )
        if not (folder / cells[0]).is_file():
            # The same name may have another Unicode form on the disk, or be no UTF-8.
            if _plain(cells[0]) not in by_plain_name:
                raise FileNotFoundError(
                    f"{table}, line {number}: there is no file {folder / cells[0]}."
                )
            cells[0] = by_plain_name[_plain(cells[0])]
        if rows.setdefault(cells[0], cells) is not cells:
            raise ValueError(f"{table}, line {number}: {cells[0]} is there twice.")
    if not rows:
        raise ValueError(f"{table}: no line with a file and a label.")
    columns = list(zip(*rows.values(), strict=True))
    groups = list(columns[2]) if width == 3 else None
    if unlisted := {*names} - {*rows}:
        n, first = len(unlisted), min(unlisted)
        remarks = [*remarks, f"{n} recordings are not in {table} ({first}, …)."]
    return LabelledFiles(
        folder, list(columns[0]), list(columns[1]), groups, list(remarks)
    )

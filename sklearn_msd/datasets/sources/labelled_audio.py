"""A folder of recordings, with a label for each in its path or in a table."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from tqdm import tqdm

from sklearn_msd.common.optional import import_optional
from sklearn_msd.datasets import AudioSegmenter
from sklearn_msd.datasets.audio.segmenter import segment_reader
from sklearn_msd.datasets.sources.kept_segments import KeptSegments, read_kinds
from sklearn_msd.datasets.sources.songs import Songs, divide
from sklearn_msd.segments.columns import N_FEATURES

AUDIO_SUFFIXES = (
    *(".aac", ".aif", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mp3", ".oga", ".ogg"),
    *(".opus", ".wav", ".wma"),
)
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


@dataclass(frozen=True)
class AudioFolder:
    r"""How to read a folder of recordings.

    Parameters
    ----------
    label_pattern : str, default="^([^/]+)/"
        Regular expression that is searched in the path of a file relative to the
        folder, with ``/`` between its parts; its first group is the label. By default
        a file's label is the folder that it is in; ``^(\d)_`` takes ``0`` from
        ``0_george_0.wav``.
    group_pattern : str, default=None
        The same for what songs have in common, such as the artist: none is on both
        sides when songs are held out.
    table : path-like, default=None
        File of tab- or comma-separated lines ``file, label[, group]``, with or without
        a heading ``file``; paths are relative to the folder. Files that it does not
        list are not read. In the place of both patterns.
    segmenter : AudioSegmenter
        What makes songs of recordings.
    kinds : sequence of AudioSegmenter, default=()
        Kinds of segments to read, in place of `segmenter`. Songs are then paths, and
        `Songs.kept` has their segments.
    skip_unreadable : bool, default=False
        Warn of recordings that cannot be read, and leave them out.
    n_jobs : int, default=None
        Processes that read.
    """

    label_pattern: str = FOLDER_LABEL
    group_pattern: str | None = None
    table: str | os.PathLike[str] | None = None
    segmenter: AudioSegmenter = field(default_factory=AudioSegmenter)
    kinds: Sequence[AudioSegmenter] = ()
    skip_unreadable: bool = False
    n_jobs: int | None = None

    def has_files(self, folder: Path) -> bool:
        """Whether there is a recording in the folder, at any depth."""
        return next(_recordings(folder), None) is not None

    def find(self, folder: Path) -> LabelledFiles:
        """Recordings and labels; nothing is read yet.

        Raises
        ------
        ValueError
            If a file has no label, or a pattern or the table is not as it must be.
        FileNotFoundError
            If the table lists a file that is not there.
        """
        if self.table is not None:
            return _from_table(folder, Path(self.table))
        names = sorted(
            path.relative_to(folder).as_posix() for path in _recordings(folder)
        )
        labels = _match(names, self.label_pattern, "label")
        groups = None
        if self.group_pattern is not None:
            groups = _match(names, self.group_pattern, "group")
        return LabelledFiles(folder, names, labels, groups)

    def read(self, files: LabelledFiles, *, whole: bool = False) -> Songs:
        """Segments of all recordings, with a progress bar on standard error.

        Parameters
        ----------
        files : LabelledFiles
        whole : bool, default=False
            As for `find_tasks`.

        Raises
        ------
        ValueError
            If recordings cannot be read; the message names them.
        ImportError
            If the extra ``audio`` is missing.
        """
        import_optional("soundfile", "audio")  # before as many errors as files
        paths = [str(files.folder / name) for name in files.names]
        one, how = (read_kinds, self.kinds) if self.kinds else (_read, self.segmenter)
        read = Parallel(n_jobs=self.n_jobs, return_as="generator")(
            delayed(one)(how, path) for path in paths
        )
        bar = tqdm(read, "reading", len(paths), unit=" files", mininterval=1)
        outcomes = list(bar)
        failures = [outcome for outcome in outcomes if isinstance(outcome, str)]
        if failures and not self.skip_unreadable:
            more = f" (and {len(failures) - 1} more files)" if failures[1:] else ""
            raise ValueError(f"{failures[0]}{more}")
        for failure in failures:
            warnings.warn(f"left out: {failure}", stacklevel=2)
        good = [i for i, row in enumerate(outcomes) if not isinstance(row, str)]
        if not good:
            raise ValueError(f"{files.folder}: no recording could be read.")
        group = None if files.groups is None else np.array(files.groups)[good]
        about: dict[str, Any] = {"features": "audio"}
        if self.kinds:
            X = np.array(paths, dtype=object)[good]
            about["kept"] = KeptSegments(self.kinds[0].memory)
            for i in good:
                about["kept"].update(outcomes[i])
        else:
            X = np.concatenate([outcomes[i] for i in good])
            names = segment_reader(self.segmenter).kind.names
            about["feature_names"] = names
            if len(names) != N_FEATURES:  # what flat songs are taken for
                X = X.reshape(len(X), -1, len(names))
        return divide(
            files.folder.resolve().name,
            f"The recordings of {files.folder}.",
            X,
            np.array(files.labels)[good],
            group,
            whole=whole,
            **about,
        )


def _recordings(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        # Hidden files are other systems' notes about the recordings.
        hidden = path.name.startswith(".")
        if path.suffix.lower() in AUDIO_SUFFIXES and not hidden and path.is_file():
            yield path


def _read(segmenter: AudioSegmenter, path: str) -> NDArray[np.float32] | str:
    """One row, or what is wrong with the file."""
    try:
        return segmenter.transform([path])
    except (ValueError, OSError) as error:
        return str(error)


def _match(names: Sequence[str], pattern: str, what: str) -> list[str]:
    """The first group of a pattern in each name."""
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{what} pattern {pattern!r}: {error}.") from error
    if expression.groups < 1:
        raise ValueError(
            f"{what} pattern {pattern!r} has no group: put what is the {what} in "
            "brackets, as in '^([a-z]+)_'."
        )
    matches = [expression.search(name) for name in names]
    missed = [name for name, m in zip(names, matches, strict=True) if not (m and m[1])]
    if missed:
        count = f"{len(missed)} of {len(names)} files, {missed[0]} the first,"
        if pattern == FOLDER_LABEL:
            raise ValueError(
                f"{count} are in no folder that could be their label: give a label "
                "pattern, or a table of labels."
            )
        raise ValueError(f"{count} do not match the {what} pattern {pattern!r}.")
    return [match[1] for match in matches if match]


def _cells(text: str, delimiter: str, table: Path) -> Iterator[list[str]]:
    try:
        yield from csv.reader(text.splitlines(), delimiter=delimiter)
    except csv.Error as error:  # a cell of over 100,000 letters
        raise ValueError(f"{table}: no table of files and labels ({error}).") from error


def _from_table(folder: Path, table: Path) -> LabelledFiles:
    """Files, labels and perhaps groups, as a table lists them."""
    with open(table, "rb") as file:
        content = file.read(_MAX_TABLE_BYTES + 1)
    if len(content) > _MAX_TABLE_BYTES:
        raise ValueError(f"{table}: a table of more than {_MAX_TABLE_BYTES} bytes.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{table}: not a text file in UTF-8 ({error}).") from error
    delimiter = "\t" if "\t" in text.split("\n", 1)[0] else ","
    rows: dict[str, list[str]] = {}
    width = None
    for number, row in enumerate(_cells(text, delimiter, table), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and cells[0].lower() == "file"):
            continue
        width = width or len(cells)
        if len(cells) != width or width not in (2, 3) or not all(cells):
            raise ValueError(
                f"{table}, line {number}: expected file, label and perhaps group, with "
                f"tabs or commas between, on every line; got {cells}."
            )
        if rows.setdefault(cells[0], cells) is not cells:
            raise ValueError(f"{table}, line {number}: {cells[0]} is there twice.")
        if not (folder / cells[0]).is_file():
            raise FileNotFoundError(
                f"{table}, line {number}: there is no file {folder / cells[0]}."
            )
    if not rows:
        raise ValueError(f"{table}: no line with a file and a label.")
    columns = list(zip(*rows.values(), strict=True))
    groups = list(columns[2]) if width == 3 else None
    return LabelledFiles(folder, list(columns[0]), list(columns[1]), groups)

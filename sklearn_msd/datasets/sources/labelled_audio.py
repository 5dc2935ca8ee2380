"""A folder of recordings, with a label for each in its path or in a table."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from tqdm import tqdm

from sklearn_msd.common.files.walk import FolderWalk
from sklearn_msd.common.optional import import_optional
from sklearn_msd.datasets import AudioSegmenter
from sklearn_msd.datasets.audio.decoding import check_file
from sklearn_msd.datasets.audio.segmenter import segment_reader
from sklearn_msd.datasets.sources.kept_segments import (
    KeptSegments,
    error_text,
    lengthened,
    read_kinds,
)
from sklearn_msd.datasets.sources.labels import (
    FOLDER_LABEL,
    LabelledFiles,
    check_labels,
    labels_by_table,
    match_names,
)
from sklearn_msd.datasets.sources.songs import LabelledSongs, divide
from sklearn_msd.segments.columns import N_FEATURES

AUDIO_SUFFIXES = (
    *(".aac", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".caf", ".flac"),
    *(".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mpc", ".mpga", ".oga", ".ogg"),
    *(".opus", ".rf64", ".snd", ".spx", ".tta", ".w64", ".wav", ".weba", ".wma", ".wv"),
)
# Files that one message names.
_MAX_NAMED = 10


@dataclass(frozen=True)
class AudioFolder:
    r"""How to read a folder of recordings.

    Parameters
    ----------
    label_pattern : str, default="^([^/]+)/"
        Regular expression that is searched in the path of a file relative to the
        folder, with ``/`` between its parts; its first group is the label. By default
        a file's label is the folder that it is in; ``^(\d)_`` takes ``0`` from
        ``0_george_0.wav``. Paths are searched in Unicode's composed form (NFC).
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
        `LabelledSongs.kept` has their segments.
    skip_unreadable : bool, default=False
        Warn of recordings and folders that cannot be read, and leave them out.
    n_jobs : int, default=None
        Processes that read.
    quiet : bool, default=False
        Show no progress.
    n_labels : int, default=1
        At least as many labels there must be.
    """

    label_pattern: str = FOLDER_LABEL
    group_pattern: str | None = None
    table: str | os.PathLike[str] | None = None
    segmenter: AudioSegmenter = field(default_factory=AudioSegmenter)
    kinds: Sequence[AudioSegmenter] = ()
    skip_unreadable: bool = False
    n_jobs: int | None = None
    quiet: bool = False
    n_labels: int = 1

    def has_files(self, folder: Path) -> bool:
        """Whether there is a recording in the folder, at any depth."""
        return next(iter(self._walk(folder)), None) is not None

    def check_source(self, source: str, songs: LabelledSongs) -> None:
        """Refuse songs of arrays where labels or groups are to be found in paths.

        Raises
        ------
        ValueError
            If these songs of a source are.
        """
        own = self.label_pattern != FOLDER_LABEL or self.group_pattern is not None
        if (own or self.table is not None) and songs.features != "audio":
            raise ValueError(
                f"{source} is no folder of recordings, which --label-pattern, "
                "--group-pattern and --labels are for."
            )

    def find(self, folder: Path) -> LabelledFiles:
        """Recordings and labels; nothing is read yet.

        Raises
        ------
        ValueError
            If a file has no label, or a pattern or the table is not as it must be.
        FileNotFoundError
            If the table lists a file that is not there.
        """
        walk = self._walk(folder)
        names = sorted(
            Path(os.path.relpath(entry.path, folder)).as_posix() for entry in walk
        )
        left = walk.passed_over()
        remarks = [f"Passed over: {left}."] if left else []
        if self.table is not None:
            files = labels_by_table(folder, names, Path(self.table), remarks)
            check_labels(str(folder), files.labels, self.n_labels)
            return files
        labels = match_names(names, self.label_pattern, "label")
        check_labels(str(folder), labels, self.n_labels)
        groups = None
        if self.group_pattern is not None:
            groups = match_names(names, self.group_pattern, "group")
        return LabelledFiles(folder, names, labels, groups, remarks)

    def _walk(self, folder: Path) -> FolderWalk:
        skip = self.skip_unreadable
        return FolderWalk(folder, AUDIO_SUFFIXES, skip_unreadable=skip)

    def read(self, files: LabelledFiles, *, whole: bool = False) -> LabelledSongs:
        """Segments of all recordings, with a progress bar on standard error.

        Files that are missing, locked or empty are found before the first is read.

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
        failures = {path: text for path in paths if (text := _problem(path))}
        self._refuse(failures, len(paths), " No other has been read yet.")
        kinds = self.kinds or [self.segmenter]
        good = [path for path in paths if path not in failures]
        read = Parallel(n_jobs=self.n_jobs, return_as="generator")(
            delayed(read_kinds)(kinds, path) for path in good
        )
        bar = tqdm(
            read, "reading", len(good), unit=" files", mininterval=1, disable=self.quiet
        )
        kept = KeptSegments(kinds[0].memory)
        for path, outcome in zip(good, bar, strict=True):
            if isinstance(outcome, str):
                failures[path] = outcome
            else:
                kept.update(outcome)
        self._refuse(failures, len(paths))
        for text in [
            *(f"left out: {text}" for text in failures.values()),
            *kept.doubts,
        ]:
            warnings.warn(text, stacklevel=2)
        rows = [i for i, path in enumerate(paths) if path not in failures]
        if not rows:
            raise ValueError(f"{files.folder}: no recording could be read.")
        X = np.array(paths, dtype=object)[rows]
        about: dict[str, Any] = {"kept": kept}
        remarks = files.remarks
        if not self.kinds:
            segmenter = clone(self.segmenter).set_params(memory=kept)
            if remark := lengthened(X.tolist(), kept, segmenter):
                remarks = [*remarks, remark]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # doubts have been said
                X = segmenter.transform(X)
            names = segment_reader(segmenter).kind.names
            about = {"feature_names": names}
            if len(names) != N_FEATURES:  # what flat songs are taken for
                X = X.reshape(len(X), -1, len(names))
        return divide(
            files.folder.resolve().name,
            f"The recordings of {files.folder}.",
            X,
            np.array(files.labels)[rows],
            None if files.groups is None else np.array(files.groups)[rows],
            whole=whole,
            remarks=remarks,
            features="audio",
            **about,
        )

    def _refuse(self, failures: dict[str, str], n_files: int, more: str = "") -> None:
        """Raise if files cannot be read and are not to be left out."""
        if not failures or self.skip_unreadable:
            return
        texts = list(failures.values())
        named = "; ".join(text.rstrip(".") for text in texts[:_MAX_NAMED])
        others = f"; and {len(texts) - _MAX_NAMED} more" if texts[_MAX_NAMED:] else ""
        raise ValueError(
            f"{len(texts)} of {n_files} recordings cannot be read: "
            f"{named}{others}.{more} "
            "Repair or remove them, or leave them out with --skip-unreadable "
            "(skip_unreadable=True)."
        )


def _problem(path: str) -> str | None:
    """What is wrong with a file at first sight."""
    try:
        check_file(path)
    except (ValueError, OSError) as error:
        return error_text(error)
    return None

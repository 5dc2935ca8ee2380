"""From the shards of a build to its data set, published by one rename."""

import csv
import json
import os
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sklearn_msd.common.files.atomic import atomic_file
from sklearn_msd.datasets.msd.build.shards import REASONS, Settings, Shard, Skipped
from sklearn_msd.datasets.report_arrays.genre_files import (
    SPLITS,
    StoredSplit,
    write_split,
)
from sklearn_msd.datasets.splitting import assign_splits, balance
from sklearn_msd.segments.columns import N_FEATURES, feature_names


class SongTable(NamedTuple):
    """The songs of all shards, in their order; arrays of one entry for each song."""

    track_ids: np.ndarray  # as bytes, a quarter of the room that text takes
    artists: np.ndarray
    codes: np.ndarray  # genres
    shards: np.ndarray  # which shard, and which row of it, holds the song
    rows: np.ndarray


def collect(shards: Sequence[Shard], listing: Path) -> tuple[SongTable, dict[str, int]]:
    """Join what the shards hold, leaving out duplicate tracks; list what was skipped.

    Parameters
    ----------
    shards : sequence of Shard
        The shards, in the order of the walk: of duplicates, the first stays.
    listing : Path
        Where to list every song skipped, as tab-separated lines.

    Returns
    -------
    songs : SongTable
    counts : dict of str to int
        SongTable found, read, labelled, skipped by reason, and kept.
    """
    counts = dict.fromkeys(("found", "read", "labelled", *REASONS, "kept"), 0)
    seen: set[str] = set()
    parts = []
    with (
        atomic_file(listing) as raw,
        open(
            raw.fileno(),
            "w",
            newline="",
            encoding="utf-8",
            closefd=False,
            errors="backslashreplace",
        ) as file,
    ):
        writer = csv.writer(file, dialect="excel-tab", lineterminator="\n")
        writer.writerow(("reason", "track_id", "file", "detail"))
        for number, shard in enumerate(shards):
            kept, skipped, found = shard.content()
            part = []
            for row, song in enumerate(kept):
                if song.track_id in seen:
                    skipped.append(Skipped("duplicate", song.track_id, song.path, ""))
                else:
                    seen.add(song.track_id)
                    ids = song.track_id.encode(), song.artist_id.encode()
                    part.append((*ids, song.code, number, row))
            parts.append(np.array(part, dtype="S32,S32,i4,i4,i4"))
            writer.writerows(skipped)
            for name, count in found.items():
                counts[name] += count
            for left_out in skipped:
                counts[left_out.reason] += 1
            counts["kept"] += len(part)
        file.flush()
    joined = np.concatenate(parts)
    return SongTable(*(joined[f"f{i}"] for i in range(len(SongTable._fields)))), counts


def choose(
    songs: SongTable,
    fractions: Sequence[float],
    group_by: str | None,
    n_per_class: int | None,
    random_state: int,
) -> np.ndarray:
    """Decide which split each song goes to; -1 for none."""
    rng = np.random.RandomState(random_state)
    groups = songs.track_ids
    if group_by == "artist":
        groups = np.where(songs.artists == b"", songs.track_ids, songs.artists)
    splits = assign_splits(songs.codes, groups, fractions, rng)
    if n_per_class is not None:
        chosen = balance(songs.codes, splits, fractions, n_per_class, rng)
        splits = np.where(chosen, splits, -1)
    return splits


def check_counts(counts: dict[str, int], max_skipped: float, listing: Path) -> None:
    """Raise if too many songs were skipped, or all."""
    summary = ", ".join(f"{name} {count}" for name, count in counts.items())
    bad = sum(
        counts[name] for name in ("unreadable", "damaged", "too_short", "duplicate")
    )
    if bad > max_skipped * counts["read"]:
        raise ValueError(
            f"{bad} of {counts['read']} songs read were skipped, more than "
            f"max_skipped={max_skipped} allows ({summary}). {listing} lists them; the "
            "same call with a larger max_skipped goes on from here."
        )
    if not counts["kept"]:
        raise ValueError(
            f"no song is annotated and long enough ({summary}); see {listing}."
        )


def count_songs(
    songs: SongTable, splits: np.ndarray, label_map: Sequence[str], n_splits: int
) -> dict[str, dict[str, int]]:
    """Count the songs of each split and genre."""
    return {
        name: {
            genre: int(np.sum((splits == number) & (songs.codes == code)))
            for code, genre in enumerate(label_map)
        }
        for number, name in enumerate(SPLITS[:n_splits])
    }


def check_table(table: dict[str, dict[str, int]], n_per_class: int | None) -> None:
    """Raise if a split is empty; warn of genres with fewer songs than expected."""
    for split, row in table.items():
        if not any(row.values()):
            raise ValueError(f"no song is left for {split}: there are too few artists.")
    problems = []
    for split, row in table.items():
        if lacking := [genre for genre, count in row.items() if not count]:
            problems.append(f"{split} has no song of {', '.join(lacking)}")
    totals = {
        genre: sum(row[genre] for row in table.values()) for genre in table["train"]
    }
    if n_per_class is not None and min(totals.values()) < n_per_class:
        few = [f"{g} {n}" for g, n in totals.items() if n < n_per_class]
        problems.append(f"fewer than n_per_class={n_per_class}: {', '.join(few)}")
    if problems:
        # Up through build_msd_genre and its parameter checks to the caller.
        warnings.warn("; ".join(problems) + ".", UserWarning, stacklevel=4)


def publish(
    work: Path,
    target: Path,
    shards: Sequence[Shard],
    songs: SongTable,
    splits: np.ndarray,
    label_map: Sequence[str],
    settings: Settings,
    form: str,
    report: dict[str, Any],
) -> None:
    """Write the data set in the work folder and rename it to its place.

    Parameters
    ----------
    work, target : Path
        The work folder, and where the data set is to appear.
    shards, songs, splits
        What `collect` and `choose` gave.
    label_map : sequence of str
        Genre of each code in `songs`.
    settings : Settings
        What the shards hold.
    form : {"npz", "npy"}
        Which files to write.
    report : dict
        What to write as ``build.json``; it names the task.
    """
    staging = work / "out"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    for number, name in enumerate(SPLITS):
        (members,) = np.nonzero(splits == number)
        if not len(members):
            continue
        path = work / "inputs.npy"
        _gather(path, shards, songs, members, settings)
        stored = StoredSplit(
            inputs=np.load(path, mmap_mode="r", allow_pickle=False),
            targets=songs.codes[members].astype(np.int64),
            label_map=list(label_map),
            feature_names=feature_names(settings.columns),
            groups=np.char.decode(songs.artists[members], "utf-8", "replace"),
            track_ids=np.char.decode(songs.track_ids[members], "utf-8", "replace"),
        )
        write_split(staging, report["task"], name, stored, form)
        del stored
        path.unlink()
    os.replace(work / "skipped.tsv", staging / "skipped.tsv")
    with atomic_file(staging / "build.json") as file:
        file.write((json.dumps(report, indent=1) + "\n").encode())
    if target.is_dir():
        target.rmdir()  # it is empty, or this raises
    os.rename(staging, target)


def _gather(
    path: Path,
    shards: Sequence[Shard],
    songs: SongTable,
    members: np.ndarray,
    settings: Settings,
) -> None:
    """Write the members' crops as one npy file, one shard at a time in memory."""
    shape = (len(members), settings.n_segments, N_FEATURES)
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(settings.dtype)),
        "fortran_order": False,
        "shape": shape,
    }
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        # SongTable lie in the order of the shards, so each shard is read once.
        numbers, starts = np.unique(songs.shards[members], return_index=True)
        for number, rows in zip(
            numbers, np.split(songs.rows[members], starts[1:]), strict=True
        ):
            file.write(shards[number].rows(settings)[rows].tobytes())

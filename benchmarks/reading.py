"""How fast songs on disk are read: in their order, in blocks, and one by one.

    python benchmarks/reading.py [--songs 100000] [--repeats 3] [--folder DIR]

Batches of 50 of float16 songs of 120 segments, read and made tensors, no training.
Cold: the operating system has been told to forget the file, though a virtual disk may
remember it below. Warm: read once more at once. ``read`` is a plain read of the whole
file. One by one, a tenth of the songs. Medians over interleaved turns.

``--accuracy SEEDS`` trains the same net on the same songs both ways, with each of so
many seeds.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measuring import median, print_head, print_table

from sklearn_msd import TimeConvClassifier
from sklearn_msd.datasets import MappedSongs, make_songs
from sklearn_msd.training import batches as reading
from sklearn_msd.training.batches import BatchIterator, SongDataset

WIDTH = 3000
ORDERS = {"in order": None, "blocks": "blocks", "full": "full"}


def forget(path: Path) -> None:
    """Drop the file from the operating system's cache."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def batches(songs: Any, order: str | None) -> Iterator[Any]:
    dataset = SongDataset(songs, np.zeros(len(songs), dtype=int))
    if order is None:
        return iter(BatchIterator(dataset, 50))
    return iter(BatchIterator(dataset, 50, np.random.RandomState(0), order))


def songs_a_second(songs: Any, order: str | None) -> float:
    count, start = 0, time.perf_counter()
    for inputs, _ in batches(songs, order):
        count += len(inputs["x"])
        if order == "full" and count >= len(songs) / 10:
            break
    return count / (time.perf_counter() - start)


def read(path: Path) -> float:
    buffer, start = bytearray(4 << 20), time.perf_counter()
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return os.path.getsize(path) / (2 * WIDTH) / (time.perf_counter() - start)


def speed(n: int, repeats: int, folder: str | None) -> None:
    found = defaultdict(list)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        path = Path(made) / "songs.npy"
        stored = np.lib.format.open_memmap(path, "w+", np.float16, (n, WIDTH))
        for start in range(0, n, 1000):
            stored[start : start + 1000] = np.random.RandomState(start).randn(WIDTH)
        stored.flush()
        del stored
        for _ in range(repeats):
            forget(path)
            found["read", ""].append((read(path), read(path)))
            for kind in "MappedSongs", "memory map":
                for name, order in ORDERS.items():
                    songs = np.load(path, mmap_mode="r")
                    songs = MappedSongs(songs) if kind == "MappedSongs" else songs
                    forget(path)
                    cold = songs_a_second(songs, order)
                    found[kind, name].append((cold, songs_a_second(songs, order)))
                    del songs  # pages that are mapped are not forgotten
    rows = []
    for names, values in found.items():
        cold, warm = (median(column) for column in zip(*values, strict=True))
        per_second = (cold, cold * WIDTH / 5e5, warm)
        rows.append([*names, *(f"{value:.0f}" for value in per_second)])
    print_table(("songs", "order", "cold songs/s", "MB/s", "warm songs/s"), rows)


def accuracy(n_seeds: int) -> None:
    X, y = make_songs(6000, n_classes=5, random_state=0)
    train, test = slice(None, 5000), slice(5000, None)
    scores = defaultdict(list)
    # Smaller than usual, so that what is held is a tenth of the songs.
    reading.BLOCK, reading.BUFFER = 32, 500
    for seed in range(n_seeds):
        for shuffle in "full", "blocks":
            net = TimeConvClassifier(
                n_kernels=20, shuffle=shuffle, max_epochs=6, random_state=seed
            )
            scores[shuffle].append(net.fit(X[train], y[train]).score(X[test], y[test]))
    rows = {**scores, "blocks less full": np.subtract(scores["blocks"], scores["full"])}
    n = n_seeds**0.5
    print_table(
        ("shuffle", "accuracy", "standard error"),
        [
            [name, f"{np.mean(v):.4f}", f"{np.std(v, ddof=1) / n:.4f}"]
            for name, v in rows.items()
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", help="where to write the file (a temporary one)")
    parser.add_argument("--accuracy", type=int, metavar="SEEDS")
    arguments = parser.parse_args()
    print_head()
    if arguments.accuracy:
        accuracy(arguments.accuracy)
    else:
        speed(arguments.songs, arguments.repeats, arguments.folder)


if __name__ == "__main__":
    main()

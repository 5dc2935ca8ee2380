"""Tracks a second of ``build_msd_genre`` against a bare h5py loop.

    python benchmarks/build.py FOLDER_OF_H5_FILES [--rounds 5] [--copies 10]

The bare loop opens each file with h5py and reads the same three arrays (pitches,
timbre, loudness at the start), whole; it checks, joins, crops and writes nothing. The
files are linked `copies` times and read once beforehand, so that both read from the
page cache: the figures are what the processor costs; a disk comes on top of either.
Runs of all contestants alternate; the median of the rounds is given, and the range.
On a machine with other work, the processor time of the best round tells more.

Memory is the largest resident set of a process of its own, for two numbers of songs:
its slope is what one more labelled song costs.
"""

import argparse
import itertools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import h5py
from joblib import Parallel, delayed
from measuring import print_head

from sklearn_msd.datasets import build_msd_genre

MILLION = 1_000_000
ARRAYS = ("segments_pitches", "segments_timbre", "segments_loudness_start")


def bare_loop(paths):
    n = 0
    for path in paths:
        with h5py.File(path, "r") as file:
            n += sum(len(file["analysis"][name][:]) for name in ARRAYS)
    return n


def bare(paths, n_jobs):
    chunks = [paths[i : i + 128] for i in range(0, len(paths), 128)]
    Parallel(n_jobs=n_jobs, batch_size=1)(delayed(bare_loop)(c) for c in chunks)


def build(root, annotations, n_jobs):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return build_msd_genre(
            root,
            annotations,
            Path(folder) / "out",
            n_jobs=n_jobs,
            max_skipped=1.0,  # copies of a track are duplicates
            verbose=0,
        )


def link_copies(source, root, copies):
    paths = sorted(Path(source).rglob("*.h5"))
    for copy in range(copies):
        folder = root / f"{copy:04d}"
        folder.mkdir(parents=True)
        for path in paths:
            (folder / path.name).symlink_to(path.resolve())
    return [os.fspath(path) for path in sorted(root.rglob("*.h5"))], paths


def genres_of(paths, every):
    """Annotate one track in `every`, with two genres."""
    return {p.stem: "AB"[i % 2] for i, p in enumerate(paths[::every])}


def measure(source, copies, rounds):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "h5"
        linked, paths = link_copies(source, root, copies)
        bare_loop(linked)
        runs = {}
        for n_jobs in (1, 2):
            runs[f"bare h5py loop, n_jobs={n_jobs}"] = lambda n=n_jobs: bare(linked, n)
            for every, name in ((1, "all"), (8, "1 in 8")):
                labels = genres_of(paths, every)
                runs[f"build, {name} labelled, n_jobs={n_jobs}"] = (
                    lambda n=n_jobs, labels=labels: build(root, labels, n)
                )
        build(root, genres_of(paths, 1), 2)  # start and fill the processes
        times = {name: [] for name in runs}
        for _, (name, run) in itertools.product(range(rounds), runs.items()):
            start, cpu = time.perf_counter(), time.process_time()
            run()
            cpu = time.process_time() - cpu
            times[name].append((time.perf_counter() - start, cpu))
    return len(linked), times


def peak_memory(n_songs):
    """Peak resident bytes of a process of its own that joins so many songs."""
    command = [sys.executable, __file__, "--join", str(n_songs), "-"]
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(out.stdout)


def join_shards(n_songs):
    """The only step whose memory grows: every song's ids, genre and place."""
    from sklearn_msd.datasets.msd.build.assemble import choose, collect
    from sklearn_msd.datasets.msd.build.shards import Kept

    class MadeUp:
        def __init__(self, first):
            self.first = first

        def content(self):
            ids = range(self.first, min(self.first + 128, n_songs))
            kept = [
                Kept(f"TRAAAAA{i:011X}", f"AR{i // 25:016d}", i % 10, "A/A/A/x.h5")
                for i in ids
            ]
            return kept, [], {"found": 128, "read": 128, "labelled": 128}

    with tempfile.TemporaryDirectory() as folder:
        shards = [MadeUp(first) for first in range(0, n_songs, 128)]
        songs, _ = collect(shards, Path(folder) / "skipped.tsv")
    choose(songs, (0.8, 0.2), "artist", 1000, 0)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", help="folder of Million Song Dataset files")
    parser.add_argument("--copies", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--join", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.join:
        join_shards(args.join)
        return
    print_head()

    n, times = measure(args.source, args.copies, args.rounds)
    print(f"{n} files, median of {args.rounds} rounds (range)")
    for name, taken in times.items():
        rates = sorted(n / wall for wall, _ in taken)
        rate = statistics.median(rates)
        told = f"{name:34s} {rate:5.0f} tracks/s ({rates[0]:.0f} to {rates[-1]:.0f})"
        told += f"; 1,000,000 / {rate:.0f} = {MILLION / rate / 60:.0f} min a million"
        if name.endswith("n_jobs=1"):  # other processes' work is not in this figure
            cpu = min(cpu for _, cpu in taken) / n
            told += f"; {1e3 * cpu:.2f} ms of processor time a track at least"
        print(told)
    few, many = 20_000, 220_000
    low, high = peak_memory(few), peak_memory(many)
    slope = (high - low) / (many - few)
    base = low - few * slope
    print(
        f"memory of the main process, beside the annotations: {base / 1e6:.0f} MB + "
        f"{slope:.0f} B for each labelled song ({few} songs {low / 1e6:.0f} MB, {many} "
        f"songs {high / 1e6:.0f} MB); 1,000,000 labelled: {base / 1e6:.0f} + "
        f"{slope:.0f} = {(base + MILLION * slope) / 1e6:.0f} MB"
    )
    crop = 120 * 25 * 4
    print(
        f"disk: {crop} B a labelled song in the shards, as much in the gathered npy of "
        f"a split, as much in the output: 3 x {crop / 1e3:.0f} GB for 1,000,000"
    )


if __name__ == "__main__":
    main()

"""What searches over several processes send, hold and save.

    python benchmarks/searching.py [sharing] [speed] [halving]
        [--megabytes 500] [--songs 1500] [--epochs 3] [--most-epochs 27] [--repeats 3]

``sharing``: a 4 × 4 grid with 3 folds on `--megabytes` of songs, in two processes: what
is sent to them, and what they hold at most, for songs in memory, in a memory map and as
`MappedSongs`, with loky and with Dask. Memory is the proportional set size of the
workers (a page that both share counts once), over what they hold after a tiny fit. Sent
is what this process writes (loky), its files for the workers included, or what passes
the loopback device (Dask), so nothing else should use that.

``speed``: a 4 × 3 grid with 3 folds on `--songs` songs, in one process and in two, one
thread each, in turn.

``halving``: ``HalvingGridSearchCV(resource="max_epochs")`` against the whole grid.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import psutil
import torch
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV

from sklearn_msd import TimeConvClassifier
from sklearn_msd.datasets import MappedSongs, make_songs

L2 = [0.0001, 0.001, 0.01, 0.1]
WIDTH = 3000  # numbers in a song of 120 segments


class Peak:
    """Largest sum of proportional set sizes, in bytes, of processes while it runs."""

    def __init__(self, pids: list[int]) -> None:
        self.processes = [psutil.Process(pid) for pid in pids]
        self.bytes, self.ended = 0, threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def now(self) -> int:
        """The sum at this moment."""
        return sum(process.memory_full_info().pss for process in self.processes)

    def _watch(self) -> None:
        while not self.ended.wait(0.1):
            self.bytes = max(self.bytes, self.now())

    def __enter__(self) -> Peak:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        self.thread.join()


def bytes_sent(backend: str) -> int:
    if backend == "dask":
        return psutil.net_io_counters(pernic=True)["lo"].bytes_sent
    return psutil.Process().io_counters().write_chars


def worker_pid(seconds: float) -> int:
    time.sleep(seconds)  # so that the other worker takes the other task
    return os.getpid()


def warm_up(net: TimeConvClassifier) -> int:
    net.fit(np.random.RandomState(0).randn(20, WIDTH), np.arange(20) % 2)
    return worker_pid(1)


def share(kind: str, backend: str, path: str) -> None:
    """Print megabytes sent, held at rest and held at most, and seconds."""
    megabytes = os.path.getsize(path) / 1e6
    y = np.arange(len(np.load(path, mmap_mode="r"))) % 2
    songs: Any = np.load(path, mmap_mode=None if kind == "in memory" else "r")
    if kind == "MappedSongs":
        songs = MappedSongs(songs)
    net = TimeConvClassifier(
        n_kernels=2,
        n_conv_layers=1,
        hidden_layer_sizes=(2,),
        batch_size=1000,
        max_epochs=1,
        random_state=0,
    )
    grid = {"l2": L2, "kernel_height": [1, 2, 3, 5]}
    search = GridSearchCV(net, grid, cv=3, n_jobs=2, refit=False)
    with ExitStack() as stack:
        if backend == "dask":
            from distributed import Client, LocalCluster

            cluster = stack.enter_context(
                LocalCluster(
                    n_workers=2,
                    threads_per_worker=1,
                    dashboard_address=None,
                    memory_limit=0,
                )
            )
            stack.enter_context(Client(cluster))
        stack.enter_context(joblib.parallel_config(backend))
        parallel = joblib.Parallel(n_jobs=2, batch_size=1)
        pids = sorted(set(parallel(joblib.delayed(warm_up)(net) for _ in range(4))))
        assert len(pids) == 2, pids
        rest = Peak(pids).now()
        sent, start = bytes_sent(backend), time.perf_counter()
        with Peak(pids) as peak:
            search.fit(songs, y)
        seconds = time.perf_counter() - start
        sent = bytes_sent(backend) - sent
    growth = (peak.bytes - rest) / 1e6 / megabytes
    print(
        f"{backend:8} {kind:12} {sent / 1e6:7.1f} {rest / 1e6:11.0f} "
        f"{peak.bytes / 1e6:8.0f} {growth:12.2f} {seconds:8.0f}",
        flush=True,
    )


def sharing(arguments: argparse.Namespace) -> None:
    n = int(arguments.megabytes * 1e6 / (2 * WIDTH))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "songs.npy"
        songs = np.lib.format.open_memmap(path, "w+", np.float16, (n, WIDTH))
        rng = np.random.RandomState(0)
        for start in range(0, n, 1000):
            part = songs[start : start + 1000]
            part[:] = rng.randn(*part.shape)
        songs.flush()
        del songs
        print(
            f"4 × 4 grid, 3 folds, {n} songs, {arguments.megabytes:.0f} MB in float16"
        )
        print(
            "backend  songs        sent MB  at rest MB  peak MB  growth/data  seconds"
        )
        for backend in "loky", "dask":
            for kind in "in memory", "memory map", "MappedSongs":
                # A fresh process, whose workers hold nothing of the one before.
                command = [sys.executable, __file__, "--one", kind, backend, str(path)]
                subprocess.run(command, check=True)


def threads() -> tuple[int, int]:
    return os.getpid(), torch.get_num_threads()


def speed(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    X, y = make_songs(arguments.songs, n_classes=10, random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "songs.npy"
        np.save(path, X)
        songs = MappedSongs(np.load(path, mmap_mode="r"))
        net = TimeConvClassifier(max_epochs=arguments.epochs, random_state=0)
        grid = {"l2": L2, "kernel_height": [1, 3, 5]}
        seconds: dict[int, list[float]] = {1: [], 2: []}
        with joblib.parallel_config("loky", inner_max_num_threads=1):
            used = joblib.Parallel(n_jobs=2)(joblib.delayed(threads)() for _ in "abcd")
            GridSearchCV(net, {"l2": [0, 1]}, cv=2, n_jobs=2).fit(songs[:100], y[:100])
            for _ in range(arguments.repeats):
                for n_jobs, times in seconds.items():
                    search = GridSearchCV(net, grid, cv=3, n_jobs=n_jobs, refit=False)
                    start = time.perf_counter()
                    search.fit(songs, y)
                    times.append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(seconds[1], seconds[2], strict=True)]
    print(f"4 × 3 grid, 3 folds, {len(y)} songs, {arguments.epochs} epochs")
    print(f"threads of PyTorch in each worker: {sorted({n for _, n in used})}")
    print("n_jobs=1 s  n_jobs=2 s  ratio (medians; all ratios)")
    print(
        f"{statistics.median(seconds[1]):10.1f} {statistics.median(seconds[2]):11.1f} "
        f"{statistics.median(ratios):6.2f} ({', '.join(f'{r:.2f}' for r in ratios)})"
    )


def halving(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    X, y = make_songs(arguments.songs, n_classes=3, random_state=0)
    net = TimeConvClassifier(n_kernels=20, random_state=0)
    grid = {"l2": L2, "kernel_height": [1, 3, 5]}
    most = arguments.most_epochs
    whole = GridSearchCV(net.set_params(max_epochs=most), grid, cv=3, refit=False)
    halved = HalvingGridSearchCV(
        net,
        grid,
        resource="max_epochs",
        min_resources=max(1, most // 9),
        max_resources=most,
        factor=3,
        cv=3,
        refit=False,
        random_state=0,
    )
    print(f"4 × 3 grid, 3 folds, {len(y)} songs, at most {most} epochs")
    print("search   epochs trained  processor s  best")
    for name, search in ("whole", whole), ("halving", halved):
        start = time.process_time()
        search.fit(X, y)
        seconds = time.process_time() - start
        epochs = 3 * np.sum(search.cv_results_.get("n_resources", [most] * 12))
        print(f"{name:8} {epochs:14d} {seconds:12.1f}  {search.best_params_}")
    best, chosen = whole.best_params_, halved.best_params_
    scores = dict(
        zip(
            map(str, whole.cv_results_["params"]),
            whole.cv_results_["mean_test_score"],
            strict=True,
        )
    )
    del chosen["max_epochs"]
    print(f"accuracy in the whole grid: {scores[str(best)]:.3f} of its own choice,")
    print(f"{scores[str(chosen)]:.3f} of halving's")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", metavar="sharing, speed, halving")
    parser.add_argument("--megabytes", type=float, default=500)
    parser.add_argument("--songs", type=int, default=1500)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--most-epochs", type=int, default=27, help="halving's (27)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return share(*arguments.one)
    parts = {"sharing": sharing, "speed": speed, "halving": halving}
    for name in arguments.what or parts:
        if name not in parts:
            parser.error(f"there is no {name!r}; there are {', '.join(parts)}")
        parts[name](arguments)


if __name__ == "__main__":
    main()

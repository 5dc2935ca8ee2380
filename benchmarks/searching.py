"""What searches over several processes send, hold and save.

    python benchmarks/searching.py [sharing] [threads] [speed] [halving]
        [--megabytes 500] [--songs 1500] [--epochs 3] [--most-epochs 27] [--repeats 3]

``sharing``: a 4 × 4 grid with 3 folds on `--megabytes` of songs, in two processes: what
is sent to them, and what they hold at most, for songs in memory, in a memory map and as
`MappedSongs`, with loky and with Dask. Memory is the proportional set size of the
workers (a page that both share counts once), over what they hold after a tiny fit. Sent
is what this process writes (loky), its files for the workers included, or what passes
the loopback device (Dask), so nothing else should use that.

``threads``: how many compute in PyTorch and in NumPy in two jobs at a time.

``speed``: a 4 × 3 grid with 3 folds on `--songs` songs, in one process and in two, one
thread each, in turn.

``halving``: ``HalvingGridSearchCV(resource="max_epochs")`` against the whole grid.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import psutil
import torch
from measuring import median, print_head, print_table
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
    """Print a row: megabytes sent, held at rest and held at most, and seconds."""
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
    row = [f"{mb / 1e6:.0f}" for mb in (sent, rest, peak.bytes)]
    print(json.dumps([backend, kind, *row, f"{growth:.2f}", f"{seconds:.0f}"]))


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
        columns = ["backend", "songs", "sent MB", "at rest MB", "peak MB"]
        print_table([*columns, "growth/data", "seconds"], shares(path))


def shares(path: Path) -> Iterator[list[str]]:
    """Each in a fresh process, whose workers hold nothing of the one before."""
    for backend in "loky", "dask":
        for kind in "in memory", "memory map", "MappedSongs":
            command = [sys.executable, __file__, "--one", kind, backend, str(path)]
            yield json.loads(subprocess.check_output(command))


def computing(library: str) -> set[tuple[int, int]]:
    """Process and thread of each thread that multiplies matrices for a second."""
    a: Any = np.ones((500, 500), np.float32)
    a = torch.from_numpy(a) if library == "PyTorch" else a
    process = psutil.Process()
    before = {thread.id: thread.user_time for thread in process.threads()}
    end = time.monotonic() + 1  # so that the other worker takes the other task, too
    while time.monotonic() < end:
        a @ a
    spent = {t.id: t.user_time - before.get(t.id, 0) for t in process.threads()}
    least = 0.2 * max(spent.values())
    return {(process.pid, thread) for thread, user in spent.items() if user > least}


def threads(arguments: argparse.Namespace) -> None:
    kept = os.environ.get("OMP_NUM_THREADS", "not set")
    from distributed import Client, LocalCluster

    def measured(backend: str) -> list[str]:
        row = [backend]
        with joblib.parallel_config(backend):
            for library in ("PyTorch", "NumPy"):
                jobs = (joblib.delayed(computing)(library) for _ in range(2))
                found = joblib.Parallel(n_jobs=2)(jobs)
                row.append(str(len(set().union(*found))))
        return row

    rows = [measured(name) for name in ("loky", "multiprocessing", "threading")]
    kinds = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**kinds) as cluster, Client(cluster):
        rows.insert(1, measured("dask"))
    print(f"OMP_NUM_THREADS {kept}, n_jobs=2; threads of both jobs together")
    print_table(("backend", "PyTorch's", "NumPy's"), rows)


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
            asked = (joblib.delayed(torch.get_num_threads)() for _ in "abcd")
            used = joblib.Parallel(n_jobs=2)(asked)
            GridSearchCV(net, {"l2": [0, 1]}, cv=2, n_jobs=2).fit(songs[:100], y[:100])
            for _ in range(arguments.repeats):
                for n_jobs, times in seconds.items():
                    search = GridSearchCV(net, grid, cv=3, n_jobs=n_jobs, refit=False)
                    start = time.perf_counter()
                    search.fit(songs, y)
                    times.append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(seconds[1], seconds[2], strict=True)]
    print(f"4 × 3 grid, 3 folds, {len(y)} songs, {arguments.epochs} epochs")
    print(f"threads of PyTorch in each worker: {sorted(set(used))}")
    medians = [f"{median(seconds[1]):.1f}", f"{median(seconds[2]):.1f}"]
    medians.append(f"{median(ratios):.2f}")
    every = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    header = ("n_jobs=1, s", "n_jobs=2, s", "ratio", "all ratios")
    print_table(header, [[*medians, every]])


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
    rows = []
    for name, search in ("whole", whole), ("halving", halved):
        start = time.process_time()
        search.fit(X, y)
        seconds = time.process_time() - start
        epochs = 3 * np.sum(search.cv_results_.get("n_resources", [most] * 12))
        rows.append([name, str(epochs), f"{seconds:.1f}", str(search.best_params_)])
    print_table(("search", "epochs trained", "processor s", "best"), rows)
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
    parser.add_argument("what", nargs="*", metavar="sharing, threads, speed, halving")
    parser.add_argument("--megabytes", type=float, default=500)
    parser.add_argument("--songs", type=int, default=1500)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--most-epochs", type=int, default=27, help="halving's (27)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return share(*arguments.one)
    print_head()
    parts = {
        "sharing": sharing,
        "threads": threads,
        "speed": speed,
        "halving": halving,
    }
    for name in arguments.what or parts:
        if name not in parts:
            parser.error(f"there is no {name!r}; there are {', '.join(parts)}")
        parts[name](arguments)


if __name__ == "__main__":
    main()

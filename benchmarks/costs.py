"""What the models that the guide advises cost: seconds of one core, and memory.

    python benchmarks/costs.py [--songs 100 4000 40000]

Songs are synthetic, of 120 segments, in float32. Each cost is taken in a process of its
own. Memory is what the process's largest resident set grows by after the songs are
there; an epoch is the second less the first, so that what is done once is not in it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from measuring import print_head, print_table
from music import net
from threadpoolctl import threadpool_limits

from sklearn_msd import SegmentStatistics, TimeConvClassifier
from sklearn_msd.datasets import make_songs

# The pooled net of the guide, which is trained on crops of 120 segments: here the songs
# are no longer than these.
POOLED = {"global_pooling": ("mean", "std"), "dropout": 0.5, "summary_norm": "batch"}


def statistics(X: np.ndarray, y: np.ndarray) -> float:
    start = time.process_time()
    SegmentStatistics().fit_transform(X)
    return time.process_time() - start


def epoch(make: Callable[[int], Any]) -> Callable[[np.ndarray, np.ndarray], float]:
    def seconds(X: np.ndarray, y: np.ndarray) -> float:
        taken = []
        for n_epochs in (1, 2):
            start = time.process_time()
            make(n_epochs).fit(X, y)
            taken.append(time.process_time() - start)
        return taken[1] - taken[0]

    return seconds


COSTS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "SegmentStatistics": statistics,
    "TimeConvClassifier, an epoch": epoch(
        lambda n: TimeConvClassifier(max_epochs=n, random_state=0)
    ),
    "pooled net, an epoch": epoch(
        lambda n: net(0, **POOLED).set_params(timeconvclassifier__max_epochs=n)
    ),
}


def largest_memory() -> float:
    """MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cost(what: str, n_songs: int) -> tuple[float, float, float]:
    """Seconds, MB more, and MB of the songs."""
    torch.set_num_threads(1)
    X, y = make_songs(1000, random_state=0)
    X = np.resize(X.astype(np.float32), (n_songs, X.shape[1]))
    y = np.resize(y, n_songs)
    with threadpool_limits(1):
        COSTS[what](X[:200], y[:200])  # what a first call loads
        before = largest_memory()
        seconds = COSTS[what](X, y)
    return seconds, largest_memory() - before, X.nbytes / 1e6


def rows(options: argparse.Namespace) -> Iterator[list[str]]:
    context = multiprocessing.get_context("spawn")
    for n_songs in options.songs:
        for what in COSTS:
            with context.Pool(1) as pool:
                seconds, grown, held = pool.apply(cost, (what, n_songs))
            row = [what, str(n_songs), f"{seconds:.1f}", f"{grown:.0f}", f"{held:.0f}"]
            yield row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, nargs="+", default=[100, 4000, 40_000])
    options = parser.parse_args()
    print_head()
    columns = ["what", "songs", "processor seconds", "MB more", "MB of songs"]
    print_table(columns, rows(options))


if __name__ == "__main__":
    main()

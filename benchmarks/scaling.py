"""How time and memory of an epoch grow with songs, segments and classes.

    python benchmarks/scaling.py [--quick] [--threads 1] [--picture FILE]

One epoch of `TimeConvClassifier` in a process of its own for each size, on float16
songs of random numbers. Memory is what the process's largest resident set grows by
after the songs are there. A slope is that of a line through the logarithms of the
three largest sizes: 1 is in proportion.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Iterator, Sequence

import numpy as np
from measuring import print_head, print_table

SIZES: dict[str, Sequence[int]] = {
    "songs": (1000, 4000, 16_000, 64_000, 160_000),
    "segments": (60, 120, 240, 480, 960),
    "classes": (10, 25, 50, 100),
}
USUAL = {"songs": 4000, "segments": 120, "classes": 10}
QUICK = {"songs": (500, 1000, 2000), "segments": (60, 120, 240), "classes": (10, 100)}


def epoch(
    songs: int, segments: int, classes: int, threads: int
) -> tuple[float, float, float]:
    """Seconds of an epoch, MB that it takes, and MB of the songs."""
    import torch

    from sklearn_msd import TimeConvClassifier

    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    block = rng.normal(size=(500, segments * 25)).astype(np.float16)
    X = np.resize(block, (songs, segments * 25))
    y = np.arange(songs) % classes
    net = TimeConvClassifier(max_epochs=1, random_state=0)
    net.fit(X[:200], y[:200])  # what a first fit loads
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    net.fit(X, y)
    seconds = time.perf_counter() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return seconds, max(grown, 0) / 1024, X.nbytes / 2**20


def slope(sizes: Sequence[int], values: Sequence[float]) -> float:
    """Of a line through the logarithms of the three largest."""
    x, y = np.log(sizes[-3:]), np.log(np.maximum(values[-3:], 1e-3))
    return float(np.polyfit(x, y, 1)[0])


def draw(found: dict[str, dict], path: str) -> None:
    """Time and memory over each size, on logarithmic axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots(2, len(found), sharey="row", squeeze=False)
    for column, (what, values) in enumerate(found.items()):
        for row, (key, unit) in enumerate((("seconds", "s"), ("MB", "MB"))):
            axis = axes[row, column]
            steepness = slope(values["sizes"], values[key])
            axis.loglog(values["sizes"], values[key], "ko-", markersize=4)
            axis.set_title(f"slope {steepness:.2f}", fontsize=10)
            axis.grid(color="0.9")
            if column == 0:
                axis.set_ylabel(f"{'time' if row == 0 else 'more memory'} ({unit})")
        axes[1, column].set_xlabel(what)
    figure.suptitle("One epoch of a convolution in time", fontsize=11)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes alone")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--picture", help="PNG file to draw to")
    options = parser.parse_args()
    print_head()
    print(f"One epoch of TimeConvClassifier, {options.threads} thread(s)")
    found: dict[str, dict] = {}

    def rows() -> Iterator[list[str]]:
        context = multiprocessing.get_context("spawn")
        for what, sizes in (QUICK if options.quick else SIZES).items():
            values = found.setdefault(what, {"sizes": sizes, "seconds": [], "MB": []})
            for size in sizes:
                setting = USUAL | {what: size}
                with context.Pool(1) as pool:
                    seconds, grown, held = pool.apply(
                        epoch, kwds=setting | {"threads": options.threads}
                    )
                values["seconds"].append(seconds)
                values["MB"].append(grown)
                per_second = setting["songs"] / seconds
                yield [
                    *(str(setting[key]) for key in USUAL),
                    f"{seconds:.2f}",
                    f"{per_second:.0f}",
                    f"{grown:.0f}",
                    f"{held:.0f}",
                ]

    print_table(
        [*USUAL, "seconds", "songs/s", "MB more", "MB of songs"],
        rows(),
    )
    print_table(
        ["over", "slope of time", "slope of memory"],
        [
            [what, *(f"{slope(v['sizes'], v[key]):.2f}" for key in ("seconds", "MB"))]
            for what, v in found.items()
        ],
    )
    if options.picture:
        draw(found, options.picture)


if __name__ == "__main__":
    main()

"""What the benchmarks share: turns, medians, tables, the machine.

What a script prints is a page in Markdown: the command, the machine, and tables. The
folder ``results`` has pages of runs whose figures the documentation states.
"""

from __future__ import annotations

import os
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

Seconds = dict[str, list[float]]

# Between contenders, in seconds. The idle threads of one keep the processor busy for a
# while, at the cost of the next: with two threads NumPy's halved the speed of PyTorch.
PAUSE = 0.1


def in_turn(contenders: dict[str, Callable[[], object]], repeats: int) -> Seconds:
    """Seconds of each contender, taken in turn after one turn that is not counted.

    On a machine whose speed drifts, figures of the same turn can be compared.
    """
    seconds: Seconds = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, run in contenders.items():
            time.sleep(PAUSE)
            start = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def median(values: Sequence[float]) -> float:
    """What is quoted of several turns."""
    return statistics.median(values)


def by(reference: Sequence[float], values: Sequence[float]) -> float:
    """Median over the turns of a contender's time by the reference's."""
    return median([b / a for a, b in zip(reference, values, strict=True)])


def print_head() -> None:
    """Print what was run, where and when."""
    script = f"benchmarks/{Path(sys.argv[0]).name}"
    command = shlex.join(["python", script, *sys.argv[1:]])
    print(f"`{command}`\n\n{machine()}, {time.strftime('%Y-%m-%d')}\n", flush=True)


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table, each row as soon as it is there."""
    print(f"\n| {' | '.join(header)} |\n|{'---|' * len(header)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
    print(flush=True)


def machine() -> str:
    """Processor, system and versions, in one line."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":")[1] for line in file if "model name" in line]
        model = names[0].strip() if names else model
    except OSError:
        pass
    packages = []
    for name in (
        "torch",
        "skorch",
        "scikit-learn",
        "numpy",
        "onnxruntime",
        "aeon",
        "sktime",
    ):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (
        f"{os.cpu_count()} × {model}, {platform.system()}, Python "
        f"{platform.python_version()}, {', '.join(packages)}"
    )

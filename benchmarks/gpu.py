"""On a GPU: one net, twelve together, a whole search, and predictions.

    python benchmarks/gpu.py [--songs 20000] [--epochs 3] [--batch-size 50]
        [--device cuda] [--only one twelve search predicting]

Synthetic songs of 120 segments, float32, PyTorch's defaults for TF32. An epoch is the
median over those after the first, which has the capture. Each line has what is measured
and what it is compared with in the same run: ratios are of one machine at one time. The
last column is what the project wants of it. With ``--device cpu`` the script itself can
be tried: nothing is gained there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import joblib
import numpy as np
import torch
from epoch import Plain
from measuring import median, print_head, print_table
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_msd import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.datasets import make_songs

NETS = {
    "time, max pool 2": TimeConvClassifier,
    "segment": SegmentConvClassifier,
    "fully connected": FullyConnectedClassifier,
    "recurrent": RecurrentClassifier,
}
N_TOGETHER = 12

Row = list[str]


def wait(device: torch.device) -> None:
    """Until the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(call: Callable[[], object], device: torch.device) -> float:
    wait(device)
    start = time.perf_counter()
    call()
    wait(device)
    return time.perf_counter() - start


def plain_epoch(kind: str, X: np.ndarray, y: np.ndarray, options) -> float:
    """Seconds of an epoch of a loop by hand, its songs held on the device."""
    device = torch.device(options.device)
    net = Plain(kind).to(device)
    optimizer = torch.optim.Adam(net.parameters())
    songs = torch.from_numpy(X.reshape(len(X), 120, 25)).to(device)
    labels = torch.from_numpy(y).to(device)

    def epoch() -> None:
        for rows in torch.randperm(len(songs), device=device).split(options.batch_size):
            loss = torch.nn.functional.cross_entropy(net(songs[rows]), labels[rows])
            loss = loss + net.penalty()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    epoch()
    return median([seconds_of(epoch, device) for _ in range(options.epochs)])


def make(kind: str, options, **params):
    return NETS[kind](
        batch_size=options.batch_size,
        max_epochs=options.epochs + 1,
        device=options.device,
        **{"random_state": 0, **params},
    )


def epoch_of(nets) -> float:
    """Seconds of an epoch of nets that were fitted, without the first."""
    return median([e["dur"] for net in nets for e in list(net.net_.history)[1:]])


def together(options):
    """The backend; on the CPU stacks are for trying the script alone."""
    on_cpu = options.device == "cpu"
    return joblib.parallel_config(backend="together", n_jobs=48, on_cpu=on_cpu)


def one(X, y, options) -> Iterator[Row]:
    """One net against a loop by hand."""
    for kind in NETS:
        plain = plain_epoch(kind, X, y, options)
        ours = epoch_of([make(kind, options).fit(X, y)])
        yield [f"one net, {kind}", *compared(ours, "loop by hand", plain), "≤ 0.2"]


def twelve(X, y, options) -> Iterator[Row]:
    """Twelve nets against one."""
    for kind in NETS:
        if kind == "recurrent":  # no stack can train it
            continue
        alone = epoch_of([make(kind, options).fit(X, y)])
        nets = [make(kind, options, random_state=i) for i in range(N_TOGETHER)]
        with together(options):
            nets = joblib.Parallel()(joblib.delayed(net.fit)(X, y) for net in nets)
        row = compared(epoch_of(nets), "one of them", alone)
        yield [f"{N_TOGETHER} nets, {kind}", *row, "≤ 4"]


def search(X, y, options) -> Iterator[Row]:
    """A grid of 4 heights and 3 strengths with 3 folds, against one fit at a time."""
    net = make("time, max pool 2", options).set_params(max_epochs=options.epochs)
    grid = {"kernel_height": [1, 3, 5, 8], "l2": [0.001, 0.01, 0.1]}
    device = torch.device(options.device)
    found = GridSearchCV(net, grid, cv=3, refit=False)
    with together(options):
        met = seconds_of(lambda: clone(found).fit(X, y), device)
    alone = seconds_of(lambda: clone(found).fit(X, y), device)
    yield ["search of 4 × 3, 3 folds", *compared(met, "n_jobs=1", alone), "≤ 0.1"]


def predicting(X, y, options) -> Iterator[Row]:
    """Predictions against the copy of their bytes."""
    device = torch.device(options.device)
    for kind in NETS:
        net = make(kind, options).set_params(max_epochs=1).fit(X[:1000], y[:1000])
        copies, predictions = [], []
        for _ in range(options.epochs + 1):
            copies.append(seconds_of(lambda: torch.tensor(X).to(device), device))
            predictions.append(seconds_of(lambda net=net: net.predict(X), device))
        ours, copy = median(predictions[1:]), median(copies[1:])
        yield [f"predict, {kind}", *compared(ours, "copy of the bytes", copy), "≤ 3"]


def compared(seconds: float, name: str, other: float) -> Row:
    return [f"{seconds:.4f}", name, f"{other:.4f}", f"{seconds / other:.3f}"]


PARTS = {"one": one, "twelve": twelve, "search": search, "predicting": predicting}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    options = parser.parse_args()
    card = "no GPU"
    if options.device != "cpu":
        card = torch.cuda.get_device_name(options.device)
    print_head()
    print(f"{options.songs} songs, batches of {options.batch_size}; {card}")
    X, y = make_songs(options.songs, random_state=0)
    X = np.ascontiguousarray(X, dtype=np.float32)
    y[:10] = np.arange(10)
    print_table(
        ["what", "seconds", "compared with", "its seconds", "ratio", "wanted"],
        (row for name in options.only for row in PARTS[name](X, y, options)),
    )


if __name__ == "__main__":
    main()

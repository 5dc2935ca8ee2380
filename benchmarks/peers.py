"""What a user would pick instead: time series classifiers of aeon and sktime.

    python benchmarks/peers.py [--data spoken-digits] [--epochs 20] [--seeds 0 1 2]

All are trained and tested on the same standardised songs, split as the report's page
splits them (no speaker on both sides), in turn, on one thread. Nets train for as many
epochs in batches of 50; all else is what each package has as its default. Seconds and
songs a second are medians over the seeds; the accuracy is on the songs held out, mean
and range over the seeds: of 200 songs where nothing else is said, so that differences
below about 0.07 mean little.

The rivals need a recent aeon and sktime beside this package: `make peers` makes an
environment for them.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from measuring import machine, median, print_table
from threadpoolctl import threadpool_limits

from sklearn_msd import (
    FullyConnectedClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.datasets.sources.tasks import find_tasks
from sklearn_msd.report.data import prepare

Make = Callable[[int, int], Any]  # from a seed and a number of epochs


def ours() -> dict[str, Make]:
    """Nets of this package."""

    def net(kind: Any, **params: Any) -> Make:
        return lambda seed, epochs: kind(max_epochs=epochs, random_state=seed, **params)

    return {
        "FullyConnectedClassifier": net(FullyConnectedClassifier),
        "SegmentConvClassifier": net(SegmentConvClassifier),
        "TimeConvClassifier": net(TimeConvClassifier),
        "TimeConvClassifier(global_pooling='mean_max')": net(
            TimeConvClassifier, global_pooling="mean_max"
        ),
    }


def theirs() -> dict[str, Make]:
    """Those of aeon and sktime that can be had with PyTorch or without a net."""
    from aeon.classification.convolution_based import MiniRocketClassifier
    from sktime.classification.deep_learning.cnn import CNNClassifierTorch
    from sktime.classification.deep_learning.fcn import FCNClassifierTorch

    def net(kind: Any) -> Make:
        return lambda seed, epochs: kind(
            num_epochs=epochs, batch_size=50, random_state=seed
        )

    return {
        "sktime CNNClassifierTorch": net(CNNClassifierTorch),
        "sktime FCNClassifierTorch": net(FCNClassifierTorch),
        "aeon MiniRocketClassifier": lambda seed, _: MiniRocketClassifier(
            random_state=seed
        ),
    }


def rows(options: argparse.Namespace) -> Iterator[list[str]]:
    """Train and test all of them, seed after seed."""
    tasks = find_tasks(options.data, 4000, 1000)
    data = prepare(next(iter(tasks.values()))(), 4000, 1000)
    width = data.n_segment_features
    rivals = theirs()
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in options.seeds:
        for name, make in {**ours(), **rivals}.items():
            train, valid = data.X_train, data.X_valid
            if name in rivals:  # (songs, features, time)
                train, valid = (
                    np.ascontiguousarray(
                        X.reshape(len(X), -1, width).transpose(0, 2, 1), dtype=float
                    )
                    for X in (train, valid)
                )
            model = make(seed, options.epochs)
            if seed == options.seeds[0]:  # what is compiled or loaded but once
                make(seed, 1).fit(train[:50], data.y_train[:50])
            start = time.perf_counter()
            model.fit(train, data.y_train)
            fitted = time.perf_counter()
            predicted = np.asarray(model.predict(valid))
            found.setdefault(name, []).append(
                (
                    fitted - start,
                    len(valid) / (time.perf_counter() - fitted),
                    float(np.mean(predicted == data.y_valid)),
                )
            )
    for name, values in found.items():
        seconds, speed, accuracy = zip(*values, strict=True)
        yield [
            name,
            f"{median(seconds):.1f}",
            f"{median(speed):.0f}",
            f"{np.mean(accuracy):.3f} ({min(accuracy):.3f} to {max(accuracy):.3f})",
        ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="spoken-digits")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(f"{options.data}, {options.epochs} epochs; {machine()}")
    with threadpool_limits(1):
        print_table(
            ["classifier", "fit, seconds", "predict, songs/s", "accuracy"],
            rows(options),
        )


if __name__ == "__main__":
    main()

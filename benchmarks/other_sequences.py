"""Sequences that are not music: these nets and MiniRocket on the UCR archive's data.

    python benchmarks/other_sequences.py [--epochs 100] [--seeds 0 1] [--data NAME …]
        [--classifiers NAME …]

The data sets are those that the aeon package ships, so that nothing is downloaded, with
the archive's own split into a training and a test part and, where sequences are of
unequal length, its version with equal ones. Each channel is brought to mean 0 and
deviation 1 by `SegmentScaler`. Accuracies are on the test part: the mean over the
seeds, and the range where it differs; seconds are of a fit and its predictions.

It needs aeon beside this package: `make peers` makes an environment for it.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from measuring import print_head, print_table
from threadpoolctl import threadpool_limits

from sklearn_msd import (
    SegmentScaler,
    TimeConvClassifier,
)

DATA = (
    "ItalyPowerDemand",
    "BasicMotions",
    "JapaneseVowels",
    "GunPoint",
    "ArrowHead",
    "PickupGestureWiimoteZ",
    "ACSF1",
    "OSULeaf",
)

# What the guide says to begin with.
TO_BEGIN_WITH = {
    "kernel_height": 7,
    "global_pooling": ("mean", "std", "max"),
    "summary_norm": "batch",
    "batch_size": 16,
    "lr_schedule": "one_cycle",
    "learning_rate": 0.01,
}


def contenders(epochs: int) -> dict[str, Callable[[int], Any]]:
    """Nets of this package and MiniRocket, each made of a seed."""
    from aeon.classification.convolution_based import MiniRocketClassifier

    settings: dict[str, dict[str, Any]] = {
        "as they come": {},
        "global pooling": {"global_pooling": "mean_max"},
        "to begin with": TO_BEGIN_WITH,
    }
    return {
        name: lambda seed, kwargs=kwargs: TimeConvClassifier(
            max_epochs=epochs, random_state=seed, **kwargs
        )
        for name, kwargs in settings.items()
    } | {"MiniRocket": lambda seed: MiniRocketClassifier(random_state=seed)}


def load(name: str, split: str) -> tuple[Any, Any]:
    """Sequences, (sequences, steps, channels), and labels."""
    from aeon.datasets import load_classification

    X, y = load_classification(name, split=split, load_equal_length=True)
    return X.transpose(0, 2, 1).astype(np.float64), y


def accuracies(
    name: str, epochs: int, seeds: list[int], chosen: list[str]
) -> Iterator[tuple[str, list[float], float]]:
    """Accuracies over the seeds and seconds of a fit, classifier by classifier."""
    X, y = load(name, "train")
    X_test, y_test = load(name, "test")
    scaler = SegmentScaler().fit(X)
    songs = [scaler.transform(X), scaler.transform(X_test)]
    turned = [np.ascontiguousarray(x.transpose(0, 2, 1)) for x in songs]
    for contender in chosen:
        make = contenders(epochs)[contender]
        X, X_test = turned if contender == "MiniRocket" else songs
        found, start = [], time.perf_counter()
        for seed in seeds:
            model = make(seed).fit(X, y)
            found.append(float(np.mean(model.predict(X_test) == y_test)))
        yield contender, found, (time.perf_counter() - start) / len(seeds)


def rows(options: argparse.Namespace) -> Iterator[list[str]]:
    """A row for each data set."""
    for name in options.data:
        X, y = load(name, "train")
        n_sequences, n_steps, n_channels = X.shape
        row = [name, *map(str, (n_sequences, len(set(y)), n_steps, n_channels))]
        for _, found, seconds in accuracies(
            name, options.epochs, options.seeds, options.classifiers
        ):
            spread = max(found) - min(found)
            text = f"{np.mean(found):.3f}"
            if spread > 0:
                text += f" ({min(found):.3f} to {max(found):.3f})"
            row.append(f"{text}, {seconds:.1f} s")
        yield row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--data", nargs="+", default=DATA)
    names = list(contenders(1))
    parser.add_argument("--classifiers", nargs="+", default=names, choices=names)
    options = parser.parse_args()
    print_head()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(f"{options.epochs} epochs, {len(options.seeds)} seeds")
    with threadpool_limits(1):
        print_table(
            ["data", "sequences", "classes", "steps", "channels"]
            + [f"{name}, accuracy, seconds" for name in options.classifiers],
            rows(options),
        )


if __name__ == "__main__":
    main()

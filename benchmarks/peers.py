"""What a user would pick instead: time series classifiers of aeon and sktime.

    python benchmarks/peers.py [--epochs 20]

The spoken digits that come with the package: the words of two voices in six are held
out, of others in each of three folds, and all classifiers are trained and tested on the
same standardised songs, in turn, on one thread. Nets train for as many epochs in
batches of 50; all else is what each package has as its default. Seconds and songs a
second are medians over the folds; accuracies are the mean and the range over them: of
200 songs each, so that differences below about 0.07 mean little.

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
from measuring import median, print_head, print_table
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_msd import (
    FullyConnectedClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.datasets import load_spoken_digits

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
    """Train and test all of them, fold after fold."""
    words = load_spoken_digits()
    rivals = theirs()
    found: dict[str, list[tuple[float, float, float]]] = {}
    folds = GroupKFold(3).split(words.data, groups=words.groups)
    for seed, (known, held_out) in enumerate(folds):
        scaler = StandardScaler().fit(words.data[known])
        own = [scaler.transform(words.data[rows]) for rows in (known, held_out)]
        y, y_test = words.target[known], words.target[held_out]
        turned = [  # (songs, features, time)
            np.ascontiguousarray(X.reshape(len(X), -1, 25).transpose(0, 2, 1), float)
            for X in own
        ]
        for name, make in {**ours(), **rivals}.items():
            X, X_test = turned if name in rivals else own
            if seed == 0:  # what is compiled or loaded but once
                make(seed, 1).fit(X[:50], y[:50])
            model = make(seed, options.epochs)
            start = time.perf_counter()
            model.fit(X, y)
            fitted = time.perf_counter()
            predicted = np.asarray(model.predict(X_test))
            found.setdefault(name, []).append(
                (
                    fitted - start,
                    len(X_test) / (time.perf_counter() - fitted),
                    float(np.mean(predicted == y_test)),
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
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    print_head()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(f"{options.epochs} epochs")
    with threadpool_limits(1):
        print_table(
            ["classifier", "fit, seconds", "predict, songs/s", "accuracy"],
            rows(options),
        )


if __name__ == "__main__":
    main()

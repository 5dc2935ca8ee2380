"""What combining and correcting cost when frozen models predict once, not each epoch.

    python benchmarks/combining.py [--threads 1] [--songs 1000] [--epochs 5]
        [--repeats 5]

The first table: a linear combiner on the logits of three models for 40,000 songs, which
are there already (cached), and what the pass to get them costs. The second: an epoch of
a corrector against one of the same net alone. Against both stands recomputing the
frozen models in every epoch, as the report did; its pass over 40,000 songs is that over
`--songs` scaled up. Medians over interleaved turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from measuring import in_turn, median, print_head, print_table
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    LinearCombiner,
    NonlinearCombiner,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.classifiers.logit_classifier import LogitClassifierMixin
from sklearn_msd.datasets import make_songs

N_CACHED = 40_000


class Cached(LogitClassifierMixin, BaseEstimator):
    """A model whose logits are columns of its input."""

    def __init__(self, first: int) -> None:
        self.first = first

    def fit(self, X: np.ndarray, y: np.ndarray) -> Cached:
        """Learn the classes alone."""
        self.classes_ = np.unique(y)
        return self

    def _logits(self, X: np.ndarray) -> np.ndarray:
        return X[:, self.first : self.first + len(self.classes_)]


def cached_logits(n_classes: int) -> tuple[np.ndarray, np.ndarray, list]:
    """Logits that know something of the labels, and the models that give them."""
    rng = np.random.RandomState(0)
    y = rng.randint(n_classes, size=N_CACHED)
    known = np.eye(n_classes)[y]
    parts = [
        2 * rng.normal(size=(N_CACHED, n_classes)) + (1.5 + 0.5 * i) * known
        for i in range(3)
    ]
    Z = np.hstack(parts).astype(np.float32)
    models = [
        (f"model{i}", FrozenEstimator(Cached(i * n_classes).fit(Z, y)))
        for i in range(3)
    ]
    return Z, y, models


def turns(contenders: dict[str, Callable], repeats: int) -> dict[str, float]:
    """Median seconds of each, taken in turn."""
    return {name: median(s) for name, s in in_turn(contenders, repeats).items()}


def combining(X: np.ndarray, y: np.ndarray, repeats: int) -> None:
    nets = [
        FullyConnectedClassifier(max_epochs=1, random_state=0).fit(X, y),
        SegmentConvClassifier(max_epochs=1, random_state=0).fit(X, y),
        TimeConvClassifier(max_epochs=1, random_state=0).fit(X, y),
    ]

    def predict() -> None:
        for net in nets:
            net.decision_function(X)

    contenders: dict[str, Callable] = {"one pass of three frozen nets": predict}
    for n_classes in (10, 25):
        Z, labels, models = cached_logits(n_classes)
        linear = LinearCombiner(models, l2=1e-3, shrink_to="zero")
        contenders[f"linear combiner, {n_classes} classes"] = (
            lambda m=linear, Z=Z, labels=labels: m.fit(Z, labels)
        )
    Z, labels, models = cached_logits(10)
    epoch = NonlinearCombiner(models, max_epochs=1, random_state=0)
    contenders["an epoch of the non-linear combiner, 10 classes"] = lambda: epoch.fit(
        Z, labels
    )
    seconds = turns(contenders, repeats)
    first = next(iter(seconds))
    seconds[first] *= N_CACHED / len(X)
    print(f"\n{N_CACHED} songs, three models, logits cached")
    print_table(["what", "seconds"], [[n, f"{s:.2f}"] for n, s in seconds.items()])


def correcting(X: np.ndarray, y: np.ndarray, epochs: int, repeats: int) -> None:
    base = TimeConvClassifier(max_epochs=1, random_state=0).fit(X, y)
    net = FullyConnectedClassifier(max_epochs=epochs, random_state=0)
    corrected = CorrectingClassifier(FrozenEstimator(base), net)
    seconds = turns(
        {
            "base": lambda: base.decision_function(X),
            "alone": lambda: net.fit(X, y),
            "corrector": lambda: corrected.fit(X, y),
        },
        repeats,
    )
    alone = seconds["alone"] / epochs
    epoch = (seconds["corrector"] - seconds["base"]) / epochs
    recomputed = alone + seconds["base"]
    print(f"\n{len(X)} songs, fully connected corrector on a convolution in time")
    rows = (
        ("an epoch of the net alone", alone),
        ("an epoch of the corrector", epoch),
        ("the base's one pass", seconds["base"]),
        ("an epoch with the base recomputed in it", recomputed),
    )
    print_table(
        ["what", "seconds", "to the net alone"],
        [[name, f"{value:.3f}", f"{value / alone:.2f}"] for name, value in rows],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--songs", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    print_head()
    torch.set_num_threads(arguments.threads)
    X, y = make_songs(arguments.songs, random_state=0)
    combining(X, y, arguments.repeats)
    correcting(X, y, arguments.epochs, arguments.repeats)


if __name__ == "__main__":
    main()

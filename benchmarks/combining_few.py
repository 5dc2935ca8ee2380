"""Ways to combine models, at a hundred songs and at tens of thousands.

    python benchmarks/combining_few.py synthetic [--songs 100 600 4000 40000]
    python benchmarks/combining_few.py songs.npz [--repeats 4] [--out results.json]

Three members, logistic regression on song statistics, a convolution in time and a fully
connected net, are fitted to a number of songs, and combined by what their clones say of
songs that they have not seen (3 folds). Synthetic songs are drawn anew from 40,000 as
often as `DRAWS` says; nets train the fewer epochs, the more songs there are. All are
scored on the same 2000 others. An npz file is as for ``music.py``: its songs are
trained and scored on in 5 folds. Margins come with 95% intervals, paired over songs and
draws or repeats (`sklearn_msd.report.judging.intervals`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from combining import Cached
from measuring import machine, print_head, print_table
from music import BEST_NET, TRAINING, cropped, folds, load, logistic, net
from scipy.special import softmax
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits
from time_to_accuracy import interval

from sklearn_msd import FullyConnectedClassifier, LinearCombiner, class_logits
from sklearn_msd.combining.logits import out_of_fold_logits
from sklearn_msd.datasets import make_songs
from sklearn_msd.report.judging.intervals import Comparison, accuracy, compare

POOL, N_TEST, N_SEGMENTS = 40_000, 2_000, 20
# By the number of songs.
DRAWS = {100: 20, 600: 10, 4000: 5, 40_000: 1}
EPOCHS = {100: 30, 600: 15, 4000: 5, 40_000: 1}
REFERENCE = "average of logits"

Logits = tuple[np.ndarray, np.ndarray]  # out of fold, of songs to score: (models, n, k)


def members(seed: int, epochs: int, n_segments: int) -> dict[str, Any]:
    """Models of three kinds."""
    dense = FullyConnectedClassifier(
        **{**TRAINING, "max_epochs": epochs}, random_state=seed
    )
    front = cropped(dense).set_params(segmentcropper__n_segments=n_segments)
    crops = {**BEST_NET, "crop_segments": None}
    conv = net(seed, **crops).set_params(timeconvclassifier__max_epochs=epochs)
    return {"statistics": logistic(), "time": conv, "dense": front}


def logits_of(
    models: dict[str, Any], X: np.ndarray, y: np.ndarray, X_test: np.ndarray, seed: int
) -> Logits:
    """What clones say of songs that they have not seen, and models of others."""
    cv = list(StratifiedKFold(3, shuffle=True, random_state=seed).split(y, y))
    held_out = [out_of_fold_logits(model, X, y, cv=cv) for model in models.values()]
    test = [class_logits(model.fit(X, y), X_test) for model in models.values()]
    return np.array(held_out), np.array(test)


def by_combiner(**params: Any) -> Callable[[Logits, np.ndarray], np.ndarray]:
    """Logits of a combiner that learns from songs held out."""

    def combined(logits: Logits, y: np.ndarray) -> np.ndarray:
        Z, Z_test = (np.hstack(part) for part in logits)
        n_classes = len(np.unique(y))
        columns = range(0, Z.shape[1], n_classes)
        bases = [(f"model{i}", FrozenEstimator(Cached(i).fit(Z, y))) for i in columns]
        return class_logits(LinearCombiner(bases, **params).fit(Z, y), Z_test)

    return combined


def best_member(logits: Logits, y: np.ndarray) -> np.ndarray:
    """That which is the most accurate on songs held out."""
    codes = np.unique(y, return_inverse=True)[1]
    right = (logits[0].argmax(axis=2) == codes).mean(axis=1)
    return logits[1][right.argmax()]


WAYS: dict[str, Callable[[Logits, np.ndarray], np.ndarray]] = {
    "best member, chosen on songs held out": best_member,
    REFERENCE: lambda logits, y: logits[1].mean(axis=0),
    "average of probabilities": lambda logits, y: softmax(logits[1], axis=2).mean(0),
    "average of calibrated logits": by_combiner(l2=np.inf),
    "one weight a model": by_combiner(l2=np.inf, shrink_to="weighted_average"),
    "shrunk to the average": by_combiner(shrink_to="average"),
    "shrunk to the calibrated average (the default)": by_combiner(),
    "shrunk to one weight a model": by_combiner(shrink_to="weighted_average"),
    "all weights free (the report's)": by_combiner(l2=1e-3, shrink_to="zero"),
}


def score(
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    seed: int,
    epochs: int,
) -> dict[str, np.ndarray]:
    """Which songs each way gets right, and each member alone."""
    # All segments of synthetic songs, and the central ones of others.
    models = members(seed, epochs, min(X[0].size // 25, 60))
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logits = logits_of(models, X, y, X_test, seed)
        found = dict(zip((f"{name} alone" for name in models), logits[1], strict=True))
        found |= {name: way(logits, y) for name, way in WAYS.items()}
    classes = np.unique(y)
    return {
        name: (classes[one.argmax(axis=1)] == y_test).astype(float)
        for name, one in found.items()
    }


@lru_cache(maxsize=1)
def synthetic() -> tuple[np.ndarray, np.ndarray]:
    """Songs to draw from, and others to score on, the last."""
    X, y = make_songs(POOL + N_TEST, n_segments=N_SEGMENTS, random_state=0)
    return X, y


def draw(n_songs: int, number: int) -> dict[str, np.ndarray]:
    """Score on synthetic songs; no two draws have a song in common."""
    torch.set_num_threads(1)
    X, y = synthetic()
    known = slice(number * n_songs, (number + 1) * n_songs)
    return score(X[known], y[known], X[POOL:], y[POOL:], number, EPOCHS[n_songs])


def repeat(path: str, number: int) -> dict[str, np.ndarray]:
    """Score each song of a file by models that have not heard it."""
    torch.set_num_threads(1)
    X, y, group = load(path)
    right: dict[str, np.ndarray] = {}
    for train, test in folds(y, group, 5, number):
        found = score(X[train], y[train], X[test], y[test], number, EPOCHS[100])
        for name, one in found.items():
            right.setdefault(name, np.zeros(len(y)))[test] = one
    return right


def compared(runs: list[dict[str, np.ndarray]]) -> dict[str, dict[str, Any]]:
    """Accuracies over runs, and margins to the reference."""
    right = {name: np.array([run[name] for run in runs]) for name in runs[0]}
    return {
        name: {
            "accuracy": vars(accuracy(one)),
            "against_reference": vars(compare(one, right[REFERENCE])),
        }
        for name, one in right.items()
    }


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help='"synthetic" or an npz file')
    parser.add_argument("--songs", type=int, nargs="+", default=[*DRAWS], choices=DRAWS)
    parser.add_argument("--draws", type=int, help="at most, of each number of songs")
    parser.add_argument("--repeats", type=int, default=4, help="of an npz file's folds")
    parser.add_argument("--keep", type=Path, help="folder to go on from when stopped")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    options = parser.parse_args()
    print_head()
    memory = joblib.Memory(options.keep, verbose=0)
    content: dict[str, Any] = {"reference": REFERENCE, "runs": {}}
    if options.out is not None and options.out.exists():
        content = json.loads(options.out.read_text(encoding="utf-8"))
    for n_songs, runs in results(options, memory):
        rows = compared(runs)
        where = "synthetic" if options.source == "synthetic" else "recordings"
        print(f"{n_songs} songs, {where}, {len(runs)} times")
        print_table(
            ("way", "accuracy", f"against {REFERENCE}"),
            (
                (
                    name,
                    interval(Comparison(**row["accuracy"])),
                    interval(Comparison(**row["against_reference"]), "+"),
                )
                for name, row in rows.items()
            ),
        )
        content["runs"][f"{n_songs} songs, {where}"] = {
            "times": len(runs),
            "machine": machine(),
            "ways": rows,
        }
        if options.out is not None:
            text = json.dumps(content, indent=1) + "\n"
            options.out.write_text(text, encoding="utf-8")


def results(
    options: argparse.Namespace, memory: joblib.Memory
) -> Iterator[tuple[int, list[dict[str, np.ndarray]]]]:
    """Numbers of songs, and what was right in each draw or repeat."""
    if options.source != "synthetic":
        again = memory.cache(repeat)
        runs = [again(options.source, number) for number in range(options.repeats)]
        yield len(next(iter(runs[0].values()))), runs
        return
    once = memory.cache(draw)
    for n_songs in options.songs:
        numbers = itertools.islice(range(DRAWS[n_songs]), options.draws)
        yield n_songs, [once(n_songs, number) for number in numbers]


if __name__ == "__main__":
    main()

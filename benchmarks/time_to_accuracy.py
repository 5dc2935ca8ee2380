"""How many epochs a one-cycle rate takes to the accuracy that a constant rate reaches.

    python benchmarks/time_to_accuracy.py synthetic [--seeds 5]
    python benchmarks/time_to_accuracy.py spoken-digits
    python benchmarks/time_to_accuracy.py path/to/fsdd_120x25.npz

The same net (`TimeConvClassifier`, its defaults) from the same starts, trained at a
constant rate with the package's defaults for 100 epochs, as in the report, and by the
recipe below. An npz file has `X`, `y` and `group`: every group (a speaker) but the one
that the recipe was tuned on is held out in its turn, with a start of its own; with
`--seeds 1` six speakers are five trainings of each kind. Synthetic songs are not those
that the recipe was tuned on either.

What counts, fixed beforehand:

- the *plateau* is the constant rate's mean accuracy over its last tenth of epochs;
- *E* is the first epoch at which its curve, the mean over seeds smoothed over three
  epochs, comes within 0.005 of the plateau;
- one cycle counts with the accuracy at its last epoch alone.

Intervals (95%) are paired, over songs and seeds
(`sklearn_msd.report.judging.intervals`); over groups, Student's t on the groups'
margins.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import joblib
import numpy as np
import torch
from measuring import print_head, print_table
from recordings import Recordings, Split, load
from scipy.ndimage import uniform_filter1d
from scipy.stats import t as student

from sklearn_msd import TimeConvClassifier
from sklearn_msd.datasets import make_songs
from sklearn_msd.report.judging.intervals import Comparison, accuracy, compare
from sklearn_msd.report.recorder import PredictionRecorder

# Tuned on the held-out speaker "george" and on synthetic songs of random_state=100.
RECIPE = {
    "lr_schedule": "one_cycle",
    "learning_rate": 5e-3,
    "batch_size": 25,
    "max_epochs": 20,
}
CONSTANT = {"max_epochs": 100}
TUNED_ON = "george"
SYNTHETIC_STATE = 0
TOLERANCE = 0.005


def splits(source: str, n_songs: int | None) -> dict[str, Split]:
    """Songs to train on and to score on, by the name of what is held out."""
    if source == "synthetic":
        n = n_songs or 4000
        X, y = make_songs(
            n + n // 2, task_state=SYNTHETIC_STATE, random_state=SYNTHETIC_STATE
        )
        return {"songs": Split(X[:n], y[:n], np.zeros(n), X[n:], y[n:])}
    recordings: Recordings = load(source)
    return {
        name: recordings.hold_out(name, n_train=n_songs, per="input")
        for name in recordings.groups
        if name != TUNED_ON
    }


def course(split: Split, seed: int, parameters: dict) -> tuple[np.ndarray, float]:
    """Which songs are right after each epoch, (n_epochs, n_songs), and the seconds."""
    torch.set_num_threads(1)
    recorder = PredictionRecorder(len(split.y_test))
    net = TimeConvClassifier(
        **parameters, callbacks=[("recorder", recorder)], random_state=seed
    )
    start = time.process_time()
    net.fit(split.X, split.y, X_val=split.X_test, y_val=split.y_test)
    seconds = time.process_time() - start
    codes = np.searchsorted(np.unique(split.y), split.y_test)
    return np.array(recorder.trainings[-1].whole.predictions) == codes, seconds


def interval(found: Comparison, sign: str = "") -> str:
    return f"{found.margin:{sign}.3f} ({found.low:{sign}.3f} to {found.high:{sign}.3f})"


def over_groups(margins: np.ndarray) -> Comparison:
    """Interval over groups, whose margins are means over seeds and songs."""
    n = len(margins)
    half = student.ppf(0.975, n - 1) * margins.std(ddof=1) / np.sqrt(n)
    mean = margins.mean()
    return Comparison(float(mean), float(mean - half), float(mean + half))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help='"synthetic", "spoken-digits" or an npz file')
    parser.add_argument("--seeds", type=int, default=5, help="starts for each split")
    parser.add_argument("--songs", type=int, help="to train on; 4000 if synthetic")
    parser.add_argument("--keep", type=Path, help="folder to go on from when stopped")
    parser.add_argument("--quick", action="store_true", help="only to see it run")
    arguments = parser.parse_args()
    print_head()
    constant, recipe, n_songs = CONSTANT, RECIPE, arguments.songs
    if arguments.quick:
        constant, recipe = {"max_epochs": 10}, {**RECIPE, "max_epochs": 2}
        arguments.seeds, n_songs = 2, 200
    train = joblib.Memory(arguments.keep, verbose=0).cache(course)
    data = splits(arguments.source, n_songs)
    groups = np.repeat(list(data), [len(split.y_test) for split in data.values()])

    # (n_starts, n_epochs, n_songs), the groups' songs side by side; every training has
    # a start of its own.
    def all_trainings(parameters: dict) -> tuple[np.ndarray, float]:
        rows, seconds = [], 0.0
        for turn in range(arguments.seeds):
            parts = [
                train(split, turn * len(data) + i, parameters)
                for i, split in enumerate(data.values())
            ]
            rows.append(np.hstack([right for right, _ in parts]))
            seconds += sum(spent for _, spent in parts)
        return np.array(rows, dtype=float), seconds

    slow, slow_seconds = all_trainings(constant)
    fast, fast_seconds = all_trainings(recipe)
    n_slow, n_fast = slow.shape[1], fast.shape[1]
    plateau = slow[:, -max(n_slow // 10, 1) :].mean(axis=1)
    curve = uniform_filter1d(slow.mean(axis=(0, 2)), 3, mode="nearest")
    reached = int(np.argmax(curve >= plateau.mean() - TOLERANCE)) + 1
    last = fast[:, -1]
    n_train = next(iter(data.values())).X.shape[0]
    print(
        f"{arguments.source}: {n_train} songs to train on, {len(groups)} to score on, "
        f"{arguments.seeds * len(data)} trainings of each kind"
    )
    rows = (
        ("constant, plateau", n_slow, plateau),
        ("constant, last epoch", n_slow, slow[:, -1]),
        ("constant, stopped", n_fast, slow[:, n_fast - 1]),
        ("one cycle, last epoch", n_fast, last),
    )
    print_table(
        ("training", "epochs", "accuracy"),
        [(name, str(n), interval(accuracy(right))) for name, n, right in rows],
    )
    print(f"constant rate within {TOLERANCE} of its plateau from epoch E = {reached}")
    print(
        f"one cycle's epochs: {n_fast / n_slow:.2f} of the constant rate's, "
        f"{n_fast / reached:.2f} of E; its processor time: "
        f"{fast_seconds / slow_seconds:.2f}"
    )
    print(f"margin over the plateau: {interval(compare(last, plateau), '+')}")
    if len(data) > 1:
        margins = [(last - plateau)[:, groups == name].mean() for name in data]
        print(f"... over groups: {interval(over_groups(np.array(margins)), '+')}")
    for name, right in (("one cycle", fast), ("constant", slow)):
        every = max(right.shape[1] // 20, 1)
        shown = right.mean(axis=(0, 2))[every - 1 :: every]
        by_epoch = " ".join(f"{value:.3f}" for value in shown)
        print(f"{name}, every {every} epochs: {by_epoch}")


if __name__ == "__main__":
    main()

"""What learns genres from a few hundred real songs: models in the same folds.

    python benchmarks/music.py songs.npz [--repeats 4] [--folds 5] [--models NAME ...]
        [--recordings folder] [--keep folder] [--out results.json]

An npz file has `X_flat` (all segments), `offsets` (where each song begins, and the end)
and `y`, or `X` (n, segments, 25) and `y`; with `group` (artists) no group is on both
sides of a fold. "spoken-digits" stands in for one. Songs are read whole; models that
need one length take the central 120 segments. Accuracies come with 95% intervals over
songs and repeats, margins with paired ones (`sklearn_msd.report.judging.intervals`).
Models on musicnn's features read the recordings: a folder in which files are named by
the npz file's `track_id`. What reading takes a song is printed below the table. The
peers need aeon and sktime beside this package: `make peers` makes an environment for
them. A file of results that is there already keeps its other models, so that each may
be run where it can be.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from measuring import machine, print_head, print_table
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits
from time_to_accuracy import interval

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    LinearCombiner,
    SegmentConvClassifier,
    SegmentCropper,
    SegmentScaler,
    SegmentStatistics,
    TimeConvClassifier,
    stack_segments,
)
from sklearn_msd.datasets import AudioSegmenter, load_spoken_digits
from sklearn_msd.datasets.sources.kept_segments import KeptSegments
from sklearn_msd.report.judging.intervals import Comparison, accuracy, compare

REFERENCE = "all statistics, SVM"
TRAINING = {
    "lr_schedule": "one_cycle",
    "learning_rate": 5e-3,
    "batch_size": 25,
    "max_epochs": 30,
}
POOLED = {"global_pooling": ("mean", "std"), "crop_segments": 120}
BEST_NET = {**POOLED, "dropout": 0.5, "summary_norm": "batch"}
# Of the 1500 that it has by default: one takes a second.
INCEPTION_EPOCHS = 100


def statistics(*names: str) -> Any:
    """Song statistics, scaled."""
    chosen = SegmentStatistics(names) if names else SegmentStatistics()
    return make_pipeline(chosen, StandardScaler())


def net(seed: int, **params: Any) -> Any:
    return make_pipeline(
        SegmentScaler(), TimeConvClassifier(**TRAINING, random_state=seed, **params)
    )


def stopped_net(seed: int) -> Any:
    """The best net at a constant rate, for as long as songs held out call for."""
    rate = {"lr_schedule": "constant", "learning_rate": 1e-3}
    stopping = {"max_epochs": 100, "early_stopping": True}
    classifier = TimeConvClassifier(
        **{**TRAINING, **rate, **stopping, **BEST_NET}, random_state=seed
    )
    return make_pipeline(SegmentScaler(), classifier)


def cropped(classifier: Any) -> Any:
    return make_pipeline(SegmentCropper(n_segments=120), SegmentScaler(), classifier)


def support() -> Any:
    return make_pipeline(statistics(), SVC(C=3))


def logistic() -> Any:
    return make_pipeline(statistics(), LogisticRegression(C=0.01, max_iter=5000))


def members(seed: int) -> list[tuple[str, Any]]:
    return [("statistics", logistic()), ("net", net(seed, **BEST_NET))]


def pair(seed: int, **params: Any) -> Any:
    return LinearCombiner(members(seed), cv=3, **params)


def peer(make: Callable[[int], Any]) -> Callable[[int], Any]:
    """Of (songs, features, time), central 120 segments."""

    def turned(X: np.ndarray) -> np.ndarray:
        songs = X.reshape(len(X), -1, 25).transpose(0, 2, 1)
        return np.ascontiguousarray(songs, dtype=float)

    def pipeline(seed: int) -> Any:
        steps = [SegmentCropper(n_segments=120), SegmentScaler()]
        return make_pipeline(*steps, FunctionTransformer(turned), make(seed))

    return pipeline


def _aeon(name: str) -> Callable[[int], Any]:
    def make(seed: int) -> Any:
        from aeon.classification import convolution_based

        return getattr(convolution_based, name)(random_state=seed)

    return peer(make)


class InceptionTime(ClassifierMixin, BaseEstimator):
    """sktime's, which alone in a pipeline loses in `fit` what scikit-learn adds."""

    def __init__(self, random_state: int) -> None:
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: np.ndarray) -> InceptionTime:
        from sktime.classification.deep_learning.inceptiontime import (
            InceptionTimeClassifierTorch,
        )

        self.classifier_ = InceptionTimeClassifierTorch(
            num_epochs=INCEPTION_EPOCHS, random_state=self.random_state
        ).fit(X, y)
        self.classes_ = self.classifier_.classes_
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.classifier_.predict(X)


MODELS: dict[str, Callable[[int], Any]] = {
    "mean and deviation, SVM": lambda seed: make_pipeline(
        statistics("mean", "std"), SVC(C=3)
    ),
    "mean, deviation, covariances, SVM": lambda seed: make_pipeline(
        statistics("mean", "std", "covariance"), SVC(C=3)
    ),
    REFERENCE: lambda seed: support(),
    "all statistics, logistic": lambda seed: logistic(),
    "fully connected": lambda seed: cropped(
        FullyConnectedClassifier(**TRAINING, random_state=seed)
    ),
    "segment convolution": lambda seed: cropped(
        SegmentConvClassifier(**TRAINING, random_state=seed)
    ),
    "convolution in time": lambda seed: cropped(
        TimeConvClassifier(**TRAINING, random_state=seed)
    ),
    "net, mean and max": lambda seed: net(seed, global_pooling="mean_max"),
    "net, mean and deviation": lambda seed: net(seed, **POOLED),
    "net, ... dropout": lambda seed: net(seed, **POOLED, dropout=0.5),
    "net, ... batch normalisation": lambda seed: net(seed, **BEST_NET),
    "net, ... layer normalisation": lambda seed: net(
        seed, **{**BEST_NET, "summary_norm": "layer"}
    ),
    "combined, average of probabilities": lambda seed: VotingClassifier(
        members(seed), voting="soft"
    ),
    "combined, average": lambda seed: pair(seed, l2=np.inf, shrink_to="average"),
    "combined, calibrated average": lambda seed: pair(seed, l2=np.inf),
    "combined, one weight a model": lambda seed: pair(
        seed, l2=np.inf, shrink_to="weighted_average"
    ),
    "combined, shrunk": pair,
    "combined, as the report": lambda seed: pair(seed, l2=1e-3, shrink_to="zero"),
    "corrected": lambda seed: CorrectingClassifier(
        logistic(), net(seed, **BEST_NET), cv=3
    ),
    "corrected, share chosen": lambda seed: CorrectingClassifier(
        logistic(), net(seed, **BEST_NET), cv=3, shrinkage="auto"
    ),
    "corrected, share and epochs chosen": lambda seed: CorrectingClassifier(
        logistic(), stopped_net(seed), cv=3, shrinkage="auto"
    ),
    "aeon MiniRocket": _aeon("MiniRocketClassifier"),
    "aeon MultiRocketHydra": _aeon("MultiRocketHydraClassifier"),
    f"sktime InceptionTime, {INCEPTION_EPOCHS} epochs": peer(InceptionTime),
}

# Read once for all folds.
KEPT = KeptSegments()


def recorded(kind: str, *names: str) -> Any:
    """Statistics of recordings, scaled."""
    front = AudioSegmenter(None, features=kind, memory=KEPT)
    return make_pipeline(front, *(step for _, step in statistics(*names).steps))


def heard(classifier: Any) -> Any:
    """A classifier on the mean of what musicnn gives."""
    return make_pipeline(recorded("musicnn", "mean"), classifier)


def both_kinds(classifier: Callable[[], Any]) -> Any:
    segments = make_pipeline(recorded("segments"), classifier())
    members = [("segments", segments), ("musicnn", heard(classifier()))]
    return LinearCombiner(members, cv=3)


def light() -> Any:
    return LogisticRegression(C=0.01, max_iter=5000)


# Models that take paths.
OF_RECORDINGS: dict[str, Callable[[int], Any]] = {
    "musicnn, SVM": lambda seed: heard(SVC(C=3)),
    "musicnn, logistic": lambda seed: heard(light()),
    "musicnn and statistics, logistic, combined": lambda seed: both_kinds(light),
}


def recordings_of(folder: str, track_id: np.ndarray) -> np.ndarray:
    """Paths of recordings by their names without suffixes."""
    found = {path.stem: str(path) for path in Path(folder).rglob("*.*")}
    stems = [Path(str(name)).stem for name in track_id]
    missing = [stem for stem in stems if stem not in found]
    if missing:
        raise SystemExit(f"{folder} has no recording named {missing[0]}.")
    return np.array([found[stem] for stem in stems], dtype=object)


def reading(folder: str, track_id: np.ndarray) -> dict[str, dict[str, float]]:
    """CPU time a song, of each kind, and the peak of memory after it."""
    costs = {}
    paths = recordings_of(folder, track_id)
    for kind in ("segments", "musicnn"):
        front = AudioSegmenter(None, features=kind, memory=KEPT)
        front.transform(paths[:1])  # what is imported and compiled once
        start = time.process_time()
        front.transform(paths[1:])
        seconds = (time.process_time() - start) / max(len(paths) - 1, 1)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        costs[kind] = {"cpu_seconds_a_song": seconds, "peak_megabytes": peak}
    return costs


def load(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Songs padded with NaN, labels and groups."""
    if path == "spoken-digits":
        digits = load_spoken_digits()
        return (
            digits.data.reshape(len(digits.data), -1, 25),
            digits.target,
            digits.groups,
        )
    with np.load(path, allow_pickle=False) as archive:
        y = archive["y"]
        group = archive.get("group")
        if "offsets" not in archive:
            return archive["X"].astype(np.float32), y, group
        flat, offsets = archive["X_flat"].astype(np.float32), archive["offsets"]
    songs = [flat[a:b] for a, b in itertools.pairwise(offsets)]
    return stack_segments(songs), y, group


def folds(
    y: np.ndarray, group: np.ndarray | None, n_folds: int, repeat: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if group is None:
        every = RepeatedStratifiedKFold(
            n_splits=n_folds, n_repeats=repeat + 1, random_state=0
        )
        yield from itertools.islice(every.split(y, y), repeat * n_folds, None)
    else:
        kind = StratifiedGroupKFold(n_folds, shuffle=True, random_state=repeat)
        yield from kind.split(y, y, group)


ALL_MODELS = MODELS | OF_RECORDINGS


def score(
    path: str, name: str, n_folds: int, repeat: int, recordings: str | None = None
) -> tuple[np.ndarray, float]:
    """Which songs a model gets right that has not heard them; seconds of a fit."""
    torch.set_num_threads(1)
    X, y, group = load(path)
    if name in OF_RECORDINGS:
        X = recordings_of(str(recordings), np.load(path)["track_id"])
    right, seconds = np.zeros(len(y)), []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for train, test in folds(y, group, n_folds, repeat):
            model, start = ALL_MODELS[name](repeat), time.process_time()
            model.fit(X[train], y[train])
            seconds.append(time.process_time() - start)
            right[test] = model.predict(X[test]) == y[test]
    return right, float(np.median(seconds))


def measure(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Score the models, in the order of the table."""
    cached = joblib.Memory(options.keep, verbose=0).cache(score)
    rows: dict[str, dict[str, Any]] = {}
    reference = np.empty(0)
    # The first is what the others are compared with.
    for name in dict.fromkeys([REFERENCE, *(options.models or ALL_MODELS)]):
        if name in OF_RECORDINGS and options.recordings is None:
            print(f"{name}: not run, --recordings says where the recordings are")
            continue
        where = options.recordings if name in OF_RECORDINGS else None
        try:
            found = [
                cached(options.source, name, options.folds, r, where)
                for r in range(options.repeats)
            ]
        except ImportError as error:
            print(f"{name}: not run, {error}")
            continue
        right = np.array([one for one, _ in found])
        reference = right if name == REFERENCE else reference
        rows[name] = {
            "accuracy": vars(accuracy(right)),
            "repeats": options.repeats,
            "fit_cpu_seconds": float(np.median([seconds for _, seconds in found])),
            "machine": machine(),
        }
        if name != REFERENCE:
            rows[name]["against_reference"] = vars(compare(right, reference))
    return rows


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help='an npz file, or "spoken-digits"')
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=ALL_MODELS, metavar="NAME")
    parser.add_argument("--recordings", help="folder of the songs' recordings")
    parser.add_argument("--keep", type=Path, help="folder to go on from when stopped")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    options = parser.parse_args()
    print_head()
    costs = {}
    if options.recordings is not None:
        costs = reading(options.recordings, np.load(options.source)["track_id"])
    rows = measure(options)
    print(f"{options.repeats} x {options.folds} folds")
    print_table(
        ("model", "accuracy", f"against {REFERENCE}", "fit, CPU s"),
        (
            (
                name,
                interval(Comparison(**row["accuracy"])),
                interval(Comparison(**row["against_reference"]), "+")
                if "against_reference" in row
                else "",
                f"{row['fit_cpu_seconds']:.2f}",
            )
            for name, row in rows.items()
        ),
    )
    if costs:
        print_table(
            ("reading", "CPU s a song", "peak MB"),
            (
                (kind, f"{c['cpu_seconds_a_song']:.2f}", f"{c['peak_megabytes']:.0f}")
                for kind, c in costs.items()
            ),
        )
    if options.out is not None:
        write(options.out, options, rows, costs)


def write(
    path: Path, options: argparse.Namespace, rows: dict[str, Any], costs: dict[str, Any]
) -> None:
    """Keep the figures beside those of other models that a file has."""
    content: dict[str, Any] = {"models": {}, "reading": {}}
    if path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
    rows = content["models"] | rows
    content |= {
        "songs": len(load(options.source)[1]),
        "folds": options.folds,
        "reference": REFERENCE,
        "reading": content["reading"] | costs,
        "models": {name: rows[name] for name in ALL_MODELS if name in rows},
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

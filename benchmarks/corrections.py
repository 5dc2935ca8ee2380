"""The report's combiners and correctors side by side, on songs held out.

    python benchmarks/corrections.py synthetic [--seeds 5] [--songs 1000]
    python benchmarks/corrections.py path/to/fsdd_120x25.npz

For each seed: the three nets of section 5, the combiners and the correctors of sections
5 and 6, trained on the same songs and scored on others, none of which any choice sees.
An npz file has `X`, `y` and `group`; each seed holds one group (a speaker) out. The
settings are the defaults but for the numbers of epochs below. A table of accuracies
comes first, then the report's claims with their margins: means over seeds, with 95%
confidence intervals (Student's t on the seeds' differences).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import torch
from joblib import Parallel, delayed
from measuring import print_head, print_table
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.datasets import make_songs

# The report trains for 100 epochs and quotes the best; its corrector is best at 10.
EPOCHS, BY_HEART = 12, 40
FOLDS = 3
# The report's combiner.
REPORT = {"l2": 1e-3, "shrink_to": "zero"}

Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

CLAIMS = (
    ("linear combiner beats the best net", "linear combiner", "best net"),
    ("non-linear is no better than linear", "linear combiner", "non-linear combiner"),
    ("joint is no better than frozen", "linear combiner", "joint combiner"),
    ("the penalty helps (further work)", "joint combiner, penalty 1", "joint combiner"),
    ("corrector beats its base", "corrector", "convolution in time"),
    ("corrector beats the combiner", "corrector", "linear combiner"),
    ("unfrozen is worse", "corrector", "corrector, base unfrozen"),
    ("hidden inputs do not help", "corrector", "corrector, hidden inputs"),
    ("stacked correctors help (further work)", "5 correctors", "corrector"),
    ("a linear combination is as good", "corrector, combined linearly", "corrector"),
    ("corrector alone is at chance", "corrector's output alone", "chance"),
    ("... and far below the net alone", "fully connected", "corrector's output alone"),
    ("early stopping helps the corrector", "corrector, early stopping", "corrector"),
    ("held-out logits help the corrector", "corrector, held-out logits", "corrector"),
    (
        "held-out logits help the combiner",
        "linear combiner, held-out logits",
        "linear combiner",
    ),
    ("by heart: in-sample correction helps", "by heart, corrected", "by heart"),
    (
        "by heart: held-out beats in-sample correction",
        "by heart, corrected on held-out logits",
        "by heart, corrected",
    ),
    (
        "by heart: held-out beats in-sample combination",
        "by heart and time, held-out logits",
        "by heart and time, combined",
    ),
)


def data_sets(arguments: argparse.Namespace) -> Iterator[Data]:
    """Songs to train on and songs to score on, for each seed."""
    if arguments.data == "synthetic":
        for seed in range(arguments.seeds):
            X, y = make_songs(2 * arguments.songs, random_state=seed)
            yield X[::2], X[1::2], y[::2], y[1::2]
        return
    with np.load(arguments.data) as archive:
        X, y, group = (archive[name] for name in ("X", "y", "group"))
    X = X.reshape(len(X), -1).astype(np.float32)
    for seed, held_out in enumerate(np.unique(group)[: arguments.seeds + 1]):
        train = np.flatnonzero(group != held_out)
        rng = np.random.RandomState(seed)
        train = rng.permutation(train)[: arguments.songs]
        test = group == held_out
        scaler = StandardScaler().fit(X[train])
        yield (
            *(scaler.transform(X[train]), scaler.transform(X[test])),
            *(y[train], y[test]),
        )


def accuracies(data: Data, seed: int) -> dict[str, float]:
    """Accuracy of every model on the songs held out."""
    torch.set_num_threads(1)
    X, X_test, y, y_test = data
    training = {"max_epochs": EPOCHS, "random_state": seed}
    nets = {
        "fully connected": FullyConnectedClassifier(**training),
        "segment convolution": SegmentConvClassifier(**training),
        "convolution in time": TimeConvClassifier(**training),
    }
    cv = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    scores: dict[str, float] = {}
    for name, net in nets.items():
        scores[name] = net.fit(X, y).score(X_test, y_test)
        scores[f"{name}, training songs"] = net.score(X, y)
    scores["best net"] = max(scores[name] for name in nets)
    scores["chance"] = 1 / len(np.unique(y))
    frozen = [(name, FrozenEstimator(net)) for name, net in nets.items()]
    base = frozen[-1][1]
    dense = FullyConnectedClassifier(**training)
    time = clone(nets["convolution in time"])
    heart = FullyConnectedClassifier(max_epochs=BY_HEART, l2=0.0, random_state=seed)
    pair = [("heart", heart), ("time", time)]
    known = [("heart", FrozenEstimator(clone(heart).fit(X, y))), ("time", base)]
    models = {
        "linear combiner": LinearCombiner(frozen, **REPORT),
        "non-linear combiner": NonlinearCombiner(frozen, **training),
        "joint combiner": JointCombiner(frozen, **training),
        "joint combiner, penalty 1": JointCombiner(
            frozen, similarity_penalty=1.0, **training
        ),
        "linear combiner, held-out logits": LinearCombiner(
            [(name, clone(net)) for name, net in nets.items()], cv=cv, **REPORT
        ),
        "corrector, early stopping": CorrectingClassifier(
            base, clone(dense).set_params(early_stopping=True, max_epochs=50)
        ),
        "corrector, base unfrozen": CorrectingClassifier(base, dense, freeze=False),
        "corrector, hidden inputs": CorrectingClassifier(base, dense, use_hidden=True),
        "corrector, combined linearly": CorrectingClassifier(
            base, dense, combine="linear"
        ),
        "corrector, held-out logits": CorrectingClassifier(time, dense, cv=cv),
        "by heart, corrected": CorrectingClassifier(known[0][1], time),
        "by heart, corrected on held-out logits": CorrectingClassifier(
            heart, time, cv=cv
        ),
        "by heart and time, combined": LinearCombiner(known, **REPORT),
        "by heart and time, held-out logits": LinearCombiner(pair, cv=cv, **REPORT),
    }
    scores["by heart"] = known[0][1].score(X_test, y_test)
    scores["by heart, training songs"] = known[0][1].score(X, y)
    for name, model in models.items():
        scores[name] = model.fit(X, y).score(X_test, y_test)
    stacked = CorrectingClassifier(base, dense, n_corrections=5, random_state=seed)
    stages = stacked.fit(X, y).staged_score(X_test, y_test)
    names = ["", "corrector", *(f"{n} correctors" for n in range(2, 6))]
    scores |= {name: score for name, score in zip(names, stages, strict=True) if name}
    first = stacked.correctors_[0].decision_function(X_test).argmax(axis=1)
    scores["corrector's output alone"] = float(
        (stacked.classes_[first] == y_test).mean()
    )
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help='"synthetic" or an npz file')
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--songs", type=int, default=1000, help="to train on")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    print_head()
    runs = Parallel(n_jobs=arguments.jobs)(
        delayed(accuracies)(data, seed)
        for seed, data in enumerate(data_sets(arguments))
    )
    table = {name: np.array([run[name] for run in runs]) for name in runs[0]}
    n = len(runs)
    print(f"{arguments.data}, {arguments.songs} songs to train on, {n} seeds")
    print_table(
        ("model", "accuracy", "least", "greatest"),
        [
            [name, *(f"{value:.3f}" for value in (v.mean(), v.min(), v.max()))]
            for name, v in table.items()
        ],
    )
    claims = []
    for claim, one, other in CLAIMS:
        margins = table[one] - table[other]
        spread = margins.std(ddof=1) / np.sqrt(n) * student.ppf(0.975, n - 1)
        low, high = margins.mean() - spread, margins.mean() + spread
        sign = "more" if low > 0 else "less" if high < 0 else "no difference seen"
        margin = [f"{margins.mean():+.3f}", f"{low:+.3f} to {high:+.3f}"]
        claims.append([f"{claim}: {one} − {other}", *margin, sign])
    print_table(("claim", "margin", "95% interval", ""), claims)


if __name__ == "__main__":
    main()

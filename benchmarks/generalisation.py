"""What helps a net that has few songs to learn from, and what does not.

    python benchmarks/generalisation.py path/to/fsdd_120x25.npz [--seeds 5]
        [--songs 600] [--keep folder]
    python benchmarks/generalisation.py spoken-digits --songs 500

An npz file has `X`, `y` and `group`. Each group (a speaker) is held out in its turn;
`--songs` songs of the others, drawn anew for each seed, are trained on, and all of the
group's are scored. Each option stands against the same net without it, on the same
songs from the same start. No option is tuned: what one leaves open was set
beforehand.

Two 95% intervals of the margin: paired over songs and seeds
(`sklearn_msd.report.judging.intervals`), which speaks of these groups; and Student's t
over the groups' margins, which speaks of others too. An option *helps* where both lie
above 0.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from measuring import print_head, print_table
from recordings import Split, load
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from skorch.callbacks import Callback
from time_to_accuracy import RECIPE, interval, over_groups
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sklearn_msd import (
    CropAveragingClassifier,
    LinearCombiner,
    SegmentCropper,
    TimeConvClassifier,
)
from sklearn_msd.report.judging.intervals import accuracy, compare

CROP = 96  # of 120 segments
N_CROPS = 3
N_CHROMA = 12  # the first columns of a segment


class AveragedWeights(Callback):
    """Ends the training with averaged weights.

    Parameters
    ----------
    start : int, default=1
        First epoch that counts.
    decay : float or None, default=None
        Of an exponential moving average over steps; None takes the plain mean over
        epochs.
    """

    def __init__(self, start: int = 1, decay: float | None = None) -> None:
        self.start, self.decay = start, decay

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        average = None if self.decay is None else get_ema_multi_avg_fn(self.decay)
        self.averaged = AveragedModel(net.module_, multi_avg_fn=average)

    def on_batch_end(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        if training and self.decay is not None and len(net.history) >= self.start:
            self.averaged.update_parameters(net.module_)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if self.decay is None and len(net.history) >= self.start:
            self.averaged.update_parameters(net.module_)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        net.module_.load_state_dict(self.averaged.module.state_dict())


class LabelSmoothing(Callback):
    """Trains on a share of the label and the rest spread evenly over all classes."""

    def __init__(self, share: float = 0.1) -> None:
        self.share = share

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        net.criterion_.label_smoothing = self.share


class ChromaRotation(Callback):
    """Transposes each song of a batch by a number of semitones drawn at random."""

    def __init__(self, random_state: int) -> None:
        self.random_state = random_state

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.generator = torch.Generator().manual_seed(self.random_state)

    def on_batch_begin(
        self, net: Any, batch: Any = None, training: bool = False, **kwargs: Any
    ) -> None:
        if not training:
            return
        songs = batch[0]["x"].unflatten(1, (-1, 25)).clone()
        steps = torch.randint(N_CHROMA, (len(songs), 1), generator=self.generator)
        columns = (torch.arange(N_CHROMA) + steps) % N_CHROMA
        chroma = songs[..., :N_CHROMA]
        songs[..., :N_CHROMA] = chroma.gather(
            2, columns[:, None].expand(-1, songs.shape[1], -1)
        )
        batch[0]["x"] = songs.flatten(1)


def pooled(X: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of each feature over a song's segments."""
    songs = X.reshape(len(X), -1, 25)
    return np.hstack([songs.mean(axis=1), songs.std(axis=1)])


def net(training: dict, callbacks: Any = (), **parameters: Any) -> TimeConvClassifier:
    """The net of all options."""
    named = [(f"option{i}", callback) for i, callback in enumerate(callbacks)]
    return TimeConvClassifier(**{**training, "callbacks": named, **parameters})


def constant(training: dict, average: bool = False) -> TimeConvClassifier:
    """The same at the package's default rate and batch size, for as many steps."""
    epochs = training["max_epochs"] * 50 // training["batch_size"]
    return TimeConvClassifier(
        max_epochs=epochs,
        callbacks=[("mean", AveragedWeights(epochs // 2 + 1))] if average else None,
        random_state=training["random_state"],
    )


def crops(training: dict, share: float) -> CropAveragingClassifier:
    """Several crops of each song, for a share of the epochs."""
    epochs = max(round(training["max_epochs"] * share), 1)
    return CropAveragingClassifier(
        net(training, max_epochs=epochs), n_crops=N_CROPS, n_segments=CROP
    )


def logistic() -> Any:
    return make_pipeline(
        FunctionTransformer(pooled), StandardScaler(), LogisticRegression(max_iter=2000)
    )


def boosting(training: dict) -> Any:
    trees = HistGradientBoostingClassifier(random_state=training["random_state"])
    return make_pipeline(FunctionTransformer(pooled), trees)


def combiner(split: Split, members: list[tuple[str, Any]]) -> LinearCombiner:
    """Trained on what members say of groups that they have not heard."""
    folds = GroupKFold(min(3, len(np.unique(split.group))))
    cv = list(folds.split(split.X, groups=split.group))
    return LinearCombiner(members, l2=1e-3, shrink_to="zero", cv=cv)


Model = Callable[[dict, Split], Any]

MODELS: dict[str, Model] = {
    "net": lambda t, split: net(t),
    "constant rate": lambda t, split: constant(t),
    "constant rate, mean weights": lambda t, split: constant(t, average=True),
    "moving average of weights": lambda t, split: net(t, [AveragedWeights(decay=0.99)]),
    "label smoothing": lambda t, split: net(t, [LabelSmoothing()]),
    "chroma rotation": lambda t, split: net(t, [ChromaRotation(t["random_state"])]),
    "global pooling": lambda t, split: net(t, global_pooling="mean_max"),
    "centre crop": lambda t, split: make_pipeline(
        SegmentCropper(n_segments=CROP), net(t)
    ),
    "crops, as many steps": lambda t, split: crops(t, 1 / N_CROPS),
    "crops, as many epochs": lambda t, split: crops(t, 1),
    "pooled statistics, logistic": lambda t, split: logistic(),
    "pooled statistics, boosting": lambda t, split: boosting(t),
    "support vectors": lambda t, split: SVC(),
    "combiner of the net and these three": lambda t, split: combiner(
        split,
        [
            ("net", net(t)),
            ("logistic", logistic()),
            ("boosting", boosting(t)),
            ("support", SVC()),
        ],
    ),
}

COMPARISONS = (
    ("net", "constant rate"),
    ("constant rate, mean weights", "constant rate"),
    ("constant rate, mean weights", "net"),
    ("moving average of weights", "net"),
    ("label smoothing", "net"),
    ("chroma rotation", "net"),
    ("global pooling", "net"),
    ("crops, as many steps", "centre crop"),
    ("crops, as many steps", "net"),
    ("crops, as many epochs", "centre crop"),
    ("crops, as many epochs", "net"),
    ("pooled statistics, logistic", "net"),
    ("pooled statistics, boosting", "net"),
    ("support vectors", "net"),
    ("combiner of the net and these three", "net"),
    ("combiner of the net and these three", "support vectors"),
)


def right(
    name: str, source: str, group: str, n_songs: int, training: dict
) -> np.ndarray:
    """Which songs of a group a model that has not met the group gets right."""
    torch.set_num_threads(1)
    split = load(source).hold_out(
        group, n_train=n_songs, random_state=training["random_state"]
    )
    model = MODELS[name](training, split).fit(split.X, split.y)
    return model.predict(split.X_test) == split.y_test


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help='"spoken-digits" or an npz file')
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--songs", type=int, default=600, help="to train on")
    parser.add_argument("--keep", type=Path, help="folder to go on from when stopped")
    parser.add_argument("--quick", action="store_true", help="only to see it run")
    arguments = parser.parse_args()
    print_head()
    groups, recipe = load(arguments.source).groups, RECIPE
    if arguments.quick:
        recipe = {**RECIPE, "max_epochs": 3}
        groups, arguments.songs, arguments.seeds = groups[:2], 100, 2
    score = joblib.Memory(arguments.keep, verbose=0).cache(right)

    # For each model (n_seeds, n_songs), and which group the songs are of.
    found: dict[str, list[np.ndarray]] = {name: [] for name in MODELS}
    for seed in range(arguments.seeds):
        training = {**recipe, "random_state": seed}
        for name in MODELS:
            parts = [
                score(name, arguments.source, group, arguments.songs, training)
                for group in groups
            ]
            found[name].append(np.hstack(parts))
    of = np.repeat(groups, [len(part) for part in parts])
    table = {name: np.array(rows, dtype=float) for name, rows in found.items()}
    print(
        f"{arguments.source}: {arguments.songs} songs to train on, {len(of)} to score "
        f"on, {len(groups)} groups, {arguments.seeds} seeds"
    )
    print_table(
        ("model", "accuracy"),
        [(name, interval(accuracy(rows))) for name, rows in table.items()],
    )
    compared = []
    for left, other in COMPARISONS:
        margins = table[left] - table[other]
        by_group = np.array([margins[:, of == group].mean() for group in groups])
        songs, among = compare(table[left], table[other]), over_groups(by_group)
        verdict = "undecided"
        if min(songs.low, among.low) > 0:
            verdict = "helps"
        elif max(songs.high, among.high) < 0:
            verdict = "harms"
        margin = (interval(songs, "+"), interval(among, "+"), verdict)
        compared.append((left, other, *margin))
    print_table(
        ("with", "against", "over songs and seeds", "over groups", ""), compared
    )


if __name__ == "__main__":
    main()

"""One training epoch: ours, a hand-written loop, skorch as it comes, scikit-learn.

    python benchmarks/epoch.py [--threads 1 2] [--batch-size 50 100] [--songs 1000]
        [--repeats 7] [--picture FILE]

Each contender trains the same net for one epoch on the same synthetic songs, in turn,
several times. The table gives our songs a second and each rival's time by ours, the
median over the turns: above 1, ours is faster. The rivals are what a user would write:
layers of torch.nn, the L2 penalty summed in the loss, Adam as it comes; `MLPClassifier`
is scikit-learn's, in float32.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np
import torch
from measuring import by, in_turn, median, print_head, print_table
from sklearn.neural_network import MLPClassifier
from skorch import NeuralNetClassifier
from threadpoolctl import threadpool_limits
from torch import nn

from sklearn_msd import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.classifiers.preparing import FitOptions, training_songs
from sklearn_msd.datasets import make_songs

L2 = 0.01


class Plain(nn.Module):
    """A net of torch.nn, over songs of 120 segments of 25 features."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        conv: list[nn.Module] = []
        height, pool = {
            "segment": (1, None),
            "time, max pool 2": (3, nn.MaxPool1d(2)),
            "time, no pool": (3, None),
            "time, average pool 2": (3, nn.AvgPool1d(2)),
        }.get(kind, (0, None))
        if height:
            for n_inputs in (25, 50):
                conv += [nn.Conv1d(n_inputs, 50, height), nn.ReLU()]
                if pool is not None:
                    conv.append(pool)
            self.body = nn.Sequential(*conv, nn.Flatten())
            width = self.body(torch.zeros(1, 25, 120)).shape[1]
            self.head = nn.Sequential(nn.Linear(width, 200), nn.ReLU())
        elif kind == "recurrent":
            self.body = nn.GRU(25, 100, batch_first=True)
            self.head = nn.Identity()
        else:
            self.body = nn.Flatten()
            self.head = nn.Sequential(
                nn.Linear(3000, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU()
            )
        self.output = nn.Linear(100 if kind == "recurrent" else 200, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of songs (n, 120, 25)."""
        if self.kind == "recurrent":
            return self.output(self.body(x)[1][0])
        if self.kind != "fully connected":
            x = x.transpose(1, 2)
        return self.output(self.head(self.body(x)))

    def penalty(self) -> torch.Tensor:
        """½·l2·Σw² over all weights but the output's."""
        weights = [
            p
            for name, p in self.named_parameters()
            if "weight" in name and not name.startswith("output")
        ]
        return 0.5 * L2 * sum((w**2).sum() for w in weights)


def hand_written(kind: str, X: torch.Tensor, y: torch.Tensor, batch: int) -> Callable:
    """A plain loop over shuffled batches."""
    net = Plain(kind)
    optimizer = torch.optim.Adam(net.parameters())

    def epoch() -> None:
        for rows in torch.randperm(len(X)).split(batch):
            loss = nn.functional.cross_entropy(net(X[rows]), y[rows]) + net.penalty()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


class PenalisedNet(NeuralNetClassifier):
    """The way skorch's documentation adds a penalty."""

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Cross-entropy and penalty."""
        return super().get_loss(y_pred, y_true, X, training) + self.module_.penalty()


def skorch_as_it_comes(kind: str, X: np.ndarray, y: np.ndarray, batch: int) -> Callable:
    """Skorch with its own data loader and callbacks, without a validation part."""
    net = PenalisedNet(
        Plain(kind),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=batch,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    ).initialize()
    return lambda: net.partial_fit(X, y, epochs=1)


def ours(classifier, X: np.ndarray, y: np.ndarray, batch: int) -> Callable:
    """One of our classifiers, its net already there, as in the middle of a fit."""
    classifier.set_params(batch_size=batch, random_state=0)
    classifier.partial_fit(X, y, classes=np.arange(10))
    dataset = training_songs(classifier, X, y, None, None, FitOptions())
    return lambda: classifier.net_.partial_fit(dataset, None, epochs=1)


NETS = {
    "fully connected": FullyConnectedClassifier,
    "segment": SegmentConvClassifier,
    "time, max pool 2": TimeConvClassifier,
    "time, no pool": lambda: TimeConvClassifier(pooling=None),
    "time, average pool 2": lambda: TimeConvClassifier(pooling="average"),
    "recurrent": RecurrentClassifier,
}


Ratios = dict[str, dict[str, float]]


def compare(threads: int, batch: int, options: argparse.Namespace) -> Iterator[tuple]:
    """For each net: its name, our median seconds, and the rivals' times by ours."""
    X, y = make_songs(options.songs, random_state=0)
    y[:10] = np.arange(10)
    cube = X.reshape(-1, 120, 25)
    for kind in options.nets:
        contenders = {
            "ours": ours(NETS[kind](), X, y, batch),
            "plain loop": hand_written(
                kind, torch.from_numpy(cube), torch.from_numpy(y), batch
            ),
            "skorch": skorch_as_it_comes(kind, cube, y, batch),
        }
        if kind == "fully connected":
            sklearn_net = MLPClassifier((200, 200), alpha=L2, batch_size=batch)
            contenders["MLPClassifier"] = lambda net=sklearn_net: net.partial_fit(
                X, y, classes=np.arange(10)
            )
        with threadpool_limits(threads):
            torch.set_num_threads(threads)
            seconds = in_turn(contenders, options.repeats)
        own = seconds.pop("ours")
        yield kind, median(own), {name: by(own, s) for name, s in seconds.items()}


def draw(found: dict[str, Ratios], path: str) -> None:
    """Bars of the rivals' times by ours, a panel for each setting."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1 + 2 * len(found)), layout="constrained")
    axes = figure.subplots(len(found), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (setting, ratios) in zip(axes, found.items(), strict=True):
        names = list(ratios)
        for i, rival in enumerate(("plain loop", "skorch", "MLPClassifier")):
            places = [n for n, name in enumerate(names) if rival in ratios[name]]
            values = [ratios[names[n]][rival] for n in places]
            axis.bar(
                [n + (i - 1) * 0.27 for n in places],
                values,
                width=0.25,
                color=str(0.25 + 0.25 * i),
                label=rival,
            )
        axis.axhline(1, color="black", linewidth=0.8)
        axis.set_title(setting, fontsize=10)
        axis.set_ylabel("time by ours")
        axis.set_xticks(
            range(len(names)), [name.replace(", ", ",\n") for name in names]
        )
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=3, frameon=False, loc="outside lower center")
    figure.suptitle("A training epoch: the rivals' time by ours", fontsize=11)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--batch-size", type=int, nargs="+", default=[50])
    parser.add_argument("--songs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=list(NETS))
    parser.add_argument("--picture", help="PNG file to draw the ratios to")
    options = parser.parse_args()
    print_head()
    found: dict[str, Ratios] = {}
    for threads in options.threads:
        for batch in options.batch_size:
            setting = f"{threads} thread{'s'[: threads > 1]}, batches of {batch}"
            ratios = found.setdefault(setting, {})
            print(f"One epoch of {options.songs} songs, {setting}; time by ours")

            def rows(
                threads: int = threads, batch: int = batch, ratios: Ratios = ratios
            ) -> Iterator[list[str]]:
                for kind, seconds, rivals in compare(threads, batch, options):
                    ratios[kind] = rivals
                    row = [kind, f"{options.songs / seconds:.0f}"]
                    for name in ("plain loop", "skorch", "MLPClassifier"):
                        row.append(f"{rivals[name]:.2f}" if name in rivals else "")
                    yield row

            print_table(
                ["net", "ours, songs/s", "plain loop", "skorch", "MLPClassifier"],
                rows(),
            )
    if options.picture:
        draw(found, options.picture)


if __name__ == "__main__":
    main()

"""Makes files of the present format; those of earlier ones are kept as they are.

Run in this folder, once for each format.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    LinearCombiner,
    RecurrentClassifier,
    SegmentScaler,
    TimeConvClassifier,
    save,
)
from sklearn_msd.common.files.model_file import FORMAT

SMALL = {"max_epochs": 2, "batch_size": 8, "random_state": 0}


def songs(n_songs: int = 24, n_segments: int = 4) -> np.ndarray:
    """Songs that are the same everywhere, whatever becomes of the generators."""
    width = n_segments * 25
    return np.sin(np.arange(n_songs * width) ** 2 % 97.0).reshape(n_songs, width)


def corrected() -> object:
    """A correcting classifier on a combiner of nets, after a scaler."""
    dense = FullyConnectedClassifier(hidden_layer_sizes=(4,), **SMALL)
    bases = [
        ("conv", TimeConvClassifier(n_kernels=3, hidden_layer_sizes=(4,), **SMALL)),
        ("gru", RecurrentClassifier(hidden_size=3, **SMALL)),
        ("logistic", LogisticRegression(C=0.01)),
    ]
    combiner = LinearCombiner(bases, cv=2)
    return make_pipeline(SegmentScaler(), CorrectingClassifier(combiner, dense))


def nets() -> object:
    """Nets of all kinds, with all that shapes them."""
    conv = {"n_kernels": 2, "hidden_layer_sizes": (3,), **SMALL}
    pair = [
        ("conv", TimeConvClassifier(**conv)),
        ("dense", FullyConnectedClassifier(hidden_layer_sizes=(3,), **SMALL)),
    ]
    several = {
        "tall": TimeConvClassifier(
            kernel_height=7, n_conv_layers=3, pool_size=3, **conv
        ),
        "average": TimeConvClassifier(pooling="average", pool_size=4, **conv),
        "no pool": TimeConvClassifier(pooling=None, kernel_height=20, **conv),
        "global": TimeConvClassifier(
            global_pooling="mean_max", **{**conv, "hidden_layer_sizes": ()}
        ),
        "double": FullyConnectedClassifier(
            hidden_layer_sizes=(2, 2), dtype="float64", **SMALL
        ),
        "gru": RecurrentClassifier(
            hidden_size=2, n_layers=2, bidirectional=True, **SMALL
        ),
        "lstm": RecurrentClassifier(cell="lstm", hidden_size=2, **SMALL),
        "tanh": RecurrentClassifier(cell="tanh", hidden_size=2, **SMALL),
        "joint": JointCombiner(pair, cv=2, similarity_penalty=0.1, **SMALL),
    }
    return VotingClassifier(list(several.items()), voting="soft")


if __name__ == "__main__":
    folder = Path(__file__).parent
    for model, end in (corrected(), ""), (nets(), "-nets"):
        model.fit(songs(), np.array(["Jazz", "Pop", "Rock"] * 8))
        path = folder / f"format-{FORMAT}{end}.msd"
        save(model, path, optimizer=end == "")
        probabilities = model.predict_proba(songs()).tolist()
        text = json.dumps({"probabilities": probabilities}, indent=1)
        path.with_suffix(".json").write_text(text + "\n")

"""Makes a file of the present format; those of earlier ones are kept as they are.

Run in this folder, once for each format.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    LinearCombiner,
    RecurrentClassifier,
    SegmentScaler,
    TimeConvClassifier,
    save,
)
from sklearn_msd.common.files.model_file import FORMAT


def songs(n_songs: int = 24, n_segments: int = 4) -> np.ndarray:
    """Songs that are the same everywhere, whatever becomes of the generators."""
    width = n_segments * 25
    return np.sin(np.arange(n_songs * width) ** 2 % 97.0).reshape(n_songs, width)


if __name__ == "__main__":
    small = {"max_epochs": 2, "batch_size": 8, "random_state": 0}
    dense = FullyConnectedClassifier(hidden_layer_sizes=(4,), **small)
    bases = [
        ("conv", TimeConvClassifier(n_kernels=3, hidden_layer_sizes=(4,), **small)),
        ("gru", RecurrentClassifier(hidden_size=3, **small)),
        ("logistic", LogisticRegression(C=0.01)),
    ]
    model = make_pipeline(
        SegmentScaler(), CorrectingClassifier(LinearCombiner(bases, cv=2), dense)
    )
    model.fit(songs(), np.array(["Jazz", "Pop", "Rock"] * 8))
    folder = Path(__file__).parent
    save(model, folder / f"format-{FORMAT}.msd")
    probabilities = model.predict_proba(songs()).tolist()
    text = json.dumps({"probabilities": probabilities}, indent=1)
    (folder / f"format-{FORMAT}.json").write_text(text + "\n")

"""Fit every estimator of the package and print a digest of its weights and predictions.

Run before and after a change that should change no number: the lines must be the same,
on one machine and with the same versions.

    OMP_NUM_THREADS=1 python tools/digests.py > before.txt
"""

import hashlib
import warnings
from typing import Any

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from sklearn_msd import (
    CorrectingClassifier,
    CropAveragingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    RecurrentClassifier,
    SegmentConvClassifier,
    SegmentCropper,
    SegmentScaler,
    SparseRefitClassifier,
    TimeConvClassifier,
)
from sklearn_msd.datasets import load_spoken_digits, make_songs

SMALL: dict[str, Any] = {"max_epochs": 4, "batch_size": 20, "random_state": 0}


def classifiers() -> dict[str, Any]:
    """Each classifier, and the settings that take a path of their own."""
    dense = FullyConnectedClassifier(hidden_layer_sizes=(8, 8), **SMALL)
    segment = SegmentConvClassifier(n_kernels=6, hidden_layer_sizes=(8,), **SMALL)
    time = TimeConvClassifier(n_kernels=6, hidden_layer_sizes=(8,), **SMALL)
    recurrent = RecurrentClassifier(hidden_size=6, **SMALL)
    logistic = LogisticRegression(C=0.01)
    bases = [("dense", dense), ("time", time), ("logistic", logistic)]
    nets = [("dense", dense), ("segment", segment), ("time", time)]
    cv = StratifiedKFold(3)

    def like(net: Any, **params: Any) -> Any:
        return type(net)(**{**net.get_params(), **params})

    corrected = [
        {"cv": cv, "n_corrections": 2},
        {"freeze": False},
        {"use_hidden": True},
        {"combine": "linear", "shrinkage": 0.5},
    ]
    return {
        "dense": dense,
        "segment": segment,
        "time": time,
        "recurrent": recurrent,
        "lstm": like(recurrent, cell="lstm", bidirectional=True, n_layers=2),
        "time_mean_max": like(time, global_pooling="mean_max"),
        "time_average": like(time, pooling="average", kernel_height=5),
        "one_cycle": like(time, lr_schedule="one_cycle"),
        "early_stopping": like(time, early_stopping=True, validation_fraction=0.2),
        "l1": like(segment, l1=1e-3, l2_layers=("hidden",)),
        "balanced": like(dense, class_weight="balanced"),
        "blocks": like(dense, shuffle="blocks"),
        "float64": like(dense, dtype="float64"),
        "sparse": SparseRefitClassifier(segment, threshold=0.05),
        "crops": CropAveragingClassifier(time, n_segments=12),
        "linear": LinearCombiner(bases, l2=1e-3, shrink_to="zero", cv=cv),
        "nonlinear": NonlinearCombiner(bases, cv=cv, **SMALL),
        "joint": JointCombiner(nets, similarity_penalty=0.1, **SMALL),
        **{
            "correcting_" + "_".join(params): CorrectingClassifier(
                time, like(dense), random_state=0, **params
            )
            for params in corrected
        },
    }


def digest(*arrays: Any) -> str:
    """Of the bytes of arrays, with their types and shapes."""
    total = hashlib.sha256()
    for array in map(np.ascontiguousarray, arrays):
        total.update(f"{array.dtype}{array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()[:16]


def weights(estimator: Any) -> list[Any]:
    """All arrays of the nets that a fitted estimator holds, in the order of names."""
    if hasattr(estimator, "module_"):
        return [p.detach().numpy() for p in estimator.module_.state_dict().values()]
    found = []
    for name, value in sorted(vars(estimator).items()):
        if name.endswith("_"):
            for part in value if isinstance(value, list) else [value]:
                if hasattr(part, "predict"):
                    found += weights(part)
                elif isinstance(part, np.ndarray) and part.dtype.kind == "f":
                    found.append(part)
    return found


def main() -> None:
    """Print a line an estimator."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    X, y = make_songs(120, n_segments=16, n_classes=3, random_state=0)
    print("make_songs", digest(X, y))
    print("load_spoken_digits", digest(load_spoken_digits(return_X_y=True)[0][:100]))
    print("scaler", digest(SegmentScaler().fit_transform(X)))
    crops = SegmentCropper(n_segments=9, crop="random", random_state=0)
    print("cropper", digest(crops.fit_transform(X)))
    for name, model in classifiers().items():
        model.fit(X[:90], y[:90])
        print(name, digest(*weights(model)), digest(model.predict_proba(X[90:])))
    frozen = FrozenEstimator(classifiers()["time"].fit(X[:90], y[:90]))
    model = CorrectingClassifier(frozen, random_state=0).fit(X, y)
    print("correcting_frozen", digest(*weights(model)), digest(model.predict_proba(X)))
    net = classifiers()["time"]
    for _ in range(3):
        net.partial_fit(X, y, classes=np.unique(y))
    print("partial_fit", digest(*weights(net)), digest(net.predict_proba(X)))


if __name__ == "__main__":
    main()

"""Every model that the report trains, with its settings and its published accuracy.

Published accuracies are those of the text and, where it gives none, read off the
figures: the best validation epoch, on 10,000 songs of the 10- or 25-genre task.
"""

from __future__ import annotations

from typing import Any

from sklearn.frozen import FrozenEstimator

from sklearn_msd.classifiers.net_classifiers import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.classifiers.sparse_refit import SparseRefitClassifier
from sklearn_msd.combining.correcting import CorrectingClassifier
from sklearn_msd.combining.joint import JointCombiner
from sklearn_msd.combining.linear import LinearCombiner
from sklearn_msd.combining.nonlinear import NonlinearCombiner
from sklearn_msd.report.declaration import Model

OUTPUT_TOO = ("conv", "hidden", "output")
L1_STRENGTHS = (0.0, 1e-4, 1e-3, 1e-2)
THRESHOLDS = (0.1, 0.01, 0.001)
KERNEL_HEIGHTS = (3, 5, 10)  # 1 is the baseline
SIMILARITY_PENALTIES = (0.1, 1.0)
N_STACKED = 3


def _three() -> list[tuple[str, Any]]:
    """The three models that the report combines, trained before (section 5.1)."""
    return [
        ("fully connected", FrozenEstimator(FullyConnectedClassifier())),
        ("baseline", FrozenEstimator(SegmentConvClassifier())),
        ("convolution in time", FrozenEstimator(TimeConvClassifier())),
    ]


def _correcting(**params: Any) -> CorrectingClassifier:
    """A correcting model over the best convolution in time (section 6.1)."""
    return CorrectingClassifier(
        FrozenEstimator(TimeConvClassifier()), FullyConnectedClassifier(), **params
    )


NETS: dict[str, Model] = {
    "fully connected": Model(
        "fully connected, 2 × 200", FullyConnectedClassifier(), {10: 0.50}
    ),
    "baseline": Model(
        "baseline: convolution over single segments",
        SegmentConvClassifier(),
        {10: 0.58, 25: 0.25},
    ),
    "baseline, all L2": Model(
        "baseline, L2 on all layers",
        SegmentConvClassifier(l2_layers=OUTPUT_TOO),
        {10: 0.56},
    ),
    "baseline, conv free": Model(
        "baseline, no L2 on the convolutional layers",
        SegmentConvClassifier(l2_layers=("hidden", "output")),
    ),
    **{
        f"L1 {strength:g}": Model(
            f"baseline, L1 in the convolutional layers, λ = {strength:g}",
            SegmentConvClassifier(l1=strength, l2_layers=("hidden",)),
        )
        for strength in L1_STRENGTHS
    },
    **{
        f"sparse {threshold:g}": Model(
            f"baseline, convolution weights below {threshold:g} masked",
            SparseRefitClassifier(SegmentConvClassifier(), threshold=threshold),
        )
        for threshold in THRESHOLDS
    },
    **{
        f"height {height}": Model(
            f"convolution in time, kernel height {height}",
            TimeConvClassifier(kernel_height=height, pooling=None),
            {10: 0.61} if height < 10 else {},
        )
        for height in KERNEL_HEIGHTS
    },
    **{
        f"height {height}, 3 layers": Model(
            f"kernel height {height}, three convolutional layers",
            TimeConvClassifier(kernel_height=height, pooling=None, n_conv_layers=3),
            {10: 0.615},
        )
        for height in (3, 5)
    },
    "max 2": Model(
        "convolution in time, max pooling 2",
        TimeConvClassifier(),
        {10: 0.63, 25: 0.275},
    ),
    "max 3": Model(
        "convolution in time, max pooling 3",
        TimeConvClassifier(pool_size=3),
        {10: 0.63},
    ),
    "average 2": Model(
        "convolution in time, average pooling 2",
        TimeConvClassifier(pooling="average"),
        {10: 0.59},
    ),
    "max 2, all L2": Model(
        "convolution in time, max pooling 2, L2 on all layers",
        TimeConvClassifier(l2_layers=OUTPUT_TOO),
        {25: 0.255},
    ),
    "recurrent": Model("recurrent: 100 gated units", RecurrentClassifier()),
    **{
        f"sparse hidden {threshold:g}": Model(
            f"baseline, hidden-layer weights below {threshold:g} masked",
            SparseRefitClassifier(
                SegmentConvClassifier(),
                l1=1e-4,
                threshold=threshold,
                layers=("hidden",),
            ),
        )
        for threshold in (0.01, 0.001)
    },
}

COMBINED: dict[str, Model] = {
    "linear": Model(
        "linear combiner of the three",
        LinearCombiner(_three(), l2=1e-3, shrink_to="zero"),
        {10: 0.64, 25: 0.28},
    ),
    "nonlinear": Model(
        "combiner with a hidden layer", NonlinearCombiner(_three()), {10: 0.64}
    ),
    "joint": Model(
        "linear combiner, the three models train too",
        JointCombiner(_three()),
        {10: 0.625},
    ),
    **{
        f"joint, penalty {penalty:g}": Model(
            f"the three models train too, similarity penalty {penalty:g}",
            JointCombiner(_three(), similarity_penalty=penalty),
        )
        for penalty in SIMILARITY_PENALTIES
    },
}

CORRECTED: dict[str, Model] = {
    "correcting": Model("correcting model", _correcting(), {10: 0.645, 25: 0.287}),
    "correcting, free": Model(
        "correcting model, the original trains too",
        _correcting(freeze=False),
        {10: 0.62},
    ),
    "correcting, hidden": Model(
        "correcting model, fed the hidden representation too",
        _correcting(use_hidden=True),
        {10: 0.643},
    ),
    "correcting, linear": Model(
        "correcting model, combined linearly instead of added",
        _correcting(combine="linear"),
        {10: 0.645},
    ),
    "stacked": Model(
        f"{N_STACKED} stacked correcting models",
        _correcting(n_corrections=N_STACKED),
    ),
}

MODELS: dict[str, Model] = NETS | COMBINED | CORRECTED

# The models that the report's conclusion sets side by side, in its order.
CONCLUSION = (
    "fully connected",
    "baseline",
    "height 3",
    "average 2",
    "max 2",
    "linear",
    "nonlinear",
    "joint",
    "correcting",
)

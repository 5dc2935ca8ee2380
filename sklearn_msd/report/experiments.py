"""The report's Figures 2 to 15 and its future work, declared as data.

Published accuracies are those of the text and, where it gives none, read off the
figures: the best validation epoch, on 10,000 songs of the 10- or 25-genre task.
"""

from __future__ import annotations

from sklearn_msd.classifiers import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.report.declaration import Claim, Curve, Figure, Model

OUTPUT_TOO = ("conv", "hidden", "output")
L1_STRENGTHS = (0.0, 1e-4, 1e-3, 1e-2)
KERNEL_HEIGHTS = (1, 3, 5, 10)

MODELS: dict[str, Model] = {
    "fully connected": Model(
        "fully connected, 2 × 200",
        FullyConnectedClassifier(),
        {10: 0.50},
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
            f"baseline, L1 with λ = {strength:g} on the convolutional layers",
            SegmentConvClassifier(l1=strength, l2_layers=("hidden",)),
        )
        for strength in L1_STRENGTHS
    },
    **{
        f"height {height}": Model(
            f"convolution in time, kernel height {height}",
            TimeConvClassifier(kernel_height=height, pooling=None),
            {3: {10: 0.61}, 5: {10: 0.61}}.get(height, {}),
        )
        for height in KERNEL_HEIGHTS
        if height > 1  # a height of 1 is the baseline
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
    "recurrent": Model(
        "recurrent: 100 gated units",
        RecurrentClassifier(),
        {10: 0.62, 25: 0.285},
    ),
}

FIGURES: tuple[Figure, ...] = (
    Figure(
        "2",
        "Which layers need L2 regularisation",
        "The baseline is trained with the penalty on all layers, on all but the "
        "convolutional ones, and on all but the output layer. Does each need it?",
        "3.1",
        (
            Curve("baseline, all L2"),
            Curve("baseline, conv free"),
            Curve("baseline", label="baseline, no L2 on the output layer"),
        ),
        (
            Claim(
                "Without a penalty on the convolutional layers the net overfits and "
                "does worse.",
                Curve("baseline, all L2"),
                "beats",
                Curve("baseline, conv free"),
            ),
            Claim(
                "Not penalising the output layer does better.",
                Curve("baseline"),
                "beats",
                Curve("baseline, all L2"),
            ),
        ),
        published="0.56 with all layers penalised, 0.575 with the output layer free.",
    ),
    Figure(
        "3",
        "L1 instead of L2 in the convolutional layers",
        "Four strengths of an L1 penalty on the convolution weights, against the "
        "baseline's L2 penalty. The hidden layer keeps its L2 penalty throughout.",
        "3.2",
        (
            *(Curve(f"L1 {strength:g}") for strength in L1_STRENGTHS),
            Curve("baseline", label="baseline, L2 with λ = 0.01"),
        ),
        tuple(
            Claim(
                f"L1 with λ = {strength:g} does no better than L2.",
                Curve(f"L1 {strength:g}"),
                "does not beat",
                Curve("baseline"),
            )
            for strength in L1_STRENGTHS
        ),
        published="No strength of L1 does better than L2.",
    ),
    Figure(
        "6",
        "Kernel height: how many consecutive segments a kernel covers",
        "Two convolutional layers without pooling. Does a kernel that sees segments "
        "together with their neighbours find more than one that sees them alone?",
        "4.2.1",
        (
            Curve("baseline", label="kernel height 1 (baseline)"),
            *(Curve(f"height {height}") for height in KERNEL_HEIGHTS if height > 1),
        ),
        (
            Claim(
                "A kernel height of 3 does better than 1.",
                Curve("height 3"),
                "beats",
                Curve("baseline"),
            ),
            Claim(
                "Kernel heights of 3 and 5 do about equally well.",
                Curve("height 5"),
                "equals",
                Curve("height 3"),
            ),
            Claim(
                "A kernel height of 10 does no better than 3.",
                Curve("height 10"),
                "does not beat",
                Curve("height 3"),
            ),
        ),
        published="0.58 with height 1, 0.61 with 3 and 5, slightly less with 10.",
    ),
    Figure(
        "7",
        "Two or three convolutional layers",
        "Does one more convolutional layer help?",
        "4.2.1",
        tuple(
            Curve(f"height {height}{layers}", label=f"height {height}, {count} layers")
            for height in (3, 5)
            for layers, count in (("", "two"), (", 3 layers", "three"))
        ),
        tuple(
            Claim(
                f"With kernel height {height} a third layer brings no gain to speak "
                "of.",
                Curve(f"height {height}, 3 layers"),
                "does not beat",
                Curve(f"height {height}"),
            )
            for height in (3, 5)
        ),
        published="0.61 to 0.62 with three layers: no considerable gain.",
    ),
    Figure(
        "8",
        "Pooling after each convolutional layer",
        "Kernel height 3, with no pooling, the maximum of 2 or 3 neighbouring "
        "positions, or the average of 2. Is it enough to know about where a pattern "
        "was found?",
        "4.2.2",
        (
            Curve("height 3", label="no pooling"),
            Curve("max 2", label="max pooling 2"),
            Curve("max 3", label="max pooling 3"),
            Curve("average 2", label="average pooling 2"),
        ),
        (
            Claim(
                "Max pooling 2 does better than no pooling.",
                Curve("max 2"),
                "beats",
                Curve("height 3"),
            ),
            Claim(
                "Max pooling 3 does better than no pooling.",
                Curve("max 3"),
                "beats",
                Curve("height 3"),
            ),
            Claim(
                "Average pooling does worse than no pooling.",
                Curve("height 3"),
                "beats",
                Curve("average 2"),
            ),
        ),
        published="0.63 with max pooling, 0.61 without, 0.59 with average pooling.",
    ),
    Figure(
        "14",
        "The output layer's penalty with 25 genres",
        "Convolution in time with max pooling on the 25-genre task, where the output "
        "layer has more weights. Is it still better left free?",
        "7",
        (
            Curve("max 2, all L2", label="L2 on all layers"),
            Curve("max 2", label="no L2 on the output layer"),
        ),
        (
            Claim(
                "Also here, not penalising the output layer does better.",
                Curve("max 2"),
                "beats",
                Curve("max 2, all L2"),
            ),
        ),
        task=25,
        published="About 0.255 with the penalty, 0.27 without.",
    ),
    Figure(
        "recurrent",
        "Convolution in time against a recurrent net",
        "The report leaves this comparison to future work: in parameters, accuracy "
        "and training time.",
        "4.1, 8",
        (Curve("max 2"), Curve("recurrent"), Curve("baseline")),
        (
            Claim(
                "Expected: modelling the sequence by recurrence, too, does better "
                "than the baseline.",
                Curve("recurrent"),
                "beats",
                Curve("baseline"),
            ),
            Claim(
                "Expected: the recurrent net does no better than convolution in time.",
                Curve("recurrent"),
                "does not beat",
                Curve("max 2"),
            ),
        ),
        published="Not in the report. Others' recurrent net reached 0.62 (10 genres).",
    ),
)

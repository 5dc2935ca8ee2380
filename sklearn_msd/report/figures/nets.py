"""Figures 2 to 8, sections 3 and 4: single nets."""

from __future__ import annotations

from sklearn_msd.report.declaration import Claim, Curve, Figure, claim
from sklearn_msd.report.figures.models import KERNEL_HEIGHTS, L1_STRENGTHS, THRESHOLDS

BASELINE, MAX_2 = Curve("baseline"), Curve("max 2")

BASELINE_FIGURES = (
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
            claim(
                "Without a penalty on the convolutional layers the net overfits and "
                "does worse.",
                "baseline, all L2",
                "beats",
                "baseline, conv free",
            ),
            claim(
                "Not penalising the output layer does better.",
                BASELINE,
                "beats",
                "baseline, all L2",
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
            *(Curve(f"L1 {s:g}", label=f"L1, λ = {s:g}") for s in L1_STRENGTHS),
            Curve("baseline", label="L2, λ = 0.01 (baseline)"),
        ),
        tuple(
            claim(
                f"L1 with λ = {strength:g} does no better than L2.",
                f"L1 {strength:g}",
                "does not beat",
                BASELINE,
            )
            for strength in L1_STRENGTHS
        ),
        published="No strength of L1 does better than L2.",
    ),
    Figure(
        "4",
        "Convolution weights under L1 and under L2",
        "How are the weights of the two convolutional layers distributed? L1 is meant "
        "to switch off what is not needed.",
        "3.2",
        (
            Curve("L1 0.001", label="L1, λ = 0.001"),
            Curve("baseline", label="L2, λ = 0.01"),
        ),
        (
            Claim(
                "L1 switches off more weights than L2: a larger share of the "
                "convolution weights is below 0.01 in size.",
                Curve("L1 0.001"),
                "beats",
                BASELINE,
                measure="small weights",
            ),
        ),
        kind="weights",
        published="L1 switches off more weights than L2.",
    ),
    Figure(
        "5",
        "Sparse kernels: L1 finds the weights, L2 fits them",
        "A net is trained with L1 (λ = 0.001) in the convolutional layers; weights "
        "below a threshold are masked, and the rest is trained anew with L2. Does a "
        "sparser net generalise better?",
        "3.2",
        (
            *(Curve(f"sparse {t:g}", label=f"threshold {t:g}") for t in THRESHOLDS),
            Curve("baseline", label="nothing masked (baseline)"),
        ),
        (
            *(
                claim(
                    f"With threshold {threshold:g} it does no better than the "
                    "baseline.",
                    f"sparse {threshold:g}",
                    "does not beat",
                    BASELINE,
                )
                for threshold in THRESHOLDS
            ),
            claim(
                "The fewer weights are masked the better: 0.01 does better than 0.1.",
                "sparse 0.01",
                "beats",
                "sparse 0.1",
            ),
            claim(
                "The fewer weights are masked the better: 0.001 does better than 0.01.",
                "sparse 0.001",
                "beats",
                "sparse 0.01",
            ),
        ),
        published="Nothing is gained: the fewer weights masked, the better.",
    ),
)

TIME_FIGURES = (
    Figure(
        "6",
        "Kernel height: how many consecutive segments a kernel covers",
        "Two convolutional layers without pooling. Does a kernel that sees segments "
        "together with their neighbours find more than one that sees them alone?",
        "4.2.1",
        (
            Curve("baseline", label="kernel height 1 (baseline)"),
            *(Curve(f"height {h}", label=f"kernel height {h}") for h in KERNEL_HEIGHTS),
        ),
        (
            claim(
                "A kernel height of 3 does better than 1.",
                "height 3",
                "beats",
                BASELINE,
            ),
            claim(
                "Kernel heights of 3 and 5 do about equally well.",
                "height 5",
                "equals",
                "height 3",
            ),
            claim(
                "A kernel height of 10 does no better than 3.",
                "height 10",
                "does not beat",
                "height 3",
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
            claim(
                f"With kernel height {height} a third layer brings no gain to speak "
                "of.",
                f"height {height}, 3 layers",
                "does not beat",
                f"height {height}",
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
            claim(
                "Max pooling 2 does better than no pooling.", MAX_2, "beats", "height 3"
            ),
            claim(
                "Max pooling 3 does better than no pooling.",
                "max 3",
                "beats",
                "height 3",
            ),
            claim(
                "Average pooling does worse than no pooling.",
                "height 3",
                "beats",
                "average 2",
            ),
        ),
        published="0.63 with max pooling, 0.61 without, 0.59 with average pooling.",
    ),
)

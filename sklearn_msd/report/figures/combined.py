"""Figures 9 to 15, sections 5 to 7, and the future work that the report proposes."""

from __future__ import annotations

from sklearn_msd.report.declaration import Curve, Figure, claim
from sklearn_msd.report.figures.models import N_STACKED, SIMILARITY_PENALTIES

BASELINE, MAX_2 = Curve("baseline"), Curve("max 2")
CORRECTING = Curve("correcting")
CORRECTION = Curve(
    "correcting",
    output="correction",
    label="the corrector's own output",
    published={10: 0.10},
)
ALONE = Curve(
    "fully connected",
    label="the same net trained alone",
    published={10: 0.48},
)


COMBINING_FIGURES = (
    Figure(
        "9",
        "Combining three trained models",
        "The outputs of the fully connected net, the baseline and convolution in time "
        "feed a combiner: linear, with a hidden layer, or linear with all three models "
        "trained on. Do the models know different things?",
        "5.1",
        (MAX_2, Curve("linear"), Curve("nonlinear"), Curve("joint")),
        (
            claim(
                "The linear combiner does better than the best of the three.",
                "linear",
                "beats",
                MAX_2,
            ),
            claim(
                "A hidden layer in the combiner brings nothing.",
                "nonlinear",
                "does not beat",
                "linear",
            ),
            claim(
                "Training the three models on brings nothing.",
                "joint",
                "does not beat",
                "linear",
            ),
        ),
        published="0.64 combined, linearly or not; 0.62 to 0.63 with all trained on; "
        "0.63 for the best model alone.",
    ),
    Figure(
        "10",
        "The correcting model",
        "A first model is trained and frozen. A second one, fully connected with two "
        "hidden layers of 200, is trained on the same songs so that the sum of both "
        "outputs, after the softmax, predicts the class.",
        "6",
        (),
        kind="diagram",
    ),
    Figure(
        "11",
        "The correcting model against the combiner",
        "Convolution in time is corrected, frozen or training on with the corrector. "
        "How does that compare with the best combination?",
        "6.1",
        (Curve("linear"), CORRECTING, Curve("correcting, free"), MAX_2),
        (
            claim(
                "The correcting model does better than the best combination.",
                CORRECTING,
                "beats",
                "linear",
            ),
            claim(
                "It does better than the model that it corrects.",
                CORRECTING,
                "beats",
                MAX_2,
            ),
            claim(
                "Freezing the original model does better than letting it train on.",
                CORRECTING,
                "beats",
                "correcting, free",
            ),
        ),
        published="0.645 corrected, 0.64 combined, about 0.62 with all trained on.",
    ),
    Figure(
        "12",
        "Feeding the corrector the hidden representation",
        "Beside the songs, the corrector is given the original model's hidden "
        "representation and output.",
        "6.2",
        (CORRECTING, Curve("correcting, hidden")),
        (
            claim(
                "The additional input brings nothing.",
                "correcting, hidden",
                "does not beat",
                CORRECTING,
            ),
        ),
        published="About 0.643 with it, 0.645 without.",
    ),
    Figure(
        "13",
        "What the corrector has learned",
        "Is the corrector a classifier by itself? Its own output is read as a "
        "prediction, beside a net of the same architecture trained alone, and the "
        "sum is compared with a linear combiner trained together with the corrector.",
        "6.3",
        (CORRECTION, ALONE, CORRECTING, Curve("correcting, linear")),
        (
            claim(
                "The corrector's own output predicts no better than chance.",
                CORRECTION,
                "does not beat",
                None,
            ),
            claim(
                "The same net trained alone predicts better than the corrector.",
                ALONE,
                "beats",
                CORRECTION,
            ),
            claim(
                "A linear combiner in the place of the sum does equally well.",
                "correcting, linear",
                "equals",
                CORRECTING,
            ),
        ),
        published="About 0.10, chance, for the corrector's output; about 0.48 for the "
        "same net alone.",
    ),
)

TASK_25_FIGURES = (
    Figure(
        "14",
        "The output layer's penalty in the larger task",
        "Convolution in time with max pooling, in the report on its 25-genre task, "
        "where the output layer has more weights. Is it still better left free?",
        "7",
        (
            Curve("max 2, all L2", label="L2 on all layers"),
            Curve("max 2", label="no L2 on the output layer"),
        ),
        (
            claim(
                "Also here, not penalising the output layer does better.",
                MAX_2,
                "beats",
                "max 2, all L2",
            ),
        ),
        task=25,
        published="About 0.255 with the penalty, 0.27 without.",
    ),
    Figure(
        "15",
        "Four models in the larger task",
        "Do the models that did well with 10 genres do well with the report's 25?",
        "7",
        (BASELINE, MAX_2, Curve("linear"), CORRECTING),
        (
            claim(
                "Convolution in time does better than the baseline.",
                MAX_2,
                "beats",
                BASELINE,
            ),
            claim(
                "The combination does about as well as convolution in time.",
                "linear",
                "equals",
                MAX_2,
            ),
            claim(
                "The correcting model does better than convolution in time.",
                CORRECTING,
                "beats",
                MAX_2,
            ),
        ),
        task=25,
        published="About 0.25, 0.275, 0.28 and 0.287.",
    ),
)

STAGES = tuple(
    Curve("stacked", output=f"stage {i}", label=f"correcting model, {i} stacked")
    for i in range(1, N_STACKED + 1)
)

FUTURE_FIGURES = (
    Figure(
        "recurrent",
        "Convolution in time against a recurrent net",
        "The report leaves to future work how the two ways to model a sequence compare "
        "in parameters, accuracy and training time.",
        "4.1 and 8",
        (MAX_2, Curve("recurrent"), BASELINE),
        (
            claim(
                "The recurrent net does better than the baseline.",
                "recurrent",
                "beats",
                BASELINE,
                "open",
            ),
            claim(
                "The recurrent net does better than convolution in time.",
                "recurrent",
                "beats",
                MAX_2,
                "open",
            ),
        ),
        published="Not done. Others' recurrent net on the same data reached 0.62 with "
        "10 genres and 0.285 with 25.",
    ),
    Figure(
        "stacked",
        "Stacked correcting models",
        "Each further corrector is trained on the sum so far. The report expects each "
        "to help.",
        "6.1",
        (MAX_2, *STAGES),
        tuple(
            claim(
                f"Corrector {i + 1} brings a further gain.",
                STAGES[i],
                "beats",
                STAGES[i - 1],
                "expected",
            )
            for i in range(1, N_STACKED)
        ),
        published="Not done.",
    ),
    Figure(
        "similarity",
        "Training combined models not to learn the same",
        "While the three models and their combiner train together, a penalty grows "
        "with the agreement of their outputs. The report hopes that it helps.",
        "5.2",
        (
            Curve("joint", label="no penalty"),
            *(
                Curve(f"joint, penalty {p:g}", label=f"similarity penalty {p:g}")
                for p in SIMILARITY_PENALTIES
            ),
        ),
        tuple(
            claim(
                f"A similarity penalty of {penalty:g} does better than none.",
                f"joint, penalty {penalty:g}",
                "beats",
                "joint",
                "expected",
            )
            for penalty in SIMILARITY_PENALTIES
        ),
        published="Not done.",
    ),
    Figure(
        "sparse-hidden",
        "A sparse hidden layer",
        "The procedure of Figure 5 on the fully connected layer, which has nearly all "
        "of the parameters: L1 with λ = 0.0001 there finds the weights to keep. The "
        "report hopes that it regularises.",
        "3.2",
        (
            Curve("sparse hidden 0.01", label="threshold 0.01"),
            Curve("sparse hidden 0.001", label="threshold 0.001"),
            Curve("baseline", label="nothing masked (baseline)"),
        ),
        tuple(
            claim(
                f"With threshold {threshold:g} it does better than the baseline.",
                f"sparse hidden {threshold:g}",
                "beats",
                BASELINE,
                "expected",
            )
            for threshold in (0.01, 0.001)
        ),
        published="Not done.",
    ),
)

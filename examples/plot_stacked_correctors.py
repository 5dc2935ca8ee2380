"""
Stacked correctors
==================

The report proposes to stack correcting models, each on the sum so far, and expects each
to help (section 6.1, further work). Here that is ``n_corrections``, on **synthetic**
songs.
"""

# %%
# Train five correctors
# ---------------------
# ``shrinkage`` adds only a share of each correction, as in boosting. A corrector that
# trains too long overfits (its validation error in the report rises after about ten
# epochs), so three ways are compared.

import matplotlib.pyplot as plt
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    TimeConvClassifier,
)
from sklearn_msd.datasets import make_songs

X, y = make_songs(
    4000,
    30,
    n_classes=5,
    segment_share=0.1,
    order_share=0.4,
    position_share=0.25,
    random_state=0,
)
train, test = slice(0, 3000), slice(3000, None)
base = TimeConvClassifier(
    global_pooling="mean", n_kernels=30, max_epochs=10, random_state=0
)
base.fit(X[train], y[train])

stopped = FullyConnectedClassifier(
    hidden_layer_sizes=(100, 100), early_stopping=True, n_iter_no_change=3
)
long = FullyConnectedClassifier(hidden_layer_sizes=(100, 100), max_epochs=12)
ways = {
    "12 epochs each": (long, 1.0),
    "early stopping": (stopped, 1.0),
    "early stopping, half of each added": (stopped, 0.5),
}

fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
styles = zip(ways.items(), ("#c1272d", "#0b1d51", "#2e7d32"), "so^", strict=True)
for (name, (corrector, shrinkage)), color, marker in styles:
    stack = CorrectingClassifier(
        FrozenEstimator(base),
        corrector,
        n_corrections=5,
        shrinkage=shrinkage,
        random_state=0,
    ).fit(X[train], y[train])
    losses = [log_loss(y[test], p) for p in stack.staged_predict_proba(X[test])]
    scores = list(stack.staged_score(X[test], y[test]))
    left.plot(losses, color=color, marker=marker, label=name)
    right.plot(scores, color=color, marker=marker)
left.set(xlabel="correctors added", ylabel="log loss on test songs")
right.set(xlabel="correctors added", ylabel="accuracy on test songs")
left.legend(frameon=False)
fig.suptitle("Synthetic songs: correctors on top of correctors")
plt.show()

# %%
# What to see: the first corrector brings almost all of the gain. The four on top of it
# lower the log loss by little and hardly change the accuracy. Trained for 12 epochs
# without early stopping, even the first does harm, and later ones do not make up for
# it. If half of each correction is added, two are needed for what one does. So the
# report's hope for stacks is not fulfilled on these songs: stop early, and one
# corrector will do.

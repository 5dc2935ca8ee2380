"""
What a corrector changes: songs rescued, songs spoiled
======================================================

A correcting model adds its logits to those of a trained net (section 6, Figure 10). It
brings some songs to their right class and takes others from it. The songs are
**synthetic**.
"""

# %%
# A base and its corrector
# ------------------------
# The base looks for patterns anywhere in the song. The corrector, fully connected, also
# sees where they are. Its early stopping watches the sum of both.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator

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
base = base.fit(X[train], y[train])
corrected = CorrectingClassifier(
    FrozenEstimator(base),
    FullyConnectedClassifier(early_stopping=True, n_iter_no_change=3),
    random_state=0,
)
corrected = corrected.fit(X[train], y[train])

# %%
# The same architecture, alone
# ----------------------------
# The corrector by itself is a poor classifier, in the report no better than chance: it
# has learned what to add to the base (section 6.3, Figure 13).

alone = FullyConnectedClassifier(
    early_stopping=True, n_iter_no_change=3, random_state=0
)
alone.fit(X[train], y[train])
own = corrected.classes_[corrected.correction(X[test]).argmax(axis=1)]
accuracy = {
    "base": base.score(X[test], y[test]),
    "base + corrector": corrected.score(X[test], y[test]),
    "corrector's own output": np.mean(own == y[test]),
    "same net, trained alone": alone.score(X[test], y[test]),
}

# %%
# Which songs it changes
# ----------------------
# Each point is a song: how sure the base is of the right class against how sure both
# together are.

truth = y[test]
rows = np.arange(len(truth))
before = base.predict_proba(X[test])[rows, truth]
after = corrected.predict_proba(X[test])[rows, truth]
was_right = base.predict(X[test]) == truth
is_right = corrected.predict(X[test]) == truth
groups = {
    "right before and after": (was_right & is_right, "#c9d3dd", "."),
    "wrong before and after": (~was_right & ~is_right, "#9a9a9a", "."),
    "rescued": (~was_right & is_right, "#2e7d32", "^"),
    "spoiled": (was_right & ~is_right, "#c1272d", "v"),
}

fig, (scatter, bars) = plt.subplots(
    1, 2, figsize=(10, 4.6), width_ratios=[1.25, 1], layout="constrained"
)
for name, (which, color, marker) in groups.items():
    scatter.scatter(
        before[which],
        after[which],
        s=22,
        color=color,
        marker=marker,
        label=f"{name}: {which.sum()}",
    )
scatter.plot([0, 1], [0, 1], color="0.4", linewidth=0.8)
scatter.set(xlabel="probability of the right class: base", ylabel="base + corrector")
scatter.legend(
    loc="upper center",
    bbox_to_anchor=(0.5, -0.14),
    ncols=2,
    frameon=False,
    fontsize=9,
    markerscale=1.5,
)
drawn = bars.barh(list(accuracy), list(accuracy.values()), color="#0b1d51")
bars.bar_label(drawn, fmt=" %.2f")
bars.axvline(0.2, color="0.3", linestyle="--", linewidth=1)
bars.invert_yaxis()
bars.set(xlim=(0, 1), xlabel="accuracy on test songs (dashed: chance)")
fig.suptitle("Synthetic songs: what a corrector changes")
plt.show()

gained = is_right.astype(float) - was_right
margin = 1.96 * gained.std() / np.sqrt(len(gained))
print(f"gained: {gained.mean():+.3f}, 95 %: ± {margin:.3f}")

# %%
# What to see: twice as many songs are rescued as are spoiled, and the interval of the
# gain lies above 0. The corrector's own output is at chance: it knows only what the
# base does not. The same net trained alone finds the class of more songs than that, but
# of far fewer than the base.

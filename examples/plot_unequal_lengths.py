"""
Recurrent nets and songs of unequal length
==========================================

The report cuts every song to its central 120 segments and leaves recurrent nets, which
take songs of any length, to future work (section 4.1). Here both ways meet on
**synthetic** songs of 15 to 60 segments.
"""

# %%
# Songs padded with NaN
# ---------------------
# Songs of unequal length are one array of shape (songs, segments, 25) that ends in
# segments of NaN. :func:`~sklearn_msd.stack_segments` makes it from a list.

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_msd import RecurrentClassifier, SegmentCropper, TimeConvClassifier
from sklearn_msd.datasets import make_songs

X, y = make_songs(
    1600,
    n_segments=60,
    min_segments=15,
    n_classes=4,
    random_state=0,
)
length = (~np.isnan(X[:, :, 0])).sum(axis=1)
train, test = slice(0, 1000), slice(1000, None)

# %%
# Three ways to read them
# -----------------------
# The recurrent net and the convolution that summarises the whole song read every
# segment. A net that keeps every position needs songs of one length: it gets the
# central 15 segments of each. All three have the same learning rate, penalty and number
# of epochs, and none was tuned.

settings = {"learning_rate": 4e-3, "l2": 1e-4, "max_epochs": 18, "random_state": 0}
models = {
    "recurrent, whole songs": RecurrentClassifier(hidden_size=40, **settings),
    "convolution, whole songs": TimeConvClassifier(
        global_pooling="mean_max", n_kernels=30, **settings
    ),
    "convolution, central 15 segments": make_pipeline(
        SegmentCropper(15), TimeConvClassifier(n_kernels=30, **settings)
    ),
}
right, seconds = {}, {}
for name, model in models.items():
    start = time.perf_counter()
    model.fit(X[train], y[train])
    seconds[name] = time.perf_counter() - start
    right[name] = model.predict(X[test]) == y[test]
    print(f"{name}: {right[name].mean():.2f}")

# %%
# Longer songs say more
# ---------------------

edges = np.linspace(15, 61, 6)
part = np.digitize(length[test], edges) - 1
middle = (edges[:-1] + edges[1:]) / 2

fig, (left, bars) = plt.subplots(
    1, 2, figsize=(9.5, 4.2), width_ratios=[2, 1], layout="constrained"
)
styles = zip(models, ("#0b1d51", "#c1272d", "#d98e04"), "os^", strict=True)
for name, color, marker in styles:
    accuracy = np.array([right[name][part == i].mean() for i in range(5)])
    error = np.sqrt(accuracy * (1 - accuracy) / np.bincount(part))
    left.errorbar(
        middle, accuracy, error, color=color, marker=marker, capsize=3, label=name
    )
    bars.barh(name.replace(", ", ",\n"), seconds[name], color=color)
left.axhline(0.25, color="0.3", linestyle="--", linewidth=1, label="chance")
left.set(xlabel="segments in the song", ylabel="accuracy", ylim=(0, 1))
left.legend(frameon=False, loc="center", bbox_to_anchor=(0.5, 0.43), fontsize=9)
bars.invert_yaxis()
bars.set(xlabel="seconds to train")
fig.suptitle("Synthetic songs of unequal length (error bars: one standard error)")
plt.show()

# %%
# What to see: the two nets that read whole songs are more accurate on longer ones, and
# end close together. The recurrent net takes longer to train. Cut to 15 segments, all
# songs are short ones, and accuracy is 0.2 lower whatever their length.

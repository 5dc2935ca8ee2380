"""
L1 against L2, and the sparse refit
===================================

An L2 penalty keeps weights small, an L1 penalty switches them off (section 3.2,
Figures 3 to 5). The two-step fit uses L1 to find the weights that matter, and L2 to fit
them. The songs are **synthetic**.
"""

# %%
# One net, two penalties
# ----------------------
# The same net with an L2 penalty on its convolutions, and with an L1 penalty instead
# (Figure 4). Mind the logarithmic scale: the peak at zero holds most of the weights.

import matplotlib.pyplot as plt

from sklearn_msd import (
    SegmentConvClassifier,
    SparseRefitClassifier,
    WeightHistogramDisplay,
)
from sklearn_msd.datasets import make_songs

X, y = make_songs(1800, 30, n_classes=4, random_state=0)
train, test = slice(0, 1200), slice(1200, None)
settings = {"n_kernels": 30, "max_epochs": 20, "learning_rate": 2e-3, "random_state": 0}

with_l2 = SegmentConvClassifier(l2=0.01, **settings).fit(X[train], y[train])
with_l1 = SegmentConvClassifier(l1=0.004, l2_layers=("hidden",), **settings)
with_l1.fit(X[train], y[train])

WeightHistogramDisplay.from_estimators(
    {"L2, λ = 0.01": with_l2, "L1, λ = 0.004": with_l1}
)
plt.show()

# %%
# Mask the small weights, fit again
# ---------------------------------
# :class:`~sklearn_msd.SparseRefitClassifier` masks the weights that the L1 penalty left
# below a threshold, and trains a fresh net under the mask with L2 (Figure 5).

thresholds = [0.001, 0.01, 0.03, 0.06]
masked, accuracy = [], []
for threshold in thresholds:
    sparse = SparseRefitClassifier(
        SegmentConvClassifier(l2=0.01, **settings), l1=0.004, threshold=threshold
    ).fit(X[train], y[train])
    masked.append(sparse.sparsity_["total"])
    accuracy.append(sparse.score(X[test], y[test]))

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for name, net, color, dashes in (
    ("L2", with_l2, "#0b1d51", "--"),
    ("L1", with_l1, "#2e7d32", "-."),
):
    score = net.score(X[test], y[test])
    ax.axhline(score, color=color, linestyle=dashes, label=f"all weights, {name}")
ax.plot(masked, accuracy, "o-", color="#c1272d", label="sparse refit with L2")
for x, score, threshold in zip(masked, accuracy, thresholds, strict=True):
    ax.annotate(
        f"{threshold:g}", (x, score), (0, -16), textcoords="offset points", ha="center"
    )
ax.axhline(0.25, color="0.3", linestyle=":", label="chance")
ax.margins(y=0.15)
ax.set(
    xlabel="share of the convolutions' weights masked (numbers: threshold)",
    ylabel="accuracy on test songs",
    title="Synthetic songs: how many weights can go",
)
ax.legend(frameon=False)
plt.show()

# %%
# What to see: L1 leaves most weights in the bin at zero, L2 about one in ten. Six in
# ten weights, which L1 left below the lowest threshold, can be masked at no cost here;
# with more, accuracy falls step by step. The report found that the fewer weights are
# masked, the better, and none at all best. ``layers=("hidden",)`` does the same to the
# hidden layer, where most of the weights are: its further work.

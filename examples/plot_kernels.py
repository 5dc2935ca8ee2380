"""
What kernels listen for
=======================

A kernel of the first convolution is a short piece of song: its activation says how
much of that piece is in the segments before it. Here are those of a net trained on
**spoken digits**, real sound but speech.
"""

# %%
# The kernels
# -----------
# The four with the largest weights. The features are scaled, so that weights can be
# compared. A blue field raises the activation, a red one lowers it, and a white one
# does nothing. Where a row goes from red to blue within a kernel, the kernel listens
# for a rise.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_msd import KernelDisplay, SegmentScaler, TimeConvClassifier
from sklearn_msd.datasets import load_spoken_digits

digits = load_spoken_digits()
X = SegmentScaler().fit_transform(digits.data)
train, test = digits.groups != "theo", digits.groups == "theo"
net = TimeConvClassifier(n_kernels=16, max_epochs=20, random_state=0)
net = net.fit(X[train], digits.target[train])
print(
    f"accuracy on a voice not heard in training: "
    f"{net.score(X[test], digits.target[test]):.2f} (chance: 0.10)"
)

features = [name.removeprefix("segment_0_") for name in digits.feature_names[:25]]
KernelDisplay.from_estimator(net, n_strongest=4, feature_names=features)
plt.show()

# %%
# What in them is signal?
# -----------------------
# A kernel starts as noise between two bounds, one over the root of its number of
# weights, and twenty epochs wipe out little of it. What is beyond the bounds was
# learned.

bound = 1 / np.sqrt(3 * 25)
kernels = net.module_.conv[0].weight.detach().numpy()
learned = np.abs(kernels) > bound
print(
    f"start: -{bound:.3f} to {bound:.3f}; beyond: {learned.mean():.0%} of the weights"
)

nonsense = np.random.default_rng(0).permutation(digits.target[train])
memorised = TimeConvClassifier(n_kernels=16, max_epochs=20, random_state=0)
memorised = memorised.fit(X[train], nonsense)
print(
    f"strongest weight: {np.abs(kernels).max():.2f}; with labels shuffled: "
    f"{np.abs(memorised.module_.conv[0].weight.detach().numpy()).max():.2f}, and "
    f"accuracy {memorised.score(X[test], digits.target[test]):.2f}"
)

# %%
# So deep colour shows what the net learned, and not whether that is of use: a net that
# memorises shuffled labels has kernels as strong. Only accuracy on recordings held out
# tells, and so does what kernels do there.

# %%
# When they are heard
# -------------------
# The activations of the same four kernels over the course of each digit, in the mean
# over the recordings of the voice held out.

bias = net.module_.conv[0].bias.detach().numpy()
songs = X[test].reshape(-1, 120, 25)
windows = np.lib.stride_tricks.sliding_window_view(songs, kernels.shape[1], axis=1)
activation = np.einsum("ntfh,khf->ntk", windows, kernels) + bias
activation = np.maximum(activation, 0)
strongest = np.argsort(-np.square(kernels).sum(axis=(1, 2)))[:4]

fig, axes = plt.subplots(2, 2, figsize=(9, 6), sharex=True, layout="constrained")
for ax, kernel in zip(axes.flat, strongest, strict=True):
    mean = [activation[digits.target[test] == d, :, kernel].mean(0) for d in range(10)]
    image = ax.imshow(mean, cmap="magma", aspect="auto", interpolation="nearest")
    ax.set_yticks(range(10), digits.target_names)
    ax.set_title(f"kernel {kernel}")
    fig.colorbar(image, ax=ax)
for ax in axes[1]:
    ax.set_xlabel("segment")
fig.suptitle("Where in each spoken digit a kernel is active")
plt.show()

# %%
# What to see: each kernel is most active in a few digits, at a place of their own, and
# far less in others, though the voice was not heard in training.

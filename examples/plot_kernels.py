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
# The features are scaled, so that weights can be compared. A light field raises the
# activation, a dark one lowers it; where a row goes from dark to light within a kernel,
# the kernel listens for a rise.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_msd import KernelDisplay, SegmentScaler, TimeConvClassifier
from sklearn_msd.datasets import load_spoken_digits

digits = load_spoken_digits()
X = SegmentScaler().fit_transform(digits.data)
train, test = digits.groups != "theo", digits.groups == "theo"
net = TimeConvClassifier(n_kernels=16, max_epochs=20, random_state=0)
net.fit(X[train], digits.target[train])
print(
    f"accuracy on a voice not heard in training: "
    f"{net.score(X[test], digits.target[test]):.2f} (chance: 0.10)"
)

features = [name.removeprefix("segment_0_") for name in digits.feature_names[:25]]
KernelDisplay.from_estimator(net, n_strongest=10, feature_names=features)
plt.show()

# %%
# When they are heard
# -------------------
# The activations of the four strongest kernels over the course of each digit, in the
# mean over the recordings of the voice held out.

layer = net.module_.conv[0]
kernels, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
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

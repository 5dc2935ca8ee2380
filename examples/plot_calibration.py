"""
Calibrated probabilities
========================

A net that trains long gives probabilities that are too sure of themselves. All
classifiers here are scikit-learn's own kind, so its calibration tools mend that.
The songs are **synthetic**.
"""

# %%
# Train, then calibrate on songs held out
# ---------------------------------------
# :class:`~sklearn.frozen.FrozenEstimator` keeps the trained net as it is. Temperature
# scaling divides its logits by one number.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score, log_loss

from sklearn_msd import FullyConnectedClassifier
from sklearn_msd.datasets import make_songs

X, y = make_songs(6000, 40, n_classes=5, random_state=0)
train, hold_out, test = slice(0, 2000), slice(2000, 3500), slice(3500, None)

net = FullyConnectedClassifier(max_epochs=25, l2=1e-3, random_state=0)
net.fit(X[train], y[train])
models = {"the net as trained": net}
for method in ("temperature", "isotonic"):
    calibrated = CalibratedClassifierCV(FrozenEstimator(net), method=method)
    models[f"calibrated: {method}"] = calibrated.fit(X[hold_out], y[hold_out])

# %%
# Say 80 %, be right in 80 %
# --------------------------

fig, (reliability, histogram) = plt.subplots(
    1, 2, figsize=(9.5, 4.4), layout="constrained"
)
reliability.plot([0.2, 1], [0.2, 1], color="0.5", linestyle="--", label="calibrated")
styles = zip(models.items(), ("#c1272d", "#0b1d51", "#2e7d32"), "so^", strict=True)
for (name, model), color, marker in styles:
    probability = model.predict_proba(X[test])
    predicted = model.classes_[probability.argmax(axis=1)]
    sure, right = probability.max(axis=1), predicted == y[test]
    share, said = calibration_curve(right, sure, n_bins=10, strategy="quantile")
    # Nets compute in float32, and scikit-learn is stricter with sums in float64.
    loss = log_loss(y[test], probability.astype(np.float32))
    accuracy = accuracy_score(y[test], predicted)
    label = f"{name}\n(log loss {loss:.2f}, accuracy {accuracy:.2f})"
    reliability.plot(said, share, color=color, marker=marker, label=label)
    histogram.hist(
        sure, np.linspace(0.2, 1, 17), histtype="step", color=color, linewidth=1.8
    )
reliability.set(xlabel="probability of the class predicted", ylabel="share right")
histogram.set(xlabel="probability of the class predicted", ylabel="songs")
fig.legend(
    *reliability.get_legend_handles_labels(),
    loc="outside lower center",
    ncols=4,
    frameon=False,
    fontsize=9,
)
fig.suptitle("Synthetic songs: how far a net's probabilities can be trusted")
plt.show()

# %%
# What to see: the net as trained lies far below the dashed line. Of the songs of which
# it says "95 %", about half are right. Both kinds of calibration bring the line close
# to the diagonal and lower the log loss, and neither makes the net more accurate.
# Temperature scaling leaves every prediction as it was and changes only how sure it is.
# Isotonic regression, class by class, may change predictions too.

"""
Combining models: whom does the combiner listen to?
===================================================

The report combines three trained nets with a linear combiner fed with their outputs
before the softmax (section 5, Figure 9). The songs here are **synthetic**; that nets
of three kinds know different things is so by construction.
"""

# %%
# Three nets, trained apart
# -------------------------
# The combiner is trained on songs that the nets have not seen: on their own training
# songs they are far too sure of themselves. :class:`~sklearn.frozen.FrozenEstimator`
# hands trained nets over as they are.

import matplotlib.pyplot as plt
from sklearn.frozen import FrozenEstimator

from sklearn_msd import (
    CombinerDisplay,
    ComparisonDisplay,
    FullyConnectedClassifier,
    LinearCombiner,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.datasets import make_songs

X, y = make_songs(
    4000,
    30,
    n_classes=5,
    segment_share=0.25,
    order_share=0.25,
    position_share=0.25,
    mean_sep=1,
    random_state=0,
)
train, combine, test = slice(0, 2000), slice(2000, 3000), slice(3000, None)

nets = {
    "fully connected": FullyConnectedClassifier(max_epochs=4, random_state=0),
    "baseline": SegmentConvClassifier(max_epochs=8, random_state=0),
    "convolution in time": TimeConvClassifier(
        global_pooling="max", n_kernels=30, max_epochs=12, random_state=0
    ),
}
frozen = [(n, FrozenEstimator(net.fit(X[train], y[train]))) for n, net in nets.items()]
combiner = LinearCombiner(frozen, l2=1e-3, shrink_to="zero").fit(X[combine], y[combine])

# %%
# What the combiner gains, and what it learned
# --------------------------------------------
# A net's *contribution* to a class is the weight of its logit in that class, less the
# mean of its weights in the others: 1 for a net that is taken as it is, 0 for one that
# changes nothing. Left: accuracies with 95 % intervals.

fig, (left, right) = plt.subplots(
    1, 2, figsize=(10, 3.6), width_ratios=[1, 1.3], layout="constrained"
)
ComparisonDisplay.from_estimators(
    {**nets, "linear combiner": combiner}, X[test], y[test], ax=left
)
CombinerDisplay.from_estimator(combiner, ax=right)
fig.suptitle("Synthetic songs: three nets and their linear combiner")
plt.show()

# %%
# What to see: the combiner is a little more accurate than its best net, and gives most
# weight to it. It hardly listens to the fully connected net, and to the baseline only
# in two classes. The intervals of the two lowest rows overlap: on these songs the gain
# over the best net may be chance.
#
# Figure 9 of the report trains the combiner on the nets' own training songs. With
# ``LinearCombiner(nets, cv=5)`` unfrozen nets are trained here, on all songs, and the
# combiner on what clones said of songs held out. A hidden layer in the combiner is
# :class:`~sklearn_msd.NonlinearCombiner`.

"""
Kernel height and λ by grid search
==================================

The report chooses the height of its kernels (Figure 6) and the strength λ of its L2
penalty (equation 1) by the accuracy on validation songs. With scikit-learn that is
one grid search. The songs are **synthetic**: five classes that differ, above all, in
the order of neighbouring segments.
"""

# %%
# The search
# ----------
# One division into training and validation songs, as in the report; ``cv=5`` would
# cross-validate. The search trains 16 nets, two at a time.

import matplotlib.pyplot as plt
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from sklearn_msd import TimeConvClassifier
from sklearn_msd.datasets import make_songs

X, y = make_songs(
    1500, n_segments=40, n_classes=5, segment_share=0.1, mean_sep=0.7, random_state=0
)
grid = {"kernel_height": [1, 2, 3, 5], "l2": [0.001, 0.003, 0.01, 0.03]}
net = TimeConvClassifier(
    n_kernels=30, global_pooling="mean_max", max_epochs=12, random_state=0
)
search = GridSearchCV(
    net,
    grid,
    cv=ShuffleSplit(1, test_size=1 / 3, random_state=0),
    refit=False,
    n_jobs=2,
)
search.fit(X, y)
print(search.best_params_)

# %%
# Every combination
# -----------------
# ``cv_results_`` lists the combinations in the order of the grid, the last parameter
# varying fastest.

scores = search.cv_results_["mean_test_score"].reshape(4, 4)

fig, ax = plt.subplots(figsize=(6, 4.4), layout="constrained")
image = ax.imshow(scores, cmap="viridis", vmin=1 / 5, aspect="auto")
ax.set_xticks(range(4), [f"{value:g}" for value in grid["l2"]])
ax.set_yticks(range(4), grid["kernel_height"])
ax.set(xlabel="λ of the L2 penalty", ylabel="kernel height (segments)")
for row in range(4):
    for column in range(4):
        score = scores[row, column]
        color = "black" if score > 0.5 else "white"
        ax.text(column, row, f"{score:.2f}", ha="center", va="center", color=color)
fig.colorbar(image, label="validation accuracy (chance: 0.20)")
fig.suptitle("Synthetic songs: which kernels, how strong a penalty")
plt.show()

# %%
# What to see: a kernel of height 1 sees each segment by itself and cannot tell one
# order of two sounds from the other. Heights 2 and 3 can, and are about equal. Height 5
# has more weights than these songs can teach it, and is 0.1 lower. The strongest
# penalty is too strong for every height.
#
# The validation songs have now chosen two parameters: an honest accuracy of the chosen
# net needs songs that neither trained nor chose it.

"""Small songs, nets and bases for the tests of combiners and correctors."""

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from sklearn_msd import (
    CorrectingClassifier,
    CropAveragingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    RecurrentClassifier,
    SegmentConvClassifier,
    SparseRefitClassifier,
    TimeConvClassifier,
)

N_SONGS, N_SEGMENTS, N_FEATURES = 90, 12, 5
WIDTH = N_SEGMENTS * N_FEATURES

# All songs in one batch, so that weighting a song is repeating it.
EXACT = {"dtype": "float64", "batch_size": 1000}
SMALL = {"n_segment_features": N_FEATURES, "max_epochs": 4, "random_state": 0}
DENSE = FullyConnectedClassifier(**SMALL, hidden_layer_sizes=(6,))
CONV = TimeConvClassifier(**SMALL, n_kernels=4, hidden_layer_sizes=(9,))


def songs(n_classes=3, seed=0):
    """Songs of which the first feature of each segment tells the class."""
    rng = np.random.RandomState(seed)
    y = rng.randint(n_classes, size=N_SONGS)
    X = rng.normal(size=(N_SONGS, WIDTH))
    X[:, ::N_FEATURES] += y[:, None]
    return X, np.array(["a", "b", "c", "d"])[y]


def vector(net):
    """All parameters of a fitted net."""
    parameters = torch.nn.utils.parameters_to_vector(net.module_.parameters())
    return parameters.detach().numpy().copy()


def frozen_nets(n_classes):
    """Songs, and frozen nets by name that have seen half of them."""
    X, y = songs(n_classes)
    nets = {"dense": clone(DENSE), "conv": clone(CONV)}
    nets["conv"].set_params(max_epochs=20, learning_rate=0.01)
    half = N_SONGS // 2
    bases = [
        (name, FrozenEstimator(net.fit(X[:half], y[:half])))
        for name, net in nets.items()
    ]
    return X, y, bases


class Counting(ClassifierMixin, BaseEstimator):
    """Counts how often it is asked, and about how many songs."""

    asked: list[int] = []

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X, y)
        self.classes_ = self.inner_.classes_
        self.n_features_in_ = self.inner_.n_features_in_
        return self

    def predict_proba(self, X):
        Counting.asked.append(len(X))
        return self.inner_.predict_proba(X)


def every_classifier():
    """One of each public classifier by its name, not fitted, for `songs`."""
    training = DENSE.training_parameters()
    logistic = LogisticRegression()
    return {
        "FullyConnectedClassifier": clone(DENSE),
        "SegmentConvClassifier": SegmentConvClassifier(**SMALL, n_kernels=3),
        "TimeConvClassifier": clone(CONV),
        "RecurrentClassifier": RecurrentClassifier(**SMALL, hidden_size=4),
        "SparseRefitClassifier": SparseRefitClassifier(clone(CONV)),
        "LinearCombiner": LinearCombiner([("a", logistic), ("b", DENSE)], cv=2),
        "NonlinearCombiner": NonlinearCombiner([("a", logistic)], cv=2, **training),
        "JointCombiner": JointCombiner([("a", DENSE), ("b", CONV)], cv=2, **training),
        "CorrectingClassifier": CorrectingClassifier(logistic, clone(DENSE)),
        "CropAveragingClassifier": CropAveragingClassifier(
            logistic, n_crops=2, n_segments=8, n_segment_features=N_FEATURES
        ),
    }

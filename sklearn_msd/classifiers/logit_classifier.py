"""Logits → labels, probabilities and scores, the same for every classifier here."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin

from sklearn_msd.segments.as_array import as_array, as_labels


class ScoreMixin(ClassifierMixin):
    """Accuracy, of labels and weights in any container that `fit` takes."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, the share of songs whose label is predicted.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_features_in_), or what `predict` takes
        y : array-like of shape (n_songs,)
            Labels.
        sample_weight : array-like of shape (n_songs,), default=None
            Weights of the songs.

        Returns
        -------
        float
        """
        weight = as_array(sample_weight, "sample_weight")
        return float(super().score(X, as_labels(y), weight))


class LogitClassifierMixin(ScoreMixin):
    """What a classifier predicts, given its logits and `classes_`."""

    classes_: np.ndarray

    def _logits(self, X: Any) -> np.ndarray:
        """Logits, of shape (n_songs, n_classes)."""
        raise NotImplementedError

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_features_in_), or 3-D

        Returns
        -------
        ndarray of shape (n_songs, n_classes), or (n_songs,) for two classes
            For two classes, the logit of ``classes_[1]`` less that of ``classes_[0]``.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities, of shape (n_songs, n_classes), in the order of `classes_`."""
        return np.asarray(softmax(self._logits(X), axis=1))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the probabilities, exact where these round to 0."""
        return np.asarray(log_softmax(self._logits(X), axis=1))

    def predict(self, X: Any) -> np.ndarray:
        """Labels, of shape (n_songs,)."""
        logits = self._logits(X)
        return np.asarray(self.classes_[logits.argmax(axis=1)])

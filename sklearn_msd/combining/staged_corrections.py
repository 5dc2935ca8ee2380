"""What a correcting classifier predicts, corrector after corrector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from sklearn_msd.classifiers.logit_classifier import LogitClassifierMixin
from sklearn_msd.combining.logits import class_logits, hidden_representation
from sklearn_msd.segments.as_array import as_array, as_labels


class Songs(NamedTuple):
    """What a corrector is trained on, or nothing."""

    rows: Any
    logits: Any


class StagedCorrections(LogitClassifierMixin):
    """Predictions of a base and of correctors that add to its logits."""

    use_hidden: bool
    combine: str
    shrinkage: Any
    estimator_: Any
    correctors_: list[Any]
    combiners_: list[tuple[np.ndarray, np.ndarray]]

    def correction(self, X: Any) -> np.ndarray:
        """The correctors' own logits: their accuracy alone is near chance (Figure 13).

        Parameters
        ----------
        X : array-like of shape (n_songs, n_features_in_), or 3-D

        Returns
        -------
        ndarray of shape (n_songs, n_classes)
            Of several correctors the sum, each times its `shrinkages_`. With
            ``combine="sum"`` this is what is added to the base's logits.
        """
        check_is_fitted(self, "correctors_")
        rows = self._songs(X).rows if self.use_hidden else X
        own = [
            share * class_logits(corrector, rows)
            for share, corrector in zip(self._shares, self.correctors_, strict=True)
        ]
        return np.asarray(np.sum(own, axis=0, dtype=own[0].dtype))

    def staged_predict_proba(self, X: Any) -> Iterator[np.ndarray]:
        """Probabilities of the base alone, then after each corrector.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_features_in_), or 3-D

        Yields
        ------
        ndarray of shape (n_songs, n_classes)
        """
        for logits in self._staged_logits(X):
            yield softmax(logits, axis=1)

    def staged_score(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> Iterator[float]:
        """Accuracy of the base alone, then after each corrector.

        Parameters
        ----------
        X : array-like of shape (n_songs, n_features_in_), or 3-D
        y : array-like of shape (n_songs,)
        sample_weight : array-like of shape (n_songs,), default=None

        Yields
        ------
        float
        """
        y, weight = as_labels(y), as_array(sample_weight, "sample_weight")
        for logits in self._staged_logits(X):
            predicted = self.classes_[logits.argmax(axis=1)]
            yield float(accuracy_score(y, predicted, sample_weight=weight))

    def _songs(self, X: Any, base_logits: np.ndarray | None = None) -> Songs:
        """Songs with the base's logits, beside which `use_hidden` puts more."""
        if X is None:
            return Songs(None, None)
        X = as_array(X)
        if base_logits is None:
            base_logits = class_logits(self.estimator_, X)
        if not self.use_hidden:
            return Songs(X, base_logits)
        songs = np.asarray(X)
        songs = songs.reshape(len(songs), -1)
        hidden = hidden_representation(self.estimator_, X)
        rows = np.hstack([songs, hidden, base_logits.astype(hidden.dtype)])
        return Songs(rows, base_logits)

    def _corrected(self, stage: int, songs: Songs) -> Songs:
        """Songs with their logits after one more correction."""
        rows, logits = songs
        if rows is None:
            return songs
        correction = class_logits(self.correctors_[stage], rows)
        if self.combine == "linear":
            weights, intercept = self.combiners_[stage]
            combined = np.hstack([logits, correction]) @ weights.T + intercept
            correction = combined - logits
        return Songs(rows, logits + self._shares[stage] * correction)

    @property
    def _shares(self) -> list[float]:
        """The share of each correction that is added."""
        # Plain numbers: one of NumPy's would make float32 float64. Models of older
        # files have one share for all.
        n = len(self.correctors_)
        return getattr(self, "shrinkages_", None) or [float(self.shrinkage)] * n

    def _staged_logits(self, X: Any) -> Iterator[np.ndarray]:
        check_is_fitted(self, "correctors_")
        songs = self._songs(X)
        yield songs.logits
        for stage in range(len(self.correctors_)):
            songs = self._corrected(stage, songs)
            yield songs.logits

    def _logits(self, X: Any) -> np.ndarray:
        *_, logits = self._staged_logits(X)
        return logits

"""Recordings in groups, such as speakers, of which benchmarks hold one out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_msd import SegmentScaler
from sklearn_msd.datasets import load_spoken_digits


@dataclass(frozen=True)
class Split:
    """Songs to train on, and those of a group that no song trained on is of.

    Attributes
    ----------
    X, X_test : ndarray of shape (n_songs, n_segments * 25)
        Standardised with the figures of the songs to train on.
    y, y_test : ndarray of shape (n_songs,)
    group : ndarray of shape (n_songs,)
        Of the songs to train on.
    """

    X: np.ndarray
    y: np.ndarray
    group: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


@dataclass(frozen=True)
class Recordings:
    """Songs in groups, such as speakers.

    Parameters
    ----------
    X : ndarray of shape (n_songs, n_segments * 25)
    y, group : ndarray of shape (n_songs,)
    """

    X: np.ndarray
    y: np.ndarray
    group: np.ndarray

    @property
    def groups(self) -> list[str]:
        """Their names, sorted."""
        return [str(name) for name in np.unique(self.group)]

    def hold_out(
        self,
        name: str,
        *,
        n_train: int | None = None,
        per: str = "feature",
        random_state: int = 0,
    ) -> Split:
        """Hold a group out; train on `n_train` songs of the others, drawn at random."""
        train = np.flatnonzero(self.group != name)
        train = np.random.default_rng(random_state).permutation(train)[:n_train]
        test = self.group == name
        scaler = SegmentScaler(per=per).fit(self.X[train])
        return Split(
            X=scaler.transform(self.X[train]),
            y=self.y[train],
            group=self.group[train],
            X_test=scaler.transform(self.X[test]),
            y_test=self.y[test],
        )


def load(source: str) -> Recordings:
    """The package's spoken digits, or an npz file with `X`, `y` and `group`."""
    if source == "spoken-digits":
        digits = load_spoken_digits()
        return Recordings(digits.data, digits.target, digits.groups)
    with np.load(source) as archive:
        X, y, group = (archive[name] for name in ("X", "y", "group"))
    return Recordings(X.reshape(len(X), -1).astype(np.float32), y, group)

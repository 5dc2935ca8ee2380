"""Songs as a report takes them: divided, and standardised as in the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from sklearn_msd.common.files.digests import digest
from sklearn_msd.segments.columns import N_FEATURES, feature_names


@dataclass(frozen=True)
class Split:
    """Songs to train on and songs to evaluate on, standardised as in the report.

    Parameters
    ----------
    X_train, X_eval : ndarray of shape (n_songs, n_segments * n_segment_features)
        float32; each input with mean 0 and deviation 1 over the training songs.
    y_train, y_eval : ndarray of shape (n_songs,)
        Positions in the data's `class_names`.
    n_valid : int
        The first songs to evaluate on are validated on after each epoch; the others
        are test songs, predicted once. Without test songs models are compared on the
        validation songs.
    n_segment_features : int
    compared : ndarray of shape (n_compared,)
        Where the songs that models are compared on stand in the data's `y_compared`.
    """

    X_train: np.ndarray = field(repr=False)
    y_train: np.ndarray = field(repr=False)
    X_eval: np.ndarray = field(repr=False)
    y_eval: np.ndarray = field(repr=False)
    n_valid: int
    n_segment_features: int
    compared: np.ndarray = field(repr=False)

    @property
    def n_classes(self) -> int:
        """Number of classes: each has training songs."""
        return int(self.y_train.max()) + 1

    @property
    def y_valid(self) -> np.ndarray:
        """Classes of the validation songs."""
        return self.y_eval[: self.n_valid]

    @property
    def n_test(self) -> int:
        """Number of test songs."""
        return len(self.y_eval) - self.n_valid

    @cached_property
    def key(self) -> str:
        """Changes with any number in the data."""
        arrays = [getattr(self, name) for name in ARRAYS]
        kinds = [f"{array.dtype} {array.shape}" for array in arrays]
        about = [self.n_valid, self.n_segment_features, kinds]
        return digest(str(about), *arrays)


# What a split has of songs.
ARRAYS = ("X_train", "y_train", "X_eval", "y_eval")


@dataclass(frozen=True)
class ReportData:
    """Labelled songs and how they are divided.

    Parameters
    ----------
    name : str
        What pages call the data.
    description : str
        Where they are from and how they are divided.
    class_names : list of str
    divide : callable
        From a random start's number to its splits: one, the same for all starts, or one
        for each fold, others for each start.
    y_compared : ndarray of shape (n_compared,)
        Classes of the songs that models are compared on.
    group : ndarray of shape (n_compared,) or None
        Which of them belong together.
    max_epochs : int
        How long models are trained.
    n_segment_features : int
    feature_names : list of str
        Of the features of a segment.
    synthetic : bool
        Whether the songs are made up: every page and picture says so.
    """

    name: str
    description: str
    class_names: list[str]
    divide: Callable[[int], list[Split]] = field(repr=False)
    y_compared: np.ndarray = field(repr=False)
    group: np.ndarray | None = field(default=None, repr=False)
    max_epochs: int = 100
    n_segment_features: int = N_FEATURES
    feature_names: list[str] = field(default_factory=feature_names)
    synthetic: bool = False
    _splits: dict[int, list[Split]] = field(default_factory=dict, repr=False)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def splits(self, seed: int) -> list[Split]:
        """How the songs are divided for a random start."""
        if seed not in self._splits:
            self._splits[seed] = self.divide(seed)
        return self._splits[seed]

    @cached_property
    def key(self) -> str:
        """Changes with any number in the data."""
        return digest(*(split.key for split in self.splits(0)))

    @property
    def one_split(self) -> Split:
        """A split that stands for all, to count songs with."""
        return self.splits(0)[0]

    @property
    def folded(self) -> bool:
        """Whether each song is held out once, in one of several folds."""
        return len(self.splits(0)) > 1

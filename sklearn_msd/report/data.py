"""Songs made ready: checked, drawn, standardised as in the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import joblib
import numpy as np

from sklearn_msd.datasets.sources.songs import LabelledSongs
from sklearn_msd.segments.columns import N_FEATURES, feature_names
from sklearn_msd.segments.scaler import SegmentScaler


@dataclass(frozen=True)
class ReportData:
    """Songs to train on and to validate on, standardised as in the report.

    Parameters
    ----------
    name : str
        What pages call the data.
    description : str
        Where they are from and how they were split.
    class_names : list of str
    X_train, X_valid : ndarray of shape (n_songs, n_segments * n_segment_features)
        float32; each input with mean 0 and deviation 1 over the training songs.
    y_train, y_valid : ndarray of shape (n_songs,)
        Positions in `class_names`.
    n_segment_features : int
    feature_names : list of str
        Of the features of a segment.
    synthetic : bool
        Whether the songs are made up: every page and picture says so.
    """

    name: str
    description: str
    class_names: list[str]
    X_train: np.ndarray = field(repr=False)
    y_train: np.ndarray = field(repr=False)
    X_valid: np.ndarray = field(repr=False)
    y_valid: np.ndarray = field(repr=False)
    n_segment_features: int = N_FEATURES
    feature_names: list[str] = field(default_factory=feature_names)
    synthetic: bool = False

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @cached_property
    def key(self) -> str:
        """Changes with any number in the data."""
        arrays = (self.X_train, self.y_train, self.X_valid, self.y_valid)
        key: str = joblib.hash((self.n_segment_features, *arrays))
        return key


def prepare(
    songs: LabelledSongs, n_train: int | None, n_valid: int | None
) -> ReportData:
    """Check songs, take as many as wanted, and standardise them as the report did.

    Parameters
    ----------
    songs : LabelledSongs
    n_train, n_valid : int or None
        At most as many songs, drawn at random; None takes all.

    Raises
    ------
    ValueError
        If the songs cannot be learned from; the message names their source.
    """
    X, y = _drawn(songs.X, songs.y, n_train)
    X_valid, y_valid = _drawn(songs.X_valid, songs.y_valid, n_valid)
    description = songs.description
    width = X.shape[2] if X.ndim == 3 else N_FEATURES
    if X.shape[1:] != X_valid.shape[1:] or (X.ndim == 2 and X.shape[1] % width):
        raise ValueError(
            f"{songs.name}: songs must be (n_songs, n_segments * {width}) or "
            "(n_songs, n_segments, n_features), to train and to validate on alike; "
            f"got {X.shape} and {X_valid.shape}."
        )
    classes, codes = np.unique(y, return_inverse=True)
    known = np.isin(y_valid, classes)
    if not known.all():
        description += (
            f" {np.sum(~known)} validation songs are left out: no training song has "
            f"their class ({', '.join(map(str, np.unique(y_valid[~known])[:5]))})."
        )
        X_valid, y_valid = X_valid[known], y_valid[known]
    if len(classes) < 2 or len(y_valid) == 0:
        raise ValueError(
            f"{songs.name}: at least 2 classes to train on and one song to validate on "
            f"are needed; got {len(classes)} and {len(y_valid)}."
        )
    for name, array in (("train", X), ("valid", X_valid)):
        if not np.isfinite(array).all():
            raise ValueError(
                f"{songs.name}: songs to {name} hold NaN or infinity; the report's "
                "nets take songs of equal length (crop and pad them with "
                "SegmentCropper)."
            )
    scaler = SegmentScaler(per="input", n_segment_features=width).fit(_flat(X))
    return ReportData(
        name=songs.name,
        description=description,
        class_names=[str(label) for label in songs.classes[classes]],
        X_train=scaler.transform(_flat(X)).astype(np.float32, copy=False),
        y_train=codes,
        X_valid=scaler.transform(_flat(X_valid)).astype(np.float32, copy=False),
        y_valid=np.searchsorted(classes, y_valid),
        n_segment_features=width,
        feature_names=songs.feature_names
        or (
            feature_names()
            if width == N_FEATURES
            else [f"feature_{i}" for i in range(width)]
        ),
        synthetic=songs.synthetic,
    )


def _flat(X: np.ndarray) -> np.ndarray:
    return X.reshape(len(X), -1)


def _drawn(X: np.ndarray, y: np.ndarray, n: int | None) -> tuple[Any, Any]:
    if n is None or n >= len(X):
        return X, y
    rows = np.sort(np.random.default_rng(0).permutation(len(X))[:n])
    return X[rows], y[rows]

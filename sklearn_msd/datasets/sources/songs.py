"""Labelled songs, some to train on and some to validate on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

# The share of songs to validate on where a source is not split: the report's.
N_FOLDS = 5


@dataclass(frozen=True)
class Songs:
    """Songs as a source has them.

    Parameters
    ----------
    name : str
        What pages call them.
    description : str
        Where they are from and how they were split.
    X, X_valid : ndarray of shape (n_songs, n_segments * 25) or \
            (n_songs, n_segments, n_features)
        Songs to train on, and to validate on.
    y, y_valid : ndarray of shape (n_songs,)
        Positions in `classes`.
    classes : ndarray of shape (n_classes,)
        Labels.
    feature_names : list of str or None
        Of the features of a segment, where the source tells.
    features : {"audio", "Echo Nest"} or None
        Who made the features, where the source tells.
    synthetic : bool
        Whether the songs are made up.
    """

    name: str
    description: str
    X: np.ndarray
    y: np.ndarray
    X_valid: np.ndarray
    y_valid: np.ndarray
    classes: np.ndarray
    feature_names: list[str] | None = None
    features: Literal["audio", "Echo Nest"] | None = None
    synthetic: bool = False


def divide(
    name: str,
    description: str,
    X: np.ndarray,
    y: np.ndarray,
    group: np.ndarray | None,
    *,
    whole: bool = False,
    classes: np.ndarray | None = None,
    **about: Any,
) -> Songs:
    """Every fifth song to validate on, stratified, no group on both sides.

    Parameters
    ----------
    name, description, X
        As in `Songs`.
    y : ndarray of shape (n_songs,)
        Labels; with `classes`, positions in these.
    group : ndarray of shape (n_songs,) or None
        Songs that belong together, an artist's for one.
    whole : bool, default=False
        Leave all songs together, as songs to train on.
    classes : ndarray, default=None
        Labels by position; by default, those of `y`, sorted.
    **about
        The other fields of `Songs`.

    Raises
    ------
    ValueError
        If the songs cannot be divided so; the message begins with `name`.
    """
    labels, codes = np.unique(y, return_inverse=True)
    if classes is None:
        classes = labels
    else:
        codes = y
    if whole:
        train, valid = np.arange(len(y)), np.arange(0)
    else:
        train, valid, how = _folds(name, codes, group)
        description += how
    return Songs(
        name, description, X[train], codes[train], X[valid], codes[valid], classes,
        **about,
    )  # fmt: skip


def _folds(
    name: str, codes: np.ndarray, group: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, str]:
    """Rows to train on and to validate on, and a sentence that says how."""
    n_groups = len(codes) if group is None else len(np.unique(group))
    folds = min(N_FOLDS, n_groups)
    if folds < 2:
        raise ValueError(f"{name}: at least two songs and two groups are needed.")
    splitter: Any
    if group is None:
        folds = min(folds, int(np.bincount(codes).max()))
        if folds < 2:
            raise ValueError(f"{name}: no class has two songs, so none can be split.")
        splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
        how = f" One song in {folds} validates, all classes alike."
    else:
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    train, valid = next(iter(splitter.split(codes, codes, group)))
    if group is not None:
        how = (
            f" Songs that share a group are never on both sides: "
            f"{len(np.unique(group[valid]))} of {n_groups} groups validate."
        )
    return train, valid, how

"""Labelled songs, some to train on and some to validate on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

if TYPE_CHECKING:
    from sklearn_msd.datasets.sources.kept_segments import KeptSegments

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
            (n_songs, n_segments, n_features), or (n_songs,) of paths
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
    group : ndarray of shape (n_songs,) or None
        What the songs of X belong to, an artist for one, where the source tells.
    kept : KeptSegments or None
        Segments of the songs, where X and X_valid are paths of recordings.
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
    group: np.ndarray | None = None
    kept: KeptSegments | None = None


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
        group=None if group is None else group[train], **about,
    )  # fmt: skip


def hold_out(songs: Songs) -> Songs:
    """The songs, divided as `divide` does, if the source left them together."""
    if len(songs.X_valid):
        return songs
    about = {
        name: getattr(songs, name)
        for name in ("feature_names", "features", "synthetic", "kept")
    }
    return divide(
        *(songs.name, songs.description, songs.X, songs.y, songs.group),
        classes=songs.classes,
        **about,
    )


def folds_of_songs(
    name: str,
    codes: np.ndarray,
    group: np.ndarray | None,
    n_folds: int = N_FOLDS,
    random_state: int = 0,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of rows to train on and rows to validate on.

    Stratified, no group on both sides, and as many as the songs allow.

    Parameters
    ----------
    name : str
        Of the songs, for messages.
    codes : ndarray of shape (n_songs,)
        Labels.
    group : ndarray of shape (n_songs,) or None
    n_folds : int
        At most.
    random_state : int

    Raises
    ------
    ValueError
        If the songs cannot be divided so; the message begins with `name`.
    """
    n_groups = len(codes) if group is None else len(np.unique(group))
    n_folds = min(n_folds, n_groups)
    if n_folds < 2:
        raise ValueError(f"{name}: at least two songs and two groups are needed.")
    kind: Any = StratifiedGroupKFold
    if group is None:
        kind = StratifiedKFold
        n_folds = min(n_folds, int(np.unique(codes, return_counts=True)[1].max()))
        if n_folds < 2:
            raise ValueError(f"{name}: no class has two songs, so none can be split.")
    splitter = kind(n_folds, shuffle=True, random_state=random_state)
    return list(splitter.split(codes, codes, group))


def _folds(
    name: str, codes: np.ndarray, group: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, str]:
    """Rows to train on and to validate on, and a sentence that says how."""
    folds = folds_of_songs(name, codes, group)
    train, valid = folds[0]
    how = f" One song in {len(folds)} validates, all classes alike."
    if group is not None:
        n_valid, n_groups = len(np.unique(group[valid])), len(np.unique(group))
        how = (
            f" Songs that share a group are never on both sides: {n_valid} of "
            f"{n_groups} groups validate."
        )
    return train, valid, how

"""Labelled songs, some to train on and some to validate on."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.model_selection import StratifiedKFold

from sklearn_msd.datasets.splitting import assign_splits

if TYPE_CHECKING:
    from sklearn_msd.datasets.sources.kept_segments import KeptSegments

# The share of songs to validate on where a source is not split: the report's.
N_FOLDS = 5


@dataclass(frozen=True)
class LabelledSongs:
    """Songs of a source, with labels, in two parts.

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
        Of the features of a segment, where the source names them.
    features : {"audio", "Echo Nest"} or None
        What computed the features, where the source says it.
    synthetic : bool
        Whether the songs are made up.
    group : ndarray of shape (n_songs,) or None
        What the songs of X belong to, an artist for one, where the source says it.
    kept : KeptSegments or None
        Segments of the songs, where X and X_valid are paths of recordings.
    remarks : tuple of str
        What of the source was not used, or not used as it is: sentences for the user.
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
    remarks: tuple[str, ...] = ()


def divide(
    name: str,
    description: str,
    X: np.ndarray,
    y: np.ndarray,
    group: np.ndarray | None,
    *,
    whole: bool = False,
    classes: np.ndarray | None = None,
    remarks: Sequence[str] = (),
    **about: Any,
) -> LabelledSongs:
    """Divide songs: one in five validates, stratified, no group on both sides.

    Labels and groups that are the same text in different Unicode forms (é as one
    character or as two) are the same.

    Parameters
    ----------
    name, description, X
        As in `LabelledSongs`.
    y : ndarray of shape (n_songs,)
        Labels; with `classes`, positions in these.
    group : ndarray of shape (n_songs,) or None
        Songs that belong together, an artist's for one.
    whole : bool, default=False
        Leave all songs together, as songs to train on.
    classes : ndarray, default=None
        Labels by position; by default, those of `y`, sorted.
    remarks : sequence of str, default=()
        As in `LabelledSongs`; the description ends with them.
    **about
        The other fields of `LabelledSongs`.

    Raises
    ------
    ValueError
        If the songs cannot be divided so; the message begins with `name`.
    """
    labels, codes = np.unique(_one_form(y), return_inverse=True)
    group = None if group is None else _one_form(group)
    if classes is None:
        classes = labels
    else:
        codes = y
    if whole:
        train, valid = np.arange(len(y)), np.arange(0)
    else:
        train, valid, how = _folds(name, codes, group)
        description += how
    return LabelledSongs(
        name=name,
        description=" ".join([description, *remarks]),
        X=X[train],
        y=codes[train],
        X_valid=X[valid],
        y_valid=codes[valid],
        classes=classes,
        group=None if group is None else group[train],
        remarks=tuple(remarks),
        **about,
    )


def one_form(text: str) -> str:
    """Return text in the one Unicode form in which labels and names are compared."""
    return unicodedata.normalize("NFC", text)


def _one_form(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind != "U":
        return values
    return np.array([one_form(str(value)) for value in values], dtype=str)


def hold_out(songs: LabelledSongs) -> LabelledSongs:
    """The songs, divided as `divide` does, if the source left them together."""
    if len(songs.X_valid):
        return songs
    divided = divide(
        *(songs.name, songs.description, songs.X, songs.y, songs.group),
        classes=songs.classes,
    )
    about = ("feature_names", "features", "synthetic", "kept", "remarks")
    return replace(divided, **{name: getattr(songs, name) for name in about})


def folds_of_songs(
    name: str,
    codes: np.ndarray,
    group: np.ndarray | None,
    n_folds: int = N_FOLDS,
    random_state: int = 0,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of rows to train on and rows to validate on.

    Stratified, and as many as the songs allow: scikit-learn's `StratifiedKFold`; where
    there are groups, folds of whole groups, as `build_msd_genre` divides artists.

    Parameters
    ----------
    name : str
        Of the songs, for messages.
    codes : ndarray of shape (n_songs,)
        Labels.
    group : ndarray of shape (n_songs,) or None
        What songs belong to.
    n_folds : int
        At most.
    random_state : int
        Decides among groups of equal size.

    Raises
    ------
    ValueError
        If the songs cannot be divided so; the message begins with `name`.
    """
    codes = np.unique(codes, return_inverse=True)[1]
    n_folds = min(n_folds, len(codes if group is None else np.unique(group)))
    if n_folds < 2:
        raise ValueError(f"{name}: at least two songs and two groups are needed.")
    if group is None:
        n_folds = min(n_folds, int(np.bincount(codes).max()))
        if n_folds < 2:
            raise ValueError(f"{name}: no class has two songs, so none can be split.")
        splitter = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
        return list(splitter.split(codes, codes))
    rng = np.random.RandomState(random_state)
    splits = assign_splits(codes, group, [1 / n_folds] * n_folds, rng)
    return [
        (np.flatnonzero(splits != fold), np.flatnonzero(splits == fold))
        for fold in range(n_folds)
    ]


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

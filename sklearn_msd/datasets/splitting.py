"""Splits that keep groups together and classes in proportion; balanced classes."""

from collections.abc import Sequence

import numpy as np


def assign_splits(
    codes: np.ndarray,
    groups: np.ndarray,
    fractions: Sequence[float],
    rng: np.random.RandomState,
) -> np.ndarray:
    """Give each group to one split, so that each class is divided as `fractions` say.

    The largest groups come first, equals in random order, and each goes where its
    classes, and songs in all, are farthest below their share. No split stays empty if
    there are as many groups as splits.

    Parameters
    ----------
    codes : ndarray of shape (n_songs,)
        Class of each song, from 0.
    groups : ndarray of shape (n_songs,)
        Group of each song: its artist.
    fractions : sequence of float
        Share of each split; they sum to 1.
    rng : RandomState
        Decides among groups of equal size.

    Returns
    -------
    splits : ndarray of shape (n_songs,)
        The split of each song, from 0.
    """
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    shuffled = rng.permutation(len(sizes))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    by_group = np.split(np.argsort(members, kind="stable"), np.cumsum(sizes)[:-1])
    # The last "class" is all songs: small classes, each rounded to the same side, would
    # leave a split short without it.
    totals = np.append(np.bincount(codes), len(codes))
    # Songs that each split still lacks of each class, as shares of the class.
    lacking = np.outer(fractions, np.ones(len(totals)))
    splits = np.empty(len(codes), dtype=np.intp)
    empty = set(range(len(fractions)))
    for n_done, group in enumerate(order):
        songs = by_group[group]
        classes, counts = np.unique(codes[songs], return_counts=True)
        classes = np.append(classes, len(totals) - 1)
        counts = np.append(counts, len(songs))
        below = lacking[:, classes] @ counts
        if len(order) - n_done <= len(empty):  # the last groups, one for each
            below[[i for i in range(len(fractions)) if i not in empty]] = -np.inf
        chosen = int(np.argmax(below))
        empty.discard(chosen)
        lacking[chosen, classes] -= counts / totals[classes]
        splits[songs] = chosen
    return splits


def balance(
    codes: np.ndarray,
    splits: np.ndarray,
    fractions: Sequence[float],
    n_per_class: int,
    rng: np.random.RandomState,
) -> np.ndarray:
    """Choose as many songs of each class, divided over the splits as `fractions` say.

    Parameters
    ----------
    codes, splits : ndarray of shape (n_songs,)
        Class and split of each song.
    fractions : sequence of float
        Share of each split; they sum to 1.
    n_per_class : int
        Songs of a class in all splits together. Where a class has fewer in a split
        than its share, all are taken.
    rng : RandomState
        Decides which songs.

    Returns
    -------
    chosen : ndarray of bool of shape (n_songs,)
    """
    bounds = np.round(np.cumsum([0.0, *fractions]) * n_per_class).astype(int)
    chosen = np.zeros(len(codes), dtype=bool)
    for split, quota in enumerate(np.diff(bounds)):
        for code in range(codes.max() + 1):
            (songs,) = np.nonzero((codes == code) & (splits == split))
            chosen[rng.permutation(songs)[:quota]] = True
    return chosen

"""How a source's songs are divided: to train on, to validate on and to test on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sklearn_msd.datasets.sources.songs import N_FOLDS, LabelledSongs, folds_of_songs
from sklearn_msd.report.data import ReportData, Split
from sklearn_msd.segments.columns import N_FEATURES, feature_names
from sklearn_msd.segments.scaler import SegmentScaler

# With fewer songs, or groups of songs, one in five is too few to compare models on:
# each song is held out once.
FEW_SONGS, FEW_GROUPS = 2000, 100

# Divisions into as many folds to try until every class can be trained on in each.
N_ATTEMPTS = 100


@dataclass(frozen=True)
class Amount:
    """How many songs to take at most; None takes all.

    Parameters
    ----------
    n_train : int or None
        To train on, at a time.
    n_valid : int or None
        To validate on after each epoch.
    n_test : int or None
        To compare models on.
    """

    n_train: int | None
    n_valid: int | None
    n_test: int | None


def prepare(songs: LabelledSongs, amount: Amount) -> ReportData:
    """Check songs, divide them, and standardise them as the report did.

    A source that comes divided stays so. A source that does not is divided: one song in
    five is held out, or, where songs are few, each song in one of five folds. Of songs
    held out, as many as `amount` says validate and the others test, if these are at
    least as many; else all validate, and models are compared on them.

    Parameters
    ----------
    songs : LabelledSongs
        With all in `X` if the source is not divided.
    amount : Amount

    Raises
    ------
    ValueError
        If the songs cannot be learned from; the message names their source.
    """
    width = int(songs.X.shape[2]) if songs.X.ndim == 3 else N_FEATURES
    songs = _checked(songs, width)
    if len(songs.y_valid):
        return _divided(songs, amount, width)
    songs = _with_enough_of_each_class(songs)
    if len(songs.y) < FEW_SONGS or len(np.unique(_units(songs))) < FEW_GROUPS:
        return _folded(songs, amount, width)
    train, held_out = _folds(songs, 0)[0]
    how = f" One song in {N_FOLDS} is held out" + (
        "." if songs.group is None else ", none of a group that is trained on."
    )
    group = None if songs.group is None else songs.group[held_out]
    divided = _told(_parted(songs, train, held_out), how)
    return _divided(divided, amount, width, group)


def _checked(songs: LabelledSongs, width: int) -> LabelledSongs:
    """Songs as flat rows of finite numbers, of classes that can all be learned."""
    X, X_valid, description = songs.X, songs.X_valid, songs.description
    if (len(X_valid) and X.shape[1:] != X_valid.shape[1:]) or (
        X.ndim == 2 and X.shape[1] % width
    ):
        raise ValueError(
            f"{songs.name}: songs must be (n_songs, n_segments * {width}) or "
            "(n_songs, n_segments, n_features), to train and to validate on alike; "
            f"got {X.shape} and {X_valid.shape}."
        )
    classes = np.unique(songs.y)
    known = np.isin(songs.y_valid, classes)
    if not known.all():
        unknown = songs.classes[np.unique(songs.y_valid[~known])[:5]]
        description += (
            f" {_count(int(np.sum(~known)), 'held-out song')} left out, with classes "
            f"that no training song has ({', '.join(map(str, unknown))})."
        )
    if len(classes) < 2 or (len(known) and not known.any()):
        raise ValueError(
            f"{songs.name}: at least 2 classes to train on and one song to validate on "
            f"are needed; got {len(classes)} and {known.sum()}."
        )
    for name, array in (("train", X), ("validate", X_valid)):
        if not np.isfinite(array).all():
            raise ValueError(
                f"{songs.name}: songs to {name} on hold NaN or infinity; the report's "
                "nets take songs of equal length (crop and pad them with "
                "SegmentCropper)."
            )
    X = X.reshape(len(X), -1)
    return replace(
        songs,
        description=description,
        X=X,
        y=np.searchsorted(classes, songs.y),
        X_valid=X_valid[known].reshape(-1, X.shape[1]),
        y_valid=np.searchsorted(classes, songs.y_valid[known]),
        classes=songs.classes[classes],
    )


def _divided(
    songs: LabelledSongs,
    amount: Amount,
    width: int,
    group: np.ndarray | None = None,
) -> ReportData:
    """One split, the same for all random starts."""
    train = _sample(songs.y, _units(songs), amount.n_train, of_each=1)
    held_out = np.random.default_rng(0).permutation(len(songs.y_valid))
    n_valid = len(held_out) if amount.n_valid is None else amount.n_valid
    if len(held_out) < 2 * n_valid:
        n_valid = len(held_out)
    elif amount.n_test is not None:
        held_out = held_out[: n_valid + amount.n_test]
    compared = held_out[n_valid:] if len(held_out) > n_valid else held_out
    split = _standardised(
        (songs.X[train], songs.y[train]),
        (songs.X_valid[held_out], songs.y_valid[held_out]),
        n_valid,
        width,
        np.arange(len(compared)),
    )
    return _described(
        songs,
        width,
        lambda _: [split],
        songs.y_valid[compared],
        None if group is None else group[compared],
    )


def _folded(songs: LabelledSongs, amount: Amount, width: int) -> ReportData:
    """Folds, other ones for each random start, which cost no more than one split."""
    n = None if amount.n_train is None else amount.n_train // (N_FOLDS - 1)
    rows = _sample(songs.y, _units(songs), n, of_each=2)
    songs = _parted(songs, rows, rows[:0])
    how = (
        "others for each random start."
        if songs.group is None
        else "no group both trained on and held out."
    )
    songs = _told(
        songs,
        f" Songs are few, so each is held out once, in one of {len(_folds(songs, 0))} "
        f"folds, {how}",
    )

    def divide(seed: int) -> list[Split]:
        return [
            _standardised(
                (songs.X[train], songs.y[train]),
                (songs.X[valid], songs.y[valid]),
                len(valid),
                width,
                valid,
            )
            for train, valid in _folds(songs, seed)
        ]

    return _described(songs, width, divide, songs.y, songs.group)


def _described(
    songs: LabelledSongs,
    width: int,
    divide: Callable[[int], list[Split]],
    y_compared: np.ndarray,
    group: np.ndarray | None,
) -> ReportData:
    names = feature_names() if width == N_FEATURES else None
    return ReportData(
        songs.name,
        songs.description,
        [str(label) for label in songs.classes],
        divide,
        y_compared,
        group,
        n_segment_features=width,
        feature_names=songs.feature_names
        or names
        or [f"feature_{i}" for i in range(width)],
        synthetic=songs.synthetic,
    )


def _standardised(
    train: tuple[np.ndarray, np.ndarray],
    evaluated: tuple[np.ndarray, np.ndarray],
    n_valid: int,
    width: int,
    compared: np.ndarray,
) -> Split:
    scaler = SegmentScaler(per="input", n_segment_features=width).fit(train[0])
    (X_train, y_train), (X_eval, y_eval) = train, evaluated
    return Split(
        scaler.transform(X_train).astype(np.float32, copy=False),
        y_train,
        scaler.transform(X_eval).astype(np.float32, copy=False),
        y_eval,
        n_valid,
        width,
        compared,
    )


def _with_enough_of_each_class(songs: LabelledSongs) -> LabelledSongs:
    """Songs of the classes that can be trained on and held out at once."""
    group = _units(songs)
    n_groups = [
        len(np.unique(group[songs.y == code])) for code in range(len(songs.classes))
    ]
    enough = np.array(n_groups) > 1
    if enough.sum() < 2:
        what = "songs" if songs.group is None else "groups"
        raise ValueError(
            f"{songs.name}: at least 2 classes with two {what} each are needed, one to "
            "train on and one to hold out."
        )
    if enough.all():
        return songs
    left_out = ", ".join(map(str, songs.classes[~enough][:5]))
    rows = np.flatnonzero(enough[songs.y])
    second = "song" if songs.group is None else "group"
    songs = _told(
        _parted(songs, rows, rows[:0]),
        f" Left out for want of a second {second}: {left_out}.",
    )
    return replace(
        songs,
        y=np.searchsorted(np.flatnonzero(enough), songs.y),
        classes=songs.classes[enough],
    )


def _told(songs: LabelledSongs, how: str) -> LabelledSongs:
    """The songs, with a sentence more."""
    return replace(songs, description=songs.description + how)


def _parted(
    songs: LabelledSongs, train: np.ndarray, held_out: np.ndarray
) -> LabelledSongs:
    """Some of the songs to train on and some to hold out."""
    return replace(
        songs,
        X=songs.X[train],
        y=songs.y[train],
        X_valid=songs.X[held_out],
        y_valid=songs.y[held_out],
        group=None if songs.group is None else songs.group[train],
    )


def _folds(songs: LabelledSongs, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to train on, of all classes, and to hold out, in each fold.

    Where a fold holds all groups of a class, there are more folds: with one for each
    group, those that are left have the class.
    """
    n_folds, most = N_FOLDS, len(np.unique(_units(songs)))
    while True:
        for attempt in range(N_ATTEMPTS):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "The least populated class")
                folds = folds_of_songs(
                    songs.name,
                    songs.y,
                    songs.group,
                    n_folds,
                    random_state=N_ATTEMPTS * seed + attempt,
                )
            if all(
                len(np.unique(songs.y[train])) == len(songs.classes)
                for train, _ in folds
            ):
                return folds
        if n_folds >= most:
            raise AssertionError("a class of a single group has not been left out")
        n_folds = min(2 * n_folds, most)


def _units(songs: LabelledSongs) -> np.ndarray:
    """What each song is held out with: its group, or itself."""
    return np.arange(len(songs.y)) if songs.group is None else songs.group


def _sample(
    y: np.ndarray, unit: np.ndarray, n: int | None, *, of_each: int
) -> np.ndarray:
    """Rows of n random songs, if there are more, with some of each class.

    Parameters
    ----------
    y, unit : ndarray of shape (n_songs,)
        Classes, and what songs are held out with.
    n : int or None
        None takes all.
    of_each : int
        From so many units of each class, if it has them, there is a song at least;
        also where n is less.
    """
    if n is None or n >= len(y):
        return np.arange(len(y))
    order = np.random.default_rng(0).permutation(len(y))
    needed = np.zeros(len(y), dtype=bool)
    for code in np.unique(y):
        rows = order[y[order] == code]
        first = np.sort(np.unique(unit[rows], return_index=True)[1])
        needed[rows[first[:of_each]]] = True
    order = np.concatenate([order[needed[order]], order[~needed[order]]])
    return np.sort(order[: max(n, needed.sum())])


def _count(n: int, what: str) -> str:
    return f"1 {what} is" if n == 1 else f"{n} {what}s are"

"""Synthetic songs: the statistics of real ones, class information of known kinds."""

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sklearn_msd.common.scikit_learn.private import (
    Interval,
    StrOptions,
    validate_params,
)
from sklearn_msd.datasets.synthetic.background import (
    Background,
    FloatArray,
    song_statistics,
    transpose_and_cut,
    uncut_statistics,
)
from sklearn_msd.datasets.synthetic.signals import IntArray, Kinds, Signals
from sklearn_msd.segments.columns import N_FEATURES

RandomState = int | np.random.RandomState | None

# Songs made at once, which bounds the working memory (about 100 MB).
CHUNK = 1000


def _generator(random_state: RandomState) -> np.random.Generator:
    """Generator of a scikit-learn ``random_state``, without the global one."""
    if isinstance(random_state, np.random.RandomState):
        random_state = int(random_state.randint(2**31))
    return np.random.default_rng(random_state)


def _parts_of_equal_length(lengths: IntArray) -> Iterator[tuple[IntArray, int]]:
    """Indices of at most ``CHUNK`` songs at a time, and their length."""
    for length in np.unique(lengths):
        songs = np.flatnonzero(lengths == length)
        for start in range(0, len(songs), CHUNK):
            yield songs[start : start + CHUNK], int(length)


@validate_params(
    {
        "n_songs": [Interval(Integral, 1, None, closed="left")],
        "n_segments": [Interval(Integral, 1, None, closed="left")],
        "n_classes": [Interval(Integral, 2, None, closed="left")],
        "segment_share": [Interval(Real, 0, 1, closed="both")],
        "order_share": [Interval(Real, 0, 1, closed="both")],
        "position_share": [Interval(Real, 0, 1, closed="both")],
        "mean_sep": [Interval(Real, 0, None, closed="left")],
        "class_sep": [Interval(Real, 0, None, closed="left")],
        "noise": [Interval(Real, 0, 0.5, closed="both")],
        "min_segments": [Interval(Integral, 1, None, closed="left"), None],
        "standardize": ["boolean"],
        "labels": [StrOptions({"index", "name"})],
        "task_state": ["random_state"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_songs(
    n_songs: int,
    n_segments: int = 120,
    n_classes: int = 10,
    *,
    segment_share: float = 0.29,
    order_share: float = 0.5,
    position_share: float = 0.08,
    class_sep: float = 3.0,
    mean_sep: float = 1.1,
    noise: float = 0.02,
    min_segments: int | None = None,
    standardize: bool = True,
    labels: Literal["index", "name"] = "index",
    task_state: RandomState = None,
    random_state: RandomState = None,
) -> tuple[FloatArray, NDArray[Any]]:
    """Make synthetic songs that have the statistics of real ones.

    **The songs are synthetic**: no song of the Million Song Dataset is in them, and
    their classes are no genres. What is real are the figures that they share with 286
    of its tracks [1]_: mean and scale of each of the 25 segment features, covariance
    within and between songs, lag-1 autocorrelation. The background of a song is a
    first-order autoregressive process around a mean of the song's own, transposed to a
    random key. Chroma lies in 0..1 with a maximum of 1 in every segment.

    On that background a song holds *events* of two segments. Their *sounds*, fixed
    patterns in timbre, tell the classes apart, each kind of event in another way:

    - *single segments*: of a pair of sounds, which one occurs. A convolution of kernel
      height 1 sees it;
    - *order* of neighbouring segments: the same two sounds, in one order or the other,
      at random times. What single segments look like does not depend on the class, and
      shuffling a song's segments destroys the information;
    - *position*: the same sound, rather early or rather late in the song. Shuffling
      destroys this too, and pooling over the whole song hides it.

    A class has three binary properties of each of the first two kinds and four of the
    third. Its songs also have a mean segment of their own (``mean_sep``), which every
    net sees.

    With the defaults, 4000 training songs and 12 epochs, the report's nets come out in
    the report's order: fully connected, segment convolution, convolution in time, the
    same with max pooling, for 10 classes and for 25.

    Parameters
    ----------
    n_songs : int
        Number of songs. The classes are balanced and in random order.
    n_segments : int, default=120
        Segments of a song; of the longest one where ``min_segments`` is given.
    n_classes : int, default=10
        Number of classes.
    segment_share : float, default=0.29
        Share of a song's segments that hold events of the first kind; 0 removes the
        information.
    order_share : float, default=0.5
        The same for the second kind, the order of neighbours.
    position_share : float, default=0.08
        The same for the third kind, the position in the song. The three shares add up
        to at most 1.
    class_sep : float, default=3
        How far a sound stands out from what the segment before foretells, in standard
        deviations.
    mean_sep : float, default=1.1
        How far the mean of a class's songs lies from that of all songs, in standard
        deviations between songs. 0 removes the information.
    noise : float, default=0.02
        Probability that a song departs from its class in one of the properties. At 0.5
        no kind of event tells anything of the class.
    min_segments : int or None, default=None
        If given, songs have unequal lengths, uniform between it and ``n_segments``,
        and are returned 3-D, padded with NaN at the end.
    standardize : bool, default=True
        Whether each feature is given in deviations from the real songs' mean, in units
        of their standard deviation over all segments, as the report's nets take it.
        Else in the data set's units (loudness in dB). The figures are constants, so
        nothing passes from one song to another.
    labels : {"index", "name"}, default="index"
        Integers from 0 on, or strings ("genre 0", ...).
    task_state : int, RandomState instance or None, default=None
        Decides what the classes are like. Pass an int to get more songs of the same
        classes with another ``random_state``; None takes it from ``random_state``.
    random_state : int, RandomState instance or None, default=None
        Decides everything else. None takes it from the system, never from numpy's
        global state.

    Returns
    -------
    X : float32 array of shape (n_songs, n_segments * 25)
        The report's layout: segment after segment, in each 12 chroma, 12 timbre and
        the loudness. With ``min_segments``: (n_songs, n_segments, 25).
    y : array of shape (n_songs,)
        The classes.

    Raises
    ------
    ValueError
        If a parameter is out of its range, if the shares add up to more than 1, if
        ``min_segments`` exceeds ``n_segments``, or if ``class_sep`` or ``mean_sep`` is
        so large that the classes alone would make songs vary more than real ones do.

    References
    ----------
    .. [1] T. Bertin-Mahieux, D. Ellis, B. Whitman, P. Lamere, "The Million Song
       Dataset", ISMIR 2011. The figures are in
       ``sklearn_msd/datasets/data/msd_segment_statistics.json``.

    Examples
    --------
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(20, random_state=0)
    >>> X.shape, X.dtype, y.shape
    ((20, 3000), dtype('float32'), (20,))
    >>> X, y = make_songs(20, min_segments=60, labels="name", random_state=0)
    >>> X.shape, str(sorted(y)[-1])
    ((20, 120, 25), 'genre 9')
    """
    shares = Kinds(segment_share, order_share, position_share)
    if sum(shares) > 1:
        raise ValueError(
            "segment_share, order_share and position_share are shares of a song's "
            f"segments and may add up to at most 1; got {sum(shares):g}."
        )
    if min_segments is not None and min_segments > n_segments:
        raise ValueError(
            f"min_segments must be at most n_segments={n_segments}; got {min_segments}."
        )
    n_songs, n_segments = int(n_songs), int(n_segments)  # True is one, and no length
    rng = _generator(random_state)
    task_rng = rng.spawn(1)[0] if task_state is None else _generator(task_state)
    signals = Signals(n_classes, shares, class_sep, mean_sep, noise, task_rng)
    background = Background(
        signals.moments.within, signals.moments.lag1, signals.between
    )
    offset = uncut_statistics().mean - signals.moments.mean

    y = rng.permutation(np.arange(n_songs) % n_classes)
    shortest = n_segments if min_segments is None else min_segments
    lengths = rng.integers(shortest, n_segments, size=n_songs, endpoint=True)
    X = np.full((n_songs, n_segments, N_FEATURES), np.nan, dtype=np.float32)
    for part, length in _parts_of_equal_length(lengths):
        songs = background.sample(len(part), length, rng)
        songs += signals.sample(y[part], length, rng)
        X[part, :length] = transpose_and_cut(songs, offset, rng)
    if standardize:
        real = song_statistics()
        X -= np.float32(real.mean)
        X /= np.float32(real.scale)
    if labels == "name":
        digits = len(str(n_classes - 1))
        y = np.array([f"genre {c:0{digits}d}" for c in range(n_classes)])[y]
    return (X.reshape(n_songs, -1) if min_segments is None else X), y

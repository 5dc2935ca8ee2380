"""Synthetic songs: the statistics of real ones, class information of known kinds."""

import json
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from numbers import Integral, Real
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

N_FEATURES = 25
N_CHROMA = 12
# A motif is this many segments long: a kernel of height 3 sees the whole of it.
MOTIF_LENGTH = 3
# Bits of a class's code words, and sounds a bit needs, for each kind of information.
BITS = {"segment": 3, "order": 4, "position": 6}
SOUNDS_PER_BIT = {"segment": 2, "order": MOTIF_LENGTH, "position": 1}
# Cutting chroma off at 0 and 1 narrows and shifts it; the uncut process is set wider
# and lower by these, so that what comes out has the right figures.
CHROMA_SHIFT, CHROMA_WITHIN, CHROMA_BETWEEN, CHROMA_LAG1 = -0.05, 1.05, 1.1, 1.12
# Songs made at once, which bounds the working memory (about 100 MB).
CHUNK = 1000

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
RandomState = int | np.random.RandomState | None


class _Statistics(NamedTuple):
    """Figures of real songs: (25,) and (25, 25), in the data set's units."""

    mean: FloatArray
    within: FloatArray
    between: FloatArray
    lag1: FloatArray

    @property
    def scale(self) -> FloatArray:
        """Standard deviation of a segment of any song."""
        return np.sqrt(np.diag(self.within) + np.diag(self.between))


class _Task(NamedTuple):
    """What the classes and the background are: the same for all songs of a task."""

    sounds: FloatArray  # (1 + n_sounds, 25); sound 0 adds nothing
    first_sound: dict[str, int]  # of each kind of information
    codes: dict[str, IntArray]  # (n_classes, bits) of 0 and 1, of each kind
    centres: FloatArray  # (n_classes, 25)
    offset: FloatArray  # (25,)
    lag1: FloatArray  # (25,)
    start_root: FloatArray  # roots of the background's covariances, (25, 25)
    innovation_root: FloatArray
    between_root: FloatArray


@lru_cache
def _statistics() -> _Statistics:
    path = files("sklearn_msd.datasets") / "data" / "msd_segment_statistics.json"
    figures = json.loads(path.read_text(encoding="utf-8"))
    return _Statistics(
        mean=np.asarray(figures["mean"]),
        within=np.asarray(figures["within_song_covariance"]),
        between=np.asarray(figures["between_song_covariance"]),
        lag1=np.asarray(figures["lag1_autocorrelation"]),
    )


def _over_keys(figures: FloatArray) -> FloatArray:
    """Mean of a vector or matrix over the twelve transpositions of its chroma."""
    total = np.zeros_like(figures)
    for key in range(N_CHROMA):
        rolled = np.r_[np.roll(np.arange(N_CHROMA), key), N_CHROMA:N_FEATURES]
        total += figures[np.ix_(*[rolled] * figures.ndim)]
    return total / N_CHROMA


def _widened(covariance: FloatArray, chroma: float) -> FloatArray:
    factor = np.repeat([chroma, 1.0], [N_CHROMA, N_FEATURES - N_CHROMA])
    return _over_keys(covariance) * np.outer(factor, factor)


def _root(covariance: FloatArray) -> FloatArray:
    """Symmetric root of the nearest positive semi-definite matrix, in float32."""
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root.astype(np.float32)


def _directions(n: int, rng: np.random.Generator) -> FloatArray:
    """(n, 25) random unit vectors, orthogonal within each block of 25."""
    blocks = -(-n // N_FEATURES)
    squares = rng.standard_normal((blocks, N_FEATURES, N_FEATURES))
    return np.vstack(np.linalg.qr(squares)[0])[:n]


def _words(n_classes: int, n_bits: int, rng: np.random.Generator) -> IntArray:
    """(n_classes, n_bits) code words; half of the classes have each bit set.

    Of a hundred draws the one with the fewest like words, so that tasks drawn with
    different seeds are about equally hard.
    """
    half = np.arange(n_classes) % 2
    draws = [
        np.column_stack([rng.permutation(half) for _ in range(n_bits)])
        for _ in range(100)
    ]
    likeness = [np.exp(-1.0 * (w[:, None] != w).sum(-1)).sum() for w in draws]
    return draws[int(np.argmin(likeness))]


def _draw_task(
    n_classes: int,
    shares: dict[str, float],
    mean_share: float,
    class_sep: float,
    rng: np.random.Generator,
) -> _Task:
    stats = _statistics()
    within = _widened(stats.within, CHROMA_WITHIN)
    between = _widened(stats.between, CHROMA_BETWEEN)
    lag1 = _over_keys(stats.lag1)
    lag1[:N_CHROMA] *= CHROMA_LAG1
    innovation = within * (1 - np.outer(lag1, lag1))

    # Sounds stand out, by class_sep deviations, from what the segment before foretells.
    counts = [BITS[kind] * SOUNDS_PER_BIT[kind] for kind in shares]
    frequency = np.repeat(np.array(list(shares.values())) / counts, counts)
    sounds = class_sep * _directions(sum(counts), rng) @ _root(innovation)
    mean_sound = frequency @ sounds
    signal = (sounds.T * frequency) @ sounds - np.outer(mean_sound, mean_sound)

    centres = _directions(n_classes, rng)
    centres -= centres.mean(0)
    centres *= np.sqrt(mean_share * min(n_classes, N_FEATURES))
    centres = centres @ _root(between)

    # The background has what the signal leaves of the covariance and autocorrelation.
    if eigh(signal, within, eigvals_only=True)[-1] >= 1:
        raise ValueError(
            f"class_sep={class_sep:g} is too large for these shares: the sounds would "
            "vary more than real segments do. Lower class_sep or the shares."
        )
    background = within - signal
    lag1 = np.minimum(lag1 * np.diag(within) / np.diag(background), 0.95)
    offset = stats.mean - _over_keys(mean_sound)
    offset[:N_CHROMA] += CHROMA_SHIFT
    first = np.cumsum([1, *counts])
    return _Task(
        sounds=np.vstack([np.zeros(N_FEATURES), sounds]).astype(np.float32),
        first_sound=dict(zip(shares, first.tolist(), strict=False)),
        codes={kind: _words(n_classes, BITS[kind], rng) for kind in shares},
        centres=centres.astype(np.float32),
        offset=offset.astype(np.float32),
        lag1=lag1.astype(np.float32),
        start_root=_root(background),
        innovation_root=_root(background * (1 - np.outer(lag1, lag1))),
        between_root=_root(between - centres.T @ centres / n_classes),
    )


def _draw_score(
    y: IntArray,
    length: int,
    shares: dict[str, float],
    noise: float,
    task: _Task,
    rng: np.random.Generator,
) -> IntArray:
    """(n, length): which sound each segment holds.

    A song is a row of items in random order: motifs of three segments, and single
    segments with one sound or none.
    """
    n_songs = len(y)
    amount = {
        kind: int(share * length / (MOTIF_LENGTH if kind == "order" else 1))
        for kind, share in shares.items()
    }
    n_items = length - (MOTIF_LENGTH - 1) * amount["order"]
    items = np.zeros((n_songs, n_items, MOTIF_LENGTH), dtype=np.int16)
    held = np.zeros((n_songs, n_items, MOTIF_LENGTH), dtype=bool)
    held[..., 0] = True
    held[:, : amount["order"]] = True
    when = rng.random((n_songs, n_items), dtype=np.float32)

    def draw_bits(kind: str) -> tuple[IntArray, IntArray]:
        """A bit's first sound and its value in the song's class, for every item."""
        which = rng.integers(BITS[kind], size=(n_songs, amount[kind]))
        wrong = rng.random((n_songs, BITS[kind])) < noise
        bits = task.codes[kind][y] ^ wrong
        first = task.first_sound[kind] + SOUNDS_PER_BIT[kind] * which
        return first, np.take_along_axis(bits, which, axis=1)

    start = 0
    for kind in ("order", "segment", "position"):
        part = np.s_[:, start : start + amount[kind]]
        first, bit = draw_bits(kind)
        if kind == "order":  # the same three sounds, forwards or backwards
            steps = np.arange(MOTIF_LENGTH)
            steps = np.where(bit[..., None], steps, steps[::-1])
            items[part] = first[..., None] + steps
        elif kind == "segment":  # one of two sounds
            items[part][..., 0] = first + bit
        else:  # the same sound, early or late
            items[part][..., 0] = first
            other = rng.random(first.shape, dtype=np.float32)
            when[part] = np.where(
                bit, np.maximum(when[part], other), np.minimum(when[part], other)
            )
        start += amount[kind]

    order = np.argsort(when, axis=1)[..., None]
    items = np.take_along_axis(items, order, axis=1)
    held = np.take_along_axis(held, order, axis=1)
    return items[held].reshape(n_songs, length)


def _draw_songs(
    y: IntArray,
    length: int,
    shares: dict[str, float],
    noise: float,
    task: _Task,
    rng: np.random.Generator,
) -> FloatArray:
    """(n, length, 25) songs of the classes ``y``, in the data set's units."""

    def normal(*shape: int) -> FloatArray:
        return rng.standard_normal((*shape, N_FEATURES), dtype=np.float32)

    x = normal(length, len(y)) @ task.innovation_root
    x[0] = normal(len(y)) @ task.start_root
    for t in range(1, length):
        x[t] += task.lag1 * x[t - 1]
    x = x.transpose(1, 0, 2)
    x += task.sounds[_draw_score(y, length, shares, noise, task, rng)]
    x += (task.centres[y] + normal(len(y)) @ task.between_root)[:, None]

    chroma = x[..., :N_CHROMA]
    keys = rng.integers(N_CHROMA, size=(len(y), 1, 1))
    pitches = (np.arange(N_CHROMA) - keys) % N_CHROMA
    chroma[:] = np.take_along_axis(chroma, pitches, axis=2)
    x += task.offset
    strongest = chroma.argmax(axis=2)[..., None]
    np.clip(chroma, 0, 1, out=chroma)
    np.put_along_axis(chroma, strongest, 1, axis=2)
    return x


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
        "mean_share": [Interval(Real, 0, 1, closed="left")],
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
    segment_share: float = 0.1,
    order_share: float = 0.24,
    position_share: float = 0.1,
    mean_share: float = 0.2,
    class_sep: float = 6.0,
    noise: float = 0.1,
    min_segments: int | None = None,
    standardize: bool = True,
    labels: Literal["index", "name"] = "index",
    task_state: RandomState = None,
    random_state: RandomState = None,
) -> tuple[FloatArray, NDArray]:
    """Make synthetic songs that have the statistics of real ones.

    **The songs are synthetic**: no song of the Million Song Dataset is in them, and
    their classes are no genres. What is real are the figures that they share with 286
    of its tracks (1_): mean and scale of each of the 25 segment features, covariance
    within and between songs, and lag-1 autocorrelation. A song is a first-order
    autoregressive process around a mean of its own, transposed to a random key. Its
    chroma lies in 0..1 with a maximum of 1 in every segment.

    On that background a song holds *sounds*, each a fixed pattern of one segment. Four
    kinds of information tell the classes apart, each with its own parameter:

    - in the song's *mean*: the average segment of a class's songs;
    - in *single segments*: of two sounds, which one occurs. A convolution of kernel
      height 1 sees all of it;
    - in the *order* of neighbouring segments only: the same three sounds, forwards or
      backwards, at random times. What single segments look like is the same for all
      classes, and shuffling a song's segments destroys it;
    - in the *position*: the same sounds, early or late in the song.

    With the defaults the nets of the report come out in its order: fully connected,
    segment convolution, convolution in time, the same with max pooling.

    Parameters
    ----------
    n_songs : int
        Number of songs. The classes are balanced and in random order.
    n_segments : int, default=120
        Segments of a song; of the longest one where ``min_segments`` is given.
    n_classes : int, default=10
        Number of classes.
    segment_share, order_share, position_share : float
        Share of a song's segments that hold sounds of this kind. Together at most 1;
        0 removes the information.
    mean_share : float, default=0.2
        Share of the variance between songs that the class explains, in the directions
        in which the classes' means differ. 0 removes the information.
    class_sep : float, default=6
        How far a sound stands out from what the segment before foretells, in standard
        deviations of the background's innovations.
    noise : float, default=0.1
        Probability that a song departs from its class in one of the properties (which
        of two sounds, forwards or backwards, early or late) by which the classes
        differ. At 0.5 all but the mean is without information.
    min_segments : int or None, default=None
        If given, songs have unequal lengths, uniform between it and ``n_segments``,
        and are returned 3-D, padded with NaN at the end.
    standardize : bool, default=True
        Whether each feature is given in deviations from the real songs' mean, in units
        of their standard deviation over all segments, as the report's nets take it.
        Else in the data set's units (loudness in dB). The figures are constants, so
        nothing passes from one song to another.
    labels : {"index", "name"}, default="index"
        Integers from 0 on, or strings ("genre 00", ...).
    task_state : int, RandomState instance or None, default=None
        Decides what the classes are like. Pass an int to get more songs of the same
        classes with another ``random_state``; None draws it from ``random_state``.
    random_state : int, RandomState instance or None, default=None
        Decides everything else. None draws from the system, never from numpy's global
        state.

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
        If the shares add up to more than 1, if ``min_segments`` exceeds
        ``n_segments``, or if the sounds alone would vary more than real segments do
        (``class_sep`` is then too large for the shares).

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
    ((20, 120, 25), 'genre 09')
    """
    shares = {
        "segment": segment_share,
        "order": order_share,
        "position": position_share,
    }
    if sum(shares.values()) > 1:
        raise ValueError(
            "segment_share, order_share and position_share are shares of a song's "
            f"segments and may add up to at most 1; got {sum(shares.values()):g}."
        )
    if min_segments is not None and min_segments > n_segments:
        raise ValueError(
            f"min_segments must be at most n_segments={n_segments}; got {min_segments}."
        )
    rng = _generator(random_state)
    task_rng = rng.spawn(1)[0] if task_state is None else _generator(task_state)
    task = _draw_task(n_classes, shares, mean_share, class_sep, task_rng)

    y = rng.permutation(np.arange(n_songs) % n_classes)
    shortest = n_segments if min_segments is None else min_segments
    lengths = rng.integers(shortest, n_segments, size=n_songs, endpoint=True)
    stats = _statistics()
    mean, scale = (stats.mean, stats.scale) if standardize else (0.0, 1.0)
    X = np.full((n_songs, n_segments, N_FEATURES), np.nan, dtype=np.float32)
    for part, length in _parts_of_equal_length(lengths):
        songs = _draw_songs(y[part], length, shares, noise, task, rng)
        X[part, :length] = (songs - np.float32(mean)) / np.float32(scale)
    if labels == "name":
        y = np.array([f"genre {c:02d}" for c in range(n_classes)])[y]
    return (X.reshape(n_songs, -1) if min_segments is None else X), y

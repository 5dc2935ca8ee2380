"""Class information of synthetic songs: which sounds, in what order, where."""

from itertools import pairwise
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_msd.datasets.synthetic.background import (
    N_CHROMA,
    FloatArray,
    innovation_root,
    lag1_left,
    root,
    uncut_statistics,
)
from sklearn_msd.segments.columns import GROUPS, N_FEATURES

IntArray = NDArray[np.integer]
T = TypeVar("T")

# Every event is a sound held for two segments, or two sounds one after the other, so
# that a kernel of height 3 sees the whole of it.
EVENT_LENGTH = 2
N_TIMBRE = len(GROUPS["timbre"])


class Kinds(NamedTuple, Generic[T]):
    """Something of each kind of event."""

    segment: T
    order: T
    position: T


# A class has so many binary properties (bits) of each kind, and a bit so many sounds.
# More bits make a task harder.
N_BITS = Kinds(3, 3, 4)
N_SOUNDS = Kinds(2, 2, 1)


class Moments(NamedTuple):
    """What a signal adds to the segments of a song."""

    mean: FloatArray  # (25,)
    within: FloatArray  # (25, 25) covariance
    lag1: FloatArray  # (25,) covariance of each feature with the next segment's


def sample_patterns(rng: np.random.Generator) -> Kinds[FloatArray]:
    """Draw unit patterns of sounds, the axes of a randomly turned timbre space.

    Either end of an axis is a sound, so that no two sounds are alike. The frequent
    sounds of ordered events have axes to themselves.

    Returns
    -------
    patterns : Kinds of (n_bits, n_sounds, 25) arrays
    """
    axes = np.zeros((N_TIMBRE, N_FEATURES))
    turned = np.linalg.qr(rng.standard_normal((N_TIMBRE, N_TIMBRE)))[0]
    axes[:, N_CHROMA : N_CHROMA + N_TIMBRE] = turned
    n_segment, n_order, n_position = np.multiply(N_BITS, N_SOUNDS)
    order, rest = np.split(axes, [n_order])
    segment, position, _ = np.split(
        np.vstack([rest, -rest]), np.cumsum([n_segment, n_position])
    )
    return Kinds(
        *(
            sounds.reshape(n_bits, -1, N_FEATURES)
            for sounds, n_bits in zip((segment, order, position), N_BITS, strict=True)
        )
    )


def moments(patterns: Kinds[FloatArray], shares: Kinds[float]) -> Moments:
    """Moments of events that hold these sounds, all classes together."""
    sounds = np.vstack([p.reshape(-1, N_FEATURES) for p in patterns])
    counts = np.multiply(N_BITS, N_SOUNDS)
    frequency = np.repeat(np.divide(shares, counts), counts)
    mean = frequency @ sounds
    within = (sounds.T * frequency) @ sounds - np.outer(mean, mean)
    # Half of the segments of events are followed by one of the same event: by the same
    # sound or, in ordered ones, by the other.
    followed = np.stack(
        [
            (patterns.segment**2).mean(axis=(0, 1)),
            patterns.order.prod(axis=1).mean(axis=0),
            (patterns.position**2).mean(axis=(0, 1)),
        ]
    )
    lag1 = np.asarray(shares) @ (followed - mean**2) / EVENT_LENGTH
    return Moments(mean, within, lag1)


def sample_sounds(
    shares: Kinds[float], class_sep: float, rng: np.random.Generator
) -> tuple[Kinds[FloatArray], Moments]:
    """Draw sounds and their moments.

    Of a hundred samples the one that leaves most room for a background: where a signal
    takes much of a feature's variance and little of its autocorrelation, no background
    can make up for it.
    """
    scale = class_sep * innovation_root()
    samples = []
    for _ in range(100):
        sounds = Kinds(*(p @ scale for p in sample_patterns(rng)))
        added = moments(sounds, shares)
        needed = np.abs(lag1_left(added.within, added.lag1)).max()
        samples.append((needed, sounds, added))
    _, sounds, added = min(samples, key=itemgetter(0))
    return sounds, added


def sample_words(n_classes: int, n_bits: int, rng: np.random.Generator) -> IntArray:
    """Draw (n_classes, n_bits) bits, each set in half of the classes.

    Of a hundred samples the one with the fewest like words, so that tasks sampled with
    different seeds are about equally hard.
    """
    half = np.arange(n_classes) % 2
    samples = [
        np.column_stack([rng.permutation(half) for _ in range(n_bits)])
        for _ in range(100)
    ]
    likeness = [np.exp(-1.0 * (w[:, None] != w).sum(-1)).sum() for w in samples]
    return samples[int(np.argmin(likeness))]


def sample_centres(n_classes: int, rng: np.random.Generator) -> FloatArray:
    """Draw (n_classes, 25) unit vectors, orthogonal by 25, less their mean."""
    blocks = -(-n_classes // N_FEATURES)
    squares = rng.standard_normal((blocks, N_FEATURES, N_FEATURES))
    centres = np.linalg.qr(squares)[0].reshape(-1, N_FEATURES)[:n_classes]
    return np.asarray(centres - centres.mean(axis=0))


class Signals:
    """What the classes of one task are like, and the songs' part that tells them apart.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    shares : Kinds of float
        Share of a song's segments that hold events of each kind.
    class_sep, mean_sep : float
        How far sounds and class means stand out, see
        :func:`~sklearn_msd.datasets.make_songs`.
    noise : float
        Probability that a song departs from its class in one bit.
    rng : numpy.random.Generator
        Source of the sounds and of the classes' properties.
    """

    def __init__(
        self,
        n_classes: int,
        shares: Kinds[float],
        class_sep: float,
        mean_sep: float,
        noise: float,
        rng: np.random.Generator,
    ) -> None:
        self.shares, self.noise = shares, noise
        sounds, self.moments = sample_sounds(shares, class_sep, rng)
        # The sounds in one table, kind after kind; row 0 is silence.
        table = [p.reshape(-1, N_FEATURES) for p in sounds]
        self.sounds = np.vstack([np.zeros(N_FEATURES), *table]).astype(np.float32)
        self.first_sound = Kinds(*np.cumsum([1, *map(len, table[:-1])]).tolist())
        self.words = Kinds(*(sample_words(n_classes, n_bits, rng) for n_bits in N_BITS))
        centres = mean_sep * sample_centres(n_classes, rng)
        centres = centres @ root(uncut_statistics().between)
        self.centres = centres.astype(np.float32)
        self.between = centres.T @ centres / n_classes

    def sample(
        self, y: IntArray, n_segments: int, rng: np.random.Generator
    ) -> FloatArray:
        """Draw (n_songs, n_segments, 25) float32 songs of the classes `y`."""
        sounds = self.sounds[self._sample_score(y, n_segments, rng)]
        return sounds + self.centres[y][:, None]

    def _sample_score(
        self, y: IntArray, n_segments: int, rng: np.random.Generator
    ) -> IntArray:
        """Draw (n_songs, n_segments) rows of the table of sounds.

        A song is a row of items, events and silent segments, in random order.
        """
        n_songs = len(y)
        amounts = [int(share * n_segments / EVENT_LENGTH) for share in self.shares]
        n_items = n_segments - (EVENT_LENGTH - 1) * sum(amounts)
        items = np.zeros((n_songs, n_items, EVENT_LENGTH), dtype=np.int16)
        lasts = np.zeros((n_songs, n_items, EVENT_LENGTH), dtype=bool)
        lasts[:, :, 0] = True
        lasts[:, : sum(amounts)] = True
        when = rng.random((n_songs, n_items), dtype=np.float32)
        ends = np.cumsum([0, *amounts])
        segment, order, position = (np.s_[:, a:b] for a, b in pairwise(ends))

        which, bits = self._sample_bits("segment", y, amounts[0], rng)
        items[segment] = (self.first_sound.segment + 2 * which + bits)[..., None]

        which, bits = self._sample_bits("order", y, amounts[1], rng)
        first = self.first_sound.order + 2 * which
        items[order] = np.stack([first + bits, first + 1 - bits], axis=-1)

        which, bits = self._sample_bits("position", y, amounts[2], rng)
        items[position] = (self.first_sound.position + which)[..., None]
        # Of two times sampled, the earlier or the later.
        times = np.sort([when[position], rng.random(which.shape)], axis=0)
        when[position] = np.where(bits, times[1], times[0])

        by_time = np.argsort(when, axis=1)[..., None]
        items = np.take_along_axis(items, by_time, axis=1)
        lasts = np.take_along_axis(lasts, by_time, axis=1)
        return items[lasts].reshape(n_songs, n_segments)

    def _sample_bits(
        self, kind: str, y: IntArray, amount: int, rng: np.random.Generator
    ) -> tuple[IntArray, IntArray]:
        """Draw (n_songs, amount) events: of which bit, and the bit's value."""
        word = getattr(self.words, kind)[y]
        word ^= rng.random(word.shape) < self.noise
        which = rng.integers(word.shape[1], size=(len(y), amount))
        return which, np.take_along_axis(word, which, axis=1)

"""Class information of synthetic songs: which sounds, in what order, where."""

from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_msd.datasets._columns import GROUPS, N_FEATURES
from sklearn_msd.datasets._song_background import (
    N_CHROMA,
    FloatArray,
    innovation_root,
    root,
    uncut_statistics,
)

IntArray = NDArray[np.integer]
T = TypeVar("T")

# Every event is a sound held for two segments, or two sounds one after the other, so
# that a kernel of height 3 sees the whole of it.
EVENT_LENGTH = 2
# A class has so many binary properties of each kind; more make the task harder.
N_BITS = 4
N_TIMBRE = len(GROUPS["timbre"])


class Kinds(NamedTuple, Generic[T]):
    """Something of each kind of event."""

    segment: T
    order: T
    position: T


def draw_patterns(rng: np.random.Generator) -> Kinds[FloatArray]:
    """Unit patterns of the sounds in a randomly turned timbre space.

    Returns
    -------
    segment : (4, 2, 25) array
        The two sounds of each bit, of which one occurs.
    order : (4, 2, 25) array
        The two sounds of each bit, which occur in one order or the other.
    position : (4, 25) array
        The sound of each bit, which occurs early or late.
    """
    turns = np.linalg.qr(rng.standard_normal((100, N_TIMBRE, N_TIMBRE)))[0]
    # What follows what in the motifs adds to the features' autocorrelation: take the
    # turn in which it adds least, to leave that of real songs within reach.
    ordered = turns[:, : 2 * N_BITS].reshape(-1, N_BITS, 2, N_TIMBRE)
    added = ordered.prod(axis=2).mean(axis=1)
    axes = np.zeros((N_TIMBRE, N_FEATURES))
    axes[:, N_CHROMA : N_CHROMA + N_TIMBRE] = turns[np.abs(added).max(axis=1).argmin()]
    # Either end of an axis is a sound, and no two sounds are alike.
    order, rest = np.split(axes, [2 * N_BITS])
    segment = np.vstack([rest, -rest])
    pairs = (N_BITS, 2, N_FEATURES)
    return Kinds(segment.reshape(pairs), order.reshape(pairs), -order[:N_BITS])


def draw_words(n_classes: int, rng: np.random.Generator) -> IntArray:
    """Draw (n_classes, 4) bits, each set in half of the classes.

    Of a hundred draws the one with the fewest like words, so that tasks drawn with
    different seeds are about equally hard.
    """
    half = np.arange(n_classes) % 2
    draws = [
        np.column_stack([rng.permutation(half) for _ in range(N_BITS)])
        for _ in range(100)
    ]
    likeness = [np.exp(-1.0 * (w[:, None] != w).sum(-1)).sum() for w in draws]
    return draws[int(np.argmin(likeness))]


def draw_centres(n_classes: int, rng: np.random.Generator) -> FloatArray:
    """Draw (n_classes, 25) unit vectors, orthogonal by 25, less their mean."""
    blocks = -(-n_classes // N_FEATURES)
    squares = rng.standard_normal((blocks, N_FEATURES, N_FEATURES))
    centres = np.linalg.qr(squares)[0].reshape(-1, N_FEATURES)[:n_classes]
    return centres - centres.mean(axis=0)


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
        scale = class_sep * innovation_root()
        patterns = Kinds(*(p @ scale for p in draw_patterns(rng)))
        self._set_moments(patterns)
        # The sounds in one table, the kinds one after the other; row 0 is silence.
        flat = [p.reshape(-1, N_FEATURES) for p in patterns]
        self.sounds = np.vstack([np.zeros(N_FEATURES), *flat]).astype(np.float32)
        self.first_sound = Kinds(*np.cumsum([1, *map(len, flat[:-1])]).tolist())
        self.words = Kinds(*(draw_words(n_classes, rng) for _ in shares))
        centres = mean_sep * draw_centres(n_classes, rng)
        centres = centres @ root(uncut_statistics().between)
        self.centres = centres.astype(np.float32)
        self.between = centres.T @ centres / n_classes

    def _set_moments(self, patterns: Kinds[FloatArray]) -> None:
        """Mean, covariance and lag-1 covariance that the sounds add to a segment."""
        flat = np.vstack([p.reshape(-1, N_FEATURES) for p in patterns])
        counts = [p.size // N_FEATURES for p in patterns]
        frequency = np.repeat(np.divide(self.shares, counts), counts)
        self.mean = frequency @ flat
        self.within = (flat.T * frequency) @ flat - np.outer(self.mean, self.mean)
        # Half of an event's segments are followed by one of the same event: by the same
        # sound, or by the other one of the motif.
        same = Kinds(*((p**2).reshape(-1, N_FEATURES).mean(0) for p in patterns))
        motif = patterns.order.prod(axis=1).mean(axis=0)
        together = same._replace(order=motif)
        self.lag1 = np.asarray(self.shares) @ (np.stack(together) - self.mean**2)
        self.lag1 /= EVENT_LENGTH

    def draw(self, y: IntArray, n_segments: int, rng: np.random.Generator):
        """Draw (n_songs, n_segments, 25) float32 songs of the classes `y`."""
        sounds = self.sounds[self._draw_score(y, n_segments, rng)]
        return sounds + self.centres[y][:, None]

    def _draw_score(
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

        which, bits = self._draw_bits("segment", y, amounts[0], rng)
        items[segment] = (self.first_sound.segment + 2 * which + bits)[..., None]

        which, bits = self._draw_bits("order", y, amounts[1], rng)
        first = self.first_sound.order + 2 * which
        items[order] = np.stack([first + bits, first + 1 - bits], axis=-1)

        which, bits = self._draw_bits("position", y, amounts[2], rng)
        items[position] = (self.first_sound.position + which)[..., None]
        # Of two times drawn, the earlier or the later.
        times = np.sort([when[position], rng.random(which.shape)], axis=0)
        when[position] = np.where(bits, times[1], times[0])

        by_time = np.argsort(when, axis=1)[..., None]
        items = np.take_along_axis(items, by_time, axis=1)
        lasts = np.take_along_axis(lasts, by_time, axis=1)
        return items[lasts].reshape(n_songs, n_segments)

    def _draw_bits(
        self, kind: str, y: IntArray, amount: int, rng: np.random.Generator
    ) -> tuple[IntArray, IntArray]:
        """Draw (n_songs, amount) events: of which bit, and the bit's value."""
        word = getattr(self.words, kind)[y]
        word ^= rng.random(word.shape) < self.noise
        which = rng.integers(N_BITS, size=(len(y), amount))
        return which, np.take_along_axis(word, which, axis=1)

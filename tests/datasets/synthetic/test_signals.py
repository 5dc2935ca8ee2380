import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_msd.datasets.synthetic.background import lag1_left
from sklearn_msd.datasets.synthetic.signals import (
    Kinds,
    Signals,
    sample_centres,
    sample_patterns,
    sample_sounds,
    sample_words,
)


def make_signals(
    shares, n_classes=6, class_sep=3.0, mean_sep=0.0, noise=0.0, random_state=0
):
    rng = np.random.default_rng(random_state)
    return Signals(n_classes, Kinds(*shares), class_sep, mean_sep, noise, rng)


def test_sounds_are_unit_patterns_in_timbre_and_no_two_are_alike():
    patterns = sample_patterns(np.random.default_rng(0))
    flat = np.vstack([p.reshape(-1, 25) for p in patterns])
    assert_array_equal(np.delete(flat, np.s_[12:24], axis=1), 0)
    products = flat @ flat.T
    assert_allclose(np.diag(products), 1)
    assert (products - np.eye(len(flat))).max() < 1e-12


@pytest.mark.parametrize("n_classes", [2, 10, 25, 40])
def test_each_bit_is_set_in_half_of_the_classes(n_classes):
    words = sample_words(n_classes, 4, np.random.default_rng(0))
    assert_array_equal(words.sum(axis=0), np.full(4, n_classes // 2))


def test_ten_classes_have_words_of_their_own():
    words = sample_words(10, 4, np.random.default_rng(0))
    assert len({tuple(word) for word in words}) == 10


@pytest.mark.parametrize("n_classes", [2, 10, 25, 40])
def test_class_centres_lie_around_nothing_and_apart(n_classes):
    centres = sample_centres(n_classes, np.random.default_rng(0))
    assert_allclose(centres.mean(axis=0), 0, atol=1e-12)
    distances = np.linalg.norm(centres[:, None] - centres, axis=-1)
    assert distances[~np.eye(n_classes, dtype=bool)].min() > 0.3


def test_the_moments_are_those_of_the_songs_sampled():
    signals = make_signals((0.3, 0.4, 0.2), n_classes=10)
    y = np.repeat(np.arange(10), 40)
    x = signals.sample(y, 300, np.random.default_rng(1)).astype(float)
    flat = x.reshape(-1, 25)
    std = np.sqrt(np.diag(signals.moments.within))[12:24]
    assert_allclose(
        flat.mean(0)[12:24] / std, signals.moments.mean[12:24] / std, atol=0.02
    )
    timbre = np.s_[12:24, 12:24]
    assert_allclose(
        np.cov(flat.T)[timbre] / np.outer(std, std),
        signals.moments.within[timbre] / np.outer(std, std),
        atol=0.04,
    )
    x -= x.mean(axis=(0, 1))
    lag1 = (x[:, 1:] * x[:, :-1]).mean(axis=(0, 1))
    assert_allclose(
        lag1[12:24] / std**2, signals.moments.lag1[12:24] / std**2, atol=0.04
    )


def events(score):
    """The events of one song: rows of two sounds, silence left out."""
    return score[score > 0].reshape(-1, 2)


def test_segment_events_hold_the_sounds_that_the_word_names():
    signals = make_signals((0.5, 0, 0))
    scores = signals._sample_score(np.arange(6), 400, np.random.default_rng(1))
    for label, score in enumerate(scores):
        held = events(score)
        assert_array_equal(held[:, 0], held[:, 1])
        expected = {
            1 + 2 * bit + value for bit, value in enumerate(signals.words[0][label])
        }
        assert set(held.ravel()) == expected


def test_order_events_differ_in_order_alone():
    signals = make_signals((0, 0.5, 0))
    first = signals.first_sound.order
    scores = signals._sample_score(np.arange(6), 400, np.random.default_rng(1))
    for label, score in enumerate(scores):
        played = events(score) - first
        assert len(played) == 100
        bit = played.min(axis=1) // 2
        # Both sounds of a bit, each once in every event, whatever the class.
        assert_array_equal(np.sort(played, axis=1), np.c_[2 * bit, 2 * bit + 1])
        assert_array_equal(played[:, 0] % 2, signals.words.order[label][bit])


def test_position_events_differ_in_time_alone():
    signals = make_signals((0, 0, 0.5))
    y = np.repeat(np.arange(6), 50)
    score = signals._sample_score(y, 400, np.random.default_rng(1))
    for bit in range(4):
        here = score == signals.first_sound.position + bit
        late = signals.words.position[y, bit] == 1
        # As often in early as in late songs, but at other times.
        assert_allclose(here[late].sum(1).mean(), here[~late].sum(1).mean(), rtol=0.08)
        time = np.arange(400) / 400
        assert (here[late].sum(0) @ time) / here[late].sum() > 0.6
        assert (here[~late].sum(0) @ time) / here[~late].sum() < 0.4


def test_shares_are_shares_of_the_segments():
    signals = make_signals((0.2, 0.3, 0.1))
    score = signals._sample_score(np.arange(6), 200, np.random.default_rng(1))
    kinds = np.digitize(score, [1, *signals.first_sound[1:]])
    for kind, share in enumerate((0.4, 0.2, 0.3, 0.1)):
        assert_allclose((kinds == kind).mean(axis=1), share, atol=0.005)


def test_noise_turns_a_bit_for_a_whole_song():
    signals = make_signals((0.5, 0, 0), class_sep=2.0, noise=0.3)
    y = np.zeros(2000, dtype=int)
    score = signals._sample_score(y, 200, np.random.default_rng(1))
    sounds = 1 + 2 * np.arange(signals.words.segment.shape[1])
    second = np.stack([(score == s + 1).sum(axis=1) for s in sounds])
    first = np.stack([(score == s).sum(axis=1) for s in sounds])
    assert ((first == 0) | (second == 0)).all()
    turned = (second > 0) != signals.words.segment[0][:, None].astype(bool)
    assert_allclose(turned.mean(axis=1), 0.3, atol=0.05)


@pytest.mark.parametrize("n_segments", [1, 2, 3])
def test_short_songs_hold_what_fits(n_segments):
    signals = make_signals((0.3, 0.5, 0.1))
    score = signals._sample_score(np.arange(6), n_segments, np.random.default_rng(0))
    assert score.shape == (6, n_segments)


def test_sounds_leave_the_autocorrelation_of_real_songs_within_reach():
    # The defaults of make_songs, for tasks of many seeds.
    shares = Kinds(0.29, 0.5, 0.08)
    for seed in range(10):
        _, added = sample_sounds(shares, 3.0, np.random.default_rng(seed))
        assert np.abs(lag1_left(added.within, added.lag1)).max() < 0.95

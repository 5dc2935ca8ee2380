import numpy as np
import pytest
from scipy.stats import binomtest

from sklearn_msd.cli.intervals import accuracy_estimate, chance, difference_estimate


@pytest.mark.parametrize(
    ("right", "n"), [(13, 20), (0, 20), (20, 20), (92, 100), (1, 1)]
)
def test_an_accuracys_interval_is_wilsons(right, n):
    found = accuracy_estimate(np.repeat([1.0, 0.0], [right, n - right]))
    expected = binomtest(right, n).proportion_ci(method="wilson")
    assert found == pytest.approx((right / n, expected.low, expected.high), abs=1e-9)


def test_groups_of_one_song_change_next_to_nothing():
    correct = np.random.default_rng(0).binomial(1, 0.7, 200).astype(float)
    alone = accuracy_estimate(correct)
    assert accuracy_estimate(correct, np.arange(200)) == pytest.approx(alone, abs=2e-3)
    other = np.roll(correct, 1)
    assert difference_estimate(correct, other, np.arange(200)) == pytest.approx(
        difference_estimate(correct, other)
    )


def test_songs_of_a_group_that_agree_count_as_one():
    right, group = np.array([1.0, 0.0] * 10), np.arange(20)
    found = accuracy_estimate(np.repeat(right, 5), np.repeat(group, 5))
    assert found == pytest.approx(accuracy_estimate(right, group))
    assert found.high - found.low > 0.35
    all_right = accuracy_estimate(np.ones(100), np.repeat(group, 5))
    assert all_right == pytest.approx(accuracy_estimate(np.ones(20)))


@pytest.mark.parametrize("grouped", [False, True])
def test_intervals_hold_what_they_promise(grouped):
    """In about 95 of 100 draws the interval has the true value."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(30), 4)
    inside, inside_difference = [], []
    for _ in range(400):
        shift = rng.normal(0, 0.15, 30)[group] if grouped else 0
        rates = np.clip(np.array([0.7, 0.6])[:, None] + shift, 0, 1)
        left, right = rng.binomial(1, rates, (2, 120)).astype(float)
        told = group if grouped else None
        one, two = accuracy_estimate(left, told), difference_estimate(left, right, told)
        inside.append(one.low <= 0.7 <= one.high)
        inside_difference.append(two.low <= 0.1 <= two.high)
    assert 0.92 <= np.mean(inside) <= 0.98
    assert 0.92 <= np.mean(inside_difference) <= 0.98


def test_models_that_agree_on_few_songs_are_not_the_same_for_sure():
    few, many = (difference_estimate(np.ones(n), np.ones(n)) for n in (10, 1000))
    assert few.value == many.value == 0
    assert few.high - few.low > 0.3
    assert many.high - many.low < 0.01


def test_chance():
    assert chance(np.array(["a", "b", "a", "c"])) == 0.5

import numpy as np
import pytest
from scipy.stats import t, ttest_ind, ttest_rel

from sklearn_msd.report.judging.intervals import Comparison, accuracy, compare

RELATIONS = ("beats", "does not beat", "equals")


def planted(rng, n_seeds, n_songs, left, right, seed_spread=0.0):
    """Songs right or wrong with these probabilities, some songs harder than others."""
    hard = rng.normal(0, 0.15, n_songs)
    return [
        rng.random((n_seeds, n_songs))
        < accuracy + hard + rng.normal(0, seed_spread, (n_seeds, 1))
        for accuracy in (left, right)
    ]


def test_one_seed_is_the_paired_t_test_with_two_songs_more():
    left, right = planted(np.random.default_rng(0), 1, 300, 0.6, 0.5)
    more = [np.r_[left[0], 1, 0].astype(float), np.r_[right[0], 0, 1].astype(float)]
    expected = ttest_rel(*more).confidence_interval(0.95)
    found = compare(left, right)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.margin == pytest.approx(left[0].mean() - right[0].mean())


def test_many_songs_leave_welchs_t_test_of_the_starts():
    # Songs all alike: starts are the sample, of two models that vary unequally.
    rng = np.random.default_rng(9)
    levels = [rng.normal(0.6, 0.05, (5, 1)), rng.normal(0.5, 0.01, (5, 1))]
    left, right = (np.tile(level, 100_000) for level in levels)
    expected = ttest_ind(*levels, equal_var=False).confidence_interval(0.95)
    found = compare(left, right)
    # The two songs added are all that differ from song to song.
    assert found.low == pytest.approx(expected.low[0], abs=1e-4)
    assert found.high == pytest.approx(expected.high[0], abs=1e-4)
    assert 1 < found.start_sides < 1.3
    # Chance does not vary.
    known = compare(left, 0.5)
    half = t.ppf(0.975, 4) * levels[0].std(ddof=1) / np.sqrt(5)
    assert (known.high - known.low) / 2 == pytest.approx(half, rel=0.01)
    assert known.start_sides == 1


def test_accuracy_is_the_interval_of_agresti_and_coull():
    right = np.random.default_rng(0).random((1, 2000)) < 0.7
    n, k = 2000, right.sum()
    low, high = proportion(k + 2, n + 4)
    found = accuracy(right)
    assert found.margin == pytest.approx(k / n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def proportion(k, n):
    p = k / n
    half = 1.96 * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


@pytest.mark.parametrize("n_seeds", [1, 3, 5])
def test_a_true_margin_holds_and_a_reversed_one_does_not(n_seeds):
    left, right = planted(np.random.default_rng(1), n_seeds, 2000, 0.7, 0.5)
    true, reversed_ = compare(left, right), compare(right, left)
    assert [true.verdict(r, 0.01) for r in RELATIONS] == [
        "holds",
        "does not hold",
        "does not hold",
    ]
    assert [reversed_.verdict(r, 0.01) for r in RELATIONS] == [
        "does not hold",
        "holds",
        "does not hold",
    ]


@pytest.mark.parametrize(
    ("n_seeds", "n_songs", "seed_spread"),
    [
        (1, 6, 0),
        (1, 20, 0),
        (1, 500, 0),
        (2, 300, 0),
        (5, 300, 0),
        (5, 300, 0.05),
        (3, 200, 0.1),
    ],
)
def test_noise_is_undecided_at_about_the_nominal_rate(n_seeds, n_songs, seed_spread):
    rng = np.random.default_rng(2)
    found = (
        compare(*planted(rng, n_seeds, n_songs, 0.5, 0.5, seed_spread))
        for _ in range(1000)
    )
    undecided = [one.low <= 0 <= one.high for one in found]
    # 95%, give or take three standard errors, or more careful where few seeds make it
    # approximate and the two songs added to few weigh much.
    assert 0.93 <= np.mean(undecided) <= (0.995 if n_songs > 50 else 1)


def test_no_difference_within_the_margin_is_equal():
    rng = np.random.default_rng(3)
    left = rng.random((1, 20_000)) < 0.5
    right = left ^ (rng.random(left.shape) < 0.001)
    found = compare(left, right)
    assert found.verdict("equals", 0.01) == "holds"
    assert found.verdict("does not beat", 0.01) == "holds"


def test_few_songs_that_all_agree_decide_nothing():
    right = np.ones((1, 10))
    found = compare(right, right)
    assert {found.verdict(relation, 0.01) for relation in RELATIONS} == {"undecided"}
    single = compare([[1.0]], [[0.0]])
    assert single.verdict("beats", 0.01) == "undecided"


def test_an_accuracy_lies_between_0_and_1():
    none, all_songs = accuracy(np.zeros((2, 4))), accuracy(np.ones((2, 4)))
    assert none.low == 0
    assert none.high == pytest.approx(1 - all_songs.low)
    assert all_songs.high == 1


def test_what_is_no_result_is_refused():
    for wrong in ([1, 0], None, [["a"]], [[]], [[2]], [[np.nan]]):
        with pytest.raises(ValueError, match="left must"):
            compare(wrong, [[0, 1]])
        with pytest.raises(ValueError, match="right must"):
            accuracy(wrong)
    with pytest.raises(ValueError, match=r"one shape, \(n_starts, n_songs\)"):
        compare([[1, 0]], [[0, 1, 1]])


@pytest.mark.parametrize("confidence", [0, 1, 1.5, float("nan"), None, "0.9"])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        compare([[1, 0]], [[0, 1]], confidence=confidence)


@pytest.mark.parametrize(
    ("low", "high", "verdicts"),
    [
        (0.001, 0.03, ("holds", "undecided", "undecided")),
        (0.001, 0.009, ("holds", "holds", "holds")),
        (-0.03, 0.009, ("does not hold", "holds", "undecided")),
        (-0.009, 0.009, ("does not hold", "holds", "holds")),
        (-0.001, 0.011, ("undecided", "undecided", "undecided")),
        (0.011, 0.03, ("holds", "does not hold", "does not hold")),
        (-0.03, -0.011, ("does not hold", "holds", "does not hold")),
    ],
)
def test_verdicts_of_an_interval(low, high, verdicts):
    found = Comparison((low + high) / 2, low, high)
    assert tuple(found.verdict(relation, 0.01) for relation in RELATIONS) == verdicts


def test_groups_are_compared_as_wholes():
    rng = np.random.default_rng(6)
    group = np.repeat(np.arange(40), 25)
    of_group = rng.normal(0, 0.2, (1, 40))[:, group]
    left = rng.random((1, 1000)) < 0.5 + of_group
    right = rng.random((1, 1000)) < 0.5
    songs, groups = compare(left, right), compare(left, right, group=group)
    assert groups.margin == songs.margin
    # All groups are of one size: their means are the sample.
    means = (left * 1.0 - right).reshape(40, 25).mean(axis=1)
    more = np.array([1, -1]) * 42 / 1002  # songs of their own, as the docstring says
    expected = np.r_[means * 25 * 42 / 1002, more]
    half = t.ppf(0.975, 41) * expected.std(ddof=1) / np.sqrt(42)
    assert (groups.high - groups.low) / 2 == pytest.approx(half, rel=0.01)
    assert groups.high - groups.low > 1.5 * (songs.high - songs.low)


def test_few_groups_miss_no_more_often_than_they_may():
    rng = np.random.default_rng(7)
    group = np.repeat(np.arange(6), 20)
    missed = 0
    for _ in range(400):
        p = 0.5 + rng.normal(0, 0.15, (1, 6))[:, group]
        found = compare(
            rng.random((1, 120)) < p, rng.random((1, 120)) < 0.5, None, 0.95, group
        )
        missed += not found.low <= 0 <= found.high
    assert missed / 400 < 0.08


def test_the_parts_of_the_variance_foretell_more_starts():
    rng = np.random.default_rng(8)
    left, right = planted(rng, 8, 4000, 0.6, 0.5, 0.05)
    found = compare(left, right)
    total = found.song_variance + found.start_variance / 8
    half = (found.high - found.low) / 2
    assert half == pytest.approx(2 * np.sqrt(total), rel=0.25)
    assert found.start_variance == pytest.approx(2 * 0.05**2, rel=0.8)
    assert found.song_variance < found.start_variance / 8


@pytest.mark.parametrize("group", [[0, 1], np.zeros((1, 2))])
def test_groups_of_other_songs_are_refused(group):
    with pytest.raises(ValueError, match=r"group must be \(n_songs,\) = \(3,\)"):
        compare([[1, 0, 1]], [[0, 1, 1]], group=group)

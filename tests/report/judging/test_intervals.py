import numpy as np
import pytest
from scipy.stats import ttest_rel

from sklearn_msd.report.judging.intervals import accuracy, compare, seed_variation

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
    undecided = [
        compare(*planted(rng, n_seeds, n_songs, 0.5, 0.5, seed_spread)).verdict(
            "beats", 0.01
        )
        == "undecided"
        for _ in range(1000)
    ]
    # 95%, give or take three standard errors, or more careful where few seeds make it
    # approximate and the two songs added to few weigh much.
    assert 0.93 <= np.mean(undecided) <= (0.995 if n_songs > 50 else 1)


def test_no_difference_within_the_margin_is_equal():
    rng = np.random.default_rng(3)
    left = rng.random((2, 20_000)) < 0.5
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


def test_what_is_no_result_is_refused():
    for wrong in ([1, 0], None, [["a"]], [[]], [[2]], [[np.nan]]):
        with pytest.raises(ValueError, match="left must"):
            compare(wrong, [[0, 1]])
        with pytest.raises(ValueError, match="right must"):
            accuracy(wrong)
    with pytest.raises(ValueError, match=r"one shape, \(n_seeds, n_songs\)"):
        compare([[1, 0]], [[0, 1, 1]])


@pytest.mark.parametrize("confidence", [0, 1, 1.5, float("nan"), None, "0.9"])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        compare([[1, 0]], [[0, 1]], confidence=confidence)


def many(rng, n_seeds, margin=0.0):
    """Forty comparisons whose models vary between seeds, some more and some less."""
    return [
        planted(rng, n_seeds, 500, 0.5 + margin, 0.5, seed_spread)
        for seed_spread in rng.uniform(0, 0.05, 40)
    ]


@pytest.mark.parametrize("n_seeds", [2, 3])
def test_what_all_comparisons_tell_of_seeds_keeps_the_rate_and_gains_power(n_seeds):
    rng = np.random.default_rng(4)
    undecided, found, found_alone = [], [], []
    for _ in range(20):
        noise = many(rng, n_seeds)
        known = seed_variation([a * 1.0 - b for a, b in noise])
        undecided += [c.low <= 0 <= c.high for c in (compare(*p, known) for p in noise)]
        true = many(rng, n_seeds, 0.1)
        known = seed_variation([a * 1.0 - b for a, b in true])
        found += [compare(*pair, known).low > 0 for pair in true]
        found_alone += [compare(*pair).low > 0 for pair in true]
    assert 0.92 <= np.mean(undecided) <= 0.98
    assert np.mean(found) > np.mean(found_alone) + 0.1


def test_the_variation_of_seeds_is_found():
    rng = np.random.default_rng(5)
    n_songs = 1000
    alike = [
        rng.normal(0, 0.03, (3, 1)) + rng.normal(0, 0.3, (3, n_songs))
        for _ in range(200)
    ]
    found = seed_variation(alike)
    assert found.variance == pytest.approx(0.03**2 + 0.3**2 / n_songs, rel=0.15)
    assert found.dof > 50
    unlike = [
        d * scale for d, scale in zip(alike, rng.uniform(0.1, 5, 200), strict=True)
    ]
    assert seed_variation(unlike).dof < 10


def test_one_seed_tells_nothing_of_seeds():
    assert seed_variation([np.ones((1, 5))] * 3) is None
    assert seed_variation([np.ones((2, 5))] * 3) is None
    assert seed_variation([]) is None

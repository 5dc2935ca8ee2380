import numpy as np
import pytest
from scipy.stats import ttest_rel

from sklearn_msd.report.verdicts import compare

RELATIONS = ("beats", "does not beat", "equals")


def planted(rng, n_seeds, n_songs, left, right, seed_spread=0.0):
    """Songs right or wrong with these probabilities, some songs harder than others."""
    hard = rng.normal(0, 0.15, n_songs)
    return [
        rng.random((n_seeds, n_songs))
        < accuracy + hard + rng.normal(0, seed_spread, (n_seeds, 1))
        for accuracy in (left, right)
    ]


def test_one_seed_is_the_paired_t_test():
    left, right = planted(np.random.default_rng(0), 1, 300, 0.6, 0.5)
    expected = ttest_rel(left[0].astype(float), right[0]).confidence_interval(0.95)
    found = compare(left, right)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


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
    [(1, 500, 0), (2, 300, 0), (5, 300, 0), (5, 300, 0.05), (3, 200, 0.1)],
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
    # 95%, give or take three standard errors, and up to 2.5% on the careful side where
    # few seeds make it approximate.
    assert 0.93 <= np.mean(undecided) <= 0.995


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


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"shape \(n_seeds, n_songs\)"):
        compare([1, 0], [0, 1])

import numpy as np
import pytest

from sklearn_msd.report.judging.intervals import compare
from sklearn_msd.report.judging.spread import LARGEST_DOF, Observed, learn_spread


def observed(rng, n, dof, scale=1.0, kind="songs"):
    scales = np.broadcast_to(scale, n)
    # At 0.5, log-odds vary 16 times as much as the accuracy.
    return [Observed(kind, 0.5, s * rng.chisquare(dof) / dof / 16, dof) for s in scales]


def test_the_spread_between_starts_is_found():
    rng = np.random.default_rng(0)
    found = learn_spread(observed(rng, 300, 2, 0.03**2))["songs"]
    assert found.variance == pytest.approx(0.03**2, rel=0.2)
    assert LARGEST_DOF / 2 < found.dof <= LARGEST_DOF


def test_spreads_that_differ_count_for_little():
    rng = np.random.default_rng(1)
    unlike = observed(rng, 300, 2, rng.uniform(0.1, 3, 300) ** 4)
    assert learn_spread(unlike)["songs"].dof < 4


def test_results_with_other_numbers_of_starts_tell_of_the_same_spread():
    rng = np.random.default_rng(2)
    mixed = observed(rng, 200, 1) + observed(rng, 200, 7)
    assert learn_spread(mixed)["songs"].variance == pytest.approx(1, rel=0.2)


def test_each_kind_has_a_scale_of_its_own_that_few_results_tell_little_of():
    rng = np.random.default_rng(3)
    many, few = observed(rng, 100, 2), observed(rng, 3, 2, 100.0, "others")
    found = learn_spread(many + few)
    assert found["songs"].variance == pytest.approx(1, rel=0.4)
    assert found["others"].variance > 10
    assert found["others"].dof < 4 < found["songs"].dof


def test_what_tells_nothing_of_spreads():
    assert learn_spread([]) == {}
    one, no_variance = Observed("a", 0.5, 1.0, 1), Observed("a", 0.5, 0.0, 2)
    assert learn_spread([one]) == {}
    assert learn_spread([no_variance, one._replace(dof=0)] * 3) == {}
    assert "b" not in learn_spread([one] * 3 + [one._replace(kind="b")])


def test_log_odds_vary_alike_whatever_the_accuracy():
    rng = np.random.default_rng(5)
    alike = []
    for p in rng.uniform(0.2, 0.97, 300):
        odds = np.log(p / (1 - p)) + rng.normal(0, 0.1, 3)
        right = 1 / (1 + np.exp(-odds))
        alike.append(Observed("songs", right.mean(), right.var(ddof=1), 2))
    found = learn_spread(alike)["songs"]
    assert found.variance == pytest.approx(0.1**2, rel=0.2)
    assert found.dof > LARGEST_DOF / 2
    typical = np.exp(np.mean([np.log((0.1 * a * (1 - a)) ** 2) for _, a, *_ in alike]))
    assert found.typical == pytest.approx(typical, rel=0.2)
    # A start's own variance, of an accuracy, counts as much as its degrees of freedom.
    assert found.beside(0.9, 0.0, 0) == pytest.approx(found.variance * 0.09**2)
    half = found.beside(0.9, 1.0, found.dof)
    assert half == pytest.approx((1 + found.variance * 0.09**2) / 2)


def planted(rng, margin):
    """Forty comparisons of models that vary between starts, some more and some less."""
    for spreads in rng.uniform(0, 0.05, (40, 2)):
        hard = rng.normal(0, 0.15, 500)
        yield [
            (rng.random((2, 500)) < accuracy + hard + rng.normal(0, spread, (2, 1)))
            * 1.0
            for accuracy, spread in zip((0.5 + margin, 0.5), spreads, strict=True)
        ]


def test_what_all_models_tell_keeps_the_rate_and_gains_power():
    rng = np.random.default_rng(4)
    undecided, found, alone = [], [], []
    for _ in range(20):
        for margin in (0.0, 0.1):
            pairs = list(planted(rng, margin))
            known = learn_spread(
                [
                    Observed(0, right.mean(), right.mean(axis=1).var(ddof=1), 1)
                    for pair in pairs
                    for right in pair
                ]
            )[0]
            intervals = [compare(a, b, known) for a, b in pairs]
            if margin:
                found += [one.low > 0 for one in intervals]
                alone += [compare(a, b).low > 0 for a, b in pairs]
            else:
                undecided += [one.low <= 0 <= one.high for one in intervals]
    assert 0.92 <= np.mean(undecided) <= 0.99
    assert np.mean(found) > np.mean(alone) + 0.1

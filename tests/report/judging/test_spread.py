import numpy as np
import pytest

from sklearn_msd.report.judging.intervals import compare
from sklearn_msd.report.judging.spread import LARGEST_DOF, Observed, learn_spread


def observed(rng, n, dof, scale=1.0, kind="songs"):
    scales = np.broadcast_to(scale, n)
    return [Observed(kind, s * rng.chisquare(dof) / dof, dof) for s in scales]


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
    assert learn_spread([Observed("a", 1.0, 1)]) == {}
    assert learn_spread([Observed("a", 0.0, 2), Observed("a", 1.0, 0)] * 3) == {}
    assert "b" not in learn_spread([Observed("a", 1.0, 1)] * 3 + [Observed("b", 1, 1)])


def planted(rng, margin):
    """Forty comparisons whose models vary between starts, some more and some less."""
    for spread in rng.uniform(0, 0.05, 40):
        hard = rng.normal(0, 0.15, 500)
        yield [
            (rng.random((2, 500)) < accuracy + hard + rng.normal(0, spread, (2, 1)))
            * 1.0
            for accuracy in (0.5 + margin, 0.5)
        ]


def test_what_all_comparisons_tell_keeps_the_rate_and_gains_power():
    rng = np.random.default_rng(4)
    undecided, found, alone = [], [], []
    for _ in range(20):
        for margin in (0.0, 0.1):
            pairs = list(planted(rng, margin))
            known = learn_spread(
                [Observed(0, (a - b).mean(axis=1).var(ddof=1), 1) for a, b in pairs]
            )[0]
            intervals = [compare(a, b, known) for a, b in pairs]
            if margin:
                found += [one.low > 0 for one in intervals]
                alone += [compare(a, b).low > 0 for a, b in pairs]
            else:
                undecided += [one.low <= 0 <= one.high for one in intervals]
    assert 0.92 <= np.mean(undecided) <= 0.99
    assert np.mean(found) > np.mean(alone) + 0.1

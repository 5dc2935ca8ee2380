import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_msd.datasets.splitting import assign_splits, balance


@given(
    seed=st.integers(0, 10_000),
    n_groups=st.integers(1, 40),
    n_classes=st.integers(1, 5),
    fractions=st.sampled_from([(0.8, 0.2), (0.5, 0.5), (0.7, 0.15, 0.15)]),
)
def test_no_group_is_ever_on_two_sides(seed, n_groups, n_classes, fractions):
    rng = np.random.RandomState(seed)
    groups = rng.randint(n_groups, size=100)
    codes = rng.randint(n_classes, size=100)
    splits = assign_splits(codes, groups, fractions, rng)
    assert splits.min() >= 0
    assert splits.max() < len(fractions)
    for group in np.unique(groups):
        assert len(set(splits[groups == group])) == 1


@pytest.mark.parametrize("fractions", [(0.8, 0.2), (0.8, 0.1, 0.1)])
def test_classes_are_divided_as_asked_where_groups_allow(fractions):
    rng = np.random.RandomState(0)
    # 600 artists of 1 to 20 songs, each mostly of one of three unequal genres.
    sizes = rng.randint(1, 21, size=600)
    groups = np.repeat(np.arange(600), sizes)
    main = rng.choice(3, p=[0.7, 0.2, 0.1], size=600)
    codes = np.where(rng.rand(len(groups)) < 0.9, main[groups], rng.randint(3))
    splits = assign_splits(codes, groups, fractions, rng)
    for code in range(3):
        shares = np.bincount(splits[codes == code], minlength=len(fractions))
        np.testing.assert_allclose(shares / shares.sum(), fractions, atol=0.01)


def test_classes_of_two_songs_leave_no_split_empty():
    splits = assign_splits(
        np.repeat(np.arange(5), 2), np.arange(10), (0.8, 0.2), np.random.RandomState(0)
    )
    assert np.bincount(splits, minlength=2).min() >= 1


def test_the_seed_decides():
    codes, groups = np.zeros(50, int), np.arange(50)
    splits = [
        assign_splits(codes, groups, (0.8, 0.2), np.random.RandomState(seed))
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(splits[0], splits[1])
    assert not np.array_equal(splits[0], splits[2])
    assert np.bincount(splits[0]).tolist() == [40, 10]


def test_balance_takes_the_same_of_each_class_in_each_split():
    rng = np.random.RandomState(0)
    codes = rng.choice(3, p=[0.8, 0.15, 0.05], size=4000)
    splits = assign_splits(codes, np.arange(4000), (0.8, 0.1, 0.1), rng)
    chosen = balance(codes, splits, (0.8, 0.1, 0.1), 125, rng)
    for code in range(3):
        counts = np.bincount(splits[chosen & (codes == code)])
        assert counts.tolist() == [100, 12, 13]  # 125 in all, though 12.5 is no number


def test_balance_takes_all_of_what_is_too_little():
    codes = np.array([0] * 10 + [1] * 3)
    splits = np.zeros(13, int)
    splits[9:11] = 1
    chosen = balance(codes, splits, (0.5, 0.5), 4, np.random.RandomState(0))
    assert chosen[codes == 1].all()
    assert chosen[(codes == 0) & (splits == 0)].sum() == 2


@pytest.mark.parametrize("seed", range(20))
def test_no_split_is_empty_where_groups_suffice(seed):
    """Also where each class has one song, which would all go to the largest."""
    rng = np.random.default_rng(seed)
    for fractions in ((0.8, 0.2), (0.8, 0.1, 0.1)):
        groups = rng.integers(0, 9, size=rng.integers(5, 15))
        codes = np.unique(rng.integers(0, 9, len(groups)), return_inverse=True)[1]
        splits = assign_splits(codes, groups, fractions, np.random.RandomState(seed))
        if len(np.unique(groups)) >= len(fractions):
            assert set(splits) == set(range(len(fractions)))

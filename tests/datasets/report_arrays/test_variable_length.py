import numpy as np
import pytest

from sklearn_msd.datasets import load_msd_genre, predefined_split

LENGTHS = [7, 3, 12, 5, 4, 9]
BUCKETS = (5, 10, 20)


def songs(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, 25)).astype(np.float16) for n in LENGTHS]


def buckets(targets=True, seed=0):
    """The report's layout: buckets of length 5, 10 and 20, padded with NaN."""
    made = {}
    for n in BUCKETS:
        low = max((b for b in BUCKETS if b < n), default=0)
        # Written in reverse: reading has to put the songs back in order.
        rows = [i for i, length in enumerate(LENGTHS) if low < length <= n][::-1]
        inputs = np.full((len(rows), n, 25), np.nan, np.float16)
        for row, i in zip(inputs, rows, strict=True):
            row[: LENGTHS[i]] = songs(seed)[i]
        made[f"inputs_{n}"] = inputs
        made[f"indices_{n}"] = np.array(rows, dtype=np.int32)
        if targets:
            made[f"targets_{n}"] = np.array(rows, dtype=np.int64)
    return made


def test_songs_come_back_in_order(tmp_path):
    np.savez_compressed(tmp_path / "msd-10-genre-train-var-length.npz", **buckets())
    bunch = load_msd_genre("10", "train", tmp_path, variable_length=True)
    assert bunch.data.shape == (6, 20, 25)
    assert bunch.data.dtype == np.float32
    assert len(bunch.feature_names) == 25
    np.testing.assert_array_equal(bunch.target, np.arange(6))
    for row, song in zip(bunch.data, songs(), strict=True):
        np.testing.assert_array_equal(row[: len(song)], song)
        assert np.isnan(row[len(song) :]).all()


def test_songs_may_be_cut(tmp_path):
    np.savez(tmp_path / "msd-10-genre-train-var-length.npz", **buckets())
    X, y = load_msd_genre("10", "train", tmp_path, True, True, max_segments=6)
    assert X.shape == (6, 6, 25)
    np.testing.assert_array_equal(X[2], songs()[2][:6])
    np.testing.assert_array_equal(X[1, :3], songs()[1])
    np.testing.assert_array_equal(y, np.arange(6))


@pytest.mark.parametrize("name", ["test-inputs-var-length", "test-var-length"])
def test_a_test_set_takes_the_fixed_length_targets(tmp_path, name):
    np.savez(tmp_path / f"msd-10-genre-{name}.npz", **buckets(targets=False))
    bunch = load_msd_genre("10", "test", tmp_path, variable_length=True)
    assert bunch.target is None
    np.savez(tmp_path / "msd-10-genre-test-targets.npz", targets=np.arange(6))
    bunch = load_msd_genre("10", "test", tmp_path, variable_length=True)
    np.testing.assert_array_equal(bunch.target, np.arange(6))


def test_predefined_split_pads_to_the_longest(tmp_path):
    for seed, split in enumerate(("train", "valid")):
        made = buckets(seed=seed)
        if split == "valid":
            made = {k: v for k, v in made.items() if not k.endswith("_20")}
            made["indices_5"], made["indices_10"] = np.r_[0, 1, 2], np.r_[3, 4]
        np.savez(tmp_path / f"msd-10-genre-{split}-var-length.npz", **made)
    X, y, cv = predefined_split("10", tmp_path, variable_length=True)
    assert X.shape == (11, 20, 25)
    assert np.isnan(X[6:, 10:]).all()
    assert len(y) == 11
    assert cv.get_n_splits() == 1


WRONG = {
    "no bucket": {f"inputs_{n}": None for n in BUCKETS},
    "no indices": {"indices_5": None},
    "no targets in one bucket": {"targets_5": None},
    "an index twice": {"indices_5": np.array([3, 3, 1])},
    "an index beyond": {"indices_5": np.array([4, 3, 9])},
    "indices as numbers": {"indices_5": np.zeros(3)},
    "too few indices": {"indices_5": np.array([1, 3])},
    "wrong length": {"inputs_5": np.zeros((3, 6, 25))},
    "wrong width": {"inputs_5": np.zeros((3, 5, 24))},
    "integers": {"inputs_5": np.zeros((3, 5, 25), int)},
    "objects": {"inputs_5": np.full((3, 5, 25), None)},
    "negative targets": {"targets_5": np.array([-1, 0, 0])},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_buckets_are_an_error_with_the_file(tmp_path, name):
    path = tmp_path / "msd-10-genre-train-var-length.npz"
    made = buckets() | WRONG[name]
    np.savez(path, **{key: a for key, a in made.items() if a is not None})
    with pytest.raises(ValueError, match=path.name):
        load_msd_genre("10", "train", tmp_path, variable_length=True)

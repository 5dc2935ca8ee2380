import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_msd.datasets.sources.tasks import find_tasks
from sklearn_msd.report.data import prepare


def save(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def songs(n, rng, shape=(6, 25)):
    return rng.normal(3, 2, size=(n, *shape)).astype(np.float16)


def load(source, n_train=None, n_valid=None):
    ((task, how),) = find_tasks(source, 40, 20).items()
    return task, prepare(how(), n_train, n_valid)


def test_an_npz_is_split_by_class_and_standardised(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 20)
    task, data = load(save(tmp_path / "d.npz", X=songs(60, rng), y=y))
    assert task == "3"
    assert data.class_names == ["a", "b", "c"]
    assert_array_equal(np.bincount(data.y_valid), [4, 4, 4])
    assert data.X_train.shape == (48, 150)
    assert data.X_train.dtype == np.float32
    assert_allclose(data.X_train.mean(0), 0, atol=1e-3)
    assert_allclose(data.X_train.std(0), 1, atol=1e-3)
    assert not data.synthetic


def test_groups_are_on_one_side_only(tmp_path):
    rng = np.random.default_rng(0)
    X, group = songs(60, rng), np.repeat(np.arange(6), 10)
    X[:, 0, 0] = group  # to know a song's group afterwards
    source = save(tmp_path / "d.npz", X=X, y=np.tile([0, 1], 30), group=group)
    _, data = load(source)
    train, valid = data.X_train[:, 0], data.X_valid[:, 0]
    assert not set(np.round(train, 3)) & set(np.round(valid, 3))
    assert "groups validate" in data.description


def test_the_reports_own_files(tmp_path):
    rng = np.random.default_rng(0)
    for task in (10, 25):
        for split, n in (("train", 50), ("valid", 25)):
            save(
                tmp_path / f"msd-{task}-genre-{split}.npz",
                inputs=songs(n, rng, (120, 25)),
                targets=np.arange(n) % task,
            )
    tasks = find_tasks(str(tmp_path), 40, 20)
    assert list(tasks) == ["10", "25"]
    data = prepare(tasks["25"](), None, None)
    assert (len(data.y_train), len(data.y_valid), data.n_classes) == (50, 25, 25)
    assert data.feature_names[0] == "timbre_0"


def test_synthetic_songs_say_so():
    tasks = find_tasks("synthetic", 100, 50)
    assert list(tasks) == ["10", "25"]
    data = prepare(tasks["25"](), None, None)
    assert data.synthetic
    assert "SYNTHETIC" in data.description
    assert (len(data.y_train), len(data.y_valid)) == (100, 50)


def test_spoken_digits():
    task, data = load("spoken-digits", 100, 50)
    assert (task, data.n_classes) == ("10", 10)
    assert (len(data.y_train), len(data.y_valid)) == (100, 50)
    assert data.class_names[0] == "zero"


def test_any_number_of_features_in_three_dimensions(tmp_path):
    rng = np.random.default_rng(0)
    X = songs(20, rng, (6, 13))
    _, data = load(save(tmp_path / "d.npz", X=X, y=np.arange(20) % 2))
    assert data.n_segment_features == 13
    assert len(data.feature_names) == 13


def test_validation_songs_of_unknown_class_are_left_out(tmp_path):
    rng = np.random.default_rng(0)
    for split, y in (("train", [0, 1, 0, 1]), ("valid", [0, 1, 2])):
        save(
            tmp_path / f"msd-3-genre-{split}.npz",
            inputs=songs(len(y), rng, (120, 25)),
            targets=np.array(y),
        )
    _, data = load(str(tmp_path))
    assert len(data.y_valid) == 2
    assert "1 validation songs are left out" in data.description


def test_the_key_changes_with_the_data(tmp_path):
    rng = np.random.default_rng(0)
    X, y = songs(20, rng), np.arange(20) % 2
    _, data = load(save(tmp_path / "a.npz", X=X, y=y))
    _, same = load(save(tmp_path / "b.npz", X=X, y=y))
    X[3, 2, 1] += 1
    _, other = load(save(tmp_path / "c.npz", X=X, y=y))
    assert data.key == same.key != other.key


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.ones((9, 150))}, "needs the keys X and y"),
        ({"X": np.ones((9, 150)), "y": np.ones(8)}, "X must be"),
        ({"X": np.ones((9, 151)), "y": np.arange(9) % 2}, "songs must be"),
        ({"X": np.ones((9, 150)), "y": np.ones(9)}, "at least 2 classes"),
        ({"X": np.full((9, 150), np.nan), "y": np.arange(9) % 2}, "NaN or infinity"),
        ({"X": np.ones((4, 150)), "y": np.arange(4)}, "no class has two songs"),
        (
            {"X": np.ones((9, 150)), "y": np.arange(9) % 2, "group": np.ones(9)},
            "two groups",
        ),
        (
            {"X": np.ones((9, 150)), "y": np.arange(9) % 2, "group": np.ones(3)},
            "group must be",
        ),
    ],
)
def test_bad_npz(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message):
        load(save(tmp_path / "d.npz", **arrays))


def test_sources_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="neither a file nor a folder"):
        find_tasks(str(tmp_path / "none.npz"), 1, 1)
    with pytest.raises(FileNotFoundError, match="has no msd-…-genre-train"):
        find_tasks(str(tmp_path), 1, 1)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ValueError, match=r"text\.npz"):
        find_tasks(str(tmp_path / "text.npz"), 1, 1)

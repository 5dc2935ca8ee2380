import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_msd.datasets.sources.tasks import find_tasks
from sklearn_msd.report.division import Amount, prepare


def save(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def songs(n, rng, shape=(6, 25)):
    return rng.normal(3, 2, size=(n, *shape)).astype(np.float16)


def load(source, n_train=None, n_valid=None, n_test=None):
    ((task, how),) = find_tasks(source, 40, 20, whole=True).items()
    return task, prepare(how(), Amount(n_train, n_valid, n_test))


def test_few_songs_are_each_held_out_once_and_standardised(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 20)
    task, data = load(save(tmp_path / "d.npz", X=songs(60, rng), y=y))
    assert task == "3"
    assert data.class_names == ["a", "b", "c"]
    assert data.folded
    assert len(data.splits(0)) == 5
    held_out = np.concatenate([split.compared for split in data.splits(0)])
    assert_array_equal(np.sort(held_out), np.arange(60))
    for split in data.splits(0):
        assert_array_equal(np.bincount(split.y_valid), [4, 4, 4])
        assert_array_equal(data.y_compared[split.compared], split.y_valid)
        assert split.X_train.shape == (48, 150)
        assert split.X_train.dtype == np.float32
        assert_allclose(split.X_train.mean(0), 0, atol=1e-3)
        assert_allclose(split.X_train.std(0), 1, atol=1e-3)
    assert not data.synthetic
    first = [split.key for split in data.splits(0)]
    assert [split.key for split in data.splits(0)] == first
    assert [split.key for split in data.splits(1)] != first


def test_folds_cost_no_more_than_one_split(tmp_path):
    rng = np.random.default_rng(0)
    source = save(tmp_path / "d.npz", X=songs(60, rng), y=np.arange(60) % 2)
    _, data = load(source, n_train=80)
    trained_on = sum(len(split.y_train) for split in data.splits(0))
    assert (len(data.y_compared), trained_on) == (20, 80)


def test_groups_are_on_one_side_only(tmp_path):
    rng = np.random.default_rng(0)
    X, group = songs(60, rng), np.repeat(np.arange(6), 10)
    X[:, 0, 0] = group  # to know a song's group afterwards
    source = save(tmp_path / "d.npz", X=X, y=np.tile([0, 1], 30), group=group)
    _, data = load(source)
    assert_array_equal(data.group, group)
    for split in data.splits(0):
        train, valid = split.X_train[:, 0], split.X_eval[:, 0]
        assert not set(np.round(train, 3)) & set(np.round(valid, 3))


@pytest.mark.parametrize("grouped", [False, True])
def test_many_songs_are_split_once_with_test_songs_where_they_allow(tmp_path, grouped):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2500, 25)).astype(np.float32), np.arange(2500) % 2
    group = {"group": np.arange(2500) // 5} if grouped else {}
    X[:, 0] = np.arange(2500) // 5
    source = save(tmp_path / "d.npz", X=X, y=y, **group)
    _, data = load(source, 1000, 100, 300)
    (split,) = data.splits(0)
    assert (len(split.y_train), split.n_valid, split.n_test) == (1000, 100, 300)
    assert len(data.y_compared) == 300
    assert data.splits(7) == [split]
    assert (data.group is not None) == grouped
    if grouped:
        sides = [np.round(side[:, 0], 4) for side in (split.X_train, split.X_eval)]
        assert not {*sides[0]} & {*sides[1]}
    _, data = load(source, 1000, 400, 300)
    (split,) = data.splits(0)
    assert (split.n_valid, split.n_test, len(data.y_compared)) == (500, 0, 500)


def test_the_reports_own_files(tmp_path):
    rng = np.random.default_rng(0)
    for task in (10, 25):
        for split, n in (("train", 50), ("valid", 25)):
            save(
                tmp_path / f"msd-{task}-genre-{split}.npz",
                inputs=songs(n, rng, (120, 25)),
                targets=np.arange(n) % task,
            )
    tasks = find_tasks(str(tmp_path), 40, 20, whole=True)
    assert list(tasks) == ["10", "25"]
    data = prepare(tasks["25"](), Amount(None, None, None))
    (split,) = data.splits(0)
    assert (len(split.y_train), split.n_valid, split.n_test) == (50, 25, 0)
    assert (data.n_classes, len(data.y_compared)) == (25, 25)
    assert data.feature_names[0] == "timbre_0"


def test_synthetic_songs_say_so():
    tasks = find_tasks("synthetic", 100, 50, n_segments=20)
    assert list(tasks) == ["10", "25"]
    data = prepare(tasks["25"](), Amount(100, 20, 30))
    assert data.synthetic
    assert "SYNTHETIC" in data.description
    (split,) = data.splits(0)
    assert (len(split.y_train), split.n_valid, split.n_test) == (100, 20, 30)
    assert split.X_train.shape[1] == 20 * 25


def test_spoken_digits():
    task, data = load("spoken-digits", 400)
    assert (task, data.n_classes) == ("10", 10)
    assert len(data.y_compared) == 100
    assert data.class_names[0] == "zero"
    assert len(np.unique(data.group)) > 1


def test_songs_end_to_end_are_cut_or_repeated_to_one_length(tmp_path):
    rng = np.random.default_rng(0)
    lengths = [3, 5, 4] * 10
    flat = rng.normal(size=(sum(lengths), 25)).astype(np.float32)
    offsets = np.r_[0, np.cumsum(lengths)]
    y, group = np.arange(30) % 2, np.arange(30) // 3
    source = save(tmp_path / "d.npz", X_flat=flat, offsets=offsets, y=y, group=group)
    ((_, how),) = find_tasks(source, 1, 1, whole=True).items()
    read = how()
    assert read.X.shape == (30, 5, 25)
    assert_array_equal(read.X[1], flat[3:8])
    assert_array_equal(read.X[0], flat[[0, 1, 2, 0, 1]])
    assert_array_equal(read.group, group)
    assert "The songs have 3 to 5 segments" in read.description
    assert prepare(read, Amount(None, None, None)).folded


def test_a_folder_of_recordings_is_held_out_in_folds(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("librosa")
    rng = np.random.default_rng(0)
    for genre, pitch in (("low", 200), ("high", 2000)):
        for i in range(3):
            path = tmp_path / genre / f"{i}.wav"
            path.parent.mkdir(exist_ok=True)
            t = np.arange(22050) / 22050
            tone = 0.3 * np.sin(2 * np.pi * pitch * t) + 0.01 * rng.normal(size=22050)
            soundfile.write(path, tone, 22050)
    _, data = load(str(tmp_path))
    assert data.class_names == ["high", "low"]
    assert_array_equal(np.bincount(data.y_compared), [3, 3])
    held_out = np.concatenate([split.compared for split in data.splits(0)])
    assert_array_equal(np.sort(held_out), np.arange(6))


def test_classes_of_one_song_are_left_out(tmp_path):
    rng = np.random.default_rng(0)
    y = np.array(["a", "b"] * 8 + ["c"])
    _, data = load(save(tmp_path / "d.npz", X=songs(17, rng), y=y))
    assert data.class_names == ["a", "b"]
    assert len(data.y_compared) == 16
    assert "Left out for want of a second song: c." in data.description


def test_a_class_in_two_groups_is_in_two_folds(tmp_path):
    # Each class is in two of six groups: of five folds one holds both of some class.
    rng = np.random.default_rng(0)
    pairs = np.array([(i, j) for i in range(6) for j in range(i)])
    y, group = np.repeat(np.arange(15), 2), pairs.ravel()
    _, data = load(save(tmp_path / "d.npz", X=songs(30, rng), y=y, group=group))
    assert len(data.splits(0)) == len(data.splits(1)) == 6
    assert "one of 6 folds, no group" in data.description
    for split in data.splits(0):
        assert_array_equal(np.unique(split.y_train), np.arange(15))


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("n", [400, 2500])
def test_songs_that_are_not_taken_leave_some_of_each_class(tmp_path, n, grouped):
    rng = np.random.default_rng(0)
    y = np.zeros(n, dtype=int)
    y[[1, 50]], y[[2, 70]], y[3] = 1, 2, 3  # two classes of two songs, one of one
    group = {"group": np.arange(n) // 2} if grouped else {}
    X = rng.normal(size=(n, 25)).astype(np.float32)
    _, data = load(save(tmp_path / "d.npz", X=X, y=y, **group), n_train=8)
    assert data.class_names == ["0", "1", "2"]
    word = "group" if grouped else "song"
    assert f"Left out for want of a second {word}: 3." in data.description
    assert data.folded == (n == 400)
    for split in data.splits(0):
        assert_array_equal(np.unique(split.y_train), [0, 1, 2])
        assert len(split.y_train) <= 8


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
    assert len(data.y_compared) == 2
    assert "1 held-out song is left out" in data.description


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
        (
            {"X_flat": np.ones((9, 25)), "offsets": [0, 5], "y": [0]},
            "offsets the rows",
        ),
        (
            {"X_flat": np.ones((9, 25)), "offsets": [0, 5, 5, 9], "y": [0, 1, 0]},
            "offsets must grow",
        ),
        ({"X_flat": np.ones((9, 25)), "offsets": [0, 5, 9], "y": [0]}, "X must be"),
        ({"X": np.ones((9, 150)), "y": np.ones(8)}, "X must be"),
        ({"X": np.ones((9, 151)), "y": np.arange(9) % 2}, "songs must be"),
        ({"X": np.ones((9, 150)), "y": np.ones(9)}, "at least 2 classes"),
        ({"X": np.full((9, 150), np.nan), "y": np.arange(9) % 2}, "NaN or infinity"),
        ({"X": np.ones((4, 150)), "y": np.arange(4)}, "two songs each"),
        (
            {"X": np.ones((9, 150)), "y": np.arange(9) % 2, "group": np.ones(9)},
            "two groups each",
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
    with pytest.raises(FileNotFoundError, match="and no msd-…-genre-train"):
        find_tasks(str(tmp_path), 1, 1)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ValueError, match=r"text\.npz"):
        find_tasks(str(tmp_path / "text.npz"), 1, 1)

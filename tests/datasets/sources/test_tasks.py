import numpy as np
import pytest

from sklearn_msd.datasets import load_spoken_digits
from sklearn_msd.datasets.sources.tasks import choose_task, find_tasks


def test_tasks_by_name_in_order(tmp_path):
    for task in ("25", "mine", "9", "100"):
        for split in ("train", "valid"):
            X = np.zeros((4, 120, 25), np.float16)
            path = tmp_path / f"msd-{task}-genre-{split}.npz"
            np.savez(path, inputs=X, targets=np.arange(4) % 2, label_map=["a", "b"])
    tasks = find_tasks(str(tmp_path), 1, 1)
    assert list(tasks) == ["9", "25", "100", "mine"]
    songs = tasks["mine"]()
    assert songs.features == "Echo Nest"
    assert list(songs.classes) == ["a", "b"]
    assert choose_task(tasks, "9", "d") == "9"
    with pytest.raises(ValueError, match="task 7 is not in d, which has 9 and 25 and"):
        choose_task(tasks, "7", "d")


def test_labels_of_an_npz_stay_what_they_are(tmp_path):
    y = np.array([7, 3, 3, 7, 3, 7])
    np.savez(tmp_path / "d.npz", X=np.ones((6, 50)), y=y)
    ((task, load),) = find_tasks(str(tmp_path / "d.npz"), 1, 1, whole=True).items()
    songs = load()
    assert task == "2"
    np.testing.assert_array_equal(songs.classes[songs.y], y)
    assert songs.features is None


def test_spoken_digits_whole():
    ((_, load),) = find_tasks("spoken-digits", 1, 1, whole=True).items()
    songs, digits = load(), load_spoken_digits()
    np.testing.assert_array_equal(songs.X, digits.data)
    np.testing.assert_array_equal(
        songs.classes[songs.y], digits.target_names[digits.target]
    )


@pytest.mark.parametrize("key", ["group", "groups"])
def test_groups_of_an_npz_by_either_name_are_not_divided(tmp_path, key):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 4)
    X = groups[:, None] * np.ones(25)
    y = rng.integers(0, 2, 40)
    np.savez(tmp_path / "d.npz", X=X, y=y, **{key: groups})
    ((_, load),) = find_tasks(str(tmp_path / "d.npz"), 1, 1).items()
    songs = load()
    assert len(songs.X_valid) == 8
    assert not {*songs.X[:, 0]} & {*songs.X_valid[:, 0]}
    assert songs.remarks == ()


def test_keys_of_an_npz_that_are_not_used_are_named(tmp_path):
    path = tmp_path / "d.npz"
    X, y = np.ones((6, 50)), np.arange(6) % 2
    np.savez(path, X=X, y=y, track_id=y, artists=y)
    ((_, load),) = find_tasks(str(path), 1, 1).items()
    assert load().remarks == ("Keys not used: artists, track_id.",)
    np.savez(path, X=X, y=y, group=y, groups=1 - y)
    with pytest.raises(ValueError, match=r"d\.npz: group and groups differ"):
        find_tasks(str(path), 1, 1)


def test_labels_of_an_npz_in_two_unicode_forms(tmp_path):
    y = np.array(["Caf\u00e9", "Cafe\u0301", "Jazz"] * 4)
    np.savez(tmp_path / "d.npz", X=np.ones((12, 50)), y=y)
    ((_, load),) = find_tasks(str(tmp_path / "d.npz"), 1, 1).items()
    assert list(load().classes) == ["Caf\u00e9", "Jazz"]


def test_arrays_of_objects_are_an_error_that_says_how_to_save_them(tmp_path):
    """As `np.savez` makes of a list of songs of unequal length, and of pandas' text."""
    songs = [np.full((n, 3), n, dtype=np.float32) for n in (2, 3, 2, 4)]
    listed = np.empty(4, dtype=object)
    listed[:] = songs
    path = tmp_path / "s.npz"
    np.savez(path, X=listed, y=list("abab"))
    with pytest.raises(ValueError, match="Save songs of unequal length as X_flat="):
        find_tasks(str(path), 1, 1)
    # What it says, done.
    arrays = {
        "X_flat": np.concatenate(songs),
        "offsets": np.cumsum([0, *map(len, songs)]),
    }
    y = np.array(list("abab"), dtype=object)
    np.savez(path, **arrays, y=y)
    with pytest.raises(ValueError, match=r"y=np\.array\(y, dtype=str\)"):
        find_tasks(str(path), 1, 1)
    np.savez(path, **arrays, y=np.array(y, dtype=str))
    (load,) = find_tasks(str(path), 1, 1, whole=True).values()
    read = load()
    assert read.X.shape == (4, 4, 3)
    np.testing.assert_array_equal(read.X[:, :2, 0], [[2, 2], [3, 3], [2, 2], [4, 4]])
    (remark,) = read.remarks
    assert remark.startswith("The songs have 2 to 4 segments")


def test_a_file_that_is_no_archive_is_told_apart_from_a_damaged_one(tmp_path):
    np.save(tmp_path / "songs.npy", np.ones((4, 6, 3)))
    (tmp_path / "songs.npz").write_text("damaged")
    with pytest.raises(ValueError, match=r"neither a folder .* nor an npz file"):
        find_tasks(str(tmp_path / "songs.npy"), 1, 1)
    with pytest.raises(ValueError, match="the archive cannot be read"):
        find_tasks(str(tmp_path / "songs.npz"), 1, 1)


def test_one_recording_is_no_folder(tmp_path):
    (tmp_path / "song.MP3").touch()
    with pytest.raises(ValueError, match="is one recording: name a folder"):
        find_tasks(str(tmp_path / "song.MP3"), 1, 1)

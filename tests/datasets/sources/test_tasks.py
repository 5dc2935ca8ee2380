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

"""How many songs of a label models need, as their fits show."""

import warnings

import numpy as np
import pytest

from sklearn_msd.cli import main
from sklearn_msd.cli.candidates import Source
from sklearn_msd.cli.few_songs import few_in_words, songs_needed, too_few


@pytest.mark.parametrize(
    ("model", "kind", "needed"),
    [
        ("logistic", "segments", 1),
        ("svm", "segments", 3),
        ("combination", "segments", 2),
        ("combination", "musicnn", 5),
        ("corrected", "segments", 1),
    ],
)
def test_a_fit_needs_as_many_and_no_fewer(model, kind, needed):
    source = Source(False, n_segment_features=4)
    estimator = source.candidate(model, kind, max_epochs=1, random_state=0).estimator
    assert songs_needed(estimator) == needed
    rng = np.random.default_rng(0)
    for n in range(max(1, needed - 1), needed + 1):
        y = np.repeat(["a", "b", "few"], [12, 12, n])
        X = rng.normal(size=(len(y), 6, 4))
        rows = np.arange(len(y))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if n == needed:
                assert too_few(y, [rows], estimator) is None
                assert list(estimator.fit(X, y).classes_) == ["a", "b", "few"]
                continue
            assert f"it needs {needed} songs" in too_few(y, [rows], estimator)
            with pytest.raises(ValueError, match=r"provided less|no song of"):
                estimator.fit(X, y)


def test_the_part_with_the_fewest_counts():
    source = Source(False, n_segment_features=4)
    svm = source.candidate("svm", "segments").estimator
    y = np.repeat(["a", "b"], [6, 4])
    parts = [np.arange(10), np.array([0, 1, 2, 3, 6, 7]), np.array([0, 1, 2, 3, 6])]
    assert too_few(y, parts[:1], svm) is None
    assert "as few as 2 of the 4 of 'b'" in too_few(y, parts[:2], svm)
    assert "as few as 1 of the 4 of 'b'" in too_few(y, parts, svm)


def test_labels_with_fewer_songs_than_folds_are_named():
    y = np.repeat(["a", "b", "c", "d", "e"], [5, 1, 2, 3, 4])
    assert few_in_words(y, 5).startswith(
        "label 'b' has 1 song, 'c' has 2 songs, 'd' has 3 songs, and 1 more labels: "
        "fewer than the 5 folds."
    )
    assert few_in_words(y, 1) is None


def test_compare_says_which_and_what_to_do(tmp_path, capsys):
    y = np.repeat(["rock", "rare"], [10, 2])
    X = np.random.default_rng(0).normal(size=(12, 6, 4))
    np.savez(tmp_path / "songs.npz", X=X, y=y)
    options = ["--models", "svm", "logistic"]
    assert main(["compare", str(tmp_path / "songs.npz"), *options]) == 0
    told = capsys.readouterr()
    assert "label 'rare' has 2 songs: fewer than the 5 folds." in told.err
    assert "Add songs of it, or leave it out." in told.err
    assert "svm on segments: not tried: it needs 3 songs of each label" in told.out
    assert "Requesting" not in told.err + told.out


@pytest.mark.parametrize("command", ["train", "compare", "report"])
def test_one_label_is_an_error_before_anything_is_read(command, tmp_path, capsys):
    (tmp_path / "music" / "rock").mkdir(parents=True)
    for name in "ab":
        (tmp_path / "music" / "rock" / f"{name}.wav").write_text("never read")
    np.savez(tmp_path / "songs.npz", X=np.ones((4, 6, 4)), y=["rock"] * 4)
    given = {"train": ["--out", str(tmp_path / "m.msd")], "report": ["--data"]}
    sources = [("music", 2), ("songs.npz", 4)]
    for data, n in sources[:1] if command == "report" else sources:
        assert main([command, *given.get(command, []), str(tmp_path / data)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"all {n} songs have the label 'rock'; " in line
        assert "at least 2 labels are needed" in line
        assert "--label-pattern" in line

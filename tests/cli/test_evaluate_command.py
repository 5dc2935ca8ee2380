import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from sklearn_msd import load
from sklearn_msd.cli import main

PATTERN = r"--label-pattern=^(\d)_"


def evaluate(model, data, capsys, *options):
    assert main(["evaluate", str(model), str(data), *options]) == 0
    return capsys.readouterr().out


def test_all_songs_as_scikit_learn_would(audio_model, recordings, capsys):
    out = evaluate(audio_model, recordings, capsys, PATTERN, "--split=all", "--json")
    found = json.loads(out)
    paths = sorted(recordings.glob("*.wav"))
    y = [path.name[0] for path in paths]
    model = load(audio_model)
    predicted = model.predict(list(map(str, paths)))
    probabilities = model.predict_proba(list(map(str, paths))).astype(float)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    assert found["songs"] == 18
    assert found["accuracy"] == accuracy_score(y, predicted)
    assert found["log_loss"] == pytest.approx(log_loss(y, probabilities), rel=1e-5)
    f1 = f1_score(y, predicted, average=None, zero_division=0)
    assert [row["f1"] for row in found["classes"].values()] == pytest.approx(list(f1))


def test_the_parts_are_those_of_the_training(audio_model, recordings, capsys):
    found = {
        split: json.loads(
            evaluate(
                audio_model, recordings, capsys, PATTERN, f"--split={split}", "--json"
            )
        )
        for split in ("train", "valid")
    }
    assert (found["train"]["songs"], found["valid"]["songs"]) == (14, 4)


def test_the_table_and_songs_longer_than_the_models(audio_model, tmp_path, capsys):
    y = np.arange(9) % 3  # numbers, where the model has text
    np.savez(tmp_path / "d.npz", X=np.random.default_rng(0).normal(size=(9, 500)), y=y)
    out = evaluate(audio_model, tmp_path / "d.npz", capsys, "--split=all")
    assert out.startswith("split\tall\nsongs\t9\naccuracy\t")
    assert "precision    recall  f1-score" in out


def test_labels_that_no_song_and_no_answer_has_are_not_counted(tmp_path, capsys):
    """As nothing but zeros they would halve the mean of what is there."""
    y = np.arange(40) % 4
    X = np.random.default_rng(0).normal(scale=0.1, size=(40, 6, 4))
    X += np.eye(4)[y][:, None, :]
    out, data = str(tmp_path / "m.msd"), str(tmp_path / "two.npz")
    np.savez(tmp_path / "all.npz", X=X, y=y)
    np.savez(data, X=X[y < 2], y=y[y < 2])
    model = ["--model=logistic", "--out", out]
    assert main(["train", str(tmp_path / "all.npz"), *model]) == 0
    capsys.readouterr()
    table = evaluate(out, data, capsys)
    rows = {line.split()[0] for line in table.splitlines() if line.startswith("  ")}
    assert {"0", "1"} <= rows
    assert not {"2", "3"} & rows
    (mean,) = (line for line in table.splitlines() if "macro avg" in line)
    assert mean.split()[2:] == ["1.000", "1.000", "1.000", "20"]
    found = json.loads(evaluate(out, data, capsys, "--json"))
    assert list(found["classes"]) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X": np.ones((9, 300)), "y": np.arange(9) % 4}, ["label '3'", "0, 1, 2"]),
        ({"X": np.ones((9, 275)), "y": np.arange(9) % 3}, ["275 features"]),
    ],
)
def test_songs_that_the_model_cannot_take(audio_model, tmp_path, capsys, arrays, words):
    path = str(tmp_path / "d.npz")
    np.savez(path, **arrays)
    assert main(["evaluate", str(audio_model), path, "--split=all"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    for word in (path, *words):
        assert word in line

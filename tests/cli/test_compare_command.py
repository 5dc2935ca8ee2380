import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msd import SegmentStatistics
from sklearn_msd.cli import main


@pytest.fixture
def source(tmp_path):
    """Songs of unequal length of two genres, and the path of their file."""
    rng = np.random.default_rng(0)
    y = np.tile(["Jazz", "Rock"], 20)
    X = rng.normal(3, 2, size=(40, 8, 25)).astype(np.float32)
    X[y == "Rock", :, 0] += 2
    X[::3, 6:] = np.nan
    np.savez(tmp_path / "songs.npz", X=X, y=y)
    return X, y, str(tmp_path / "songs.npz")


def test_accuracies_are_those_of_the_same_pipeline_by_hand(source, capsys):
    X, y, path = source
    assert main(["compare", path, "--models", "logistic", "svm", "--json"]) == 0
    told = capsys.readouterr()
    results = json.loads(told.out)
    assert (results["songs"], results["folds"], results["chance"]) == (40, 5, 0.5)
    by_name = {entry["model"]: entry for entry in results["candidates"]}
    model = make_pipeline(
        SegmentStatistics(), StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)
    )
    accuracies = []
    for seed in range(4):
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        accuracies.append((cross_val_predict(model, X, y, cv=folds) == y).mean())
    found = by_name["logistic"]
    assert found["accuracy"] == pytest.approx(np.mean(accuracies))
    assert found["interval"][0] < found["accuracy"] < found["interval"][1]
    assert "svm on segments: " in told.err
    best = max(by_name.values(), key=lambda entry: entry["accuracy"])
    assert best["behind"] is None
    low, high = results["choice"]["interval"]
    assert low < results["choice"]["accuracy"] < high


def test_the_table_for_people(source, capsys):
    options = ["--models", "logistic", "--cv", "2", "--quiet"]
    assert main(["compare", source[2], *options]) == 0
    told = capsys.readouterr()
    assert told.err == (
        "comparing logistic on segments, 40 songs of 8 segments with 25 features\n"
    )
    heading, row, empty, last = told.out.splitlines()
    assert heading.split()[0] == "model"
    assert row.split()[:2] == ["logistic", "segments"]
    assert empty == ""
    assert last.startswith("accuracy\t")
    assert last.endswith("; chance 0.50; 40 songs held out in 2 folds, 4 times)")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--models", "svm", "logistik"], "Did you mean logistic?"),
        (["--cv=1"], "--cv must be at least 2"),
        (["--features=both"], "--features both is for recordings"),
    ],
)
def test_a_mistake_is_one_line(source, capsys, options, message):
    assert main(["compare", source[2], *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line

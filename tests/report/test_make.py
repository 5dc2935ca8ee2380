"""The whole report, on few songs and epochs."""

import json
import re

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from sklearn_msd.report import make as make_module
from sklearn_msd.report.make import choose, make_report

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    rng = np.random.default_rng(0)
    y = np.arange(100) % 4
    X = rng.normal(size=(100, 12, 25)).astype(np.float32)
    X[:, :, 0] += y[:, None]
    path = tmp_path_factory.mktemp("data") / "songs.npz"
    np.savez(path, X=X, y=y)
    return str(path)


def quick(source, out, **kwargs):
    kwargs = {"figures": ["8"], "max_epochs": 2, "device": "cpu"} | kwargs
    return make_report(source, out=out, **kwargs)


def test_numbers_are_those_of_scikit_learn_on_the_saved_predictions(source, tmp_path):
    _, page = quick(source, tmp_path, seeds=(0, 1))
    y_valid = make_module.prepare(
        next(iter(make_module.find_tasks(source, 1, 1).values()))(), None, None
    ).y_valid
    found = {}
    for path in (tmp_path / "models").glob("*.json"):
        info = json.loads(path.read_text())
        predicted = np.load(path.with_suffix(".npz"))["predictions/model"]
        accuracies = [accuracy_score(y_valid, epoch) for epoch in predicted]
        found.setdefault(info["label"], []).append(
            (max(accuracies), np.mean(accuracies))
        )
    assert len(found) == 4
    for label, values in found.items():
        best, last = np.mean(values, axis=0)
        row = re.search(
            rf"\| {re.escape(label)} \|.*?\| ([\d.]+) \[.*?\| ([\d.]+) \|",
            page.read_text(),
        )
        assert float(row[1]) == pytest.approx(best, abs=6e-4)
        assert float(row[2]) == pytest.approx(last, abs=6e-4)


def test_nothing_is_trained_twice_and_the_page_is_the_same(source, tmp_path, capsys):
    first = [path.read_bytes() for path in quick(source, tmp_path)]
    assert "4 to train" in capsys.readouterr().err
    again = [path.read_bytes() for path in quick(source, tmp_path)]
    assert "4 done before, 0 to train" in capsys.readouterr().err
    assert first == again
    quick(source, tmp_path, figures=["6", "8"])
    # The baseline and kernel heights 5 and 10 are new; 3 is shared.
    assert "4 done before, 3 to train" in capsys.readouterr().err


def test_a_seed_or_epochs_more_train_what_they_touch(source, tmp_path, capsys):
    quick(source, tmp_path)
    quick(source, tmp_path, seeds=(0, 5))
    assert "4 done before, 4 to train" in capsys.readouterr().err
    quick(source, tmp_path, max_epochs=3)
    assert "0 done before, 4 to train" in capsys.readouterr().err


def test_unknown_figures_and_tasks(source, tmp_path):
    with pytest.raises(ValueError, match="no figure '99'; there are 2, 3"):
        choose(["2", "99"])
    with pytest.raises(ValueError, match=r"task 25 is not in .* 4 classes"):
        quick(source, tmp_path, task=25)


def test_without_matplotlib_nothing_is_trained(source, tmp_path, monkeypatch):
    def absent(module, extra):
        raise ImportError(f"{module} is needed; sklearn-msd[{extra}]")

    monkeypatch.setattr(make_module, "import_optional", absent)
    with pytest.raises(ImportError, match=r"sklearn-msd\[plot\]"):
        quick(source, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_synthetic_is_written_on_the_page(tmp_path, monkeypatch):
    monkeypatch.setitem(make_module.SIZES, "quick", make_module.Size(60, 40, 1))
    html, markdown = make_report(out=tmp_path, figures=["14"], device="cpu")
    assert "SYNTHETIC" in markdown.read_text()
    text = html.read_text()
    assert "Synthetic data" in text
    assert "25 classes" in text
    assert "data:image/png;base64," in text

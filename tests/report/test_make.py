"""The whole report, on few songs and epochs."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from sklearn_msd.cli import main
from sklearn_msd.datasets import load_spoken_digits
from sklearn_msd.report import make as make_module
from sklearn_msd.report.figures.experiments import FIGURES
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
    kwargs = {
        "figures": ["8"],
        "max_epochs": 2,
        "seeds": (0,),
        "device": "cpu",
    } | kwargs
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
    with pytest.raises(ValueError, match=r"task 25 is not in .* has 4\."):
        quick(source, tmp_path, task=25)


def test_without_matplotlib_nothing_is_trained(source, tmp_path, monkeypatch):
    def absent(module, extra):
        raise ImportError(f"{module} is needed; sklearn-msd[{extra}]")

    monkeypatch.setattr(make_module, "import_optional", absent)
    with pytest.raises(ImportError, match=r"sklearn-msd\[plot\]"):
        quick(source, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:No validation song")  # 40 songs, 25 classes
def test_synthetic_is_written_on_the_page(tmp_path, monkeypatch):
    monkeypatch.setitem(make_module.SIZES, "quick", make_module.Size(60, 40, 1))
    html, markdown = make_report(out=tmp_path, figures=["14"], device="cpu")
    assert "SYNTHETIC" in markdown.read_text()
    text = html.read_text()
    assert "Synthetic data" in text
    assert "25 classes" in text
    assert "data:image/png;base64," in text


def test_all_figures_on_files_of_the_reports_own_format(tmp_path):
    rng = np.random.default_rng(0)
    for task in (10, 25):
        for split, n in (("train", 4 * task), ("valid", 2 * task)):
            y = np.arange(n) % task
            X = rng.normal(size=(n, 120, 25)).astype(np.float16)
            X[:, :, 3] += y[:, None]
            path = tmp_path / f"msd-{task}-genre-{split}.npz"
            np.savez(path, inputs=X, targets=y)
    _, markdown = make_report(
        tmp_path, out=tmp_path / "out", max_epochs=1, device="cpu"
    )
    text = markdown.read_text()
    for figure in FIGURES:
        assert f"### {figure.label}: {figure.title}" in text
        assert f"(pictures/figure-{figure.id}.png)" in text
        for claim in figure.claims:
            assert claim.text in text
    for task, figure in ((10, "13"), (25, "15")):
        assert f"Figure {figure} (section" in text
        assert f"{tmp_path.name}, {task}-genre task" in text
    assert "SYNTHETIC" not in text


@pytest.mark.slow
def test_killed_and_run_again_it_trains_nothing_twice(source, tmp_path):
    options = f"--figures 2 6 8 --epochs 40 --seeds 0 --device cpu --data {source}"
    command = [sys.executable, "-m", "sklearn_msd", "report", *options.split()]
    command += ["--out", str(tmp_path / "killed")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("[3/"):
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stderr.close()
    models = tmp_path / "killed" / "models"
    before = {path: path.stat().st_mtime_ns for path in models.glob("*.json")}
    assert len(before) >= 3
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{len(before)} done before" in again.stderr
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())

    whole = tmp_path / "whole"
    subprocess.run([*command[:-1], str(whole)], capture_output=True, check=True)
    pages = [
        re.sub(r"[\d.]+ (s|min)\b", "", (folder / "report.md").read_text())
        for folder in (tmp_path / "killed", whole)
    ]
    assert pages[0] == pages[1]


def test_a_full_disk_is_an_error_and_loses_nothing(
    source, tmp_path, monkeypatch, capsys
):
    quick(source, tmp_path)
    page = (tmp_path / "report.html").read_bytes()
    saved = sorted((tmp_path / "models").iterdir())

    def full(file, arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sklearn_msd.report.records.write_npz", full)
    options = [
        "--figures",
        "6",
        "8",
        "--epochs",
        "2",
        "--seeds",
        "0",
        "--device",
        "cpu",
    ]
    code = main(["report", "--data", source, "--out", str(tmp_path), *options])
    assert code == 2
    assert ".npz: No space left" in capsys.readouterr().err
    assert sorted((tmp_path / "models").iterdir()) == saved
    assert (tmp_path / "report.html").read_bytes() == page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "nowhere.npz"], "neither a file nor a folder"),
        (["--figures", "99"], "no figure '99'"),
        (["--task", "11"], "task 11 is not in synthetic"),
        (["--device", "quantum"], "device='quantum'"),
        (["--seeds", "-1"], "seeds must be"),
        (["--epochs", "0"], "max_epochs must be"),
        (["--features", "musicnn"], "features='musicnn' is for recordings"),
    ],
)
def test_bad_options_are_clear_errors(tmp_path, capsys, options, message):
    assert main(["report", "--out", str(tmp_path / "out"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_recordings_as_musicnn_has_them(tmp_path):
    pytest.importorskip("soundfile")
    pytest.importorskip("librosa")
    for path in map(Path, load_spoken_digits().recordings.filenames):
        (tmp_path / "digits" / path.name[0]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "digits" / path.name[0])
    html, _ = quick(
        str(tmp_path / "digits"), tmp_path / "out", max_epochs=1, features="musicnn"
    )
    assert "The recordings of" in html.read_text()


def test_few_songs_decide_nothing(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "few.npz"
    np.savez(path, X=rng.normal(size=(20, 120, 25)), y=np.arange(20) % 2)
    _, markdown = quick(str(path), tmp_path / "out", figures=["6", "8"])
    verdicts = re.findall(
        r"\*\*(holds|does not hold|undecided)\*\*", markdown.read_text()
    )
    assert set(verdicts) == {"undecided"}

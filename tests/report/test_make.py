"""The whole report, on few songs and epochs."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from joblib.parallel import get_active_backend
from sklearn.metrics import accuracy_score

from sklearn_msd.cli import main
from sklearn_msd.datasets import load_spoken_digits
from sklearn_msd.datasets.sources.labelled_audio import AudioFolder
from sklearn_msd.datasets.sources.tasks import find_tasks
from sklearn_msd.report import make as make_module
from sklearn_msd.report.division import Amount
from sklearn_msd.report.figures.experiments import FIGURES
from sklearn_msd.report.make import SIZES, Size, choose, make_report

pytest.importorskip("matplotlib")

QUICK, FULL = SIZES["quick"], SIZES["full"]  # as they are, before tests shrink them


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few songs to validate on, so that files have some to test on; no time limit."""
    monkeypatch.setitem(
        SIZES, "quick", Size(Amount(80, 20, 40), 1, None, n_segments=12)
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A build of 4 classes: models are compared on 40 songs."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split, n in (("train", 80), ("valid", 60)):
        y = np.arange(n) % 4
        X = rng.normal(size=(n, 12, 25)).astype(np.float32)
        X[:, :, 0] += 0.3 * y[:, None]
        arrays = {"inputs": X, "targets": y}
        np.savez(folder / f"msd-4-genre-{split}.npz", **arrays)
    return str(folder)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Sixty songs in twelve groups: each is held out once."""
    rng = np.random.default_rng(0)
    y, group = np.arange(60) % 3, np.arange(60) // 5
    X = rng.normal(size=(60, 12, 25)).astype(np.float32)
    X[:, :, 0] += 0.3 * y[:, None]
    path = tmp_path_factory.mktemp("data") / "songs.npz"
    np.savez(path, X=X, y=y, group=group)
    return str(path)


def quick(source, out, **kwargs):
    kwargs = {
        "figures": ["8"],
        "max_epochs": 2,
        "seeds": (0,),
        "device": "cpu",
    } | kwargs
    return make_report(source, out=out, **kwargs)


def compared(source):
    """The classes of the songs that models are compared on."""
    load = next(iter(find_tasks(source, 1, 1, whole=True).values()))
    return make_module.prepare(load(), SIZES["quick"].amount)


def test_numbers_are_those_of_scikit_learn_on_the_saved_predictions(source, tmp_path):
    html, page = quick(source, tmp_path, seeds=(0, 1), figures=["8"])
    data = compared(source)
    (split,) = data.splits(0)
    found, by_start = {}, {}
    for path in (tmp_path / "models").glob("*.json"):
        info = json.loads(path.read_text())
        arrays = np.load(path.with_suffix(".npz"))
        epochs = arrays["predictions/model"]
        valid = [accuracy_score(split.y_valid, epoch) for epoch in epochs]
        right = arrays["tested/model"] == data.y_compared
        numbers = right.mean(), np.mean(valid)
        found.setdefault(info["label"], []).append(numbers)
        seed = info["definition"]["params"]["random_state"]
        by_start[info["label"], seed] = right
    assert len(found) == 4
    text = page.read_text()
    for label, values in found.items():
        best, last = np.mean(values, axis=0)
        row = re.search(rf"\| {re.escape(label)} \| – \| ([\d.]+) \[", text)
        assert float(row[1]) == pytest.approx(best, abs=6e-4)
        row = re.search(rf"\| {re.escape(label)} \| ([\d.]+) \| [\d,]+ \|", text)
        assert float(row[1]) == pytest.approx(last, abs=6e-4)
    # The claim's margin, from the songs that were right.
    left, right = (
        [by_start[label, seed].mean() for seed in (0, 1)]
        for label in (
            "convolution in time, max pooling 2",
            "convolution in time, kernel height 3",
        )
    )
    row = re.search(r"Max pooling 2 does better.*?\| ([-+][\d.]+) \[", text)
    assert float(row[1]) == pytest.approx(np.mean(left) - np.mean(right), abs=6e-4)
    assert row[1] in html.read_text()


def test_few_songs_are_each_predicted_by_a_model_that_did_not_know_them(few, tmp_path):
    _, page = quick(few, tmp_path, figures=["6"])
    data = compared(few)
    assert data.folded
    by_label = {}
    for path in (tmp_path / "models").glob("*.json"):
        info = json.loads(path.read_text())
        split = next(s for s in data.splits(0) if s.key == info["data"])
        epochs = np.load(path.with_suffix(".npz"))["predictions/model"]
        by_label.setdefault(info["label"], []).append((split, epochs == split.y_valid))
    text = page.read_text()
    n = len(data.y_compared)
    assert f"{n} songs, each held out once from 5 trainings" in text
    assert "songs come in groups" in text
    assert len(by_label) == 4
    for label, folds in by_label.items():
        assert sum(len(split.y_valid) for split, _ in folds) == n
        n_right = np.array([right.sum(axis=1) for _, right in folds])
        # The epoch of a fold is the best of the others.
        best = [(n_right.sum(axis=0) - own).argmax() for own in n_right]
        expected = sum(own[epoch] for own, epoch in zip(n_right, best, strict=True)) / n
        row = re.search(rf"\| {re.escape(label)} \| – \| ([\d.]+) \[", text)
        assert float(row[1]) == pytest.approx(expected, abs=6e-4)


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


def test_synthetic_is_written_on_the_page(tmp_path):
    html, markdown = make_report(out=tmp_path, figures=["14"], seeds=(0,), device="cpu")
    assert "SYNTHETIC" in markdown.read_text()
    text = html.read_text()
    assert "Synthetic data" in text
    assert "25 classes" in text
    assert "SYNTHETIC DATA: synthetic songs of 25 classes</text>" in text


def test_the_diagram_alone_needs_no_training(source, tmp_path):
    html, _ = quick(source, tmp_path, figures=["10"])
    text = html.read_text()
    assert "Figure 10: The correcting model" in text
    assert "No model was trained." in text
    assert 'aria-label="A song goes into model 1' in text


def test_one_task_has_no_figures_of_the_larger_one_unless_they_are_named(
    few, tmp_path, monkeypatch
):
    def figures(ids):
        return [
            figure.id
            for figure, _ in make_module._with_data(
                choose(ids),
                few,
                None,
                SIZES["quick"],
                AudioFolder(),
                named=ids is not None,
            )
        ]

    assert not {"14", "15"} & {*figures(None)}
    assert "13" in figures(None)
    assert figures(["14", "15"]) == ["14", "15"]


def test_published_numbers_are_shown_for_what_they_are_of_alone(few, source, tmp_path):
    _, page = quick(few, tmp_path / "three", figures=["15"])
    text = page.read_text()
    assert re.search(r"\| linear combiner of the three \| – \| \d", text)
    assert "Report, " not in text
    # In words, with what it is of.
    assert "**The report**, on its 25-genre task: About 0.25, 0.275" in text


def test_all_figures_on_files_of_the_reports_own_format(tmp_path):
    rng = np.random.default_rng(0)
    for task in (10, 25):
        for split, n in (("train", 4 * task), ("valid", 2 * task)):
            y = np.arange(n) % task
            X = rng.normal(size=(n, 120, 25)).astype(np.float16)
            X[:, :, 3] += y[:, None]
            path = tmp_path / f"msd-{task}-genre-{split}.npz"
            np.savez(path, inputs=X, targets=y)
    html, markdown = make_report(
        tmp_path, out=tmp_path / "out", max_epochs=1, seeds=(0,), device="cpu"
    )
    text = markdown.read_text()
    assert "Report, 10 genres" in text
    assert "Report, 25 genres" in text
    anchors = re.findall(r'id="([^"]+)"', html.read_text())
    for figure in FIGURES:
        assert f"### {figure.label}: {figure.title}" in text
        assert f"(pictures/figure-{figure.id}-1.svg)" in text
        assert figure.anchor in anchors
        for claim in figure.claims:
            assert claim.text in text
    for task, figure in ((10, "13"), (25, "15")):
        assert f"Figure {figure} (section" in text
        assert f"{tmp_path.name}, {task}-genre task" in text
    assert "SYNTHETIC" not in text


@pytest.mark.slow
def test_killed_and_run_again_it_comes_to_the_same_page(source, tmp_path):
    options = f"--figures 2 6 8 --epochs 20 --seeds 0 1 2 --device cpu --data {source}"
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
    done = re.findall(r"(\d+) done before", again.stderr)  # of each round of seeds
    assert sum(map(int, done)) >= len(before)
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())

    whole = tmp_path / "whole"
    subprocess.run([*command[:-1], str(whole)], capture_output=True, check=True)
    pages = [
        re.sub(r"[\d.]+ (s|min|h)\b", "", (folder / "report.md").read_text())
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
        (["--minutes", "0"], "minutes must be"),
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
    _, markdown = quick(
        str(tmp_path / "digits"), tmp_path / "out", max_epochs=1, features="musicnn"
    )
    text = markdown.read_text()
    assert "The recordings of" in text
    # Of 60 songs as many are taken as cost what 80 do, and two of each digit.
    assert "20 songs, each held out once from 2 trainings; 10 classes" in text


def test_few_songs_decide_nothing_that_is_not_there(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "few.npz"
    np.savez(path, X=rng.normal(size=(20, 12, 25)), y=np.arange(20) % 2)
    _, markdown = quick(str(path), tmp_path / "out", figures=["6"])
    verdicts = re.findall(
        r"\*\*(holds|does not hold|undecided)\*\*", markdown.read_text()
    )
    assert set(verdicts) == {"undecided"}


def test_with_next_to_no_time_the_page_says_what_is_missing(source, tmp_path):
    _, markdown = quick(
        source, tmp_path, figures=["2", "8"], seeds=range(8), minutes=1e-6
    )
    text = markdown.read_text()
    assert "Not trained, for want of time: " in text
    assert "not tested yet, for want of time: a model is not trained (" in text
    assert "[wait for models](#open) that there was no time to train" in text
    assert "Time allowed: 1e-06 minutes in all." in text


def test_epochs_are_as_many_as_flatten_the_curves(few, source):
    def epochs(source, **limits):
        size = Size(Amount(80, 20, 40), None, None, **limits)
        ((_, data),) = make_module._with_data(
            choose(["8"]), source, None, size, AudioFolder(), named=True
        )
        return data.max_epochs, data

    assert epochs(few)[0] == epochs(source)[0] == 100  # the report's, at most
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(make_module, "SONGS_SHOWN", 800)
        for each in (10, 500):
            patch.setattr(make_module, "OF_EACH_CLASS", each)
            for data in (few, source):
                found, used = epochs(data)
                in_an_epoch = sum(len(split.y_train) for split in used.splits(0))
                wanted = max(800, each * used.n_classes)
                assert wanted <= found * in_an_epoch < wanted + in_an_epoch


def test_words_fit_their_numbers(source, tmp_path):
    text = quick(source, tmp_path, max_epochs=1)[1].read_text()
    assert "1 epoch on" in text
    for wrong in ("1 epochs", "1 starts", "1 songs", "1 times", "1 features"):
        assert not re.search(rf"(?<![\d,.]){wrong}", text)


def test_the_help_says_what_quick_is(capsys):
    with pytest.raises(SystemExit):
        main(["report", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert f"quick: at most {QUICK.amount.n_train:,} songs to train on" in text
    assert "a quarter of an hour on two cores" in text
    assert f"({QUICK.minutes}; with --size full, no limit)" in text
    assert (QUICK.minutes, FULL.minutes) == (15, None)
    assert f"{FULL.amount.n_train:,} songs and {FULL.max_epochs} epochs" in text


def test_on_a_gpu_models_train_together_if_nobody_says_otherwise(monkeypatch):
    def backend(**config):
        with (
            joblib.parallel_config(**config),
            make_module._together_on_a_gpu("auto"),
        ):
            return type(get_active_backend()[0]).__name__

    monkeypatch.setattr(make_module, "resolve_device", lambda _: torch.device("cpu"))
    assert backend() == "LokyBackend"
    monkeypatch.setattr(make_module, "resolve_device", lambda _: torch.device("cuda"))
    assert backend() == "TogetherBackend"
    assert backend(n_jobs=3) == "TogetherBackend"
    assert backend(backend="threading") == "ThreadingBackend"

import json
import os
import sys

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from sklearn_msd import load
from sklearn_msd.cli import main
from sklearn_msd.datasets import AudioSegmenter
from sklearn_msd.saving.save_load import read_metadata


@pytest.fixture
def source(tmp_path):
    """Arrays of songs of two genres, and the path of their file."""
    rng = np.random.default_rng(0)
    y = np.array(["Jazz", "Rock"] * 25)
    X = rng.normal(3, 2, size=(50, 8, 25)).astype(np.float32)
    X[y == "Rock", :, 0] += 4
    np.savez(tmp_path / "songs.npz", X=X, y=y)
    return X, y, str(tmp_path / "songs.npz")


def train(source, tmp_path, *options):
    out = tmp_path / "m.msd"
    code = main(["train", source, "--epochs=3", "--out", str(out), *options])
    return code, out


def test_the_model_is_what_the_arguments_say(source, tmp_path, capsys):
    X, y, path = source
    settings = ["--set=kernel_height=5", "--set=pooling=average", "--seed=7", "--cv=1"]
    code, out = train(path, tmp_path, *settings, "--set=n_kernels=4", "--json")
    assert code == 0
    told = capsys.readouterr()
    results = json.loads(told.out)
    assert (results["songs"], results["songs_held_out"]) == (40, 10)
    assert "valid_loss" in told.err
    scaler, net = load(out)
    assert (net.kernel_height, net.pooling, net.n_kernels) == (5, "average", 4)
    assert (net.max_epochs, net.random_state, net.verbose) == (3, 7, 0)
    assert net.n_iter_ == len(net.validation_scores_) == 3
    assert list(net.classes_) == ["Jazz", "Rock"]
    # The scaler has seen the songs that the net has, and no others.
    assert scaler.n_samples_seen_ == 40 * 8
    # Trained on them by hand, the net is the same.
    held_out = sorted(set(range(50)) - set(_rows(X, scaler)))
    truth, songs = y[held_out], X[held_out].reshape(10, -1)
    model = load(out)
    assert results["accuracy"] == accuracy_score(truth, model.predict(songs))
    probabilities = model.predict_proba(songs).astype(float)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    assert results["log_loss"] == pytest.approx(log_loss(truth, probabilities))
    versions, metadata = read_metadata(out)
    assert "sklearn_msd" in versions
    assert metadata["accuracy"] == results["accuracy"]
    assert metadata["data"] == "songs.npz"


def _rows(X, scaler):
    """The rows that a source of this size trains on: those of which the mean is."""
    from sklearn_msd.datasets.sources.songs import _folds

    rows, _, _ = _folds("", np.tile([0, 1], 25), None)
    np.testing.assert_allclose(X[rows].mean(axis=(0, 1)), scaler.mean_, rtol=1e-5)
    return rows


def test_the_seed_decides(source, tmp_path):
    X = source[0].reshape(50, -1)
    first, same, other = (
        load(train(source[2], tmp_path, "--quiet", seed)[1]).predict_proba(X)
        for seed in ("--seed=0", "--seed=0", "--seed=1")
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_quiet_is_one_line_and_results_are_alone_on_stdout(source, tmp_path, capsys):
    assert train(source[2], tmp_path, "--quiet", "--cv=1")[0] == 0
    told = capsys.readouterr()
    songs = "50 songs of 8 segments with 25 features"
    assert told.err == f"training time-conv on segments, {songs}\n"
    lines = dict(line.split("\t") for line in told.out.splitlines())
    assert list(lines) == ["songs", "accuracy", "log loss", "model"]
    assert lines["songs"] == "40"
    assert lines["accuracy"].endswith("; chance 0.50; 10 songs held out)")


def test_a_model_of_recordings_takes_recordings(audio_model, recordings):
    segmenter, *_ = model = load(audio_model)
    assert isinstance(segmenter, AudioSegmenter)
    paths = sorted(map(str, recordings.glob("*.wav")))
    assert model.predict(paths).shape == (18,)


def test_parts_of_songs_groups_and_early_stopping(source, tmp_path, capsys):
    X, y, _ = source
    group = np.repeat(np.arange(10), 5)
    padded = X.copy()
    padded[3, 5:] = np.nan
    path = str(tmp_path / "grouped.npz")
    np.savez(path, X=padded, y=y, group=group)
    options = ["--n-segments=6", "--set=early_stopping=True", "--json", "--cv=1"]
    code, out = train(path, tmp_path, *options)
    assert code == 0
    assert json.loads(capsys.readouterr().out)["songs_held_out"] == 10
    model = load(out)
    assert model.n_features_in_ == 6 * 25
    # What early stopping watched was a part of the songs to train on.
    assert len(model[-1].validation_scores_) == model[-1].n_iter_


def test_any_width_of_segments(source, tmp_path):
    X, y, _ = source
    np.savez(tmp_path / "narrow.npz", X=X[:, :, :13], y=y)
    code, out = train(str(tmp_path / "narrow.npz"), tmp_path, "--model=corrected")
    assert code == 0
    assert load(out).n_features_in_ == 8 * 13


def test_labels_that_are_only_held_out_are_told(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for split, y in (("train", [0, 1, 0, 1]), ("valid", [0, 1, 2])):
        X = rng.normal(size=(len(y), 120, 25))
        arrays = {"inputs": X, "targets": np.array(y), "label_map": ["A", "B", "Folk"]}
        np.savez(tmp_path / f"msd-3-genre-{split}.npz", **arrays)
    code, out = train(str(tmp_path), tmp_path, "--quiet", "--json")
    assert code == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["songs_held_out"] == 2
    assert "1 songs held out have labels that no other has: Folk" in told.err
    assert list(load(out).classes_) == ["A", "B"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model=tme-conv"], "Did you mean time-conv? There are auto, "),
        (["--set=kernel_hight=5"], "Did you mean kernel_height? There are "),
        (["--set=kernel_height"], "--set takes name=value"),
        (["--set=kernel_height=tall"], "kernel_height"),
        (["--set=n_kernels=-1"], "n_kernels"),
        (["--model=corrected", "--set=estimator__x=1"], "of estimator of corrected"),
        (["--epochs=0"], "max_epochs"),
        (["--n-segments=0"], "--n-segments must be at least 1"),
        (["--n-segments=9"], "has 200 features a song, expected 225"),
        (["--device=abacus"], "device='abacus'"),
        (["--cv=0"], "--cv must be at least 1"),
        (["--minutes=0"], "--minutes must be more than 0"),
        (["--features=musicnn"], "--features musicnn is for recordings"),
        (["--model=auto", "--set=C=3"], "--set is for one model by name"),
        (["--task=7"], "task 7 is not in"),
        (["--label-pattern=^(.)"], "is no folder of recordings"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    source, tmp_path, capsys, options, message
):
    code, out = train(source[2], tmp_path, *options)
    assert code == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("sklearn-msd: error: ")
    assert message in last
    assert not out.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["songs.npz"]


def test_a_target_that_cannot_be_written_is_told_before_the_training(
    source, tmp_path, capsys
):
    os.mkfifo(tmp_path / "pipe")
    for name, word in (
        *((".", "is a folder"), ("no/m.msd", "no folder"), ("pipe", "is no file")),
    ):
        out = tmp_path / name
        assert main(["train", source[2], "--out", str(out)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert word in line
        assert str(out) in line


def test_a_missing_extra_is_told(recordings, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    options = [r"--label-pattern=^(\d)_", "--out", str(tmp_path / "m.msd")]
    assert main(["train", str(recordings), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "sklearn-msd[audio]" in line


def test_stopped_it_leaves_nothing(source, tmp_path, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("sklearn_msd.TimeConvClassifier.fit", stop)
    code, out = train(source[2], tmp_path, "--quiet")
    assert code == 130
    assert capsys.readouterr().err.splitlines()[-1] == "sklearn-msd: stopped"
    assert not out.exists()


def test_padded_songs_are_told_which_models_take_them(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 6, 3)), np.arange(20) % 2
    X[3, 4:] = np.nan
    np.savez(tmp_path / "songs.npz", X=X, y=y)
    code, out = train(str(tmp_path / "songs.npz"), tmp_path)
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "time-conv takes songs of one length. With --model auto " in line
    named = line.split("take any: ")[1].split(";")[0].split(", ")
    assert "net" in named
    for model in (*named, "recurrent"):
        assert train(str(tmp_path / "songs.npz"), tmp_path, f"--model={model}")[0] == 0
    assert out.exists()

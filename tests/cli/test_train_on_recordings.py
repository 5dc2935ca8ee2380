"""Training on recordings: both kinds of features, chosen or combined."""

import json

import numpy as np
import pytest

from sklearn_msd import LinearCombiner, load
from sklearn_msd.cli import main
from sklearn_msd.cli.parts import segmenters_in
from sklearn_msd.saving.save_load import read_metadata

PATTERN = r"--label-pattern=^(\d)_"


def train(recordings, out, *options):
    common = ["train", str(recordings), PATTERN, "--json", "--out", str(out)]
    return main([*common, *options])


@pytest.fixture(scope="module")
def trained(recordings, tmp_path_factory):
    """The name of a model file, and what was said of it."""
    out = tmp_path_factory.mktemp("auto") / "m.msd"
    with pytest.MonkeyPatch.context() as patch:
        # Those that take long are for the slow tests.
        quick = [("logistic", kind) for kind in ("musicnn", "segments", "both")]
        patch.setattr("sklearn_msd.cli.candidates.AUTO", quick)
        said = _said(train, recordings, out)
    return out, said


def _said(function, *args):
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as told:
        assert function(*args) == 0
    return json.loads(told.getvalue())


def test_without_a_word_all_kinds_are_tried(trained, recordings):
    out, said = trained
    names = {(entry["model"], entry["features"]) for entry in said["candidates"]}
    kinds = ("musicnn", "segments", "both")
    assert names == {("logistic", kind) for kind in kinds}
    assert said["chosen"] in {f"logistic on {kind}" for kind in kinds}
    assert (said["songs"], said["songs_held_out"], said["folds"]) == (18, 0, 5)
    assert said["chance"] == pytest.approx(1 / 3)
    low, high = said["interval"]
    assert low < said["accuracy"] < high
    _, metadata = read_metadata(out)
    assert metadata["model"] == said["chosen"]
    assert metadata["accuracy"] == said["accuracy"]


def test_a_model_that_knows_all_songs_is_not_evaluated_on_them(
    trained, recordings, capsys
):
    out, said = trained
    assert main(["evaluate", str(out), str(recordings), PATTERN]) == 2
    (line,) = capsys.readouterr().err.splitlines()  # and no songs are read for it
    assert "was trained on all songs" in line
    assert f"{said['accuracy']:.3f}" in line
    assert main(["evaluate", str(out), str(recordings), PATTERN, "--split=all"]) == 0


def test_a_combination_of_both_kinds_predicts_and_is_described(
    recordings, tmp_path, capsys
):
    out = tmp_path / "m.msd"
    options = ["--model=logistic", "--features=both", "--cv=2", "--quiet"]
    assert train(recordings, out, *options) == 0
    capsys.readouterr()
    model = load(out)
    assert isinstance(model, LinearCombiner)
    assert {part.features for part in segmenters_in(model)} == {"segments", "musicnn"}
    paths = sorted(map(str, recordings.glob("*.wav")))[:2]
    assert main(["predict", str(out), *paths, "--json"]) == 0
    songs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for song, row in zip(songs, model.predict_proba(paths), strict=True):
        values = [song["probabilities"][label] for label in model.classes_]
        np.testing.assert_allclose(values, row, rtol=1e-5)
    assert main(["info", str(out), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["input"], facts["segments"]) == ("recordings", "any")
    assert facts["features"] == "musicnn, segments"
    np.savez(tmp_path / "a.npz", X=np.ones((2, 300)))
    assert main(["predict", str(out), str(tmp_path / "a.npz")]) == 1
    assert "reads two kinds" in capsys.readouterr().err


def test_a_net_takes_as_many_segments_as_are_asked_for(recordings, tmp_path, capsys):
    out = tmp_path / "m.msd"
    options = ["--model=time-conv", "--features=musicnn", "--n-segments=2", "--cv=1"]
    assert train(recordings, out, *options, "--epochs=1", "--quiet") == 0
    segmenter, _, net = load(out)
    assert (segmenter.n_segments, segmenter.features) == (2, "musicnn")
    assert net.n_features_in_ == 400
    assert segmenter.memory is None


def test_settings_need_a_model_by_name(recordings, tmp_path, capsys):
    assert train(recordings, tmp_path / "m.msd", "--set=C=1") == 2
    assert "say which with --model" in capsys.readouterr().err


@pytest.mark.slow
def test_real_recordings_are_told_apart_best_by_musicnn(shared_data, tmp_path, capsys):
    """`train` on a folder of 100 recordings of 10 genres, as a user would call it."""
    out = tmp_path / "genres.msd"
    folder = str(shared_data / "gtzan100")
    assert main(["train", folder, "--out", str(out), "--minutes=3", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "musicnn" in said["chosen"] or "both" in said["chosen"]
    assert said["accuracy"] >= 0.88
    best, *_ = said["candidates"]
    assert best["features"] in ("musicnn", "both")
    assert best["accuracy"] >= 0.9

import json

import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sklearn_msd import load, save
from sklearn_msd.cli import main


def test_facts_of_a_model_of_recordings(audio_model, capsys):
    assert main(["info", str(audio_model), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    net = load(audio_model)[-1]
    assert facts["model"] == "AudioSegmenter > SegmentScaler > TimeConvClassifier"
    assert facts["classes"] == ["0", "1", "2"]
    assert (facts["input"], facts["segments"]) == ("recordings", 12)
    assert facts["features"] == "segments"
    weights = sum(p.numel() for p in net.module_.parameters())
    assert facts["weights"] == weights
    assert facts["parameters"]["TimeConvClassifier"]["max_epochs"] == 3
    assert facts["metadata"]["features"] == "audio"
    assert facts["versions"]["sklearn"] == sklearn.__version__


def test_the_same_for_people(audio_model, capsys):
    assert main(["info", str(audio_model)]) == 0
    lines = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert lines["classes"] == "3: 0, 1, 2"
    assert lines["TimeConvClassifier.max_epochs"] == "3"
    assert lines["trained: songs held out"] == "4"
    assert f"sklearn {sklearn.__version__}" in lines["written by"]


def test_models_saved_in_python(tmp_path, capsys):
    X = [[0.0] * 25, [1.0] * 25]
    save(LogisticRegression().fit(X, [0, 1]), tmp_path / "m.msd")
    assert main(["info", str(tmp_path / "m.msd"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["weights"], facts["segments"], facts["metadata"]) == (26, 1, {})


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        (StandardScaler().fit([[1.0]]), "no classifier"),
        (LogisticRegression(), "not fitted"),
    ],
)
def test_what_is_no_fitted_classifier(tmp_path, capsys, saved, message):
    save(saved, tmp_path / "m.msd")
    assert main(["info", str(tmp_path / "m.msd")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert str(tmp_path / "m.msd") in line


def test_what_is_installed_here(capsys, monkeypatch):
    monkeypatch.setattr("sklearn_msd.cli.environment._EXTRAS", ("no-such-package",))
    assert main(["info", "--versions", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["scikit-learn"] == sklearn.__version__
    assert facts["no-such-package"] == "not installed"
    assert facts["devices"].startswith("cpu")
    assert "PyTorch uses" in facts["threads"]


def test_neither_a_model_nor_versions(capsys):
    assert main(["info"]) == 2
    assert "name a MODEL, or ask for --versions" in capsys.readouterr().err

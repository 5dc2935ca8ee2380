import shutil

import pytest

from sklearn_msd.cli import main

pytest.importorskip("matplotlib")

LABELS, GROUPS = r"^(\d)_", "_(.*)_"


def test_recordings_are_read_as_by_other_commands(
    recordings, tmp_path, capsys, monkeypatch
):
    folder = shutil.copytree(recordings, tmp_path / "digits")
    (folder / "1_broken_0.wav").write_text("no sound")
    options = ["--data", str(folder), "--out", str(tmp_path / "out"), "--quiet"]
    options += ["--label-pattern", LABELS, "--group-pattern", GROUPS]
    # The figure is a diagram: songs are read, and nothing is trained.
    options += ["--figures", "10", "--memory", str(tmp_path / "memory")]
    assert main(["report", *options]) == 2
    assert "1 of 19 recordings cannot be read" in capsys.readouterr().err
    assert main(["report", *options, "--skip-unreadable"]) == 0
    out, err = capsys.readouterr()
    assert out.split() == [
        str(tmp_path / "out" / f"report.{k}") for k in ("html", "md")
    ]
    assert "left out: " in err
    assert err.count("\n") == 1
    text = (tmp_path / "out" / "report.md").read_text()
    assert "18 songs, each held out once from 5 trainings; 3 classes" in text
    assert "On digits songs come in groups" in text
    command = f"--label-pattern '{LABELS}' --group-pattern '{GROUPS}' --skip-unreadable"
    assert f"{command}`" in text
    assert "memory" not in text
    monkeypatch.setattr("sklearn_msd.datasets.audio.reader.decode_audio", None)
    (folder / "1_broken_0.wav").unlink()
    assert main(["report", *options]) == 0  # nothing is read again


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "spoken-digits", "--group-pattern", "(.)"], "no folder of record"),
        (["--labels", "a.csv", "--label-pattern", "(.)"], "cannot go with"),
    ],
)
def test_options_that_do_not_fit(tmp_path, capsys, options, message):
    assert main(["report", "--out", str(tmp_path / "out"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

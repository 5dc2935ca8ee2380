"""What all commands have in common, and each in a process of its own."""

import json
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec

import pytest

import sklearn_msd
from sklearn_msd import cli
from sklearn_msd.cli import main

PATTERN = r"--label-pattern=^(\d)_"
NAMES = [command.__name__.rsplit(".", 1)[-1] for command in cli._COMMANDS]


def run(*args, **kwargs):
    return subprocess.run(
        [sys.executable, "-m", "sklearn_msd", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=300,
        **kwargs,
    )


def assert_one_error(child, *words):
    (line,) = child.stderr.splitlines()
    assert line.startswith("sklearn-msd: error: ")
    for word in words:
        assert word in line


@pytest.mark.parametrize("args", [[], ["unknown"], ["build"], ["build", "--crop=x"]])
def test_wrong_usage_is_exit_code_2(args, capsys):
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == 2
    assert "usage: sklearn-msd" in capsys.readouterr().err


def test_version_and_commands(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"sklearn-msd {sklearn_msd.__version__}\n"
    assert sorted(NAMES) == [
        *("build", "compare", "evaluate", "info", "predict", "report", "train"),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_example_of_the_help_can_be_typed(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    text = capsys.readouterr().out
    examples = re.findall(r"^  sklearn-msd (.*?)(?: > .*)?$", text, re.MULTILINE)
    assert len(examples) >= 2
    for example in examples:
        args = cli._parser().parse_args(shlex.split(example))
        assert callable(args.run)


@pytest.mark.slow
def test_the_newcomers_path_in_processes(recordings, tmp_path):
    model = tmp_path / "digits.msd"
    options = [PATTERN, "--n-segments=12", "--model=time-conv", "--features=segments"]
    options += ["--epochs=3", "--cv=1", "--out", model]
    trained = run("train", recordings, *options)
    assert trained.returncode == 0, trained.stderr
    values = dict(line.split("\t") for line in trained.stdout.splitlines())
    assert values["songs"] == "14"
    accuracy, _, how = values["accuracy"].partition(" ")
    assert how.endswith("; chance 0.50; 4 songs held out)")
    assert values["model"] == str(model)
    assert "train_loss" in trained.stderr
    assert "\x1b" not in trained.stderr

    evaluated = run("evaluate", model, recordings, PATTERN)
    assert evaluated.returncode == 0, evaluated.stderr
    assert f"accuracy\t{accuracy}" in evaluated.stdout
    assert f"log loss\t{values['log loss']}\n" in evaluated.stdout

    shown = run("info", model, "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["classes"] == ["0", "1", "2"]
    assert shown.stderr == ""


def test_predict_in_a_process_goes_on_after_a_bad_file(audio_model, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_text("no audio")
    good = sorted(sklearn_msd.datasets.load_spoken_digits().recordings.filenames)[0]
    child = run("predict", audio_model, bad, good, "--top=2")
    assert child.returncode == 1
    error, note = child.stderr.splitlines()
    assert error.startswith(f"sklearn-msd: error: {bad}")
    assert note == "1 of 1 recordings have 2 segments and are repeated to 12."
    heading, first, second = [line.split("\t") for line in child.stdout.splitlines()]
    assert heading == ["file", "label", "probability"]
    assert first[0] == second[0] == good
    assert 1 >= float(first[2]) >= float(second[2]) >= 0


def test_mistakes_in_processes_are_one_line_and_exit_code_2(tmp_path):
    child = run("predict", tmp_path / "none.msd", "song.mp3")
    assert child.returncode == 2
    assert_one_error(child, "none.msd", "No such file")
    child = run("build", tmp_path, tmp_path / "none.cls", tmp_path / "out")
    assert child.returncode == 2
    # Where h5py is not installed, that is what is missing first.
    assert_one_error(child, "none.cls" if find_spec("h5py") else "h5py")
    assert child.stdout == ""


def test_a_bug_is_no_users_mistake(monkeypatch):
    monkeypatch.setattr("sklearn_msd.datasets.build_msd_genre", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["build", "a", "b", "c"])


def test_a_reader_that_has_enough_is_no_error():
    code = (
        "import sys, time; from sklearn_msd import cli\n"
        "time.sleep(0.5)\n"
        "cli.info._run = lambda args: print('much')\n"
        "sys.exit(cli.main(['info', 'model']))"
    )
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} | true"
    child = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=100
    )
    assert child.stderr == ""

"""What the README and the guide show is there, and the README's example runs."""

import ast
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t as t_distribution

import sklearn_msd
from sklearn_msd import cli, datasets
from sklearn_msd.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.rst"))]
PAGES = [p for p in PAGES if not {"_build", "auto_examples", "generated"} & {*p.parts}]
# A backslash at the end of a line goes on with the next.
COMMAND = re.compile(
    r"(?:^(?: *\$ )?|``?)(sklearn-msd (?:[^`\n\\]|\\\n|\\(?!\n))*)", re.MULTILINE
)


def commands():
    return [
        pytest.param(" ".join(command.split("\\\n")), id=f"{page.name}: {command:.40}")
        for page in PAGES
        for command in COMMAND.findall(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("command", commands())
def test_options_shown_are_there(command, capsys):
    words = shlex.split(command, comments=True)
    with pytest.raises(SystemExit):
        main([*words[1:2], "--help"])
    options = re.findall(r"(?<!\S)--[\w-]+", capsys.readouterr().out)
    shown = {word for word in words[2:] if word.startswith("--")}
    assert shown <= {*options, "--help"}


def test_some_commands_are_shown():
    assert len(commands()) >= 4


def test_reference_lists_every_public_name():
    page = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    listed = re.findall(r"^   (\w+)$", page, re.MULTILINE)
    public = {*sklearn_msd.__all__, *datasets.__all__} - {"datasets"}
    assert sorted(listed) == sorted(public)


def test_reference_names_every_command():
    page = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    sentence = re.search(r"has the commands (.*?);", page, re.DOTALL)[1]
    (parsers,) = (a for a in cli._parser()._actions if isinstance(a.choices, dict))
    assert set(re.findall(r"``(\w+)``", sentence)) == set(parsers.choices)


def test_gallery_has_the_examples_that_the_guide_names():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"sphx_glr_auto_examples_(plot_\w+)\.py", text):
            assert (ROOT / "examples" / f"{name}.py").exists(), (page.name, name)


def test_every_picture_script_has_its_place_in_the_gallery():
    text = (ROOT / "docs" / "gallery.py").read_text(encoding="utf-8")
    placed = re.findall(r'^    "(plot_\w+\.py)",$', text, re.MULTILINE)
    assert sorted(placed) == [
        p.name for p in sorted((ROOT / "examples").glob("plot_*"))
    ]


def test_every_picture_script_ends_with_what_to_see():
    for path in (ROOT / "examples").glob("plot_*.py"):
        last = path.read_text(encoding="utf-8").split("# %%")[-1]
        assert "What to see" in last, path.name


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name
)
def test_examples_have_the_title_that_the_gallery_shows(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    title, line, *_ = text.splitlines()
    assert line == "=" * len(title)


README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
CORRECTING = next(block for block in BLOCKS if "CorrectingClassifier" in block)


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 160


@pytest.mark.parametrize("block", BLOCKS, ids=["audio", "msd", "arrays", "correcting"])
def test_readme_blocks_run_when_pasted(block, capsys):
    if "AudioSegmenter" in block:
        pytest.importorskip("soundfile", reason="needs the extra [audio]")
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    numbers = [float(x) for x in re.findall(r"\d\.\d+", printed)]
    if block == CORRECTING:
        shown = re.search(r"held out, ([\d.]+) and ([\d.]+)\.", README).groups()
        np.testing.assert_allclose(numbers, [float(x) for x in shown], atol=0.02)
    elif "AudioSegmenter" not in block:
        words = "spoken_digits" in block
        said = r"accuracy is" if words else r"half of the songs,"
        shown = re.search(rf"{said} ([\d.]+(?:(?:, | and )[\d.]+)*)[,.]", README)[1]
        expected = [float(x) for x in re.findall(r"\d\.\d+", shown)]
        assert len(expected) == (3 if words else 2)
        np.testing.assert_allclose(numbers, expected, atol=0.03)
        assert min(numbers) > 2 * (0.1 if words else 0.25)
    else:
        assert printed.split() == ["['george'", "'jackson'", "'lucas']"]


@pytest.mark.slow
def test_the_gain_that_the_readme_states_is_that_of_five_sets_of_songs():
    gains = []
    for seed in range(5):
        found = {}
        exec(CORRECTING.replace("random_state=0", f"random_state={seed}"), found)
        X, y = found["X"][3000:], found["y"][3000:]
        gains.append(found["model"].score(X, y) - found["base"].score(X, y))
    error = t_distribution.ppf(0.975, 4) * np.std(gains, ddof=1) / np.sqrt(5)
    stated = re.search(r"gain is ([\d.]+) \(95 %: ([\d.]+) to ([\d.]+)\)", README)
    here = np.mean(gains) + np.array([0, -error, error])
    np.testing.assert_allclose(here, [float(x) for x in stated.groups()], atol=0.015)


# What holds each "yes" of the README's table in the column of this package.
HELD_BY = {
    "train a net to correct": "combining/test_correcting.py::test_any_base_and_any_net",
    "recordings to genres": "cli/test_train_on_recordings.py::"
    "test_real_recordings_are_told_apart_best_by_musicnn",
    "read the Million Song Dataset": "datasets/msd/test_track.py::"
    "test_real_tracks_equal_h5py",
    "model files that run no code": "test_security.py::"
    "test_nothing_is_unpickled_evaluated_or_unpacked",
    "nets of PyTorch for sequences": "test_common.py::test_net_as_it_comes",
}


def test_what_the_readme_says_of_us_is_tested():
    table = README.split("## Beside other packages")[1].split("## ")[0]
    ours = re.findall(r"^\| ([^|]+) \| yes \|", table, re.MULTILINE)
    assert len(ours) == len(HELD_BY)
    for row, (begins, test) in zip(ours, HELD_BY.items(), strict=True):
        path, name = test.split("::")
        assert row.startswith(begins)
        text = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert f"\ndef {name}(" in text


def test_snippets_import_public_names_from_one_place():
    texts = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
    for path in (ROOT / "examples").glob("*.py"):
        texts[path.name] = path.read_text(encoding="utf-8")
    for module in (sklearn_msd, datasets):
        for name in module.__all__:
            texts[name] = getattr(module, name).__doc__ or ""
    found = {
        (name, source)
        for name, text in texts.items()
        for source in re.findall(
            r"^(?: *>>> )?from (sklearn_msd[\w.]*) import", text, re.M
        )
    }
    elsewhere = {
        (name, source)
        for name, source in found
        if source not in ("sklearn_msd", "sklearn_msd.datasets")
    }
    # The command line, as a snippet has no shell.
    assert elsewhere == {("command_line.rst", "sklearn_msd.cli")}

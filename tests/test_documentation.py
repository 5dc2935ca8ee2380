"""What the README and the guide show is there, and the README's example runs."""

import ast
import json
import re
import shlex
from pathlib import Path

import pytest

import sklearn_msd
from sklearn_msd import datasets
from sklearn_msd.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.rst"))]
PAGES = [p for p in PAGES if not {"_build", "auto_examples", "generated"} & {*p.parts}]
COMMAND = re.compile(r"(?:^(?: *\$ )?|``?)(sklearn-msd [^`\n]*)", re.MULTILINE)


def commands():
    return [
        pytest.param(command, id=f"{page.name}: {command}")
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


def test_gallery_has_the_examples_that_the_guide_names():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"sphx_glr_auto_examples_(plot_\w+)\.py", text):
            assert (ROOT / "examples" / f"{name}.py").exists(), (page.name, name)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name
)
def test_examples_have_the_title_that_the_gallery_shows(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    title, line, *_ = text.splitlines()
    assert line == "=" * len(title)


def test_readme_example_corrects_its_base(capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    base, corrected = map(float, capsys.readouterr().out.split())
    assert 0.5 < base < corrected


def test_accuracies_on_music_are_those_of_the_stored_run():
    path = ROOT / "benchmarks" / "results" / "music_gtzan100.json"
    page = (ROOT / "docs" / "guide" / "small_data.rst").read_text(encoding="utf-8")
    models = json.loads(path.read_text(encoding="utf-8"))["models"]
    for name, figures in models.items():
        margin, low, high = (figures["accuracy"][k] for k in ("margin", "low", "high"))
        shown = f"   * - {name}\n     - {margin:.3f} ({low:.3f} to {high:.3f})\n"
        assert shown in page
        assert figures["fit_cpu_seconds"] < 1

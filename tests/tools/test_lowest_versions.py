import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = {
    "name": "songs",
    "dependencies": ["numpy>=2.0", "scipy>=1.13,<3"],
    "optional-dependencies": {
        "plot": ["matplotlib>=3.9"],
        "test": ["songs[plot]", "pytest>=8"],
        "open": ["rich"],
    },
}


@pytest.fixture(scope="module")
def script():
    path = ROOT / "tools" / "lowest_versions.py"
    spec = importlib.util.spec_from_file_location("lowest_versions", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lower_bounds_become_pins(script):
    assert list(script.pins(PROJECT, [])) == ["numpy==2.0", "scipy==1.13"]


def test_extras_within_extras(script):
    found = [*script.pins(PROJECT, ["test"])]
    assert found == ["numpy==2.0", "scipy==1.13", "matplotlib==3.9", "pytest==8"]


@pytest.mark.parametrize("text", ["rich", "rich<14", "rich==13", "rich>=13,>=12"])
def test_a_requirement_without_one_lower_bound_is_named(script, text):
    project = PROJECT | {"dependencies": [text]}
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        list(script.pins(project, []))


def test_prints_each_bound_of_pyproject_once(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lowest_versions.py", "all", "test"])
    script.main()
    printed = capsys.readouterr().out.split()
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for pin in printed:
        assert f'"{pin.replace("==", ">=")}"' in text
    names = [pin.split("==")[0] for pin in printed]
    assert len(names) == len(set(names))
    assert {"scikit-learn", "torch", "h5py", "dask", "pytest"} <= set(names)
    assert not {"sphinx", "ruff"} & set(names)

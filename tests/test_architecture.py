"""The house stays one to find one's way in; import-linter holds who may import whom."""

import ast
import re
from pathlib import Path

import pytest

import sklearn_msd

PACKAGE = Path(sklearn_msd.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted({path.parent for path in FILES} - {PACKAGE})
DEVELOPMENT = PACKAGE.parent / "docs" / "development.rst"


def relative(path):
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_file_can_be_read_in_one_sitting(path):
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("folder", FOLDERS, ids=relative)
def test_a_folder_is_small_and_says_what_it_is_for(folder):
    names = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    if folder.name not in ("report", "cli"):
        assert len(names) <= 8, f"{relative(folder)} has {sorted(names)}"
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))


def test_nothing_lies_flat():
    assert {p.name for p in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}
    assert len([folder for folder in FOLDERS if folder.parent == PACKAGE]) <= 12


@pytest.mark.skipif(not DEVELOPMENT.exists(), reason="docs are not here")
def test_the_table_of_where_to_change_what_names_files_that_are_there():
    table = DEVELOPMENT.read_text().partition("I want to change")[2]
    table = table.partition("Fuzz tests")[0]
    named = re.findall(r"``([a-z_/]+\.py)``", table)
    assert len(named) >= 30
    assert [name for name in named if not (PACKAGE / name).exists()] == []


PRIVATE = [
    PACKAGE / "common" / library / "private.py"
    for library in ("scikit_learn", "pytorch")
]


def private_names(tree):
    """Names with an underscore of scikit-learn, skorch or PyTorch."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            module = node.module.split(".")
            if module[0] in ("sklearn", "skorch", "torch"):
                path = [*module, *(alias.name for alias in node.names)]
                yield from (name for name in path if name.startswith("_"))
        elif isinstance(node, ast.Attribute):
            dotted = ast.unparse(node)
            found = re.fullmatch(
                r"(sklearn|skorch|torch)\.[\w.]*?(\b_\w+|aten\b).*", dotted
            )
            if found and found[2] != "__version__":
                yield dotted


@pytest.mark.parametrize("path", [p for p in FILES if p not in PRIVATE], ids=relative)
def test_private_names_of_other_packages_are_in_one_place(path):
    assert [*private_names(ast.parse(path.read_text()))] == []


def test_private_names_are_found_where_they_are():
    for path in PRIVATE:
        assert len([*private_names(ast.parse(path.read_text()))]) >= 2

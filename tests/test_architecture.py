"""Imports run one way: each folder leans on those below it and on nothing else."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sklearn_msd

PACKAGE = Path(sklearn_msd.__file__).parent

# From the ground up. A folder may import from the floors below its own.
FLOORS: list[set[str]] = [
    {"common"},
    {"segments", "nets"},
    {"training", "datasets", "inspection"},
    {"classifiers"},
    {"combining"},
    {"saving"},
    {"report"},
    {"cli"},
    {"__main__", "__init__"},
]
FLOOR_OF = {folder: floor for floor, row in enumerate(FLOORS) for folder in row}

FILES = sorted(PACKAGE.rglob("*.py"))


def module_of(path):
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    return name.removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


def folder_of(module):
    return module.split(".")[0]


def imported_modules(path):
    """Modules of the package that a file imports, at the top or within functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            top, _, rest = name.partition(".")
            if top == "sklearn_msd" and rest != "__version__":
                # A module, or a name within one.
                yield rest if rest in MODULES else rest.rpartition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_folders_import_from_below(path):
    folder = folder_of(module_of(path))
    for imported in filter(None, imported_modules(path)):
        other = folder_of(imported)
        assert other == folder or FLOOR_OF[other] < FLOOR_OF[folder], (
            f"{module_of(path)} may not import {imported}: "
            f"{other} is not below {folder}"
        )


def test_no_circle_between_files():
    graph = {name: set(imported_modules(path)) for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()  # a CycleError names the files


def test_nets_know_nothing_of_scikit_learn_or_skorch():
    for name in MODULES:
        if folder_of(name) != "nets":
            continue
        tree = ast.parse(MODULES[name].read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                text = ast.unparse(node)
                assert "sklearn." not in text.replace("sklearn_msd.", "")
                assert "skorch" not in text

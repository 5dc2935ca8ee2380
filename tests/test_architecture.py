"""Imports run one way: each part leans on those below it and on nothing else."""

import ast
from pathlib import Path

import pytest

import sklearn_msd

PACKAGE = Path(sklearn_msd.__file__).parent

# From the ground up. A part may import the parts in the rows before its own, and what
# shares its row only where the row is one package.
ROWS: list[set[str]] = [
    {
        *("_as_array", "_optional", "_files", "_mapped_songs", "convolution"),
        *("predicting", "fit_warnings", "forks", "whole_fits"),
    },
    {"_segment_arrays", "training_parameters", "drawing", "_model_file"},
    {"modules", "validation", "datasets", "inspection", "combiner_display"},
    {"training", "composed_modules", "segments", "weight_inspection"},
    {"fingerprints"},
    {"checkpoints"},
    {"base", "crop_averaging"},
    {"logits"},
    {"classifiers", "bases"},
    {"stacking", "staged_corrections"},
    {"combining", "correcting", "sparsity"},
    {"joint_combining"},
    {"_savable_classes", "onnx_export"},
    {"_object_graph"},
    {"persistence", "parameter_counts", "sources"},
    {"report"},
    {"cli"},
    {"__main__", "__init__"},
]


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path):
    """Parts of the package that a file imports, at the top or within functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
            if node.module == "sklearn_msd":
                names = [f"sklearn_msd.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            raise AssertionError(f"{path.name} has a relative import")
        else:
            continue
        for name in names:
            if name.startswith("sklearn_msd."):
                yield name.split(".")[1]


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    row_of = {part: i for i, row in enumerate(ROWS) for part in row}
    part = part_of(path)
    assert part in row_of, f"{part} has no place in ROWS"
    for imported in imported_parts(path):
        if imported == "__version__":
            continue
        assert imported in row_of, f"{imported} has no place in ROWS"
        assert imported == part or row_of[imported] < row_of[part], (
            f"{part} may not lean on {imported}"
        )


def test_nets_know_nothing_of_scikit_learn_or_skorch():
    for name in ("convolution", "modules"):
        tree = ast.parse((PACKAGE / f"{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                text = ast.unparse(node)
                assert "sklearn." not in text.replace("sklearn_msd.", "")
                assert "skorch" not in text

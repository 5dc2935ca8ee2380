"""The benchmarks use what is there."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize("script", sorted(p.stem for p in BENCHMARKS.glob("*.py")))
def test_scripts_find_what_they_import(script, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    known = set(sys.modules)
    try:
        importlib.import_module(script)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("sklearn_msd"):
            raise
        pytest.skip(f"needs {error.name}")
    finally:  # names as common as "build" and "reading" are for these alone
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(
                str(BENCHMARKS)
            ):
                del sys.modules[name]

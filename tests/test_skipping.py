"""The root conftest.py skips what needs an optional dependency, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TESTS = {
    "at_the_top": "import not_there\ndef test(): pass",
    "from_it": "from not_there.part import name\ndef test(): pass",
    "in_a_test": "def test(): import not_there",
    "in_a_fixture": """
import pytest
@pytest.fixture
def broken(): import not_there
def test(broken): pass""",
    "required": "import neither\ndef test(): pass",
    "wrong": "def test(): assert 'not_there' == 'there'",
}


def test_only_what_is_not_installed_is_skipped(tmp_path):
    conftest = CONFTEST.read_text(encoding="utf-8") + '\nOPTIONAL = ("not_there",)\n'
    (tmp_path / "conftest.py").write_text(conftest, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --doctest-modules -ra\n")
    for name, text in TESTS.items():
        (tmp_path / f"test_{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "--continue-on-collection-errors"]
    env = {**os.environ, "COLUMNS": "200"}
    run = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    # Both as a file of tests and as one of doctests.
    assert run.stdout.count("[2] test_at_the_top.py:0: not_there is not installed") == 1
    assert run.stdout.count("[2] test_from_it.py:0: not_there is not installed") == 1
    assert "1 failed, 6 skipped, 2 errors" in run.stdout

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

SCRIPT = Path(__file__).parents[2] / "tools" / "audit.py"

# As pip-audit 2.10 writes them.
CLEAN = {"name": "ast-serialize", "version": "0.13.1", "vulns": []}
VULNERABLE = {
    "name": "urllib3",
    "version": "1.26.4",
    "vulns": [
        {
            "id": "PYSEC-2021-108",
            "fix_versions": ["1.26.5"],
            "aliases": ["CVE-2021-33503"],
            "description": "An authority with many @ characters takes for ever.",
        },
        {"id": "PYSEC-0", "fix_versions": [], "aliases": [], "description": ""},
    ],
}
SKIPPED = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}
PINS = ["ast_serialize==0.13.1", "urllib3==1.26.4", "torch==2.13.0"]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(*answers):
    return json.dumps({"dependencies": answers, "fixes": []})


def audit(script, monkeypatch, tmp_path, pins, printed):
    """What the script does where pip-audit prints this and says that all is well."""
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("# Pins.\n\n" + "\n".join(pins) + "\n")

    def pip_audit(command, **_):
        assert str(constraints) in command
        return subprocess.CompletedProcess(command, 0, printed, "the reason")

    monkeypatch.setattr(subprocess, "run", pip_audit)
    monkeypatch.setattr(sys, "argv", ["audit.py", str(constraints)])
    with pytest.raises(SystemExit) as end:
        script.main()
    return end.value.code


def test_each_finding_is_a_line(script):
    pins = [Requirement(pin) for pin in PINS]
    assert list(script.findings(pins, report(CLEAN, VULNERABLE, SKIPPED))) == [
        "VULNERABLE urllib3==1.26.4: PYSEC-2021-108, fixed in 1.26.5",
        "VULNERABLE urllib3==1.26.4: PYSEC-0, fixed in no version",
        "NOT CHECKED torch==2.13.0: Dependency not found on PyPI",
    ]


def test_clean(script, monkeypatch, tmp_path, capsys):
    assert audit(script, monkeypatch, tmp_path, PINS[:1], report(CLEAN)) == 0
    assert capsys.readouterr().out == "1 pins, 0 findings\n"


@pytest.mark.parametrize(
    ("answer", "finding"),
    [(VULNERABLE, "VULNERABLE"), (SKIPPED, "NOT CHECKED")],
    ids=["vulnerable", "skipped"],
)
def test_fails(script, monkeypatch, tmp_path, capsys, answer, finding):
    assert audit(script, monkeypatch, tmp_path, PINS, report(CLEAN, answer)) == 1
    assert f"\n{finding}" in "\n" + capsys.readouterr().out


def test_no_answer_at_all(script, monkeypatch, tmp_path, capsys):
    assert audit(script, monkeypatch, tmp_path, PINS, "") == 1
    shown = capsys.readouterr()
    assert [line[:11] for line in shown.out.splitlines()[:3]] == ["NOT CHECKED"] * 3
    assert "the reason" in shown.err

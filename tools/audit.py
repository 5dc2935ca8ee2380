"""Check the pins of a constraints file against known vulnerabilities, for `make audit`.

pip-audit asks a service about each pin and, where that has no answer, ends as if the
pin had no vulnerabilities. Here it is NOT CHECKED, and the exit status is 1, as for one
that is VULNERABLE. Further arguments are pip-audit's own.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def findings(pins: list[Requirement], report: str) -> Iterator[str]:
    """A line for each pin that is not known to be without fault.

    Parameters
    ----------
    pins : list of Requirement
    report : str
        What ``pip-audit --format json`` wrote; nothing, if it failed.
    """
    audited = json.loads(report)["dependencies"] if report.strip() else []
    answers = {canonicalize_name(answer["name"]): answer for answer in audited}
    for pin in pins:
        answer = answers.get(canonicalize_name(pin.name), {})
        for found in answer.get("vulns", []):
            fixed = ", ".join(found["fix_versions"]) or "no version"
            yield f"VULNERABLE {pin}: {found['id']}, fixed in {fixed}"
        if "vulns" not in answer:
            yield f"NOT CHECKED {pin}: {answer.get('skip_reason', 'no answer')}"


def main() -> None:
    """Run pip-audit, print the findings, and fail if there are any."""
    path, *options = sys.argv[1:]
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    command = [sys.executable, "-m", "pip_audit", "--requirement", path, "--no-deps"]
    command += ["--disable-pip", "--progress-spinner", "off", "--format", "json"]
    audit = subprocess.run([*command, *options], capture_output=True, text=True)
    problems = list(findings(pins, audit.stdout))
    if not audit.stdout:
        print(audit.stderr, file=sys.stderr)
    print(*problems, f"{len(pins)} pins, {len(problems)} findings", sep="\n")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()

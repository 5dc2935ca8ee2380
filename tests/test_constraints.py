"""What `make install` brings in is pinned, so that nothing else gets in unseen."""

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "constraints.txt").read_text().splitlines()
PINS = {
    canonicalize_name(pin.name): pin.specifier
    for pin in map(Requirement, (line for line in LINES if not line.startswith("#")))
}
EXTRAS = frozenset({"all", "test", "lint", "docs"})


def installed(name, extras, seen):
    """Versions by name of a package's requirements and theirs, where installed."""
    versions = {}
    for text in distribution(name).requires or []:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": e}) for e in {"", *extras}):
            continue
        key = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if key in seen:
            continue
        seen.add(key)
        try:
            versions[key[0]] = distribution(key[0]).version
        except PackageNotFoundError:
            continue  # an extra that this environment lacks
        versions |= installed(*key, seen)
    return versions


def test_every_installed_requirement_is_pinned():
    versions = installed("sklearn-msd", EXTRAS, set())
    versions.pop("sklearn-msd", None)  # its extras name other extras of it
    assert {"numpy", "mpmath"} <= set(versions)  # torch needs sympy, sympy mpmath
    others = {
        name: version
        for name, version in versions.items()
        if name in PINS and version not in PINS[name]
    }
    if others:
        pytest.skip(f"not the environment of constraints.txt: {others}")
    assert set(versions) <= set(PINS)


def test_every_pin_is_one_version():
    for name, specifier in PINS.items():
        assert [s.operator for s in specifier] == ["=="], name


def test_every_requirement_has_a_lowest_version_to_be_tested_with():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    texts = [
        *project["dependencies"],
        *(text for name in extras for text in extras[name]),
    ]
    for requirement in map(Requirement, texts):
        if requirement.name != project["name"]:
            operators = [s.operator for s in requirement.specifier]
            assert operators.count(">=") == 1, str(requirement)


def test_the_caps_are_those_that_the_newest_versions_are_tried_without():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    capped = [text.split(">=")[0] for text in project["dependencies"] if "<" in text]
    makefile = (ROOT / "Makefile").read_text()
    assert f"UNBOUNDED = {' '.join(sorted(capped))}\n" in makefile

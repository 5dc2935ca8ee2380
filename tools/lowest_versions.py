"""Turn the lower bounds of pyproject.toml into pins, for `make test-min`.

Every ``name>=version`` of the dependencies and of the extras named becomes
``name==version``, as a constraints file of pip on the standard output.
"""

import argparse
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def pins(project: dict, extras: Iterable[str]) -> Iterator[str]:
    """The pins of a project table, those of extras within extras too.

    Raises
    ------
    ValueError
        If a requirement has no lower bound and so nothing to be pinned to.
    """
    optional = project["optional-dependencies"]
    texts = [*project["dependencies"], *(t for name in extras for t in optional[name])]
    for text in texts:
        requirement = Requirement(text)
        if requirement.name == project["name"]:
            yield from pins(project | {"dependencies": []}, sorted(requirement.extras))
            continue
        lowest = [s.version for s in requirement.specifier if s.operator == ">="]
        if len(lowest) != 1:
            raise ValueError(f"{text!r} must have one lower bound, 'name>=version'.")
        yield f"{requirement.name}=={lowest[0]}"


def main() -> None:
    """Print the pins, each once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extras", nargs="*", help="extras beside the dependencies")
    arguments = parser.parse_args()
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    print("\n".join(dict.fromkeys(pins(project, arguments.extras))))


if __name__ == "__main__":
    main()

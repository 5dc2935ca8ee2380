"""Docstrings with passages that several classes share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

Documented = TypeVar("Documented", bound=type)


def fill_docstring(**parts: str) -> Callable[[Documented], Documented]:
    """Class decorator: replace each line ``<name>`` of the docstring by that part.

    Parameters
    ----------
    **parts : str
        The passages by name, written as if their marks were indented by four spaces.

    Raises
    ------
    ValueError
        If the docstring names a part that is not given, or lacks one that is.
    """

    def fill(cls: Documented) -> Documented:
        if cls.__doc__ is None:  # python -OO
            return cls
        used = set()

        def part(match: re.Match[str]) -> str:
            used.add(match["name"])
            if match["name"] not in parts:
                raise ValueError(f"{cls.__name__}: no part <{match['name']}> is given.")
            # Python 3.13 takes the indentation of a class's docstring away.
            indent = match["indent"]
            return indent + parts[match["name"]].replace("\n    ", "\n" + indent)

        cls.__doc__ = re.sub(
            r"^(?P<indent> *)<(?P<name>[^<>\n]+)>$", part, cls.__doc__, flags=re.M
        )
        if unused := set(parts) - used:
            raise ValueError(f"{cls.__name__}: the docstring lacks {sorted(unused)}.")
        return cls

    return fill

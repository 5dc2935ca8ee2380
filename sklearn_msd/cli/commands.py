"""What the commands share: how they look, and what they say where."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

# What a user can mend; anything else is a bug, and shows where it is.
USER_ERRORS = (ValueError, OSError, ImportError)

# Controls, surrogates, and separators of lines and paragraphs.
_CONTROL = ("Cc", "Cs", "Zl", "Zp")

# Exit codes.
SOME_FAILED = 1
FAILED = 2
STOPPED = 130


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    *,
    help: str,
    description: str,
    examples: str,
) -> Callable[..., argparse.Action]:
    """Add a command's parser; return what adds arguments to it.

    Parameters
    ----------
    commands : subparsers
    name : str
    run : callable
        From the arguments to the exit code; None is 0.
    help, description, examples : str
        One line; what it does; commands to copy, one a line.
    """
    parser = commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser.add_argument


def print_problem(error: BaseException | str, kind: str = "error") -> None:
    """Say on standard error, in one line, what went wrong."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    text = _escaped(" ".join(text.split()))
    print(f"sklearn-msd: {kind}: {text}", file=sys.stderr)


def cell(value: object) -> str:
    """A value as one cell of a table: on one line, and without tabs.

    Tabs, line ends and other control characters are written as Python escapes them, and
    backslashes are doubled; but on Windows, where these part folders, and names cannot
    hold the others.
    """
    text = str(value)
    if os.sep != "\\":
        text = text.replace("\\", r"\\")
    return _escaped(text)


def _escaped(text: str) -> str:
    """Text with control characters, and halves of characters, as Python writes them."""
    return "".join(
        repr(char)[1:-1] if unicodedata.category(char) in _CONTROL else char
        for char in text
    )


@contextlib.contextmanager
def naming(name: str) -> Iterator[None]:
    """Begin a ValueError's message with what it is about, if it does not name it."""
    try:
        yield
    except ValueError as error:
        if name in str(error):
            raise
        raise ValueError(f"{name}: {error}") from error


def note(text: str) -> None:
    """Say on standard error how far it is."""
    print(_escaped(text), file=sys.stderr, flush=True)


def json_line(value: Any) -> str:
    """A value as JSON on one line, with escapes if standard output is not UTF-8."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    is_utf8 = encoding.lower().replace("-", "") in ("utf8", "utf8sig")
    return json.dumps(value, ensure_ascii=not is_utf8)


def show(values: Mapping[str, Any], *, as_json: bool) -> None:
    """Print results: ``name TAB value`` lines, or one JSON object on one line."""
    if as_json:
        print(json_line(values))
        return
    for name, value in values.items():
        if isinstance(value, float):
            value = f"{value:.4f}"
        print(f"{name.replace('_', ' ')}\t{cell(value)}")

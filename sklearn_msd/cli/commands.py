"""What the commands share: how they look, and what they say where."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

# What a user can mend; anything else is a bug, and shows where it is.
USER_ERRORS = (ValueError, OSError, ImportError)

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


def complain(error: BaseException | str, kind: str = "error") -> None:
    """Say on standard error, in one line, what went wrong."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    print(f"sklearn-msd: {kind}: {' '.join(text.split())}", file=sys.stderr)


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
    print(text, file=sys.stderr, flush=True)


def show(values: Mapping[str, Any], *, as_json: bool) -> None:
    """Print results: ``name TAB value`` lines, or one JSON object on one line."""
    if as_json:
        print(json.dumps(values, ensure_ascii=False))
        return
    for name, value in values.items():
        if isinstance(value, float):
            value = f"{value:.4f}"
        print(f"{name.replace('_', ' ')}\t{value}")

"""The command line: ``sklearn-msd`` and ``python -m sklearn_msd``.

A command is a module with ``add_parser``, named in `_COMMANDS`. What it needs is
imported when it runs, so that ``--help`` is fast.
"""

import argparse
import contextlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence

import sklearn_msd
from sklearn_msd.cli import build, compare, evaluate, info, predict, report, train
from sklearn_msd.cli.commands import FAILED, STOPPED, USER_ERRORS, print_problem

_COMMANDS = (train, compare, predict, evaluate, info, build, report)

_DESCRIPTION = """\
Classify songs by what their segments sound like."""

_EPILOG = """\
from recordings to genres:
  sklearn-msd train music/ --out genres.msd      folders named after genres
  sklearn-msd predict genres.msd song.mp3
  sklearn-msd evaluate genres.msd music/
  sklearn-msd info genres.msd

`sklearn-msd COMMAND --help` explains each, with examples. Results go to standard
output, progress and warnings to standard error. Exit code: 0 if all went well, 1 if
some files could not be read and the others were, 2 if there is something that
you need to fix, 130 if you stopped it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Results go to standard output; progress, warnings and errors to standard error.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments; by default those of the process.

    Returns
    -------
    code : int
        0 if all went well, 1 if some of several files could not be read, 2 if the user
        can fix what went wrong, 130 if the user stopped it.
    """
    with _any_character_on_stdout(), warnings.catch_warnings():
        args = _parser().parse_args(argv)
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _shower()
        try:
            code: int = args.run(args) or 0
            sys.stdout.flush()
            return code
        except BrokenPipeError:
            # Whoever read the results has enough; nor can what is left be flushed.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        except USER_ERRORS as error:
            print_problem(error)
            return FAILED
        except KeyboardInterrupt:
            print("sklearn-msd: stopped", file=sys.stderr)
            return STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sklearn-msd",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = f"sklearn-msd {sklearn_msd.__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser


@contextlib.contextmanager
def _any_character_on_stdout() -> Iterator[None]:
    """Let what standard output cannot encode be written as Python escapes it."""
    stdout = sys.stdout
    if not isinstance(stdout, io.TextIOWrapper) or stdout.errors != "strict":
        yield
        return
    stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):  # whoever reads may be gone
            stdout.reconfigure(errors="strict")


def _shower() -> Callable[..., None]:
    """What shows a warning once, without the line of code that it came from."""
    shown: set[str] = set()

    def show(message: Warning | str, *_: object, **__: object) -> None:
        if str(message) not in shown:
            shown.add(str(message))
            print_problem(str(message), "warning")

    return show

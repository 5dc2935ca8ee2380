"""The command line: ``sklearn-msd`` and ``python -m sklearn_msd``.

A sub-command is one function that adds its parser and sets ``run``, named in
`_COMMANDS`. What it needs is imported when it runs, so that ``--help`` is fast.
"""

import argparse
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command.

    Results go to standard output; progress, warnings and errors to standard error.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments; by default those of the process.

    Returns
    -------
    code : int
        0 if all went well, 2 if the user can mend what went wrong, 130 if the user
        stopped it.
    """
    parser = argparse.ArgumentParser(
        prog="sklearn-msd", description="Learning from song segments."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="command")
    for add in _COMMANDS:
        add(commands)
    args = parser.parse_args(argv)
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _show_warning
        try:
            args.run(args)
        except (ValueError, OSError, ImportError) as error:
            print(f"sklearn-msd: error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("sklearn-msd: stopped", file=sys.stderr)
            return 130
    return 0


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Show a warning without the line of code that it came from."""
    print(f"sklearn-msd: warning: {message}", file=sys.stderr)


def _add_build(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "build",
        help="build a genre data set from Million Song Dataset files",
        description="Build a genre data set from Million Song Dataset files. Stopped "
        "at any moment, the same command goes on where it was.",
    )
    add = parser.add_argument
    add("h5_root", help="folder of .h5 files, single-song or aggregate")
    add("annotations", help="file of 'track id TAB genre' lines")
    add("out", help="folder to make")
    add("--n-segments", type=int, default=120, help="segments of a song (120)")
    add("--crop", choices=["center", "start", "random"], default="center")
    add("--loudness", choices=["start", "max"], default="start")
    add("--n-per-class", type=int, help="songs of each genre (all)")
    add(
        "--split",
        type=_shares,
        default=(0.8, 0.2),
        help="shares of train,valid[,test] (0.8,0.2)",
    )
    add("--group-by", choices=["artist", "none"], default="artist")
    add("--n-jobs", type=int, help="processes (1); -1 for all cores")
    add(
        "--columns",
        type=_names,
        default=("chroma", "timbre", "loudness"),
        help="order of the features (chroma,timbre,loudness)",
    )
    add("--genres", type=_names, help="genres to take, with commas between (all)")
    add("--task", help="name to load the set by (the number of genres)")
    add(
        "--form",
        choices=["npz", "npy"],
        default="npz",
        help="npz files as the report's, or folders to be memory-mapped",
    )
    add("--dtype", choices=["float32", "float16"], default="float32")
    add(
        "--trust-names",
        action="store_true",
        help="do not open files named after tracks that have no genre",
    )
    add(
        "--max-skipped",
        type=float,
        default=0.1,
        help="largest share of bad songs, above which the build fails (0.1)",
    )
    add("--random-state", type=int, default=0)
    add("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=_run_build)


def _run_build(args: argparse.Namespace) -> None:
    from sklearn_msd.datasets import build_msd_genre

    parameters = {key: value for key, value in vars(args).items() if key != "run"}
    verbose = not parameters.pop("quiet")
    if parameters["group_by"] == "none":
        parameters["group_by"] = None
    report = build_msd_genre(**parameters, verbose=verbose)
    for name, count in report.counts.items():
        print(f"{name}\t{count}")
    for split, row in report.songs.items():
        for genre, count in row.items():
            print(f"{split}\t{genre}\t{count}")
    print(f"task {report.task} written to {report.out}")


def _add_report(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    parser = commands.add_parser(
        "report",
        help="train the report's models on your songs and write a page about them",
        description="Train the models of the 2017 report and write a page with its "
        "figures, tables and claims, remade on this data. Stopped at any moment, the "
        "same command goes on where it was.",
    )
    add = parser.add_argument
    add(
        "--data",
        default="synthetic",
        help="'synthetic' (the default), 'spoken-digits', an npz file with X, y and "
        "perhaps group, or a folder of msd-…-genre-….npz files",
    )
    add("--task", type=int, help="classes of the task for all figures (each its own)")
    add("--figures", nargs="+", metavar="ID", help="2 to 15, or a future work (all)")
    add("--seeds", nargs="+", type=int, default=[0, 1], metavar="SEED", help="(0 1)")
    add("--epochs", type=int, dest="max_epochs", help="epochs (the size's)")
    add(
        "--size",
        choices=["quick", "full"],
        default="quick",
        help="full is the report's own setting: 40,000 songs, 100 epochs",
    )
    add("--out", default="report-out", help="folder to write to (report-out)")
    add("--n-jobs", type=int, default=1, help="models to train at a time (1)")
    add("--device", default="auto", help="auto, cpu or cuda")
    parser.set_defaults(run=_run_report)


def _run_report(args: argparse.Namespace) -> None:
    from sklearn_msd.report.make import make_report

    parameters = {key: value for key, value in vars(args).items() if key != "run"}
    for page in make_report(**parameters, command=_command(args)):
        print(page)


def _command(args: argparse.Namespace) -> str:
    """The command that would do the same, without how it was called."""
    words = ["sklearn-msd", "report"]
    for name, value in vars(args).items():
        if name in ("run", "out", "n_jobs", "device") or value is None:
            continue
        flag = "--epochs" if name == "max_epochs" else f"--{name.replace('_', '-')}"
        values = value if isinstance(value, list) else [value]
        words += [flag, *(shlex.quote(str(item)) for item in values)]
    return " ".join(words)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _shares(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


_COMMANDS: tuple[
    Callable[["argparse._SubParsersAction[argparse.ArgumentParser]"], None], ...
] = (
    _add_build,
    _add_report,
)

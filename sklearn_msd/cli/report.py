"""``sklearn-msd report``: the report's models on the user's songs."""

import argparse
import shlex

from sklearn_msd.cli.commands import Commands, add_command
from sklearn_msd.cli.data_options import add_reading, recordings


def add_parser(commands: Commands) -> None:
    """Add ``report``."""
    add = add_command(
        commands,
        "report",
        _run,
        help="train the report's models on your songs and write a page about them",
        description="Train the models of the 2017 report and write a page with its "
        "figures, tables and\nclaims, remade on this data. If it is stopped, run the "
        "same command again: it\ngoes on from there.",
        examples="""\
  sklearn-msd report
  sklearn-msd report --figures 8 9 --data genres --n-jobs -1
  sklearn-msd report --data spoken-digits --minutes 30 --out digits
  sklearn-msd report --data music --features musicnn --group-pattern '([^/]+)-'""",
    )
    add(
        "--data",
        default="synthetic",
        help="'synthetic' (the default), 'spoken-digits', an npz file with X, or "
        "X_flat and offsets, y and perhaps group, a folder of msd-…-genre-….npz files, "
        "or one of recordings, in folders named after genres",
    )
    add(
        "--task",
        help="number of classes, or name, of the one task to use for all figures",
    )
    add("--figures", nargs="+", metavar="ID", help="2 to 15, or future works (all)")
    add(
        "--minutes",
        type=float,
        help="about how long to take: until then, models whose claims are open are "
        "trained from further random starts (15; with --size full, no limit)",
    )
    add(
        "--seeds",
        nargs="+",
        type=int,
        default=[*range(8)],
        metavar="SEED",
        help="random starts that may be used (0 to 7)",
    )
    add(
        "--epochs",
        type=int,
        dest="max_epochs",
        help="passes of a net over the songs (set by --size)",
    )
    add(
        "--size",
        choices=["quick", "full"],
        default="quick",
        help="quick: at most 4,000 songs to train on and as many epochs as flatten the "
        "curves, a quarter of an hour on two cores; full: the report's own setting, "
        "40,000 songs and 100 epochs, days (quick)",
    )
    add("--out", default="report-out", help="folder to write to (report-out)")
    add(
        "--n-jobs",
        type=int,
        help="models to train, or recordings to read, at a time (1); -1 for all cores",
    )
    add("--device", default="auto", help="auto, cpu or cuda")
    add(
        "--features",
        choices=["segments", "musicnn"],
        default="segments",
        help="of recordings: 25 numbers at each onset, or what musicnn gives every "
        "three seconds (segments)",
    )

    add_reading(add)


# Options that decide where and how, but not what.
_NOT_THE_PAGE = ("run", "out", "n_jobs", "device", "memory", "quiet")
# Those of `add_reading` that say how a folder of recordings is read.
_RECORDINGS = ("label_pattern", "group_pattern", "labels", "skip_unreadable")


def _run(args: argparse.Namespace) -> None:
    audio = recordings(args, n_labels=2)
    from sklearn_msd.report.make import make_report

    parameters = {
        key: value
        for key, value in vars(args).items()
        if key not in ("run", *_RECORDINGS)
    }
    for page in make_report(**parameters, recordings=audio, command=_command(args)):
        print(page)


def _command(args: argparse.Namespace) -> str:
    """The command that would do the same, without how it was called."""
    words = ["sklearn-msd", "report"]
    for name, value in vars(args).items():
        if name in _NOT_THE_PAGE or value is None or value is False:
            continue
        words.append(
            "--epochs" if name == "max_epochs" else f"--{name.replace('_', '-')}"
        )
        values = value if isinstance(value, list) else [value]
        words += [shlex.quote(str(item)) for item in values if item is not True]
    return " ".join(words)

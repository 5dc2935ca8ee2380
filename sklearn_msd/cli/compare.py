"""``sklearn-msd compare``: which model is best on labelled songs, and how surely."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from sklearn_msd.cli.choices import (
    AUTO,
    CHOICE_HELP,
    MODEL_NAMES,
    add_choices,
    candidates_for,
    check_choices,
    kinds_to_read,
)
from sklearn_msd.cli.commands import Commands, add_command, naming, note, show
from sklearn_msd.cli.data_options import DATA_HELP, add_data, load_songs

if TYPE_CHECKING:
    from sklearn_msd.cli.choosing import Trial

_DESCRIPTION = f"""\
Compare models on labelled songs by cross-validation, all on the same folds: accuracy,
its 95 % interval over songs, and how far each is behind the best, with an interval of
the difference on the same songs. Nothing is saved.

{DATA_HELP}

{CHOICE_HELP}

The accuracy of the best is too high, because it was chosen for being high. The last
line says what to expect of choosing so."""

_EXAMPLES = """\
  sklearn-msd compare music/
  sklearn-msd compare music/ --models svm logistic --features musicnn
  sklearn-msd compare songs.npz --models svm time-conv corrected --minutes 60"""


def add_parser(commands: Commands) -> None:
    """Add ``compare``."""
    add = add_command(
        commands,
        "compare",
        _run,
        help="compare models on labelled songs",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_data(add)
    add(
        "--models",
        nargs="+",
        default=[AUTO],
        metavar="NAME",
        help=f"{', '.join(MODEL_NAMES)} (auto)",
    )
    add_choices(add)


def _run(args: argparse.Namespace) -> None:
    began = time.monotonic()
    check_choices(args, args.models)
    if args.cv == 1:
        raise ValueError("--cv must be at least 2 to compare: all songs are judged.")

    from sklearn_msd.cli.choosing import Budget, Choosing, describe
    from sklearn_msd.cli.comparison import accuracy_in_words, as_table, compared
    from sklearn_msd.cli.intervals import accuracy_estimate, chance
    from sklearn_msd.datasets.sources.songs import N_FOLDS

    songs = load_songs(args, kinds_to_read(args), whole=True)
    with naming(args.data):
        songs, candidates = candidates_for(args, args.models, songs)
        y = songs.classes[songs.y]
        note(f"comparing {len(candidates)} candidates on {len(y)} songs")

        def tell(trial: Trial) -> None:
            if not args.quiet:
                note(describe(trial, songs.group))

        choosing = Choosing(
            *(songs.name, songs.X, y, songs.group),
            n_folds=args.cv or N_FOLDS,
            budget=Budget(60 * args.minutes, began),
            random_state=args.seed,
        )
        trials = choosing.run(candidates, tell)
    table = compared(trials, choosing.best(trials), songs.group)
    correct, _ = choosing.judge_choice(trials)
    found = accuracy_estimate(correct, songs.group)
    how = f"{len(y)} songs held out in {choosing.n_folds} folds"
    if args.json:
        expected = {"accuracy": found.value, "interval": list(found[1:])}
        facts = {"songs": len(y), "folds": choosing.n_folds, "chance": chance(y)}
        show({**facts, "candidates": table, "choice": expected}, as_json=True)
        return
    print(as_table(table) + "\n")
    what = "picking the best" if len(candidates) > 1 else "accuracy"
    show({what: accuracy_in_words(found, chance(y), how)}, as_json=False)

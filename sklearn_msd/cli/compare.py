"""``sklearn-msd compare``: which model is best on labelled songs, and how surely."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

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
from sklearn_msd.cli.data_options import (
    DATA_HELP,
    add_data,
    in_words,
    songs_to_train_on,
)

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
    from sklearn_msd.cli.comparison import (
        accuracy_in_words,
        as_table,
        compared,
        held_out_in_words,
    )
    from sklearn_msd.cli.few_songs import few_in_words
    from sklearn_msd.cli.intervals import accuracy_estimate, chance
    from sklearn_msd.datasets.sources.songs import N_FOLDS

    songs = songs_to_train_on(args, kinds_to_read(args))
    with naming(args.data):
        songs, candidates = candidates_for(args, args.models, songs)
        y = songs.classes[songs.y]
        several = len(candidates) > 1
        what = f"{len(candidates)} candidates" if several else str(candidates[0])
        note(f"comparing {what}, {in_words(songs)}")
        n_folds = args.cv or N_FOLDS
        if few := few_in_words(y, n_folds):
            note(f"{args.data}: {few}")
        say = (lambda text: None) if args.quiet else note

        def tell(trial: Trial) -> None:
            say(describe(trial, songs.group))

        choosing = Choosing(
            *(songs.name, songs.X, y, songs.group),
            n_folds=n_folds,
            budget=Budget(60 * args.minutes, began),
            random_state=args.seed,
        )
        trials = choosing.run(candidates, tell, say)
    table = compared(trials, choosing.best(trials), songs.group)
    correct, _ = choosing.judge_choice(trials)
    found = accuracy_estimate(correct, songs.group)
    times = len(choosing.folds)
    how = held_out_in_words(len(y), choosing.n_folds, times)
    if args.json:
        expected = {"accuracy": found.value, "interval": list(found[1:])}
        facts: dict[str, Any] = {"songs": len(y), "folds": choosing.n_folds}
        facts |= {"repetitions": times, "chance": chance(y)}
        facts |= {"candidates": table, "choice": expected}
        show(facts, as_json=True)
        return
    print(as_table(table) + "\n")
    what = "picking the best" if several else "accuracy"
    show({what: accuracy_in_words(found, chance(y), how)}, as_json=False)

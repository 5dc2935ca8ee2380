"""``sklearn-msd train``: from labelled songs to a model file."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
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
    from sklearn_msd.cli.fit_and_judge import Trained

_DESCRIPTION = f"""\
Train a classifier on labelled songs and save it, with the scaler and all else that
leads from a file to a genre. The file appears whole, at the end, or not at all.

{DATA_HELP}

{CHOICE_HELP}
The best is then trained on all songs.

The accuracy printed is that of the choice: each song is judged by a model that was
neither trained on it nor chosen by it."""

_EXAMPLES = """\
  sklearn-msd train music/ --out genres.msd
  sklearn-msd train music/ --group-pattern '/([^/]+)/' --minutes 60 --out genres.msd
  sklearn-msd train music/ --model svm --features musicnn --out genres.msd
  sklearn-msd train digits/ --label-pattern '^(\\d)_' --out digits.msd
  sklearn-msd train genres --model corrected --epochs 30 --out genres.msd
  sklearn-msd train songs.npz --set kernel_height=5 --set pooling=average --out a.msd
  sklearn-msd train songs.npz --model corrected --set corrector__l2=0.1 --out b.msd

Names for --set are the parameters of the model's class; a wrong one lists them."""

# Of arrays, which may be many, unless a model is named.
_DEFAULT = "time-conv"


def add_parser(commands: Commands) -> None:
    """Add ``train``."""
    add = add_command(
        commands,
        "train",
        _run,
        help="train a classifier on labelled songs",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_data(add)
    add(
        "--model",
        metavar="NAME",
        help=f"{', '.join(MODEL_NAMES)} (auto for recordings, {_DEFAULT} for arrays)",
    )
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the model, as often as you like",
    )
    add("--out", required=True, metavar="FILE", help="model file; replaced if there")
    add_choices(add)


def _run(args: argparse.Namespace) -> None:
    began = time.monotonic()
    _check_target(Path(args.out))
    check_choices(args, [args.model] if args.model else [])

    from sklearn_msd.cli.choosing import Budget, Trial, describe
    from sklearn_msd.cli.comparison import as_table, compared
    from sklearn_msd.cli.few_songs import few_in_words
    from sklearn_msd.cli.fit_and_judge import folds_to_judge_by, train_on
    from sklearn_msd.cli.models import takes_any_length
    from sklearn_msd.cli.parts import segmenters_in
    from sklearn_msd.datasets.sources.kept_segments import lengthened
    from sklearn_msd.saving.save_load import save

    songs = songs_to_train_on(args, kinds_to_read(args))
    recordings = songs.kept is not None
    name = args.model or (AUTO if recordings else _DEFAULT)
    if name == AUTO and args.set:
        raise ValueError("--set is for one model by name: say which with --model.")

    say = (lambda text: None) if args.quiet else note

    def tell(trial: Trial) -> None:
        say(describe(trial, songs.group))

    with naming(args.data):
        prepared, candidates = candidates_for(args, [name], songs)
        several = len(candidates) > 1
        what = f"{len(candidates)} candidates" if several else str(candidates[0])
        note(f"training {what}, {in_words(songs)}")
        n_folds = folds_to_judge_by(prepared, args.cv)
        few = few_in_words(songs.classes[songs.y], n_folds) if n_folds > 1 else None
        if few:
            note(f"{args.data}: {few}")
        trained = train_on(
            prepared,
            candidates,
            n_folds=args.cv,
            budget=Budget(60 * args.minutes, began),
            random_state=args.seed,
            tell=tell,
            say=say,
            verbose=not args.quiet and not several,
        )
    model = trained.candidate.estimator
    results = _results(trained)
    metadata = {
        "data": songs.name,
        "features": songs.features,
        "feature_names": songs.feature_names,
        "model": str(trained.candidate),
        **{key: value for key, value in results.items() if key != "interval"},
    }
    if not recordings and args.n_segments is None:
        metadata["any_length"] = takes_any_length(trained.candidate.model)
    for segmenter in segmenters_in(model):
        if songs.kept is not None:
            remark = lengthened(songs.X.tolist(), songs.kept, segmenter)
            if remark:
                note(f"{args.data}: {remark}")
        segmenter.memory = None  # what it has read is no part of the model
    save(model, args.out, metadata=metadata, optimizer=False)
    table = []
    if trained.best is not None and several:
        table = compared(trained.trials, trained.best, trained.group)
    if args.json:
        if table:
            results |= {"chosen": str(trained.candidate), "candidates": table}
        show({**results, "model": args.out}, as_json=True)
        return
    if table:
        print(as_table(table) + "\n")
        show({"chosen": str(trained.candidate)}, as_json=False)
    lines = {"songs": trained.n_songs, "accuracy": trained.in_words()}
    lines |= {"log_loss": results["log_loss"], "model": args.out}
    show(lines, as_json=False)


def _results(trained: Trained) -> dict[str, Any]:
    accuracy = trained.accuracy()
    return {
        "songs": trained.n_songs,
        "songs_held_out": 0 if trained.n_folds else len(trained.truth),
        "folds": trained.n_folds,
        "repetitions": trained.n_repetitions,
        "accuracy": accuracy.value,
        "interval": list(accuracy[1:]),
        "chance": trained.chance(),
        "log_loss": float(trained.losses.mean()),
    }


def _check_target(path: Path) -> None:
    """Raise now, and not after hours of training, if there can be no such file."""
    if path.is_dir():
        raise IsADirectoryError(f"--out {path} is a folder; name a file in it.")
    if path.exists() and not path.is_file():  # it would be replaced, devices too
        raise ValueError(f"--out {path} is no file that could be replaced.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"--out {path}: there is no folder {path.parent}.")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"--out {path}: {path.parent} is not to be written to.")

"""``sklearn-msd evaluate``: how good a model is on labelled songs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sklearn_msd.cli.commands import Commands, add_command, naming, note, show
from sklearn_msd.cli.data_options import DATA_HELP, add_data, load_songs

if TYPE_CHECKING:
    from sklearn_msd.cli.saved_model import SavedModel

_DESCRIPTION = f"""\
Compare what a model predicts with the labels of songs: accuracy, log loss, and
precision, recall and F1 of each genre.

{DATA_HELP}

If `sklearn-msd train` held a part of DATA out for good (--cv 1), that part is taken
where --split does not say otherwise. A model that was trained on all of DATA, after it
was judged in folds, is not evaluated on the same songs again."""

_EXAMPLES = """\
  sklearn-msd evaluate genres.msd music/
  sklearn-msd evaluate genres.msd others/ --split all
  sklearn-msd evaluate digits.msd digits/ --label-pattern '^(\\d)_' --json"""


def add_parser(commands: Commands) -> None:
    """Add ``evaluate``."""
    add = add_command(
        commands,
        "evaluate",
        _run,
        help="compare a model's predictions with labels",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add("model", metavar="MODEL", help="file that `sklearn-msd train` wrote, or `save`")
    add_data(add)
    add(
        "--split",
        choices=["valid", "train", "all"],
        help="which songs: held out, trained on, or all (all, if the model was trained "
        "on all folds; else those held out)",
    )
    add("--json", action="store_true", help="print one JSON object")


def _run(args: argparse.Namespace) -> None:
    import numpy as np

    from sklearn_msd.cli.saved_model import SavedModel
    from sklearn_msd.cli.scoring import scores
    from sklearn_msd.datasets import AudioSegmenter
    from sklearn_msd.datasets.sources.kept_segments import lengthened

    model = SavedModel(args.model)
    split = args.split or ("all" if model.metadata.get("folds") else "valid")
    if args.split != "all":  # here and below: some sources have other names
        _check_new_songs(model, Path(args.data).resolve().name, args.data)
    kinds = model.segmenters or [AudioSegmenter(None)]
    songs = load_songs(args, kinds, whole=split == "all")
    if args.split != "all":
        _check_new_songs(model, songs.name, args.data)
    parts = {"train": (songs.X, songs.y), "valid": (songs.X_valid, songs.y_valid)}
    chosen = parts.values() if split == "all" else [parts[split]]
    with naming(args.data):
        y = songs.classes[np.concatenate([y for _, y in chosen])]
        if songs.kept is not None:
            paths = np.concatenate([X for X, _ in chosen])
            for segmenter in model.segmenters:
                if remark := lengthened(paths.tolist(), songs.kept, segmenter):
                    note(f"{args.data}: {remark}")
            found = scores(*model.on_recordings(paths, songs.kept), y)
        else:
            X = np.concatenate([model.cut(X) for X, _ in chosen if len(X)])
            found = scores(model.classifier, X, y)
    table = found.pop("table")
    results = {"split": split, "songs": len(y), **found}
    if args.json:
        show(results, as_json=True)
        return
    del results["classes"]
    show(results, as_json=False)
    print(f"\n{table.rstrip()}")


def _check_new_songs(model: SavedModel, name: str, data: str) -> None:
    """Raise if a model was trained on all songs of these data."""
    n_folds, accuracy = (model.metadata.get(key) for key in ("folds", "accuracy"))
    if n_folds and model.metadata.get("data") == name:
        raise ValueError(
            f"{model.path} was trained on all songs of {data}, so that its accuracy on "
            f"them would mean nothing. In {n_folds} folds, on songs held out, it was "
            f"{accuracy:.3f}. Evaluate it on other songs, or say --split all."
        )

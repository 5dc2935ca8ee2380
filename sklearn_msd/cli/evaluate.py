"""``sklearn-msd evaluate``: how good a model is on labelled songs."""

import argparse

from sklearn_msd.cli.commands import Commands, add_command, naming, show
from sklearn_msd.cli.data_options import DATA_HELP, add_data, load_songs

_DESCRIPTION = f"""\
Compare what a model predicts with the labels of songs: accuracy, log loss, and
precision, recall and F1 of each genre.

{DATA_HELP}

--split valid takes the songs that `sklearn-msd train` held out, if DATA is what it was
trained on. Of songs that are new to the model, take all."""

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
        default="valid",
        help="which songs: those held out, the others, or all (valid)",
    )
    add("--json", action="store_true", help="print one JSON object")


def _run(args: argparse.Namespace) -> None:
    import numpy as np

    from sklearn_msd.cli.saved_model import SavedModel
    from sklearn_msd.cli.scoring import scores
    from sklearn_msd.datasets import AudioSegmenter

    model = SavedModel(args.model)
    segmenter = model.segmenter or AudioSegmenter(model.n_segments)
    songs = load_songs(args, segmenter, whole=args.split == "all")
    parts = {"train": (songs.X, songs.y), "valid": (songs.X_valid, songs.y_valid)}
    chosen = parts.values() if args.split == "all" else [parts[args.split]]
    with naming(args.data):
        X = np.concatenate([model.cut(X) for X, _ in chosen if len(X)])
        y = songs.classes[np.concatenate([y for _, y in chosen])]
        found = scores(model.classifier, X, y)
    table = found.pop("table")
    results = {"split": args.split, "songs": len(y), **found}
    if args.json:
        show(results, as_json=True)
        return
    del results["classes"]
    show(results, as_json=False)
    print(f"\n{table}", end="")

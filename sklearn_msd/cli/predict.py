"""``sklearn-msd predict``: files to genres."""

import argparse
import sys

from sklearn_msd.cli.commands import (
    SOME_FAILED,
    USER_ERRORS,
    Commands,
    add_command,
    cell,
    json_line,
    note,
    print_problem,
)

_DESCRIPTION = """\
Predict the genres of songs. FILES are
  recordings, for models trained on recordings
  audio analyses of Echo Nest or Spotify (.json) and tracks of the Million Song Dataset
    (.h5), for models trained on these
  npz files with an array X of songs, or X_flat and offsets (see `sklearn-msd train
    --help`), for any model that takes such songs
  folders, at any depth, of recordings, or else of .json and .h5 files

Longer songs are cut to their central segments, as many as the model takes; shorter
recordings are repeated, and the last line on standard error says how many. Arrays may
not be shorter. The output is a table with a heading: file,
label and probability, tabs between, the likeliest labels first. Tabs, line ends and
backslashes within names are written \\t, \\n and \\\\. A file that cannot be read is
named on standard error; the others are predicted, and the exit code is 1."""

_EXAMPLES = """\
  sklearn-msd predict genres.msd song.mp3
  sklearn-msd predict genres.msd music/ --top 1 > genres.tsv
  sklearn-msd predict genres.msd song.mp3 --json

With --json, a line for each song: an object with file, label, and probabilities, which
has each label."""


def add_parser(commands: Commands) -> None:
    """Add ``predict``."""
    add = add_command(
        commands,
        "predict",
        _run,
        help="predict the genres of songs",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add("model", metavar="MODEL", help="file that `sklearn-msd train` wrote, or `save`")
    add("files", metavar="FILES", nargs="+", help="songs; see above")
    add(
        "--top",
        type=int,
        default=3,
        metavar="N",
        help="how many labels to list for each song (3)",
    )
    add(
        "--loudness",
        choices=["start", "max"],
        default="start",
        help="which loudness of .json and .h5 files the model was trained on (start)",
    )
    add("--json", action="store_true", help="print a JSON object a line")


def _run(args: argparse.Namespace) -> int:
    from sklearn_msd.cli.saved_model import SavedModel

    if args.top < 1:
        raise ValueError(f"--top must be at least 1; got {args.top}.")
    model = SavedModel(args.model)
    code = 0
    if not args.json:
        print("file\tlabel\tprobability")
    files: list[str] = []
    for given in args.files:
        try:
            files += model.files_in(given)
        except USER_ERRORS as error:
            sys.stdout.flush()
            print_problem(error)
            code = SOME_FAILED
    for path in files:
        try:
            for name, row in model.predict_file(path, args.loudness):
                ranked = [(model.classes[i], float(row[i])) for i in (-row).argsort()]
                if args.json:
                    song = {
                        "file": name,
                        "label": ranked[0][0],
                        "probabilities": dict(ranked),
                    }
                    print(json_line(song))
                    continue
                for label, probability in ranked[: args.top]:
                    print(f"{cell(name)}\t{cell(label)}\t{probability:.4f}")
        except BrokenPipeError:
            raise
        except USER_ERRORS as error:
            sys.stdout.flush()  # keeps the order where both go to one place
            print_problem(error)
            code = SOME_FAILED
    sys.stdout.flush()
    for remark in model.lengthened():
        note(remark)
    return code

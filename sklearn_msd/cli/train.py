"""``sklearn-msd train``: from labelled songs to a model file."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import sys
from pathlib import Path
from typing import Any

from sklearn_msd.cli.commands import Commands, add_command, naming, note, show
from sklearn_msd.cli.data_options import DATA_HELP, add_data, load_songs
from sklearn_msd.cli.models import MODELS, make_model, set_shared

_DESCRIPTION = f"""\
Train a classifier on labelled songs and save it, with the scaler and all else that
leads from a file to a genre. The file appears whole, at the end, or not at all.

{DATA_HELP}"""

_EXAMPLES = """\
  sklearn-msd train music/ --out genres.msd
  sklearn-msd train digits/ --label-pattern '^(\\d)_' --n-segments 12 --out digits.msd
  sklearn-msd train genres --model corrected --epochs 30 --out genres.msd
  sklearn-msd train songs.npz --set kernel_height=5 --set pooling=average --out a.msd
  sklearn-msd train songs.npz --model corrected --set corrector__l2=0.1 --out b.msd

Names for --set are the parameters of the model's class; a wrong one lists them."""


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
        default="time-conv",
        metavar="NAME",
        help=f"{', '.join(MODELS)} (time-conv)",
    )
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the model, as often as you like",
    )
    add("--epochs", type=int, help="passes over the songs, of each net (100)")
    add(
        "--n-segments",
        type=int,
        help="segments of a song, its central ones (120 of a recording, else all)",
    )
    add("--seed", type=int, default=0, help="decides every random number (0)")
    add("--device", default="auto", help="auto, cpu or cuda (auto)")
    add("--out", required=True, metavar="FILE", help="model file; replaced if there")
    add("--json", action="store_true", help="print the results as JSON")
    add("--quiet", action="store_true", help="print no line an epoch")


def _run(args: argparse.Namespace) -> None:
    _check_target(Path(args.out))
    shared = {"random_state": args.seed, "device": args.device}
    model = make_model(args.model, args.set, max_epochs=args.epochs, **shared)

    import numpy as np
    from sklearn.pipeline import make_pipeline
    from sklearn.utils.validation import has_fit_parameter

    from sklearn_msd.cli.lengths import cut_songs
    from sklearn_msd.cli.scoring import scores
    from sklearn_msd.common.device import resolve_device
    from sklearn_msd.datasets import AudioSegmenter
    from sklearn_msd.saving.save_load import save
    from sklearn_msd.segments.scaler import SegmentScaler

    resolve_device(args.device)
    if args.n_segments is not None and args.n_segments < 1:
        raise ValueError(f"--n-segments must be at least 1; got {args.n_segments}.")
    segmenter = AudioSegmenter(args.n_segments or 120)
    songs = load_songs(args, segmenter)
    width = songs.X.shape[2] if songs.X.ndim == 3 else 25
    n_segments = args.n_segments or songs.X[0].size // width
    with naming(args.data):
        X, X_valid = (
            cut_songs(part, n_segments, width) for part in (songs.X, songs.X_valid)
        )
        scaler = SegmentScaler(n_segment_features=width).fit(X)
    y, y_valid = songs.classes[songs.y], songs.classes[songs.y_valid]
    known = np.isin(y_valid, y)
    if not known.all():
        lost = ", ".join(map(str, np.unique(y_valid[~known])[:5]))
        note(f"{(~known).sum()} songs held out have labels that no other has: {lost}")
    if not known.any():
        raise ValueError(f"{args.data}: no song is left to validate on.")

    set_shared(model, n_segment_features=width, verbose=int(not args.quiet))
    watched: dict[str, Any] = {}
    # What early stopping watches would flatter the model.
    if has_fit_parameter(model, "X_val") and not _stops_early(model):
        watched = {"X_val": scaler.transform(X_valid[known]), "y_val": y_valid[known]}
    note(f"training {args.model} on {len(X)} songs, {known.sum()} held out")
    with contextlib.redirect_stdout(_Progress()):
        model.fit(scaler.transform(X), y, **watched)
    set_shared(model, verbose=0)
    heard = make_pipeline(scaler, model)
    found = scores(heard, X_valid[known], y_valid[known])
    results = {
        "songs": len(X),
        "songs_held_out": int(known.sum()),
        "accuracy": found["accuracy"],
        "log_loss": found["log_loss"],
    }
    whole = make_pipeline(segmenter, *heard) if songs.features == "audio" else heard
    metadata = {
        "data": songs.name,
        "features": songs.features,
        "feature_names": songs.feature_names,
        **results,
    }
    save(whole, args.out, metadata=metadata)
    show({**results, "model": args.out}, as_json=args.json)


class _Progress(io.TextIOBase):
    """Standard error, for what skorch prints of each epoch, in colour on terminals."""

    def write(self, text: str) -> int:
        plain = text if sys.stderr.isatty() else re.sub(r"\x1b\[\d+m", "", text)
        return sys.stderr.write(plain)


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


def _stops_early(model: Any) -> bool:
    params = model.get_params()
    return any(v for k, v in params.items() if k.split("__")[-1] == "early_stopping")

"""Which models to train on which features: the options, and the candidates they name.

What `train` and `compare` share.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sklearn_msd.cli.models import COMBINATION, MODELS, check_model_name, make_model

if TYPE_CHECKING:
    from sklearn_msd.cli.candidates import Candidate
    from sklearn_msd.datasets import AudioSegmenter
    from sklearn_msd.datasets.sources.songs import LabelledSongs

AUTO = "auto"
FEATURES = (AUTO, "segments", "musicnn", "both")
# Those that have parts of their own, which --set could not tell apart.
MANY = (AUTO, COMBINATION)
MODEL_NAMES = (AUTO, COMBINATION, *MODELS)

CHOICE_HELP = """\
Of recordings there are two kinds of features: `segments`, 25 numbers at each onset, and
`musicnn`, what a net gives every three seconds that was trained on the tags of the
Million Song Dataset; `both` combines a model on each. `auto` tries them all.

Of models, `auto` tries these: `svm` and `logistic` (regression) on statistics of each
song, `net`, a net for few songs of any length, and a `combination` of the last two.

Candidates are compared by cross-validation on the same folds, the cheapest first, until
--minutes are over; those that may be the best again on other folds, while time is
left. Songs that share a group are never on both sides."""


def add_choices(add: Callable[..., argparse.Action]) -> None:
    """Add the options that `train` and `compare` share."""
    add(
        "--features",
        choices=FEATURES,
        default=AUTO,
        help="which features of recordings to use (auto)",
    )
    add("--epochs", type=int, help="passes over the songs (the class's default)")
    add(
        "--n-segments",
        type=int,
        help="segments of a song, its central ones (all; 120 of recordings for models "
        "that take a number of them)",
    )
    add("--minutes", type=float, default=10.0, help="time to use, reading too (10)")
    add(
        "--cv",
        type=int,
        metavar="K",
        help="folds to judge by (5); 1 holds out one song in five, once, which is the "
        "default for more than 2000 songs",
    )
    add("--seed", type=int, default=0, help="seed of all random numbers (0)")
    add("--device", default="auto", help="auto, cpu or cuda (auto)")
    add("--json", action="store_true", help="print the results as JSON")


def check_choices(args: argparse.Namespace, models: Sequence[str]) -> None:
    """Raise for what can be known to be wrong before songs are read."""
    from sklearn_msd.common.pytorch.device import resolve_device

    resolve_device(args.device)
    for name, least in (("n_segments", 1), ("cv", 1)):
        value = getattr(args, name)
        if value is not None and value < least:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} must be at least {least}; got {value}.")
    if not args.minutes > 0:
        raise ValueError(f"--minutes must be more than 0; got {args.minutes}.")
    settings = getattr(args, "set", [])
    for model in models:
        check_model_name(model, MODEL_NAMES)
        if model not in MANY:
            make_model(model, settings, **_shared(args))
        elif settings:
            raise ValueError(f"--set is for one model by name; {model} has several.")


def kinds_to_read(args: argparse.Namespace) -> list[AudioSegmenter]:
    """What to read of recordings."""
    from sklearn_msd.datasets import AudioSegmenter

    kinds = [args.features]
    if args.features in (AUTO, "both"):
        kinds = ["segments", "musicnn"]
    return [AudioSegmenter(None, features=k, device=args.device) for k in kinds]


def candidates_for(
    args: argparse.Namespace, models: Sequence[str], songs: LabelledSongs
) -> tuple[LabelledSongs, list[Candidate]]:
    """Songs as candidates take them, and the candidates that the arguments name.

    Raises
    ------
    ValueError
        If the songs do not have these features or segments.
    """
    from dataclasses import replace

    from sklearn_msd.cli.candidates import Source, candidate_names
    from sklearn_msd.cli.lengths import whole_or_cut

    recordings = songs.kept is not None
    if recordings:
        # As many of musicnn's as are asked for only where nothing else is.
        lengths = {}
        if args.n_segments is not None:
            kind = "musicnn" if args.features == "musicnn" else "segments"
            lengths[kind] = args.n_segments
        source = Source(True, songs.kept, n_segments=lengths)
    else:
        if args.features not in (AUTO, "segments"):
            raise ValueError(
                f"--features {args.features} is for recordings, which {args.data} has "
                "none of."
            )
        width = songs.X.shape[2] if songs.X.ndim == 3 else 25
        X, X_valid = (
            whole_or_cut(part, args.n_segments, width)
            for part in (songs.X, songs.X_valid)
        )
        songs = replace(songs, X=X, X_valid=X_valid)
        source = Source(False, n_segment_features=width)
    names = candidate_names(models, [args.features], recordings=recordings)
    if not recordings and _are_padded(songs.X, width):
        _check_some_take_padding([model for model, _ in names])
    candidates = [
        source.candidate(*name, getattr(args, "set", []), **_shared(args))
        for name in names
    ]
    return songs, candidates


def _are_padded(X: Any, width: int) -> bool:
    """Whether the last segment of some song is NaN."""
    ends = X.reshape(len(X), -1, width)[:, -1]
    return ends.dtype.kind == "f" and bool((ends != ends).all(axis=1).any())


def _check_some_take_padding(models: Sequence[str]) -> None:
    """Raise if no model takes songs of unequal length, and name those that do."""
    from sklearn_msd.cli.models import takes_any_length

    takers = [name for name in MODEL_NAMES if name != AUTO and takes_any_length(name)]
    if any(model in (*takers, "recurrent") for model in models):
        return
    raise ValueError(
        f"songs end in NaN, as padding, and {', '.join(models)} takes songs of one "
        "length. With --model auto those are tried that take any: "
        f"{', '.join(takers)}; recurrent does, too."
    )


def _shared(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "random_state": args.seed,
        "device": args.device,
        "max_epochs": args.epochs,
    }

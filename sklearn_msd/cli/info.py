"""``sklearn-msd info``: what a model file holds, or what is installed here."""

import argparse
from typing import Any

from sklearn_msd.cli.commands import Commands, add_command, cell, show

_DESCRIPTION = """\
Show what is in a model file: the kind of model and its parameters, the labels, what it
takes, how many weights it has, what it was trained on and how well it did on songs held
out, and the versions that wrote it. No code that a file might bring is run.

With --versions, show instead what is installed here: versions, devices, threads, audio
decoders. Reports of faults need this."""

_EXAMPLES = """\
  sklearn-msd info genres.msd
  sklearn-msd info genres.msd --json
  sklearn-msd info --versions"""


def add_parser(commands: Commands) -> None:
    """Add ``info``."""
    add = add_command(
        commands,
        "info",
        _run,
        help="show what is in a model file",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add(
        "model",
        metavar="MODEL",
        nargs="?",
        help="file that `sklearn-msd train` wrote, or `save`",
    )
    add("--versions", action="store_true", help="show what is installed here")
    add("--json", action="store_true", help="print one JSON object")


def _run(args: argparse.Namespace) -> None:
    if args.versions:
        from sklearn_msd.cli.environment import environment

        show(environment(), as_json=args.json)
        return
    if args.model is None:
        raise ValueError("name a MODEL, or ask for --versions.")
    from sklearn.pipeline import Pipeline

    from sklearn_msd.cli.saved_model import SavedModel
    from sklearn_msd.common.scikit_learn.definition import definition
    from sklearn_msd.saving.parameter_counts import n_parameters

    model = SavedModel(args.model)
    steps = [model.estimator]
    if isinstance(model.estimator, Pipeline):
        steps = [step for _, step in model.estimator.steps]
    facts: dict[str, Any] = {
        "model": " > ".join(type(step).__name__ for step in steps),
        "classes": model.classes,
        "input": "recordings" if model.segmenters else "segments",
        "features": model.features(),
        "segments": "any" if model.n_segments is None else model.n_segments,
        "segment_features": model.n_segment_features,
        "weights": n_parameters(model.estimator),
    }
    versions = model.versions
    if args.json:
        parameters = {
            type(step).__name__: definition(step, without=(), other=repr)["params"]
            for step in steps
        }
        more = {"parameters": parameters, "metadata": model.metadata}
        show({**facts, **more, "versions": versions}, as_json=True)
        return
    facts["classes"] = f"{len(model.classes)}: {', '.join(model.classes)}"
    show(facts, as_json=False)
    for step in steps:
        for name, value in step.get_params(deep=False).items():
            text = " ".join(repr(value).split())
            print(f"{type(step).__name__}.{name}\t{cell(text)}")
    for name, value in model.metadata.items():
        if name != "feature_names":
            show({f"trained: {name}": value}, as_json=False)
    wrote = ", ".join(f"{name} {number}" for name, number in versions.items())
    show({"written by": wrote}, as_json=False)

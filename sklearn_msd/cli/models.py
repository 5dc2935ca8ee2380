"""Models by name, and their parameters from text."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

# Its names are imported when they are used, which is not before a model is made.
import sklearn_msd as msd


def _three() -> list[tuple[str, Any]]:
    """The report's three kinds of net, to be combined (section 5.1)."""
    return [
        ("fully_connected", msd.FullyConnectedClassifier()),
        ("segment_conv", msd.SegmentConvClassifier()),
        ("time_conv", msd.TimeConvClassifier()),
    ]


class Model(NamedTuple):
    """A model by name.

    Attributes
    ----------
    make : callable
        Makes the estimator.
    takes : {"segments", "songs", "statistics"}
        A number of segments a song, the same of all; songs of any length; or statistics
        of a song.
    """

    make: Callable[[], Any]
    takes: Literal["segments", "songs", "statistics"] = "segments"


def _svm() -> Any:
    """A support vector machine, with probabilities from a temperature."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    from sklearn_msd.common.scikit_learn.private import CALIBRATION

    return CalibratedClassifierCV(SVC(C=3), method=CALIBRATION, cv=3, ensemble=False)


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.01, max_iter=1000)


def _net() -> Any:
    """The net that was best on hundreds of songs (user guide)."""
    return msd.TimeConvClassifier(
        global_pooling=("mean", "std"),
        summary_norm="batch",
        dropout=0.5,
        crop_segments=120,
        learning_rate=5e-3,
        lr_schedule="one_cycle",
        max_epochs=30,
        batch_size=25,
    )


MODELS: dict[str, Model] = {
    "svm": Model(_svm, "statistics"),
    "logistic": Model(_logistic, "statistics"),
    "net": Model(_net, "songs"),
    "fully-connected": Model(lambda: msd.FullyConnectedClassifier()),
    "segment-conv": Model(lambda: msd.SegmentConvClassifier()),
    "time-conv": Model(lambda: msd.TimeConvClassifier()),
    "recurrent": Model(lambda: msd.RecurrentClassifier()),
    "corrected": Model(
        lambda: msd.CorrectingClassifier(
            msd.TimeConvClassifier(), msd.FullyConnectedClassifier()
        )
    ),
    "sparse": Model(lambda: msd.SparseRefitClassifier(msd.SegmentConvClassifier())),
    # On out-of-fold logits: a base is overconfident on the songs that it was fitted to.
    "linear-combiner": Model(lambda: msd.LinearCombiner(_three(), cv=3)),
    "nonlinear-combiner": Model(lambda: msd.NonlinearCombiner(_three(), cv=3)),
    "joint-combiner": Model(lambda: msd.JointCombiner(_three())),
}


# Of several models, and so none by itself.
COMBINATION = "combination"


def takes_any_length(name: str) -> bool:
    """Whether a model takes songs of any length."""
    return name == COMBINATION or MODELS[name].takes != "segments"


# Parameters that take what only Python can make.
_OBJECTS = ("callbacks", "estimators")


def make_model(name: str, settings: Sequence[str], **shared: Any) -> Any:
    """Make a model.

    Parameters
    ----------
    name : str
        A key of `MODELS`.
    settings : sequence of str
        ``parameter=value`` each, nested parameters as ``part__parameter``. A value is a
        Python literal; what is none is taken as text.
    **shared
        Parameters of all parts that have them; those that are None are left as they
        are. `settings` go before them.

    Raises
    ------
    ValueError
        If there is no such model or parameter, of which the message says what there is,
        or a value is not one that the parameter takes.
    """
    check_model_name(name, MODELS)
    model = MODELS[name].make()
    set_shared(model, **shared)
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals:
            raise ValueError(f"--set takes name=value; got {setting!r}.")
        _check_name(model, key, name)
        model.set_params(**{key: _value(text.strip())})
    for part in _parts(model):
        if hasattr(part, "_validate_params"):
            part._validate_params()  # before an hour of reading, not after
    return model


def check_model_name(name: str, names: Iterable[str]) -> None:
    """Raise if there is no such model, and say which there are."""
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise ValueError(f"no model {name!r}.{hint} There are {', '.join(names)}.")


def set_shared(model: Any, **shared: Any) -> None:
    """Set parameters of a model and of all parts of it that have them."""
    for part in _parts(model):
        own = part.get_params(deep=False)
        given = {k: v for k, v in shared.items() if k in own and v is not None}
        part.set_params(**given)


def _parts(model: Any) -> list[Any]:
    """A model and the estimators in it."""
    parts = [model, *model.get_params().values()]
    return [part for part in parts if hasattr(part, "get_params")]


def _check_name(model: Any, key: str, name: str) -> None:
    """Raise if a model has no such parameter, and say which it has."""
    if key.split("__")[-1] in _OBJECTS:
        raise ValueError(f"{key} of {name} takes objects, which text cannot give.")
    if key in model.get_params():
        return
    part, _, last = key.rpartition("__")
    owner = model.get_params().get(part)
    if hasattr(owner, "get_params"):
        of = f"{part} of {name}"
    else:
        owner, last, of = model, key, name
    params = owner.get_params()
    names = [n for n in params if "__" not in n and n not in _OBJECTS]
    parts = [n for n in names if hasattr(params[n], "get_params")]
    close = difflib.get_close_matches(last, params, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    nested = f", and those of {', '.join(parts)}, as {parts[0]}__…" if parts else ""
    raise ValueError(
        f"no parameter {last!r} of {of}.{hint} There are {', '.join(names)}{nested}."
    )


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text

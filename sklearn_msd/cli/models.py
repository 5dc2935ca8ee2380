"""Models by name, and their parameters from text."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Sequence
from typing import Any

# Its names are imported when they are used, which is not before a model is made.
import sklearn_msd as msd


def _three() -> list[tuple[str, Any]]:
    """The report's three kinds of net, to be combined (section 5.1)."""
    return [
        ("fully_connected", msd.FullyConnectedClassifier()),
        ("segment_conv", msd.SegmentConvClassifier()),
        ("time_conv", msd.TimeConvClassifier()),
    ]


MODELS: dict[str, Callable[[], Any]] = {
    "fully-connected": lambda: msd.FullyConnectedClassifier(),
    "segment-conv": lambda: msd.SegmentConvClassifier(),
    "time-conv": lambda: msd.TimeConvClassifier(),
    "recurrent": lambda: msd.RecurrentClassifier(),
    "corrected": lambda: msd.CorrectingClassifier(
        msd.TimeConvClassifier(), msd.FullyConnectedClassifier()
    ),
    "sparse": lambda: msd.SparseRefitClassifier(msd.SegmentConvClassifier()),
    # On the logits of songs that a base has not seen: it knows the others by heart.
    "linear-combiner": lambda: msd.LinearCombiner(_three(), cv=3),
    "nonlinear-combiner": lambda: msd.NonlinearCombiner(_three(), cv=3),
    "joint-combiner": lambda: msd.JointCombiner(_three()),
}


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
    if name not in MODELS:
        raise ValueError(f"no model {name!r}; there are {', '.join(MODELS)}.")
    model = MODELS[name]()
    set_shared(model, **shared)
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals:
            raise ValueError(f"--set takes name=value; got {setting!r}.")
        _check_name(model, key, name)
        model.set_params(**{key: _value(text.strip())})
    for part in _parts(model):
        part._validate_params()  # before an hour of reading, not after
    return model


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

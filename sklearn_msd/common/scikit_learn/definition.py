"""One way from an estimator to JSON: what it is defined by, to compare and to file."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

# What changes where or how loudly a model is trained, but not the model.
NOT_THE_MODEL = frozenset({"device", "callbacks", "checkpoint", "verbose", "n_jobs"})


def definition(
    value: Any,
    *,
    without: Collection[str] = NOT_THE_MODEL,
    other: Callable[[Any], Any] | None = None,
) -> Any:
    """An estimator or a parameter as JSON: the same for equal ones, else another.

    Parameters
    ----------
    value : object
        An estimator is its class, without the modules that this lies in, and its
        parameters, however they are nested. Lists, tuples and arrays are lists.
    without : collection of str
        Parameters that are left out, of all estimators.
    other : callable, default=None
        Gives what stands for a value that has no such form, such as `repr`. None makes
        it an error.

    Raises
    ------
    TypeError
        For a value that has no such form.
    """

    def defined(part: Any) -> Any:
        return definition(part, without=without, other=other)

    if isinstance(value, BaseEstimator):
        kind = type(value)
        params = {
            name: defined(param)
            for name, param in sorted(value.get_params(deep=False).items())
            if name not in without
        }
        name = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
        return {"class": name, "params": params}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [defined(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((defined(item) for item in value), key=repr)
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {key: defined(item) for key, item in sorted(value.items())}
        pairs = [[defined(key), defined(item)] for key, item in value.items()]
        return {"pairs": sorted(pairs, key=repr)}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, str | int | float):
        return value
    if other is None:
        raise TypeError(f"{value!r} is no part of a definition that can be filed.")
    return other(value)

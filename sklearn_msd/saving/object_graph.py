"""Estimators and nets as values that a file can hold, and back.

A net is the name of its kind, its arguments and its weights, an estimator its name and
its attributes. Only the names on a list can be made again.
"""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from sklearn_msd.common.files.values import ValueDecoder, ValueEncoder
from sklearn_msd.saving.net_kinds import KINDS, kind_of, make_net, own_weights
from sklearn_msd.saving.savable_classes import class_names, classes_by_name
from sklearn_msd.training.keeping.state import net_from_state, net_state
from sklearn_msd.training.net import LogitNet


class GraphEncoder(ValueEncoder):
    """Encode estimators and nets too.

    Parameters
    ----------
    optimizer : bool, default=True
        Whether nets keep the state of their optimiser.
    """

    def __init__(self, *, optimizer: bool = True) -> None:
        super().__init__()
        self.optimizer = optimizer

    def other_object(self, value: Any, path: str) -> dict[str, Any]:
        """Encode an estimator, a net or a module."""
        if type(value) in KINDS.values():
            return {
                "module": kind_of(value),
                "arguments": self.values(value.arguments, path),
                "weights": self.values(dict(own_weights(value)), path),
            }
        if type(value) is LogitNet:
            state = net_state(value, optimizer=self.optimizer)
            return {"net": self.values(state, path)}
        if type(value) in class_names():
            state = self.values(_state(value), path)
            return {"class": class_names()[type(value)], "state": state}
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        raise TypeError(
            f"{path} is of type {name}, which cannot be saved. What can are this "
            "package's estimators, pipelines of them with scikit-learn's scalers, "
            "scikit-learn's linear models, and parameters that are plain values and "
            "arrays. Of a search, save best_estimator_; callbacks are to be set to "
            "None first."
        )


class GraphDecoder(ValueDecoder):
    """Make estimators and nets too."""

    def other_object(self, entry: dict[str, Any]) -> Any:
        """Make an estimator, a net or a module."""
        match entry:
            case {"module": kind, "arguments": arguments, "weights": weights}:
                return make_net(kind, self.values(arguments), self.values(weights))
            case {"net": content}:
                return net_from_state(self.values(content))
            case {"class": name, "state": state}:
                if name not in classes_by_name():
                    raise ValueError(f"it names a class {name!r} that is not allowed")
                return _make_object(classes_by_name()[name], self.values(state))
        return super().other_object(entry)


def _state(value: Any) -> dict[str, Any]:
    """The attributes of an estimator that are worth keeping."""
    state = dict(value.__getstate__())
    for name in ("memory", "checkpoint"):  # folders and files of this machine
        if name in state:
            state[name] = None
    if "owner" in state:  # of a metadata request, which needs no more than its name
        state["owner"] = type(value.owner).__name__
    return state


def _make_object(cls: Any, state: dict[str, Any]) -> Any:
    """An object with the attributes given; parameters that they lack get defaults."""
    if issubclass(cls, BaseEstimator):
        names = cls._get_param_names()
        value = cls(**{name: state[name] for name in names if name in state})
        value.__setstate__(state)  # scikit-learn compares its versions here
    else:
        value = cls.__new__(cls)
        vars(value).update(state)
    if hasattr(value, "memory"):  # a file may not name a folder of pickles to read
        value.memory = None
    return value

"""Values as JSON and arrays, and back, without pickle.

A graph of objects becomes a list in which each object refers only to earlier ones, by
position, so that shared objects stay shared and there are no cycles. Values that are
not objects (numbers, strings, lists, tuples, dictionaries) are written where they
stand. Here the objects are arrays, tensors and random states; who knows of others
extends both classes. Going back, nothing is made but from such values: there is nothing
in between that a file could have called.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.utils import Bunch
from torch import Tensor

_PLAIN = (type(None), bool, int, str)
_ARRAY_KINDS = "biufcmMUS"
_SCALAR_KINDS = "biufU"


class ValueEncoder:
    """Turn values into what JSON can hold, and their arrays into a dictionary.

    Attributes
    ----------
    objects : list of dict
        The objects met, each referring to earlier ones only.
    arrays : dict of str to ndarray
        The arrays met, by the position of their object.
    """

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.arrays: dict[str, np.ndarray] = {}
        # The object itself is kept beside its position: an id is reused after death.
        self._seen: dict[int, tuple[int | None, Any]] = {}

    def encode(self, value: Any, path: str) -> Any:
        """Encode a value.

        Parameters
        ----------
        value : object
        path : str
            Where it stands, for messages.

        Raises
        ------
        TypeError
            If something in it cannot be saved; the message says what and where.
        """
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind is list:
            return self._items(value, path)
        if kind is tuple:
            return {"tuple": self._items(value, path)}
        if kind in (set, frozenset):
            return {kind.__name__: self._items(sorted(value, key=repr), path)}
        if kind is Bunch:
            return {"bunch": self.values(value, path)}
        if isinstance(value, dict):
            return self._dictionary(value, path)
        if isinstance(value, np.generic) and value.dtype.kind in _SCALAR_KINDS:
            return {"scalar": [value.dtype.str, self.encode(value.item(), path)]}
        if isinstance(value, torch.dtype):
            return {"torch_dtype": str(value).removeprefix("torch.")}
        return {"ref": self._reference(value, path)}

    def values(self, values: dict[str, Any], path: str) -> dict[str, Any]:
        """Encode the values of a dictionary."""
        return {key: self.encode(item, f"{path}.{key}") for key, item in values.items()}

    def other_object(self, value: Any, path: str) -> dict[str, Any]:
        """Encode an object that is no array: for subclasses.

        Raises
        ------
        TypeError
        """
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        raise TypeError(f"{path} is of type {name}, which cannot be saved.")

    def _items(self, values: Any, path: str) -> list[Any]:
        return [self.encode(item, f"{path}[{i}]") for i, item in enumerate(values)]

    def _dictionary(self, values: dict[Any, Any], path: str) -> dict[str, Any]:
        if all(type(key) is str for key in values):
            return {"dict": self.values(values, path)}
        pairs = [
            [self.encode(key, path), self.encode(item, f"{path}[{key!r}]")]
            for key, item in values.items()
        ]
        return {"pairs": pairs}

    def _reference(self, value: Any, path: str) -> int:
        if id(value) not in self._seen:
            self._seen[id(value)] = None, value
            entry = self._object(value, path)
            self.objects.append(entry)
            self._seen[id(value)] = len(self.objects) - 1, value
        position, _ = self._seen[id(value)]
        if position is None:
            raise TypeError(f"{path} refers back to what it is part of.")
        return position

    def _object(self, value: Any, path: str) -> dict[str, Any]:
        if type(value) in (np.ndarray, np.memmap) and value.dtype == object:
            items = self._items(value.ravel().tolist(), path)
            return {"objects": items, "shape": list(value.shape)}
        if type(value) in (np.ndarray, np.memmap) and value.dtype.kind in _ARRAY_KINDS:
            return self._array(value, "array")
        if isinstance(value, Tensor):
            return self._array(value.detach().cpu().numpy(), "tensor")
        if type(value) is np.random.RandomState:
            state = value.get_state(legacy=True)
            return {"random_state": self.encode(state, path)}
        return self.other_object(value, path)

    def _array(self, value: np.ndarray, kind: str) -> dict[str, Any]:
        # The order in memory decides how a product of matrices is summed up.
        order = "F" if value.flags.fnc else "C"
        name = str(len(self.objects))
        self.arrays[name] = np.ascontiguousarray(value.T if order == "F" else value)
        return {
            kind: name,
            "dtype": value.dtype.str,
            "shape": list(value.shape),
            "order": order,
        }


class ValueDecoder:
    """Turn what `ValueEncoder` made into the objects again.

    Parameters
    ----------
    objects : list of dict
    take_array : callable
        From the name of an array to its bytes; called once for each.
    """

    def __init__(
        self, objects: list[dict[str, Any]], take_array: Callable[[str], Any]
    ) -> None:
        self._take_array = take_array
        self._objects: list[Any] = []
        for entry in objects:
            self._objects.append(self._object(entry))

    def decode(self, value: Any) -> Any:
        """Decode a value, once all objects have been made.

        Raises
        ------
        ValueError
            For what no encoder makes; other errors may come of that too.
        """
        if type(value) in (*_PLAIN, float):
            return value
        if type(value) is list:
            return [self.decode(item) for item in value]
        ((tag, content),) = value.items()
        match tag:
            case "float":
                return float(content)
            case "tuple":
                return tuple(self.decode(content))
            case "set":
                return set(self.decode(content))
            case "frozenset":
                return frozenset(self.decode(content))
            case "bunch":
                bunch = Bunch()
                bunch.update(self.values(content))
                return bunch
            case "dict":
                return self.values(content)
            case "pairs":
                return {self.decode(key): self.decode(item) for key, item in content}
            case "scalar":
                return _dtype(content[0], _SCALAR_KINDS).type(self.decode(content[1]))
            case "torch_dtype" if content in ("bool", "float32", "float64"):
                return getattr(torch, content)
            case "ref":
                return self._earlier(content)
        raise ValueError(f"unknown kind of value {tag!r}")

    def values(self, values: dict[str, Any]) -> dict[str, Any]:
        """Decode the values of a dictionary."""
        return {key: self.decode(item) for key, item in values.items()}

    def tensor(self, entry: dict[str, Any], kind: str) -> Tensor:
        """The tensor that an entry of its own kind describes."""
        # A clone lies where PyTorch would have put it: products of matrices may be
        # summed up in another order where memory is not so aligned.
        return torch.from_numpy(self._array(entry[kind], **entry)).clone()

    def other_object(self, entry: dict[str, Any]) -> Any:
        """Make an object that is no array: for subclasses.

        Raises
        ------
        ValueError
        """
        raise ValueError(f"unknown kind of object {sorted(entry)}")

    def _earlier(self, position: int) -> Any:
        if not 0 <= position < len(self._objects):
            raise ValueError(f"it refers to an object {position} that is not there")
        return self._objects[position]

    def _object(self, entry: dict[str, Any]) -> Any:
        match entry:
            case {"objects": items, "shape": shape}:
                array = np.empty(len(items), dtype=object)
                for i, item in enumerate(items):
                    array[i] = self.decode(item)
                return array.reshape(shape)
            case {"array": name}:
                return self._array(name, **entry)
            case {"tensor": _}:
                return self.tensor(entry, "tensor")
            case {"random_state": state}:
                generator = np.random.RandomState(0)
                generator.set_state(self.decode(state))
                return generator
        return self.other_object(entry)

    def _array(
        self, name: str, dtype: str, shape: list[int], order: Any, **_: Any
    ) -> np.ndarray:
        # Taken, not read: a file may not hold an array once and have many of it.
        flat = np.frombuffer(self._take_array(name), _dtype(dtype, _ARRAY_KINDS))
        return flat.reshape(shape, order=order).copy(order)


def _dtype(name: str, kinds: str) -> np.dtype:
    dtype = np.dtype(name)
    if dtype.kind not in kinds:
        raise ValueError(f"unknown type of numbers {name!r}")
    return dtype

"""Folds that are copied once for all candidates of a search.

scikit-learn gives each task the whole array and row numbers, and the task copies its
rows. Where many tasks wait at once, so would many copies. Here the array is one whose
rows, asked for twice, are the same memory, as long as somebody holds them. That memory
is read-only; so only tasks get such an array whose functions and estimators are known
not to write into what they are given.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.preprocessing import FunctionTransformer

# Smaller arrays may be copied; as for joblib, which maps those above into files.
LARGE = 1_000_000

_TRUSTED = ("sklearn", "sklearn_msd")


class SharedRows(np.ndarray):
    """An array of which each choice of rows is copied once."""

    _copies: Copies | None = None

    def __getitem__(self, key: Any) -> Any:
        rows = _rows(key)
        whole = self.view(np.ndarray)
        if rows is None or self._copies is None:
            return whole[key]
        return self._copies.of(whole, rows)

    def __reduce__(self) -> Any:
        """In another process it is an array like others."""
        return self.view(np.ndarray).__reduce__()


class Copies:
    """Copies of rows of an array, as long as they are used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_rows: weakref.WeakValueDictionary[bytes, Any]
        self._by_rows = weakref.WeakValueDictionary()

    def of(self, array: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The rows of the array, read-only."""
        name = rows.astype(np.int64).tobytes()
        with self._lock:
            found: np.ndarray | None = self._by_rows.get(name)
            if found is None:
                found = array[rows]
                found.flags.writeable = False
                self._by_rows[name] = found
        return found


class Folds:
    """Arrays of the tasks of a meeting, each with its copies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: weakref.WeakValueDictionary[int, SharedRows]
        self._known = weakref.WeakValueDictionary()

    def share(self, items: list[tuple[Any, Any, Any]]) -> list[tuple[Any, Any, Any]]:
        """Calls of joblib with shared arrays, where these are safe.

        Parameters
        ----------
        items : list of (callable, tuple, dict)
        """
        return [
            (
                function,
                tuple(map(self._shared, args)),
                {name: self._shared(value) for name, value in kwargs.items()},
            )
            if _is_trusted(function) and all(map(_reads_only, args))
            else (function, args, kwargs)
            for function, args, kwargs in items
        ]

    def _shared(self, value: Any) -> Any:
        if type(value) is not np.ndarray or value.nbytes < LARGE:
            return value
        with self._lock:
            found = self._known.get(id(value))
            if found is None or found.base is not value:
                found = value.view(SharedRows)
                found._copies = Copies()
                self._known[id(value)] = found
        return found


def _rows(key: Any) -> np.ndarray | None:
    """The row numbers of an index that chooses whole rows by number."""
    if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
        key = key[0]
    is_rows = isinstance(key, np.ndarray) and key.ndim == 1 and key.dtype.kind in "iu"
    return key if is_rows else None


def _is_trusted(function: Any) -> bool:
    """Whether a function is scikit-learn's or of this package."""
    function = getattr(function, "function", function)  # scikit-learn's wrapper
    function = getattr(function, "__func__", function)
    return str(getattr(function, "__module__", "")).split(".")[0] in _TRUSTED


def _reads_only(value: Any) -> bool:
    """Whether an argument is no estimator that may write into its input."""
    if isinstance(value, list | tuple):
        return all(map(_reads_only, value))
    if not hasattr(value, "get_params"):
        return True
    if isinstance(value, FunctionTransformer) or not isinstance(value, BaseEstimator):
        return False
    is_known = type(value).__module__.split(".")[0] in _TRUSTED
    return is_known and all(map(_reads_only, value.get_params(deep=False).values()))

"""Copies of objects that hold something which cannot be copied."""

from __future__ import annotations

import copy
from typing import Any


def copied(items: list[Any] | None) -> list[Any] | None:
    """Copy a list of objects; what in them cannot be copied, the copies share.

    An open file, a connection or a lock is such a thing: where copying an attribute
    fails, the attribute is shared. Objects of the list that refer to each other do so
    as copies. One that defines ``__deepcopy__`` or scikit-learn's ``__sklearn_clone__``
    is copied by that.

    Parameters
    ----------
    items : list or None
        Objects, or pairs of a name and one.
    """
    memo: dict[int, Any] = {}
    pending = []
    for item in items or []:
        for value in item if isinstance(item, list | tuple) else [item]:
            if isinstance(value, type):
                continue
            if hasattr(value, "__sklearn_clone__"):
                memo[id(value)] = value.__sklearn_clone__()
            elif _is_plain_object(value):
                memo[id(value)] = object.__new__(type(value))
                pending.append(value)
            else:
                _copy_or_share(value, memo)
    for value in pending:
        for name, attribute in (value.__getstate__() or {}).items():
            memo[id(value)].__dict__[name] = _copy_or_share(attribute, memo)
    return copy.deepcopy(items, memo)


def _copy_or_share(value: Any, memo: dict[int, Any]) -> Any:
    attempt = dict(memo)  # one that fails leaves halves of copies in it
    try:
        found = copy.deepcopy(value, attempt)
    except Exception:
        found = memo[id(value)] = value
    else:
        memo.update(attempt)
    return found


def _is_plain_object(value: Any) -> bool:
    """Whether an instance is its class and a dictionary, to the copy module too."""
    kind: Any = type(value)
    return (
        kind.__reduce_ex__ is object.__reduce_ex__
        and kind.__reduce__ is object.__reduce__
        and not hasattr(value, "__deepcopy__")
        and not hasattr(value, "__setstate__")
        and hasattr(value, "__dict__")
        and isinstance(value.__getstate__(), dict | None)
    )

"""Words around numbers."""

from __future__ import annotations

from collections.abc import Sequence


def plural(n: int, what: str) -> str:
    """A number of things.

    Examples
    --------
    >>> from sklearn_msd.report.words import plural
    >>> plural(1, "epoch"), plural(2000, "song")
    ('1 epoch', '2,000 songs')
    """
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def times(n: int) -> str:
    """How often.

    Examples
    --------
    >>> from sklearn_msd.report.words import times
    >>> times(1), times(2), times(5)
    ('once', 'twice', '5 times')
    """
    return {1: "once", 2: "twice"}.get(n, f"{n} times")


def joined(parts: Sequence[str]) -> str:
    """A list in words.

    Examples
    --------
    >>> from sklearn_msd.report.words import joined
    >>> joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last

"""Candidates beside each other: a table to read, and the same as data."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_msd.cli.choosing import Trial, duration
from sklearn_msd.cli.intervals import Estimate, accuracy_estimate, difference_estimate

_HEADING = ("model", "features", "accuracy", "95 %", "behind the best", "a fit")


def compared(
    trials: Sequence[Trial], best: Trial, group: NDArray[Any] | None
) -> list[dict[str, Any]]:
    """What there is to say of each trial, the best first.

    Parameters
    ----------
    trials : sequence of Trial
    best : Trial
        The one that the others are compared with, on the same songs.
    group : ndarray of shape (n_songs,) or None

    Returns
    -------
    list of dict
        With the keys ``model``, ``features``, and either ``accuracy``, ``interval``,
        ``behind``, ``behind_interval`` (of the best, None), ``log_loss`` and
        ``seconds`` of a fit, or ``problem``.
    """
    found = []
    for trial in trials:
        entry: dict[str, Any] = {
            "model": trial.candidate.model,
            "features": trial.candidate.features,
        }
        found.append(entry)
        if not trial.done:
            entry["problem"] = trial.problem
            continue
        # Repetitions that both have, so that the folds are the same.
        n = min(len(best.correct), len(trial.correct))
        ours, theirs = (np.mean(t.correct[:n], axis=0) for t in (best, trial))
        accuracy = accuracy_estimate(np.mean(trial.correct, axis=0), group)
        behind = None if trial is best else difference_estimate(ours, theirs, group)
        entry |= {
            "accuracy": accuracy.value,
            "interval": list(accuracy[1:]),
            "behind": behind and behind.value,
            "behind_interval": behind and list(behind[1:]),
            "log_loss": float(np.mean(trial.losses)),
            "seconds": float(np.mean(trial.seconds)),
        }
    return sorted(found, key=lambda e: -e.get("accuracy", -1.0))


def as_table(entries: Sequence[dict[str, Any]]) -> str:
    """A table of what `compared` gives, at most 80 columns wide.

    Problems stand below it, for they are sentences; each once, with all that have it.
    """
    lines = [_HEADING]
    for entry in entries:
        if "problem" in entry:
            continue
        low, high = entry["interval"]
        behind = "-"
        if entry["behind"] is not None:
            less, more = entry["behind_interval"]
            behind = f"{entry['behind']:.2f} ({less:.2f} to {more:.2f})"
        lines.append(
            (
                entry["model"],
                entry["features"],
                f"{entry['accuracy']:.3f}",
                f"{low:.2f} to {high:.2f}",
                behind,
                duration(entry["seconds"]),
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )
    problems: dict[str, list[str]] = {}
    for entry in entries:
        if "problem" in entry:
            named = problems.setdefault(entry["problem"], [])
            named.append(f"{entry['model']} on {entry['features']}")
    for problem, named in problems.items():
        line = f"{', '.join(named)}: {problem}"
        text += "\n" + textwrap.fill(line, 80, subsequent_indent="  ")
    return text


def accuracy_in_words(found: Estimate, chance: float, how: str) -> str:
    """An accuracy and how little it may mean.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_msd.cli.comparison import accuracy_in_words
    >>> from sklearn_msd.cli.intervals import accuracy_estimate
    >>> found = accuracy_estimate(np.repeat([1.0, 0.0], [13, 7]))
    >>> accuracy_in_words(found, 0.1, "20 songs held out")
    '0.65 (95 %: 0.43 to 0.82; chance 0.10; 20 songs held out)'
    """
    return (
        f"{found.value:.2f} (95 %: {found.low:.2f} to {found.high:.2f}; chance "
        f"{chance:.2f}; {how})"
    )


def held_out_in_words(n_songs: int, n_folds: int, n_repetitions: int = 1) -> str:
    """How songs were held out.

    Examples
    --------
    >>> from sklearn_msd.cli.comparison import held_out_in_words
    >>> held_out_in_words(20, 0)
    '20 songs held out'
    >>> held_out_in_words(100, 5, 4)
    '100 songs held out in 5 folds, 4 times'
    """
    folds = f" in {n_folds} folds" if n_folds else ""
    times = f", {n_repetitions} times" if n_repetitions > 1 else ""
    return f"{n_songs} songs held out{folds}{times}"

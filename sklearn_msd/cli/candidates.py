"""What may be trained on songs: models by name, on features by name, as pipelines.

A candidate is an estimator from songs, paths of recordings or arrays, to labels, as a
user would write it. The table `AUTO` has those that are tried where nobody names one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_msd as msd
from sklearn_msd.cli.models import (
    COMBINATION,
    MODELS,
    check_model_name,
    make_model,
    set_shared,
)
from sklearn_msd.datasets import AudioSegmenter

KINDS = ("segments", "musicnn")
BOTH = "both"

# What is tried by itself, the cheapest first.
AUTO = (
    ("svm", "musicnn"),
    ("logistic", "musicnn"),
    ("svm", "segments"),
    ("logistic", "segments"),
    ("svm", BOTH),
    ("logistic", BOTH),
    ("net", "segments"),
    (COMBINATION, "segments"),
)

# What a combination has in it.
_MEMBERS = {"segments": ("logistic", "net"), "musicnn": ("svm", "logistic")}

# Statistics of a song, for models that take no sequences. Of musicnn's three seconds
# more than the mean was of no use.
_STATISTICS: dict[str, dict[str, Any]] = {
    "segments": {},
    "musicnn": {"statistics": ("mean",)},
}
WIDTHS = {"segments": 25, "musicnn": 200}
# Segments of a song, for models that take a number of them: half a minute.
_N_SEGMENTS = {"segments": 120, "musicnn": 10}


@dataclass(frozen=True)
class Candidate:
    """A model on features, both by name, and the estimator that they are."""

    model: str
    features: str
    estimator: Any

    def __str__(self) -> str:
        return f"{self.model} on {self.features}"


@dataclass(frozen=True)
class Source:
    """What songs are like, and so what takes them.

    Parameters
    ----------
    recordings : bool
        Whether songs are paths.
    memory : object with the joblib.Memory interface, default=None
        Of the segmenters.
    n_segment_features : int, default=None
        Of songs that are arrays.
    n_segments : dict of str to int
        By kind of features, segments of a recording; else all, or half a minute where a
        model takes a number of them.
    """

    recordings: bool
    memory: Any = None
    n_segment_features: int | None = None
    n_segments: dict[str, int] = field(default_factory=dict)

    def candidate(
        self, model: str, features: str, settings: Sequence[str] = (), **shared: Any
    ) -> Candidate:
        """A candidate for these songs.

        Parameters
        ----------
        model : str
            A key of `MODELS`, or "combination".
        features : {"segments", "musicnn", "both"}
            With "both", the model on each, combined.
        settings, **shared
            As for `make_model`.

        Raises
        ------
        ValueError
            As `make_model`.
        """
        kinds = KINDS if features == BOTH else (features,)
        parts = {kind: self._on(kind, model, settings, shared) for kind in kinds}
        estimator = combine(parts) if features == BOTH else parts[features]
        return Candidate(model, features, estimator)

    def _on(
        self, kind: str, model: str, settings: Sequence[str], shared: dict[str, Any]
    ) -> Any:
        if model == COMBINATION:
            members = _MEMBERS[kind]
            return combine({m: self._on(kind, m, settings, shared) for m in members})
        classifier = make_model(model, settings, **shared)
        takes = MODELS[model].takes
        steps: list[Any] = [msd.SegmentScaler()]
        if takes == "statistics":
            steps = [msd.SegmentStatistics(**_STATISTICS[kind]), StandardScaler()]
        steps.append(classifier)
        width = self.n_segment_features or WIDTHS[kind]
        for step in steps:
            set_shared(step, n_segment_features=width)
        if self.recordings:
            default = _N_SEGMENTS[kind] if takes == "segments" else None
            n_segments = self.n_segments.get(kind, default)
            front = AudioSegmenter(n_segments, features=kind, memory=self.memory)
            set_shared(front, device=shared.get("device"))
            steps.insert(0, front)
        return make_pipeline(*steps)


def combine(members: dict[str, Any]) -> Any:
    """One model of several that take the same songs."""
    return msd.LinearCombiner(list(members.items()), cv=3)


def candidate_names(
    models: Sequence[str], features: Sequence[str], *, recordings: bool
) -> list[tuple[str, str]]:
    """Models and features of candidates.

    Parameters
    ----------
    models, features : sequence of str
        Each model on each kind. Where "auto" is among the models, those of `AUTO` on
        these kinds; where it is among the features, all kinds that the songs have.
    recordings : bool
        Whether the songs have all kinds, or segments only.

    Raises
    ------
    ValueError
        If there is no such model.
    """
    kinds: Sequence[str] = features
    if "auto" in features:
        kinds = (*KINDS, BOTH) if recordings else ("segments",)
    if "auto" in models:
        return [(model, kind) for model, kind in AUTO if kind in kinds]
    for model in models:
        check_model_name(model, (COMBINATION, *MODELS))
    return [(model, kind) for model in models for kind in kinds]

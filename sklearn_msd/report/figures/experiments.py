"""The report's Figures 2 to 15 and its future work, one after the other, as data."""

from __future__ import annotations

from sklearn_msd.report.declaration import Figure
from sklearn_msd.report.figures.combined import (
    COMBINING_FIGURES,
    FUTURE_FIGURES,
    TASK_25_FIGURES,
)
from sklearn_msd.report.figures.models import MODELS
from sklearn_msd.report.figures.nets import BASELINE_FIGURES, TIME_FIGURES

__all__ = ["FIGURES", "MODELS"]

FIGURES: tuple[Figure, ...] = (
    *BASELINE_FIGURES,
    *TIME_FIGURES,
    *COMBINING_FIGURES,
    *TASK_25_FIGURES,
    *FUTURE_FIGURES,
)

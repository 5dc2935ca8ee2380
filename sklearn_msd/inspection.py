"""Pictures of fitted classifiers; matplotlib is imported only when they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sklearn_msd._optional import import_optional

# Told apart in colour, in grey and in print: lightness, dashes and markers all differ.
COLORS = ("#0b1d51", "#c1272d", "#2e7d32", "#d98e04", "#6a3d9a", "#5f8fb4", "#7a7a7a")
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
MARKERS = "osD^vPX"


def line_style(i: int) -> dict[str, Any]:
    """Colour, dash and marker of the i-th line of a picture."""
    return {
        "color": COLORS[i % len(COLORS)],
        "linestyle": DASHES[i % len(DASHES)],
        "marker": MARKERS[i % len(MARKERS)],
    }


class LearningCurveDisplay:
    """Validation error and accuracy by epoch, in two panels as in the report.

    Parameters
    ----------
    histories : mapping of str to (losses, scores)
        For each model its mean validation cross-entropy and accuracy by epoch: one
        sequence each, or an array of shape (n_runs, n_epochs), drawn as the mean with a
        band from the least to the greatest. A model with a single value, not trained in
        epochs, is drawn as a level line.

    Attributes
    ----------
    figure_, axes_
        The matplotlib figure and its two axes, after `plot`.
    lines_ : list of tuple of Line2D
        For each model its two lines.

    Examples
    --------
    >>> from sklearn_msd.inspection import LearningCurveDisplay
    >>> display = LearningCurveDisplay({"net": ([2.3, 1.9, 1.8], [0.1, 0.3, 0.4])})
    >>> display.plot().axes_[1].get_ylabel()  # doctest: +SKIP
    'validation accuracy'
    """

    def __init__(self, histories: Mapping[str, tuple[Any, Any]]) -> None:
        self.histories = {
            name: (np.atleast_2d(losses), np.atleast_2d(scores))
            for name, (losses, scores) in histories.items()
        }
        for name, (losses, scores) in self.histories.items():
            if losses.shape != scores.shape or losses.ndim != 2 or losses.size == 0:
                raise ValueError(
                    f"histories[{name!r}] must be losses and scores of one shape, "
                    f"(n_epochs,) or (n_runs, n_epochs); got {losses.shape} and "
                    f"{scores.shape}."
                )

    @classmethod
    def from_estimator(cls, estimator: Any, *, name: str | None = None, axes=None):
        """Draw one fitted net; see :meth:`from_estimators`."""
        label = type(estimator).__name__ if name is None else name
        return cls.from_estimators({label: estimator}, axes=axes)

    @classmethod
    def from_estimators(cls, estimators: Any, *, axes: Any = None):
        """Draw fitted nets that were given `X_val` and `y_val`, or held songs out.

        Parameters
        ----------
        estimators : mapping of str to estimator, or list of (name, estimator)
        axes : two matplotlib axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        LearningCurveDisplay

        Raises
        ------
        ValueError
            If an estimator has no validation curves.
        """
        histories = {}
        for name, estimator in dict(estimators).items():
            losses = getattr(estimator, "validation_loss_curve_", None)
            scores = getattr(estimator, "validation_scores_", None)
            if losses is None or scores is None:
                raise ValueError(
                    f"{name} has no validation curves: fit it with X_val and y_val, "
                    "or with early_stopping=True."
                )
            histories[name] = (losses, scores)
        return cls(histories).plot(axes)

    def plot(self, axes: Any = None) -> LearningCurveDisplay:
        """Draw into two matplotlib axes, new ones if None."""
        if axes is None:
            pyplot = import_optional("matplotlib.pyplot", "plot")
            _, axes = pyplot.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
        self.axes_, self.figure_ = axes, axes[0].figure
        n_epochs = max(losses.shape[1] for losses, _ in self.histories.values())
        self.lines_ = []
        for i, (name, curves) in enumerate(self.histories.items()):
            self.lines_.append(
                tuple(
                    self._draw(axis, values, name, i, n_epochs)
                    for axis, values in zip(axes, curves, strict=True)
                )
            )
        for axis, label in zip(
            axes,
            ("validation error (cross-entropy)", "validation accuracy"),
            strict=True,
        ):
            axis.set(xlabel="epoch", ylabel=label)
            axis.set_xlim(0, n_epochs + 1)
            axis.locator_params(axis="x", integer=True)
            axis.grid(color="0.9")
            axis.set_axisbelow(True)
        # One legend below both panels can never cover a line.
        self.figure_.legend(
            handles=[pair[0] for pair in self.lines_],
            loc="outside lower center",
            ncols=2 if len(self.lines_) > 1 else 1,
            frameon=False,
            handlelength=4,
        )
        return self

    def _draw(self, axis: Any, values: np.ndarray, name: str, i: int, n: int) -> Any:
        style = line_style(i)
        mean = values.mean(axis=0)
        if len(mean) == 1 and n > 1:
            epochs, mean = np.array([1, n]), np.repeat(mean, 2)
            values = np.repeat(values, 2, axis=1)
        else:
            epochs = np.arange(1, len(mean) + 1)
        if len(values) > 1:
            axis.fill_between(
                epochs,
                values.min(0),
                values.max(0),
                color=style["color"],
                alpha=0.12,
                linewidth=0,
            )
        every = max(1, n // 8)
        (line,) = axis.plot(
            epochs,
            mean,
            label=name,
            markersize=4.5,
            linewidth=1.6,
            markevery=(i % every, every),
            **style,
        )
        return line

"""Pictures of classifiers' accuracies; matplotlib is imported when they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy.stats import binomtest

from sklearn_msd.common.wrappers import look_through
from sklearn_msd.inspection.drawing import (
    add_legend,
    as_written,
    by_name,
    line_style,
    listed,
    new_axes,
    numbers,
    text_inches,
)
from sklearn_msd.segments.as_array import as_labels


class LearningCurveDisplay:
    """Learning curves: validation loss and accuracy by epoch, as the report has them.

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
    >>> from sklearn_msd import LearningCurveDisplay
    >>> display = LearningCurveDisplay({"net": ([2.3, 1.9, 1.8], [0.1, 0.3, 0.4])})
    >>> display.plot().axes_[1].get_ylabel()
    'validation accuracy'
    """

    def __init__(self, histories: Mapping[str, tuple[Any, Any]]) -> None:
        self.histories = {}
        for name, pair in by_name(histories, "histories").items():
            where = f"histories[{name!r}]"
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise ValueError(
                    f"{where} must be a pair, losses and scores; got {pair!r:.60}."
                )
            losses, scores = (np.atleast_2d(numbers(part, where)) for part in pair)
            if losses.shape != scores.shape or losses.ndim != 2:
                raise ValueError(
                    f"{where} must be losses and scores of one shape, "
                    f"(n_epochs,) or (n_runs, n_epochs); got {losses.shape} and "
                    f"{scores.shape}."
                )
            self.histories[name] = losses, scores

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, name: str | None = None, axes: Any = None
    ) -> Self:
        """Draw one fitted net; see :meth:`from_estimators`."""
        label = type(estimator).__name__ if name is None else name
        return cls.from_estimators({label: estimator}, axes=axes)

    @classmethod
    def from_estimators(cls, estimators: Any, *, axes: Any = None) -> Self:
        """Draw fitted nets that were given `X_val` and `y_val`, or held songs out.

        Parameters
        ----------
        estimators : mapping of str to estimator, or list of (name, estimator)
            Pipelines and fitted searches of nets, too.
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
        for name, wrapped in by_name(estimators, "estimators").items():
            estimator, _ = look_through(wrapped)
            losses = getattr(estimator, "validation_loss_curve_", None)
            scores = getattr(estimator, "validation_scores_", None)
            if losses is None or scores is None:
                folds = getattr(estimator, "shrinkage", None) == "auto"
                raise ValueError(
                    f"The estimator {name} has no validation curves: fit it with X_val "
                    "and y_val"
                    + (
                        ': with shrinkage="auto" folds choose the epochs.'
                        if folds
                        else ", or with early_stopping=True."
                    )
                )
            histories[name] = (losses, scores)
        return cls(histories).plot(axes)

    def plot(self, axes: Any = None) -> Self:
        """Draw into two matplotlib axes, new ones if None."""
        if axes is None:
            axes = new_axes(2, (9, 4.2))
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
        handles = [pair[0] for pair in self.lines_]
        add_legend(axes, handles)
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
            label=as_written(name),
            markersize=4.5,
            linewidth=1.6,
            markevery=(i % every, every),
            **style,
        )
        return line


class ComparisonDisplay:
    """Accuracies of several classifiers with their intervals, beside published ones.

    Parameters
    ----------
    names : sequence of str
        From top to bottom.
    scores : sequence of float
        Accuracies.
    intervals : sequence of (low, high), default=None
        Their confidence intervals.
    published : sequence of float or None, default=None
        Accuracies that others found, None where there is none.

    Attributes
    ----------
    figure_, ax_
        The matplotlib figure and its axes, after `plot`.

    Examples
    --------
    >>> from sklearn_msd import ComparisonDisplay
    >>> display = ComparisonDisplay(["a", "b"], [0.5, 0.6], published=[0.58, None])
    >>> display.plot().ax_.get_xlabel()
    'accuracy'
    """

    def __init__(
        self,
        names: Sequence[str],
        scores: Sequence[float],
        intervals: Sequence[tuple[float, float]] | None = None,
        published: Sequence[float | None] | None = None,
    ) -> None:
        self.names = listed(names, "names")
        self.scores = numbers(scores, "scores")
        self.intervals, self.published = intervals, published
        parts: dict[str, tuple[np.ndarray, tuple[int, ...]]]
        parts = {"scores": (self.scores, (len(self.names),))}
        if intervals is not None:
            shape = (len(self.names), 2)
            parts["intervals"] = numbers(intervals, "intervals"), shape
        if published is not None:
            # None is for what nobody found, and drawn as nothing, like NaN.
            known = [np.nan if p is None else p for p in listed(published, "published")]
            parts["published"] = numbers(known, "published"), (len(self.names),)
        for argument, (values, expected) in parts.items():
            if values.shape != expected:
                raise ValueError(
                    f"{argument} must have one value for each of {len(self.names)} "
                    f"names; got the shape {values.shape}."
                )

    @classmethod
    def from_estimators(
        cls,
        estimators: Any,
        X: Any,
        y: Any,
        *,
        published: Mapping[str, float] | None = None,
        confidence: float = 0.95,
        ax: Any = None,
    ) -> Self:
        """Score fitted classifiers on the same songs and draw.

        Parameters
        ----------
        estimators : mapping of str to classifier, or list of (name, classifier)
        X, y : array-like
            Songs that none of them was trained on, and their labels.
        published : mapping of str to float, default=None
            Accuracies that others found, by name.
        confidence : float, default=0.95
            Of Wilson's interval for each accuracy. That of a difference is another:
            two intervals may overlap although one classifier is better.
        ax : matplotlib axes, default=None

        Returns
        -------
        ComparisonDisplay

        Raises
        ------
        TypeError
            If one of `estimators` is no classifier.
        """
        published = published or {}
        scores, intervals = {}, []
        for name, estimator in by_name(estimators, "estimators").items():
            if not hasattr(estimator, "predict"):
                raise TypeError(
                    f"estimators[{name!r}] must be a classifier; got "
                    f"{type(estimator).__name__}."
                )
            right = np.asarray(estimator.predict(X)) == np.asarray(as_labels(y))
            scores[name] = float(right.mean())
            found = binomtest(int(right.sum()), len(right)).proportion_ci(
                confidence, method="wilson"
            )
            intervals.append((float(found.low), float(found.high)))
        return cls(
            list(scores),
            list(scores.values()),
            intervals,
            [published.get(name) for name in scores],
        ).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw into matplotlib axes, new ones if None."""
        if ax is None:
            width = 6 + text_inches(self.names)
            ax = new_axes(1, (width, 1.2 + 0.32 * len(self.names)))
        self.ax_, self.figure_ = ax, ax.figure
        rows = np.arange(len(self.names))
        if self.intervals is not None:
            low, high = np.asarray(self.intervals).T
            ax.hlines(rows, low, high, color="0.45", linewidth=2.5)
        handles = [ax.plot(self.scores, rows, "o", color="0.05", label="here")[0]]
        known = [
            (p, i)
            for i, p in enumerate([] if self.published is None else self.published)
            if p is not None
        ]
        if known:
            handles += ax.plot(
                *zip(*known, strict=True),
                "D",
                markerfacecolor="white",
                color="#c1272d",
                label="published",
            )
            add_legend([ax], handles)
        ax.set(
            yticks=rows, yticklabels=[*map(as_written, self.names)], xlabel="accuracy"
        )
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.grid(axis="x", color="0.9")
        ax.set_axisbelow(True)
        return self

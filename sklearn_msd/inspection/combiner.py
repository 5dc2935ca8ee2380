"""A picture of a linear combiner: each model's contribution to each class."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_msd.common.wrappers import look_through
from sklearn_msd.inspection.drawing import (
    as_written,
    listed,
    new_axes,
    numbers,
    text_inches,
)


class CombinerDisplay:
    """Heat map of what each model contributes to each class.

    Parameters
    ----------
    contributions : ndarray of shape (n_estimators, n_classes)
        `LinearCombiner.class_contributions_`: 1 for a model taken as it is, 0 for one
        that changes nothing.
    names : list of str
        Of the models.
    classes : ndarray of shape (n_classes,)

    Attributes
    ----------
    ax_, figure_, image_
        The matplotlib axes, figure and image, after `plot`.

    Examples
    --------
    >>> from sklearn_msd import CombinerDisplay
    >>> display = CombinerDisplay([[0.5, 0.2]], ["conv"], ["Jazz", "Rock"])
    >>> display.plot().ax_.get_xlabel()
    'class'
    """

    def __init__(self, contributions: Any, names: Any, classes: Any) -> None:
        self.contributions = numbers(contributions, "contributions", finite=True)
        self.names, self.classes = listed(names, "names"), listed(classes, "classes")
        shape, expected = self.contributions.shape, (len(self.names), len(self.classes))
        if shape != expected:
            raise ValueError(
                "contributions must have a row for each name and a column for each "
                f"class, {expected}; got {shape}."
            )

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Draw a fitted `LinearCombiner` or `JointCombiner`.

        Parameters
        ----------
        estimator : LinearCombiner or JointCombiner
            Or a pipeline or fitted search of one.
        ax : matplotlib axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        CombinerDisplay

        Raises
        ------
        TypeError
            If `estimator` is no such combiner.
        """
        check_is_fitted(estimator)
        combiner, _ = look_through(estimator)
        if not hasattr(combiner, "class_contributions_"):
            raise TypeError(
                "estimator must be a LinearCombiner or JointCombiner; got "
                f"{type(combiner).__name__}."
            )
        names = [name for name, base in combiner.estimators if base != "drop"]
        return cls(combiner.class_contributions_, names, combiner.classes_).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw into matplotlib axes, new ones if None."""
        field = 0.6  # inches, room for a number
        if ax is None:
            width = 0.8 + text_inches(self.names) + max(2, field * len(self.classes))
            height = 1.3 + 0.7 * text_inches(self.classes) + 0.4 * len(self.names)
            ax = new_axes(1, (width, height))
        else:
            width = ax.bbox.width / ax.figure.dpi
            field = min(field, width / len(self.classes))
        largest = max(1.0, float(np.abs(self.contributions).max()))
        self.ax_, self.figure_ = ax, ax.figure
        self.image_ = ax.imshow(
            self.contributions, cmap="RdBu", vmin=-largest, vmax=largest, aspect="auto"
        )
        for (row, column), value in np.ndenumerate(self.contributions):
            dark = abs(value) > 0.6 * largest
            ax.text(
                column,
                row,
                f"{value:.2f}",
                ha="center",
                va="center",
                fontsize=10 * field / 0.6,
                color="white" if dark else "black",
            )
        classes, names = map(as_written, self.classes), map(as_written, self.names)
        slant = text_inches(self.classes) > field  # else they fit side by side
        slanted = {"rotation": 45, "ha": "right"} if slant else {}
        ax.set_xticks(range(len(self.classes)), [*classes], **slanted)
        ax.set_yticks(range(len(self.names)), [*names])
        ax.set(xlabel="class", title="contribution to each class")
        return self

"""What a figure of the report is made of: models, curves and claims, as plain data.

A model is declared by an unfitted estimator. Where it builds on models that are trained
before it, these are declared in place as ``FrozenEstimator(base)``, and the runner puts
the trained ones there. So a declaration says all that a model depends on, and its
:func:`~sklearn_msd.common.scikit_learn.definition.definition` is what the model's
results are filed under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

Relation = Literal["beats", "does not beat", "equals"]
Standing = Literal["claimed", "expected", "open"]


@dataclass(frozen=True)
class Model:
    """A model to train.

    Parameters
    ----------
    label : str
        What legends and tables call it.
    estimator : classifier
        Unfitted, with ``FrozenEstimator(base)`` for a base that is trained first.
    published : mapping of int to float
        The report's accuracy on its 10- and 25-genre task.
    """

    label: str
    estimator: BaseEstimator
    published: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """A line of a figure: a model, or another of its outputs.

    Parameters
    ----------
    model : str
        Name of the model among the declared.
    output : str
        "model" is what it predicts; a correcting model also has "correction", the
        corrector's own logits, and a stack has "stage 1", "stage 2", ….
    label : str or None
        None takes the model's.
    published : mapping of int to float or None
        The report's accuracies of this output; None takes the model's.
    """

    model: str
    output: str = "model"
    label: str | None = None
    published: Mapping[int, float] | None = None


@dataclass(frozen=True)
class Claim:
    """A sentence of the report as a comparison of accuracies.

    "beats" says that the left accuracy is higher; "does not beat" that it is not higher
    by a margin or more; "equals" that they differ by less than that. The margin depends
    on the songs: it is what a second random start changes.

    Parameters
    ----------
    text : str
        The claim in words.
    left, right : Curve or None
        None on the right is chance: one in the number of classes.
    relation : {"beats", "does not beat", "equals"}
    measure : {"accuracy", "small weights"}
        What is compared: the songs classified right, or the share of convolution
        weights below 0.01 in size.
    standing : {"claimed", "expected", "open"}
        Whether the report claims it, expects it of its further work, or leaves it open.
    """

    text: str
    left: Curve
    relation: Relation
    right: Curve | None
    measure: Literal["accuracy", "small weights"] = "accuracy"
    standing: Standing = "claimed"


def claim(
    text: str,
    left: Curve | str,
    relation: Relation,
    right: Curve | str | None,
    standing: Standing = "claimed",
) -> Claim:
    """A claim about accuracies; a model may be given by its name alone."""
    if isinstance(left, str):
        left = Curve(left)
    if isinstance(right, str):
        right = Curve(right)
    return Claim(text, left, relation, right, standing=standing)


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Parameters
    ----------
    id : str
        What ``--figures`` takes.
    title, question : str
        What it shows and what it asks, in words.
    section : str
        Where in the report.
    curves : tuple of Curve
    claims : tuple of Claim
    task : int
        Number of genres of the report's task, 10 or 25.
    kind : {"curves", "weights", "diagram"}
        Learning curves, a histogram of convolution weights, or a drawing.
    published : str
        What the report found, in words.
    """

    id: str
    title: str
    question: str
    section: str
    curves: tuple[Curve, ...]
    claims: tuple[Claim, ...] = ()
    task: int = 10
    kind: Literal["curves", "weights", "diagram"] = "curves"
    published: str = ""

    def models(self) -> list[str]:
        """Names of the models that it shows or compares, each once."""
        compared = [side for claim in self.claims for side in (claim.left, claim.right)]
        shown = [curve.model for curve in (*self.curves, *compared) if curve]
        return list(dict.fromkeys(shown))

    @property
    def label(self) -> str:
        """What a page calls it: its number, or that the report lacks it."""
        return f"Figure {self.id}" if self.id.isdigit() else "Future work"

    @property
    def anchor(self) -> str:
        """Where it stands on a page."""
        return f"figure-{self.id}"


def rebuild(
    value: Any, replace: Callable[[FrozenEstimator], Any], **settings: Any
) -> Any:
    """A fresh copy of an estimator with other settings, wherever they are nested.

    Parameters
    ----------
    value : estimator, or any value of a parameter
    replace : callable
        Gives what comes in the place of a FrozenEstimator.
    **settings
        New values of parameters of these names, in all estimators that have them.
    """
    if isinstance(value, FrozenEstimator):
        return replace(value)
    if isinstance(value, BaseEstimator):
        params = {
            name: settings.get(name, rebuild(param, replace, **settings))
            for name, param in value.get_params(deep=False).items()
        }
        return type(value)(**params)
    if isinstance(value, list | tuple):
        return type(value)(rebuild(item, replace, **settings) for item in value)
    return value


def configured(estimator: Any, **settings: Any) -> Any:
    """As :func:`rebuild`, with the bases configured alike and still to be trained."""

    def configure_base(frozen: FrozenEstimator) -> FrozenEstimator:
        return FrozenEstimator(configured(frozen.estimator, **settings))

    return rebuild(estimator, configure_base, **settings)


def bases(value: Any) -> Iterator[BaseEstimator]:
    """The estimators that must be trained before this one, innermost first."""
    if isinstance(value, FrozenEstimator):
        yield from bases(value.estimator)
        yield value.estimator
    elif isinstance(value, BaseEstimator):
        for param in value.get_params(deep=False).values():
            yield from bases(param)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from bases(item)

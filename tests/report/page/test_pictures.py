import math
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from sklearn_msd.report.declaration import Curve, Figure
from sklearn_msd.report.page.pictures import (
    canvas,
    confusion,
    diagram,
    learning_curves,
    stamp,
)
from sklearn_msd.report.page.svg import NAMES, svg, themed

pytest.importorskip("matplotlib")

REAL = SimpleNamespace(
    name="songs", synthetic=False, n_classes=3, class_names=["a", "b", "c"]
)
MADE_UP = SimpleNamespace(**(vars(REAL) | {"synthetic": True}))
FIGURE = Figure("6", "t", "q.", "s", (Curve("a"), Curve("b")))


class Results:
    """Of two models, one of them not trained in epochs."""

    def label(self, curve):
        return f"model {curve.model}"

    def losses(self, curve, data):
        return np.array(
            [[1.0, 0.9, 0.8], [1.2, 1.0, 0.7]] if curve.model == "a" else [[1.5]]
        )

    def accuracies(self, curve, data):
        return np.array(
            [[0.2, 0.6, 0.5], [0.4, 0.6, 0.7]] if curve.model == "a" else [[0.5]]
        )


def texts(panel):
    return [
        e.text for e in ElementTree.fromstring(panel).iter() if e.tag.endswith("text")
    ]


def test_every_picture_names_its_data_and_pictures_are_the_same_twice():
    for data, name in ((REAL, "data: songs"), (MADE_UP, "SYNTHETIC DATA: songs")):
        picture = diagram(Figure("10", "t", "q.", "s", ()), data)
        assert picture == diagram(Figure("10", "t", "q.", "s", ()), data)
        assert stamp(data) == name
        assert name in texts(picture.panels[0])


def test_learning_curves_have_two_panels_with_chance_and_a_legend():
    picture = learning_curves(FIGURE, FIGURE.curves, MADE_UP, Results())
    error, accuracy, legend = picture.panels
    for panel, label in (
        (error, "validation error"),
        (accuracy, "validation accuracy"),
    ):
        assert any(text and text.startswith(label) for text in texts(panel))
        assert "chance" in texts(panel)
        assert "SYNTHETIC DATA: songs" in texts(panel)
    assert {"model a", "model b"} <= {*texts(legend)}
    assert "A level line" in picture.caption
    assert "means over random starts" in picture.caption
    assert "model a from 0.30 to 0.60, best 0.60" in picture.alt
    assert "Chance is 0.333" in picture.alt


def test_the_line_at_chance_stands_at_chance(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "sklearn_msd.report.page.pictures._chance_line",
        lambda axis, chance: drawn.append((axis.get_ylabel(), chance)),
    )
    learning_curves(FIGURE, FIGURE.curves, REAL, Results())
    assert drawn == [
        ("validation error (cross-entropy)", pytest.approx(math.log(3))),
        ("validation accuracy", pytest.approx(1 / 3)),
    ]


def test_confusion_says_what_is_mistaken_most_often():
    y = np.array([0, 0, 1, 1, 2, 2])
    picture = confusion(y, np.array([0, 1, 1, 1, 1, 1]), REAL, "net")
    assert picture.alt.startswith(
        "Confusion matrix. Most often mistaken: c for b, 1.00"
    )
    assert {"a", "b", "c"} <= {*texts(picture.panels[0])}


def test_a_drawing_takes_its_colours_by_name():
    axis = canvas()
    axis.plot([1, 2])
    element = svg(axis.figure)
    assert ElementTree.fromstring(element).tag.endswith("svg")
    page = themed(element, "here", "It rises.")
    assert 'aria-label="It rises."' in page
    assert not [color for color in NAMES if color in page]
    assert "var(--ink)" in page
    assert "var(--paper)" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert ids
    assert all(name.startswith("here-") for name in ids)
    references = re.findall(r'(?:href="#|url\(#)([^")]+)', page)
    assert {*references} <= {*ids}
    ElementTree.fromstring(
        page.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    )


def test_names_with_dollars_are_no_mathematics():
    """They raised an error after the whole report had trained."""
    names = {"name": "Bada$$ $uicideboy$", "class_names": ["Bada$$", "$a$", "A$AP"]}
    data = SimpleNamespace(**(vars(REAL) | names))
    y = np.array([0, 0, 1, 1, 2])
    shown = texts(confusion(y, y[::-1], data, "net").panels[0])
    assert {*names["class_names"], f"data: {names['name']}"} <= {*shown}

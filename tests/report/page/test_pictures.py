import io
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_msd.report.declaration import Figure
from sklearn_msd.report.judging.intervals import Comparison
from sklearn_msd.report.page.pictures import canvas, comparison, confusion, diagram, png

image = pytest.importorskip("matplotlib.image")

REAL = SimpleNamespace(
    name="songs", synthetic=False, n_classes=3, class_names=["a", "b", "c"]
)
MADE_UP = SimpleNamespace(**(vars(REAL) | {"synthetic": True}))


def is_drawn(picture):
    pixels = image.imread(io.BytesIO(picture))
    return pixels.std() > 0.02


@pytest.mark.parametrize(
    ("data", "title"), [(REAL, "t\ndata: songs"), (MADE_UP, "t\nSYNTHETIC DATA: songs")]
)
def test_every_picture_names_its_data(data, title):
    drawing, axis = canvas(1, 1)
    axis.plot([1, 2])
    assert is_drawn(png(drawing, data, "t"))
    assert drawing.get_suptitle() == title


def test_pictures_are_the_same_twice():
    figure = Figure("10", "t", "q.", "s", ())
    assert diagram(figure, REAL) == diagram(figure, REAL)
    assert is_drawn(diagram(figure, REAL))


def test_comparison_and_confusion_are_drawn():
    scores = [Comparison(0.5, 0.4, 0.6), Comparison(0.7, 0.6, 0.8)]
    assert is_drawn(comparison(["a", "b"], scores, [None, 0.6], REAL))
    y = np.array([0, 0, 1, 1, 2])
    assert is_drawn(confusion(y, y[::-1], REAL))


def test_names_with_dollars_are_no_mathematics():
    """They raised an error after the whole report had trained."""
    names = {"name": "Bada$$ $uicideboy$", "class_names": ["Bada$$", "$a$", "A$AP"]}
    data = SimpleNamespace(**(vars(REAL) | names))
    y = np.array([0, 0, 1, 1, 2])
    assert is_drawn(confusion(y, y[::-1], data))
    scores = [Comparison(0.5, 0.4, 0.6), Comparison(0.7, 0.6, 0.8)]
    assert is_drawn(comparison(["a", "b"], scores, [None, 0.6], data))

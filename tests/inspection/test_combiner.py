"""The picture shows the numbers it is given."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_msd import CombinerDisplay, LinearCombiner


@pytest.fixture(autouse=True)
def no_window():
    matplotlib = pytest.importorskip("matplotlib")
    backend = matplotlib.get_backend()
    matplotlib.use("agg")
    yield
    matplotlib.pyplot.close("all")
    matplotlib.use(backend)


def test_contribution_of_each_model_that_is_not_dropped():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 4))
    y = np.array(["jazz", "pop", "rock"])[rng.randint(3, size=60)]
    bases = [(name, LogisticRegression()) for name in ("one", "two")]
    combiner = LinearCombiner([*bases, ("three", "drop")], cv=2).fit(X, y)
    display = CombinerDisplay.from_estimator(combiner)
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["one", "two"]
    labels = [text.get_text() for text in display.ax_.get_xticklabels()]
    assert labels == ["jazz", "pop", "rock"]
    np.testing.assert_array_equal(
        display.image_.get_array(), combiner.class_contributions_
    )
    written = [text.get_text() for text in display.ax_.texts]
    assert written == [
        f"{value:.2f}" for value in combiner.class_contributions_.ravel()
    ]


def test_draws_into_the_axes_given():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    _, ax = pyplot.subplots()
    assert CombinerDisplay([[1.0, 0.2]], ["a"], [0, 1]).plot(ax).ax_ is ax


def test_sizes_that_do_not_go_together():
    with pytest.raises(ValueError, match=r"a row for each name.*\(1, 2\)"):
        CombinerDisplay([[1.0, 0.2]], ["a", "b"], [0, 1])


@pytest.mark.parametrize("n_models", [1, 5])
@pytest.mark.parametrize("n_classes", [2, 10, 25])
def test_nothing_is_cut_and_no_number_touches_another(n_classes, n_models):
    contributions = np.linspace(-1, 3, n_models * n_classes).reshape(
        n_models, n_classes
    )
    names = ["time conv, average pooling over pairs", *"abcd"][:n_models]
    display = CombinerDisplay(
        contributions, names, ["Rock Neo Psychedelia"] * n_classes
    ).plot()
    assert_all_seen(display, inside=display.figure_.bbox)


def test_numbers_fit_in_the_axes_given():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    _, (_, ax) = pyplot.subplots(1, 2, figsize=(9, 4))
    display = CombinerDisplay(-np.ones((2, 10)), ["a", "b"], range(10)).plot(ax)
    assert_all_seen(display, inside=None)


def assert_all_seen(display, inside):
    display.figure_.draw_without_rendering()
    ax = display.ax_
    if inside is not None:
        box = ax.get_tightbbox()
        assert inside.x0 <= box.x0 < box.x1 <= inside.x1
        assert inside.y0 <= box.y0 < box.y1 <= inside.y1
    boxes = [text.get_window_extent() for text in ax.texts]
    n_classes = len(display.classes)
    for i, (one, other) in enumerate(pairwise(boxes)):
        assert one.x1 < other.x0 or (i + 1) % n_classes == 0

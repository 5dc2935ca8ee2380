import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_msd import (
    CombinerDisplay,
    ComparisonDisplay,
    KernelDisplay,
    LearningCurveDisplay,
    WeightHistogramDisplay,
)
from sklearn_msd.inspection.drawing import by_name, listed, numbers

pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def off_screen():
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


FITTED = LogisticRegression().fit([[0.0], [1.0]], [0, 1])  # no net, no combiner
NAMES = [f"a net with a long name {i}" for i in range(5)]
CURVES = LearningCurveDisplay({name: ([2.0, 1.0], [0.2, 0.4]) for name in NAMES})
SCORES = ComparisonDisplay(NAMES, [0.5] * 5, published=[0.6] * 5)
HISTOGRAMS = WeightHistogramDisplay(
    {name: {"conv.0.weight": np.linspace(-1, 1, 50)} for name in NAMES}
)


def overlap(a, b):
    return a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1


@pytest.mark.parametrize("display", [CURVES, SCORES, HISTOGRAMS])
def test_the_legend_of_a_new_figure_lies_under_its_panels(display):
    figure = display.plot().figure_
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert box.y0 >= 0
    for axis in figure.axes:
        assert axis.get_legend() is None
        assert not overlap(box, axis.get_tightbbox())


@pytest.mark.parametrize("layout", ["constrained", None])
def test_own_axes_have_the_legend_inside_unless_there_is_room(layout):
    figure, axes = pyplot.subplots(1, 2, layout=layout)
    CURVES.plot(axes)
    inside = axes[0].get_legend() is not None
    assert (inside, len(figure.legends)) == ((False, 1) if layout else (True, 0))


def test_pictures_that_share_a_figure_have_a_legend_each():
    figure, axes = pyplot.subplots(1, 3, layout="constrained")
    CURVES.plot(axes[:2])
    SCORES.plot(axes[2])
    assert figure.legends == []
    texts = [len(axes[i].get_legend().get_texts()) for i in (0, 2)]
    assert texts == [5, 2]


def test_pictures_in_subfigures():
    whole = pyplot.figure(layout="constrained", figsize=(12, 5))
    left, right = whole.subfigures(1, 2)
    CURVES.plot(left.subplots(1, 2))
    CombinerDisplay([[1.0, 0.5]], ["net"], ["a", "b"]).plot(right.subplots())
    assert len(left.legends) == 1


@pytest.mark.parametrize(
    ("check", "error", "message"),
    [
        (lambda: numbers([[1], [2, 3]], "say"), ValueError, "say must be an array of"),
        (lambda: numbers(["a"], "say"), ValueError, "say must be an array of numbers"),
        (lambda: numbers([], "say"), ValueError, "say must be an array of numbers"),
        (lambda: numbers([np.nan], "say", finite=True), ValueError, "say must be fin"),
        (lambda: listed("abc", "names"), TypeError, "names must be a sequence"),
        (lambda: by_name(3, "weights"), TypeError, "weights must be a mapping"),
        (lambda: by_name(["ab"], "weights"), TypeError, "weights must be a mapping"),
        (lambda: by_name({}, "weights"), ValueError, "weights must not be empty"),
        (
            lambda: WeightHistogramDisplay.from_estimators({"net": FITTED}),
            TypeError,
            r"estimators\['net'\] must be a net classifier; got LogisticRegression",
        ),
        (
            lambda: CombinerDisplay.from_estimator(FITTED),
            TypeError,
            "estimator must be a LinearCombiner or JointCombiner; got Logistic",
        ),
        (
            lambda: LearningCurveDisplay({"net": [1.0, 2.0, 3.0]}),
            ValueError,
            r"histories\['net'\] must be a pair",
        ),
        (
            lambda: ComparisonDisplay(["a", "b"], [0.5]),
            ValueError,
            "scores must have one value for each of 2 names",
        ),
    ],
)
def test_what_a_picture_cannot_show_is_named(check, error, message):
    with pytest.raises(error, match=message):
        check()


def test_published_accuracies_may_be_an_array():
    published = np.array([0.5, np.nan])
    display = ComparisonDisplay(["a", "b"], [0.5, 0.6], published=published)
    assert len(display.plot().ax_.lines) == 2  # scores, and what was published


def test_pairs_are_a_mapping_too():
    assert by_name([("a", 1), ("b", 2)], "weights") == {"a": 1, "b": 2}
    assert numbers([1, 2], "say").dtype == float


# One with a pair of dollars raised an error, another was drawn as mathematics.
ODD_NAMES = ["Bada$$", "$uicideboy$", "A$AP", "_hidden", "Caf\udce9", "a^2 \\alpha"]
SHOWN = ["Bada$$", "$uicideboy$", "A$AP", " _hidden", "Caf\\udce9", "a^2 \\alpha"]


def shown(texts):
    """What matplotlib draws: without mathematics, dollars lose their backslashes."""
    found = []
    for text in texts:
        string, is_math = text._preprocess_math(text.get_text())
        assert not is_math
        found.append(string)
    return found


def test_names_are_drawn_as_they_are_written():
    rng = np.random.default_rng(0)
    curves = LearningCurveDisplay({name: ([1.0], [0.5]) for name in ODD_NAMES}).plot()
    scores = ComparisonDisplay(ODD_NAMES, [0.5] * 6).plot()
    weights = {name: {"conv.0.weight": rng.normal(size=9)} for name in ODD_NAMES}
    histograms = WeightHistogramDisplay(weights).plot()
    kernels = KernelDisplay(rng.normal(size=(6, 2, 6)), ODD_NAMES, ODD_NAMES).plot()
    combined = CombinerDisplay(rng.normal(size=(6, 6)), ODD_NAMES, ODD_NAMES).plot()
    for display in (curves, scores, histograms, kernels, combined):
        display.figure_.canvas.draw()
    for display in (curves, histograms):
        assert shown(display.figure_.legends[0].get_texts()) == SHOWN
    for axis in (scores.ax_, kernels.ax_, combined.ax_):
        assert shown(axis.get_yticklabels()) == SHOWN
    for axis in (kernels.ax_, combined.ax_):
        assert shown(axis.get_xticklabels()) == SHOWN

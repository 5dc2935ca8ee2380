import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.dummy import DummyClassifier

from sklearn_msd import TimeConvClassifier
from sklearn_msd.datasets import make_songs
from sklearn_msd.inspection.learning_curves import (
    ComparisonDisplay,
    LearningCurveDisplay,
)

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def off_screen():
    matplotlib.use("agg")
    yield
    matplotlib.pyplot.close("all")


@pytest.fixture(scope="module")
def net():
    X, y = make_songs(60, n_segments=10, n_classes=3, random_state=0)
    fitted = TimeConvClassifier(n_kernels=4, max_epochs=3, random_state=0)
    return fitted.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])


def test_a_nets_curves_are_drawn_as_they_are(net):
    display = LearningCurveDisplay.from_estimator(net)
    error, accuracy = display.lines_[0]
    assert_allclose(error.get_xydata(), np.c_[[1, 2, 3], net.validation_loss_curve_])
    assert_allclose(accuracy.get_ydata(), net.validation_scores_)
    (text,) = display.figure_.legends[0].get_texts()
    assert text.get_text() == "TimeConvClassifier"


def test_several_runs_are_a_mean_in_a_band():
    losses = np.array([[2.0, 1.0], [1.0, 0.5]])
    display = LearningCurveDisplay({"net": (losses, 1 - losses / 2)}).plot()
    assert_allclose(display.lines_[0][0].get_ydata(), [1.5, 0.75])
    (band,) = display.axes_[0].collections
    assert_allclose(band.get_paths()[0].get_extents().get_points()[:, 1], [0.5, 2])


def test_a_single_value_is_a_level_line():
    display = LearningCurveDisplay(
        {"net": ([2.0, 1.5, 1.0], [0.1, 0.2, 0.3]), "combiner": ([1.2], [0.25])}
    ).plot()
    assert_allclose(display.lines_[1][1].get_xydata(), [[1, 0.25], [3, 0.25]])


def test_lines_differ_in_more_than_colour():
    curves = {str(i): ([1.0, 0.5], [0.1, 0.2]) for i in range(6)}
    lines = [pair[0] for pair in LearningCurveDisplay(curves).plot().lines_]
    looks = {(str(line._dash_pattern), line.get_marker()) for line in lines}
    assert len(looks) == 6


def test_nets_without_validation_curves_are_refused():
    X, y = make_songs(30, n_segments=10, n_classes=3, random_state=0)
    net = TimeConvClassifier(n_kernels=4, max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="net has no validation curves"):
        LearningCurveDisplay.from_estimators({"net": net})


def test_curves_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r"histories\['net'\] must be"):
        LearningCurveDisplay({"net": ([1.0, 2.0], [0.5])})


def test_drawing_into_given_axes():
    figure, axes = matplotlib.pyplot.subplots(1, 2)
    display = LearningCurveDisplay({"net": ([1.0, 0.9], [0.5, 0.6])}).plot(axes)
    assert display.figure_ is figure


def test_comparison_scores_and_wilson_intervals():
    X, y = np.zeros((10, 1)), np.repeat([0, 1], [8, 2])
    always = {
        name: DummyClassifier(strategy="constant", constant=label).fit(X, y)
        for name, label in (("zero", 0), ("one", 1))
    }
    display = ComparisonDisplay.from_estimators(always, X, y, published={"one": 0.3})
    assert_allclose(display.scores, [0.8, 0.2])
    # Wilson's interval of 8 in 10, from its formula.
    z, p, n = 1.959964, 0.8, 10
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert_allclose(display.intervals[0], [middle - half, middle + half], rtol=1e-6)
    assert display.published == [None, 0.3]
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["zero", "one"]


def test_comparison_refuses_lists_of_unequal_length():
    with pytest.raises(ValueError, match="published must have one value for each of 2"):
        ComparisonDisplay(["a", "b"], [0.5, 0.6], published=[0.5])


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"sklearn-msd\[plot\]"):
        LearningCurveDisplay({"net": ([1.0], [0.5])}).plot()

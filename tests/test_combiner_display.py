"""The picture shows the numbers it is given."""

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


def test_say_of_each_model_that_is_not_dropped():
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
    np.testing.assert_array_equal(display.image_.get_array(), combiner.say_)
    written = [text.get_text() for text in display.ax_.texts]
    assert written == [f"{value:.2f}" for value in combiner.say_.ravel()]


def test_draws_into_the_axes_given():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    _, ax = pyplot.subplots()
    assert CombinerDisplay([[1.0, 0.2]], ["a"], [0, 1]).plot(ax).ax_ is ax


def test_sizes_that_do_not_go_together():
    with pytest.raises(ValueError, match=r"a row for each name.*\(1, 2\)"):
        CombinerDisplay([[1.0, 0.2]], ["a", "b"], [0, 1])

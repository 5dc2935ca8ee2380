from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_msd.report.declaration import Claim, Curve, Model
from sklearn_msd.report.judging.results import Results, n_last
from sklearn_msd.report.records import Record

Y = np.array([0, 0, 1, 1])
DATA = SimpleNamespace(y_valid=Y, n_classes=2, key="d")
# Two seeds, three epochs: accuracies 0.5, 1, 0.75 and 0.75, 0.25, 0.5.
PREDICTIONS = {
    ("a", 0): [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 0]],
    ("a", 1): [[0, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]],
    ("b", 0): [[1, 1, 1, 1]],
    ("b", 1): [[0, 0, 0, 0]],
}


@pytest.fixture
def results():
    records = {
        key: Record(
            {},
            {"model": np.zeros(len(epochs))},
            {"model": np.array(epochs)},
            {"conv.0.weight": np.array([[0.001, -0.5]]), "conv.0.bias": np.zeros(1)},
        )
        for key, epochs in PREDICTIONS.items()
    }
    plan = SimpleNamespace(
        settings=SimpleNamespace(seeds=(0, 1)),
        key=lambda name, data, seed: (name, seed),
    )
    models = {"a": Model("A", None, {10: 0.6}), "b": Model("B", None)}
    return Results([], models, plan, records)


def test_accuracies_by_seed_and_epoch(results):
    assert_allclose(
        results.accuracies(Curve("a"), DATA), [[0.5, 1, 0.75], [0.75, 0.25, 0.5]]
    )


def test_best_epochs_are_each_seeds_own(results):
    assert_array_equal(results.at_best(Curve("a"), DATA), [[1, 1, 1, 1], [1, 1, 1, 0]])
    assert results.score(Curve("a"), DATA).best.margin == pytest.approx(0.875)


def test_last_epochs_are_a_mean(results):
    assert results.score(Curve("a"), DATA).last == pytest.approx(0.625)


def test_claims_compare_accuracies(results):
    comparison, at_last = results.comparison(
        Claim("", Curve("a"), "beats", Curve("b")), DATA
    )
    assert comparison.margin == pytest.approx(0.875 - 0.5)
    assert at_last == pytest.approx(0.625 - 0.5)


def test_chance_is_one_in_the_number_of_classes(results):
    comparison, _ = results.comparison(
        Claim("", Curve("a"), "does not beat", None), DATA
    )
    assert comparison.margin == pytest.approx(0.375)


def test_small_weights_are_convolution_weights(results):
    assert_array_equal(results.small_weights("a", DATA), [[True, False]] * 2)


def test_published_numbers_are_of_the_same_task(results):
    figure = SimpleNamespace(task=25)
    ten, other = (SimpleNamespace(n_classes=n) for n in (10, 13))
    assert results.published(Curve("a"), figure, ten) == 0.6
    assert results.published(Curve("a"), figure, other) is None
    own = Curve("a", published={25: 0.1})
    assert results.published(own, figure, other) == 0.1


def test_the_last_epochs():
    assert [n_last(n) for n in (1, 2, 15, 100)] == [1, 2, 3, 10]

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_msd.nets.conv_net import ConvNet
from sklearn_msd.report.data import ReportData, Split
from sklearn_msd.report.declaration import Claim, Curve, Figure, Model
from sklearn_msd.report.judging.results import Results, n_last
from sklearn_msd.report.records import Record

Y = np.array([0, 0, 1, 1])
# Two starts, three epochs: accuracies 0.5, 1, 0.75 and 0.75, 0.25, 0.5.
PREDICTIONS = {
    ("a", 0): [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 0]],
    ("a", 1): [[0, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]],
    ("b", 0): [[1, 1, 1, 1]],
    ("b", 1): [[0, 0, 0, 0]],
}
TESTED = {
    ("a", 0): [0, 0, 1],
    ("a", 1): [0, 1, 0],
    ("b", 0): [1, 1, 1],
    ("b", 1): [0, 0, 0],
}
A_BEATS_B = Claim("", Curve("a"), "beats", Curve("b"))
A_IS_CHANCE = Claim("", Curve("a"), "does not beat", None)
FIGURE = Figure("1", "t", "q.", "s", (Curve("a"), Curve("b")), (A_BEATS_B, A_IS_CHANCE))


def split(n_valid, y_eval, compared):
    nothing = np.empty((2, 0))
    y_train, compared = np.array([0, 1]), np.asarray(compared)
    X_eval = np.empty((len(y_eval), 0))
    return Split(nothing, y_train, X_eval, np.array(y_eval), n_valid, 1, compared)


def data_of(divide, y_compared, **more):
    return ReportData("d", "d", ["x", "y"], divide, np.array(y_compared), **more)


NET = SimpleNamespace(module_=ConvNet(1, 2, 1, n_kernels=1, n_conv_layers=1))
torch.nn.init.zeros_(NET.module_.conv[0].bias)
NET.module_.conv[0].weight.data[0, 0] = torch.tensor([0.001, -0.5])


def record(epochs, tested=None):
    return Record(
        {},
        {"model": np.arange(len(epochs), dtype=float)},
        {"model": np.array(epochs)},
        {} if tested is None else {"model": np.array(tested)},
        NET,
    )


def results_of(data, records, figure=FIGURE, n_starts=2):
    plan = SimpleNamespace(
        settings=SimpleNamespace(seeds=tuple(range(n_starts))),
        models={"a": Model("A", None, {10: 0.6}), "b": Model("B", None)},
        keys=lambda name, data, start: [
            (name, start, i) for i in range(len(data.splits(start)))
        ],
    )
    return Results([(figure, data)], plan, records)


@pytest.fixture
def data():
    one = split(4, [*Y, 0, 0, 1], range(3))
    return data_of(lambda _: [one], [0, 0, 1])


@pytest.fixture
def results(data):
    records = {(*k, 0): record(PREDICTIONS[k], TESTED[k]) for k in PREDICTIONS}
    return results_of(data, records)


def test_accuracies_by_start_and_epoch(results, data):
    assert_allclose(
        results.accuracies(Curve("a"), data), [[0.5, 1, 0.75], [0.75, 0.25, 0.5]]
    )


def test_models_are_compared_on_test_songs(results, data):
    assert_array_equal(results.right(Curve("a"), data), [[1, 1, 1], [1, 0, 0]])
    score = results.score(Curve("a"), data)
    assert score.best.margin == pytest.approx(4 / 6)
    assert (score.last, score.n_starts) == (pytest.approx(0.625), 2)


def test_claims_compare_accuracies(results):
    results.look()
    beats, chance = (results.judge.findings[t.case] for t in results.claims)
    assert beats.comparison.margin == pytest.approx(4 / 6 - 3 / 6)
    assert chance.comparison.margin == pytest.approx(4 / 6 - 1 / 2)


def test_a_start_counts_once_all_of_it_is_there(results, data):
    del results.records["a", 1, 0]
    assert results.n_starts("a", data) == 1
    assert len(results.right(Curve("a"), data)) == 1
    del results.records["a", 0, 0]
    assert results.n_starts("a", data) == 0
    assert [curve.model for _, curve in results.curves(data)] == ["b"]
    assert results.trained(FIGURE, data) == [Curve("b")]


def test_without_test_songs_one_half_chooses_the_epoch_of_the_other():
    # Epoch 1 is right on songs 0 and 2, epoch 2 on 1 and 3: halves of both classes.
    y = [0, 0, 1, 1]
    epochs = [[0, 1, 1, 0], [1, 0, 0, 1]]
    one = split(4, y, range(4))
    data = data_of(lambda _: [one], y)
    results = results_of(data, {("a", 0, 0): record(epochs)}, n_starts=1)
    # Of each half, the other half chooses the epoch that is wrong throughout.
    assert results.right(Curve("a"), data).sum() == 0
    assert results.accuracies(Curve("a"), data).max() == 0.5


def test_in_folds_the_others_choose_the_epoch_and_songs_keep_their_places():
    y = np.array([0, 1, 0, 1, 0, 1])
    folds = [[4, 1], [0, 5], [2, 3]]
    splits = [split(2, y[rows], rows) for rows in folds]
    data = data_of(lambda _: splits, y)
    right, wrong = y, 1 - y
    epochs = {0: (right, wrong), 1: (wrong, right), 2: (wrong, right)}
    records = {
        ("a", 0, i): record([epoch[rows] for epoch in epochs[i]])
        for i, rows in enumerate(folds)
    }
    results = results_of(data, records, n_starts=1)
    # For fold 0 the others choose epoch 2, where it is wrong; for these it is a tie,
    # and the first epoch is taken, where they are wrong.
    assert_array_equal(results.right(Curve("a"), data)[0], [0, 0, 0, 0, 0, 0])
    assert_allclose(results.accuracies(Curve("a"), data), [[1 / 3, 2 / 3]])


def test_small_weights_are_convolution_weights(results, data):
    assert_array_equal(results.small_weights("a", data), [[True, False]] * 2)
    assert_array_equal(
        results.of_subject(("a", "model", data.key, "small weights"), 2),
        [[1, 0], [1, 0]],
    )


def test_claims_of_weights_are_judged_as_others_are(data):
    claim = Claim("", Curve("a"), "beats", Curve("b"), measure="small weights")
    figure = Figure("4", "t", "q.", "s", (Curve("a"),), (claim,), kind="weights")
    records = {(*k, 0): record(PREDICTIONS[k], TESTED[k]) for k in PREDICTIONS}
    results = results_of(data, records, figure)
    results.look()
    (found,) = results.judge.findings.values()
    assert (found.comparison.margin, found.verdict) == (0, "undecided")


def test_claims_that_compare_the_same_are_one():
    again = Claim("In other words.", Curve("a"), "beats", Curve("b"))
    figure = Figure("1", "t", "q.", "s", (Curve("a"),), (A_BEATS_B, again))
    one = split(4, [*Y, 0, 0, 1], range(3))
    results = results_of(data_of(lambda _: [one], [0, 0, 1]), {}, figure)
    assert len(results.claims) == 2
    assert len(results.judge.cases) == 1


def test_a_curve_that_is_flat_at_its_end_does_not_climb(data):
    def climbs(*accuracies):
        y = np.repeat([0, 1], 50)
        one = split(100, y, range(100))
        songs = data_of(lambda _: [one], y)
        epochs = [np.where(np.arange(100) < 100 * a, y, 1 - y) for a in accuracies]
        return results_of(songs, {("a", 0, 0): record(epochs)}, n_starts=1).climbs(
            Curve("a"), songs
        )

    assert climbs(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    assert not climbs(0.1, 0.5, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8)
    assert not climbs(0.5)


def test_the_last_epochs():
    assert [n_last(n) for n in (1, 2, 15, 100)] == [1, 2, 3, 10]

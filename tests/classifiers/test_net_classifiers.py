"""What each net classifier is for."""

import inspect

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklearn_msd import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.datasets import make_songs


def test_defaults_are_the_reports_settings():
    net = SegmentConvClassifier()
    assert (net.l2, net.l1, net.l2_layers) == (0.01, 0.0, ("conv", "hidden"))
    assert (net.learning_rate, net.batch_size, net.max_epochs) == (1e-3, 50, 100)
    assert (net.n_kernels, net.n_conv_layers) == (50, 2)
    assert net.hidden_layer_sizes == (200,)
    assert FullyConnectedClassifier().hidden_layer_sizes == (200, 200)
    assert TimeConvClassifier().kernel_height == 3


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (
            FullyConnectedClassifier(),
            {"hidden1": 600_200, "hidden2": 40_200, "output": 2010, "total": 642_410},
        ),
        (
            SegmentConvClassifier(),
            {
                "conv1": 1300,
                "conv2": 2550,
                "hidden1": 1_200_200,
                "output": 2010,
                "total": 1_206_060,
            },
        ),
        (
            TimeConvClassifier(),
            {
                "conv1": 3 * 25 * 50 + 50,
                "conv2": 3 * 50 * 50 + 50,
                "hidden1": 28 * 50 * 200 + 200,
                "output": 2010,
                "total": 3800 + 7550 + 280_200 + 2010,
            },
        ),
        (
            TimeConvClassifier(global_pooling="mean_max", n_conv_layers=3),
            {
                "conv1": 3800,
                "conv2": 7550,
                "conv3": 7550,
                "hidden1": 100 * 200 + 200,
                "output": 2010,
                "total": 3800 + 2 * 7550 + 20_200 + 2010,
            },
        ),
        (
            RecurrentClassifier(hidden_size=10),
            {
                "recurrent": 3 * (25 * 10 + 10 * 10 + 2 * 10),
                "output": 110,
                "total": 3 * 370 + 110,
            },
        ),
    ],
)
def test_number_of_parameters(net, expected):
    X, y = make_songs(100, random_state=0)
    y[:10] = np.arange(10)
    assert net.set_params(max_epochs=1).fit(X, y).n_parameters_ == expected


def test_shuffling_all_songs_alike_is_the_same_problem_for_the_baseline():
    """Exactly: with the hidden layer's input weights permuted along, the same net."""
    X, y = make_songs(120, n_segments=20, n_classes=3, random_state=0)
    cube = X.reshape(120, 20, 25).astype(np.float64)
    order = np.random.RandomState(0).permutation(20)
    net = SegmentConvClassifier(
        dtype="float64", max_epochs=1, random_state=0, warm_start=True
    )
    original, shuffled = clone(net).fit(cube, y), clone(net).fit(cube, y)
    # The same start, seen through the permutation.
    with torch.no_grad():
        weight = shuffled.module_.hidden[0].weight
        weight.copy_(weight.view(200, 20, 50)[:, order].reshape(200, 1000))
    for each in (original, shuffled):
        each.set_params(max_epochs=5)
    original.fit(cube, y, X_val=cube, y_val=y)
    shuffled.fit(cube[:, order], y, X_val=cube[:, order], y_val=y)
    np.testing.assert_allclose(
        shuffled.validation_loss_curve_, original.validation_loss_curve_, rtol=1e-9
    )
    np.testing.assert_allclose(
        shuffled.decision_function(cube[:, order]),
        original.decision_function(cube),
        atol=1e-9,
    )


@pytest.mark.slow
def test_shuffling_hurts_convolution_in_time_where_order_tells():
    X, y = make_songs(2000, n_segments=60, n_classes=4, random_state=0)
    order = np.random.RandomState(0).permutation(60)
    shuffled = X.reshape(2000, 60, 25)[:, order]
    accuracy = []
    for songs in (X.reshape(2000, 60, 25), shuffled):
        scores = []
        for seed in range(3):
            net = TimeConvClassifier(max_epochs=8, random_state=seed)
            scores.append(net.fit(songs[:1400], y[:1400]).score(songs[1400:], y[1400:]))
        accuracy.append(np.mean(scores))
    assert accuracy[0] > accuracy[1] + 0.02


def test_representations_are_the_last_layer_before_the_output():
    X, y = make_songs(40, n_segments=30, n_classes=2, random_state=0)
    for net, width in [
        (FullyConnectedClassifier(hidden_layer_sizes=(9, 7)), 7),
        (FullyConnectedClassifier(hidden_layer_sizes=()), 750),
        (SegmentConvClassifier(), 200),
        (TimeConvClassifier(hidden_layer_sizes=(), global_pooling="mean_max"), 100),
        (RecurrentClassifier(hidden_size=6, bidirectional=True, n_layers=2), 12),
    ]:
        net.set_params(max_epochs=1).fit(X, y)
        assert net.hidden_representation(X).shape == (40, width)


def test_docstrings_list_every_parameter():
    for kind in (
        FullyConnectedClassifier,
        SegmentConvClassifier,
        TimeConvClassifier,
        RecurrentClassifier,
    ):
        assert "<training parameters>" not in kind.__doc__
        assert "<fitted attributes>" not in kind.__doc__
        for name in kind().get_params():
            assert f"\n{name} : " in inspect.getdoc(kind)


@pytest.mark.parametrize(
    "net",
    [RecurrentClassifier(hidden_size=6), TimeConvClassifier(global_pooling="mean")],
)
def test_songs_to_predict_may_be_longer_or_shorter_than_those_of_fit(net):
    X, y = make_songs(60, n_segments=30, n_classes=2, random_state=0)
    cube = X.reshape(60, 30, 25)
    net.set_params(max_epochs=2, random_state=0).fit(cube[:, :20], y)
    # A short song is the same alone and at the front of a padded one.
    short = cube[:, :8]
    padded = np.pad(short, ((0, 0), (0, 12), (0, 0)), constant_values=np.nan)
    np.testing.assert_allclose(
        net.predict_proba(short), net.predict_proba(padded), atol=1e-6
    )
    # The last segments of a longer song are heard.
    longer = net.predict_proba(cube)
    assert np.abs(longer - net.predict_proba(cube[:, :20])).max() > 1e-4
    with pytest.raises(ValueError, match="expecting 500 features"):
        net.predict(X)

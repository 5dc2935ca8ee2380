"""The nets' shapes, and their outputs against PyTorch's own layers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sklearn_msd.nets.base import count_parameters, layer_weights
from sklearn_msd.nets.conv_net import ConvNet
from sklearn_msd.nets.fully_connected import FullyConnectedNet
from sklearn_msd.nets.layers import initialise_parameters
from sklearn_msd.nets.recurrent import RecurrentNet


def drawn(net, seed=0):
    initialise_parameters(net.double(), torch.Generator().manual_seed(seed))
    return net


def songs(n_songs=4, n_segments=20, n_features=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(
        n_songs, n_segments * n_features, generator=generator, dtype=torch.float64
    )


def test_baseline_has_the_reports_parameters():
    # Section 3.1: 1300, 2550 and 2010; the hidden layer's inputs are 120 · 50.
    assert count_parameters(ConvNet(120, 25, 10)) == {
        "conv1": 1300,
        "conv2": 2550,
        "hidden1": 1_200_200,
        "output": 2010,
        "total": 1_206_060,
    }


def test_positions_shrink_as_the_report_says():
    net = ConvNet(120, 25, 10, kernel_height=3, pooling="max", pool_size=2)
    x = torch.zeros(1, 120, 25)
    after = []
    for layer in net.conv:
        after.append(x.shape[1] - layer.weight.shape[1] + 1)
        x = layer(x)
        after.append(x.shape[1])
    assert after == [118, 59, 57, 28]


def test_fully_connected_equals_sequential_layers():
    net = drawn(FullyConnectedNet(100, 3, (7, 6)))
    x = songs()
    first, second = net.hidden
    hidden = F.relu(second(F.relu(first(x))))
    torch.testing.assert_close(net.representation(x), hidden)
    torch.testing.assert_close(net(x), net.output(hidden))


@pytest.mark.parametrize(("pooling", "size"), [(None, 1), ("max", 2), ("average", 3)])
def test_conv_equals_conv1d_over_features_as_channels(pooling, size):
    net = drawn(
        ConvNet(20, 5, 3, n_kernels=4, kernel_height=2, pooling=pooling, pool_size=size)
    )
    x = songs()
    z = x.reshape(4, 20, 5).transpose(1, 2)
    for layer in net.conv:
        z = F.relu(F.conv1d(z, layer.weight.transpose(1, 2), layer.bias))
        if pooling == "max":
            z = F.max_pool1d(z, size)
        elif pooling == "average":
            z = F.avg_pool1d(z, size)
    hidden = F.relu(net.hidden[0](z.transpose(1, 2).flatten(1)))
    torch.testing.assert_close(net(x), net.output(hidden))


def test_kernels_and_pools_shrink_to_fit_short_songs():
    net = drawn(ConvNet(2, 5, 3, kernel_height=5, pooling="max", pool_size=4))
    assert net(songs(n_segments=2)).shape == (4, 3)
    assert [layer.weight.shape[1] for layer in net.conv] == [2, 1]


@pytest.mark.parametrize("how", ["mean", "max", "mean_max"])
def test_global_pooling_ignores_padding(how):
    net = drawn(ConvNet(20, 5, 3, kernel_height=3, pooling="max", global_pooling=how))
    short = songs(n_segments=13)
    padded = torch.cat([short, torch.full((4, 35), torch.nan)], dim=1)
    longer = torch.cat([short, torch.full((4, 60), torch.nan)], dim=1)
    torch.testing.assert_close(net(padded), net(longer))
    torch.testing.assert_close(net(padded), net(short))
    # Filling the padding with anything else does change the output.
    assert not torch.allclose(net(padded), net(padded.nan_to_num(1.0)))


def test_global_pooling_takes_songs_shorter_than_a_kernel():
    net = drawn(ConvNet(20, 5, 3, kernel_height=5, global_pooling="mean_max"))
    x = songs()
    x[:, 2 * 5 :] = torch.nan
    assert torch.isfinite(net(x)).all()
    # What follows the padding must not matter.
    shorter = x[:, : 12 * 5]
    torch.testing.assert_close(net(x), net(shorter))


@pytest.mark.parametrize("cell", ["gru", "lstm", "tanh"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_net_ignores_padding(cell, bidirectional):
    net = drawn(
        RecurrentNet(
            5, 3, cell=cell, hidden_size=6, n_layers=2, bidirectional=bidirectional
        )
    )
    x = songs()
    apart = []
    for row, length in zip(x, (20, 7, 1, 13), strict=True):
        apart.append(net(row[None, : length * 5]))
        row[length * 5 :] = torch.nan
    torch.testing.assert_close(net(x), torch.cat(apart))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["gru", "lstm", "tanh"])
def test_a_recurrent_nets_representation_is_where_its_last_layer_ends(
    cell, bidirectional
):
    net = drawn(
        RecurrentNet(
            5, 3, cell=cell, hidden_size=6, n_layers=2, bidirectional=bidirectional
        )
    )
    x = songs()
    # PyTorch's outputs are the last layer's at each segment; the way back ends first.
    outputs, _ = net.recurrent(x.unflatten(1, (20, 5)))
    ends = [outputs[:, -1, :6], outputs[:, 0, 6:]]
    torch.testing.assert_close(net.representation(x), torch.cat(ends, 1))


def test_tanh_net_equals_its_recurrence():
    net = drawn(RecurrentNet(5, 3, cell="tanh", hidden_size=6))
    x = songs()
    layer = net.recurrent
    state = torch.zeros(4, 6, dtype=torch.float64)
    for segment in x.reshape(4, 20, 5).unbind(1):
        state = torch.tanh(
            F.linear(segment, layer.weight_ih_l0, layer.bias_ih_l0)
            + F.linear(state, layer.weight_hh_l0, layer.bias_hh_l0)
        )
    torch.testing.assert_close(net.representation(x), state)


def test_parameters_are_drawn_by_the_generator_alone():
    before = torch.random.get_rng_state()
    nets = [
        drawn(RecurrentNet(5, 3), seed=1),
        drawn(RecurrentNet(5, 3), seed=1),
        drawn(RecurrentNet(5, 3), seed=2),
    ]
    assert torch.equal(before, torch.random.get_rng_state())
    flat = [torch.nn.utils.parameters_to_vector(net.parameters()) for net in nets]
    assert torch.equal(flat[0], flat[1])
    assert not torch.equal(flat[0], flat[2])


def test_start_is_pytorchs_default():
    torch.manual_seed(0)
    theirs = torch.nn.Linear(400, 300)
    ours = drawn(FullyConnectedNet(400, 2, (300,))).hidden[0]
    for name in ("weight", "bias"):
        a, b = (getattr(layer, name).detach().numpy() for layer in (ours, theirs))
        np.testing.assert_allclose(a.std(), b.std(), rtol=0.1)
        np.testing.assert_allclose(abs(a).max(), abs(b).max(), rtol=0.02)


def test_layer_weights_leave_biases_out():
    net = ConvNet(20, 5, 3)
    assert list(layer_weights(net, ["conv", "output"])) == [
        "conv.0.weight",
        "conv.1.weight",
        "output.weight",
    ]
    names = list(layer_weights(RecurrentNet(5, 3), ["recurrent"]))
    assert names == ["recurrent.weight_ih_l0", "recurrent.weight_hh_l0"]


def test_layers_of_nets_inside_nets_are_found_by_name():
    inner = ConvNet(20, 5, 3, n_kernels=4, hidden_layer_sizes=(6,))
    outer = torch.nn.ModuleDict({"bases": torch.nn.ModuleList([inner])})
    names = set(layer_weights(inner, ["conv", "output"]))
    assert names == {"conv.0.weight", "conv.1.weight", "output.weight"}
    nested = set(layer_weights(outer, ["conv", "output"]))
    assert nested == {f"bases.0.{name}" for name in names}

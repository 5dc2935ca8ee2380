"""Whatever layers a net has, one generator decides its parameters."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from small_models import N_FEATURES, songs, vector
from torch import nn

from sklearn_msd import FullyConnectedClassifier, TimeConvClassifier
from sklearn_msd.nets.base import SegmentNet
from sklearn_msd.nets.layers import BatchNorm, initialised, linear, uninitialised


class Scaled(nn.Module):
    """A layer of a user's own, with numbers that it takes at random."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(3))
        self.shift = nn.Parameter(torch.randn(3) + torch.randn_like(self.scale.data))
        self.order = nn.Parameter(torch.randperm(3).float())
        self.signs = nn.Parameter(torch.randint(0, 2, (3,)).float())
        self.mean = nn.Parameter(torch.normal(0.0, 1.0, (3,)))


LAYERS = {
    "Linear": lambda: nn.Linear(3, 2),
    "Bilinear": lambda: nn.Bilinear(3, 4, 2),
    "Conv1d": lambda: nn.Conv1d(3, 2, 2),
    "Conv2d": lambda: nn.Conv2d(3, 2, 2),
    "Conv3d": lambda: nn.Conv3d(3, 2, 2),
    "ConvTranspose1d": lambda: nn.ConvTranspose1d(3, 2, 2),
    "ConvTranspose2d": lambda: nn.ConvTranspose2d(3, 2, 2),
    "RNN": lambda: nn.RNN(3, 2),
    "LSTM with projections": lambda: nn.LSTM(3, 4, proj_size=2),
    "GRUCell": lambda: nn.GRUCell(3, 2),
    "Embedding": lambda: nn.Embedding(4, 2),
    "EmbeddingBag": lambda: nn.EmbeddingBag(4, 2),
    "MultiheadAttention": lambda: nn.MultiheadAttention(4, 2),
    "TransformerEncoderLayer": lambda: nn.TransformerEncoderLayer(4, 2, 3),
    "weight norm": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)),
    "orthogonal": lambda: nn.utils.parametrizations.orthogonal(nn.Linear(3, 3)),
    "spectral norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2)),
    "one's own": Scaled,
}
# These have the same parameters whenever they are made.
CONSTANT = {
    "BatchNorm1d": lambda: nn.BatchNorm1d(3),
    "LayerNorm": lambda: nn.LayerNorm(3),
    "GroupNorm": lambda: nn.GroupNorm(1, 3),
    "RMSNorm": lambda: nn.RMSNorm(3),
    "PReLU": lambda: nn.PReLU(),
}


def values(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_a_layers_random_numbers_come_from_the_generator(make):
    nets = []
    for seed in 0, 0, 1:
        torch.manual_seed(len(nets))
        state = torch.get_rng_state()
        nets.append(initialised(make, torch.Generator().manual_seed(seed)))
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(values(nets[0]), values(nets[1]))
    assert not torch.equal(values(nets[0]), values(nets[2]))


@pytest.mark.parametrize("make", CONSTANT.values(), ids=CONSTANT)
def test_constant_layers_keep_their_values(make):
    net = initialised(make, torch.Generator())
    assert torch.equal(values(net), values(make()))


def test_pretrained_values_are_kept():
    trained = nn.Linear(3, 2), nn.Conv1d(3, 2, 2)
    before = values(nn.ModuleList(trained)).clone()
    net = initialised(lambda: nn.ModuleList(trained), torch.Generator())
    assert torch.equal(values(net), before)


def test_blank_layers_are_filled_once():
    generator = torch.Generator().manual_seed(0)
    net = initialised(lambda: nn.ModuleList([linear(3, 2)]), generator)
    before = values(net).clone()
    assert (before.abs() <= 3**-0.5).all()
    initialised(lambda: net, generator)
    assert torch.equal(values(net), before)
    with pytest.raises(TypeError, match="no rule to initialise Conv1d"):
        initialised(lambda: uninitialised(nn.Conv1d, 3, 2, 2), generator)


def test_random_numbers_that_cannot_be_led_are_an_error():
    with pytest.raises(TypeError, match="random_state cannot decide aten"):
        initialised(
            lambda: nn.ParameterList(torch.native_dropout(torch.ones(3), 0.5, True)),
            torch.Generator(),
        )


class OwnNet(SegmentNet):
    """A net as a user writes it, with PyTorch's layers."""

    def __init__(self, n_inputs, n_classes):
        super().__init__()
        self.conv = nn.Conv1d(N_FEATURES, 4, 3)
        self.scaled = Scaled()
        length = n_inputs // N_FEATURES - 2
        self.hidden = nn.Linear(4 * length, 5)
        self.output = nn.Linear(5, n_classes)

    def representation(self, x):
        songs = x.unflatten(1, (-1, N_FEATURES)).transpose(1, 2)
        return self.hidden(self.conv(songs).relu().flatten(1)).relu()


class OwnClassifier(FullyConnectedClassifier):
    def _make_module(self, n_inputs, n_classes):
        return OwnNet(n_inputs, n_classes)


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_classifier_with_layers_of_pytorchs(default, warm_start):
    X, y = songs()
    net = OwnClassifier(
        n_segment_features=N_FEATURES,
        max_epochs=2,
        warm_start=warm_start,
        random_state=0,
    )
    expected = clone(net).fit(X, y).fit(X, y)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    torch.set_default_dtype(default)
    try:
        found = clone(net).fit(X, y).fit(X, y)
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(vector(found), vector(expected))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_net_in_a_program_that_takes_another_default():
    X, y = songs()
    net = TimeConvClassifier(
        n_segment_features=N_FEATURES, n_kernels=4, max_epochs=1, random_state=0
    )
    expected = vector(clone(net).fit(X, y))
    torch.set_default_dtype(torch.float64)
    try:
        assert vector(clone(net).fit(X, y)).dtype == np.float32
        np.testing.assert_array_equal(vector(clone(net).fit(X, y)), expected)
    finally:
        torch.set_default_dtype(torch.float32)


def test_batch_norm_remembers_the_mean_over_its_first_batches():
    ours, pytorchs = BatchNorm(3), nn.BatchNorm1d(3)
    batches = torch.randn(14, 8, 3, generator=torch.Generator().manual_seed(0)) + 5
    means = batches.mean(dim=1)
    for n, batch in enumerate(batches[:10], start=1):
        torch.testing.assert_close(ours(batch), pytorchs(batch))
        torch.testing.assert_close(ours.running_mean, means[:n].mean(dim=0))
    remembered = ours.running_mean.clone()
    # From then on each replaces a tenth, as PyTorch's do from the first.
    for batch, mean in zip(batches[10:], means[10:], strict=True):
        ours(batch)
        remembered = 0.9 * remembered + 0.1 * mean
    torch.testing.assert_close(ours.running_mean, remembered)
    one = batches[0, :1]
    pytorchs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(ours(one), pytorchs.eval()(one))
    assert torch.equal(ours.running_mean, pytorchs.running_mean)

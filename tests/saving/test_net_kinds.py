"""Nets written down and made again."""

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_msd.nets.base import SegmentNet
from sklearn_msd.nets.composed import CombinedNet, CorrectedNet
from sklearn_msd.nets.conv_net import ConvNet
from sklearn_msd.nets.fully_connected import FullyConnectedNet
from sklearn_msd.nets.layers import initialise_parameters, linear
from sklearn_msd.nets.recurrent import RecurrentNet
from sklearn_msd.saving import net_kinds
from sklearn_msd.saving.net_kinds import (
    KINDS,
    architecture,
    kind_of,
    make_net,
    own_weights,
)

N_CLASSES = 3
SONGS = torch.randn(7, 60, generator=torch.Generator().manual_seed(0))


def made(kind, *args, **kwargs):
    net = kind(*args, **kwargs)
    initialise_parameters(net, torch.Generator().manual_seed(0))
    return net.eval()


def dense():
    return made(FullyConnectedNet, 60, np.int64(N_CLASSES), (4, np.int32(5)))


def conv(**kwargs):
    sizes = {"n_kernels": 4, "hidden_layer_sizes": [6]}
    return made(ConvNet, 12, 5, N_CLASSES, **sizes | kwargs)


def recurrent(cell):
    return made(RecurrentNet, 5, N_CLASSES, cell=cell, hidden_size=4, n_layers=2)


def combined():
    coef = torch.eye(N_CLASSES).repeat(1, 2)
    return CombinedNet([dense(), conv()], N_CLASSES).start_from(coef, coef[0, :3])


NETS = {
    "fully connected": dense,
    "convolution": conv,
    "pooled": lambda: conv(kernel_height=3, pooling="average", pool_size=3),
    "global": lambda: conv(global_pooling="mean_max", n_kernels=True),
    "gru": lambda: recurrent("gru"),
    "lstm": lambda: recurrent("lstm"),
    "tanh": lambda: recurrent("tanh"),
    "combined": combined,
    "corrected": lambda: CorrectedNet(dense(), 3, base=conv(), combine="linear"),
    "corrector alone": lambda: CorrectedNet(dense(), N_CLASSES),
}
each_net = pytest.mark.parametrize("name", NETS)


def again(value):
    """A net from what was written of it, its parts first."""
    if isinstance(value, SegmentNet):
        arguments = {n: again(argument) for n, argument in value.arguments.items()}
        weights = {n: tensor.clone() for n, tensor in own_weights(value).items()}
        return make_net(kind_of(value), arguments, weights)
    return [again(item) for item in value] if isinstance(value, list) else value


@each_net
def test_a_net_is_its_kind_its_arguments_and_its_weights(name):
    net = NETS[name]()
    same = again(net)
    assert type(same) is type(net)
    assert architecture(same) == architecture(net)
    assert list(same.state_dict()) == list(net.state_dict())
    assert torch.equal(same(SONGS), net(SONGS))
    assert not same.training
    assert {n for n, p in same.named_parameters() if p.requires_grad} == set(
        dict(net.named_parameters())
    )


@each_net
def test_an_architecture_is_plain_json_and_goes_with_copies(name):
    net = NETS[name]()
    found = architecture(net)
    assert json.loads(json.dumps(found)) == found
    assert architecture(copy.deepcopy(net)) == found
    assert architecture(pickle.loads(pickle.dumps(net))) == found


def test_every_argument_is_there_its_default_too():
    found = architecture(dense())
    sizes = {"n_inputs": 60, "n_classes": 3, "hidden_layer_sizes": [4, 5]}
    assert found == {"kind": "fully connected", "arguments": sizes}
    assert type(found["arguments"]["n_classes"]) is int
    assert architecture(conv())["arguments"]["pool_size"] == 2


def test_a_part_is_copied_with_its_whole():
    net = copy.deepcopy(combined())
    assert net.arguments["bases"][0] is net.bases[0]


def test_weights_of_parts_are_the_parts():
    assert list(own_weights(combined())) == ["combiner.weight", "combiner.bias"]
    parts = [dense(), conv()]
    weights = {"combiner.weight": torch.zeros(3, 6), "combiner.bias": torch.zeros(3)}
    net = make_net("combined", {"bases": parts, "n_classes": 3}, weights)
    assert list(net.bases) == parts
    assert net.combiner.bias.data_ptr() == weights["combiner.bias"].data_ptr()


def test_every_net_of_the_package_has_a_kind():
    def all_below(cls):
        return {cls}.union(*map(all_below, cls.__subclasses__()))

    nets = {
        cls for cls in all_below(SegmentNet) if cls.__module__.startswith("sklearn_msd")
    }
    assert nets - {SegmentNet} == set(KINDS.values())
    assert len(set(KINDS.values())) == len(KINDS)


class Summed(SegmentNet):
    """A net of a user's own, with a buffer and a layer that has values."""

    def __init__(self, n_inputs, n_classes=2, *, momentum=0.1):
        super().__init__()
        self.norm = nn.BatchNorm1d(n_inputs, momentum=momentum)
        self.output = linear(n_inputs, n_classes)

    def representation(self, x):
        return self.norm(x)


def test_buffers_and_other_types_of_numbers_come_back(monkeypatch):
    monkeypatch.setitem(net_kinds.KINDS, "summed", Summed)
    net = made(Summed, 60, momentum=0.2).double().train()
    net(SONGS.double())  # the running mean is another now
    same = again(net.eval())
    assert same.arguments == {"n_inputs": 60, "n_classes": 2, "momentum": 0.2}
    assert same.norm.momentum == 0.2
    assert same.norm.num_batches_tracked == 1
    assert torch.equal(same(SONGS.double()), net(SONGS.double()))


def test_a_net_of_a_users_own_has_no_kind():
    with pytest.raises(TypeError, match="Summed is none of this package's nets"):
        architecture(Summed(3))
    with pytest.raises(TypeError, match="n_inputs"):
        Summed()


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("convolution", {"n_conv_layers": 10**12}),
        ("convolution", {"n_kernels": 10**7}),
        ("convolution", {"n_kernels": 10**18}),
        ("convolution", {"pooling": {"a": 1}, "n_segments": 3}),
        ("convolution", {"n_conv_layers": 1}),
        ("convolution", {"code": 1}),
        ("fully connected", {}),
        ("os.system", {}),
    ],
)
def test_arguments_that_do_not_go_with_the_weights(kind, change):
    arguments = conv().arguments | change
    hooks = nn.modules.module._global_parameter_registration_hooks
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        make_net(kind, arguments, own_weights(conv()))
    assert not hooks


def test_a_weight_that_is_missing_or_of_another_shape():
    arguments, weights = conv().arguments, own_weights(conv())
    for name in weights:
        less = {n: t for n, t in weights.items() if n != name}
        with pytest.raises(ValueError, match=r"needs more than|has other weights"):
            make_net("convolution", arguments, less)
        with pytest.raises(RuntimeError, match="size mismatch"):
            make_net("convolution", arguments, weights | {name: torch.zeros(2, 7)})

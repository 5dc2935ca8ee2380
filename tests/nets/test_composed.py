"""Nets made of nets, against the same sums written out."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from sklearn_msd.nets.composed import (
    CombinedNet,
    CorrectedNet,
    agreement,
    linear_from,
)
from sklearn_msd.nets.fully_connected import FullyConnectedNet
from sklearn_msd.nets.layers import initialise_parameters
from sklearn_msd.nets.recurrent import RecurrentNet
from sklearn_msd.training.batches import SongDataset
from sklearn_msd.training.net import LogitNet

N_INPUTS, N_CLASSES = 6, 3


def drawn(n_inputs=N_INPUTS, hidden=(4,), seed=0):
    net = FullyConnectedNet(n_inputs, N_CLASSES, hidden).double()
    initialise_parameters(net, torch.Generator().manual_seed(seed))
    return net


def rows(n=5, width=N_INPUTS, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, width, generator=generator, dtype=torch.float64)


def test_combined_logits_are_a_linear_combination():
    bases, x = [drawn(seed=1), drawn(seed=2)], rows()
    coef, intercept = rows(N_CLASSES, 2 * N_CLASSES), rows(1, N_CLASSES)[0]
    combined = CombinedNet(bases, N_CLASSES).start_from(coef, intercept).double()
    expected = torch.cat([net(x) for net in bases], 1) @ coef.T + intercept
    assert_close(combined(x), expected)


def test_padding_is_taken_where_all_bases_take_it():
    recurrent = RecurrentNet(2, N_CLASSES)
    assert CombinedNet([recurrent, recurrent], N_CLASSES).takes_padding
    assert not CombinedNet([recurrent, drawn()], N_CLASSES).takes_padding


def test_agreement_is_the_penalty_of_negative_correlation_learning():
    scores = [rows(seed=s, width=N_CLASSES) for s in range(4)]
    p = [torch.softmax(z, 1) for z in scores]
    mean = sum(p) / 4
    expected = 0
    for m in range(4):
        others = sum(p[i] - mean for i in range(4) if i != m)
        expected = expected + ((p[m] - mean) * others).sum(1) / 4
    assert_close(agreement(scores), expected)
    assert (agreement(scores) < 0).all()


def test_nets_that_agree_wholly_have_the_largest_penalty():
    z = rows(width=N_CLASSES)
    assert_close(agreement([z, z, z]), torch.zeros(5, dtype=torch.float64))


def test_the_penalty_is_in_the_loss_and_only_in_training():
    x, y = rows(), np.array([0, 1, 2, 0, 1])
    bases = [drawn(seed=1), drawn(seed=2)]
    coef, intercept = rows(N_CLASSES, 2 * N_CLASSES), rows(1, N_CLASSES)[0]
    module = CombinedNet(bases, N_CLASSES, similarity_penalty=0.7)
    module.start_from(coef, intercept).double()
    weight = np.array([1.0, 2.0, 0.0, 1.0, 1.0])
    net = LogitNet(module, dtype=torch.float64, classes=[0, 1, 2]).initialize()
    (batch, targets), *_ = net.get_iterator(
        SongDataset(x.numpy(), y, weight=weight, dtype=torch.float64)
    )
    losses = torch.nn.functional.cross_entropy(
        module.eval()(x), torch.as_tensor(y), reduction="none"
    )
    extra = 0.7 * agreement([base(x) for base in bases])
    weight = torch.as_tensor(weight)
    for training, expected in ((False, losses), (True, losses + extra)):
        module.train(training)
        loss = net.get_loss(net.infer(batch), targets, X=batch, training=training)
        assert_close(loss, (weight * expected).mean())


@pytest.mark.parametrize("combine", ["sum", "linear"])
def test_a_linear_combination_starts_as_the_sum(combine):
    x, base, corrector = rows(), drawn(seed=1), drawn(seed=2)
    together = CorrectedNet(corrector, N_CLASSES, base=base, combine=combine).double()
    assert_close(together(x), base(x) + corrector(x))
    on_top = CorrectedNet(corrector, N_CLASSES, combine=combine).double()
    assert_close(on_top(x), corrector(x))
    assert_close(on_top.add_base_logits(on_top(x), base(x)), base(x) + corrector(x))


def test_a_linear_combination_weighs_base_and_corrector():
    base, corrector = rows(width=N_CLASSES), rows(width=N_CLASSES, seed=1)
    net = CorrectedNet(drawn(), N_CLASSES, combine="linear")
    left, right, bias = rows(3, 3, 2), rows(3, 3, 3), rows(1, 3, 4)[0]
    net.combiner = linear_from(torch.cat([left, right], 1), bias).double()
    expected = base @ left.T + corrector @ right.T + bias
    assert_close(net.add_base_logits(corrector, base), expected)


def test_the_corrector_sees_the_base_as_it_is_now():
    x, base = rows(), drawn(seed=1)
    corrector = drawn(N_INPUTS + 4 + N_CLASSES, seed=2)
    net = CorrectedNet(corrector, N_CLASSES, base=base, n_inputs=N_INPUTS)
    stale = torch.cat([x, rows(width=4 + N_CLASSES)], 1)
    for _ in range(2):
        live = torch.cat([x, base.representation(x), base(x)], 1)
        assert_close(net(stale), base(x) + corrector(live))
        initialise_parameters(base, torch.Generator().manual_seed(3))

"""The hand-written operation against PyTorch's own convolution and pooling."""

import itertools

import pytest
import torch
from torch.autograd import gradcheck

from sklearn_msd.nets.convolution import conv_relu_pool, plain_conv_relu_pool

POOLINGS = [(None, 1), ("max", 2), ("max", 3), ("average", 2), ("average", 3)]


def operands(n_songs, n_segments, n_inputs, height, n_kernels=6, seed=0, whole=False):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        values = torch.randn(*shape, generator=generator, dtype=torch.float64)
        return values.round() if whole else values

    return [
        draw(n_songs, n_segments, n_inputs),
        draw(n_kernels, height, n_inputs),
        draw(n_kernels),
    ]


def values_and_gradients(operation, operands, pooling, pool_size):
    leaves = [t.detach().clone().requires_grad_() for t in operands]
    out = operation(*leaves, pooling, pool_size)
    generator = torch.Generator().manual_seed(1)
    direction = torch.randn(out.shape, generator=generator, dtype=out.dtype)
    return [out, *torch.autograd.grad(out, leaves, direction)]


def assert_same(operands, pooling, pool_size, **tolerance):
    ours = values_and_gradients(conv_relu_pool, operands, pooling, pool_size)
    plain = values_and_gradients(plain_conv_relu_pool, operands, pooling, pool_size)
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, other, **tolerance)


@pytest.mark.parametrize(("pooling", "pool_size"), POOLINGS)
@pytest.mark.parametrize("height", [1, 2, 3, 5, 7])
def test_equals_the_plain_formulation(height, pooling, pool_size):
    for n_songs, n_segments, n_inputs in itertools.product(
        (1, 4), (9, 10, 13), (1, 25)
    ):
        given = operands(n_songs, n_segments, n_inputs, height)
        assert_same(given, pooling, pool_size, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("pooling", "pool_size"), POOLINGS)
def test_ties_go_to_the_first_maximum_as_in_pytorch(pooling, pool_size):
    # Whole numbers: both formulations compute them without rounding, so ties are ties.
    x, weight, bias = operands(3, 12, 2, height=3, whole=True)
    x[:, :] = x[:, :1]
    assert_same([x, weight, bias], pooling, pool_size, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("pooling", "pool_size"), POOLINGS)
def test_gradcheck(pooling, pool_size):
    leaves = [t.requires_grad_() for t in operands(2, 8, 3, height=3, n_kernels=4)]
    assert gradcheck(
        lambda x, w, b: conv_relu_pool(x, w, b, pooling, pool_size), leaves
    )


def test_takes_non_contiguous_input():
    x, weight, bias = operands(4, 20, 5, height=3)
    strided = [x[:, ::2], weight.transpose(1, 2).contiguous().transpose(1, 2), bias]
    assert not strided[0].is_contiguous()
    assert not strided[1].is_contiguous()
    assert_same(strided, "max", 2, rtol=1e-11, atol=1e-12)


def test_gradient_is_not_computed_for_an_input_that_needs_none():
    x, weight, bias = operands(2, 10, 3, height=2)
    weight.requires_grad_()
    conv_relu_pool(x, weight, bias, "max", 2).sum().backward()
    assert weight.grad is not None
    assert x.grad is None
    assert bias.grad is None


def test_songs_do_not_leak_into_each_other():
    x, weight, bias = operands(3, 10, 4, height=4)
    together = conv_relu_pool(x, weight, bias, "max", 2)
    apart = torch.cat([conv_relu_pool(s, weight, bias, "max", 2) for s in x.split(1)])
    torch.testing.assert_close(together, apart, rtol=1e-12, atol=1e-12)


def test_float32_keeps_its_dtype():
    given = [t.float() for t in operands(2, 10, 3, height=3)]
    assert conv_relu_pool(*given, "average", 2).dtype == torch.float32
    assert_same(given, "average", 2, rtol=1e-5, atol=1e-5)

r"""Convolution in time, ReLU and pooling as one operation.

A song is ``(n_segments, n_inputs)``; a kernel covers all inputs of ``kernel_height``
consecutive segments. With the data kept in that order a kernel's window over segments
``t … t + k - 1`` is a contiguous run of ``k · n_inputs`` numbers, and the windows that
start at ``p, p + k, p + 2k, …`` tile the memory without overlap. So the convolution is
``k`` matrix products, one for each phase ``p``, each on a *view* of the input:

.. math:: Z[p::k] = \operatorname{view}(A, p) \, W^\top

with ``W`` of shape ``(n_kernels, k · n_inputs)``. All songs of a batch are treated as
one long run of segments; the ``k - 1`` windows at each song's end that run into the
next song are computed and dropped. Nothing is unfolded, transposed or copied.

The backward pass, with ``G`` the gradient on ``Z`` (zero on dropped windows), uses the
same views:

.. math::
    \partial W = \sum_p G[p::k]^\top \operatorname{view}(A, p), \qquad
    \operatorname{view}(\partial A, p) \mathrel{+}= G[p::k] \, W .

The products add to an array that holds the bias, which is faster than adding the bias
to the products. Maximum pooling commutes with ReLU, ``max(relu(z)) = relu(max(z))``, so
that ReLU runs on the pooled array; which element set each maximum (the first, where
several are equal, as in PyTorch) is all that the backward pass must remember. Average
pooling does not commute with ReLU, which then comes first.

:func:`plain_conv_relu_pool` states the same in PyTorch's own operations. It is the
reference of the tests, and what runs on a GPU and in an exported or compiled graph.
:func:`product_conv_relu_pool` is one matrix product, of windows that are copied: what
nets are trained with that are trained as a stack, or in a CUDA graph.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from sklearn_msd.common.pytorch.private import pass_where_positive

Pooling = Literal["max", "average"] | None


def conv_relu_pool(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    pooling: Pooling = None,
    pool_size: int = 1,
) -> Tensor:
    """``pool(relu(conv(x)))`` over time, without padding and without overlap.

    Parameters
    ----------
    x : Tensor of shape (n_songs, n_segments, n_inputs)
    weight : Tensor of shape (n_kernels, kernel_height, n_inputs)
    bias : Tensor of shape (n_kernels,)
    pooling : {"max", "average"} or None
    pool_size : int
        Number of neighbouring positions pooled into one; 1 with ``pooling=None``.

    Returns
    -------
    Tensor of shape (n_songs, (n_segments - kernel_height + 1) // pool_size, n_kernels)
    """
    if pooling is None:
        pool_size = 1
    if x.device.type == "cpu" and not torch.compiler.is_compiling():
        out: Tensor = _ConvReluPool.apply(  # type: ignore[no-untyped-call]
            x, weight, bias, pooling, pool_size
        )
        return out
    return plain_conv_relu_pool(x, weight, bias, pooling, pool_size)


def plain_conv_relu_pool(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    pooling: Pooling = None,
    pool_size: int = 1,
) -> Tensor:
    """:func:`conv_relu_pool` in PyTorch's own operations."""
    z = F.relu(F.conv1d(x.transpose(1, 2), weight.transpose(1, 2), bias))
    if pooling == "max":
        z = F.max_pool1d(z, pool_size)
    elif pooling == "average":
        z = F.avg_pool1d(z, pool_size)
    return z.transpose(1, 2)


def product_conv_relu_pool(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    pooling: Pooling = None,
    pool_size: int = 1,
) -> Tensor:
    """:func:`conv_relu_pool` as a matrix product of all windows, next to each other.

    `torch.vmap` makes one batched product of it for several nets; of a convolution it
    makes one with groups, which is slower.
    """
    if pooling is None:
        pool_size = 1
    n_kernels, height, _ = weight.shape
    n_pooled = (x.shape[1] - height + 1) // pool_size
    n_used = n_pooled * pool_size
    windows = torch.cat([x[:, i : i + n_used] for i in range(height)], dim=2)
    # The songs' windows as rows: a product with three axes, vmap would do song by song.
    z = torch.mm(windows.flatten(0, 1), weight.flatten(1).t()) + bias
    z = z.view(-1, n_pooled, pool_size, n_kernels)
    if pooling == "average":
        return z.relu().mean(dim=2)
    return z.amax(dim=2).relu()


def _phase(rows: Tensor, phase: int, height: int) -> Tensor:
    """Windows of ``height`` rows that start at ``phase, phase + height, …``: a view."""
    n_rows, width = rows.shape
    n_windows = (n_rows - phase) // height
    window = height * width
    return rows.view(-1)[phase * width :][: n_windows * window].view(n_windows, window)


def _every(rows: Tensor, phase: int, height: int) -> Tensor:
    """The rows at which the windows of ``_phase`` start: a view."""
    n_windows = (rows.shape[0] - phase) // height
    return rows[phase::height][:n_windows]


class _ConvReluPool(torch.autograd.Function):
    """The operation of this module's docstring, with its gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        pooling: Pooling,
        pool_size: int,
    ) -> Tensor:
        x = x.contiguous()
        weight = weight.contiguous()
        n_songs, n_segments, n_inputs = x.shape
        n_kernels, height, _ = weight.shape
        n_pooled = (n_segments - height + 1) // pool_size

        rows = x.view(-1, n_inputs)
        kernels = weight.view(n_kernels, -1)
        z = x.new_empty(rows.shape[0], n_kernels).copy_(bias)
        for p in range(height):
            _every(z, p, height).addmm_(_phase(rows, p, height), kernels.t())

        windows = z.view(n_songs, n_segments, n_kernels)
        windows = windows[:, : n_pooled * pool_size]
        windows = windows.unflatten(1, (n_pooled, pool_size))
        saved: list[Tensor] = []
        if pooling == "max":
            peak, saved = _maximum(windows, remember=any(ctx.needs_input_grad))
            out = peak.relu_()
        elif pooling == "average":
            saved = [windows.relu()]
            out = saved[0].mean(dim=2)
        else:
            out = windows[:, :, 0].relu()
        ctx.save_for_backward(x, weight, out, *saved)
        ctx.pooling, ctx.pool_size = pooling, pool_size
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, out, *saved = ctx.saved_tensors
        n_songs, n_segments, n_inputs = x.shape
        n_kernels, height, _ = weight.shape
        n_pooled = out.shape[1]
        n_used = n_pooled * ctx.pool_size

        # Through pooling and ReLU, onto the windows that made it into the output.
        grad = x.new_empty(n_songs, n_segments, n_kernels)
        grad[:, n_used:] = 0
        windows = grad[:, :n_used].unflatten(1, (n_pooled, ctx.pool_size))
        if ctx.pooling == "average":
            share = (grad_out / ctx.pool_size).unsqueeze(2).expand_as(windows)
            pass_where_positive(share, saved[0], out=windows)
        else:
            first = windows[:, :, 0]
            pass_where_positive(grad_out, out, out=first)
            for j in range(ctx.pool_size - 1, 0, -1):
                pass_where_positive(first, saved[j - 1], out=windows[:, :, j])
                first.sub_(windows[:, :, j])

        rows, grad_rows = x.view(-1, n_inputs), grad.view(-1, n_kernels)
        grad_bias = grad_rows.sum(dim=0)
        kernels = weight.view(n_kernels, -1)
        grad_kernels = torch.zeros_like(kernels)
        for p in range(height):
            grad_kernels.addmm_(
                _every(grad_rows, p, height).t(), _phase(rows, p, height)
            )
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = torch.zeros_like(x)
            grad_in = grad_x.view(-1, n_inputs)
            for p in range(height):
                _phase(grad_in, p, height).addmm_(_every(grad_rows, p, height), kernels)
        return grad_x, grad_kernels.view_as(weight), grad_bias, None, None


def _maximum(windows: Tensor, remember: bool) -> tuple[Tensor, list[Tensor]]:
    """Maximum over axis 2 as a chain of element-wise maxima and, if asked, the chain.

    Its ``j``-th member is positive where element ``j + 1`` exceeds all before it: the
    gradient, taken from the last member to the first, goes to the first maximum. On
    the CPU this is several times faster than a reduction over so short an axis.
    """
    peak = windows[:, :, 0].clone(memory_format=torch.contiguous_format)
    rises = []
    for j in range(1, windows.shape[2]):
        rival = windows[:, :, j]
        if remember:
            rises.append(rival - peak)
        torch.maximum(peak, rival, out=peak)
    return peak, rises

"""The layers that the nets are made of, and how their parameters are initialised."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_msd.nets.convolution import Pooling, conv_relu_pool


class TimeConv(nn.Module):
    """Convolution in time, ReLU and pooling.

    Parameters
    ----------
    n_inputs, n_kernels, kernel_height : int
    pooling : {"max", "average"} or None
    pool_size : int

    Attributes
    ----------
    weight : Parameter of shape (n_kernels, kernel_height, n_inputs)
        Kernels as a song is laid out: segment by segment.
    bias : Parameter of shape (n_kernels,)
    """

    def __init__(
        self,
        n_inputs: int,
        n_kernels: int,
        kernel_height: int,
        pooling: Pooling,
        pool_size: int,
    ) -> None:
        super().__init__()
        self.pooling: Pooling = pooling
        self.pool_size = pool_size
        self.weight = nn.Parameter(torch.empty(n_kernels, kernel_height, n_inputs))
        self.bias = nn.Parameter(torch.empty(n_kernels))

    def forward(self, x: Tensor) -> Tensor:
        """From (n_songs, n_positions, n_inputs) to (n_songs, fewer, n_kernels)."""
        return conv_relu_pool(x, self.weight, self.bias, self.pooling, self.pool_size)

    def n_positions(self, lengths: Tensor) -> Tensor:
        """Number of outputs that see no padding; at least 1, over zeros if need be."""
        height = self.weight.shape[1]
        return ((lengths - height + 1) // self.pool_size).clamp_min(1)

    def extra_repr(self) -> str:
        """Sizes, for printing."""
        n_kernels, height, n_inputs = self.weight.shape
        pool = f", {self.pooling} pool {self.pool_size}" if self.pooling else ""
        return f"{n_inputs}, {n_kernels}, kernel_height={height}{pool}"


class HiddenLayers(nn.ModuleList):
    """Fully connected layers with ReLU; none of them hands its input on."""

    def __init__(self, n_inputs: int, sizes: Sequence[int]) -> None:
        widths = [n_inputs, *sizes]
        super().__init__(linear(a, b) for a, b in itertools.pairwise(widths))
        self.n_outputs = widths[-1]

    def forward(self, x: Tensor) -> Tensor:
        """From (n_songs, n_inputs) to (n_songs, n_outputs)."""
        for layer in self:
            x = torch.relu(layer(x))
        return x


def linear(n_inputs: int, n_outputs: int) -> nn.Linear:
    """A linear layer whose parameters are yet to be initialised."""
    layer: nn.Linear = uninitialised(nn.Linear, n_inputs, n_outputs)
    return layer


def uninitialised(kind: Any, *args: Any, **kwargs: Any) -> Any:
    """A PyTorch layer with room for its parameters: no global seed is read."""
    return kind(*args, **kwargs, device="meta").to_empty(device="cpu")


def initialise_parameters(net: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights and biases from U(-b, b), b² = 1 / fan-in: PyTorch's default."""
    for layer in net.modules():
        if isinstance(layer, nn.Linear):
            fan_in = layer.in_features
        elif isinstance(layer, TimeConv):
            fan_in = layer.weight[0].numel()
        elif isinstance(layer, nn.RNNBase):
            fan_in = layer.hidden_size
        else:
            continue
        bound = 1 / math.sqrt(fan_in)
        for parameter in layer.parameters(recurse=False):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

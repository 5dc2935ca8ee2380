"""The layers that the nets are made of, and how their parameters are initialised."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_msd.common.pytorch.private import RANDOM_LIKE, TorchDispatchMode
from sklearn_msd.nets.base import SegmentNet
from sklearn_msd.nets.convolution import (
    Pooling,
    conv_relu_pool,
    product_conv_relu_pool,
)

# Of what batch normalisation remembers, the share that each batch replaces.
_MOMENTUM = 0.1


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
    as_product : bool
        Whether to compute by :func:`product_conv_relu_pool`.
    """

    as_product = False

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
        self.weight = nn.Parameter(_room(n_kernels, kernel_height, n_inputs))
        self.bias = nn.Parameter(_room(n_kernels))
        self.is_blank = True

    def forward(self, x: Tensor) -> Tensor:
        """From (n_songs, n_positions, n_inputs) to (n_songs, fewer, n_kernels)."""
        operation = product_conv_relu_pool if self.as_product else conv_relu_pool
        return operation(x, self.weight, self.bias, self.pooling, self.pool_size)

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

    def forward(self, x: Tensor, dropout: nn.Module | None = None) -> Tensor:
        """From (n_songs, n_inputs) to (n_songs, n_outputs), each input dropped out."""
        for layer in self:
            x = torch.relu(layer(x if dropout is None else dropout(x)))
        return x


class SeededDropout(nn.Module):
    """Dropout whose numbers come from a generator of the training's own.

    PyTorch's reads the global seed. Outside :func:`noise_from` it does so too.

    Parameters
    ----------
    p : float
        Share of the inputs set to zero, in training; the others are divided by 1 - p.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape."""
        if not self.training:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        return x * kept / (1 - self.p)


class BatchNorm(nn.BatchNorm1d):
    """PyTorch's batch normalisation, for few steps and batches of one song, too.

    The running figures are the mean over the first batches, until the momentum has
    forgotten where they began. A batch of one song, which has no variance, is
    normalised by the running figures.
    """

    num_batches_tracked: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape, (n_songs, n_features)."""
        of_batch, momentum = self.training and len(x) > 1, 0.0
        if of_batch:
            self.num_batches_tracked.add_(1)
            momentum = max(_MOMENTUM, 1 / int(self.num_batches_tracked))
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            of_batch,
            momentum,
            self.eps,
        )


def normalisation(kind: Literal["batch", "layer"], n_features: int) -> nn.Module:
    """A layer that brings its inputs to mean 0 and variance 1, then scales them.

    Parameters
    ----------
    kind : {"batch", "layer"}
        Each feature over the songs of a batch, or each song over its features.
    n_features : int
    """
    return BatchNorm(n_features) if kind == "batch" else nn.LayerNorm(n_features)


@contextmanager
def noise_from(net: nn.Module, rng: np.random.RandomState | None) -> Iterator[None]:
    """Let `rng` decide what is dropped out; without dropout it is not asked."""
    layers = [part for part in net.modules() if isinstance(part, SeededDropout)]
    if layers and rng is not None:
        device = next(net.parameters()).device
        generator = torch.Generator(device).manual_seed(int(rng.randint(2**31)))
        for layer in layers:
            layer.generator = generator
    try:
        yield
    finally:
        for layer in layers:
            layer.generator = None


def linear(n_inputs: int, n_outputs: int) -> nn.Linear:
    """A linear layer whose parameters are yet to be initialised."""
    layer: nn.Linear = uninitialised(nn.Linear, n_inputs, n_outputs)
    return layer


def uninitialised(kind: Any, *args: Any, **kwargs: Any) -> Any:
    """A PyTorch layer with room for its parameters: no global seed is read."""
    layer = kind(*args, **kwargs, device="meta", dtype=torch.float32)
    layer.is_blank = True
    return layer.to_empty(device="cpu")


def _room(*shape: int) -> Tensor:
    # Whatever the program has set as PyTorch's default type and device.
    return torch.empty(*shape, dtype=torch.float32, device="cpu")


def initialised(
    make_net: Callable[[], SegmentNet], generator: torch.Generator
) -> SegmentNet:
    """A new net that `generator` alone decides.

    Layers made by :func:`uninitialised` are initialised by
    :func:`initialise_parameters`. All others, PyTorch's or one's own, keep the values
    that their constructors give them; where these are random, they come from
    `generator` and not from PyTorch's global one.

    Parameters
    ----------
    make_net : callable
    generator : Generator

    Raises
    ------
    TypeError
        If a constructor takes random numbers in a way that cannot be led to
        `generator`.
    """
    with torch.device("cpu"), _RandomNumbersFrom(generator):
        net = make_net()
    initialise_parameters(net, generator)
    return net


def mark_filled(net: nn.Module) -> None:
    """Let :func:`initialise_parameters` pass over layers that have their values."""
    for layer in net.modules():
        layer.__dict__.pop("is_blank", None)


def initialise_parameters(net: nn.Module, generator: torch.Generator) -> None:
    """Give blank layers values from U(-b, b), b² = 1 / fan-in: PyTorch's default.

    Raises
    ------
    TypeError
        If a layer that :func:`uninitialised` made has no rule here.
    """
    for layer in net.modules():
        if not layer.__dict__.pop("is_blank", False):
            continue
        if isinstance(layer, nn.Linear):
            fan_in = layer.in_features
        elif isinstance(layer, TimeConv):
            fan_in = layer.weight[0].numel()
        elif isinstance(layer, nn.RNNBase):
            fan_in = layer.hidden_size
        else:
            raise TypeError(
                f"There is no rule to initialise {type(layer).__name__}: call its "
                "constructor, not `uninitialised`."
            )
        bound = 1 / math.sqrt(fan_in)
        for parameter in layer.parameters(recurse=False):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)


class _RandomNumbersFrom(TorchDispatchMode):
    """Random tensors of this thread come from a generator, and are of float32."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.generator = generator

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = func.overloadpacket.__name__
        if name in _OF_DEFAULT_TYPE and kwargs.get("dtype") is None:
            kwargs["dtype"] = torch.float32
        on_meta = torch.device("meta") in (
            kwargs.get("device"),
            getattr(args[0] if args else None, "device", None),
        )
        if torch.Tag.nondeterministic_seeded in func.tags and not on_meta:
            if name in RANDOM_LIKE:
                like, func = args[0], RANDOM_LIKE[name]
                kwargs = {
                    key: kwargs.get(key) or getattr(like, key)
                    for key in ("dtype", "device")
                }
                args = (like.shape,)
            func = _with_generator(func)
            kwargs["generator"] = self.generator
        return func(*args, **kwargs)


# What is of PyTorch's default type if none is named.
_OF_DEFAULT_TYPE = (
    "empty",
    "empty_strided",
    "zeros",
    "ones",
    "rand",
    "randn",
    "normal",
)


def _with_generator(func: Any) -> Any:
    """The form of a random operation that takes a generator."""
    if any(argument.name == "generator" for argument in func._schema.arguments):
        return func
    kind = func._overloadname
    name = "generator" if kind == "default" else f"{kind}_generator"
    if name not in func.overloadpacket.overloads():
        raise TypeError(
            f"random_state cannot decide {func}, which takes random numbers while a "
            "net is built: fill the parameter with torch.nn.init instead."
        )
    return getattr(func.overloadpacket, name)

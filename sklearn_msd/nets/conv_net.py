"""Stacked convolutions over segments: the report's baseline and its nets in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor, nn

from sklearn_msd.nets.base import SegmentNet
from sklearn_msd.nets.convolution import Pooling
from sklearn_msd.nets.layers import (
    HiddenLayers,
    SeededDropout,
    TimeConv,
    linear,
    normalisation,
)
from sklearn_msd.nets.pooling import (
    GlobalPooling,
    pool_globally,
    pooling_names,
    split_padding,
)


class ConvNet(SegmentNet):
    """Stacked convolutions over segments, then hidden layers (Figure 1, section 4).

    A kernel covers all features of ``kernel_height`` consecutive segments in the first
    layer and all activations of as many positions in the next ones; pooling is over
    time alone. Heights and pools shrink to what is left of a song that is too short.

    Parameters
    ----------
    n_segments, n_segment_features, n_classes : int
    n_kernels : int
        Kernels in each convolutional layer.
    kernel_height : int
        Segments that a kernel covers; 1 is the report's baseline.
    n_conv_layers : int
    pooling : {"max", "average"} or None
    pool_size : int
    global_pooling : {"mean", "max", "mean_max"}, sequence or None
        Summary of the last convolution over the whole song: one or several of "mean",
        "std" and "max". None keeps every position.
    summary_norm : {"batch", "layer"} or None
        Normalisation of what the hidden layers take.
    dropout : float
        Share of the inputs of each hidden layer and of the output that is dropped out.
    hidden_layer_sizes : sequence of int
    """

    def __init__(
        self,
        n_segments: int,
        n_segment_features: int,
        n_classes: int,
        *,
        n_kernels: int = 50,
        kernel_height: int = 1,
        n_conv_layers: int = 2,
        pooling: Pooling = None,
        pool_size: int = 2,
        global_pooling: GlobalPooling = None,
        summary_norm: Literal["batch", "layer"] | None = None,
        dropout: float = 0.0,
        hidden_layer_sizes: Sequence[int] = (200,),
    ) -> None:
        super().__init__()
        self.n_segment_features = n_segment_features
        # True is one, and no size of a tensor.
        n_kernels, kernel_height = int(n_kernels), int(kernel_height)
        self.kernel_height = kernel_height
        self.pool_size = int(pool_size) if pooling else 1
        self.global_pooling: GlobalPooling = None
        if global_pooling is not None:
            self.global_pooling = pooling_names(global_pooling)
        self.takes_padding = global_pooling is not None
        layers = []
        length, width = n_segments, n_segment_features
        for _ in range(n_conv_layers):
            height = min(kernel_height, length)
            positions = length - height + 1
            size = min(pool_size, positions) if pooling else 1
            layers.append(TimeConv(width, n_kernels, height, pooling, size))
            length, width = positions // size, n_kernels
        self.conv: Any = nn.ModuleList(layers)
        summaries = len(self.global_pooling) if self.global_pooling else length
        if summary_norm is not None:
            self.summary_norm = normalisation(summary_norm, summaries * width)
        if dropout > 0:
            self.dropout = SeededDropout(float(dropout))
        self.hidden = HiddenLayers(summaries * width, hidden_layer_sizes)
        self.output = linear(self.hidden.n_outputs, n_classes)

    def shrunk(self) -> list[str]:
        """Kernels and pools that no song is long enough for, already in layer 1."""
        first = self.conv[0]
        used = {"kernel_height": first.weight.shape[1], "pool_size": first.pool_size}
        return [
            f"{name}={getattr(self, name)} is as {name}={most}"
            for name, most in used.items()
            if most < getattr(self, name)
        ]

    def representation(self, x: Tensor) -> Tensor:
        """Last hidden layer, of shape (n_songs, hidden_layer_sizes[-1])."""
        songs = x.unflatten(1, (-1, self.n_segment_features))
        if self.global_pooling is None:
            for layer in self.conv:
                songs = layer(songs)
            summary = songs.flatten(1)
        else:
            songs, lengths = split_padding(songs)
            for layer in self.conv:
                songs, lengths = layer(songs), layer.n_positions(lengths)
            summary = pool_globally(songs, lengths, self.global_pooling)
        # Not all nets have these; those of older files know of neither.
        norm, dropout = (getattr(self, p, None) for p in ("summary_norm", "dropout"))
        if norm is not None:
            summary = norm(summary)
        out: Tensor = self.hidden(summary, dropout)
        return out if dropout is None else dropout(out)

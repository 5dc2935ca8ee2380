"""The nets, as plain PyTorch modules: flat songs in, logits out.

Every net takes a batch ``(n_songs, n_segments * n_segment_features)``, row-major, and
is made of named layers, ``conv``, ``recurrent``, ``hidden`` and ``output``: the names
that penalties and masks go by. Nothing is padded anywhere and biases are everywhere.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from sklearn_msd.nets.convolution import Pooling, conv_relu_pool

LAYERS = ("conv", "recurrent", "hidden", "output")

GlobalPooling = Literal["mean", "max", "mean_max"] | None
Cell = Literal["gru", "lstm", "tanh"]


def check_layer_names(names: Sequence[str], argument: str, *, least: int = 0) -> None:
    """Raise a ValueError if they are not names of layers, at least so many."""
    if len(names) < least or not all(name in LAYERS for name in names):
        raise ValueError(
            f"{argument} must be a sequence of names among {LAYERS}; got {names!r}."
        )


class SegmentNet(nn.Module):
    """What the nets share: logits are a linear function of a representation."""

    # The songs may end in segments of NaN, which change no output.
    takes_padding = False

    output: nn.Linear

    def representation(self, x: Tensor) -> Tensor:
        """Activations of the last layer before the output.

        Parameters
        ----------
        x : Tensor of shape (n_songs, n_segments * n_segment_features)

        Returns
        -------
        Tensor of shape (n_songs, n_units)
        """
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Logits, of shape (n_songs, n_classes)."""
        logits: Tensor = self.output(self.representation(x))
        return logits

    def add_offset(self, logits: Tensor, offset: Tensor) -> Tensor:
        """Logits on top of fixed ones, of the same shape (equation 3)."""
        return logits + offset


class FullyConnectedNet(SegmentNet):
    """Hidden layers over all inputs, which assume nothing of them (section 5.1).

    Parameters
    ----------
    n_inputs : int
        ``n_segments * n_segment_features``.
    n_classes : int
    hidden_layer_sizes : sequence of int
    """

    def __init__(
        self, n_inputs: int, n_classes: int, hidden_layer_sizes: Sequence[int]
    ) -> None:
        super().__init__()
        self.hidden = HiddenLayers(n_inputs, hidden_layer_sizes)
        self.output = linear(self.hidden.n_outputs, n_classes)

    def representation(self, x: Tensor) -> Tensor:
        """Last hidden layer, of shape (n_songs, hidden_layer_sizes[-1])."""
        out: Tensor = self.hidden(x)
        return out


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
    global_pooling : {"mean", "max", "mean_max"} or None
        Summary of the last convolution over the whole song. None keeps every position.
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
        hidden_layer_sizes: Sequence[int] = (200,),
    ) -> None:
        super().__init__()
        self.n_segment_features = n_segment_features
        # True is one, and no size of a tensor.
        n_kernels, kernel_height = int(n_kernels), int(kernel_height)
        self.global_pooling = global_pooling
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
        summaries = {None: length, "mean": 1, "max": 1, "mean_max": 2}[global_pooling]
        self.hidden = HiddenLayers(summaries * width, hidden_layer_sizes)
        self.output = linear(self.hidden.n_outputs, n_classes)

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
        out: Tensor = self.hidden(summary)
        return out


class RecurrentNet(SegmentNet):
    """A recurrent net over the segments; its final state is the representation.

    Section 4.1 of the report describes it and leaves it as future work.

    Parameters
    ----------
    n_segment_features, n_classes : int
    cell : {"gru", "lstm", "tanh"}
    hidden_size, n_layers : int
    bidirectional : bool
        Read the song in both directions; the two final states are concatenated.
    """

    takes_padding = True

    def __init__(
        self,
        n_segment_features: int,
        n_classes: int,
        *,
        cell: Cell = "gru",
        hidden_size: int = 100,
        n_layers: int = 1,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        self.n_segment_features = n_segment_features
        self.n_directions = 2 if bidirectional else 1
        kind = {"gru": nn.GRU, "lstm": nn.LSTM, "tanh": nn.RNN}[cell]
        self.recurrent = undrawn(
            kind,
            n_segment_features,
            hidden_size,
            num_layers=n_layers,
            bidirectional=bidirectional,
            batch_first=True,
        )
        self.output = linear(self.n_directions * hidden_size, n_classes)

    def representation(self, x: Tensor) -> Tensor:
        """Final state, of shape (n_songs, n_directions * hidden_size)."""
        songs, lengths = split_padding(x.unflatten(1, (-1, self.n_segment_features)))
        sequences: Any = songs
        # An exported graph is of songs of full length: it cannot ask for the lengths.
        exporting = torch.compiler.is_exporting()
        if not exporting and bool((lengths < songs.shape[1]).any()):
            sequences = pack_padded_sequence(
                songs, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
        _, state = self.recurrent(sequences)
        if isinstance(state, tuple):  # an LSTM's (hidden state, cell state)
            state = state[0]
        last_layer: Tensor = state[-self.n_directions :]
        return last_layer.transpose(0, 1).flatten(1)


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


def split_padding(songs: Tensor) -> tuple[Tensor, Tensor]:
    """Songs with zeros for their NaN segments, and the number of real segments.

    Parameters
    ----------
    songs : Tensor of shape (n_songs, n_segments, n_segment_features)
        A song shorter than ``n_segments`` ends in segments of NaN.
    """
    padding = songs[:, :, 0].isnan()
    lengths = songs.shape[1] - padding.sum(1)
    return songs.masked_fill(padding.unsqueeze(2), 0), lengths


def pool_globally(songs: Tensor, lengths: Tensor, how: GlobalPooling) -> Tensor:
    """Mean, maximum or both over each song's first ``lengths`` positions."""
    beyond = torch.arange(songs.shape[1], device=songs.device) >= lengths.unsqueeze(1)
    beyond = beyond.unsqueeze(2)
    summaries = []
    if how in ("mean", "mean_max"):
        total = songs.masked_fill(beyond, 0).sum(1)
        summaries.append(total / lengths.unsqueeze(1))
    if how in ("max", "mean_max"):
        summaries.append(songs.masked_fill(beyond, -math.inf).amax(1))
    return torch.cat(summaries, dim=1)


def linear(n_inputs: int, n_outputs: int) -> nn.Linear:
    """A linear layer whose parameters are yet to be drawn."""
    layer: nn.Linear = undrawn(nn.Linear, n_inputs, n_outputs)
    return layer


def undrawn(kind: Any, *args: Any, **kwargs: Any) -> Any:
    """A PyTorch layer with room for its parameters: no global seed is read."""
    return kind(*args, **kwargs, device="meta").to_empty(device="cpu")


def draw_parameters(net: nn.Module, generator: torch.Generator) -> None:
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


def layer_weights(net: nn.Module, layers: Sequence[str]) -> dict[str, nn.Parameter]:
    """The weights, not the biases, of the layers named, in nets inside nets too."""
    weights = {}
    for name, parameter in net.named_parameters():
        *path, last = name.split(".")
        if not set(layers).isdisjoint(path) and "weight" in last:
            weights[name] = parameter
    return weights


def count_parameters(net: nn.Module) -> dict[str, int]:
    """Number of parameters of each layer (``conv1``, ``conv2``, …) and in all."""
    counts = {}
    for name, layer in net.named_children():
        parts = list(layer) if isinstance(layer, nn.ModuleList) else [layer]
        for i, part in enumerate(parts, start=1):
            label = f"{name}{i}" if isinstance(layer, nn.ModuleList) else name
            counts[label] = sum(p.numel() for p in part.parameters())
    return counts | {"total": sum(counts.values())}

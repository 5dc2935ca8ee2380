"""A recurrent net over the segments."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from sklearn_msd.common.pytorch.private import is_exporting
from sklearn_msd.nets.base import SegmentNet
from sklearn_msd.nets.layers import linear, uninitialised
from sklearn_msd.nets.pooling import split_padding

Cell = Literal["gru", "lstm", "tanh"]


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
        self.recurrent = uninitialised(
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
        # An exported or captured graph is of songs of full length: it cannot ask.
        in_graph = is_captured(songs) or is_exporting()
        if not in_graph and bool((lengths < songs.shape[1]).any()):
            sequences = pack_padded_sequence(
                songs, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
        _, state = self.recurrent(sequences)
        if isinstance(state, tuple):  # an LSTM's (hidden state, cell state)
            state = state[0]
        last_layer: Tensor = state[-self.n_directions :]
        return last_layer.transpose(0, 1).flatten(1)


def is_captured(tensor: Tensor) -> bool:
    """Whether what is computed of it now becomes part of a CUDA graph."""
    return tensor.is_cuda and torch.cuda.is_current_stream_capturing()

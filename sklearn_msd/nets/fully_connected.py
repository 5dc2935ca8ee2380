"""The net that assumes nothing of its inputs."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from sklearn_msd.nets.base import SegmentNet
from sklearn_msd.nets.layers import HiddenLayers, linear


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

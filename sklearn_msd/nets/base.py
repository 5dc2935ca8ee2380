"""What the nets share, and the names of their layers.

Every net takes a batch ``(n_songs, n_segments * n_segment_features)``, row-major, and
is made of named layers, ``conv``, ``recurrent``, ``hidden`` and ``output``: the names
that penalties and masks go by. Nothing is padded anywhere and biases are everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

LAYERS = ("conv", "recurrent", "hidden", "output")


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

    def add_base_logits(self, logits: Tensor, base_logits: Tensor) -> Tensor:
        """Logits on top of fixed ones, of the same shape (equation 3)."""
        return logits + base_logits


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

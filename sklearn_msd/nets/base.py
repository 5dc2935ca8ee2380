"""What the nets share, and the names of their layers.

Every net takes a batch ``(n_songs, n_segments * n_segment_features)``, row-major, and
is made of named layers, ``conv``, ``recurrent``, ``hidden`` and ``output``: the names
that penalties and masks go by. Nothing is padded anywhere and biases are everywhere.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from torch import Tensor, nn

LAYERS = ("conv", "recurrent", "hidden", "output")


def check_layer_names(names: Sequence[str], argument: str, *, least: int = 0) -> None:
    """Raise a ValueError if they are not names of layers, at least so many."""
    if len(names) < least or not all(name in LAYERS for name in names):
        raise ValueError(
            f"{argument} must be a sequence of names among {LAYERS}; got {names!r}."
        )


class SegmentNet(nn.Module):
    """What the nets share: logits are a linear function of a representation.

    Attributes
    ----------
    arguments : dict of str to object
        What it was made with, by the names of ``__init__``, defaults among them:
        another net of the same kind can be made with them. They must be plain values,
        sequences of these, or nets that become its parts; what weights start with is
        no argument.
    """

    # The songs may end in segments of NaN, which change no output.
    takes_padding = False

    arguments: dict[str, Any]
    output: nn.Linear

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Note the arguments, of every subclass and without its doing."""
        net = super().__new__(cls)
        with contextlib.suppress(TypeError):  # of unpickling; else `__init__` tells
            bound = inspect.signature(cls.__init__).bind(net, *args, **kwargs)
            bound.apply_defaults()
            _, *names = bound.arguments
            net.__dict__["arguments"] = {
                name: _plain(bound.arguments[name]) for name in names
            }
        return net

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

    def shrunk(self) -> list[str]:
        """What is smaller than was asked for and makes no other net, in words."""
        return []

    def add_base_logits(self, logits: Tensor, base_logits: Tensor) -> Tensor:
        """Logits on top of fixed ones, of the same shape (equation 3)."""
        return logits + base_logits


def _plain(argument: Any) -> Any:
    """An argument as JSON would give it back; nets are left as they are."""
    if isinstance(argument, np.ndarray | np.generic):
        argument = argument.tolist()
    if isinstance(argument, list | tuple):
        return [_plain(item) for item in argument]
    return argument


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
        if next(layer.parameters(), None) is None:
            continue  # dropout
        parts = list(layer) if isinstance(layer, nn.ModuleList) else [layer]
        for i, part in enumerate(parts, start=1):
            label = f"{name}{i}" if isinstance(layer, nn.ModuleList) else name
            counts[label] = sum(p.numel() for p in part.parameters())
    return counts | {"total": sum(counts.values())}

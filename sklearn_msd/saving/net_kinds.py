"""Nets by the names of their kinds, to write one down and to make it again.

A net is its kind, the arguments that it was made with, and its weights. The kinds have
names here that no move of the code changes. A new kind of net is put in the table; a
new argument of a net needs a default, with which it is what it was before.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.overrides import TorchFunctionMode

from sklearn_msd.nets.base import SegmentNet
from sklearn_msd.nets.composed import CombinedNet, CorrectedNet
from sklearn_msd.nets.conv_net import ConvNet
from sklearn_msd.nets.fully_connected import FullyConnectedNet
from sklearn_msd.nets.layers import mark_filled
from sklearn_msd.nets.recurrent import RecurrentNet

KINDS: dict[str, type[SegmentNet]] = {
    "combined": CombinedNet,
    "convolution": ConvNet,
    "corrected": CorrectedNet,
    "fully connected": FullyConnectedNet,
    "recurrent": RecurrentNet,
}


def kind_of(net: SegmentNet) -> str:
    """The name of a net's kind.

    Raises
    ------
    TypeError
        If it has none: a net of a user's own.
    """
    for name, kind in KINDS.items():
        if type(net) is kind:
            return name
    raise TypeError(
        f"{type(net).__name__} is none of this package's nets: {', '.join(KINDS)}."
    )


def architecture(net: SegmentNet) -> dict[str, Any]:
    """A net without its weights, as JSON can hold it.

    Parameters
    ----------
    net : SegmentNet

    Returns
    -------
    dict
        ``kind`` and ``arguments``; a net among the arguments is such a dictionary too.
    """

    def described(argument: Any) -> Any:
        if isinstance(argument, SegmentNet):
            return architecture(argument)
        if isinstance(argument, list):
            return [described(item) for item in argument]
        return argument

    arguments = {name: described(value) for name, value in net.arguments.items()}
    return {"kind": kind_of(net), "arguments": arguments}


def own_weights(net: SegmentNet) -> dict[str, Tensor]:
    """Weights and buffers by name, without those of the nets it is composed of."""
    parts = tuple(
        f"{name}."
        for name, part in net.named_modules()
        if name and isinstance(part, SegmentNet)
    )
    state = net.state_dict()
    return {name: t for name, t in state.items() if not name.startswith(parts)}


def make_net(
    kind: str, arguments: Mapping[str, Any], weights: Mapping[str, Tensor]
) -> SegmentNet:
    """A net with the weights given, which it takes as they are, without a copy.

    Parameters
    ----------
    kind : str
    arguments : mapping of str to object
        As in `SegmentNet.arguments`: nets among them become its parts.
    weights : mapping of str to Tensor
        Those of :func:`own_weights`.

    Returns
    -------
    SegmentNet
        In evaluation mode.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        If there is no such kind, or if arguments and weights do not go together. No
        memory is taken for weights that are not given.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no kind of net {kind!r}")
    with _without_memory(n_weights=len(weights)):
        net = KINDS[kind](**arguments)
    missing = own_weights(net).keys() ^ weights.keys()
    if missing:
        raise ValueError(f"a net of kind {kind!r} has other weights: {sorted(missing)}")
    net.load_state_dict(weights, strict=False, assign=True)
    for tensor in itertools.chain(net.parameters(), net.buffers()):
        if tensor.is_meta:
            raise ValueError(f"a net of kind {kind!r} lacks values")
    mark_filled(net)
    mark_filled(net)
    return net.eval()


@contextmanager
def _without_memory(n_weights: int) -> Iterator[None]:
    """Let tensors have shapes alone, and layers at most so many parameters.

    Arguments that were made up could ask for any number of layers of any size.
    """
    thread, count = threading.get_ident(), itertools.count(1)

    def check(module: nn.Module, name: str, parameter: Any) -> None:
        if threading.get_ident() == thread and next(count) > n_weights:
            raise ValueError(f"the net needs more than its {n_weights} weights")

    hook = register_module_parameter_registration_hook(check)
    try:
        with torch.device("meta"), _EveryDeviceIsMeta():
            yield
    finally:
        hook.remove()


class _EveryDeviceIsMeta(TorchFunctionMode):
    """Puts tensors that are asked for on a device, whichever it is, on none."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if "device" in kwargs:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)

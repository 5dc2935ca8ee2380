"""Model files of format 1, whose nets are the attributes of PyTorch's modules.

They name the classes by where these once lay, and say nothing of the arguments that a
net was made with. These are found out from its weights; the names here are those of the
files and never change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sklearn_msd.nets.base import SegmentNet
from sklearn_msd.saving.net_kinds import make_net
from sklearn_msd.saving.object_graph import GraphDecoder
from sklearn_msd.training.keeping.state import net_from_state

_COMBINED = "sklearn_msd.composed_modules.CombinedNet"
_CONV = "sklearn_msd.modules.ConvNet"
_DENSE = "sklearn_msd.modules.FullyConnectedNet"
_RECURRENT = "sklearn_msd.modules.RecurrentNet"
_CELLS = {"torch.nn.GRU": "gru", "torch.nn.LSTM": "lstm", "torch.nn.RNN": "tanh"}
_MODULES = {
    *(_COMBINED, _CONV, _DENSE, _RECURRENT, *_CELLS),
    *("sklearn_msd.modules.HiddenLayers", "sklearn_msd.modules.TimeConv"),
    *("torch.nn.Linear", "torch.nn.ModuleList"),
}


@dataclass(frozen=True, eq=False)
class OldModule:
    """What a file says of a module: the name of its class, and its attributes."""

    name: str
    state: dict[str, Any]

    def child(self, name: str) -> OldModule:
        """A module in it."""
        child: OldModule = self.state["_modules"][name]
        return child

    def children(self, name: str) -> list[OldModule]:
        """Those of a list in it."""
        return list(self.child(name).state.get("_modules", {}).values())

    def parameter(self, name: str) -> Tensor:
        """A parameter of its own."""
        parameter: Tensor = self.state["_parameters"][name]
        return parameter

    def parameters(self, prefix: str = "") -> dict[str, Tensor]:
        """All parameters by their names."""
        own = self.state.get("_parameters", {})
        found = {f"{prefix}{name}": parameter for name, parameter in own.items()}
        for name, child in self.state.get("_modules", {}).items():
            found |= child.parameters(f"{prefix}{name}.")
        return found


class Format1Decoder(GraphDecoder):
    """Make the objects of a file of format 1."""

    def __init__(self, *args: Any) -> None:
        self._nets: dict[OldModule, SegmentNet] = {}
        super().__init__(*args)

    def other_object(self, entry: dict[str, Any]) -> Any:
        """Make an estimator or a net; note what is said of a module."""
        match entry:
            case {"parameter": _}:
                return self.tensor(entry, "parameter")
            case {"class": name, "state": state} if name in _MODULES:
                return OldModule(name, self.values(state))
            case {"net": content}:
                state = self.values(content)
                return net_from_state(state | {"module": self._net(state["module"])})
            case {"class": _, "state": state}:
                if "n_segment_features" in state and "n_features_in_" in state:
                    state.setdefault("n_segment_features_", state["n_segment_features"])
        return super().other_object(entry)

    def _net(self, module: OldModule) -> SegmentNet:
        """The net that was a module: one, however often it is asked for."""
        if module not in self._nets:
            self._nets[module] = self._new_net(module)
        return self._nets[module]

    def _new_net(self, module: OldModule) -> SegmentNet:
        if module.name == _COMBINED:
            combiner = module.child("combiner")
            arguments = {
                "bases": [self._net(base) for base in module.children("bases")],
                "n_classes": len(combiner.parameter("bias")),
                "similarity_penalty": module.state["similarity_penalty"],
            }
            return make_net("combined", arguments, combiner.parameters("combiner."))
        kind, arguments_of = {
            _DENSE: ("fully connected", _dense_arguments),
            _CONV: ("convolution", _conv_arguments),
            _RECURRENT: ("recurrent", _recurrent_arguments),
        }[module.name]
        return make_net(kind, arguments_of(module), module.parameters())


def _dense_arguments(module: OldModule) -> dict[str, Any]:
    sizes, n_inputs = _hidden(module)
    return {
        "n_inputs": n_inputs,
        "n_classes": _n_classes(module),
        "hidden_layer_sizes": sizes,
    }


def _conv_arguments(module: OldModule) -> dict[str, Any]:
    """Arguments that make the same layers, from the last layer to the first.

    Several numbers of segments may do that, of which this is the least.
    """
    layers = module.children("conv")
    n_kernels, _, n_segment_features = layers[0].parameter("weight").shape
    heights = [layer.parameter("weight").shape[1] for layer in layers]
    pools = [layer.state["pool_size"] for layer in layers]
    sizes, n_inputs = _hidden(module)
    how = module.state["global_pooling"]
    length = 1 if how is not None else n_inputs // n_kernels
    for height, pool in zip(reversed(heights), reversed(pools), strict=True):
        length = length * pool + height - 1
    return {
        "n_segments": length,
        "n_segment_features": n_segment_features,
        "n_classes": _n_classes(module),
        "n_kernels": n_kernels,
        "kernel_height": max(heights),
        "n_conv_layers": len(layers),
        "pooling": layers[0].state["pooling"],
        "pool_size": max(pools),
        "global_pooling": how,
        "hidden_layer_sizes": sizes,
    }


def _recurrent_arguments(module: OldModule) -> dict[str, Any]:
    recurrent = module.child("recurrent")
    return {
        "n_segment_features": module.state["n_segment_features"],
        "n_classes": _n_classes(module),
        "cell": _CELLS[recurrent.name],
        "hidden_size": recurrent.state["hidden_size"],
        "n_layers": recurrent.state["num_layers"],
        "bidirectional": recurrent.state["bidirectional"],
    }


def _hidden(module: OldModule) -> tuple[list[int], int]:
    """Sizes of the hidden layers, and what the first layer takes."""
    layers = [*module.children("hidden"), module.child("output")]
    shapes = [layer.parameter("weight").shape for layer in layers]
    return [shape[0] for shape in shapes[:-1]], shapes[0][1]


def _n_classes(module: OldModule) -> int:
    return len(module.child("output").parameter("bias"))

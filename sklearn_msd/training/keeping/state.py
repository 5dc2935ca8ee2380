"""One state of a trained net: what a file, a checkpoint and a copy have of it.

It is plain values, tensors and the module, and names no class of the training: a skorch
net is made from it anew.
"""

from __future__ import annotations

from typing import Any

import torch
from skorch.history import History

from sklearn_msd.common.pytorch.device import resolve_device
from sklearn_msd.nets.base import SegmentNet
from sklearn_msd.training.net import LogitNet

# What makes a skorch net again; the rest of its parameters is for training alone.
_PARAMETERS = (
    *("l2", "l2_layers", "l1", "l1_layers", "masks"),
    *("lr", "batch_size", "shuffle", "crop", "max_epochs", "warm_start", "verbose"),
)


def net_state(net: LogitNet, *, optimizer: bool = True) -> dict[str, Any]:
    """All that is to be kept of a net.

    Parameters
    ----------
    net : LogitNet
    optimizer : bool, default=True
        Whether to keep what a training would go on with: for Adam, two numbers for
        each weight.
    """
    return {
        "module": net.module_,
        "device": str(net.device),
        "dtype": net.dtype,
        "history": list(net.history_),
        "parameters": {name: getattr(net, name) for name in _PARAMETERS},
        "optimizer": optimizer_state(net) if optimizer else None,
    }


def net_from_state(state: dict[str, Any]) -> LogitNet:
    """The net that a state is of, as it is after unpickling.

    It can predict; before it trains, it needs callbacks. One of a device that is not to
    be had here is put on the CPU.
    """
    module: SegmentNet = state["module"]
    device, parameters = state["device"], dict(state["parameters"])
    try:
        resolve_device(device)
    except ValueError:
        device = "cpu"
    verbose = parameters.pop("verbose")
    net = LogitNet(module, dtype=state["dtype"], device=device, verbose=0, **parameters)
    net.initialize()
    restore_optimizer(net, state.get("optimizer"))
    if state.get("optimizer") is None:
        net.optimizer_ = None
    net.forget_data()
    net.verbose, net.history_ = verbose, History(state["history"])
    return net


def optimizer_state(net: LogitNet) -> dict[str, Any] | None:
    """What the optimiser has gathered, by the names of the weights.

    Returns
    -------
    dict or None
        ``weights``, from each name to what there is of it, and ``groups``: the names
        and the options of each group. None without an optimiser.
    """
    optimizer = getattr(net, "optimizer_", None)
    if optimizer is None:
        return None
    names = {parameter: name for name, parameter in net.module_.named_parameters()}
    groups = [
        {**group, "params": [names[parameter] for parameter in group["params"]]}
        for group in optimizer.param_groups
    ]
    weights = {names[p]: dict(values) for p, values in optimizer.state.items()}
    return {"weights": weights, "groups": groups}


def restore_optimizer(
    net: LogitNet, state: dict[str, Any] | None, *, options: bool = True
) -> None:
    """Let a net's optimiser go on from a state.

    Parameters
    ----------
    net : LogitNet
        Initialised.
    state : dict or None
        Of :func:`optimizer_state`. Tensors are taken as they are where their type and
        device are the net's.
    options : bool, default=True
        Whether to take the options too, such as a learning rate that a schedule has
        come to. The penalties stay as the net has them.
    """
    if state is None:
        return
    present = net.optimizer_.state_dict()
    names = {parameter: name for name, parameter in net.module_.named_parameters()}
    order = [names[p] for g in net.optimizer_.param_groups for p in g["params"]]
    earlier = {name: group for group in state["groups"] for name in group["params"]}
    for group in present["param_groups"] if options else []:
        found = earlier.get(order[group["params"][0]], {})
        own = {name: group[name] for name in ("params", "weight_decay")}
        group |= found | own
    present["state"] = {
        i: {key: _trainable(value) for key, value in state["weights"][name].items()}
        for i, name in enumerate(order)
        if name in state["weights"]
    }
    net.optimizer_.load_state_dict(present)


def _trainable(value: Any) -> Any:
    """A tensor that was copied in PyTorch's inference mode can only be read."""
    if isinstance(value, torch.Tensor) and value.is_inference():
        return value.clone()
    return value


def continue_from(
    net: LogitNet, earlier: LogitNet, *, options: bool, callbacks: bool
) -> None:
    """Let a net go on where another one was that had other parameters.

    Parameters
    ----------
    net : LogitNet
        Initialised, with the weights of the other.
    earlier : LogitNet
    options : bool
        As for :func:`restore_optimizer`.
    callbacks : bool
        Whether to take the other's callbacks, as they are, beside skorch's own.
    """
    restore_optimizer(net, optimizer_state(earlier), options=options)
    net.history_ = earlier.history_
    present = dict(net.callbacks_)
    if callbacks:
        net.callbacks = earlier.callbacks
        net.callbacks_ += [c for c in earlier.callbacks_ if c[0] not in present]

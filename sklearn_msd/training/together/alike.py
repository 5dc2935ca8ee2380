"""Which nets are of one shape, so that a stack can train them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import torch
from skorch.callbacks import Callback, EpochScoring, LRScheduler
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from sklearn_msd.nets.composed import CombinedNet, CorrectedNet
from sklearn_msd.nets.conv_net import ConvNet
from sklearn_msd.nets.fully_connected import FullyConnectedNet
from sklearn_msd.nets.layers import HiddenLayers, TimeConv
from sklearn_msd.nets.recurrent import RecurrentNet
from sklearn_msd.training.batches import SongDataset
from sklearn_msd.training.net import LogitNet
from sklearn_msd.training.together.shares import all_callbacks

# Functions of parameters and songs, and of nothing else: no state that a forward pass
# changes, no random numbers. Whatever is not named here trains by itself.
STACKABLE = {
    *(nn.Linear, nn.LayerNorm, nn.ModuleList, HiddenLayers, TimeConv),
    *(FullyConnectedNet, ConvNet, CombinedNet, CorrectedNet),
}

# `torch.vmap` has no rule for these; each is a stack of its own.
SINGLE = {RecurrentNet, nn.GRU, nn.LSTM, nn.RNN}

# Attributes of layers that no computation depends on.
_NO_SETTINGS = ("training", "arguments", "is_blank")

_PLAIN = (bool, int, float, str, type(None))


def shape_of(net: LogitNet, songs: SongDataset) -> Hashable | None:
    """What the nets of a stack have in common; None for one that no stack can train.

    Parameters
    ----------
    net : LogitNet
        Initialised.
    songs : SongDataset
        That it is to be trained on.
    """
    if (
        type(net) is not LogitNet
        or type(songs) is not SongDataset
        or not songs.in_place
        or net.crop is not None  # by random numbers, batch after batch
        or not _has_plain_adam(net)
        or any(map(_minds_batches, all_callbacks(net)))
    ):
        return None
    module = _shape_of_module(net)
    if module is None:
        return None
    base_logits = songs.extras.get("base_logits")
    common = (
        str(net.device),
        net.dtype,
        module,
        int(net.batch_size),
        type(net.criterion_),
        repr(sorted(net.get_params_for("criterion").items())),
        tuple(songs.held.shape[1:]),
        None if base_logits is None else base_logits.shape[1],
    )
    single = any(type(layer) in SINGLE for layer in net.module_.modules())
    if single and bool(songs.has_padding()):
        return None
    return (common, id(net)) if single else common


def _shape_of_module(net: LogitNet) -> Hashable | None:
    """Layers with all that they compute by, but the values of their parameters."""
    found: list[Hashable] = []
    for name, layer in net.module_.named_modules():
        kind = type(layer)
        if kind not in STACKABLE | SINGLE or next(layer.buffers(), None) is not None:
            return None
        settings = {
            key: value
            for key, value in vars(layer).items()
            if not key.startswith("_") and key not in _NO_SETTINGS
        }
        if not all(map(_is_plain, settings.values())):
            return None
        found.append((name, kind, repr(sorted(settings.items()))))
    seen = set()
    for name, parameter in net.module_.named_parameters(remove_duplicate=False):
        as_expected = parameter.requires_grad and parameter.dtype == net.dtype
        if not as_expected or parameter in seen:
            return None
        seen.add(parameter)
        found.append((name, tuple(parameter.shape)))
    return tuple(found)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN)


def _has_plain_adam(net: LogitNet) -> bool:
    """Whether a step is the one of :func:`adam_rates`, and one for all parameters."""
    optimizer: Any = net.optimizer_
    rates = {
        (float(group["lr"]), tuple(map(float, group["betas"])), float(group["eps"]))
        for group in optimizer.param_groups
    }
    known = sum(len(group["params"]) for group in optimizer.param_groups)
    return (
        type(optimizer) is torch.optim.Adam
        and len(rates) == 1
        and known == sum(1 for _ in net.module_.parameters())
        and not any(map(any, _variants(optimizer)))
    )


def _variants(optimizer: Any) -> Iterator[list[bool]]:
    for group in optimizer.param_groups:
        yield [
            bool(group.get(name))
            for name in ("amsgrad", "maximize", "decoupled_weight_decay")
        ]


def _minds_batches(callback: Any) -> bool:
    """Whether a callback has to be called for single batches of the training.

    One that has methods for batches and needs only those of the validation says so by
    an attribute ``training_batches = False``.
    """
    if type(callback) is EpochScoring:
        return bool(callback.on_train)
    if type(callback) is LRScheduler:  # it is called, before the batches
        policy = callback.policy_
        return callback.step_every == "batch" and policy is ReduceLROnPlateau
    if not getattr(callback, "training_batches", True):
        return False
    return any(
        getattr(type(callback), hook, None) is not getattr(Callback, hook)
        for hook in ("on_batch_begin", "on_batch_end", "on_grad_computed")
    )

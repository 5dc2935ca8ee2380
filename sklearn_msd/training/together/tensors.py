"""One step of several nets of one shape, on stacked tensors.

The nets' parameters lie side by side in one matrix, a net a row. The losses are those
of the nets themselves, by `torch.vmap` over the first of them with the parameters of
each; as no loss depends on another net's row, the gradient of their sum is all
gradients. One Adam moves all rows.

A step reads and writes only tensors that stay where they are, and which batch is next
is a number among them: on CUDA it is captured in a graph once, and then replayed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_msd.common.pytorch.private import foreach_add_, foreach_copy_
from sklearn_msd.nets.base import layer_weights
from sklearn_msd.nets.layers import TimeConv
from sklearn_msd.training.together.graphs import replayed
from sklearn_msd.training.together.shares import Share


class StackTensors:
    """The tensors of a stack of nets, and a step of them all.

    Parameters
    ----------
    nets : sequence of LogitNet
        Alike (:mod:`alike`). They are read and written at :meth:`run` alone, and are as
        they were before it if it fails.
    shares : sequence of Share
        Of any epoch: the sizes of the tables.
    """

    def __init__(self, nets: Sequence[Any], shares: Sequence[Share]) -> None:
        first = nets[0]
        self.nets = list(nets)
        self.device, self.dtype = torch.device(first.device), first.dtype
        self.n_steps = max(share.n_batches for share in shares)
        self.batch_size = max(share.batch_size for share in shares)
        self._lay_out_parameters()
        self._penalties()
        self._tables(shares)
        self.objective = _Objective(first)
        self._step: Callable[[], None] | None = None

    def run(
        self,
        shares: Sequence[Share | None],
        check: Callable[[], None] = lambda: None,
    ) -> list[list[float]]:
        """An epoch of all nets; the losses of each net's batches.

        Parameters
        ----------
        shares : sequence of Share or None
            One for each net, None for one that has left.
        check : callable
            Called before each step; what it raises ends the epoch there.
        """
        self._load(shares)
        self._fill(shares)
        if self._step is None:
            self._step = replayed(self.step, self.device, self._changing())
        n_steps = max(share.n_batches for share in shares if share)
        done = 0
        try:
            while done < n_steps:
                check()
                self._step()
                done += 1
        except Exception:
            raise  # the nets are as they were
        except BaseException:  # the program ends: what was done is kept
            self._store(shares, done)
            raise
        self._store(shares, n_steps)
        losses = self.losses.t().tolist()
        return [
            row[: share.n_batches] if share else []
            for row, share in zip(losses, shares, strict=True)
        ]

    def step(self) -> None:
        """One batch of each net."""
        now = self.position
        rows, labels, weight, *base = (
            table.index_select(0, now).squeeze(0) for table in self.tables
        )
        batch = {"x": self._songs(rows), "weight": weight}
        if base:
            batch["base_logits"] = base[0]
        with torch.enable_grad():
            losses = self._losses(batch, labels)
            grads = torch.autograd.grad(losses.sum(), list(self.leaves.values()))
        self.losses.index_copy_(0, now, losses.detach().unsqueeze(0))
        foreach_copy_(list(self.grad.values()), list(grads))
        for name, strength in self.l1.items():
            self.grad[name].addcmul_(self.leaves[name].detach().sign(), strength)
        for name, mask in self.masks.items():
            self.grad[name].mul_(mask)
        for name, strength in self.l2.items():
            self.grad[name].addcmul_(self.leaves[name].detach(), strength)
        self._adam(*self.rates.index_select(0, now).squeeze(0))
        now.add_(1)

    def _losses(self, batch: dict[str, Tensor], labels: Tensor) -> Tensor:
        if len(self.nets) > 1:
            return torch.vmap(self.objective.of)(self.leaves, batch, labels)
        leaves = {name: leaf[0] for name, leaf in self.leaves.items()}
        batch = {name: values[0] for name, values in batch.items()}
        return self.objective.of(leaves, batch, labels[0]).unsqueeze(0)

    def _adam(self, a: Tensor, b: Tensor, size: Tensor, root: Tensor) -> None:
        """Adam on all rows, as :func:`adam_rates` has it; zeros leave a row alone."""
        grad, mean, square = self.all_grads, self.mean, self.square
        mean.lerp_(grad, a)
        square.lerp_(grad.square(), b)
        divisor = square.sqrt().div_(root).add_(self.eps)
        self.weights.sub_(torch.div(mean, divisor, out=divisor).mul_(size))

    def _songs(self, rows: Tensor) -> Tensor:
        """Songs of the present batches, (n_nets, batch_size, n_inputs)."""
        parts = []
        for X, nets in self.arrays:
            wanted = rows[nets].flatten()
            if isinstance(X, Tensor):
                songs = X.index_select(0, wanted)
            else:
                songs = torch.from_numpy(X[wanted.numpy()])
            parts.append(songs.to(self.dtype).view(-1, self.batch_size, X.shape[1]))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _lay_out_parameters(self) -> None:
        shapes = {n: p.shape for n, p in self.nets[0].module_.named_parameters()}
        sizes = [math.prod(shape) for shape in shapes.values()]

        def rows(columns: int) -> Tensor:
            shape = len(self.nets), columns
            return torch.zeros(shape, dtype=self.dtype, device=self.device)

        def by_name(matrix: Tensor) -> dict[str, Tensor]:
            parts = zip(shapes.items(), matrix.split(sizes, dim=1), strict=True)
            return {name: part.unflatten(1, shape) for (name, shape), part in parts}

        self.weights, self.all_grads, self.mean, self.square = (
            rows(sum(sizes)) for _ in range(4)
        )
        self.grad = by_name(self.all_grads)
        self.leaves = {
            name: part.detach().requires_grad_()
            for name, part in by_name(self.weights).items()
        }
        # Weight, mean and mean square of each parameter of each net.
        named = [by_name(matrix) for matrix in (self.weights, self.mean, self.square)]
        self._parts = [
            [[parts[name][i] for parts in named] for name in shapes]
            for i in range(len(self.nets))
        ]
        self.eps = rows(1)
        for i, net in enumerate(self.nets):
            self.eps[i] = net.optimizer_.param_groups[0]["eps"]

    def _penalties(self) -> None:
        """Strengths and masks by parameter; none where no net has one."""
        self.l1: dict[str, Tensor] = {}
        self.l2: dict[str, Tensor] = {}
        self.masks: dict[str, Tensor] = {}
        for name, leaf in self.leaves.items():
            column = (-1, *[1] * (leaf.dim() - 1))
            for found, strengths in (
                (self.l1, [_l1(net, name) for net in self.nets]),
                (self.l2, [_l2(net, name) for net in self.nets]),
            ):
                if any(strengths):
                    found[name] = leaf.new_tensor(strengths).view(column)
            masks = [(net.masks or {}).get(name) for net in self.nets]
            if any(mask is not None for mask in masks):
                self.masks[name] = torch.ones_like(leaf.detach())
                for part, mask in zip(self.masks[name], masks, strict=True):
                    if mask is not None:
                        part.mul_(mask.to(part.device))

    def _tables(self, shares: Sequence[Share]) -> None:
        songs = [share.songs for share in shares]
        shape = self.n_steps, len(self.nets), self.batch_size

        def table(*more: int, dtype: torch.dtype | None = None) -> Tensor:
            return torch.zeros(
                *shape, *more, dtype=dtype or self.dtype, device=self.device
            )

        self.tables = [table(dtype=torch.int64), table(dtype=torch.int64), table()]
        if "base_logits" in songs[0].extras:
            self.tables.append(table(songs[0].extras["base_logits"].shape[1]))
        self.rates = torch.zeros(
            self.n_steps, 4, len(self.nets), 1, dtype=self.dtype, device=self.device
        )
        self.losses = torch.zeros(shape[:2], dtype=self.dtype, device=self.device)
        self.position = torch.zeros(1, dtype=torch.int64, device=self.device)
        # The nets come sorted by their arrays (`Stack`).
        self.arrays: list[tuple[Any, slice]] = []
        for i, part in enumerate(songs):
            if self.arrays and self.arrays[-1][0] is part.held:
                first = self.arrays.pop()[1].start
            else:
                first = i
            self.arrays.append((part.held, slice(first, i + 1)))

    def _fill(self, shares: Sequence[Share | None]) -> None:
        """The tables of an epoch."""
        rows = np.zeros((self.n_steps, len(shares), self.batch_size), np.int64)
        factors = np.zeros(rows.shape)
        rates = np.zeros((self.n_steps, 4, len(shares), 1))
        rates[:, 3] = 1  # the divisor of a row that waits
        taking_part = [(i, share) for i, share in enumerate(shares) if share]
        for i, share in taking_part:
            n, rows[:, i] = share.n_batches, share.rows[0]
            rows[:n, i], factors[:n, i] = _padded(share, self.batch_size)
            rates[:n, :, i, 0] = share.rates.T
        for table, values in (
            (self.tables[0], rows),
            (self.tables[2], factors),
            (self.rates, rates),
        ):
            table.copy_(torch.from_numpy(values))
        for i, share in taking_part:
            at, extras = self.tables[0][:, i], share.songs.extras
            self.tables[1][:, i] = share.songs.targets[at]
            if "weight" in extras:
                self.tables[2][:, i] *= extras["weight"][at]
            if "base_logits" in extras:
                self.tables[3][:, i] = extras["base_logits"][at]
        self.position.zero_()

    def _changing(self) -> list[Tensor]:
        """What a step changes and the next one reads."""
        return [self.weights, self.mean, self.square, self.position]

    def _load(self, shares: Sequence[Share | None]) -> None:
        """Take the parameters of the nets, and their optimisers' means."""
        self.mean.zero_()
        self.square.zero_()
        into, values = [], []
        for parts, net, share in zip(self._parts, self.nets, shares, strict=True):
            if share is None:
                continue
            for part, parameter in zip(parts, net.module_.parameters(), strict=True):
                kept = net.optimizer_.state.get(parameter)
                into += part if kept else part[:1]
                values.append(parameter.detach())
                if kept:
                    values += [kept["exp_avg"], kept["exp_avg_sq"]]
        foreach_copy_(into, values)

    def _store(self, shares: Sequence[Share | None], n_steps: int) -> None:
        """Give them back, after so many steps."""
        if n_steps == 0:
            return
        into, values = [], []
        for parts, net, share in zip(self._parts, self.nets, shares, strict=True):
            if share is None:
                continue
            steps = []
            for part, parameter in zip(parts, net.module_.parameters(), strict=True):
                kept = net.optimizer_.state[parameter]
                if not kept:
                    kept["step"] = torch.zeros((), device=self.device)
                    kept["exp_avg"] = torch.empty_like(parameter)
                    kept["exp_avg_sq"] = torch.empty_like(parameter)
                into += [parameter.detach(), kept["exp_avg"], kept["exp_avg_sq"]]
                values += part
                steps.append(kept["step"])
            foreach_add_(steps, min(n_steps, share.n_batches))
        foreach_copy_(into, values)


class _Objective(nn.Module):
    """The training loss of a net as a function of its parameters.

    Parameters
    ----------
    net : LogitNet
        Its loss is taken; its module stays as it is.
    """

    def __init__(self, net: Any) -> None:
        super().__init__()
        # A module of its own: while `functional_call` runs, its parameters are others.
        self.module = copy.deepcopy(net.module_).to("meta").train()
        for layer in self.module.modules():
            if isinstance(layer, TimeConv):
                layer.as_product = True
        self.net = object.__new__(type(net))
        vars(self.net).update(vars(net), module_=self.module)

    def forward(self, batch: dict[str, Tensor], labels: Tensor) -> Tensor:
        """The loss, with the parameters that the module has."""
        logits = self.net.infer(batch)
        loss: Tensor = self.net.get_loss(logits, labels, X=batch, training=True)
        return loss

    def of(
        self, parameters: Mapping[str, Tensor], batch: dict[str, Tensor], labels: Tensor
    ) -> Tensor:
        """The loss with these parameters."""
        named = {f"module.{name}": value for name, value in parameters.items()}
        loss: Tensor = torch.func.functional_call(self, named, (batch, labels))
        return loss


def _padded(share: Share, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the batches, and what the mean of a whole batch needs as weights.

    A batch that is not whole is filled up with its first song, which then has the
    weight 0: if its loss is infinite, so is the batch's.
    """
    sizes = share.sizes()[:, None]
    places = np.arange(batch_size)
    starts = share.batch_size * np.arange(share.n_batches)[:, None]
    rows = share.rows[starts + np.where(places < sizes, places, 0)]
    return rows, np.where(places < sizes, batch_size / sizes, 0)


def _l1(net: Any, name: str) -> float:
    penalised = layer_weights(net.module_, net.l1_layers)
    return float(net.l1) if name in penalised else 0.0


def _l2(net: Any, name: str) -> float:
    parameter = net.module_.get_parameter(name)
    for group in net.optimizer_.param_groups:
        if any(parameter is other for other in group["params"]):
            return float(group["weight_decay"])
    return 0.0

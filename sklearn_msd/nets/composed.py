"""Nets made of nets, for training them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_msd.nets.base import SegmentNet
from sklearn_msd.nets.layers import linear, mark_filled


class CombinedNet(SegmentNet):
    """Several nets and a linear combiner of their logits (Figure 9).

    Parameters
    ----------
    bases : sequence of SegmentNet
    n_classes : int
    similarity_penalty : float
        While it trains, each song's loss grows by this times the :func:`agreement` of
        the bases.
    """

    def __init__(
        self,
        bases: Sequence[SegmentNet],
        n_classes: int,
        similarity_penalty: float = 0.0,
    ) -> None:
        super().__init__()
        self.bases = nn.ModuleList(bases)
        self.combiner = linear(len(bases) * n_classes, n_classes)
        self.similarity_penalty = similarity_penalty
        self.takes_padding = all(base.takes_padding for base in bases)

    def start_from(self, coef: Tensor, intercept: Tensor) -> Self:
        """Let the combiner start from these weights.

        Parameters
        ----------
        coef : Tensor of shape (n_classes, n_bases * n_classes)
        intercept : Tensor of shape (n_classes,)
        """
        self.combiner = linear_from(coef, intercept)
        return self

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:  # type: ignore[override]
        """Logits, (n_songs, n_classes); in training with a penalty, it beside them."""
        scores = [base(x) for base in self.bases]
        logits: Tensor = self.combiner(torch.cat(scores, dim=1))
        if self.training and self.similarity_penalty > 0:
            return logits, self.similarity_penalty * agreement(scores)
        return logits


class CorrectedNet(SegmentNet):
    """A corrector on top of a base's logits (Figure 10), or beside the base itself.

    Parameters
    ----------
    corrector : SegmentNet
    n_classes : int
    base : SegmentNet or None
        Trains too, if given; otherwise its logits come as `base_logits`.
    n_inputs : int or None
        If given, the corrector takes these columns of the input and, in place of the
        others, the base's hidden representation and logits (equation 4).
    combine : {"sum", "linear"}
        "linear" puts a linear combiner, which starts as the sum, in the sum's place.
    """

    def __init__(
        self,
        corrector: SegmentNet,
        n_classes: int,
        *,
        base: SegmentNet | None = None,
        n_inputs: int | None = None,
        combine: str = "sum",
    ) -> None:
        super().__init__()
        self.corrector, self.base, self.n_inputs = corrector, base, n_inputs
        self.combiner = None
        if combine == "linear":
            unit = torch.eye(n_classes, dtype=torch.float32, device="cpu")
            start = torch.cat([unit, unit], dim=1)
            self.combiner = linear_from(start, torch.zeros_like(unit[0]))

    def forward(self, x: Tensor) -> Tensor:
        """Logits of base and corrector, or of the corrector alone, if there is none."""
        if self.base is None:
            correction: Tensor = self.corrector(x)
            return correction
        if self.n_inputs is None:
            return self.add_base_logits(self.corrector(x), self.base(x))
        x = x[:, : self.n_inputs]
        hidden = self.base.representation(x)
        base_logits = self.base.output(hidden)
        wide = torch.cat([x, hidden, base_logits], dim=1)
        return self.add_base_logits(self.corrector(wide), base_logits)

    def add_base_logits(self, logits: Tensor, base_logits: Tensor) -> Tensor:
        """The sum of correction and base, or their linear combination."""
        if self.combiner is None:
            return logits + base_logits
        combined: Tensor = self.combiner(torch.cat([base_logits, logits], dim=1))
        return combined

    def combination(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Weights and intercepts of the linear combiner, if there is one."""
        if self.combiner is None:
            return []
        weights, intercept = self.combiner.weight, self.combiner.bias
        return [(weights.detach().cpu().numpy(), intercept.detach().cpu().numpy())]


def agreement(logits: Sequence[Tensor]) -> Tensor:
    r"""How much several nets agree on each song, at most 0, where they do wholly.

    .. math:: -\frac{1}{M} \sum_{m=1}^M \| p_m - \bar p \|^2, \qquad
        p_m = \operatorname{softmax}(z_m), \quad
        \bar p = \frac{1}{M} \sum_{m=1}^M p_m

    This is the penalty of negative correlation learning [1]_,
    :math:`\sum_m (p_m - \bar p) \cdot \sum_{l \ne m} (p_l - \bar p)`, a song and net,
    on probabilities: on logits it would have no lower bound.

    Parameters
    ----------
    logits : sequence of Tensor of shape (n_songs, n_classes)

    Returns
    -------
    Tensor of shape (n_songs,)

    References
    ----------
    .. [1] Liu, Y. and Yao, X. (1999). Ensemble learning via negative correlation.
       Neural Networks 12(10), 1399-1404.
    """
    probabilities = torch.stack(list(logits)).softmax(dim=2)
    spread = probabilities - probabilities.mean(dim=0)
    return -spread.square().sum(dim=2).mean(dim=0)


def linear_from(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A linear layer with these parameters."""
    layer = linear(weight.shape[1], weight.shape[0]).to(weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    mark_filled(layer)
    return layer

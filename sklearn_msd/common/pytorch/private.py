"""Names of PyTorch that are private, or that older versions lack: all in this place.

No other file uses a private name of PyTorch or asks for its version.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

foreach_add_ = torch._foreach_add_
foreach_copy_ = torch._foreach_copy_

# Whether a graph is being exported; before PyTorch 2.7 export says no more than that it
# compiles.
is_exporting = getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)

# What makes tensors like another one, from a generator, which older versions lack.
RANDOM_LIKE = {
    "rand_like": torch.ops.aten.rand.generator,
    "randn_like": torch.ops.aten.randn.generator,
}


def pass_where_positive(grad: Tensor, gate: Tensor, out: Tensor) -> None:
    """Write ``grad`` where ``gate > 0``, else 0, in one pass; a mask takes three."""
    torch.ops.aten.threshold_backward.grad_input(grad, gate, 0, grad_input=out)


__all__ = [
    "RANDOM_LIKE",
    "TorchDispatchMode",
    "foreach_add_",
    "foreach_copy_",
    "is_exporting",
    "pass_where_positive",
]

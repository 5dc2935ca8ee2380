"""PyTorch as the nets need it, whatever the program around them has set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

# Where this file was imported. In a fork, the process has another number.
_process = os.getpid()


@contextmanager
def plain_torch() -> Iterator[None]:
    """Compute with gradients, in the precision that is asked for, safely in forks.

    ``torch.inference_mode``, ``torch.no_grad`` and ``torch.autocast`` of the code
    around do not reach in here, as a net says by its parameters what it computes in.

    In a forked process PyTorch is set to one thread, once and only where nets compute
    there: the threads of OpenMP do not live on in a fork, and where the parent had used
    them, the first computation in several threads would wait for them for ever.
    PyTorch's own `DataLoader` takes one thread in its processes for the same reason.
    """
    global _process
    if os.getpid() != _process:
        torch.set_num_threads(1)
        _process = os.getpid()
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        for device in ("cpu", "cuda", "mps", "xpu"):
            if torch.is_autocast_enabled(device):
                modes.enter_context(torch.autocast(device, enabled=False))
        yield

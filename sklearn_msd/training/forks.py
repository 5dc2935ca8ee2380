"""Forked processes: PyTorch works there with one thread.

The threads of OpenMP do not live on in a fork. Where the parent had used them, the
first computation in several threads would wait for them for ever. PyTorch's own
`DataLoader` takes one thread in its processes for the same reason.
"""

import os

import torch


def _compute_in_one_thread() -> None:
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_compute_in_one_thread)

"""A step captured in a CUDA graph: hundreds of launches become one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Steps before the capture, as PyTorch asks for: libraries set themselves up in them.
WARM_UP = 3

# One capture at a time in a process.
_capturing = threading.Lock()


def replayed(
    step: Callable[[], None], device: torch.device, changing: Sequence[Tensor]
) -> Callable[[], None]:
    """What does `step` as fast as `device` can.

    On CUDA that is a graph of all that it launches; anywhere else it is `step` itself.

    Parameters
    ----------
    step : callable
        Reads and writes tensors that stay where they are, and never waits for the
        device.
    device : device
    changing : sequence of Tensor
        What it changes and reads again. They are afterwards as they were before.
    """
    if device.type != "cuda":
        return step
    with torch.cuda.device(device), _capturing:
        before = [tensor.clone() for tensor in changing]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                step()
            for tensor, value in zip(changing, before, strict=True):
                tensor.copy_(value)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Other threads may go on: they predict, or bring songs to the device.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            step()
    replay: Callable[[], None] = graph.replay
    return replay

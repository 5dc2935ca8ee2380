"""Predictions of many songs, chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_msd.common.pytorch.modes import plain_torch

# Songs in a chunk of a prediction: large enough for the matrix products to run at full
# speed, small enough to keep memory flat.
PREDICTION_CHUNK = 128

# On CUDA, where launches cost more than what they compute on so few.
CUDA_CHUNK = 8192


def apply_in_chunks(
    function: Any, X: Any, dtype: torch.dtype, device: torch.device | str
) -> np.ndarray:
    """``function`` of the songs, chunk by chunk and without gradients.

    Parameters
    ----------
    function : callable
        From a Tensor of songs to a Tensor with as many rows.
    X : ndarray of shape (n_songs, n_segments * n_segment_features)
    dtype : torch.dtype
    device : torch.device or str

    Returns
    -------
    ndarray of shape (n_songs, n_outputs)
    """
    out = np.empty(0)
    start, size = 0, chunk_size(device)
    with plain_torch(), torch.inference_mode():
        while start < len(X):
            chunk = np.ascontiguousarray(X[start : start + size])
            try:
                part = function(_from_numpy(chunk).to(device, dtype)).cpu().numpy()
            except torch.cuda.OutOfMemoryError:
                if size <= PREDICTION_CHUNK:
                    raise
                size //= 2
                continue
            if start == 0:
                # One array for all: small ones kept from each chunk would lie between
                # the large ones of the net, whose memory then could not be used again.
                out = np.empty((len(X), part.shape[1]), part.dtype)
            out[start : start + len(part)] = part
            start += len(part)
    return out


def chunk_size(device: torch.device | str) -> int:
    """Songs to predict at a time, or less where memory is short."""
    on_cuda = torch.device(device).type == "cuda"
    return CUDA_CHUNK if on_cuda else PREDICTION_CHUNK


def _from_numpy(array: np.ndarray) -> Tensor:
    # PyTorch warns of tensors over read-only memory, which a memory map may be.
    return torch.from_numpy(array if array.flags.writeable else array.copy())

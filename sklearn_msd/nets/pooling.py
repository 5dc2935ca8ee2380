"""Summaries of a whole song, whatever its length."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

GlobalPooling = Literal["mean", "max", "mean_max"] | None


def split_padding(songs: Tensor) -> tuple[Tensor, Tensor]:
    """Songs with zeros for their NaN segments, and the number of real segments.

    Parameters
    ----------
    songs : Tensor of shape (n_songs, n_segments, n_segment_features)
        A song shorter than ``n_segments`` ends in segments of NaN.
    """
    padding = songs[:, :, 0].isnan()
    lengths = songs.shape[1] - padding.sum(1)
    return songs.masked_fill(padding.unsqueeze(2), 0), lengths


def pool_globally(songs: Tensor, lengths: Tensor, how: GlobalPooling) -> Tensor:
    """Mean, maximum or both over each song's first ``lengths`` positions."""
    beyond = torch.arange(songs.shape[1], device=songs.device) >= lengths.unsqueeze(1)
    beyond = beyond.unsqueeze(2)
    summaries = []
    if how in ("mean", "mean_max"):
        total = songs.masked_fill(beyond, 0).sum(1)
        summaries.append(total / lengths.unsqueeze(1))
    if how in ("max", "mean_max"):
        summaries.append(songs.masked_fill(beyond, -math.inf).amax(1))
    return torch.cat(summaries, dim=1)

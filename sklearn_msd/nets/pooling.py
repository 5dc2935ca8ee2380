"""Summaries of a whole song, whatever its length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

GlobalPooling = Literal["mean", "max", "mean_max"] | Sequence[str] | None

POOLINGS = ("mean", "std", "max")

# Variances below are of nothing but rounding; the root's slope there has no bound.
_SMALLEST_VARIANCE = 1e-12


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


def pooling_names(how: GlobalPooling) -> tuple[str, ...]:
    """What is pooled, in the order of the summary: mean, deviation, maximum.

    Raises
    ------
    ValueError
        If something else is asked for, or nothing.
    """
    asked = [how] if isinstance(how, str) else list(how or [])
    if asked == ["mean_max"]:
        asked = ["mean", "max"]
    if not asked or not all(name in POOLINGS for name in asked):
        raise ValueError(
            f"global_pooling must be None, 'mean_max' or one or several of {POOLINGS}; "
            f"got {how!r}."
        )
    return tuple(name for name in POOLINGS if name in asked)


def pool_globally(songs: Tensor, lengths: Tensor, how: GlobalPooling) -> Tensor:
    """Statistics over each song's first ``lengths`` positions, side by side.

    Parameters
    ----------
    songs : Tensor of shape (n_songs, n_positions, n_kernels)
    lengths : Tensor of shape (n_songs,)
        At least 1 each.
    how : str or sequence of {"mean", "std", "max"}
        ``"std"`` is the deviation with ``ddof=0``; of a kernel that is constant in a
        song, 0.

    Returns
    -------
    Tensor of shape (n_songs, n_statistics * n_kernels)
    """
    names = pooling_names(how)
    beyond = torch.arange(songs.shape[1], device=songs.device) >= lengths.unsqueeze(1)
    beyond = beyond.unsqueeze(2)
    summaries = []
    if "mean" in names or "std" in names:
        total = songs.masked_fill(beyond, 0).sum(1)
        mean = total / lengths.unsqueeze(1)
    if "mean" in names:
        summaries.append(mean)
    if "std" in names:
        centred = (songs - mean.unsqueeze(1)).masked_fill(beyond, 0)
        variance = centred.square().sum(1) / lengths.unsqueeze(1)
        std = variance.clamp_min(_SMALLEST_VARIANCE).sqrt()
        summaries.append(std.masked_fill(variance < _SMALLEST_VARIANCE, 0))
    if "max" in names:
        summaries.append(songs.masked_fill(beyond, -math.inf).amax(1))
    return torch.cat(summaries, dim=1)

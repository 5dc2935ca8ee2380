"""musicnn: a net that tags three seconds of music, as a plain PyTorch module.

After Pons and Serra, "musicnn: pre-trained convolutional neural networks for music
audio tagging" (2019). It is for inference: batch normalisations are what they are
once training is over, a scale and a shift, and dropout is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

N_MELS = 96
N_FRAMES = 187  # of 16 ms: the 3 seconds that it was trained on
N_TAGS = 50


class Norm(nn.Module):
    """A trained batch normalisation: a scale and a shift of each channel.

    Parameters
    ----------
    n_channels : int
        Channels, along the second axis of what is normalised.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(n_channels))
        self.shift = nn.Parameter(torch.zeros(n_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalised values, of the same shape."""
        shape = (-1, *[1] * (x.ndim - 2))
        return x * self.scale.view(shape) + self.shift.view(shape)


class BandFilters(nn.Module):
    """Filters over mel bands and frames, each at the band where it is strongest.

    Parameters
    ----------
    n_filters : int
    n_frames, n_bands : int
        What a filter covers.
    """

    def __init__(self, n_filters: int, n_frames: int, n_bands: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, n_filters, (n_frames, n_bands))
        self.norm = Norm(n_filters)

    def forward(self, x: Tensor) -> Tensor:
        """Activations (n, n_filters, n_frames) of spectra (n, 1, n_frames, n_bands).

        The maximum is taken before the bias, ReLU and scale, which keep or, where the
        scale is negative, turn the order: so one pass over the bands is enough. And
        training left most filters without weights; these are not slid over anything.
        """
        weight, sign = self.conv.weight, self.norm.scale.sign()
        live = weight.flatten(1).any(dim=1)
        turned = sign[live, None, None]
        peaks = F.conv2d(
            F.pad(x, (0, 0, *same_padding(weight.shape[2]))),
            weight[live] * turned[..., None],
        ).amax(dim=3)
        out = peaks.new_zeros(len(x), len(weight), peaks.shape[2])
        out[:, live] = peaks * turned[:, :, 0]
        assert self.conv.bias is not None
        normed: Tensor = self.norm(F.relu(out + self.conv.bias[:, None]))
        return normed


class FrameFilters(nn.Module):
    """Filters over all channels of some frames.

    Parameters
    ----------
    n_channels, n_filters : int
    n_frames : int
        What a filter covers.
    """

    def __init__(self, n_channels: int, n_filters: int, n_frames: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_channels, n_filters, n_frames)
        self.norm = Norm(n_filters)

    def forward(self, x: Tensor) -> Tensor:
        """Activations (n, n_filters, n_frames) of (n, n_channels, n_frames)."""
        padded = F.pad(x, same_padding(self.conv.kernel_size[0]))
        out: Tensor = self.norm(F.relu(self.conv(padded)))
        return out


def same_padding(n_frames: int) -> tuple[int, int]:
    """Frames to add before and after so that a filter over ``n_frames`` keeps length.

    An even filter reaches one frame further ahead than back, as in TensorFlow.
    """
    return (n_frames - 1) // 2, n_frames // 2


class MusicNN(nn.Module):
    """Filters of timbre and of rhythm, dense convolutions, pooling, tags.

    Front end: filters that see 7 frames of 0.4 or 0.7 of the mel bands, and filters
    that follow one band for 128, 64 or 32 frames. Mid end: three convolutions over 7
    frames, with residual sums. Back end: maximum and mean over time of all of these, a
    hidden layer, and tags.

    Parameters
    ----------
    n_timbral, n_temporal, n_mid : int
        Filters of each convolution in the three places.
    n_hidden : int
    n_tags : int
    """

    def __init__(
        self,
        n_timbral: int = 204,
        n_temporal: int = 51,
        n_mid: int = 64,
        n_hidden: int = 200,
        n_tags: int = N_TAGS,
    ) -> None:
        super().__init__()
        self.input_norm = Norm(1)
        self.timbral = nn.ModuleList(
            BandFilters(n_timbral, 7, int(share * N_MELS)) for share in (0.4, 0.7)
        )
        self.temporal = nn.ModuleList(
            BandFilters(n_temporal, n_frames, 1) for n_frames in (128, 64, 32)
        )
        n_front = 2 * n_timbral + 3 * n_temporal
        self.mid = nn.ModuleList(
            FrameFilters(n_channels, n_mid, 7) for n_channels in (n_front, n_mid, n_mid)
        )
        n_features = n_front + 3 * n_mid
        self.pool_norm = Norm(2 * n_features)
        self.hidden = nn.Linear(2 * n_features, n_hidden)
        self.hidden_norm = Norm(n_hidden)
        self.output = nn.Linear(n_hidden, n_tags)

    def layers(self, x: Tensor) -> dict[str, Tensor]:
        """Activations of every layer, by the names that the original gives them.

        Parameters
        ----------
        x : Tensor of shape (n, n_frames, 96)
            Logarithmic mel spectra.

        Returns
        -------
        dict of Tensor
            ``timbral`` (n, 408, n_frames), ``temporal`` (n, 153, n_frames), ``cnn1``,
            ``cnn2``, ``cnn3`` (n, 64, n_frames), ``max_pool``, ``mean_pool`` (n, 753),
            ``penultimate`` (n, 200), ``logits`` (n, 50) and ``tags`` (n, 50), each
            between 0 and 1.
        """
        x = self.input_norm(x[:, None])
        timbral = torch.cat([filters(x) for filters in self.timbral], dim=1)
        temporal = torch.cat([filters(x) for filters in self.temporal], dim=1)
        front = torch.cat([timbral, temporal], dim=1)
        cnn1 = self.mid[0](front)
        cnn2 = self.mid[1](cnn1) + cnn1
        cnn3 = self.mid[2](cnn2) + cnn2
        features = torch.cat([front, cnn1, cnn2, cnn3], dim=1)
        max_pool, mean_pool = features.amax(dim=2), features.mean(dim=2)
        # Maximum and mean of a feature are neighbours.
        pooled = self.pool_norm(torch.stack([max_pool, mean_pool], dim=2).flatten(1))
        penultimate = self.hidden_norm(F.relu(self.hidden(pooled)))
        logits = self.output(penultimate)
        return {
            "timbral": timbral,
            "temporal": temporal,
            "cnn1": cnn1,
            "cnn2": cnn2,
            "cnn3": cnn3,
            "max_pool": max_pool,
            "mean_pool": mean_pool,
            "penultimate": penultimate,
            "logits": logits,
            "tags": torch.sigmoid(logits),
        }

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the tags, of shape (n, n_tags)."""
        return self.layers(x)["logits"]

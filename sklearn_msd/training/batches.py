"""Songs as skorch trains and predicts on them: data sets, batches, chunks."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import skorch.dataset
import torch
from skorch.utils import data_from_dataset
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset

from sklearn_msd.common.pytorch.device import held_on
from sklearn_msd.segments.as_array import as_array
from sklearn_msd.segments.mapped_songs import MappedSongs, on_disk
from sklearn_msd.training.endings.here import here

# Songs in a block of `shuffle="blocks"`: 0.8 MB of the report's songs in float16, which
# a disk reads at its full speed. And songs held to be shuffled among each other.
BLOCK = 128
BUFFER = 2048

Batch = tuple[dict[str, Tensor], Tensor]


class SongDataset(skorch.dataset.Dataset):
    """Songs with what the loss needs of them, read by arrays of row numbers.

    Nothing is copied or converted before a batch is asked for, so a memory map is read
    batch by batch. To skorch and its callbacks it is a data set like theirs, of which
    `X` and `y` are the songs and class indices of its own rows.

    Parameters
    ----------
    X : ndarray or MappedSongs of shape (n_songs, n_segments * n_segment_features)
    y : ndarray of shape (n_songs,), default=None
        Class indices; zeros if None, for predicting.
    weight : ndarray of shape (n_songs,), default=None
    base_logits : ndarray of shape (n_songs, n_classes), default=None
    rows : ndarray of int, default=None
        The rows of the arrays that belong to this data set; all if None.
    dtype : torch.dtype
    device : torch.device or str
        Songs in memory are held there as long as they fit, each array once, and then
        batches are gathered without a transfer. Otherwise batches are brought there,
        each while the one before is computed on.

    Attributes
    ----------
    stored, labels : ndarray, MappedSongs
        `X` and `y` as they were given, with all rows.
    held : ndarray, MappedSongs or Tensor
        All songs where batches are taken from: on the device, if they fit in memory.
    """

    def __init__(
        self,
        X: Any,
        y: Any = None,
        *,
        weight: Any = None,
        base_logits: Any = None,
        rows: Any = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.dtype, self.device = dtype, torch.device(device)
        self.rows = np.arange(len(X)) if rows is None else rows
        self.stored = self.held = X
        if self.device.type != "cpu" and not on_disk(X):
            # Tasks of a parallel loop have copies of each other's songs.
            held = held_on(self.device, X, shared=here.task is not None)
            self.held = X if held is None else held
        self.labels = np.zeros(len(X), dtype=np.int64) if y is None else y
        self.extras = {
            name: torch.as_tensor(values, dtype=dtype, device=self.device)
            for name, values in (("weight", weight), ("base_logits", base_logits))
            if values is not None
        }
        self.targets = torch.as_tensor(
            self.labels, dtype=torch.int64, device=self.device
        )

    @property
    def X(self) -> Any:
        """The songs of this data set's rows; those on disk stay there.

        With base logits, a dictionary of both: the inputs of what is trained.
        """
        songs = self.stored
        if len(self.rows) != len(songs) or (np.diff(self.rows) != 1).any():
            if on_disk(songs) and not isinstance(songs, MappedSongs):
                try:
                    songs = MappedSongs(songs)
                except (TypeError, ValueError):  # a map of a kind that is read at once
                    songs = np.asarray(songs)
            songs = songs[self.rows]
        if "base_logits" not in self.extras:
            return songs
        base_logits = self.extras["base_logits"][self.rows].cpu().numpy()
        return {"x": songs, "base_logits": base_logits}

    @property
    def y(self) -> np.ndarray:
        """The class indices of this data set's rows."""
        return np.asarray(self.labels)[self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Batch:
        rows = self.rows[index]
        inputs = self.held[rows]
        if not isinstance(inputs, Tensor):
            inputs = torch.from_numpy(np.asarray(inputs))
            if self.device.type == "cuda":  # from there it needs not be waited for
                inputs = inputs.pin_memory()
        inputs = inputs.to(self.device, non_blocking=True)
        batch = {"x": inputs.to(self.dtype)}
        batch |= {name: values[rows] for name, values in self.extras.items()}
        return batch, self.targets[rows]

    def subset(self, rows: np.ndarray) -> SongDataset:
        """The same songs without a copy, as far as they are in ``rows``."""
        part = copy.copy(self)
        part.rows = self.rows[rows]
        return part

    @property
    def in_place(self) -> bool:
        """Whether the songs lie where the net is, and not on a disk."""
        on_device = self.device.type == "cpu" or isinstance(self.held, Tensor)
        return on_device and not on_disk(self.held)

    def has_padding(self) -> bool:
        """Whether some song ends in NaN."""
        songs = self.held[self.rows]
        return bool((songs != songs).any())

    def loss_without_net(self) -> float:
        """The loss of the base logits alone; without any, of the shares of the classes.

        Of the predictions that are the same for all songs, the shares have the lowest.
        """
        y = self.targets[self.rows]
        ones = torch.ones_like(self.targets, dtype=self.dtype)
        weight = self.extras.get("weight", ones)[self.rows]
        if "base_logits" in self.extras:
            base_logits = self.extras["base_logits"][self.rows]
            losses = nn.functional.cross_entropy(base_logits, y, reduction="none")
            return float((losses * weight).mean())
        by_class = torch.bincount(y, weight)
        shares = by_class / by_class.sum()
        return float(torch.special.entr(shares).sum() * weight.mean())

    def in_memory(self) -> SongDataset:
        """The same songs; those on disk are read, in the order of their rows."""
        if not on_disk(self.stored):
            return self
        part = copy.copy(self)
        part.rows = np.arange(len(self))
        part.stored = part.held = np.asarray(self.stored[self.rows])
        part.labels = self.labels[self.rows]
        part.targets = self.targets[self.rows]
        part.extras = {name: v[self.rows] for name, v in self.extras.items()}
        return part


def as_songs(
    X: Any, y: Any, dtype: torch.dtype, device: torch.device | str
) -> SongDataset:
    """What skorch's methods are given, as a data set of songs.

    Parameters
    ----------
    X : SongDataset, Dataset, Subset of one, dict or array-like
        Songs, flat or three-dimensional; a dictionary has them as ``x``, and may have
        ``base_logits``.
    y : array-like of shape (n_songs,) or None
        Class indices.
    dtype : torch.dtype
    device : torch.device or str

    Raises
    ------
    AttributeError
        If it is a data set without `X` and `y`.
    """
    if isinstance(X, SongDataset):
        return X
    if isinstance(X, Subset):
        return as_songs(X.dataset, y, dtype, device).subset(np.asarray(X.indices))
    if isinstance(X, Dataset):
        X, y = data_from_dataset(X)
    inputs = X if isinstance(X, Mapping) else {"x": X}
    songs = as_array(inputs["x"])
    if not isinstance(songs, MappedSongs):
        songs = songs if isinstance(songs, np.ndarray) else np.asarray(songs)
    songs = songs.reshape(len(songs), int(np.prod(songs.shape[1:])))
    return SongDataset(
        songs,
        y if y is None else as_array(y, "y"),
        base_logits=inputs.get("base_logits"),
        dtype=dtype,
        device=device,
    )


class BatchIterator:
    """Batches of a :class:`SongDataset`: whole slices, no collation of single songs.

    Parameters
    ----------
    dataset : SongDataset
    batch_size : int
    rng : RandomState, default=None
        Shuffles the songs anew in each pass; None keeps their order.
    shuffle : {"full", "blocks"}, default="full"
        How: `TrainingParameters` explains.
    crop : (int, int), default=None
        Segments to cut longer songs to, from a place that `rng` decides anew in each
        pass, and features of a segment.
    """

    def __init__(
        self,
        dataset: SongDataset,
        batch_size: int,
        rng: np.random.RandomState | None = None,
        shuffle: str = "full",
        crop: tuple[int, int] | None = None,
    ) -> None:
        self.dataset, self.batch_size = dataset, batch_size
        self.rng, self.shuffle, self.crop = rng, shuffle, crop

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for places, order in self._parts():
            songs = self.dataset
            if places is not None:
                songs = songs.subset(places).in_memory()
            batches: Iterator[Batch] = (
                songs[order[start : start + self.batch_size]]
                for start in range(0, len(order), self.batch_size)
            )
            if not songs.in_place:
                batches = one_ahead(batches, songs.device)
            for batch in batches:
                if self.crop is not None and self.rng is not None:
                    batch[0]["x"] = random_crops(batch[0]["x"], *self.crop, self.rng)
                yield batch

    def order(self) -> np.ndarray:
        """Places of the songs in the data set in one pass, batch after batch.

        The generator moves on as in a pass.

        Returns
        -------
        ndarray of int of shape (n_songs,)
        """
        return np.concatenate(
            [order if at is None else at[order] for at, order in self._parts()]
        )

    def _parts(self) -> Iterator[tuple[np.ndarray | None, np.ndarray]]:
        """Places of songs that are read at a time, None for all, and their order."""
        n = len(self.dataset)
        if self.rng is None:
            yield None, np.arange(n)
        elif self.shuffle == "full":
            yield None, self.rng.permutation(n)
        else:
            yield from self._blocks(self.rng)

    def _blocks(
        self, rng: np.random.RandomState
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        # Where the songs lie does not change their order, only how they are read.
        by_row = np.argsort(self.dataset.rows)
        blocks = by_row[_blocks_in_random_order(len(by_row), rng)]
        # Whole batches, so that each pass has as many as one of the whole data set.
        n_buffered = -(-BUFFER // self.batch_size) * self.batch_size
        for start in range(0, len(blocks), n_buffered):
            buffer = blocks[start : start + n_buffered]
            buffer = buffer[np.argsort(self.dataset.rows[buffer])]
            yield buffer, rng.permutation(len(buffer))


def one_ahead(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The batches, each of which is already on its way when the one before is used.

    On CUDA they are brought by a stream of their own, beside the computation.
    """
    if device.type != "cuda":
        yield from batches
        return
    stream = torch.cuda.Stream(device)

    def bring() -> Batch | None:
        with torch.cuda.stream(stream):
            return next(batches, None)

    following = bring()
    while following is not None:
        torch.cuda.current_stream(device).wait_stream(stream)
        batch, following = following, bring()
        for tensor in (*batch[0].values(), batch[1]):
            tensor.record_stream(torch.cuda.current_stream(device))
        yield batch


def random_crops(
    songs: Tensor, n_segments: int, width: int, rng: np.random.RandomState
) -> Tensor:
    """As many segments of each song, those of shorter ones as they are.

    Parameters
    ----------
    songs : Tensor of shape (n_songs, n_segments_now * width)
        Those of fewer segments end in segments of NaN.
    n_segments : int
    width : int
        Features of a segment.
    rng : RandomState
        Decides where crops start: anywhere, with one probability, within the song.

    Returns
    -------
    Tensor of shape (n_songs, min(n_segments, n_segments_now) * width)
    """
    songs = songs.unflatten(1, (-1, width))
    if songs.shape[1] <= n_segments:
        return songs.flatten(1)
    lengths = songs.shape[1] - songs[:, :, 0].isnan().sum(dim=1).cpu().numpy()
    starts = rng.randint(np.maximum(lengths - n_segments, 0) + 1)
    places = torch.as_tensor(starts[:, None] + np.arange(n_segments))
    rows = torch.arange(len(songs)).unsqueeze(1)
    return songs[rows.to(songs.device), places.to(songs.device)].flatten(1)


def _blocks_in_random_order(n: int, rng: np.random.RandomState) -> np.ndarray:
    """0 to n - 1: blocks of consecutive numbers, the blocks in random order."""
    starts = rng.permutation(-(-n // BLOCK)) * BLOCK
    order = (starts[:, None] + np.arange(BLOCK)).ravel()
    return np.asarray(order[order < n])

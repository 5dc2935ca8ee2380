"""Songs where a net is, and songs that are brought there batch by batch."""

import numpy as np
import pytest
import torch

from sklearn_msd.training import batches as module
from sklearn_msd.training.batches import BatchIterator, SongDataset, one_ahead
from sklearn_msd.training.keeping.fingerprints import _digests

X = np.random.RandomState(0).normal(size=(300, 6)).astype(np.float32)
Y = np.arange(300) % 3


@pytest.mark.parametrize("shuffle", ["full", "blocks"])
def test_the_order_is_that_of_the_batches(shuffle):
    songs = SongDataset(X, np.arange(len(X))).subset(np.arange(10, 290))
    iterators = [
        BatchIterator(songs, 16, np.random.RandomState(0), shuffle) for _ in range(2)
    ]
    for _ in range(2):  # the generators stay in step
        labels = torch.cat([y for _, y in iterators[0]]).numpy()
        np.testing.assert_array_equal(songs.rows[iterators[1].order()], labels)


def test_songs_that_do_not_fit_stay_and_are_brought_in_batches(monkeypatch):
    monkeypatch.setattr(module, "held_on", lambda device, array, shared: None)
    on_device = SongDataset(X, Y)
    on_device.device = torch.device("meta")  # not the CPU, and no CUDA
    monkeypatch.setattr(on_device, "held", X)
    assert not on_device.in_place
    got = list(one_ahead(iter([1, 2, 3]), on_device.device))
    assert got == [1, 2, 3]


def test_a_fit_is_known_again_on_another_device():
    here, there = SongDataset(X, Y), SongDataset(X, Y)
    there.held = torch.from_numpy(X)  # as on a GPU
    classes = np.array(["a", "b", "c"])
    assert _digests(here, classes, "") == _digests(there, classes, "")

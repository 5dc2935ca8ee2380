"""Predictions chunk by chunk, where memory is short."""

import numpy as np
import pytest
import torch

from sklearn_msd.training import predicting as module
from sklearn_msd.training.predicting import apply_in_chunks

X = np.random.RandomState(0).normal(size=(300, 6)).astype(np.float32)


def test_short_memory_halves_the_songs_predicted_at_a_time(monkeypatch):
    monkeypatch.setattr(module, "chunk_size", lambda device: 1024)
    sizes = []

    def double(songs):
        sizes.append(len(songs))
        if len(songs) > 200:
            raise torch.cuda.OutOfMemoryError
        return 2 * songs

    out = apply_in_chunks(double, X, torch.float32, "cpu")
    np.testing.assert_array_equal(out, 2 * X)
    assert sizes == [300, 300, 256, 128, 128, 44]


def test_so_little_memory_that_nothing_fits_is_an_error():
    def fail(songs):
        raise torch.cuda.OutOfMemoryError

    with pytest.raises(torch.cuda.OutOfMemoryError):
        apply_in_chunks(fail, X, torch.float32, "cpu")

"""Arrays on a device: each once, however many copies there are of it."""

import gc
import threading
import weakref

import numpy as np
import pytest
import torch

from sklearn_msd.common.pytorch import device as module
from sklearn_msd.common.pytorch.device import held_on, resolve_device

CPU = torch.device("cpu")


@pytest.fixture
def songs():
    return np.random.RandomState(0).normal(size=(60, 7)).astype(np.float32)


@pytest.mark.parametrize("shared", [True, False])
def test_an_array_is_held_as_it_is(songs, shared):
    for array in (songs, songs.T, songs.astype(np.float16), songs > 0):
        held = held_on(CPU, array, shared=shared)
        np.testing.assert_array_equal(held.numpy(), array)
        assert not np.shares_memory(held.numpy(), array)


def held_once(array):
    return held_on(CPU, array, shared=True)


def test_copies_are_held_once(songs):
    songs[3, 5:] = np.nan
    first = held_once(songs)
    copies = [songs.copy() for _ in range(3)]
    assert all(held_once(copy) is first for copy in (songs, *copies))
    frozen = songs.copy()
    frozen.flags.writeable = False
    assert held_once(frozen) is first


def test_others_are_not_taken_for_copies(songs):
    held = held_once(songs)
    last = songs.copy()
    last[-1, -1] += 1
    others = [last, songs[:-1].copy(), songs.astype(np.float64), songs.reshape(30, 14)]
    for other in others:
        assert held_once(other) is not held
    np.testing.assert_array_equal(held_once(last).numpy(), last)


def test_what_nobody_uses_is_let_go(songs):
    held = weakref.ref(held_once(songs))
    gc.collect()
    assert held() is None
    again = held_once(songs)
    np.testing.assert_array_equal(again.numpy(), songs)
    # The songs themselves went, and others may lie where they did.
    other = songs + 1
    del songs
    gc.collect()
    assert held_once(other) is not again


def test_threads_that_come_together_hold_one(songs):
    found, begin = [None] * 8, threading.Barrier(8)

    def hold(i):
        copy = songs.copy()
        begin.wait()
        found[i] = copy, held_once(copy)

    threads = [threading.Thread(target=hold, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(tensor) for _, tensor in found}) == 1


def test_one_that_was_changed_is_brought_anew(songs):
    first = held_once(songs)
    songs[-1, -1] += 1
    second = held_once(songs)
    assert second is not first
    np.testing.assert_array_equal(second.numpy(), songs)


def test_without_sharing_each_is_brought(songs):
    assert held_on(CPU, songs) is not held_on(CPU, songs)
    assert held_on(CPU, songs) is not held_once(songs)


def test_what_does_not_fit_is_not_held(songs, monkeypatch):
    monkeypatch.setattr(module, "free_memory", lambda device: songs.nbytes * 1.5)
    assert held_once(songs) is None
    assert held_once(songs[:30].copy()) is not None


def test_a_device_that_is_not_there_is_an_error():
    assert resolve_device("cpu") == CPU
    for name in ("nonsense", "meta", "cuda:99"):
        with pytest.raises(ValueError, match="is not available here"):
            resolve_device(name)

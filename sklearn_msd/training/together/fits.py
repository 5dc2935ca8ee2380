"""The training of a net: with others, in a graph, or as skorch does it."""

from __future__ import annotations

from contextlib import ExitStack

from sklearn_msd.training.batches import SongDataset
from sklearn_msd.training.endings.here import here
from sklearn_msd.training.net import LogitNet
from sklearn_msd.training.together.alike import shape_of
from sklearn_msd.training.together.stack import Seat, Stack

# Steps for which one net alone is not worth a capture; an estimate, not a measurement.
FEW_STEPS = 100


def train_net(net: LogitNet, songs: SongDataset, epochs: int) -> None:
    """Train a net for so many epochs.

    In a task of a parallel loop with the backend ``"together"`` it may wait for other
    nets of its shape and train with them. Otherwise it trains by itself; on CUDA, where
    it can, by steps that are captured in a graph.

    Parameters
    ----------
    net : LogitNet
        Initialised.
    songs : SongDataset
    epochs : int
    """
    within_a_fit = here.seat is not None  # which others may wait for
    room = None if here.task is None or within_a_fit else here.task.room
    seat = Seat(net, songs, here.task)
    on_cuda = songs.device.type == "cuda"
    n_steps = epochs * -(-len(songs) // int(net.batch_size))
    shape = None
    if on_cuda or (room is not None and room.on_cpu):
        shape = shape_of(net, songs)
    with ExitStack() as places:
        if shape is not None and room is not None:
            room.join(seat, shape)
        elif shape is not None and not within_a_fit and n_steps > FEW_STEPS:
            Stack([seat])
        elif room is not None:
            places.enter_context(room.alone())
        places.enter_context(seat)
        net.partial_fit(songs, None, epochs=epochs)

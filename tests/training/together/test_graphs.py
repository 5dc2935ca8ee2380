"""What can be known of the capture in a CUDA graph without such a device.

A stand-in for `torch.cuda` runs no graph, but does with the program what the real one
does: warm-up steps count as steps, and what is captured is not run.
"""

from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch
from sklearn.base import clone
from small_models import N_FEATURES, songs
from test_stack import CASES, fit_together, parameters
from torch.profiler import profile

from sklearn_msd import RecurrentClassifier
from sklearn_msd.classifiers.preparing import FitOptions, training_songs
from sklearn_msd.nets import recurrent
from sklearn_msd.training.together import tensors as module
from sklearn_msd.training.together.graphs import WARM_UP, replayed
from sklearn_msd.training.together.shares import take_share
from sklearn_msd.training.together.stack import Seat, Stack

X, Y = songs()

# What waits for the device: it ends a capture with an error.
WAITS = {
    "aten::item",
    "aten::_local_scalar_dense",
    "aten::is_nonzero",
    "aten::nonzero",
    "aten::masked_select",
    "aten::unique",
}


class FakeStream:
    """A stream on which things happen at once."""

    def wait_stream(self, other):
        assert isinstance(other, FakeStream)


class FakeCUDA:
    """Captures what it is told to, and notes how."""

    def __init__(self, tensors=()):
        self.tensors, self.modes = tensors, []

    Stream = FakeStream

    def device(self, device):
        return nullcontext()

    def current_stream(self):
        return FakeStream()

    def stream(self, stream):
        return nullcontext()

    @contextmanager
    def graph(self, graph, stream, capture_error_mode):
        self.modes.append(capture_error_mode)
        before = [tensor.clone() for tensor in self.tensors]
        yield
        for tensor, value in zip(self.tensors, before, strict=True):
            tensor.copy_(value)

    def CUDAGraph(self):
        graph = lambda: None  # noqa: E731 - an object with room for attributes
        graph.replay = self.step
        return graph


class OnCUDA:
    """A device that says that it is one."""

    type = "cuda"


def captured(monkeypatch, tensors):
    """Let the step of stacked tensors be captured by the stand-in."""
    fake = FakeCUDA([t for t in vars(tensors).values() if torch.is_tensor(t)])
    fake.step = tensors.step
    monkeypatch.setattr(torch, "cuda", fake)
    try:
        return fake, replayed(tensors.step, OnCUDA(), tensors._changing())
    finally:
        monkeypatch.undo()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:early_stopping watches:UserWarning")
@pytest.mark.parametrize("case", ["early stopping", "one cycle", "masks", "penalties"])
def test_warm_up_and_capture_leave_no_trace(case, monkeypatch):
    nets, fits = CASES[case]
    plain, _ = fit_together([clone(net) for net in nets], fits)
    modes = []

    def run(self, *args, whole=module.StackTensors.run):
        if self._step is None:
            # Before the first epoch, as a graph is captured when its tables are there.
            self._load(args[0])
            self._fill(args[0])
            with pytest.MonkeyPatch.context() as own:
                fake, self._step = captured(own, self)
            modes.extend(fake.modes)
        return whole(self, *args)

    monkeypatch.setattr(module.StackTensors, "run", run)
    again, sizes = fit_together([clone(net) for net in nets], fits)
    assert max(sizes) > 1
    assert set(modes) == {"thread_local"}
    for one, other in zip(plain, again, strict=True):
        np.testing.assert_array_equal(parameters(one), parameters(other))


def test_on_the_cpu_a_step_is_itself():
    def step():
        raise AssertionError

    assert replayed(step, torch.device("cpu"), []) is step


def test_warm_up_is_as_long_as_pytorch_asks_for():
    count = torch.zeros(())
    fake = FakeCUDA([count])
    steps = []

    def step():
        steps.append(int(count))
        count.add_(1)

    fake.step = step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "cuda", fake)
        replay = replayed(step, OnCUDA(), [count])
    assert steps == [0, 1, 2, 0]  # the last one is the capture
    assert len(steps) == WARM_UP + 1
    replay()
    assert count == 1


def stacked(*models):
    """Tensors of the nets of classifiers, with songs as they are on a device."""
    seats, shares = [], []
    for model in models:
        model = clone(model)
        model.classes_, y = np.unique(Y, return_inverse=True)
        model.n_features_in_ = X.shape[1]
        model.n_segment_features_ = N_FEATURES
        model._rng = np.random.RandomState(0)
        net = model._make_net(model._initialised_module())
        data = training_songs(model, X, y, None, None, FitOptions())
        data.held = torch.from_numpy(X)
        net.history.new_epoch()
        shares.append(take_share(net, net.get_iterator(data, training=True)))
        seats.append(Seat(net, data))
    Stack(seats)
    found = module.StackTensors([seat.net for seat in seats], shares)
    found._load(shares)
    found._fill(shares)
    return found


GRU = RecurrentClassifier(n_segment_features=N_FEATURES, hidden_size=3, batch_size=20)


@pytest.mark.parametrize("case", ["dense", "time, max", "time, global", "penalties"])
def test_a_step_never_waits_for_the_device(case):
    tensors = stacked(*CASES[case][0])
    with profile() as seen:
        tensors.step()
    names = {event.key for event in seen.key_averages()}
    assert "aten::bmm" in names
    assert not names & WAITS


def test_nor_does_that_of_a_recurrent_net_in_a_capture(monkeypatch):
    tensors = stacked(GRU)
    monkeypatch.setattr(recurrent, "is_captured", lambda songs: True)
    with profile() as seen:
        tensors.step()
    names = {event.key for event in seen.key_averages()}
    assert not names & WAITS
    assert any("gru" in name for name in names)


def test_padded_songs_of_a_recurrent_net_are_for_no_graph():
    padded = X.reshape(len(X), -1, N_FEATURES).copy()
    padded[:, -2:] = np.nan
    model = clone(GRU).set_params(max_epochs=2, random_state=0)
    fitted, sizes = fit_together([model], [((padded, Y), {})])
    assert sizes == []
    assert fitted[0].n_iter_ == 2

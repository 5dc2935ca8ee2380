"""What threads share and what a process has set stays as it was."""

import random
import threading

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback
from small_models import CONV, DENSE, N_FEATURES, songs

from sklearn_msd import (
    CorrectingClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    RecurrentClassifier,
    SegmentConvClassifier,
    SparseRefitClassifier,
    TimeConvClassifier,
)

SMALL = {"n_segment_features": N_FEATURES, "max_epochs": 3, "random_state": 0}
SIZES = {"n_kernels": 4, "hidden_layer_sizes": (6,)}
BASES = [("dense", DENSE), ("conv", CONV)]
MODELS = {
    "dense": DENSE,
    "segment": SegmentConvClassifier(**SMALL, **SIZES),
    "conv": CONV,
    "average": TimeConvClassifier(**SMALL, **SIZES, pooling="average"),
    "pooled": TimeConvClassifier(**SMALL, **SIZES, global_pooling="mean_max"),
    "gru": RecurrentClassifier(**SMALL, hidden_size=6),
    "lstm": RecurrentClassifier(**SMALL, cell="lstm", hidden_size=6),
    "sparse": SparseRefitClassifier(CONV),
    "linear": LinearCombiner(BASES, cv=2),
    "nonlinear": NonlinearCombiner(BASES, cv=2, max_epochs=3, random_state=0),
    "joint": JointCombiner(BASES, cv=2, max_epochs=2, random_state=0),
    "correcting": CorrectingClassifier(CONV, DENSE, n_corrections=2, random_state=0),
    "correcting, hidden": CorrectingClassifier(
        CONV, DENSE, use_hidden=True, random_state=0
    ),
}


def in_threads(call, n):
    """What calls in as many threads give, begun together."""
    results, begin = [None] * n, threading.Barrier(n)

    def run(i):
        begin.wait()
        results[i] = call()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def process_state():
    """All that a fit could leave changed, in a form that can be compared."""
    denormal = torch.tensor(1e-40) * 1
    return (
        torch.get_num_threads(),
        torch.get_num_interop_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        torch.backends.mkldnn.enabled,
        torch.backends.cudnn.benchmark,
        float(denormal),
        float(np.float32(1e-40) * np.float32(1)),
        torch.random.get_rng_state().numpy().tobytes(),
        np.random.get_state()[1].tobytes(),
        random.getstate(),
        str(np.geterr()),
    )


@pytest.mark.parametrize("name", MODELS)
def test_a_fit_and_a_prediction_leave_the_process_as_it_was(name):
    X, y = songs()
    before = process_state()
    assert before[8] > 0  # denormal numbers are not flushed here
    model = clone(MODELS[name]).fit(X, y)
    model.predict_proba(X)
    assert process_state() == before


class Failing(Callback):
    """Raises in the middle of a training."""

    def __init__(self, error):
        self.error = error

    def on_batch_end(self, net, training=False, **kwargs):
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_so_do_an_error_and_a_stop(error):
    X, y = songs()
    before = process_state()
    net = clone(CONV).set_params(callbacks=[Failing(error("stop"))])
    if error is KeyboardInterrupt:  # a callback's way to end a training
        net.fit(X, y)
    else:
        with pytest.raises(error, match="stop"):
            net.fit(X, y)
    assert process_state() == before


@pytest.mark.parametrize("name", MODELS)
def test_eight_threads_predict_what_one_does(name):
    X, y = songs()
    model = clone(MODELS[name]).fit(X, y)
    alone = model.predict_proba(X)
    for together in in_threads(lambda: model.predict_proba(X), 8):
        np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("name", ["conv", "gru", "correcting"])
def test_two_fits_at_once_give_what_one_does(name):
    X, y = songs()
    alone = clone(MODELS[name]).fit(X, y).predict_proba(X)

    def fit():
        return clone(MODELS[name]).fit(X, y).predict_proba(X)

    for together in in_threads(fit, 2):
        np.testing.assert_array_equal(together, alone)

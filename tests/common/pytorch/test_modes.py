"""Nets are the same whatever modes of PyTorch the program around them has set."""

import copy
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
import torch
from sklearn.base import clone
from small_models import CONV, DENSE, N_FEATURES, songs

from sklearn_msd import (
    CorrectingClassifier,
    JointCombiner,
    NonlinearCombiner,
    RecurrentClassifier,
    SparseRefitClassifier,
    load,
    save,
    to_onnx,
)
from sklearn_msd.common.pytorch.modes import plain_torch

BASES = [("dense", DENSE), ("conv", CONV)]
MODELS = {
    "dense": DENSE,
    "conv": CONV,
    "gru": RecurrentClassifier(
        n_segment_features=N_FEATURES, hidden_size=6, max_epochs=2, random_state=0
    ),
    "sparse": SparseRefitClassifier(CONV),
    "nonlinear": NonlinearCombiner(BASES, cv=2, max_epochs=2, random_state=0),
    "joint": JointCombiner(BASES, cv=2, max_epochs=2, random_state=0),
    "correcting": CorrectingClassifier(CONV, DENSE, random_state=0),
    "not frozen": CorrectingClassifier(CONV, DENSE, freeze=False, random_state=0),
    "linear": CorrectingClassifier(CONV, DENSE, combine="linear", random_state=0),
}


@contextmanager
def default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


MODES = {
    "default type": default_dtype,
    "default device": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "inference mode": torch.inference_mode,
    "no gradients": torch.no_grad,
}


@contextmanager
def all_modes():
    with ExitStack() as stack:
        for mode in MODES.values():
            stack.enter_context(mode())
        yield


each_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


@pytest.fixture(scope="module")
def plain():
    """What each model predicts where no mode is set."""
    X, y = songs()
    return {n: clone(m).fit(X, y).predict_proba(X) for n, m in MODELS.items()}


def assert_same_in(mode, name, plain):
    X, y = songs()
    with mode():
        model = clone(MODELS[name]).fit(X, y)
        np.testing.assert_array_equal(model.predict_proba(X), plain[name])
    np.testing.assert_array_equal(model.predict_proba(X), plain[name])


@each_mode
def test_a_net_in_each_mode(mode, plain):
    assert_same_in(mode, "conv", plain)


@pytest.mark.parametrize("name", MODELS)
def test_every_estimator_in_all_modes_at_once(name, plain):
    assert_same_in(all_modes, name, plain)


@each_mode
def test_training_goes_on_elsewhere(mode):
    X, y = songs()
    nets = []
    for first, second in (mode, mode), (mode, torch.enable_grad), (torch.no_grad, mode):
        net = clone(CONV)
        with first():
            net.partial_fit(X, y, classes=np.unique(y))
        with second():
            nets.append(net.partial_fit(X, y).predict_proba(X))
    np.testing.assert_array_equal(nets[0], nets[1])
    np.testing.assert_array_equal(nets[0], nets[2])


@each_mode
def test_a_net_loaded_in_a_mode_trains_on(mode, tmp_path):
    X, y = songs()
    save(clone(CONV).fit(X, y), tmp_path / "net")
    found = []
    for context in (torch.enable_grad, mode):
        with context():
            net = load(tmp_path / "net")
        found.append(net.partial_fit(X, y).predict_proba(X))
    np.testing.assert_array_equal(*found)


def test_a_net_copied_in_inference_mode_trains_on():
    X, y = songs()
    net = clone(CONV).fit(X, y)
    with torch.inference_mode():
        copied = copy.deepcopy(net)
    assert copied.partial_fit(X, y).n_iter_ > 0
    with torch.inference_mode():
        copied = copy.deepcopy(net).set_params(warm_start=True)
    assert copied.fit(X, y).n_iter_ > 0


def test_graphs_take_float32(tmp_path):
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y = songs()
    net = clone(DENSE).fit(X, y)
    with all_modes():
        to_onnx(net, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    (given,) = session.get_inputs()
    assert given.type == "tensor(float)"
    found = session.run(["probabilities"], {"X": X.astype(np.float32)})[0]
    np.testing.assert_allclose(found, net.predict_proba(X), atol=1e-5)


def test_modes_of_the_program_are_as_they_were():
    with torch.inference_mode(), torch.autocast("cpu"):
        with plain_torch():
            assert torch.is_grad_enabled()
            assert not torch.is_inference_mode_enabled()
            assert not torch.is_autocast_enabled("cpu")
        assert torch.is_inference_mode_enabled()
        assert torch.is_autocast_enabled("cpu")

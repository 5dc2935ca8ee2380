"""Numbers at the edges: finite predictions or an error that says what, never NaN."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.base import clone
from small_models import CONV, DENSE, SMALL, songs, vector

from sklearn_msd import (
    CorrectingClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    RecurrentClassifier,
    SparseRefitClassifier,
)

X, Y = songs()
PAIR = [("a", CONV), ("b", DENSE)]
MODELS = {
    "dense": DENSE,
    "conv": CONV,
    "recurrent": RecurrentClassifier(**SMALL, hidden_size=6),
    "correcting": CorrectingClassifier(CONV, DENSE),
    "linear": LinearCombiner(PAIR, cv=2),
    "nonlinear": NonlinearCombiner(PAIR, cv=2, **DENSE.training_parameters()),
    "joint": JointCombiner(PAIR, cv=2, **DENSE.training_parameters()),
    "sparse": SparseRefitClassifier(CONV),
}
INPUTS = {
    "constant": np.ones_like(X),
    "1e30": X * 1e30,
    "1e-30": X * 1e-30,
    "float16": np.where(X > 0, 65504, -65504).astype(np.float16),
    "float32": (np.sign(X) * 3.3e38).astype(np.float32),
    "float64": X * 1e300,
}
pytestmark = [
    pytest.mark.filterwarnings("ignore:X looks unscaled"),
    pytest.mark.filterwarnings("ignore:The training diverged"),
    pytest.mark.filterwarnings("ignore:.*encountered in reduce:RuntimeWarning"),
]


def assert_finite(model, songs):
    probabilities = model.predict_proba(songs)
    assert np.isfinite(model.decision_function(songs)).all()
    assert np.isfinite(probabilities).all()
    assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_any_finite_input(name):
    fitted = clone(MODELS[name]).fit(X, Y)
    for given in INPUTS.values():
        assert_finite(fitted, given)
        refused = ""
        try:
            other = clone(MODELS[name]).fit(given, Y)
        except ValueError as error:
            refused = str(error)
        if refused:
            assert "training diverged" in refused or "X has values" in refused
        else:
            assert_finite(other, given)
    for weight in (1e308, 1e-310):
        other = clone(MODELS[name]).fit(X, Y, sample_weight=np.full(len(X), weight))
        assert_finite(other, X)


def test_logits_that_overflow_are_those_of_float64():
    net = clone(CONV).fit(X, Y)
    huge = X.copy()
    huge[::2] *= 1e200
    with torch.no_grad():
        exact = net.module_.double()(torch.from_numpy(huge)).numpy()
    net.module_.float()
    assert_allclose(net.predict_proba(huge), softmax(exact, axis=1), atol=1e-6)
    alone = net.decision_function(huge)[1::2]
    assert_allclose(alone, net.decision_function(X)[1::2], atol=1e-5)


def test_weights_that_are_no_numbers_predict_nothing():
    net = clone(CONV).fit(X, Y)
    net.module_.output.bias.data[0] = torch.nan
    with pytest.raises(ValueError, match="no finite logits"):
        net.predict_proba(X)


def test_the_argument_that_is_out_of_range_is_named():
    logits = np.full((len(X), 3), 1e39)
    for arguments, name in (
        ({"X": X * 1e40}, "X has"),
        ({"X_val": X * 1e40, "y_val": Y}, "X_val has"),
        ({"base_logits": logits}, "base_logits must"),
        ({"X_val": X, "y_val": Y, "base_logits_val": logits}, "base_logits_val must"),
    ):
        with pytest.raises(ValueError, match=name):
            clone(CONV).fit(**{"X": X, "y": Y} | arguments)
    clone(CONV).set_params(dtype="float64").fit(X * 1e40, Y, base_logits=logits)


def test_powers_of_two_in_weights_change_nothing():
    weight = np.random.RandomState(0).uniform(0.1, 2, len(X))
    first, second = (
        clone(CONV).fit(X, Y, sample_weight=weight * factor) for factor in (1, 2.0**900)
    )
    assert_array_equal(vector(first), vector(second))


def test_a_last_step_to_infinity_is_found():
    # The only step: no loss is computed after it.
    net = clone(CONV).set_params(learning_rate=3e38, batch_size=len(X), max_epochs=1)
    with pytest.raises(ValueError, match=r"training diverged.*a weight is not finite"):
        net.set_params(l2=1e6).fit(X, Y)

"""Ctrl-C and errors at any moment: an estimator that predicts or is not fitted."""

import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from small_models import CONV, DENSE, N_FEATURES, songs

from sklearn_msd import (
    CorrectingClassifier,
    CropAveragingClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    SparseRefitClassifier,
)


class CtrlC(Callback):
    """Sends the signal of Ctrl-C before a batch, counted over all nets."""

    left = 0

    def on_batch_begin(self, net, **kwargs):
        CtrlC.left -= 1
        if CtrlC.left == 0:
            signal.raise_signal(signal.SIGINT)


def estimators():
    """One of each that trains nets, all of which Ctrl-C may end."""
    dense = clone(DENSE).set_params(callbacks=[CtrlC()])
    conv = clone(CONV).set_params(callbacks=[CtrlC()])
    pair = [("dense", dense), ("conv", conv)]
    crops = {"n_segments": 6, "n_segment_features": N_FEATURES, "n_crops": 2}
    training = dense.training_parameters()
    return [
        CorrectingClassifier(conv, dense, n_corrections=2),
        CorrectingClassifier(conv, dense, freeze=False),
        CorrectingClassifier(conv, dense, combine="linear", use_hidden=True),
        LinearCombiner(pair, cv=2),
        NonlinearCombiner(pair, cv=2, **training),
        JointCombiner(pair, cv=2, **training),
        SparseRefitClassifier(conv),
        CropAveragingClassifier(conv, **crops),
    ]


def predicts_or_is_not_fitted(estimator, X):
    try:
        probabilities = estimator.predict_proba(X)
    except NotFittedError:
        return "not fitted"
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    return "fitted"


@pytest.mark.parametrize("i", range(8))
def test_ctrl_c_leaves_a_meta_estimator_that_is_not_fitted(i):
    X, y = songs()
    CtrlC.left = 0
    estimator = estimators()[i].fit(X, y)
    n_batches = -CtrlC.left
    assert predicts_or_is_not_fitted(estimator, X) == "fitted"
    # In the first net and in the last, and again on songs of other classes.
    for after in (1, n_batches // 2, n_batches):
        CtrlC.left = after
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(*songs(n_classes=2))
        assert predicts_or_is_not_fitted(estimator, X) == "not fitted"
    CtrlC.left = 0
    assert predicts_or_is_not_fitted(estimator.fit(X, y), X) == "fitted"


def test_ctrl_c_ends_a_search():
    X, y = songs()
    CtrlC.left = 20
    net = clone(CONV).set_params(callbacks=[CtrlC()])
    search = GridSearchCV(net, {"l2": [0.1, 0.2, 0.3]}, cv=3)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    assert CtrlC.left == 0  # and no batch after it
    assert not hasattr(search, "cv_results_")


def test_an_error_leaves_an_estimator_that_is_not_fitted():
    X, y = songs()
    base = FrozenEstimator(clone(CONV).fit(X, y))
    model = CorrectingClassifier(base, DENSE).fit(X, y)
    with pytest.raises(ValueError, match="X_val and y_val"):
        model.fit(X, y, X_val=X)
    assert predicts_or_is_not_fitted(model, X) == "not fitted"
    assert predicts_or_is_not_fitted(base, X) == "fitted"


# Fits each estimator again and again, and says after each interrupt what is left.
INTERRUPTED = """
import sys
sys.path[:0] = sys.argv[1:]
from test_atomic_fits import *
class Tell(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 2:
            print("fitting", flush=True)

X, y = songs()
clone(CONV).fit(X, y)  # what is imported late is imported now
for i in range(4):
    net = clone(CONV).set_params(max_epochs=100_000, callbacks=[Tell()])
    meta = {2: CorrectingClassifier, 3: SparseRefitClassifier}
    estimator = meta[i](net) if i in meta else net
    try:
        estimator.fit(X, y)
    except KeyboardInterrupt:
        print(predicts_or_is_not_fitted(estimator, X), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
def test_ctrl_c_from_outside_at_any_moment(request):
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *map(str, request.path.parents[:2])],
        stdout=subprocess.PIPE,
        text=True,
    )
    killer = threading.Timer(120, child.kill)
    killer.start()
    delays = np.random.RandomState(0).uniform(0, 0.4, size=4)
    found = []
    for line in child.stdout:
        if line.strip() == "fitting":
            time.sleep(delays[len(found)])
            child.send_signal(signal.SIGINT)
        else:
            found.append(line.strip())
    killer.cancel()
    assert child.wait() == 0
    assert found == ["fitted", "fitted", "not fitted", "not fitted"]

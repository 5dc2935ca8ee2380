"""Ctrl-C and errors at any moment: an estimator that predicts or is not fitted."""

import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback
from small_models import CONV, DENSE, N_FEATURES, songs

import sklearn_msd
from sklearn_msd import (
    CorrectingClassifier,
    CropAveragingClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    RecurrentClassifier,
    SegmentConvClassifier,
    SegmentCropper,
    SegmentScaler,
    SegmentStatistics,
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


# --- fits that fail ----------------------------------------------------------------


def all_estimators():
    """One of each estimator that is fitted on songs, by its name."""
    nets = [
        *(clone(DENSE), clone(CONV)),
        SegmentConvClassifier(n_kernels=3, **SHORT),
        RecurrentClassifier(hidden_size=3, **SHORT),
    ]
    width = {"n_segment_features": N_FEATURES}
    transformers = [
        *(SegmentScaler(**width), SegmentCropper(6, **width)),
        SegmentStatistics(**width),
    ]
    named = {type(e).__name__: e for e in [*nets, *transformers, *estimators()]}
    warm = clone(CONV).set_params(warm_start=True)
    return named | {"CorrectingClassifier(frozen)": corrected(), "warm start": warm}


def corrected():
    base = FrozenEstimator(clone(CONV).fit(*songs()))
    return CorrectingClassifier(base, clone(DENSE))


def test_every_public_estimator_is_tried_here():
    public = {
        name
        for name in sklearn_msd.__all__
        if isinstance(getattr(sklearn_msd, name), type)
        and issubclass(getattr(sklearn_msd, name), BaseEstimator)
    }
    assert public <= set(all_estimators())


SHORT = {"n_segment_features": N_FEATURES, "max_epochs": 2, "random_state": 0}
X, Y = songs()
WIDE = np.hstack([X, X, np.full((len(X), N_FEATURES), np.inf)])
BAD = {
    "infinite songs of another width": (WIDE, Y),
    "no songs": (X[:0], Y[:0]),
    "a width that does not divide": (X[:, :-1], Y),
    "labels too few": (X, Y[:-1]),
    "labels of one class": (X, np.full(len(Y), "a")),
    "labels that are numbers": (X, np.linspace(0, 1, len(Y))),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", all_estimators())
def test_a_refit_that_fails_leaves_an_estimator_that_is_not_fitted(name, bad):
    CtrlC.left = 0
    estimator = all_estimators()[name]
    estimator.fit(X, Y)
    check_is_fitted(estimator)
    parameters = estimator.get_params(deep=False)
    if not hasattr(estimator, "predict") and "labels" in bad:
        return  # it has no use for them
    if name == "SegmentCropper" and "infinite" in bad:
        return  # it cuts whatever there is
    with pytest.raises((ValueError, TypeError)):
        estimator.fit(*BAD[bad])
    assert_not_fitted(estimator)
    assert estimator.get_params(deep=False) == parameters
    estimator.fit(X, Y)
    check_is_fitted(estimator)


def assert_not_fitted(estimator):
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
    left = [name for name in vars(estimator) if name.endswith("_")]
    assert left == []
    method = "predict" if hasattr(estimator, "predict") else "transform"
    with pytest.raises(NotFittedError):
        getattr(estimator, method)(X)
    assert "Not fitted" in estimator._repr_html_()


@pytest.mark.parametrize("name", all_estimators())
def test_a_bad_parameter_is_a_fit_that_fails(name):
    CtrlC.left = 0
    estimator = all_estimators()[name].fit(X, Y)
    (parameter, *_) = [
        p
        for p in estimator.get_params(deep=False)
        if p in ("max_epochs", "n_jobs", "n_segments", "per", "l1", "statistics")
    ]
    estimator.set_params(**{parameter: 1.5j})
    with pytest.raises((ValueError, TypeError), match=parameter):
        estimator.fit(X, Y)
    assert_not_fitted(estimator)


def test_a_first_fit_that_fails_leaves_nothing():
    for estimator in all_estimators().values():
        with pytest.raises(ValueError, match=r"features|59"):
            estimator.fit(X[:, :-1], Y)
        assert_not_fitted(estimator)


def test_a_net_that_diverged_cannot_be_used_frozen():
    net = clone(DENSE).set_params(learning_rate=1e30, max_epochs=50)
    with (
        pytest.warns(UserWarning, match="unscaled"),
        pytest.raises(ValueError, match="diverged"),
    ):
        net.fit(X * 1e30, Y)
    assert_not_fitted(net)
    frozen = FrozenEstimator(net)
    for model in (
        CorrectingClassifier(frozen),
        LinearCombiner([("net", frozen)]),
        LinearCombiner([("net", net)], cv="prefit"),
    ):
        with pytest.raises(NotFittedError, match="is not fitted"):
            model.fit(X, Y)


@pytest.mark.filterwarnings("ignore:early_stopping watches only")
def test_an_error_after_the_training_is_a_fit_that_failed():
    """A warning that is made one."""
    net = clone(DENSE).set_params(early_stopping=True, max_epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            net.fit(X, Y)
    assert_not_fitted(net)


def test_a_first_partial_fit_that_fails_leaves_nothing():
    scaler = SegmentScaler(n_segment_features=N_FEATURES)
    net = clone(DENSE)
    with pytest.raises(ValueError, match="infinity"):
        scaler.partial_fit(WIDE)
    with pytest.raises(ValueError, match="infinity"):
        net.partial_fit(WIDE, Y, classes=["a", "b", "c"])
    for estimator in (scaler, net):
        with pytest.raises(NotFittedError):
            check_is_fitted(estimator)
    assert scaler.partial_fit(X).n_samples_seen_ == len(X) * X.shape[1] // N_FEATURES


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

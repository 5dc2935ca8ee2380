"""What all net classifiers share, shown on small ones."""

import os
import pickle
import signal
import subprocess
import sys
import threading
from importlib.util import find_spec

import joblib
import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, PrintLog

from sklearn_msd import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)
from sklearn_msd.classifiers.preparing import FitOptions

N_SONGS, N_SEGMENTS, N_FEATURES = 60, 12, 5
SMALL = {
    "n_segment_features": N_FEATURES,
    "learning_rate": 0.01,
    "max_epochs": 4,
    "batch_size": 10,
    "random_state": 0,
}
NETS = [
    FullyConnectedClassifier(**SMALL, hidden_layer_sizes=(8,)),
    SegmentConvClassifier(**SMALL, n_kernels=4, hidden_layer_sizes=(8,)),
    TimeConvClassifier(**SMALL, n_kernels=4, hidden_layer_sizes=(8,)),
    RecurrentClassifier(**SMALL, hidden_size=6),
]
each_net = pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)


def make(net=NETS[2], **params):
    return clone(net).set_params(**params)


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = np.array(["blues", "metal", "pop"])[rng.randint(3, size=N_SONGS)]
    X = rng.randn(N_SONGS, N_SEGMENTS * N_FEATURES)
    X[:, ::N_FEATURES] += (y == "metal")[:, None] * 2 - (y == "pop")[:, None] * 2
    return X.astype(np.float32), y


def weights(net):
    return torch.nn.utils.parameters_to_vector(net.module_.parameters()).detach()


# --- fitted attributes -------------------------------------------------------------


@each_net
def test_curves_have_an_entry_an_epoch(net, data):
    X, y = data
    net = clone(net).fit(X, y, X_val=X[:20], y_val=y[:20])
    assert net.n_iter_ == len(net.loss_curve_) == len(net.penalty_curve_) == 4
    assert len(net.validation_loss_curve_) == len(net.validation_scores_) == 4
    assert net.best_iter_ == np.argmin(net.validation_loss_curve_) + 1
    assert net.validation_scores_[-1] == pytest.approx(net.score(X[:20], y[:20]))
    own = net.predict_log_proba(X[:20])
    expected = -own[np.arange(20), np.searchsorted(net.classes_, y[:20])].mean()
    assert net.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-5)
    assert net.n_parameters_["total"] == len(weights(net))


def test_without_validation_there_are_no_validation_curves(data):
    net = make().fit(*data)
    assert net.validation_loss_curve_ is None
    assert net.validation_scores_ is None
    assert net.best_iter_ == net.n_iter_ == 4


# --- predictions -------------------------------------------------------------------


@each_net
@pytest.mark.parametrize("n_classes", [2, 3])
def test_logits_probabilities_and_labels_agree(net, data, n_classes):
    X, y = data
    keep = np.isin(y, np.unique(y)[:n_classes])
    X, y = X[keep], y[keep]
    net = clone(net).fit(X, y)
    with torch.no_grad():
        logits = net.module_(torch.tensor(X)).numpy()
    expected = logits[:, 1] - logits[:, 0] if n_classes == 2 else logits
    np.testing.assert_allclose(net.decision_function(X), expected, atol=1e-6)
    np.testing.assert_allclose(net.predict_proba(X), softmax(logits, axis=1), atol=1e-6)
    np.testing.assert_allclose(
        net.predict_log_proba(X), log_softmax(logits, axis=1), atol=1e-6
    )
    np.testing.assert_array_equal(net.predict(X), net.classes_[logits.argmax(1)])


@each_net
def test_output_is_linear_in_the_hidden_representation(net, data):
    X, y = data
    net = clone(net).fit(X, y)
    hidden = net.hidden_representation(X)
    output = net.module_.output
    logits = hidden @ output.weight.detach().numpy().T + output.bias.detach().numpy()
    np.testing.assert_allclose(net.decision_function(X), logits, atol=1e-5)


@pytest.mark.parametrize(
    "labels",
    [[3, 7, 9], ["a", "b", "c"], [0.0, 1.0, 2.0], np.array(["x", "y", "z"], object)],
    ids=["int", "str", "float", "object"],
)
def test_labels_of_any_type(data, labels):
    X, y = data
    given = np.asarray(labels)[np.unique(y, return_inverse=True)[1]]
    net = make().fit(X, given)
    assert net.classes_.tolist() == list(labels)
    np.testing.assert_array_equal(
        net.predict(X), np.asarray(labels)[make().fit(X, y)._logits(X).argmax(1)]
    )


def test_songs_flat_or_three_dimensional(data):
    X, y = data
    cube = X.reshape(N_SONGS, N_SEGMENTS, N_FEATURES)
    flat = make().fit(X, y)
    np.testing.assert_array_equal(
        make().fit(cube, y).predict_proba(cube), flat.predict_proba(X)
    )
    np.testing.assert_array_equal(flat.predict_proba(cube), flat.predict_proba(X))


@pytest.mark.parametrize("library", ["pandas", "polars", "torch"])
def test_containers(data, library):
    module = pytest.importorskip(library)
    container = torch.tensor if library == "torch" else module.DataFrame
    X, y = data
    net = make().fit(X, y)
    other = make().fit(container(X), y)
    np.testing.assert_array_equal(
        other.predict_proba(container(X)), net.predict_proba(X)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_float16_float32_and_float64_input(data, dtype):
    X, y = data
    X = X.astype(np.float16)
    fits = [
        make(dtype=dtype).fit(X.astype(kind), y).predict_proba(X)
        for kind in (np.float16, np.float32, np.float64)
    ]
    assert fits[0].dtype == np.dtype(dtype)
    np.testing.assert_array_equal(fits[0], fits[1])
    np.testing.assert_array_equal(fits[0], fits[2])


def test_songs_of_unequal_length_do_not_see_their_padding(data):
    X, y = data
    cube = X.reshape(N_SONGS, N_SEGMENTS, N_FEATURES).copy()
    cube[::3, 8:] = np.nan
    for net in (make(NETS[3]), make(global_pooling="mean_max")):
        net.fit(cube, y)
        alone = np.concatenate([net.predict_proba(song[None]) for song in cube])
        np.testing.assert_allclose(net.predict_proba(cube), alone, atol=1e-6)
        assert np.isfinite(alone).all()


# --- weights, offsets, classes -----------------------------------------------------


@each_net
def test_weighting_is_repeating_in_float32_to_1e_5(net, data):
    X, y = data
    times = np.random.RandomState(1).randint(0, 4, size=N_SONGS)
    net = clone(net).set_params(batch_size=1000)
    weighted = clone(net).fit(X, y, sample_weight=times)
    repeated = clone(net).fit(X.repeat(times, axis=0), y.repeat(times))
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-5
    )


def test_class_weight_is_a_weight_for_each_song(data):
    X, y = data
    by_class = {"blues": 1.0, "metal": 5.0, "pop": 0.5}
    one = make(class_weight=by_class).fit(X, y)
    other = make().fit(X, y, sample_weight=[by_class[label] for label in y])
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=1e-5)
    counts = {label: N_SONGS / (3 * (y == label).sum()) for label in np.unique(y)}
    balanced = make(class_weight="balanced").fit(X, y)
    same = make(class_weight=counts).fit(X, y)
    np.testing.assert_allclose(balanced.predict_proba(X), same.predict_proba(X))


def test_base_logits_shift_the_loss_and_not_the_prediction(data):
    X, y = data
    # Logits that say it all leave nothing to learn: hardly any gradient.
    certain = 50.0 * (y[:, None] == np.unique(y))
    start = make(learning_rate=1e-12).fit(X, y)
    net = make(l2=0.0).fit(X, y, base_logits=certain)
    np.testing.assert_allclose(weights(net), weights(start), atol=1e-6)
    assert net.loss_curve_[-1] < 1e-12
    wrong = make().fit(X, y, base_logits=-certain)
    assert wrong.loss_curve_[0] > 20
    assert net.predict_proba(X).max() < 0.9


# --- one random_state ---------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@each_net
def test_random_state_decides_everything_and_touches_nothing(net, data):
    X, y = data
    net = clone(net).set_params(early_stopping=True, validation_fraction=0.4)
    numpy_state = np.random.get_state()[1].copy()
    torch_state = torch.random.get_rng_state()
    threads = torch.get_num_threads(), torch.get_num_interop_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    first, second = clone(net).fit(X, y), clone(net).fit(X, y)
    other = clone(net).set_params(random_state=1).fit(X, y)
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    assert threads == (torch.get_num_threads(), torch.get_num_interop_threads())
    assert deterministic == torch.are_deterministic_algorithms_enabled()


def test_another_process_trains_the_same_weights(data, tmp_path):
    X, y = data
    joblib.dump((make(), X, y), tmp_path / "given")
    script = (
        "import joblib, sys, torch; torch.manual_seed(9);"
        f"torch.set_num_threads({torch.get_num_threads()});"
        "net, X, y = joblib.load(sys.argv[1]);"
        "joblib.dump(net.fit(X, y), sys.argv[2])"
    )
    subprocess.run(
        [sys.executable, "-c", script, tmp_path / "given", tmp_path / "fitted"],
        check=True,
    )
    assert torch.equal(
        weights(joblib.load(tmp_path / "fitted")), weights(make().fit(X, y))
    )


# --- early stopping, warm start, partial fit ----------------------------------------


def test_early_stopping_takes_the_best_epochs_weights(data):
    X, y = data
    rng = np.random.RandomState(0)
    y = rng.permutation(y)  # nothing to learn: the validation loss soon rises
    net = make(
        early_stopping=True,
        validation_fraction=0.4,
        n_iter_no_change=3,
        max_epochs=200,
        learning_rate=0.02,
    ).fit(X, y)
    assert net.n_iter_ == net.best_iter_ + 3 < 200
    best = net.validation_loss_curve_[net.best_iter_ - 1]
    assert best == min(net.validation_loss_curve_)
    # The weights are those of the best epoch: training that long gives the same.
    watched = make(early_stopping=True, learning_rate=0.02, n_iter_no_change=200)
    half = N_SONGS // 2
    watched.set_params(max_epochs=30).fit(
        X[:half], y[:half], X_val=X[half:], y_val=y[half:]
    )
    short = make(learning_rate=0.02, max_epochs=watched.best_iter_)
    short.fit(X[:half], y[:half])
    assert watched.best_iter_ < 30
    assert torch.equal(weights(watched), weights(short))


def test_warm_start_continues_and_a_cold_start_does_not(data):
    X, y = data
    net = make(warm_start=True).fit(X, y)
    after = weights(net)
    loss = net.loss_curve_
    net.fit(X, y)
    assert net.loss_curve_[0] < loss[0]
    assert not torch.equal(weights(net), after)
    cold = make().fit(X, y).fit(X, y)
    assert torch.equal(weights(cold), after)


@pytest.mark.parametrize(
    "change", [{"n_kernels": 5}, {"kernel_height": 2}, {"hidden_layer_sizes": (8, 8)}]
)
def test_warm_start_with_another_net_is_an_error(data, change):
    net = make(warm_start=True).fit(*data)
    with pytest.raises(ValueError, match="warm_start"):
        net.set_params(**change).fit(*data)


def test_warm_start_with_other_classes_is_an_error(data):
    X, y = data
    net = make(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="warm_start"):
        net.fit(X, np.char.upper(y))


def test_partial_fit_is_an_epoch_of_fit(data):
    X, y = data
    net = make()
    for _ in range(4):
        net.partial_fit(X, y, classes=np.unique(y))
    assert torch.equal(weights(net), weights(make().fit(X, y)))
    assert net.n_iter_ == 4


def test_partial_fit_takes_classes_one_by_one(data):
    X, y = data
    net = make()
    with pytest.raises(ValueError, match="classes"):
        net.partial_fit(X, y)
    net.partial_fit(X[y == "pop"], y[y == "pop"], classes=["blues", "metal", "pop"])
    net.partial_fit(X[y == "metal"], y[y == "metal"])
    assert net.predict_proba(X).shape == (N_SONGS, 3)
    with pytest.raises(ValueError, match=r"not in `classes`.*polka"):
        net.partial_fit(X[:3], ["pop", "polka", "pop"])


@pytest.mark.filterwarnings("ignore:The validation loss was still falling")
@pytest.mark.parametrize(
    "params", [{"lr_schedule": "one_cycle"}, {"early_stopping": True}]
)
def test_partial_fit_after_fit_knows_no_end(data, params):
    """Neither a rate that falls nor a validation part is of anything but `fit`."""
    rates = []

    class Rates(Callback):
        def on_batch_end(self, net, training, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    X, y = data
    given = {"validation_fraction": 0.5, "callbacks": [Rates()], **params}
    net = make(**given).fit(X, y)
    del rates[:]
    for _ in range(6):
        net.partial_fit(X, y)
    assert rates == [0.01] * 36
    assert net.n_iter_ == 4 + 6


def test_partial_fit_calls_callbacks_from_the_first_call_on(data):
    X, y = data
    net = make(callbacks=[Counter()])
    for _ in range(3):
        net.partial_fit(X, y, classes=np.unique(y))
    assert net.callbacks[0].epochs == 3
    net = pickle.loads(pickle.dumps(net)).partial_fit(X, y)
    assert net.callbacks[0].epochs == 4


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array(["pop", None, "blues"] * 20, dtype=object), "y must hold labels of"),
        (np.array(["pop", b"pop", "blues"] * 20, dtype=object), "y must hold labels"),
        (np.zeros(N_SONGS, [("a", "f4")]), "y must be one-dimensional, of numbers"),
    ],
    ids=["None among text", "bytes among text", "records"],
)
def test_labels_of_kinds_that_do_not_go_together(data, labels, message):
    X, y = data
    with pytest.raises(ValueError, match=message):
        make().fit(X, labels)
    net = make()
    with pytest.raises(ValueError, match=message):
        net.partial_fit(X, labels, classes=["pop", "blues"])
    # As if it had never been called.
    assert net.partial_fit(X, y, classes=np.unique(y)).predict(X).shape == (N_SONGS,)


@pytest.mark.parametrize(
    "classes", [1, "pop", [["pop"]], np.zeros(3, [("a", "f4")]), [None, "pop"]]
)
def test_classes_that_are_none(data, classes):
    with pytest.raises(ValueError, match="classes must "):
        make().partial_fit(*data, classes=classes)


@pytest.mark.parametrize("missing", [np.nan, None])
def test_classes_that_are_missing(data, missing):
    pd = pytest.importorskip("pandas")
    classes = pd.Series([0, 1, missing], dtype="Int64")
    with pytest.raises(ValueError, match="classes contains NaN"):
        make().partial_fit(data[0], np.arange(N_SONGS) % 2, classes=classes)


def test_many_classes_are_no_regression(recwarn):
    """Each of `classes` is there once, which says nothing of the songs."""
    X, y = np.random.RandomState(0).randn(60, 20), np.arange(60) % 25
    make().partial_fit(X, y, classes=np.arange(25))
    make().fit(X, y, X_val=X[:25], y_val=y[:25])
    assert not [w for w in recwarn if "regression" in str(w.message)]


def test_a_first_call_that_failed_binds_no_classes(data):
    X, y = data
    net = make()
    with pytest.raises(ValueError, match=r"not in `classes`.*'metal'"):
        net.partial_fit(X, y, classes=["blues", "pop"])
    assert list(net.partial_fit(X, y, classes=np.unique(y)).classes_) == sorted(set(y))


def test_partial_fit_goes_on_after_pickling(data):
    X, y = data
    net = pickle.loads(pickle.dumps(make().fit(X, y)))
    before = net.score(X, y), weights(net)
    net.partial_fit(X, y)
    assert net.score(X, y) >= before[0] - 0.1
    assert not torch.equal(weights(net), before[1])


def test_one_cycle_ends_far_below_its_peak(data):
    rates = []

    class Rates(Callback):
        def on_batch_end(self, net, training, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    make(lr_schedule="one_cycle", learning_rate=0.1, callbacks=[Rates()]).fit(*data)
    assert max(rates) == pytest.approx(0.1, rel=0.05)
    assert rates[0] < 0.1 / 5
    assert rates[-1] < 0.1 / 100


# --- callbacks ----------------------------------------------------------------------


class Counter(Callback):
    def __init__(self):
        self.epochs = 0

    def on_epoch_end(self, net, **kwargs):
        self.epochs += 1


def test_verbose_prints_a_line_an_epoch(data, capsys):
    make(verbose=1).fit(*data)
    assert len(capsys.readouterr().out.splitlines()) == 2 + 4
    make().fit(*data)
    assert capsys.readouterr().out == ""


def test_scoring_monitor_scores_every_epoch(data, sklearn_callback):
    X, y = data
    monitor = sklearn_callback.ScoringMonitor(scoring="accuracy")
    net = make().set_callbacks(monitor).fit(X, y)
    rows = monitor.get_logs().data
    (whole,) = [row for row in rows if row["task_name"] == "fit"]
    epochs = [row for row in rows if row["task_name"] == "epoch"]
    epochs.sort(key=lambda row: row["task_id"])
    assert len(epochs) == 4
    assert whole["accuracy"] == epochs[-1]["accuracy"] == net.score(X, y)
    for i, row in enumerate(epochs, start=1):
        assert row["accuracy"] == make(max_epochs=i).fit(X, y).score(X, y)


def test_scikit_learns_callbacks_under_grid_search(data, sklearn_callback):
    monitor = sklearn_callback.ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(make().set_callbacks(monitor), {"l2": [0.0, 0.1]}, cv=2)
    search.set_callbacks(sklearn_callback.ProgressBar()).fit(*data)
    epochs = [r for r in monitor.get_logs().data if r["task_name"] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 4


def test_where_scikit_learn_has_no_callbacks_it_is_said():
    if find_spec("sklearn.callback") is not None:
        pytest.skip("scikit-learn 1.9 or later")
    with pytest.raises(NotImplementedError, match="needs scikit-learn 1"):
        make().set_callbacks()


@pytest.mark.usefixtures("sklearn_callback")
def test_a_callback_of_scikit_learn_can_stop_the_training(data):
    class StopAfterTwo:
        def setup(self, estimator, context): ...

        def teardown(self, estimator, context): ...

        def on_fit_task_begin(self, estimator, context): ...

        def on_fit_task_end(self, estimator, context):
            return context.task_name == "epoch" and context.task_id == 1

    net = make().set_callbacks(StopAfterTwo()).fit(*data)
    assert net.n_iter_ == 2


class At(Callback):
    """Does something at one event, before the batch or the epoch given."""

    def __init__(self, event, batch, action):
        self.event, self.batch, self.action = event, batch, action

    def on_epoch_begin(self, net, **kwargs):
        self.call("epoch_begin", net)

    def on_batch_begin(self, net, training, **kwargs):
        self.call("batch_begin" if training else "validation", net)

    def on_epoch_end(self, net, **kwargs):
        self.call("epoch_end", net)

    def call(self, event, net):
        steps = [step["step"] for step in net.optimizer_.state.values()]
        if event == self.event and self.batch == int(max(steps, default=0)):
            self.action()


def stop():
    raise KeyboardInterrupt


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


# Six batches an epoch. In the end no epoch counts that was cut short.
@pytest.mark.parametrize(
    ("event", "batch", "n_iter"),
    [
        ("batch_begin", 1, 0),
        ("batch_begin", 6, 1),
        ("batch_begin", 15, 2),
        ("epoch_begin", 12, 2),
        ("validation", 12, 1),
        ("epoch_end", 12, 2),
    ],
)
def test_the_end_of_a_training_cut_short(data, event, batch, n_iter):
    X, y = data
    given = {"X": X, "y": y, "X_val": X[:20], "y_val": y[:20]}
    whole = make().fit(**given)
    stopped = make(callbacks=[At(event, batch, stop)]).fit(**given)
    interrupted = make(callbacks=[At(event, batch, ctrl_c)])
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(**given)
    for net in (stopped, interrupted):
        assert net.n_iter_ == n_iter
        assert net.loss_curve_ == whole.loss_curve_[:n_iter]
        assert net.validation_scores_ == (whole.validation_scores_[:n_iter] or None)
        assert pickle.loads(pickle.dumps(net)).predict(X).shape == (N_SONGS,)
    assert torch.equal(weights(stopped), weights(interrupted))
    if event == "epoch_end":
        assert torch.equal(weights(stopped), weights(make(max_epochs=2).fit(X, y)))


def test_ctrl_c_before_the_first_step_leaves_nothing(data):
    X, y = data
    net = make(callbacks=[At("batch_begin", 0, ctrl_c)])
    for _ in range(2):  # the second time it was fitted before
        with pytest.raises(KeyboardInterrupt):
            net.fit(X, y)
        with pytest.raises(NotFittedError):
            net.predict(X)
        net.set_params(callbacks=None).fit(X, y)
        net.set_params(callbacks=[At("batch_begin", 0, ctrl_c)])


def test_ctrl_c_with_early_stopping_leaves_the_best_finished_epoch(data):
    X, y = data
    given = {"X": X, "y": y, "X_val": X[:20], "y_val": y[:20][::-1]}
    whole = make(max_epochs=3, early_stopping=True).fit(**given)
    net = make(early_stopping=True, callbacks=[At("batch_begin", 21, ctrl_c)])
    with pytest.raises(KeyboardInterrupt):
        net.fit(**given)
    assert net.best_iter_ == whole.best_iter_
    assert torch.equal(weights(net), weights(whole))


def test_ctrl_c_in_partial_fit_keeps_the_net(data):
    X, y = data
    net = make().partial_fit(X, y, classes=np.unique(y))
    net.net_.callbacks_.append(("ctrl_c", At("batch_begin", 9, ctrl_c)))
    with pytest.raises(KeyboardInterrupt):
        net.partial_fit(X, y)
    assert net.n_iter_ == 1
    net.net_.callbacks_.pop()
    assert net.partial_fit(X, y).n_iter_ == len(net.loss_curve_) == 2


# --- in scikit-learn's tools --------------------------------------------------------


def test_grid_search_over_a_pipeline_with_two_processes(data):
    X, y = data
    grid = {
        "timeconvclassifier__l2": [0.001, 0.01],
        "timeconvclassifier__kernel_height": [1, 3, 5, 10],
    }
    search = GridSearchCV(
        make_pipeline(StandardScaler(), make()), grid, n_jobs=2, cv=2
    ).fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    alone = GridSearchCV(make_pipeline(StandardScaler(), make()), grid, cv=2).fit(X, y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
    cube = X.reshape(N_SONGS, N_SEGMENTS, N_FEATURES)
    grid = {"l2": [0.001, 0.01], "kernel_height": [1, 3]}
    assert GridSearchCV(make(), grid, n_jobs=2, cv=2).fit(cube, y).score(cube, y) > 0.5


def test_halving_search_over_epochs(data):
    search = HalvingGridSearchCV(
        make(),
        {"kernel_height": [1, 2, 3, 5]},
        resource="max_epochs",
        min_resources=2,
        max_resources=8,
        factor=2,
        cv=2,
    ).fit(*data)
    assert search.n_resources_ == [2, 4, 8]
    assert search.best_estimator_.n_iter_ == 8


def test_cross_val_score_with_groups(data):
    X, y = data
    groups = np.arange(N_SONGS) % 3
    scores = cross_val_score(make(), X, y, groups=groups, cv=GroupKFold(3))
    assert scores.mean() > 0.4


@pytest.mark.parametrize(
    "ensemble",
    [
        BaggingClassifier(make(), n_estimators=2, random_state=0),
        VotingClassifier([("a", make()), ("b", make(NETS[1]))], voting="soft"),
        StackingClassifier(
            [("a", make()), ("b", make(NETS[1]))], LogisticRegression(), cv=2
        ),
        CalibratedClassifierCV(make(), cv=2),
    ],
    ids=lambda ensemble: type(ensemble).__name__,
)
def test_in_ensembles(ensemble, data):
    X, y = data
    assert ensemble.fit(X, y).score(X, y) > 0.45  # chance is 0.33
    np.testing.assert_allclose(ensemble.predict_proba(X).sum(1), 1, rtol=1e-5)


@each_net
def test_clone_pickle_and_joblib(net, data, tmp_path):
    X, y = data
    net = clone(net).fit(X, y)
    expected = net.predict_proba(X)
    joblib.dump(net, tmp_path / "net")
    for copy in (pickle.loads(pickle.dumps(net)), joblib.load(tmp_path / "net")):
        np.testing.assert_array_equal(copy.predict_proba(X), expected)
        assert copy.loss_curve_ == net.loss_curve_
    np.testing.assert_array_equal(clone(net).fit(X, y).predict_proba(X), expected)


def test_metadata_routing_hands_weights_and_logits_on(data):
    X, y = data
    weight = np.random.RandomState(0).rand(N_SONGS)
    logits = np.random.RandomState(1).randn(N_SONGS, 3)
    with config_context(enable_metadata_routing=True):
        net = make().set_fit_request(sample_weight=True, base_logits=True)
        pipeline = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False), net
        )
        pipeline.fit(X, y, sample_weight=weight, base_logits=logits)
    direct = make().fit(
        StandardScaler().fit_transform(X), y, sample_weight=weight, base_logits=logits
    )
    assert torch.equal(weights(pipeline[-1]), weights(direct))


def test_predict_from_many_threads(data):
    X, y = data
    net = make().fit(X, y)
    expected = net.predict_proba(X)
    found = [None] * 8

    def run(i):
        found[i] = net.predict_proba(X)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in found:
        np.testing.assert_array_equal(result, expected)


def test_nothing_of_the_data_is_left_in_a_fitted_net(data):
    X, y = data
    big = np.tile(X, (40, 1))
    labels = np.tile(y, 40)
    few, many = make().fit(X, y), make().fit(big, labels, X_val=big, y_val=labels)
    # The history has a line for each batch; the songs themselves are 40 times as much.
    growth = len(pickle.dumps(many)) - len(pickle.dumps(few))
    assert growth < 0.2 * (big.nbytes - X.nbytes)


# --- memory maps --------------------------------------------------------------------

MEASURE = """
import resource, sys
import numpy as np
from sklearn_msd import SegmentConvClassifier
X = np.load(sys.argv[1], mmap_mode="r")
y = np.arange(len(X)) % 3
net = SegmentConvClassifier(n_kernels=4, hidden_layer_sizes=(4,), max_epochs=1)
net.fit(X[:100], y[:100]).predict(X[:100])
before = int(open("/proc/self/status").read().split("VmData:")[1].split()[0])
resource.setrlimit(resource.RLIMIT_DATA, ((before + 80_000) * 1024,) * 2)
net.fit(X, y).predict(X)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_fit_on_a_memory_map_larger_than_the_memory_it_may_use(tmp_path):
    # 240 MB of songs, and 80 MB on top of what Python and PyTorch take.
    path = tmp_path / "songs.npy"
    songs = np.lib.format.open_memmap(path, "w+", np.float16, (40_000, 3000))
    songs[:] = np.random.RandomState(0).randn(3000)
    songs.flush()
    # With several threads the allocator may take an arena for each; one is what a
    # limit can be set by.
    environment = os.environ | {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", MEASURE, path], check=True, env=environment)


# --- mistakes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"l2": -1.0}, "'l2' parameter"),
        ({"l1": -0.1}, "'l1' parameter"),
        ({"kernel_height": 0}, "'kernel_height' parameter"),
        ({"pool_size": 0}, "'pool_size' parameter"),
        ({"pooling": "sum"}, "'pooling' parameter"),
        ({"learning_rate": 0.0}, "'learning_rate' parameter"),
        ({"l2_layers": ("convolution",)}, "l2_layers must be"),
        ({"l1_layers": "conv"}, "'l1_layers' parameter"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be"),
        ({"device": "cuda:99"}, "device='cuda:99'"),
        ({"device": "meta"}, "device='meta'"),
        ({"device": "toaster"}, "device='toaster'"),
        ({"device": ""}, "device=''"),
        ({"n_segment_features": 7}, "n_segment_features=7"),
        (
            {"early_stopping": True, "validation_fraction": 0.02},
            "validation_fraction=0.02 of 60 songs leaves 2 to validate",
        ),
        (
            {"early_stopping": True, "validation_fraction": 0.99},
            r"in both: validation_fraction=0\.\d+ would do",
        ),
    ],
)
def test_bad_parameters(data, params, message):
    with pytest.raises(ValueError, match=message):
        make(**params).fit(*data)


@pytest.mark.parametrize("callback", ["T", 3, ("name", 3), int, ("name", Callback, 1)])
def test_callbacks_that_are_none(data, callback):
    with pytest.raises(TypeError, match=r"callbacks\[1\] must be a skorch callback"):
        make(callbacks=[Callback, callback]).fit(*data)


def test_true_is_one(data):
    sizes = {"n_kernels": 1, "kernel_height": 1, "pool_size": 1, "batch_size": 1}
    one = make(**sizes).fit(*data)
    true = make(**dict.fromkeys(sizes, True)).fit(*data)
    assert torch.equal(weights(true), weights(one))


@pytest.mark.filterwarnings("ignore:The training diverged")
def test_numbers_of_any_kind_are_strengths_and_rates(data):
    expected = make(l1=1, l2=1, learning_rate=1).fit(*data)
    found = make(l1=True, l2=np.float32(1), learning_rate=np.bool_(True).item())
    assert torch.equal(weights(found.fit(*data)), weights(expected))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": ["pop"] * N_SONGS}, "at least 2 classes in y; got 1 class"),
        ({"sample_weight": np.zeros(N_SONGS)}, "[Ss]ample.weight"),
        ({"sample_weight": -np.ones(N_SONGS)}, "sample_weight"),
        ({"base_logits": np.zeros((N_SONGS, 2))}, r"base_logits .* \(60, 3\); got"),
        ({"base_logits": np.full((N_SONGS, 3), "a")}, "base_logits must be numbers"),
        ({"base_logits": np.full((N_SONGS, 3), np.nan)}, "base_logits must be finite"),
        ({"X_val": np.zeros((2, 60))}, "X_val and y_val"),
        ({"X_val": np.zeros((2, 60)), "y_val": ["pop", "polka"]}, "y_val .*polka"),
        ({"X_val": np.full((2, 60), np.nan), "y_val": ["pop"] * 2}, "X_val contains"),
        ({"X_val": np.zeros((2, 55)), "y_val": ["pop"] * 2}, "expecting 60 features"),
    ],
)
def test_bad_arguments(data, arguments, message):
    X, y = data
    with pytest.raises(ValueError, match=message):
        make().fit(**({"X": X, "y": y} | arguments))


def test_early_stopping_with_a_class_of_one_song(data):
    X, y = data
    y = y.copy()
    y[y == "pop"] = "metal"
    y[0] = "pop"
    with pytest.raises(ValueError, match=r"at least 2 songs of each class.*'pop'"):
        make(early_stopping=True, validation_fraction=0.3).fit(X, y)


@pytest.mark.filterwarnings("ignore:X looks unscaled")
def test_a_training_that_diverges_says_so(data):
    X, y = data
    net = make(learning_rate=1e30, l2=0.0)
    with pytest.raises(ValueError, match=r"diverged.*lower learning_rate"):
        net.fit(X * 1e8, y)
    assert not hasattr(net, "net_")


# --- what meta-estimators build on ---------------------------------------------------


def test_validation_curves_count_the_offset(data):
    X, y = data
    sure = 50.0 * (y[:, None] == np.unique(y))
    net = make().fit(
        X, y, base_logits=sure, X_val=X[:20], y_val=y[:20], base_logits_val=sure[:20]
    )
    assert net.validation_scores_ == [1.0] * 4
    with pytest.raises(
        ValueError, match=r"base_logits_val must be numbers of shape.*\(20, 3\)"
    ):
        make().fit(
            X, y, X_val=X[:20], y_val=y[:20], base_logits=sure, base_logits_val=sure
        )


def test_a_net_trained_within_another_is_kept(data):
    class Negated(torch.nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x):
            return -self.net(x)

    X, y = data
    alone = make(max_epochs=20).fit(X, y)
    within = make(max_epochs=20)._fit(X, y, options=FitOptions(compose=Negated))
    assert alone.score(X, y) > 0.9
    assert within.score(X, y) < 0.1
    assert within.n_parameters_ == alone.n_parameters_
    unpickled = pickle.loads(pickle.dumps(within))
    assert (unpickled.decision_function(X) == within.decision_function(X)).all()


@pytest.mark.parametrize("verbose", [0, 1])
def test_no_table_is_laid_out_unless_it_is_shown(data, verbose, capsys, monkeypatch):
    # One Ctrl-C in 500 was lost, each within tabulate.
    laid_out = []
    table = PrintLog.table
    monkeypatch.setattr(
        PrintLog, "table", lambda self, row: laid_out.append(row) or table(self, row)
    )
    X, y = data
    net = FullyConnectedClassifier(n_segment_features=N_FEATURES, max_epochs=2)
    net.set_params(verbose=verbose).fit(X, y)
    assert len(laid_out) == 2 * verbose
    assert ("train_loss" in capsys.readouterr().out) == bool(verbose)

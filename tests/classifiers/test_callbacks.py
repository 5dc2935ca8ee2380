"""What a user's callbacks may rely on, in every estimator that trains nets."""

import contextlib
import pickle
import signal
import threading

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import (
    Callback,
    EpochTimer,
    Freezer,
    LoadInitState,
    PassthroughScoring,
    ProgressBar,
    TrainEndCheckpoint,
)
from small_models import CONV, DENSE, songs, vector

from sklearn_msd import (
    CorrectingClassifier,
    JointCombiner,
    NonlinearCombiner,
    SparseRefitClassifier,
)
from sklearn_msd.common.copies import copied

BASES = [("dense", DENSE), ("conv", CONV)]


def corrected(callbacks, **params):
    corrector = clone(DENSE).set_params(callbacks=callbacks, **params)
    return CorrectingClassifier(CONV, corrector, random_state=0)


def sparse(callbacks, **params):
    return SparseRefitClassifier(clone(CONV).set_params(callbacks=callbacks, **params))


# Estimators that train nets with callbacks, and whether they clone what holds these.
MAKERS = {
    "net": lambda c, **p: clone(CONV).set_params(callbacks=c, **p),
    "nonlinear": lambda c, **p: NonlinearCombiner(
        BASES, cv=2, callbacks=c, random_state=0, **{"max_epochs": 3, **p}
    ),
    "joint": lambda c, **p: JointCombiner(
        BASES, cv=2, callbacks=c, random_state=0, **{"max_epochs": 3, **p}
    ),
    "sparse": sparse,
    "correcting": corrected,
}
as_they_are = pytest.mark.parametrize("name", ["net", "nonlinear", "joint"])
everywhere = pytest.mark.parametrize("name", MAKERS)


def weights(net):
    parameters = torch.nn.utils.parameters_to_vector(net.module_.parameters())
    return parameters.detach().numpy().copy()


class Live(Callback):
    """Holds a lock and an open file, writes to it, and counts."""

    def __init__(self, path):
        self.lock, self.file = threading.Lock(), open(path, "a")  # noqa: SIM115
        self.counted = []

    def on_epoch_end(self, net, **kwargs):
        with self.lock:
            print(net.history[-1, "train_loss"], file=self.file, flush=True)
            self.counted.append(len(net.history))


@pytest.fixture
def live(tmp_path):
    callback = Live(tmp_path / "losses")
    yield callback
    callback.file.close()


def written(live):
    with open(live.file.name) as file:
        return [float(line) for line in file]


@as_they_are
def test_callbacks_are_used_as_they_are(name, live):
    X, y = songs()
    model = MAKERS[name]([live]).fit(X, y)
    assert live.counted == list(range(1, len(model.loss_curve_) + 1))
    np.testing.assert_allclose(written(live), model.loss_curve_)


@everywhere
def test_what_is_live_works_everywhere_and_in_searches(name, live):
    X, y = songs()
    MAKERS[name]([live]).fit(X, y)
    alone = len(written(live))
    assert alone >= 3
    counted = list(live.counted)
    search = GridSearchCV(MAKERS[name]([("live", live)]), {}, cv=2).fit(X, y)
    # The file is one, and what fits count by the way is each fit's own.
    assert len(written(live)) == 4 * alone
    assert live.counted == counted
    assert search.best_score_ > 0


def test_clones_have_callbacks_of_their_own(live):
    end = TrainEndCheckpoint()
    given = [("live", live), end, LoadInitState(end), EpochTimer, Freezer("conv*")]
    net = clone(CONV).set_params(callbacks=given)
    other = clone(clone(net))
    name, twin = other.callbacks[0]
    assert name == "live"
    assert type(twin) is Live
    assert twin is not live
    assert twin.file is live.file
    assert twin.lock is live.lock
    assert twin.counted == []
    assert twin.counted is not live.counted
    assert other.callbacks[1] is not end
    assert other.callbacks[2].checkpoint is other.callbacks[1]  # and not a third one
    assert other.callbacks[3] is EpochTimer
    assert clone(clone(CONV)).callbacks is None


def test_a_callback_says_itself_how_it_is_cloned():
    class Shared(Callback):
        def __sklearn_clone__(self):
            return self

    class Refusing(Callback):
        def __reduce_ex__(self, protocol):
            raise TypeError("not to be copied")

    shared, refusing = Shared(), Refusing()
    net = clone(CONV).set_params(callbacks=[shared, ("named", refusing)])
    first, (_, second) = clone(net).callbacks
    assert first is shared
    assert second is refusing


def test_copies_after_a_copy_that_failed_are_whole():
    class Node:
        pass

    lock, node, first, second = threading.Lock(), Node(), Node(), Node()
    node.numbers = [1, 2]
    first.both = [node, lock]  # cannot be copied, when half of it has been
    second.node = node
    one, two = copied([first, second])
    assert one.both is first.both
    assert two.node is not node
    assert two.node.numbers == [1, 2]


class AtTheBeginning(Callback):
    def on_train_begin(self, net, **kwargs):
        self.weights = weights(net)


def test_a_fit_then_another_that_begins_with_its_end(tmp_path):
    X, y = songs()
    end = TrainEndCheckpoint(dirname=str(tmp_path))
    first = clone(CONV).set_params(callbacks=[end]).fit(X, y)
    begin = AtTheBeginning()
    second = clone(CONV).set_params(callbacks=[LoadInitState(end), begin]).fit(X, y)
    assert second.n_iter_ == 2 * first.n_iter_
    assert second.loss_curve_[:4] == first.loss_curve_
    np.testing.assert_array_equal(begin.weights, vector(first))


# --- names and order ------------------------------------------------------------------

OURS = ["early_stopping", "one_cycle", "fit_checkpoint", "scikit_learn"]


EARLY = {"early_stopping": True, "validation_fraction": 0.3}


@pytest.mark.filterwarnings("ignore:The validation loss was still falling")
@pytest.mark.parametrize("settings", [{}, EARLY, "all"], ids=["", "early", "all"])
@pytest.mark.parametrize("name", OURS)
def test_a_users_callback_may_have_any_name(name, settings, live, tmp_path):
    X, y = songs()
    if settings == "all":
        settings = EARLY | {"lr_schedule": "one_cycle", "checkpoint": tmp_path / "one"}
    net = clone(CONV).set_params(callbacks=[(name, live)], **settings)
    plain = clone(CONV).set_params(**settings, callbacks=None)
    if "checkpoint" in settings:
        plain.set_params(checkpoint=tmp_path / "two")
    net.fit(X, y)
    np.testing.assert_array_equal(vector(net), vector(plain.fit(X, y)))
    assert dict(net.net_.callbacks_)[name] is live
    n_iter = len(live.counted)
    assert n_iter == net.n_iter_
    net.partial_fit(X, y)
    assert len(live.counted) == n_iter + 1


class AtTheEnd(Callback):
    def on_train_end(self, net, **kwargs):
        self.weights = weights(net)


def overfitting():
    """Songs to train on, and others whose labels say the contrary."""
    X, y = songs()
    return {"X": X, "y": y, "X_val": X[:30], "y_val": y[:30][::-1]}


@pytest.mark.parametrize("name", ["net", "nonlinear", "joint"])
def test_the_end_of_a_training_sees_the_net_that_is_returned(name, tmp_path):
    seen, end = AtTheEnd(), TrainEndCheckpoint(dirname=str(tmp_path))
    params = {"early_stopping": True, "max_epochs": 8, "learning_rate": 0.02}
    model = MAKERS[name]([seen, end], **params).fit(**overfitting())
    net = {"nonlinear": "final_estimator_", "joint": "joint_"}.get(name)
    net = model if net is None else getattr(model, net)
    assert net.best_iter_ < net.n_iter_
    np.testing.assert_array_equal(seen.weights, vector(net))
    saved = torch.load(tmp_path / "train_end_params.pt")
    assert all(torch.equal(saved[n], p) for n, p in net.module_.state_dict().items())


class StopAt(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def test_the_epoch_at_whose_end_a_callback_stops_may_be_the_best():
    X, y = songs()
    given = {"X": X, "y": y, "X_val": X[:30], "y_val": y[:30]}  # falls all the time
    net = clone(CONV).set_params(early_stopping=True, callbacks=[StopAt(3)])
    net.fit(**given)
    assert net.best_iter_ == net.n_iter_ == 3
    whole = clone(CONV).set_params(max_epochs=3).fit(**given)
    np.testing.assert_array_equal(vector(net), vector(whole))


class Tasks:
    """A callback of scikit-learn's that keeps which tasks began and ended."""

    def __init__(self):
        self.begun, self.ended = [], []

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context):
        self.begun.append((context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context):
        self.ended.append((context.task_name, context.task_id))


@pytest.mark.parametrize(
    "params", [{"n_iter_no_change": 1}, {"callbacks": [StopAt(2)]}]
)
@pytest.mark.usefixtures("sklearn_callback")
def test_every_epoch_that_begins_for_scikit_learn_ends(params):
    tasks = Tasks()
    net = clone(CONV).set_params(early_stopping=True, learning_rate=0.02, **params)
    net.set_params(max_epochs=20).set_callbacks(tasks).fit(**overfitting())
    assert net.n_iter_ < 20
    assert sorted(tasks.begun) == sorted(tasks.ended)
    assert len(tasks.ended) == net.n_iter_ + 1


# --- what the skorch net has --------------------------------------------------------


def test_the_net_mirrors_the_parameters_of_the_fit(tmp_path):
    X, y = songs()
    end = TrainEndCheckpoint(
        dirname=str(tmp_path),
        f_params="model_{net.max_epochs}_{net.lr}_{net.batch_size}.pt",
    )
    params = {"max_epochs": 3, "learning_rate": 0.25, "batch_size": 17}
    net = clone(CONV).set_params(callbacks=[end], warm_start=True, **params).fit(X, y)
    assert (tmp_path / "train_end_model_3_0.25_17.pt").exists()
    found = net.net_.get_params()
    assert found["max_epochs"] == 3
    assert found["warm_start"] is True
    assert found["lr"] == 0.25
    assert found["callbacks"] == [end]


def test_callbacks_can_be_switched_off_and_set():
    X, y = songs()
    timer = EpochTimer()
    net = clone(CONV).set_params(callbacks=[("acc", timer), ("bar", ProgressBar())])
    net.fit(X, y)
    net.net_.set_params(callbacks__acc=None, callbacks__bar__batches_per_epoch=2)
    assert dict(net.net_.callbacks_)["bar"].batches_per_epoch == 2
    net.net_.set_params(callbacks__bar=None, callbacks__print_log__floatfmt=".1f")
    began = timer.epoch_start_time_
    net.partial_fit(X, y)
    assert timer.epoch_start_time_ == began
    assert net.net_.get_params()["callbacks__bar"] is None
    assert dict(net.net_.callbacks_)["print_log"].floatfmt == ".1f"


# --- Ctrl-C, or the end of a training -----------------------------------------------


def raised_by_a_generator():
    def stops():
        raise KeyboardInterrupt
        yield

    next(stops())


def raised_on_closing():
    with contextlib.ExitStack() as stack:
        stack.callback(raised_by_a_generator)


def raised_by_map():
    list(map(lambda _: raised_by_a_generator(), [1]))  # noqa: C417


def thrown():
    def waits():
        yield

    waiting = waits()
    next(waiting)
    waiting.throw(KeyboardInterrupt())


class Calls(Callback):
    def __init__(self, call):
        self.call = call

    def on_batch_end(self, net, training=False, **kwargs):
        if len(net.history) == 2 and training:
            self.call()


ENDS = [raised_by_a_generator, raised_on_closing, raised_by_map, thrown]


@pytest.mark.parametrize("call", ENDS, ids=lambda call: call.__name__)
@everywhere
def test_a_callback_ends_a_training_however_it_raises(call, name):
    X, y = songs()
    model = MAKERS[name]([Calls(call)]).fit(X, y)
    assert model.predict(X).shape == y.shape


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def handled_by(handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


def own_handler(signum, frame):
    raise KeyboardInterrupt


class Own:
    def handle(self, signum, frame):
        own_handler(signum, frame)


HANDLERS = [signal.default_int_handler, own_handler, Own().handle]


@pytest.mark.parametrize(
    "handler", HANDLERS, ids=["Python's", "a function", "a method"]
)
@everywhere
def test_ctrl_c_is_told_by_the_signal(handler, name):
    X, y = songs()
    model = MAKERS[name]([Calls(ctrl_c)])
    with handled_by(handler), pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    search = GridSearchCV(model, {}, cv=2)
    with handled_by(handler), pytest.raises(KeyboardInterrupt):
        search.fit(X, y)


def test_ctrl_c_that_a_callback_raises_again():
    def cleaning_up():
        try:
            ctrl_c()
        except KeyboardInterrupt:
            raise KeyboardInterrupt("after cleaning up")  # noqa: B904

    X, y = songs()
    net = clone(CONV).set_params(callbacks=[Calls(cleaning_up)])
    with pytest.raises(KeyboardInterrupt, match="after cleaning up"):
        net.fit(X, y)
    assert net.predict(X).shape == y.shape


def test_a_handler_that_does_not_raise_ends_no_training():
    asked = []

    class EndOfEpoch(Callback):
        def on_epoch_end(self, net, **kwargs):
            if asked:
                raise KeyboardInterrupt

    X, y = songs()
    net = clone(CONV).set_params(callbacks=[Calls(ctrl_c), EndOfEpoch()])
    with handled_by(lambda *arguments: asked.append(arguments)):
        net.fit(X, y)
    assert net.n_iter_ == 2
    with handled_by(signal.SIG_IGN):
        assert clone(CONV).set_params(callbacks=[Calls(ctrl_c)]).fit(X, y).n_iter_ == 4


def test_a_handler_that_a_callback_sets_stays():
    class Sets(Callback):
        def on_epoch_begin(self, net, **kwargs):
            signal.signal(signal.SIGINT, own_handler)

    X, y = songs()
    before = signal.getsignal(signal.SIGINT)
    try:
        clone(CONV).set_params(callbacks=[Sets()]).fit(X, y)
        assert signal.getsignal(signal.SIGINT) is own_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_there_are_no_signals():
    X, y = songs()
    found = []
    net = clone(CONV).set_params(callbacks=[StopAt(2)])
    thread = threading.Thread(target=lambda: found.append(net.fit(X, y)))
    thread.start()
    thread.join()
    assert found[0].n_iter_ == 2
    assert pickle.loads(pickle.dumps(net)).n_iter_ == 2


def test_an_epoch_that_is_stopped_before_its_losses_are_there_is_forgotten(monkeypatch):
    log = PassthroughScoring.on_epoch_end

    def stop_in_the_second(self, net, **kwargs):
        if len(net.history) == 2 and self.name == "valid_loss":
            raise KeyboardInterrupt
        log(self, net, **kwargs)

    monkeypatch.setattr(PassthroughScoring, "on_epoch_end", stop_in_the_second)
    net = clone(CONV).set_params(early_stopping=True, max_epochs=4)
    net.fit(**overfitting())
    assert net.n_iter_ == len(net.loss_curve_) == 1

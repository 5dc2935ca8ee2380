"""What skorch documents of its callbacks holds in the nets of this package.

For each public callback by name what it promises, in our words, so that a newer skorch
that changes a promise, or a change here that breaks one, is seen.
"""

import json
import pickle
import sys
import threading
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import skorch.callbacks
import torch
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    Initializer,
    InputShapeSetter,
    LoadInitState,
    LRScheduler,
    MlflowLogger,
    NeptuneLogger,
    ParamMapper,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
    SacredLogger,
    TensorBoard,
    TrainEndCheckpoint,
    Unfreezer,
    WandbLogger,
    WarmRestartLR,
)
from skorch.scoring import loss_scoring
from small_models import CONV, songs, vector
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR

N_VALID = 30


@pytest.fixture
def data():
    """To train on, and to validate on."""
    X, y = songs()
    return {
        "X": X[N_VALID:],
        "y": y[N_VALID:],
        "X_val": X[:N_VALID],
        "y_val": y[:N_VALID],
    }


def make(*callbacks, **params):
    params = {"max_epochs": 3, "batch_size": 20, "learning_rate": 0.01, **params}
    return clone(CONV).set_params(callbacks=list(callbacks), **params)


def history(net, name):
    return net.net_.history[:, name]


def parameters(net):
    return {n: p.detach().clone() for n, p in net.module_.named_parameters()}


class Before(Callback):
    """Keeps the parameters as they are before each epoch's first step."""

    def __init__(self):
        self.seen = []

    def on_batch_begin(self, net, training=False, **kwargs):
        if training and "batches" in net.history[-1]:
            batches = net.history[-1]["batches"]
            if len(batches) == 1 and not batches[0]:
                self.seen.append(parameters(net))


def test_every_public_callback_has_its_tests_here():
    source = Path(__file__).read_text()
    for name in skorch.callbacks.__all__:
        assert f"\ndef test_{name}" in source, name


# --- the order of events ------------------------------------------------------------


class Events(Callback):
    def __init__(self):
        self.names = []
        self.calls = {}

    def initialize(self):
        self.names.append("initialize")
        return self

    def __getattribute__(self, name):
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        def note(net, *args, **kwargs):
            self.names.append(name)
            self.calls[name] = (net, kwargs)

        return note


def test_Callback_is_called_at_each_event_with_what_skorch_names(data):
    events = Events()
    net = make(events, max_epochs=2).fit(**data)
    step = ["on_batch_begin", "on_grad_computed", "on_batch_end"]
    epoch = ["on_epoch_begin", *step * 3, "on_batch_begin", "on_batch_end"]
    epoch.append("on_epoch_end")
    expected = ["initialize", "on_train_begin", *epoch * 2, "on_train_end"]
    assert events.names == expected
    given = {name: set(kwargs) for name, (_, kwargs) in events.calls.items()}
    assert given["on_train_begin"] == given["on_train_end"] == {"X", "y"}
    assert given["on_epoch_begin"] == {"dataset_train", "dataset_valid"}
    assert given["on_batch_begin"] == {"batch", "training"}
    assert given["on_batch_end"] == {"batch", "training", "loss", "y_pred"}
    assert given["on_grad_computed"] == {"named_parameters", "batch", "training"}
    assert all(found is net.net_ for found, _ in events.calls.values())
    del events.names[:]
    net.partial_fit(data["X"], data["y"])  # without songs to validate on
    epoch = ["on_epoch_begin", *step * 3, "on_epoch_end"]
    assert events.names == ["on_train_begin", *epoch, "on_train_end"]


def test_Callback_gets_data_sets_of_the_rows_that_are_trained_and_held_out():
    seen = {}

    class Rows(Callback):
        def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
            seen.update(train=dataset_train, valid=dataset_valid)

    X, y = songs()
    net = make(Rows(), early_stopping=True, validation_fraction=0.4, max_epochs=30)
    net.fit(X, y)
    train, valid = seen["train"], seen["valid"]
    assert (len(train), len(valid)) == (54, 36)
    both = np.concatenate([train.X, valid.X])
    assert both.shape == X.shape
    order = np.argsort(both[:, 0])
    np.testing.assert_array_equal(both[order], X[np.argsort(X[:, 0])])
    labels = net.classes_[np.concatenate([train.y, valid.y])]
    np.testing.assert_array_equal(labels[order], y[np.argsort(X[:, 0])])
    inputs, target = valid[3]
    np.testing.assert_allclose(inputs["x"], valid.X[3], rtol=1e-6)
    assert target == valid.y[3]


# --- scores -------------------------------------------------------------------------

HELD_OUT = {"early_stopping": True, "validation_fraction": 0.4, "max_epochs": 30}


class Scores(Callback):
    """The accuracy after each epoch, by hand."""

    def __init__(self, on_train=False):
        self.on_train, self.found = on_train, []

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        data = dataset_train if self.on_train else dataset_valid
        logits = net.module_(torch.tensor(np.asarray(data.X), dtype=torch.float32))
        self.found.append(accuracy_score(np.asarray(data.y), logits.argmax(1).numpy()))


@pytest.mark.parametrize("use_caching", [True, False])
@pytest.mark.parametrize("held_out", [False, True])
def test_EpochScoring_scores_the_validation_songs(data, use_caching, held_out):
    scores = Scores()
    scoring = EpochScoring(
        "accuracy", lower_is_better=False, name="mine", use_caching=use_caching
    )
    net = make(scoring, scores, **HELD_OUT if held_out else {})
    net.fit(*songs()) if held_out else net.fit(**data)
    assert history(net, "mine") == pytest.approx(scores.found)
    assert history(net, "mine") == pytest.approx(net.validation_scores_)
    best = np.maximum.accumulate([-1, *scores.found])[:-1]
    assert history(net, "mine_best") == (np.array(scores.found) > best).tolist()


def test_EpochScoring_of_training_songs_without_caching_scores_these(data):
    scores = Scores(on_train=True)
    scoring = EpochScoring("accuracy", on_train=True, name="mine", use_caching=False)
    net = make(scoring, scores, **HELD_OUT).fit(*songs())
    assert history(net, "mine") == pytest.approx(scores.found)
    # With caching, of the predictions that were made while it trained.
    cached = make(EpochScoring("accuracy", on_train=True, name="mine")).fit(**data)
    assert len(history(cached, "mine")) == 3


@pytest.mark.parametrize("use_caching", [True, False])
@pytest.mark.parametrize(
    "scoring",
    [
        None,
        "neg_log_loss",
        "f1_macro",
        accuracy_score,
        make_scorer(f1_score, average="micro"),
        lambda net, X, y: float((net.predict_proba(X).argmax(1) == y).mean()),
    ],
    ids=["None", "name", "name 2", "metric", "scorer", "function"],
)
def test_EpochScoring_takes_what_scikit_learns_scoring_takes(
    data, scoring, use_caching
):
    scored = EpochScoring(scoring, name="mine", use_caching=use_caching)
    net = make(scored).fit(**data)
    assert np.isfinite(history(net, "mine")).all()
    if scoring == "neg_log_loss":
        expected = -np.array(net.validation_loss_curve_)
        np.testing.assert_allclose(history(net, "mine"), expected, rtol=1e-5)


@pytest.mark.parametrize("use_caching", [True, False])
def test_EpochScoring_counts_base_logits(data, use_caching):
    y_val = np.searchsorted(np.unique(data["y"]), data["y_val"])
    y = np.searchsorted(np.unique(data["y"]), data["y"])
    scoring = EpochScoring("accuracy", name="mine", use_caching=use_caching)
    net = make(scoring).fit(
        **data, base_logits=99 * np.eye(3)[y], base_logits_val=99 * np.eye(3)[y_val]
    )
    assert history(net, "mine") == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("held_out", [False, True])
def test_EpochScoring_leaves_songs_on_the_disk(tmp_path, held_out):
    X, y = songs()
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    kinds = set()

    def scoring(net, X, y):
        kinds.add(type(X).__name__)
        return accuracy_score(y, net.predict(X))

    scored = EpochScoring(scoring, name="mine", use_caching=False)
    params = HELD_OUT if held_out else {}
    given = {} if held_out else {"X_val": mapped, "y_val": y}
    net = make(scored, **params).fit(mapped, y, **given)
    assert history(net, "mine") == pytest.approx(net.validation_scores_)
    assert kinds == {"MappedSongs"} if held_out else {"memmap"}


@pytest.mark.parametrize("use_caching", [True, False])
@pytest.mark.parametrize("on_train", [True, False])
def test_BatchScoring_is_the_mean_over_batches_by_their_sizes(
    data, use_caching, on_train
):
    scoring = BatchScoring(
        "accuracy", on_train=on_train, name="mine", use_caching=use_caching
    )
    net = make(scoring).fit(**data)
    part = "train" if on_train else "valid"
    for epoch, whole in zip(net.net_.history, history(net, "mine"), strict=True):
        batches = [b for b in epoch["batches"] if "mine" in b]
        sizes = [b[f"{part}_batch_size"] for b in batches]
        assert sum(sizes) == (60 if on_train else N_VALID)
        found = np.average([b["mine"] for b in batches], weights=sizes)
        assert whole == pytest.approx(found)
    if not on_train:
        assert history(net, "mine") == pytest.approx(net.validation_scores_)


def test_PassthroughScoring_averages_what_was_recorded_of_batches(data):
    class Records(Callback):
        def on_batch_end(self, net, training=False, batch=None, **kwargs):
            if training:
                net.history.record_batch("size", len(batch[1]))

    passing = PassthroughScoring("size", on_train=True, lower_is_better=False)
    net = make(Records(), passing, batch_size=25).fit(**data)
    assert history(net, "size") == [pytest.approx((25 * 25 * 2 + 10 * 10) / 60)] * 3
    assert history(net, "size_best") == [True, False, False]


def test_loss_scoring_and_predictions_from_what_skorch_takes(data):
    net = make().fit(**data)
    skorch_net, X = net.net_, data["X_val"]
    expected = net.predict_proba(X)
    labels = np.searchsorted(net.classes_, data["y_val"])
    cube = X.reshape(N_VALID, -1, 5)
    given = {
        "array": X,
        "three axes": cube,
        "list": X.tolist(),
        "tensor": torch.tensor(X),
        "dictionary": {"x": X},
        "skorch's": skorch.dataset.Dataset(X, labels),
        "tensors": torch.utils.data.TensorDataset(
            torch.tensor(X), torch.tensor(labels)
        ),
        "ours": skorch_net.get_dataset(X),
    }
    for kind, songs_ in given.items():
        found = skorch_net.predict_proba(songs_)
        np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=kind)
    part = torch.utils.data.Subset(skorch_net.get_dataset(X), [4, 2])
    np.testing.assert_allclose(
        skorch_net.predict_proba(part), expected[[4, 2]], atol=1e-6
    )
    losses = loss_scoring(skorch_net, X, labels)
    np.testing.assert_allclose(
        losses, -np.log(expected[np.arange(N_VALID), labels]), rtol=1e-4
    )
    with torch.autocast("cpu"):
        found = skorch_net.predict_proba(X)
    np.testing.assert_allclose(found, expected, atol=1e-6)


# --- checkpoints --------------------------------------------------------------------


def test_Checkpoint_saves_when_the_validation_loss_is_best(data, tmp_path):
    X, y = data["X"], data["y"]
    saved = Checkpoint(
        dirname=str(tmp_path), f_params="params_{last_epoch[epoch]}.pt", fn_prefix="a_"
    )
    # Labels that say the contrary: the loss rises after some epochs.
    given = {"X": X, "y": y, "X_val": X, "y_val": y[::-1]}
    net = make(saved, max_epochs=6, learning_rate=0.05).fit(**given)
    best = np.minimum.accumulate([np.inf, *net.validation_loss_curve_])[:-1]
    expected = (np.array(net.validation_loss_curve_) < best).tolist()
    assert history(net, "event_cp") == expected
    assert not all(expected)
    files = {f"a_params_{i}.pt" for i in np.flatnonzero(expected) + 1}
    assert {path.name for path in tmp_path.glob("a_params_*")} == files
    assert (tmp_path / "a_optimizer.pt").exists()
    assert (tmp_path / "a_criterion.pt").exists()
    assert json.loads((tmp_path / "a_history.json").read_text())
    assert saved.get_formatted_files(net.net_)["f_params"] == str(
        tmp_path / f"a_params_{net.best_iter_}.pt"
    )


def test_Checkpoint_loads_the_best_at_the_end(data, tmp_path):
    X, y = data["X"], data["y"]
    given = {"X": X, "y": y, "X_val": X, "y_val": y[::-1]}
    saved = Checkpoint(dirname=str(tmp_path), load_best=True)
    net = make(saved, max_epochs=6, learning_rate=0.05).fit(**given)
    whole = make(max_epochs=net.best_iter_, learning_rate=0.05).fit(**given)
    assert net.best_iter_ < 6
    np.testing.assert_array_equal(vector(net), vector(whole))


@pytest.mark.parametrize("kind", ["none", "function", "name"])
def test_Checkpoint_watches_what_it_is_told_to(data, tmp_path, kind):
    monitor = {
        "none": None,
        "function": lambda net: len(net.history) == 2,
        "name": "train_loss_best",
    }[kind]
    saved = Checkpoint(
        monitor=monitor, dirname=str(tmp_path), f_pickle="net_{last_epoch[epoch]}.pkl"
    )
    net = make(saved).fit(**data)
    epochs = {"none": [1, 2, 3], "function": [2]}.get(kind)
    if epochs is None:
        epochs = (np.flatnonzero(history(net, "train_loss_best")) + 1).tolist()
    files = sorted(tmp_path.glob("net_*.pkl"))
    assert [path.name for path in files] == [f"net_{i}.pkl" for i in epochs]
    unpickled = pickle.loads(files[-1].read_bytes())
    np.testing.assert_array_equal(
        unpickled.predict(data["X"]).shape, net.net_.predict(data["X"]).shape
    )


def test_LoadInitState_goes_on_from_a_checkpoint(data, tmp_path):
    saved = Checkpoint(monitor=None, dirname=str(tmp_path))
    first = make(saved, LoadInitState(saved)).fit(**data)  # nothing there to load
    second = make(saved, LoadInitState(saved)).fit(**data)
    assert first.n_iter_ == 3
    assert second.n_iter_ == 6
    assert second.loss_curve_[:3] == first.loss_curve_
    steps = {int(s["step"]) for s in second.net_.optimizer_.state.values()}
    assert steps == {6 * 3}


def test_TrainEndCheckpoint_saves_the_end(data, tmp_path):
    end = TrainEndCheckpoint(dirname=str(tmp_path))
    net = make(end).fit(**data)
    names = {"params.pt", "optimizer.pt", "criterion.pt", "history.json"}
    assert {p.name for p in tmp_path.iterdir()} == {f"train_end_{n}" for n in names}
    saved = torch.load(tmp_path / "train_end_params.pt")
    assert all(torch.equal(saved[n], p) for n, p in parameters(net).items())
    again = make(LoadInitState(end), max_epochs=1).fit(**data)
    assert again.n_iter_ == 4


# --- the course of a training -------------------------------------------------------


@pytest.mark.parametrize("load_best", [False, True])
def test_EarlyStopping_stops_and_takes_the_best(data, load_best):
    X, y = data["X"], data["y"]
    given = {"X": X, "y": y, "X_val": X, "y_val": y[::-1]}
    said = []
    stopping = EarlyStopping(patience=2, load_best=load_best, sink=said.append)
    net = make(stopping, max_epochs=30, learning_rate=0.05, verbose=1).fit(**given)
    assert net.n_iter_ == net.best_iter_ + 2
    assert "not improved in the last 2 epochs" in said[0]
    n_epochs = net.best_iter_ if load_best else net.n_iter_
    whole = make(max_epochs=n_epochs, learning_rate=0.05).fit(**given)
    np.testing.assert_array_equal(vector(net), vector(whole))


def test_EarlyStopping_watches_any_entry_of_the_history(data):
    stopping = EarlyStopping("train_loss", patience=1, threshold=1e9)
    net = make(stopping, max_epochs=30).fit(data["X"], data["y"])
    assert net.n_iter_ == 2


def test_LRScheduler_steps_by_epochs_and_records_the_rate(data):
    schedule = LRScheduler(StepLR, step_size=1, gamma=0.5)
    net = make(schedule, learning_rate=0.4).fit(**data)
    assert history(net, "event_lr") == pytest.approx([0.4, 0.2, 0.1])
    rates = schedule.simulate(3, initial_lr=0.4)
    np.testing.assert_allclose(rates, [0.4, 0.2, 0.1])


def test_LRScheduler_steps_by_batches(data):
    schedule = LRScheduler(StepLR, step_size=1, gamma=0.5, step_every="batch")
    net = make(schedule, max_epochs=1, learning_rate=0.4).fit(**data)
    rates = [b["event_lr"] for b in net.net_.history[0, "batches"] if "event_lr" in b]
    np.testing.assert_allclose(rates, [0.4, 0.2, 0.1])


def test_LRScheduler_watches_a_score(data):
    schedule = LRScheduler(
        ReduceLROnPlateau, monitor=lambda net: 1.0, patience=0, factor=0.5
    )
    net = make(schedule, learning_rate=0.4).fit(**data)
    assert history(net, "event_lr") == pytest.approx([0.4, 0.4, 0.2])


def test_WarmRestartLR_is_the_policy_by_default(data):
    schedule = LRScheduler(min_lr=0.0, max_lr=0.1, base_period=2)
    net = make(schedule, max_epochs=4).fit(**data)
    assert schedule.policy_ is WarmRestartLR
    # Half a cosine over two epochs, and again from the top.
    expected = [0.1, 0.05, 0.0, 0.1]
    np.testing.assert_allclose(history(net, "event_lr"), expected, atol=1e-12)


def test_GradientNormClipping_clips_the_norm_of_all_gradients(data):
    class Norms(Callback):
        def __init__(self):
            self.found = []

        def on_grad_computed(self, net, named_parameters, **kwargs):
            grads = [p.grad.flatten() for _, p in named_parameters]
            self.found.append(float(torch.cat(grads).norm()))

    free, clipped = Norms(), Norms()
    make(free).fit(**data)
    make(GradientNormClipping(0.01), clipped).fit(**data)
    assert min(free.found) > 0.02
    np.testing.assert_allclose(clipped.found, 0.01, rtol=1e-3)


def test_Freezer_and_Unfreezer_hold_parameters_for_a_while(data):
    before = Before()
    callbacks = [Freezer("conv*"), Unfreezer("conv.1*", at=3), before]
    net = make(*callbacks, max_epochs=4).fit(**data)
    seen = [*before.seen, parameters(net)]
    for name in seen[0]:
        moved = [not torch.equal(a[name], b[name]) for a, b in pairwise(seen)]
        if name.startswith("conv.0"):
            assert moved == [False] * 4
        elif name.startswith("conv.1"):
            assert moved == [False, False, True, True]
        else:
            assert moved == [True] * 4


def test_Unfreezer_is_the_inverse_of_a_freezer(data):
    net = make(Freezer("*"), Unfreezer("*")).fit(**data)
    np.testing.assert_array_equal(vector(net), vector(make().fit(**data)))


def test_Initializer_sets_parameters_before_the_first_step(data):
    before = Before()
    ones = Initializer("hidden*.weight", fn=torch.nn.init.ones_)
    net = make(ones, before).fit(**data)
    for name, value in before.seen[0].items():
        assert bool((value == 1).all()) == (name == "hidden.0.weight")
    assert not bool((parameters(net)["hidden.0.weight"] == 1).all())


def test_ParamMapper_maps_at_an_epoch_a_condition_or_by_a_schedule(data):
    def names(**kwargs):
        found = []
        mapper = ParamMapper(fn=lambda p: found.append(tuple(p.shape)), **kwargs)
        make(mapper).fit(**data)
        return found

    assert names(patterns="output.bias", at=2) == [(3,)]
    assert names(patterns=["output.bias", "conv.0.bias"], at=1) == [(3,), (4,)]
    last = lambda net: len(net.history) == 3  # noqa: E731
    assert names(patterns=lambda name: name == "output.bias", at=last) == [(3,)]
    calls = []
    schedule = ParamMapper(
        "output.bias", schedule=lambda net: lambda p: calls.append(len(net.history))
    )
    make(schedule).fit(**data)
    assert calls == [1, 2, 3]


def test_InputShapeSetter_is_refused_as_nets_take_the_width_from_X(data):
    for given in InputShapeSetter(), InputShapeSetter, ("shape", InputShapeSetter()):
        with pytest.raises(TypeError, match="take the width of their input from X"):
            make(given).fit(**data)


# --- what is shown and logged -------------------------------------------------------


def test_EpochTimer_is_there_and_records_durations(data):
    net = make().fit(**data)
    assert all(duration > 0 for duration in history(net, "dur"))
    assert "epoch_timer" in dict(net.net_.callbacks_)


def test_PrintLog_prints_a_table_to_its_sink(data):
    lines = []
    net = make(PrintLog(keys_ignored="dur", sink=lines.append)).fit(**data)
    head = lines[0].split()
    assert head == ["epoch", "penalty", "train_loss", "valid_acc", "valid_loss"]
    assert len(lines) == 2 + net.n_iter_


def test_PrintLog_of_skorch_shows_where_verbose_and_takes_settings(data, capsys):
    net = make(verbose=1).fit(**data)
    out = capsys.readouterr().out
    assert out.splitlines()[0].split()[0] == "epoch"
    net.net_.set_params(callbacks__print_log__tablefmt="pipe")
    net.partial_fit(data["X"], data["y"])
    assert capsys.readouterr().out.splitlines()[0].startswith("|")
    make().fit(**data)
    assert capsys.readouterr().out == ""


def test_PrintLog_shows_the_epoch_at_whose_end_a_training_stops(data, capsys):
    X, y = data["X"], data["y"]
    given = {"X": X, "y": y, "X_val": X, "y_val": y[::-1]}
    net = make(early_stopping=True, n_iter_no_change=1, verbose=1, max_epochs=30)
    net.set_params(learning_rate=0.05).fit(**given)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows if row[:1] == [str(net.n_iter_)]]


@pytest.mark.parametrize("batches", ["auto", "count", 4])
def test_ProgressBar_counts_the_batches_of_an_epoch(data, monkeypatch, batches):
    bars = []

    class Bar:
        def __init__(self, total, leave):
            self.total, self.n, self.closed = total, 0, False
            bars.append(self)

        def set_postfix(self, values, refresh):
            self.postfix = values

        def update(self):
            self.n += 1

        def close(self):
            self.closed = True

    monkeypatch.setattr(skorch.callbacks.logging.tqdm, "tqdm", Bar)
    net = make(ProgressBar(batches_per_epoch=batches, detect_notebook=False))
    net.fit(**data)
    totals = [4, 4, 4] if batches != "count" else [None, 4, 4]
    assert [bar.total for bar in bars] == totals
    assert all(bar.n == 4 and bar.closed for bar in bars)
    assert set(bars[-1].postfix) == {"valid_loss"}
    pickle.dumps(net)


class Recorder:
    """Records what is called; it cannot be copied, as it holds a lock."""

    def __init__(self, **attributes):
        self.lock, self.calls = threading.Lock(), []
        vars(self).update(attributes)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.calls.append((name, args, kwargs))

    def of(self, name):
        return [(args, kwargs) for called, args, kwargs in self.calls if called == name]


def test_TensorBoard_writes_every_entry_and_closes(data):
    writer = Recorder()
    net = make(TensorBoard(writer)).fit(**data)
    found = [kwargs for _, kwargs in writer.of("add_scalar")]
    tags = {entry["tag"] for entry in found}
    assert {"Loss/train_loss", "Loss/valid_loss", "dur", "penalty"} <= tags
    losses = [e["scalar_value"] for e in found if e["tag"] == "Loss/train_loss"]
    assert losses == net.loss_curve_
    assert [e["global_step"] for e in found if e["tag"] == "dur"] == [1, 2, 3]
    assert len(writer.of("close")) == 1


def test_WandbLogger_logs_epochs_and_saves_the_best(data, tmp_path):
    run = Recorder(dir=tmp_path)
    net = make(WandbLogger(run)).fit(**data)
    assert run.of("watch") == [((net.module_,), {})]
    logged = [values for (values,), _ in run.of("log")]
    assert [values["train_loss"] for values in logged] == net.loss_curve_
    assert "batches" not in logged[0]
    assert torch.load(tmp_path / "best_model.pth").keys() == parameters(net).keys()


def test_MlflowLogger_logs_metrics_and_files(data):
    run, client = SimpleNamespace(info=SimpleNamespace(run_id="7")), Recorder()
    net = make(MlflowLogger(run, client)).fit(**data)
    metrics = [(*args[1:], kwargs["step"]) for args, kwargs in client.of("log_metric")]
    losses = [value for name, value, _ in metrics if name == "train_loss"]
    assert losses == net.loss_curve_
    files = {Path(args[1]).name for args, _ in client.of("log_artifact")}
    assert files == {"params.pth", "optimizer.pth", "criterion.pth", "history.json"}
    assert client.of("set_terminated") == [(("7",), {})]
    assert clone(net).callbacks[0].client.lock is not None  # it can still be cloned


class Namespace:
    """What neptune's `run[...]` gives: values are set or appended."""

    def __init__(self, values=None, path=""):
        self.values = {} if values is None else values
        self.path, self.stopped = path, False

    def __getitem__(self, name):
        return Namespace(self.values, f"{self.path}/{name}".strip("/"))

    def __setitem__(self, name, value):
        self.values[f"{self.path}/{name}".strip("/")] = value

    def append(self, value):
        self.values.setdefault(self.path, []).append(value)

    def stop(self):
        self.stopped = True


def test_NeptuneLogger_logs_settings_and_metrics(data, monkeypatch):
    types, handler = ModuleType("neptune.types"), ModuleType("neptune.handler")
    types.File = SimpleNamespace(from_content=lambda text, extension: text)
    handler.Handler = type("Handler", (), {})
    monkeypatch.setitem(sys.modules, "neptune", ModuleType("neptune"))
    monkeypatch.setitem(sys.modules, "neptune.types", types)
    monkeypatch.setitem(sys.modules, "neptune.handler", handler)
    run = Namespace()
    net = make(NeptuneLogger(run)).fit(**data)
    assert run.values["training/config/epochs"] == 3
    assert run.values["training/config/lr"] == 0.01
    assert run.values["training/config/batch_size"] == 20
    assert run.values["training/config/optimizer"] == "Adam"
    assert run.values["training/train/epoch/loss"] == net.loss_curve_
    assert run.values["training/validation/epoch/loss"] == net.validation_loss_curve_
    assert run.stopped


@pytest.mark.parametrize("batches", [False, True])
def test_SacredLogger_logs_scalars(data, batches):
    experiment = Recorder()
    net = make(SacredLogger(experiment, log_on_batch_end=batches)).fit(**data)
    scalars = [args for args, _ in experiment.of("log_scalar")]
    name = "train_loss_epoch" if batches else "train_loss"
    assert [args[1] for args in scalars if args[0] == name] == net.loss_curve_
    n_batches = sum(args[0] == "train_loss_batch" for args in scalars)
    assert n_batches == (3 * 3 if batches else 0)

"""Trainings that go on: after copies and files, and with parameters set in between."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback
from small_models import CONV, DENSE, songs, vector

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    RecurrentClassifier,
    TimeConvClassifier,
    load,
    save,
)

X, Y = songs()
NETS = {
    "dense": DENSE,
    "conv": CONV,
    "pooled": clone(CONV).set_params(global_pooling="mean_max"),
    "recurrent": RecurrentClassifier(
        n_segment_features=5, hidden_size=4, max_epochs=3, random_state=0
    ),
}
each_net = pytest.mark.parametrize("name", NETS)


def by_joblib(net, _):
    buffer = io.BytesIO()
    joblib.dump(net, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


def by_file(net, folder):
    save(net, folder / "net.msd")
    return load(folder / "net.msd")


COPIES = {
    "deepcopy": lambda net, _: copy.deepcopy(net),
    "pickle": lambda net, _: pickle.loads(pickle.dumps(net)),
    "joblib": by_joblib,
    "file": by_file,
    "copy of a copy": lambda net, folder: copy.deepcopy(by_file(net, folder)),
}
each_copy = pytest.mark.parametrize("how", COPIES)


def trained(net, n_epochs=2):
    for _ in range(n_epochs):
        net.partial_fit(X, Y)
    return net


def assert_same(net, other):
    np.testing.assert_array_equal(vector(net), vector(other))
    assert net.n_iter_ == other.n_iter_
    assert net.loss_curve_ == other.loss_curve_
    assert net.penalty_curve_ == other.penalty_curve_


# --- copies and files --------------------------------------------------------------


@each_copy
@each_net
def test_a_copy_goes_on_as_the_net_itself(name, how, tmp_path):
    net = trained(clone(NETS[name]).fit(X, Y))
    copied = COPIES[how](net, tmp_path)
    assert_same(copied, net)
    assert_same(trained(copied), trained(net))
    assert_same(trained(COPIES[how](copied, tmp_path)), trained(net))


@each_copy
@pytest.mark.filterwarnings("ignore:The validation loss was still falling")
@pytest.mark.parametrize(
    "params",
    [
        {"lr_schedule": "one_cycle"},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"l1": 0.01, "shuffle": "blocks", "dtype": "float64"},
    ],
    ids=lambda params: next(iter(params)),
)
def test_copies_of_other_fits(params, how, tmp_path):
    net = clone(CONV).set_params(**params).fit(X, Y)
    assert_same(trained(COPIES[how](net, tmp_path)), trained(net))


@each_copy
def test_copies_of_a_net_that_was_never_fitted_as_a_whole(how, tmp_path):
    net = clone(CONV).partial_fit(X, Y, classes=np.unique(Y))
    copied = COPIES[how](net, tmp_path)
    assert_same(trained(copied), trained(net))
    assert copied.n_iter_ == 3


def test_a_fit_and_what_follows_it_is_a_longer_fit(tmp_path):
    longer = clone(CONV).set_params(max_epochs=7).fit(X, Y)
    net = clone(CONV).fit(X, Y)
    for i, how in enumerate(COPIES.values()):
        if i < 3:
            net = how(net, tmp_path).partial_fit(X, Y)
    assert_same(net, longer)


def test_without_the_optimiser_adam_begins_anew_and_the_curves_go_on(tmp_path):
    net = clone(CONV).fit(X, Y)
    save(net, tmp_path / "net.msd", optimizer=False)
    small = load(tmp_path / "net.msd").partial_fit(X, Y)
    forgetful = copy.deepcopy(net)
    forgetful.net_.forget_training()
    assert_same(forgetful.partial_fit(X, Y), small)
    net.partial_fit(X, Y)
    assert small.n_iter_ == net.n_iter_ == 5
    assert not np.array_equal(vector(small), vector(net))


def test_what_training_together_has_changed_begins_anew():
    """Adam's numbers are of weights that were others then."""
    pair = [("a", clone(CONV)), ("b", clone(DENSE))]
    joint = JointCombiner(pair, cv=2, **clone(DENSE).training_parameters()).fit(X, Y)
    free = CorrectingClassifier(clone(CONV), clone(DENSE), freeze=False).fit(X, Y)
    for net in (*joint.estimators_, free.estimator_, *free.correctors_):
        net.partial_fit(X, Y)
        (steps,) = {float(v["step"]) for v in net.net_.optimizer_.state.values()}
        assert steps == 2  # batches of the one epoch
        names = {id(p) for p in net.module_.parameters()}
        assert {id(p) for p in net.net_.optimizer_.state} == names


# --- parameters that are set in between --------------------------------------------


class Start(Callback):
    """Keeps the module as it is before the first step of all."""

    modules = []

    def on_train_begin(self, net, **kwargs):
        if not net.history:
            Start.modules[:] = [copy.deepcopy(net.module_)]


def test_rates_and_penalties_count_when_set_against_a_loop_of_pytorch():
    params = {"dtype": "float64", "batch_size": 1000, "hidden_layer_sizes": (5,)}
    net = clone(DENSE).set_params(**params, callbacks=[Start()])
    steps = [
        {},
        {"learning_rate": 0.1},
        {"l2": 0.5},
        {"l2_layers": ("output",), "learning_rate": 0.01},
        {"l1": 0.2, "l1_layers": ["hidden"]},
        {},
    ]
    adam, module, inputs = None, None, torch.from_numpy(X)
    targets = torch.from_numpy(np.unique(Y, return_inverse=True)[1])
    for settings in steps:
        net.set_params(**settings).partial_fit(X, Y, classes=np.unique(Y))
        if adam is None:
            (module,) = Start.modules
            hidden, output = module.hidden[0], module.output
            groups = [[hidden.weight], [output.weight], [hidden.bias, output.bias]]
            adam = torch.optim.Adam([{"params": group} for group in groups])
        for group, layer in zip(
            adam.param_groups, ("hidden", "output", ""), strict=True
        ):
            group["weight_decay"] = net.l2 if layer in net.l2_layers else 0
            group["lr"] = net.learning_rate
        adam.zero_grad()
        torch.nn.functional.cross_entropy(module(inputs), targets).backward()
        if net.l1:
            hidden.weight.grad += net.l1 * hidden.weight.detach().sign()
        adam.step()
        expected = torch.nn.utils.parameters_to_vector(module.parameters()).detach()
        np.testing.assert_allclose(vector(net), expected, rtol=1e-9, atol=1e-12)
    assert net.n_iter_ == 6


CHANGES = {
    "learning_rate": 0.1,
    "l2": 0.9,
    "l1": 0.1,
    "l2_layers": {"output"},
    "batch_size": 7,
    "shuffle": "blocks",
    "dtype": "float64",
    "class_weight": {"a": 3.0},
    "pooling": "average",
    "verbose": 1,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_parameter_counts_alike_in_memory_and_after_a_copy(name, tmp_path, capsys):
    net = clone(CONV).set_params(l2=0.01).fit(X, Y)
    expected = None
    for how in (lambda net, _: net, *COPIES.values()):
        other = how(copy.deepcopy(net), tmp_path)
        other.set_params(**{name: CHANGES[name]}).partial_fit(X, Y)
        assert other.n_iter_ == 5
        assert bool(capsys.readouterr().out) == (name == "verbose")
        if expected is None:
            expected = vector(other)
        np.testing.assert_array_equal(vector(other), expected)
    unchanged = vector(copy.deepcopy(net).partial_fit(X, Y))
    same = name in ("verbose", "shuffle")  # 90 songs are less than a block
    assert (np.array_equal(unchanged, expected)) == same
    assert vector(other).dtype == (np.float64 if name == "dtype" else np.float32)


def test_a_parameter_set_back_counts_too():
    net, same = (clone(CONV).fit(X, Y) for _ in range(2))
    net.set_params(verbose=1, batch_size=7).set_params(verbose=0, batch_size=50)
    assert_same(trained(net), trained(same))


def test_what_was_set_at_the_skorch_net_stays_while_parameters_do():
    net = clone(CONV).fit(X, Y)
    net.net_.set_params(lr=0.1)
    inner = net.net_
    net.partial_fit(X, Y)
    assert net.net_ is inner
    assert {group["lr"] for group in inner.optimizer_.param_groups} == {0.1}
    net.set_params(l2=0.5).partial_fit(X, Y)
    assert {group["lr"] for group in net.net_.optimizer_.param_groups} == {0.1}
    net.set_params(learning_rate=0.2).partial_fit(X, Y)
    assert {group["lr"] for group in net.net_.optimizer_.param_groups} == {0.2}


class Counter(Callback):
    epochs = 0

    def on_epoch_end(self, net, **kwargs):
        self.epochs += 1


def counted(net):
    return [cb.epochs for _, cb in net.net_.callbacks_ if isinstance(cb, Counter)]


def test_callbacks_count_when_set_and_keep_what_they_hold():
    net = trained(clone(CONV).set_params(callbacks=[Counter()]).fit(X, Y))
    assert counted(net) == [6]
    assert counted(net.set_params(l2=0.5).partial_fit(X, Y)) == [7]
    net.set_params(callbacks=[("one", Counter()), ("two", Counter())])
    assert counted(trained(net)) == [2, 2]
    net.set_params(callbacks=None)
    assert counted(trained(net)) == []


@pytest.mark.parametrize("how", ["partial_fit", "warm start"])
def test_parameters_of_the_net_count_where_the_weights_fit(how):
    net = clone(CONV).set_params(warm_start=True, learning_rate=1e-9).fit(X, Y)
    before = vector(net)
    net.set_params(pooling="average")
    net = net.partial_fit(X, Y) if how == "partial_fit" else net.fit(X, Y)
    np.testing.assert_allclose(vector(net), before, atol=1e-6)
    other = TimeConvClassifier(**net.get_params()).set_params(max_epochs=1).fit(X, Y)
    other.module_.load_state_dict(net.module_.state_dict())
    np.testing.assert_array_equal(net.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize(
    "change", [{"n_kernels": 5}, {"hidden_layer_sizes": (9, 9)}, {"kernel_height": 2}]
)
def test_parameters_of_another_net_are_an_error_that_leaves_the_net(change):
    net, same = (clone(CONV).fit(X, Y) for _ in range(2))
    with pytest.raises(ValueError, match="partial_fit continues with the weights"):
        net.set_params(**change).partial_fit(X, Y)
    net.set_params(**{name: CONV.get_params()[name] for name in change})
    assert_same(trained(net), trained(same))


def test_another_length_of_segments_is_an_error():
    net = clone(CONV).fit(X, Y)
    with pytest.raises(ValueError, match="partial_fit continues"):
        net.set_params(n_segment_features=10).partial_fit(X, Y)


# --- calls that fail ---------------------------------------------------------------


def test_bad_songs_and_labels_leave_the_net_as_it_was():
    net, same = (clone(CONV).fit(X, Y) for _ in range(2))
    for songs_, labels in ((X[:, :-5], Y), (X, np.char.upper(Y)), (X[:5], Y)):
        with pytest.raises(ValueError, match=r"features|labels|inconsistent"):
            net.partial_fit(songs_, labels)
    assert_same(trained(net), trained(same))


class Fails(Callback):
    on = True

    def on_batch_end(self, net, **kwargs):
        if Fails.on:
            raise RuntimeError("no disk")


def test_a_callback_that_fails_leaves_the_finished_epochs():
    net = clone(CONV).fit(X, Y)
    with pytest.raises(RuntimeError, match="no disk"):
        net.set_params(callbacks=[Fails()]).partial_fit(X, Y)
    assert net.predict(X).shape == Y.shape
    assert net.set_params(callbacks=None).partial_fit(X, Y).n_iter_ == 5


def test_a_training_that_diverges_leaves_no_net():
    net = FullyConnectedClassifier(n_segment_features=5, max_epochs=1).fit(X, Y)
    with (
        pytest.warns(UserWarning, match="scale"),
        pytest.raises(ValueError, match="diverged"),
    ):
        net.set_params(learning_rate=1e30).partial_fit(X * 1e30, Y)
    with pytest.raises(NotFittedError):
        check_is_fitted(net)
    with pytest.raises(NotFittedError):
        net.predict(X)

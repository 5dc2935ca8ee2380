"""Nets in a stack are the nets that each would have been alone."""

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from skorch.callbacks import Callback
from small_models import N_FEATURES, songs

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    SegmentConvClassifier,
    SparseRefitClassifier,
    TimeConvClassifier,
)
from sklearn_msd.training.together.tensors import StackTensors

SMALL = {
    "n_segment_features": N_FEATURES,
    "batch_size": 20,
    "max_epochs": 4,
    "random_state": 0,
}
CONV = {**SMALL, "n_kernels": 4, "hidden_layer_sizes": (6,)}
NETS = {
    "dense": FullyConnectedClassifier(**SMALL, hidden_layer_sizes=(6, 5)),
    "segment": SegmentConvClassifier(**CONV),
    "time, max": TimeConvClassifier(**CONV),
    "time, average": TimeConvClassifier(**CONV, pooling="average", pool_size=3),
    "time, no pool": TimeConvClassifier(**CONV, pooling=None, kernel_height=2),
    "time, global": TimeConvClassifier(
        **CONV, global_pooling=["mean", "std", "max"], summary_norm="layer"
    ),
}
TIME = NETS["time, max"]
X, Y = songs()
RNG = np.random.RandomState(0)
WEIGHT = RNG.uniform(0.5, 2, len(X))
OFFSET = RNG.normal(size=(len(X), 3))
FOLDS = [train for train, _ in StratifiedKFold(4).split(X, Y)]


def variants(net, **values):
    """Clones of a net, each with one of the values of each parameter."""
    n = max(map(len, values.values()))
    return [
        clone(net).set_params(**{name: v[i % len(v)] for name, v in values.items()})
        for i in range(n)
    ]


def fit_together(nets, fits, backend="together", **options):
    """Fit each net on its arguments; the nets, and the sizes of the stacks."""
    options = {"n_jobs": 48, "on_cpu": True, **options}
    with joblib.parallel_config(backend=backend, **options) as config:
        fitted = joblib.Parallel()(
            joblib.delayed(net.fit)(*args, **kwargs)
            for net, (args, kwargs) in zip(nets, fits, strict=True)
        )
        return fitted, config["backend"].room.sizes


def parameters(model):
    if hasattr(model, "estimator_") and not hasattr(model, "net_"):
        model = model.estimator_
    return torch.nn.utils.parameters_to_vector(model.module_.parameters()).detach()


CASES = {
    "seeds": (variants(TIME, random_state=[0, 1, 2]), [((X, Y), {})] * 3),
    "penalties": (
        variants(
            TIME,
            l2=[0.01, 0.0, 0.3],
            l1=[0.0, 0.01, 0.001],
            l2_layers=[("conv", "hidden"), ("output",), ("hidden",)],
            l1_layers=[("conv",), ("conv", "hidden"), ("output",)],
        ),
        [((X, Y), {})] * 3,
    ),
    "learning rates": (
        variants(TIME, learning_rate=[1e-3, 1e-2, 1e-4]),
        [((X, Y), {})] * 3,
    ),
    "folds": (
        # 67 and 68 songs, of which 20 and 60: batches of unequal number and size.
        variants(TIME, random_state=[0] * 6),
        [((X[f], Y[f]), {}) for f in (*FOLDS, FOLDS[0][:20], FOLDS[1][:60])],
    ),
    "one array": (
        variants(TIME, random_state=[0, 1]),
        [((X, Y), {}), ((X.copy(), Y), {})],
    ),
    "weights": (
        variants(TIME, class_weight=[None, "balanced", {"a": 2.0, "b": 1.0, "c": 0.1}]),
        [((X, Y), {}), ((X, Y), {}), ((X, Y), {"sample_weight": WEIGHT})],
    ),
    "offsets": (
        variants(TIME, random_state=[0, 1]),
        [
            ((X, Y), {"base_logits": OFFSET}),
            ((X, Y), {"base_logits": -OFFSET, "sample_weight": WEIGHT}),
        ],
    ),
    "validation": (
        variants(TIME, random_state=[0, 1], early_stopping=[False, True]),
        [((X, Y), {"X_val": X[:30], "y_val": Y[:30]})] * 2,
    ),
    "early stopping": (
        variants(
            TIME,
            early_stopping=[True],
            validation_fraction=[0.3],
            n_iter_no_change=[1],
            max_epochs=[30],
            learning_rate=[0.01, 0.1, 0.03, 0.003],
        ),
        [((X, Y), {})] * 4,
    ),
    "epochs": (variants(TIME, max_epochs=[1, 4, 2, 7, 3]), [((X, Y), {})] * 5),
    "one cycle": (
        variants(
            TIME,
            lr_schedule=["one_cycle", "constant", "one_cycle"],
            learning_rate=[0.01, 0.01, 0.003],
        ),
        [((X, Y), {}), ((X, Y), {}), ((X[:50], Y[:50]), {})],
    ),
    "blocks": (
        variants(TIME, shuffle=["full", "blocks"], batch_size=[8]),
        [((X, Y), {})] * 2,
    ),
    "a large batch": (
        variants(TIME, batch_size=[1000], random_state=[0, 1]),
        [((X, Y), {}), ((X[:25], Y[:25]), {})],
    ),
    "float32 songs": (
        variants(TIME, random_state=[0, 1]),
        [((X.astype(np.float32), Y), {})] * 2,
    ),
    "masks": (
        [SparseRefitClassifier(TIME, l1=l, threshold=0.1) for l in (0.01, 0.05)],
        [((X, Y), {})] * 2,
    ),
    "correctors": (
        variants(
            CorrectingClassifier(TIME, NETS["dense"], random_state=0),
            combine=["sum", "linear"],
            freeze=[True, True, False],
            n_corrections=[2, 1, 1],
        ),
        [((X, Y), {})] * 3,
    ),
    "joint": (
        variants(
            JointCombiner([("a", TIME), ("b", NETS["dense"])], max_epochs=3, cv=2),
            similarity_penalty=[0.3],
            random_state=[0, 1],
        ),
        [((X, Y), {})] * 2,
    ),
    **{
        name: (variants(net, random_state=[0, 1], l2=[0.1, 0.01]), [((X, Y), {})] * 2)
        for name, net in NETS.items()
    },
}


def with_dtype(model, dtype):
    names = [name for name in model.get_params() if name.split("__")[-1] == "dtype"]
    return clone(model).set_params(**dict.fromkeys(names, dtype))


def net_inside(model):
    for name in ("joint_", "estimator_"):
        model = getattr(model, name, model)
    return model


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:early_stopping watches:UserWarning")
@pytest.mark.parametrize("case", CASES)
def test_a_stack_equals_its_nets_alone(case):
    nets, fits = CASES[case]
    nets = [with_dtype(net, "float64") for net in nets]
    alone = [
        clone(n).fit(*args, **kwargs)
        for n, (args, kwargs) in zip(nets, fits, strict=True)
    ]
    together, sizes = fit_together(nets, fits)
    assert max(sizes) > 1
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(
            one.decision_function(X), other.decision_function(X), rtol=1e-6, atol=1e-9
        )
        one, other = net_inside(one), net_inside(other)
        np.testing.assert_allclose(
            parameters(one), parameters(other), rtol=1e-6, atol=1e-10
        )
        assert len(one.net_.history) == len(other.net_.history)
        for mine, theirs in zip(one.net_.history, other.net_.history, strict=True):
            assert mine.keys() == theirs.keys()
            for epoch in (mine, theirs):
                del epoch["dur"]
            np.testing.assert_allclose(
                flat_numbers(mine), flat_numbers(theirs), rtol=1e-6, atol=1e-9
            )
        assert one.best_iter_ == other.best_iter_


def flat_numbers(value):
    if isinstance(value, dict):
        return [n for key in sorted(value) for n in flat_numbers(value[key])]
    if isinstance(value, list):
        return [number for item in value for number in flat_numbers(item)]
    return [float(value)]


@pytest.mark.parametrize("case", ["early stopping", "folds", "one cycle", "masks"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:early_stopping watches:UserWarning")
def test_whole_fits_in_float32_predict_the_same(case):
    nets, fits = CASES[case]
    longer = [
        with_dtype(net, "float32").set_params(
            **{
                name: 12
                for name, value in net.get_params().items()
                if name.split("__")[-1] == "max_epochs" and value < 12
            }
        )
        for net in nets
    ]
    alone = [
        clone(n).fit(*args, **kwargs)
        for n, (args, kwargs) in zip(longer, fits, strict=True)
    ]
    together, _ = fit_together(longer, fits)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(
            one.predict_proba(X), other.predict_proba(X), atol=1e-4
        )


def test_one_that_diverges_leaves_the_others_sound():
    nets = variants(TIME, learning_rate=[1e-3, 1e30, 1e-2])

    def fit(net):
        try:
            return net.fit(X, Y)
        except ValueError as error:
            return str(error)

    with joblib.parallel_config(backend="together", n_jobs=3, on_cpu=True) as config:
        found = joblib.Parallel()(joblib.delayed(fit)(net) for net in nets)
    assert config["backend"].room.sizes == [3]
    assert "diverged" in found[1]
    for i in (0, 2):
        alone = clone(nets[i]).fit(X, Y)
        np.testing.assert_allclose(
            parameters(alone), parameters(found[i]), rtol=1e-4, atol=1e-6
        )


def test_each_net_leaves_with_a_module_of_its_own():
    nets, _ = fit_together(*CASES["seeds"])
    pointers = [p.data_ptr() for net in nets for p in net.module_.parameters()]
    assert len(set(pointers)) == len(pointers)
    storage = [p.untyped_storage().nbytes() for p in nets[0].module_.parameters()]
    assert storage == [p.nbytes for p in nets[0].module_.parameters()]


def test_partial_fit_goes_on_from_there_as_from_a_fit_alone():
    nets, fits = CASES["seeds"]
    nets = [with_dtype(net, "float64") for net in nets]
    together, _ = fit_together(nets, fits)
    for one, other in zip(nets, together, strict=True):
        alone = clone(one).fit(X, Y).partial_fit(X, Y)
        other.partial_fit(X, Y)
        np.testing.assert_allclose(parameters(alone), parameters(other), rtol=1e-6)


class AtEpochs(Callback):
    """Sees the ends of epochs, and no batches."""

    def __init__(self):
        self.seen = []

    def on_epoch_end(self, net, **kwargs):
        self.seen.append((len(net.history), net.history[-1, "train_loss"]))


class AtBatches(Callback):
    """Counts the batches of the training."""

    def __init__(self):
        self.count = 0

    def on_batch_end(self, net, training=False, **kwargs):
        self.count += training


class AtValidation(AtBatches):
    """Counts those of the validation, and says that it needs no others."""

    training_batches = False

    def on_batch_end(self, net, training=False, **kwargs):
        assert not training
        self.count += 1


def test_callbacks_are_called_as_in_a_fit_alone():
    nets = [clone(TIME).set_params(callbacks=[c()]) for c in (AtEpochs, AtValidation)]
    valid = {"X_val": X[:20], "y_val": Y[:20]}
    fitted, sizes = fit_together(nets, [((X, Y), valid)] * 2)
    assert sizes == [2]
    assert fitted[0].callbacks[0].seen == [
        (i, loss) for i, loss in enumerate(fitted[0].loss_curve_, start=1)
    ]
    assert fitted[1].callbacks[0].count == 4


def test_one_with_a_callback_for_batches_trains_by_itself():
    nets = [clone(TIME).set_params(callbacks=[AtBatches()]), clone(TIME), clone(TIME)]
    fitted, sizes = fit_together(nets, [((X, Y), {})] * 3)
    assert sizes == [2]
    assert fitted[0].callbacks[0].count == 4 * 5  # epochs, of 90 songs by 20


def test_checkpoints_are_written_and_gone_on_from(tmp_path):
    nets = [
        clone(TIME).set_params(max_epochs=m, checkpoint=tmp_path / f"{i}")
        for i, m in enumerate((2, 3))
    ]
    _, sizes = fit_together(nets, [((X, Y), {})] * 2)
    assert sizes == [2]
    longer = [clone(net).set_params(max_epochs=5) for net in nets]
    fitted, _ = fit_together(longer, [((X, Y), {})] * 2)
    alone = clone(TIME).set_params(max_epochs=5).fit(X, Y)
    for net in fitted:
        assert net.n_iter_ == 5
        np.testing.assert_allclose(
            parameters(alone), parameters(net), rtol=1e-4, atol=1e-6
        )


def test_a_stack_that_fails_leaves_its_nets_to_train_by_themselves(monkeypatch):
    def fail(self):
        raise RuntimeError("no rule for this")

    nets, fits = CASES["one cycle"]
    alone = [
        clone(net).fit(*args, **kwargs)
        for net, (args, kwargs) in zip(nets, fits, strict=True)
    ]
    monkeypatch.setattr(StackTensors, "step", fail)
    with pytest.warns(UserWarning, match="one by one.*no rule for this"):
        fitted, _ = fit_together(nets, fits)
    for one, other in zip(alone, fitted, strict=True):
        np.testing.assert_array_equal(parameters(one), parameters(other))


def test_what_does_not_fit_into_memory_is_halved(monkeypatch):
    sizes, whole = [], StackTensors.step

    def step(self):
        if self.position == 0:
            sizes.append(len(self.nets))
        if len(self.nets) > 2:
            raise torch.cuda.OutOfMemoryError
        whole(self)

    monkeypatch.setattr(StackTensors, "step", step)
    nets = variants(TIME, random_state=[0, 1, 2, 3, 4], max_epochs=[2])
    fitted, _ = fit_together(nets, [((X, Y), {})] * 5)
    # Five; two of them; the other three, one of them, and the last two.
    assert sizes == [5, 2, 2, 3, 1, 1, 2, 2]
    for one, other in zip(nets, fitted, strict=True):
        np.testing.assert_allclose(
            parameters(clone(one).fit(X, Y)), parameters(other), rtol=1e-4, atol=1e-6
        )


def test_a_stack_shrinks_when_half_of_its_nets_have_left(monkeypatch):
    sizes, whole = [], StackTensors.run

    def run(self, *args):
        sizes.append(len(self.nets))
        return whole(self, *args)

    monkeypatch.setattr(StackTensors, "run", run)
    nets = variants(TIME, max_epochs=[1, 2, 3, 4])
    fit_together(nets, [((X, Y), {})] * 4)
    assert sizes == [4, 4, 2, 1]

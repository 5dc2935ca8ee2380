"""Nets in a stack are the nets that each would have been alone."""

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from small_models import N_FEATURES, songs

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    SegmentConvClassifier,
    SparseRefitClassifier,
    TimeConvClassifier,
)

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

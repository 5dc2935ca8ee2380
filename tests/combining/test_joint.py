"""Nets and combiner trained together, against a loop written by hand."""

import copy
import pickle

import numpy as np
import pytest
import small_models
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from small_models import vector

from sklearn_msd import (
    FullyConnectedClassifier,
    JointCombiner,
    LinearCombiner,
    RecurrentClassifier,
    TimeConvClassifier,
)

EXACT = small_models.EXACT | {"random_state": 0}
SMALL = small_models.SMALL | EXACT


@pytest.fixture(scope="module")
def songs():
    return small_models.songs()


@pytest.fixture(scope="module")
def frozen(songs):
    X, y = songs
    dense = FullyConnectedClassifier(**SMALL, hidden_layer_sizes=(6,)).fit(X, y)
    conv = TimeConvClassifier(**SMALL, n_kernels=4, hidden_layer_sizes=(6,)).fit(X, y)
    return [("dense", FrozenEstimator(dense)), ("conv", FrozenEstimator(conv))]


def by_hand(frozen, X, y, *, epochs, penalty, l2=0.01, weight=None):
    """Adam on the whole: nets, combiner, ½·l2·Σw² on conv and hidden layers."""
    start = LinearCombiner(frozen, l2=1e-3, shrink_to="zero").fit(
        X, y, sample_weight=weight
    )
    nets = [copy.deepcopy(base.estimator.module_) for _, base in frozen]
    coef = torch.tensor(start.coef_, requires_grad=True)
    intercept = torch.tensor(start.intercept_, requires_grad=True)
    named = [item for net in nets for item in net.named_parameters()]
    optimizer = torch.optim.Adam([p for _, p in named] + [coef, intercept], lr=1e-3)
    inputs, targets = (
        torch.tensor(X),
        torch.tensor(np.unique(y, return_inverse=True)[1]),
    )
    weight = torch.ones(len(X)) if weight is None else torch.tensor(weight)
    weight = weight / weight.double().mean()
    for _ in range(epochs):
        scores = [net(inputs) for net in nets]
        logits = torch.cat(scores, 1) @ coef.T + intercept
        losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        p = [z.softmax(1) for z in scores]
        apart = sum(((q - sum(p) / len(p)) ** 2).sum(1) for q in p) / len(p)
        loss = (weight * (losses - penalty * apart)).mean()
        for name, parameter in named:
            if name.startswith(("conv", "hidden")) and "bias" not in name:
                loss = loss + 0.5 * l2 * (parameter**2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        scores = torch.cat([net(inputs) for net in nets], 1)
        return (scores @ coef.T + intercept).numpy()


@pytest.mark.parametrize("penalty", [0.0, 2.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_trains_as_a_loop_by_hand(songs, frozen, penalty, weighted):
    X, y = songs
    weight = np.random.RandomState(0).rand(len(X)) if weighted else None
    joint = JointCombiner(frozen, similarity_penalty=penalty, max_epochs=6, **EXACT)
    joint.fit(X, y, sample_weight=weight)
    expected = by_hand(frozen, X, y, epochs=6, penalty=penalty, weight=weight)
    assert_allclose(joint.decision_function(X), expected, rtol=1e-6, atol=1e-8)


def test_no_epoch_is_the_linear_combiner(songs, frozen):
    X, y = songs
    joint = JointCombiner(frozen, combiner_l2=0.01, max_epochs=0).fit(X, y)
    linear = LinearCombiner(frozen, l2=0.01, shrink_to="zero").fit(X, y)
    assert_array_equal(joint.decision_function(X), linear.decision_function(X))
    assert joint.validation_scores_ is None


def test_the_users_nets_are_untouched(songs, frozen):
    X, y = songs
    before = [vector(base.estimator) for _, base in frozen]
    predicted = [base.predict_proba(X) for _, base in frozen]
    joint = JointCombiner(frozen, max_epochs=2, **EXACT).fit(X, y)
    for i, (name, base) in enumerate(frozen):
        assert_array_equal(vector(base.estimator), before[i])
        assert_array_equal(base.predict_proba(X), predicted[i])
        trained = joint.named_estimators_[name]
        assert trained is joint.estimators_[i]
        assert trained is not base.estimator
        assert (vector(trained) != before[i]).any()


def test_what_it_predicts_is_the_combination_of_what_it_trained(songs, frozen):
    X, y = songs
    joint = JointCombiner(frozen, max_epochs=2, **EXACT).fit(X, y)
    stacked = np.hstack([net._logits(X) for net in joint.estimators_])
    logits = stacked @ joint.coef_.T + joint.intercept_
    assert_allclose(joint.decision_function(X), logits)
    assert_allclose(joint.joint_._logits(X), logits)
    assert joint.class_contributions_.shape == (2, 3)
    unpickled = pickle.loads(pickle.dumps(joint))
    assert_array_equal(unpickled.decision_function(X), joint.decision_function(X))


def test_the_penalty_drives_the_nets_apart(songs, frozen):
    X, y = songs

    def apart(penalty):
        joint = JointCombiner(
            frozen,
            similarity_penalty=penalty,
            max_epochs=30,
            learning_rate=0.01,
            **EXACT,
        ).fit(X, y)
        first, second = (net.predict_proba(X) for net in joint.estimators_)
        return ((first - second) ** 2).sum(axis=1).mean()

    assert apart(5.0) > 2 * apart(0.0)


def test_nets_that_are_not_frozen_are_fitted_first_and_weights_reach_them(songs):
    X, y = songs
    weight = np.random.RandomState(1).randint(0, 3, size=len(X))
    net = FullyConnectedClassifier(**SMALL, hidden_layer_sizes=(6,))
    half = len(X) // 2
    rows = np.repeat(np.arange(len(X)), weight)
    fitted = []
    for index, w in ((np.arange(len(X)), weight), (rows, None)):
        first, second = np.flatnonzero(index < half), np.flatnonzero(index >= half)
        joint = JointCombiner(
            [("one", net), ("two", clone(net).set_params(random_state=1))],
            cv=[(first, second), (second, first)],
            similarity_penalty=0.5,
            max_epochs=3,
            **EXACT,
        )
        fitted.append(joint.fit(X[index], y[index], sample_weight=w))
    probabilities = [joint.predict_proba(X) for joint in fitted]
    assert_allclose(*probabilities, atol=1e-6)
    assert not hasattr(net, "net_")


def test_validation_curves_and_early_stopping(songs, frozen):
    X, y = songs
    joint = JointCombiner(frozen, max_epochs=3, similarity_penalty=1.0, **EXACT)
    joint.fit(X, y, X_val=X[:30], y_val=y[:30])
    assert joint.validation_scores_[-1] == joint.score(X[:30], y[:30])
    proba = joint.predict_proba(X[:30])
    own = proba[np.arange(30), np.searchsorted(joint.classes_, y[:30])]
    assert_allclose(joint.validation_loss_curve_[-1], -np.log(own).mean())
    stopped = clone(joint).set_params(early_stopping=True, validation_fraction=0.25)
    stopped.set_params(learning_rate=0.1)
    stopped.set_params(max_epochs=50, n_iter_no_change=2).fit(X, y)
    assert len(stopped.loss_curve_) < 50


def test_nets_of_another_type_and_padded_songs():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 12, 5))
    y = np.arange(60) % 3
    X[:30, 8:] = np.nan
    nets = [
        ("recurrent", RecurrentClassifier(n_segment_features=5, hidden_size=4)),
        ("pooled", TimeConvClassifier(n_segment_features=5, global_pooling="max")),
    ]
    for _, net in nets:
        net.set_params(max_epochs=1, dtype="float32", random_state=0).fit(X, y)
    frozen = [(name, FrozenEstimator(net)) for name, net in nets]
    joint = JointCombiner(frozen, max_epochs=1, **EXACT).fit(X, y)
    assert joint.estimators_[0].decision_function(X).dtype == np.float32
    assert np.isfinite(joint.predict_proba(X)).all()


def test_a_base_that_is_no_net(songs, frozen):
    bases = [*frozen, ("logistic", LogisticRegression())]
    with pytest.raises(TypeError, match=r"needs nets .*'logistic' is Logistic"):
        JointCombiner(bases).fit(*songs)

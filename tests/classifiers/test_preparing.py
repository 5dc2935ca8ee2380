"""Weights of classes, fixed logits, and songs to validate on."""

import inspect
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from sklearn_msd import (
    FullyConnectedClassifier,
    JointCombiner,
    NonlinearCombiner,
    SegmentConvClassifier,
    SparseRefitClassifier,
)
from sklearn_msd.classifiers.preparing import hold_out
from sklearn_msd.training.batches import SongDataset

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 6)).astype(np.float32)
CODES = np.arange(60) % 3
X[:, 0] += CODES
NET = FullyConnectedClassifier(
    n_segment_features=1, hidden_layer_sizes=(5,), max_epochs=2, random_state=0
)
CONV = SegmentConvClassifier(
    n_segment_features=1, hidden_layer_sizes=(5,), max_epochs=2, random_state=0
)


def take_class_weight():
    """Every estimator with a `class_weight` of its own or of the net inside."""
    training = NET.training_parameters()
    bases = [("logistic", LogisticRegression())]
    return {
        "net": (NET, "class_weight"),
        "sparse": (SparseRefitClassifier(CONV), "estimator__class_weight"),
        "nonlinear": (NonlinearCombiner(bases, cv=2, **training), "class_weight"),
        "joint": (
            JointCombiner([("a", NET), ("b", NET)], cv=2, **training),
            "class_weight",
        ),
    }


each = pytest.mark.parametrize(
    ("estimator", "name"), take_class_weight().values(), ids=take_class_weight()
)


def fitted(estimator, name, weight, y, **kwargs):
    return clone(estimator).set_params(**{name: weight}).fit(X, y, **kwargs)


@each
def test_labels_that_look_like_numbers(estimator, name):
    # scikit-learn 1.9 looks "1" up as 1.
    y = np.array(["1", "2", "10"])[CODES]
    text = fitted(estimator, name, {"1": 1, "2": 3, "10": 0.5}, y)
    words = np.array(["a", "c", "b"])[CODES]
    same = fitted(estimator, name, {"a": 1, "c": 3, "b": 0.5}, words)
    assert text.classes_.tolist() == ["1", "10", "2"]
    np.testing.assert_array_equal(text.predict_proba(X), same.predict_proba(X))


@each
@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf, None, "2", 1 + 1j])
def test_weights_that_are_none(estimator, name, value):
    message = r"class_weight\['b'\] must be a finite number of at least 0; got"
    with pytest.raises(ValueError, match=message):
        fitted(estimator, name, {"a": 1, "b": value}, np.array(["a", "b", "c"])[CODES])


def test_keys_that_are_no_labels():
    with pytest.raises(ValueError, match=r"classes \[1, 2\] are not in class_weight"):
        fitted(NET, "class_weight", {"1": 2.0, 0: 1}, CODES)
    # More than enough, or for some alone, is as scikit-learn has it.
    more = fitted(NET, "class_weight", {0: 1, 1: 2, 2: 1, 3: 9}, CODES)
    some = fitted(NET, "class_weight", {1: 2}, CODES)
    np.testing.assert_array_equal(more.predict_proba(X), some.predict_proba(X))


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 2],
        [0.0, 1.0, 2.0],
        [False, True, True],
        ["a", "b", "c"],
        np.array(["a", "b", "c"], object),
        np.array(["2001-01-01", "2002-02-02", "2003-03-03"], "M8[D]"),
    ],
    ids=["int", "float", "bool", "text", "object", "dates"],
)
def test_keys_of_every_kind_of_label(labels):
    labels = np.asarray(labels)
    y = labels[CODES]
    weights = dict.fromkeys(labels, 1.0) | {labels[1]: 4.0}
    net = fitted(NET, "class_weight", weights, y)
    same = clone(NET).fit(X, y, sample_weight=np.where(y == labels[1], 4.0, 1.0))
    np.testing.assert_allclose(
        net.predict_proba(X), same.predict_proba(X), rtol=0, atol=1e-6
    )


def test_weights_are_those_of_scikit_learn():
    if "sample_weight" not in inspect.signature(compute_class_weight).parameters:
        pytest.skip("this scikit-learn balances classes by songs, not by weights")
    sample_weight = RNG.uniform(0.5, 2, size=60)
    for class_weight in ("balanced", {0: 1e300, 1: 1e-9, 2: 5}):
        by_class = compute_class_weight(
            class_weight, classes=np.arange(3), y=CODES, sample_weight=sample_weight
        )
        net = fitted(
            NET, "class_weight", class_weight, CODES, sample_weight=sample_weight
        )
        weight = sample_weight * (by_class / by_class.max())[CODES]
        same = clone(NET).fit(X, CODES, sample_weight=weight)
        np.testing.assert_allclose(
            net.predict_proba(X), same.predict_proba(X), rtol=0, atol=1e-6
        )


@each
def test_balanced_where_the_songs_of_a_class_weigh_nothing(estimator, name):
    weight = np.where(CODES == 1, 0.0, 1.0 + (CODES == 2))
    with pytest.warns(UserWarning, match=r"cannot balance the classes \[1\]: all of"):
        balanced = fitted(estimator, name, "balanced", CODES, sample_weight=weight)
    # The others are balanced as if these songs were not there.
    even = np.where(CODES == 1, 0.0, 1.0)
    others = fitted(estimator, name, None, CODES, sample_weight=even)
    proba = balanced.predict_proba(X)
    assert np.isfinite(proba).all()
    if name == "class_weight" and not hasattr(estimator, "estimators"):
        np.testing.assert_allclose(proba, others.predict_proba(X), atol=1e-6)


def test_a_weight_of_0_is_as_if_the_class_was_not_trained():
    net = fitted(NET, "class_weight", {0: 0.0}, CODES)
    same = clone(NET).fit(X, CODES, sample_weight=CODES > 0)
    np.testing.assert_array_equal(net.predict_proba(X), same.predict_proba(X))
    with pytest.raises(ValueError, match="leaves every song with a weight of 0"):
        fitted(NET, "class_weight", dict.fromkeys(range(3), 0), CODES)


def test_songs_that_lack_a_class_of_the_weights():
    net = clone(NET).set_params(class_weight={0: 1, 1: 2})
    net.partial_fit(X, CODES, classes=[0, 1, 2])
    some = CODES != 1
    net.partial_fit(X[some], CODES[some])
    assert np.isfinite(net.loss_curve_).all()


# --- songs to validate on -----------------------------------------------------------


@pytest.mark.parametrize(
    "estimator", [NET, SparseRefitClassifier(CONV)], ids=["net", "sparse"]
)
def test_fixed_logits_for_training_and_validation_songs_or_for_neither(estimator):
    y, logits = CODES, RNG.normal(size=(60, 3))
    validated = {"X_val": X[:30], "y_val": y[:30]}
    message = "base_logits and base_logits_val must be given together"
    with pytest.raises(ValueError, match=message):
        clone(estimator).fit(X, y, base_logits=logits, **validated)
    with pytest.raises(ValueError, match=message):
        clone(estimator).fit(X, y, base_logits_val=logits[:30], **validated)
    net = clone(estimator).fit(
        X, y, base_logits=logits, base_logits_val=logits[:30], **validated
    )
    net = getattr(net, "estimator_", net)
    scores = logits[:30] + net.decision_function(X[:30])
    right = (scores.argmax(axis=1) == y[:30]).mean()
    assert net.validation_scores_[-1] == pytest.approx(right)


def test_validation_songs_that_a_pipeline_leaves_unscaled():
    raw = 300 * X - 5000
    model = make_pipeline(StandardScaler(), clone(NET))
    step = model.steps[-1][0]
    unscaled = {f"{step}__X_val": raw, f"{step}__y_val": CODES}
    with pytest.warns(UserWarning, match=r"X_val looks unscaled: the mean size of an"):
        model.fit(raw, CODES, **unscaled)


@pytest.mark.parametrize("factor", [0.1, 6.0])
def test_validation_songs_of_another_scale(factor):
    # By themselves, neither looks unscaled.
    with pytest.warns(UserWarning, match=r"X_val looks unscaled: .*, that of X 0\.86"):
        clone(NET).fit(X, CODES, X_val=factor * X, y_val=CODES)


@pytest.mark.parametrize("n_val", [1, 3, 60])
@pytest.mark.filterwarnings("ignore:No validation song is of")
def test_validation_songs_scaled_alike(n_val):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="X_val looks")
        clone(NET).fit(X, CODES, X_val=X[:n_val], y_val=CODES[:n_val])
        bases = [("logistic", LogisticRegression(C=1e-6))]
        combiner = NonlinearCombiner(bases, cv=2, **NET.training_parameters())
        combiner.fit(X, CODES, X_val=100 * X[:n_val], y_val=CODES[:n_val])


def test_songs_held_out_have_the_classes_shares():
    y = np.repeat([0, 1, 2], [30, 20, 10])
    net = SimpleNamespace(
        validation_fraction=0.2, classes_=np.arange(3), _rng=np.random.RandomState(0)
    )
    train, valid = hold_out(net, SongDataset(X, y))
    assert np.bincount(train.y).tolist() == [24, 16, 8]
    assert np.bincount(valid.y).tolist() == [6, 4, 2]


def test_weights_whose_sum_is_beyond_all_numbers():
    huge = np.tile([1.5e308, 0.75e308], 30)
    net = clone(NET).fit(X, CODES, sample_weight=huge)
    same = clone(NET).fit(X, CODES, sample_weight=huge / 0.75e308)
    np.testing.assert_array_equal(net.predict_proba(X), same.predict_proba(X))

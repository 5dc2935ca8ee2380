"""Labels and weights in any container, in every classifier."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from small_models import every_classifier, songs

X, _ = songs()
# Classes that the songs do not show: what is missed of them does not matter here.
CODES = np.arange(len(X)) % 3
WEIGHT = 1.0 + np.arange(len(X)) % 2
EVERY = every_classifier()
each = pytest.mark.parametrize("name", EVERY)


def fitted(name, y, weight=None):
    return clone(EVERY[name]).fit(X, y, sample_weight=weight)


@each
def test_tensors_are_the_labels_and_weights_that_they_hold(name):
    expected = fitted(name, CODES, WEIGHT)
    y = torch.tensor(CODES.astype(float), requires_grad=True)
    weight = torch.tensor(WEIGHT, requires_grad=True)
    found = fitted(name, y, weight)
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))
    assert found.classes_.tolist() == [0, 1, 2]
    score = expected.score(X, CODES, sample_weight=WEIGHT)
    assert found.score(X, y, sample_weight=weight) == score
    half = torch.tensor(CODES).to(torch.bfloat16)
    assert found.score(X, half) == expected.score(X, CODES)


@each
def test_a_label_that_is_masked_is_no_label(name):
    mask = np.zeros(len(X), bool)
    whole = fitted(name, np.ma.array(CODES, mask=mask))
    proba = fitted(name, CODES).predict_proba(X)
    np.testing.assert_array_equal(whole.predict_proba(X), proba)
    mask[[4, 7]] = True
    message = "y has 2 masked labels, the first of them at 4: leave out songs"
    for labels in (CODES, np.array(["a", "b", "c"])[CODES]):
        masked = np.ma.array(labels, mask=mask)
        with pytest.raises(ValueError, match=message):
            fitted(name, masked)
        with pytest.raises(ValueError, match=message):
            whole.score(X, masked)


@each
def test_a_weight_that_is_masked_is_no_weight(name):
    weight = np.ma.array(WEIGHT, mask=np.arange(len(X)) == 3)
    with pytest.raises(ValueError, match="Input sample_weight contains NaN"):
        fitted(name, CODES, weight)


@each
@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (torch.empty(len(X), device="meta"), TypeError, "y must be a dense tensor"),
        (torch.tensor(CODES).to_sparse(), TypeError, "y must be a dense tensor"),
        (
            np.where(CODES == 1, None, "a"),
            ValueError,
            "y must hold labels .* None for 30",
        ),
    ],
    ids=["without data", "sparse", "None"],
)
def test_labels_that_are_none(name, labels, error, message):
    with pytest.raises(error, match=message):
        fitted(name, labels)


@pytest.mark.parametrize("name", ["FullyConnectedClassifier", "RecurrentClassifier"])
def test_labels_to_validate_on_and_those_of_partial_fit(name):
    net = clone(EVERY[name])
    y = torch.tensor(CODES.astype(float), requires_grad=True)
    expected = clone(net).fit(X, CODES, X_val=X, y_val=CODES).validation_loss_curve_
    assert clone(net).fit(X, y, X_val=X, y_val=y).validation_loss_curve_ == expected
    masked = np.ma.array(CODES, mask=CODES == 1)
    with pytest.raises(ValueError, match="y_val has 30 masked labels"):
        clone(net).fit(X, CODES, X_val=X, y_val=masked)
    with pytest.raises(ValueError, match="y has 30 masked labels"):
        clone(net).partial_fit(X, masked, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="classes has 1 masked labels"):
        clone(net).partial_fit(X, y, classes=np.ma.array([0, 1, 2], mask=[0, 0, 1]))
    net.partial_fit(X, y, classes=torch.tensor([0.0, 1, 2], requires_grad=True))
    assert net.classes_.tolist() == [0, 1, 2]


def test_corrections_are_scored_on_labels_in_any_container():
    corrected = fitted("CorrectingClassifier", CODES)
    y = torch.tensor(CODES.astype(float), requires_grad=True)
    expected = list(corrected.staged_score(X, CODES, sample_weight=WEIGHT))
    assert list(corrected.staged_score(X, y, torch.tensor(WEIGHT))) == expected
    with pytest.raises(ValueError, match="masked labels"):
        list(corrected.staged_score(X, np.ma.array(CODES, mask=CODES == 1)))

"""From logits to predictions, against their definitions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator

from sklearn_msd.classifiers.logit_classifier import LogitClassifierMixin


class Scorer(LogitClassifierMixin, BaseEstimator):
    """Its input are its logits."""

    def __init__(self, n_classes):
        self.classes_ = np.array(["a", "b", "c"])[:n_classes]

    def _logits(self, X):
        return np.asarray(X)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions_of_logits(n_classes):
    X = np.random.RandomState(0).normal(size=(20, n_classes)) * 3
    scorer = Scorer(n_classes)
    odds = np.exp(X)
    assert_allclose(scorer.predict_proba(X), odds / odds.sum(axis=1, keepdims=True))
    assert_allclose(np.exp(scorer.predict_log_proba(X)), scorer.predict_proba(X))
    best = [scorer.classes_[row.index(max(row))] for row in X.tolist()]
    assert_array_equal(scorer.predict(X), best)
    assert scorer.score(X, best) == 1


def test_decision_function_has_the_shape_that_scikit_learn_expects():
    three = [[1.0, 5.0, 2.0]]
    assert_array_equal(Scorer(3).decision_function(three), three)
    assert_array_equal(Scorer(2).decision_function([[1.0, 5.0]]), [4.0])


def test_log_probabilities_do_not_round_to_minus_infinity():
    X = [[0.0, 5000.0]]
    assert_array_equal(Scorer(2).predict_log_proba(X), [[-5000, 0]])

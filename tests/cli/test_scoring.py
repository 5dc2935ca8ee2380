import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from sklearn_msd.cli.scoring import scores

RNG = np.random.default_rng(0)
Y = np.arange(60) % 12  # as text, 10 and 11 come before 2
X = RNG.normal(size=(60, 4)) + Y[:, None]
MODEL = LogisticRegression(max_iter=1000).fit(X, Y)


def test_numbers_as_labels_are_scored_as_scikit_learn_would():
    found = scores(MODEL, X, Y)
    assert found["accuracy"] == MODEL.score(X, Y)
    assert found["log_loss"] == pytest.approx(log_loss(Y, MODEL.predict_proba(X)))
    assert list(found["classes"]) == [str(i) for i in range(12)]
    recall = (MODEL.predict(X) == Y)[Y == 10].mean()
    assert found["classes"]["10"]["recall"] == recall
    assert found["classes"]["10"]["songs"] == 5


def test_some_of_the_labels_are_enough():
    found = scores(MODEL, X[Y < 2], Y[Y < 2])
    expected = log_loss(Y[Y < 2], MODEL.predict_proba(X[Y < 2]), labels=np.arange(12))
    assert found["log_loss"] == pytest.approx(expected)


def test_a_label_that_the_model_does_not_know():
    with pytest.raises(ValueError, match="label 'polka' is none of the model's: 0, 1"):
        scores(MODEL, X[:1], np.array(["polka"]))

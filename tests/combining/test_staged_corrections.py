"""Predictions corrector after corrector, against equation 3 written out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.base import clone
from small_models import DENSE, frozen_nets

from sklearn_msd import (
    CorrectingClassifier,
    class_logits,
)


@pytest.fixture(scope="module", params=[2, 3])
def setting(request):
    X, y, bases = frozen_nets(request.param)
    return X, y, bases[1][1]


def test_probabilities_are_those_of_the_sum(setting):
    # Fails if the offset is forgotten in predicting: the corrector alone is far off.
    X, y, base = setting
    corrected = CorrectingClassifier(base, DENSE).fit(X, y)
    total = class_logits(base, X) + corrected.correction(X)
    assert_array_equal(corrected.predict_proba(X), softmax(total, axis=1))
    assert_array_equal(corrected.predict(X), corrected.classes_[total.argmax(axis=1)])
    forgotten = softmax(corrected.correction(X), axis=1)
    assert abs(corrected.predict_proba(X) - forgotten).max() > 0.1


def test_correctors_are_stacked_each_on_the_sum_so_far(setting):
    X, y, base = setting
    stacked = CorrectingClassifier(base, DENSE, n_corrections=3, shrinkage=0.5)
    stacked.fit(X, y)
    logits = base.estimator._logits(X)
    stages = [softmax(logits, axis=1)]
    for _ in range(3):
        stage = clone(DENSE).fit(X, y, base_logits=logits)
        logits = logits + np.float32(0.5) * stage._logits(X)
        stages.append(softmax(logits, axis=1))
    for got, expected in zip(stacked.staged_predict_proba(X), stages, strict=True):
        assert_allclose(got, expected, rtol=1e-5)
    assert_allclose(stacked.predict_proba(X), stages[-1], rtol=1e-5)
    scores = list(stacked.staged_score(X, y))
    assert scores[0] == base.score(X, y)
    assert scores[-1] == stacked.score(X, y)
    weight = np.arange(len(X))
    *_, last = stacked.staged_score(X, y, sample_weight=weight)
    assert_allclose(last, stacked.score(X, y, sample_weight=weight))


def test_hidden_representation_and_output_are_inputs_beside_the_songs(setting):
    X, y, base = setting
    corrected = CorrectingClassifier(base, DENSE, use_hidden=True).fit(X, y)
    net = base.estimator
    wide = np.hstack([X, net.hidden_representation(X), net._logits(X)])
    # A width that 5 does not divide.
    assert corrected.correctors_[0].n_features_in_ == wide.shape[1]
    assert wide.shape[1] % 5
    alone = clone(DENSE).set_params(n_segment_features=1)
    alone.fit(wide, y, base_logits=net._logits(X))
    assert_allclose(corrected.correction(X), alone._logits(wide), rtol=1e-5)
    assert corrected.n_features_in_ == X.shape[1]
    cube = X.reshape(len(X), -1, 5)
    assert_array_equal(corrected.predict_proba(cube), corrected.predict_proba(X))

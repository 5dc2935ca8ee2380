"""What estimators are defined by, as JSON."""

import json
import math

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msd import LinearCombiner, SegmentConvClassifier, TimeConvClassifier
from sklearn_msd.common.scikit_learn.definition import definition


class Holder(BaseEstimator):
    def __init__(self, value=None):
        self.value = value


def text(value, **kwargs):
    return json.dumps(definition(Holder(value), **kwargs), allow_nan=False)


SAME = [
    ([1, 2], (1, 2)),
    (np.array([1, 2]), [1, 2]),
    (np.float64(0.5), 0.5),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"x", "y", "z"}, frozenset({"z", "y", "x"})),
    (StandardScaler(), StandardScaler(copy=True)),
    (math.nan, np.float32("nan")),
]
OTHER = [
    ([1, 2], [2, 1]),
    ({1: "a"}, {"1": "a"}),
    (1, "1"),
    (math.inf, "inf"),
    (math.inf, -math.inf),
    (None, "None"),
    (StandardScaler(), StandardScaler(with_std=False)),
    (StandardScaler(), {"class": "sklearn.StandardScaler"}),
]


@pytest.mark.parametrize("pair", SAME, ids=repr)
def test_equal_values_have_one_definition(pair):
    assert text(pair[0]) == text(pair[1])


@pytest.mark.parametrize("pair", OTHER, ids=repr)
def test_other_values_have_another(pair):
    assert text(pair[0]) != text(pair[1])


def test_an_estimator_is_its_name_and_parameters_however_nested():
    net = TimeConvClassifier(kernel_height=5, verbose=1, device="cpu")
    model = make_pipeline(
        StandardScaler(), LinearCombiner([("a", FrozenEstimator(net))], cv=3)
    )
    found = definition(model)
    _, (_, combiner) = found["params"]["steps"]
    assert combiner["class"] == "sklearn_msd.LinearCombiner"
    (_, frozen), *_ = combiner["params"]["estimators"]
    inner = frozen["params"]["estimator"]
    assert inner["class"] == "sklearn_msd.TimeConvClassifier"
    assert inner["params"]["kernel_height"] == 5
    assert not {"verbose", "device", "callbacks", "checkpoint"} & set(inner["params"])
    assert definition(net, without=())["params"].keys() == net.get_params().keys()
    net.kernel_height = 6
    assert definition(model) != found
    assert definition(SegmentConvClassifier()) != definition(TimeConvClassifier())


def test_what_has_no_form_is_an_error_or_what_one_says():
    estimator = LogisticRegression(class_weight=object())
    with pytest.raises(TypeError, match="no part of a definition"):
        definition(estimator)
    found = definition(estimator, other=lambda value: type(value).__name__)
    assert found["params"]["class_weight"] == "object"

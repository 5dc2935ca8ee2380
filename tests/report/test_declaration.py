import json

import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from sklearn_msd import SegmentConvClassifier, TimeConvClassifier
from sklearn_msd.common.scikit_learn.definition import definition
from sklearn_msd.report.declaration import bases, configured, rebuild


def combined():
    return VotingClassifier(
        [
            ("a", FrozenEstimator(SegmentConvClassifier())),
            ("b", LogisticRegression()),
        ]
    )


def test_a_definition_is_json_and_changes_with_any_parameter():
    net = TimeConvClassifier(hidden_layer_sizes=(10,))
    text = json.dumps(definition(net))
    assert text == json.dumps(definition(TimeConvClassifier(hidden_layer_sizes=[10])))
    for changed in ({"kernel_height": 4}, {"l2": 0.1}, {"hidden_layer_sizes": (11,)}):
        assert json.dumps(definition(net.__class__(**changed))) != text


def test_where_it_is_trained_is_no_part_of_a_definition():
    assert definition(TimeConvClassifier(device="cpu", verbose=1)) == definition(
        TimeConvClassifier()
    )


def test_a_definition_goes_into_bases():
    other = combined()
    other.estimators[0][1].estimator.l2 = 1.0
    assert definition(other) != definition(combined())


def test_what_has_no_form_in_json_is_refused():
    with pytest.raises(TypeError, match="no part of a definition"):
        definition(LogisticRegression(class_weight=object()))


def test_configured_reaches_nested_estimators_and_copies():
    original = combined()
    ready = configured(original, max_epochs=7, random_state=3)
    frozen, logistic = ready.estimators[0][1], ready.estimators[1][1]
    assert (frozen.estimator.max_epochs, frozen.estimator.random_state) == (7, 3)
    assert logistic.random_state == 3
    assert original.estimators[0][1].estimator.max_epochs == 100


def test_bases_are_found_and_replaced():
    (base,) = bases(combined())
    assert isinstance(base, SegmentConvClassifier)
    replaced = rebuild(combined(), lambda frozen: "fitted")
    assert replaced.estimators[0] == ("a", "fitted")

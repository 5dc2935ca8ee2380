"""Shared training parameters: one list of them, described once."""

import inspect

from sklearn_msd.classifiers.net_classifiers import FullyConnectedClassifier
from sklearn_msd.training.parameters import TrainingParameters


def test_values_of_these_parameters_and_no_others():
    net = FullyConnectedClassifier(l2=0.5, hidden_layer_sizes=(3,), warm_start=True)
    values = net.training_parameters()
    assert values["l2"] == 0.5
    assert values == {**TrainingParameters().training_parameters(), "l2": 0.5}
    assert not {"hidden_layer_sizes", "warm_start", "n_segment_features"} & set(values)


def test_every_parameter_has_a_constraint_and_a_description():
    names = set(inspect.signature(TrainingParameters).parameters)
    assert names == set(TrainingParameters._parameter_constraints)
    for name in names:
        assert f"\n{name} : " in inspect.getdoc(FullyConnectedClassifier)

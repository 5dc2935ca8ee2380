"""What a base must be, whoever builds on it."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from sklearn_msd.classifiers.net_classifiers import FullyConnectedClassifier
from sklearn_msd.combining.bases import (
    LearningCurvesMixin,
    check_fitted_base,
    check_labels,
    fit_base,
    fitted_base_logits,
    take_feature_names,
    unfrozen_net,
)

X = np.random.RandomState(0).normal(size=(30, 4))
y = np.array(["a", "b", "c"])[np.arange(30) % 3]


class Owner:
    pass


def test_labels_set_the_classes():
    owner = Owner()
    with pytest.warns(UserWarning, match="column-vector"):
        assert check_labels(owner, y[:, None]).shape == (30,)
    assert owner.classes_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "requires y to be passed"),
        (["a"] * 30, "at least 2 classes"),
        (np.linspace(0, 1, 30), "Unknown label type"),
    ],
)
def test_no_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        check_labels(Owner(), labels)


def test_a_frozen_base_is_handed_back_and_others_are_cloned():
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    assert fit_base(frozen, X, y, {}) is frozen
    estimator = LogisticRegression()
    fitted = fit_base(estimator, X, y, {"sample_weight": np.ones(30)})
    assert fitted is not estimator
    assert not hasattr(estimator, "coef_")


def test_bases_that_cannot_be_used_as_they_are():
    classes = np.unique(y)
    with pytest.raises(
        NotFittedError, match="'conv' is to be used as it is but is not"
    ):
        check_fitted_base("conv", FrozenEstimator(LogisticRegression()), classes)
    fitted = LogisticRegression().fit(X[y != "b"], y[y != "b"])
    with pytest.raises(ValueError, match=r"'conv' .*\['a', 'c'\]; y has \['a', 'b', "):
        check_fitted_base("conv", fitted, classes)
    with pytest.raises(ValueError, match=r"'conv' cannot predict X: X has 3 features"):
        fitted_base_logits("conv", fitted, X[:, :3])


def test_only_nets_can_train_on():
    net = FullyConnectedClassifier()
    assert unfrozen_net("base", FrozenEstimator(net), "This") is net
    assert unfrozen_net("base", net, "This") is net
    with pytest.raises(TypeError, match=r"This needs nets .*; base is LogisticRegr"):
        unfrozen_net("base", FrozenEstimator(LogisticRegression()), "This")


def test_curves_follow_one_another():
    class Trained(LearningCurvesMixin):
        def __init__(self, *nets):
            self.nets = nets

        def _trained_nets(self):
            return self.nets

    net = FullyConnectedClassifier(n_segment_features=1, max_epochs=2, random_state=0)
    watched = net.fit(X, y, X_val=X, y_val=y)
    twice = Trained(watched, watched)
    assert twice.loss_curve_ == watched.loss_curve_ * 2
    assert twice.validation_loss_curve_ == watched.validation_loss_curve_ * 2
    assert twice.validation_scores_ == watched.validation_scores_ * 2
    assert Trained().validation_scores_ is None


def test_column_names_are_taken_anew_in_each_fit():
    pd = pytest.importorskip("pandas")
    owner = Owner()
    named = LogisticRegression().fit(pd.DataFrame(X, columns=list("abcd")), y)
    take_feature_names(owner, [LogisticRegression().fit(X, y), named])
    assert owner.feature_names_in_.tolist() == list("abcd")
    take_feature_names(owner, [LogisticRegression().fit(X, y)])
    assert not hasattr(owner, "feature_names_in_")

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV

from sklearn_msd import RecurrentClassifier, SegmentConvClassifier, TimeConvClassifier
from sklearn_msd.classifiers.sparse_refit import SparseRefitClassifier
from sklearn_msd.datasets import make_songs


@pytest.fixture(scope="module")
def songs():
    return make_songs(120, n_segments=20, n_classes=3, random_state=0)


NET = TimeConvClassifier(
    n_kernels=6, hidden_layer_sizes=(10,), max_epochs=4, random_state=0
)


def weights(net):
    return {name: p.detach().numpy() for name, p in net.module_.named_parameters()}


def sparse(net=NET, **params):
    return SparseRefitClassifier(clone(net), **({"threshold": 0.05} | params))


@pytest.mark.parametrize("layers", [("conv",), ("hidden",), ("conv", "hidden")])
def test_masked_weights_are_exactly_zero_and_the_rest_is_not(songs, layers):
    model = sparse(layers=layers).fit(*songs)
    refitted, dense = weights(model.estimator_), weights(model.dense_estimator_)
    assert {name.split(".")[0] for name in model.masks_} == set(layers)
    for name, mask in model.masks_.items():
        assert_array_equal(mask, np.abs(dense[name]) >= 0.05)
        assert 0 < mask.mean() < 1
        assert_array_equal(refitted[name] == 0, ~mask)
    unmasked = set(refitted) - set(model.masks_)
    assert all((refitted[name] != 0).any() for name in unmasked)


def test_the_first_net_has_l1_in_place_of_l2_on_these_layers(songs):
    model = sparse(l1=0.003).fit(*songs)
    first, second = model.dense_estimator_, model.estimator_
    assert (first.l1, first.l1_layers, first.l2_layers) == (
        0.003,
        ("conv",),
        ("hidden",),
    )
    assert (second.l1, second.l2_layers) == (0.0, ("conv", "hidden"))


def test_the_second_net_starts_afresh(songs):
    # With a penalty and a threshold of 0 both nets are the same but for their start.
    net = clone(NET).set_params(l2=0.0, max_epochs=1, learning_rate=1e-12)
    model = sparse(net, l1=0.0, threshold=0.0).fit(*songs)
    first, second = weights(model.dense_estimator_), weights(model.estimator_)
    assert not np.allclose(first["conv.0.weight"], second["conv.0.weight"])


def test_without_masked_weights_it_is_the_net_itself(songs):
    model = sparse(threshold=0.0).fit(*songs)
    seed = model.estimator_.random_state
    plain = clone(NET).set_params(random_state=seed).fit(*songs)
    X = songs[0]
    assert_array_equal(model.decision_function(X), plain.decision_function(X))
    assert model.sparsity_["total"] == 0


def test_one_random_state_decides_everything(songs):
    X = songs[0]
    logits = [sparse().fit(*songs).decision_function(X) for _ in range(2)]
    assert_array_equal(*logits)
    other = sparse().set_params(estimator__random_state=1).fit(*songs)
    assert not np.allclose(logits[0], other.decision_function(X))


def test_sparsity_is_the_share_of_zeros(songs):
    model = sparse().fit(*songs)
    masks = model.masks_
    zeros = sum(int((~mask).sum()) for mask in masks.values())
    size = sum(mask.size for mask in masks.values())
    assert model.sparsity_["total"] == pytest.approx(zeros / size)
    for name, mask in masks.items():
        assert model.sparsity_[name] == pytest.approx(1 - mask.mean())


def test_a_stronger_l1_and_a_higher_threshold_mask_more(songs):
    shares = [
        sparse(l1=l1, threshold=threshold).fit(*songs).sparsity_["total"]
        for l1, threshold in ((1e-4, 0.05), (1e-2, 0.05), (1e-2, 0.1))
    ]
    assert shares == sorted(shares)
    assert shares[0] < shares[2]


def test_grid_search_over_the_threshold(songs):
    search = GridSearchCV(sparse(), {"threshold": [0.01, 0.1]}, cv=2, n_jobs=2)
    search.fit(*songs)
    assert search.best_estimator_.masks_


def test_validation_curves_are_the_second_nets(songs):
    X, y = songs
    model = sparse().fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert model.estimator_.validation_scores_[-1] == pytest.approx(
        model.score(X[80:], y[80:])
    )
    assert model.dense_estimator_.validation_scores_ is None


def test_it_survives_pickling_and_trains_on_under_the_mask(songs):
    model = sparse().fit(*songs)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(songs[0]), model.predict_proba(songs[0]))
    again.estimator_.partial_fit(*songs)
    for name, mask in again.masks_.items():
        assert_array_equal(weights(again.estimator_)[name][~mask], 0)


def test_weights_reach_both_nets(songs):
    X, y = songs
    net = clone(NET).set_params(dtype="float64", batch_size=1000)
    weight = np.repeat([1.0, 0.0], [100, 20])
    weighted = sparse(net).fit(X, y, sample_weight=weight)
    # Only the proportions of weights count.
    doubled = sparse(net).fit(X, y, sample_weight=2 * weight)
    plain = sparse(net).fit(X, y)
    a, b, c = (weights(m.dense_estimator_) for m in (weighted, doubled, plain))
    assert_allclose(a["conv.0.weight"], b["conv.0.weight"], rtol=1e-6)
    assert not np.allclose(a["conv.0.weight"], c["conv.0.weight"])
    a, c = weights(weighted.estimator_), weights(plain.estimator_)
    assert not np.allclose(a["output.weight"], c["output.weight"])


def test_a_recurrent_net_too(songs):
    net = RecurrentClassifier(hidden_size=5, max_epochs=2, random_state=0)
    model = sparse(net, layers=("recurrent",)).fit(*songs)
    for name, mask in model.masks_.items():
        assert_array_equal(weights(model.estimator_)[name][~mask], 0)


def test_masking_everything_warns(songs):
    with pytest.warns(UserWarning, match="masks all weights of conv"):
        sparse(threshold=10.0).fit(*songs)


def test_layers_that_the_net_lacks_warn(songs):
    with pytest.warns(UserWarning, match="has none of layers"):
        sparse(layers=("recurrent",)).fit(*songs)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"layers": ("kernel",)}, "layers must be"),
        ({"layers": "conv"}, "layers must be|'layers' parameter"),
        ({"layers": ()}, "layers must be"),
        ({"layers": [["conv"]]}, "layers must be"),
        ({"layers": RandomForestClassifier()}, "'layers' parameter"),
        ({"threshold": -1.0}, "'threshold' parameter"),
        ({"l1": -1.0}, "'l1' parameter"),
        ({"estimator": 3}, "'estimator' parameter"),
    ],
)
def test_bad_parameters(songs, params, message):
    model = SparseRefitClassifier(SegmentConvClassifier()).set_params(**params)
    with pytest.raises(ValueError, match=message):
        model.fit(*songs)

"""The correcting classifier against its equations and a loop written by hand."""

import copy
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from small_models import CONV, DENSE, EXACT, SMALL, Counting, frozen_nets, songs, vector

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    LinearCombiner,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
    class_logits,
)
from sklearn_msd.combining.logits import out_of_fold_logits
from sklearn_msd.nets.fully_connected import FullyConnectedNet


@pytest.fixture(scope="module", params=[2, 3])
def setting(request):
    X, y, bases = frozen_nets(request.param)
    return X, y, bases[1][1]


@dataclass(kw_only=True, eq=False, repr=False)
class ZeroClassifier(FullyConnectedClassifier):
    """A net that adds nothing, whatever it is trained on."""

    def _make_module(self, n_inputs, n_classes):
        class ZeroNet(FullyConnectedNet):
            def forward(self, x):
                return 0.0 * super().forward(x)

        return ZeroNet(n_inputs, n_classes, (2,))


# --- equation 3 -----------------------------------------------------------------------


@pytest.mark.parametrize("combine", ["sum", "linear"])
def test_a_corrector_of_zeros_leaves_the_base(setting, combine):
    X, y, base = setting
    zero = ZeroClassifier(n_segment_features=5, max_epochs=2, learning_rate=1e-12)
    corrected = CorrectingClassifier(base, zero, combine=combine).fit(X, y)
    if combine == "sum":
        assert_array_equal(corrected.predict_proba(X), base.predict_proba(X))
        assert_array_equal(corrected.predict_log_proba(X), base.predict_log_proba(X))
        assert_array_equal(corrected.decision_function(X), base.decision_function(X))
    assert_allclose(corrected.predict_proba(X), base.predict_proba(X), rtol=1e-5)
    assert_array_equal(corrected.predict(X), base.predict(X))


def by_hand(base, X, y, corrector, *, weight=None, train_base=False, linear=False):
    """Adam on the cross-entropy of softmax(base + correction), ½·l2·Σw² on `hidden`."""
    start = clone(corrector).set_params(learning_rate=1e-300, max_epochs=1, l2=0.0)
    net = copy.deepcopy(start.fit(X, y).module_)  # as it was drawn
    base = copy.deepcopy(base.estimator.module_).double()
    inputs = torch.tensor(X)
    classes, labels = np.unique(y, return_inverse=True)
    targets, eye = torch.tensor(labels), torch.eye(len(classes), dtype=torch.float64)
    weight = np.ones(len(X)) if weight is None else weight
    weight = torch.tensor(weight / weight.mean())
    combiner = torch.cat([eye, eye], 1).requires_grad_()
    bias = torch.zeros(len(classes), dtype=torch.float64, requires_grad=True)
    trained = list(net.named_parameters())
    if train_base:
        trained += list(base.named_parameters())
    extra = [combiner, bias] if linear else []
    optimizer = torch.optim.Adam(
        [p for _, p in trained] + extra, lr=corrector.learning_rate
    )

    def logits():
        base_logits = base(inputs) if train_base else base(inputs).detach()
        return torch.cat([base_logits, net(inputs)], 1) @ combiner.T + bias

    for _ in range(corrector.max_epochs):
        losses = torch.nn.functional.cross_entropy(logits(), targets, reduction="none")
        loss = (weight * losses).mean()
        for name, parameter in trained:
            if name.startswith(("conv", "hidden")) and "bias" not in name:
                loss = loss + 0.5 * corrector.l2 * (parameter**2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return softmax(logits().detach().numpy(), axis=1)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize("combine", ["sum", "linear"])
def test_trains_as_a_loop_by_hand(setting, freeze, combine, weighted):
    X, y, _ = setting
    base = FrozenEstimator(clone(CONV).set_params(dtype="float64").fit(X, y))
    corrector = clone(DENSE).set_params(**EXACT, learning_rate=0.01, max_epochs=8)
    weight = np.random.RandomState(0).rand(len(X)) if weighted else None
    corrected = CorrectingClassifier(base, corrector, freeze=freeze, combine=combine)
    corrected.fit(X, y, sample_weight=weight)
    expected = by_hand(
        base, X, y, corrector, weight=weight,
        train_base=not freeze, linear=combine == "linear",
    )  # fmt: skip
    assert_allclose(corrected.predict_proba(X), expected, rtol=1e-6, atol=1e-9)


def test_the_sum_is_the_linear_combination_with_unit_weights(setting):
    X, y, base = setting
    added = CorrectingClassifier(base, DENSE).fit(X, y)
    linear = CorrectingClassifier(base, DENSE, combine="linear").fit(X, y)
    weights, _ = linear.combiners_[0]
    n_classes = len(linear.classes_)
    assert weights.shape == (n_classes, 2 * n_classes)
    assert abs(weights - np.hstack([np.eye(n_classes)] * 2)).max() > 1e-4
    linear.correctors_ = added.correctors_
    unit = np.hstack([np.eye(n_classes)] * 2)
    linear.combiners_ = [(unit, np.zeros(n_classes))]
    assert_allclose(linear.predict_proba(X), added.predict_proba(X), rtol=1e-6)
    # The same special case of the combiner of models trained apart.
    pair = [("base", base), ("corrector", FrozenEstimator(added.correctors_[0]))]
    combiner = LinearCombiner(pair).fit(X, y)
    combiner.coef_, combiner.intercept_ = unit, np.zeros(n_classes)
    assert_allclose(combiner.predict_proba(X), added.predict_proba(X), rtol=1e-6)


# --- frozen or not --------------------------------------------------------------------


@pytest.mark.parametrize("n_corrections", [1, 3])
def test_a_frozen_base_is_asked_once_for_a_fit(n_corrections):
    X, y = songs()
    base = FrozenEstimator(Counting().fit(X, y))
    Counting.asked.clear()
    corrected = CorrectingClassifier(base, DENSE, n_corrections=n_corrections)
    corrected.fit(X, y)
    assert Counting.asked == [len(X)]
    assert corrected.estimator_ is base


@pytest.mark.parametrize("use_hidden", [False, True])
def test_frozen_means_frozen(setting, use_hidden):
    X, y, base = setting
    before, predicted = vector(base), base.predict_proba(X)
    corrected = CorrectingClassifier(base, DENSE, use_hidden=use_hidden).fit(X, y)
    assert vector(base).tobytes() == before.tobytes()
    assert_array_equal(corrected.estimator_.predict_proba(X), predicted)


@pytest.mark.parametrize("use_hidden", [False, True])
def test_unfrozen_trains_a_copy(setting, use_hidden):
    X, y, base = setting
    before, predicted = vector(base), base.predict_proba(X)
    corrected = CorrectingClassifier(
        base, DENSE, freeze=False, use_hidden=use_hidden, n_corrections=2
    ).fit(X, y)
    assert vector(base).tobytes() == before.tobytes()
    assert_array_equal(base.predict_proba(X), predicted)
    trained = corrected.estimator_
    assert type(trained) is TimeConvClassifier
    assert (vector(trained) != before).any()
    total = trained._logits(X) + corrected.correction(X)
    assert_allclose(corrected.predict_proba(X), softmax(total, axis=1), rtol=1e-4)


def test_a_base_that_is_not_frozen_is_cloned_and_fitted_first(setting):
    X, y, _ = setting
    base = clone(CONV)
    corrected = CorrectingClassifier(base, DENSE).fit(X, y)
    assert not hasattr(base, "net_")
    assert_array_equal(vector(corrected.estimator_), vector(clone(CONV).fit(X, y)))


# --- variants -------------------------------------------------------------------------


def test_out_of_fold_logits_train_the_corrector_alone():
    X, y = songs()
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    corrected = CorrectingClassifier(GaussianNB(), DENSE, cv=cv).fit(X, y)
    held_out = out_of_fold_logits(GaussianNB(), X, y, cv=cv)
    alone = clone(DENSE).fit(X, y, base_logits=held_out)
    assert_array_equal(corrected.correction(X), alone._logits(X))
    fitted = GaussianNB().fit(X, y)
    assert_array_equal(corrected.estimator_.predict_proba(X), fitted.predict_proba(X))


def columns_that_say_nothing(X):
    return X[:, 1::5]


def test_a_base_that_knows_its_songs_by_heart_needs_held_out_logits():
    X, y = songs()
    unseen, truth = songs(seed=1)
    base = make_pipeline(
        FunctionTransformer(columns_that_say_nothing),
        KNeighborsClassifier(15, weights="distance"),
    )
    assert clone(base).fit(X, y).score(X, y) == 1.0
    corrector = clone(DENSE).set_params(max_epochs=20, learning_rate=0.01)
    in_sample = CorrectingClassifier(base, corrector).fit(X, y)
    held_out = CorrectingClassifier(base, corrector, cv=5).fit(X, y)
    chance = in_sample.estimator_.score(unseen, truth)
    scores = [model.score(unseen, truth) for model in (in_sample, held_out)]
    assert chance < 0.5
    assert scores[1] > scores[0] + 0.1


def test_early_stopping_watches_the_corrected_predictions(setting):
    X, y, base = setting
    corrector = clone(DENSE).set_params(
        early_stopping=True, n_iter_no_change=2, max_epochs=80, learning_rate=0.05
    )
    corrected = CorrectingClassifier(base, corrector)
    corrected.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    fitted = corrected.correctors_[0]
    assert fitted.n_iter_ < 80
    best = fitted.validation_scores_[fitted.best_iter_ - 1]
    assert corrected.score(X[60:], y[60:]) == best
    assert corrected.validation_scores_ == fitted.validation_scores_
    inside = clone(corrected).set_params(corrector__validation_fraction=0.25)
    inside = inside.fit(X, y).correctors_[0]  # on a part held out
    assert inside.n_iter_ < 80


@pytest.mark.parametrize("n_corrections", [1, 2])
@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize("combine", ["sum", "linear"])
def test_validation_curves_are_of_the_whole(setting, n_corrections, freeze, combine):
    X, y, base = setting
    corrected = CorrectingClassifier(
        base, DENSE, freeze=freeze, combine=combine, n_corrections=n_corrections
    ).fit(X, y, X_val=X[:30], y_val=y[:30])
    proba = corrected.predict_proba(X[:30])
    own = proba[np.arange(30), np.searchsorted(corrected.classes_, y[:30])]
    assert len(corrected.validation_loss_curve_) == 4 * n_corrections
    assert_allclose(
        corrected.validation_loss_curve_[-1], -np.log(own).mean(), rtol=1e-4
    )


@pytest.mark.parametrize(
    "corrector",
    [
        DENSE,
        CONV,
        SegmentConvClassifier(**SMALL, n_kernels=3, hidden_layer_sizes=(4,)),
        RecurrentClassifier(**SMALL, hidden_size=4),
    ],
    ids=lambda net: type(net).__name__,
)
@pytest.mark.parametrize("base", [GaussianNB(), LogisticRegression()])
def test_any_base_and_any_net(base, corrector):
    X, y = songs()
    corrected = CorrectingClassifier(base, corrector).fit(X, y)
    assert type(corrected.correctors_[0]) is type(corrector)
    assert corrected.score(X, y) > 0.8


def test_the_default_corrector_is_the_reports():
    X = np.random.RandomState(0).normal(size=(20, 50))
    corrected = CorrectingClassifier(GaussianNB(), random_state=0)
    corrected.fit(X, np.arange(20) % 2)
    assert corrected.correctors_[0].hidden_layer_sizes == (200, 200)
    assert type(corrected.correctors_[0]) is FullyConnectedClassifier


def test_one_seed_decides_all_correctors_and_each_is_drawn_anew(setting):
    X, y, base = setting
    corrector = clone(DENSE).set_params(random_state=None)
    make = CorrectingClassifier(base, corrector, n_corrections=2, random_state=3)
    first, again = clone(make).fit(X, y), clone(make).fit(X, y)
    assert_array_equal(first.decision_function(X), again.decision_function(X))
    seeds = [net.random_state for net in first.correctors_]
    assert seeds[0] != seeds[1]


# --- in company -----------------------------------------------------------------------


def test_weighting_is_repeating():
    X, y = songs()
    weight = np.random.RandomState(1).randint(0, 3, size=len(X))
    corrector = clone(DENSE).set_params(**EXACT)
    rows = np.repeat(np.arange(len(X)), weight)
    for base in (clone(CONV).set_params(**EXACT), LogisticRegression(tol=1e-10)):
        corrected = CorrectingClassifier(base, corrector, n_corrections=2)
        weighted = clone(corrected).fit(X, y, sample_weight=weight)
        repeated = clone(corrected).fit(X[rows], y[rows])
        assert_allclose(
            weighted.decision_function(X), repeated.decision_function(X), rtol=1e-6
        )
        plain = clone(corrected).fit(X, y)
        assert abs(plain.predict_proba(X) - weighted.predict_proba(X)).max() > 1e-3


def test_a_corrector_over_a_combiner_over_correctors(setting):
    X, y, base = setting
    inner = [
        ("one", CorrectingClassifier(base, DENSE, random_state=0)),
        ("two", CorrectingClassifier(GaussianNB(), DENSE, random_state=1)),
    ]
    nested = CorrectingClassifier(LinearCombiner(inner, cv=2), DENSE, random_state=2)
    pipe = make_pipeline(StandardScaler(), nested).fit(X, y)
    assert pipe.score(X, y) > 0.8
    unpickled = pickle.loads(pickle.dumps(pipe))
    assert_array_equal(unpickled.predict_proba(X), pipe.predict_proba(X))
    assert clone(pipe).get_params()["correctingclassifier__estimator__one"] is not None


def test_grid_search_with_a_frozen_base_in_two_processes(setting):
    X, y, base = setting
    search = GridSearchCV(
        CorrectingClassifier(base, DENSE, random_state=0),
        {"corrector__l2": [0.0, 0.1], "shrinkage": [0.5, 1.0]},
        cv=2,
        n_jobs=2,
    ).fit(X, y)
    best = search.best_estimator_
    assert best.estimator_ is base
    again = clone(best).fit(X, y)
    assert_array_equal(again.predict_proba(X), best.predict_proba(X))


def test_column_names_come_from_the_base():
    pd = pytest.importorskip("pandas")
    X, y = songs()
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    corrected = CorrectingClassifier(LogisticRegression(), DENSE, use_hidden=False)
    corrected.fit(frame, y)
    assert_array_equal(corrected.feature_names_in_, frame.columns)
    assert_array_equal(corrected.predict(frame), corrected.fit(X, y).predict(X))


def test_metadata_is_routed_to_a_base_that_asks_for_it():
    X, y = songs()
    weight = np.random.RandomState(0).rand(len(X))
    with config_context(enable_metadata_routing=True):
        base = LogisticRegression().set_fit_request(sample_weight=False)
        corrected = CorrectingClassifier(base, DENSE)
        corrected.set_fit_request(sample_weight=True)
        corrected.fit(X, y, sample_weight=weight)
    plain = LogisticRegression().fit(X, y)
    assert_array_equal(corrected.estimator_.coef_, plain.coef_)
    logits = class_logits(plain, X)
    alone = clone(DENSE).fit(X, y, base_logits=logits, sample_weight=weight)
    assert_array_equal(corrected.correction(X), alone._logits(X))


# --- mistakes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"corrector": LogisticRegression()}, ValueError, "'corrector' parameter"),
        ({"estimator": FrozenEstimator(CONV)}, NotFittedError, "is not fitted"),
        (
            {"estimator": GaussianNB(), "freeze": False},
            TypeError,
            "freeze=False needs nets of this package.*GaussianNB",
        ),
        (
            {"estimator": GaussianNB(), "use_hidden": True},
            TypeError,
            "hidden_representation was expected.*GaussianNB",
        ),
        (
            {"use_hidden": True, "corrector": CONV},
            TypeError,
            "must be a FullyConnectedClassifier; got TimeConvClassifier",
        ),
        ({"shrinkage": 0}, ValueError, "'shrinkage' parameter"),
        ({"combine": "product"}, ValueError, "'combine' parameter"),
        ({"n_corrections": 0}, ValueError, "'n_corrections' parameter"),
    ],
)
def test_what_does_not_go_together(params, error, message):
    corrected = CorrectingClassifier(CONV, DENSE).set_params(**params)
    with pytest.raises(error, match=message):
        corrected.fit(*songs())


def test_frozen_bases_of_other_classes_features_or_folds():
    X, y = songs()
    few = y != "c"
    other = FrozenEstimator(GaussianNB().fit(X[few], y[few]))
    with pytest.raises(ValueError, match=r"fitted on the classes \['a', 'b'\]"):
        CorrectingClassifier(other, DENSE).fit(X, y)
    narrow = FrozenEstimator(GaussianNB().fit(X[:, :5], y))
    with pytest.raises(ValueError, match=r"cannot predict X: X has 60 features"):
        CorrectingClassifier(narrow, DENSE).fit(X, y)
    frozen = FrozenEstimator(GaussianNB().fit(X, y))
    with pytest.raises(ValueError, match="cv fits clones of the base"):
        CorrectingClassifier(frozen, DENSE, cv=3).fit(X, y)


def test_not_fitted():
    corrected = CorrectingClassifier(GaussianNB(), DENSE)
    with pytest.raises(NotFittedError):
        corrected.predict(songs()[0])
    assert not hasattr(corrected, "n_features_in_")

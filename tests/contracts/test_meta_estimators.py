"""What scikit-learn promises of estimators that hold others, held for ours.

In our own words, after its developer guide and its user guide on metadata routing: a
newer scikit-learn in which one of these no longer holds shows here.
"""

import pickle

import numpy as np
import pytest
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedKFold,
    cross_validate,
)
from sklearn.utils import estimator_html_repr, get_tags
from sklearn.utils.metadata_routing import get_routing_for_object
from small_models import CONV, DENSE, EXACT, N_FEATURES, WIDTH, songs

from sklearn_msd import (
    CorrectingClassifier,
    CropAveragingClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    SparseRefitClassifier,
)

X, y = songs()
WEIGHT = 1.0 + np.arange(len(X)) % 3
TRAINING = clone(DENSE).set_params(max_epochs=2).training_parameters()


class Foreign(ClassifierMixin, BaseEstimator):
    """A classifier as others write one: logistic regression that takes notes."""

    fits = []

    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y, sample_weight=None, remark=None):
        Foreign.fits.append({"sample_weight": sample_weight, "remark": remark})
        inner = LogisticRegression(C=self.C).fit(X, y, sample_weight)
        self.inner_, self.classes_ = inner, inner.classes_
        self.n_features_in_ = inner.n_features_in_
        if hasattr(inner, "feature_names_in_"):
            self.feature_names_in_ = inner.feature_names_in_
        return self

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)

    def predict(self, X):
        return self.inner_.predict(X)


class ReturnsNone(Foreign):
    """As scikit-learn's #17353 has it."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)


class ReturnsAnother(Foreign):
    """`fit` returns what must not be used: a classifier that is not fitted."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        return Foreign()


class Unweighted(Foreign):
    def fit(self, X, y):
        return super().fit(X, y)


def around(base):
    """Every estimator that takes a classifier of any kind, around this one."""
    crops = {"n_crops": 2, "n_segments": 8, "n_segment_features": N_FEATURES}
    return {
        "linear": LinearCombiner([("base", base)], cv=2),
        "nonlinear": NonlinearCombiner([("base", base)], cv=2, **TRAINING),
        "correcting": CorrectingClassifier(base, clone(DENSE)),
        "out of fold": CorrectingClassifier(base, clone(DENSE), cv=2),
        "crops": CropAveragingClassifier(base, **crops),
    }


def around_nets():
    """Those that only take nets, and the name of the net inside."""
    return {
        "sparse": SparseRefitClassifier(clone(CONV)),
        "joint": JointCombiner([("base", clone(DENSE))], cv=2, **TRAINING),
        "fine-tuned": CorrectingClassifier(clone(DENSE), clone(DENSE), freeze=False),
    }


ANY = tuple(around(Foreign()))
EVERY = (*ANY, *around_nets())
each_around_any = pytest.mark.parametrize("name", ANY)
each = pytest.mark.parametrize("name", EVERY)


def make(name, base=None):
    estimators = around(Foreign() if base is None else base) | around_nets()
    return estimators[name]


def inside(name):
    """Prefix of the parameters of the base."""
    stacked = name in ("linear", "nonlinear", "joint")
    return "base" if stacked else "estimator"


# --- parameters ---------------------------------------------------------------------


@each
def test_parameters_of_the_base_go_by_its_name(name):
    estimator, prefix = make(name), inside(name)
    base = estimator.get_params()[prefix]
    for parameter, value in base.get_params().items():
        assert estimator.get_params()[f"{prefix}__{parameter}"] is value
    shallow = estimator.get_params(deep=False)
    assert not any("__" in parameter for parameter in shallow)
    other = clone(base)
    assert estimator.set_params(**{prefix: other}) is estimator
    assert estimator.get_params()[prefix] is other
    parameter = "C" if isinstance(other, Foreign) else "max_epochs"
    estimator.set_params(**{f"{prefix}__{parameter}": 7})
    assert getattr(other, parameter) == 7
    with pytest.raises(ValueError, match="Invalid parameter 'nothing'"):
        estimator.set_params(**{f"{prefix}__nothing": 1})


@each
def test_fit_changes_no_parameter_and_fits_no_base_of_the_users(name):
    estimator = make(name)
    before = estimator.get_params()
    shown = repr(estimator)
    assert estimator.fit(X, y) is estimator
    after = estimator.get_params()
    assert before.keys() == after.keys()
    assert all(before[key] is after[key] for key in before)
    assert repr(estimator) == shown
    base = before[inside(name)]
    assert [a for a in vars(base) if a.endswith("_") and a[0] != "_"] == []


@each
def test_a_clone_has_the_parameters_and_nothing_of_the_fit(name):
    estimator = make(name).fit(X, y)
    other = clone(estimator)
    with pytest.raises(NotFittedError):
        other.predict(X)
    assert other.get_params()[inside(name)] is not estimator.get_params()[inside(name)]
    proba = estimator.predict_proba(X)
    np.testing.assert_array_equal(other.fit(X, y).predict_proba(X), proba)


@each
def test_what_is_fitted_can_be_pickled_and_shown(name):
    estimator = make(name)
    base = type(estimator.get_params()[inside(name)]).__name__
    assert base in estimator_html_repr(estimator)
    estimator.fit(X, y)
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.predict_proba(X), estimator.predict_proba(X))
    assert base in estimator_html_repr(estimator)


# --- what a foreign classifier may do -----------------------------------------------


@each_around_any
@pytest.mark.parametrize("kind", [ReturnsNone, ReturnsAnother])
def test_what_a_foreign_fit_returns_is_not_used(name, kind):
    expected = make(name).fit(X, y, sample_weight=WEIGHT)
    found = make(name, kind()).fit(X, y, sample_weight=WEIGHT)
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))


@each_around_any
def test_weights_for_a_base_that_takes_none(name):
    make(name, Unweighted()).fit(X, y)
    with pytest.raises(TypeError, match=r"sample_weight|sample weights"):
        make(name, Unweighted()).fit(X, y, sample_weight=WEIGHT)


@each_around_any
def test_names_of_columns_are_the_bases_and_widths_too(name):
    pd = pytest.importorskip("pandas")
    columns = [f"column {i}" for i in range(WIDTH)]
    estimator = make(name)
    assert not hasattr(estimator, "n_features_in_")
    estimator.fit(pd.DataFrame(X, columns=columns), y)
    assert estimator.feature_names_in_.tolist() == columns
    assert estimator.n_features_in_ == WIDTH
    estimator.fit(X, y)
    assert not hasattr(estimator, "feature_names_in_")


@each_around_any
@pytest.mark.parametrize("allow_nan", [False, True])
def test_missing_values_are_the_bases_affair(name, allow_nan):
    class Base(Foreign):
        def __sklearn_tags__(self):
            tags = super().__sklearn_tags__()
            tags.input_tags.allow_nan = allow_nan
            return tags

    assert get_tags(make(name, Base())).input_tags.allow_nan == allow_nan


@each_around_any
def test_a_frozen_base_stays_as_it_is(name):
    if name == "out of fold":
        with pytest.raises(ValueError, match="cv fits clones of the base"):
            make(name, FrozenEstimator(Foreign().fit(X, y))).fit(X, y)
        return
    rows = X[:, : 8 * N_FEATURES] if name == "crops" else X
    fitted = Foreign().fit(rows[::2], y[::2])
    coef = fitted.inner_.coef_.copy()
    frozen = clone(make(name, FrozenEstimator(fitted)))
    search = GridSearchCV(frozen, {}, cv=2).fit(X, y)
    best = search.best_estimator_
    used = best.estimators_[0] if name in ("linear", "nonlinear") else best.estimator_
    assert used.estimator is fitted
    np.testing.assert_array_equal(fitted.inner_.coef_, coef)


@pytest.mark.slow
@each
def test_searches_reach_the_base_and_results_do_not_depend_on_workers(name):
    parameter = "C" if name in ANY else "l2"
    grid = {f"{inside(name)}__{parameter}": [0.01, 1.0]}
    one = GridSearchCV(make(name), grid, cv=2, n_jobs=1).fit(X, y)
    with parallel_config("threading"):
        two = GridSearchCV(make(name), grid, cv=2, n_jobs=2).fit(X, y)
    scores = one.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(scores, two.cv_results_["mean_test_score"])
    assert one.best_params_ == two.best_params_


# --- metadata -----------------------------------------------------------------------


@pytest.fixture
def routing():
    Foreign.fits.clear()
    with config_context(enable_metadata_routing=True):
        yield


def asking(**requests):
    return Foreign().set_fit_request(**requests)


def takes_weights_itself(name):
    return name != "crops"


def requested(name, estimator):
    """Itself asks for weights, too, where it is trained on them."""
    if takes_weights_itself(name):
        estimator.set_fit_request(sample_weight=True)
    return estimator


@each
@pytest.mark.usefixtures("routing")
def test_there_is_a_routing_to_be_asked_for(name):
    assert get_routing_for_object(make(name)) is not None
    assert make(name).get_metadata_routing() is not None


@each
@pytest.mark.usefixtures("routing")
def test_no_metadata_where_routing_is_enabled(name):
    expected = make(name)
    with config_context(enable_metadata_routing=False):
        expected.fit(X, y)
    found = make(name).fit(X, y)
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))


@each_around_any
@pytest.mark.usefixtures("routing")
def test_metadata_of_no_request_are_an_error(name):
    with pytest.raises(UnsetMetadataPassedError, match=r"\[sample_weight\].*Foreign"):
        requested(name, make(name)).fit(X, y, sample_weight=WEIGHT)
    with pytest.raises(UnsetMetadataPassedError, match=r"\[remark\].*Foreign"):
        make(name).fit(X, y, remark="a")
    with pytest.raises(TypeError, match="nonsense"):
        make(name).fit(X, y, nonsense=1)


@each_around_any
@pytest.mark.usefixtures("routing")
def test_metadata_reach_the_base_that_asks_for_them(name):
    base = asking(sample_weight=True, remark=True)
    requested(name, make(name, base)).fit(X, y, sample_weight=WEIGHT, remark="a")
    assert Foreign.fits
    for fit in Foreign.fits:
        assert fit["remark"] == "a"
        assert set(fit["sample_weight"]) == {1.0, 2.0, 3.0}


@each_around_any
@pytest.mark.usefixtures("routing")
def test_metadata_do_not_reach_the_base_that_refuses_them(name):
    base = asking(sample_weight=False, remark=True)
    estimator = requested(name, make(name, base))
    weights = {"sample_weight": WEIGHT} if takes_weights_itself(name) else {}
    estimator.fit(X, y, remark="a", **weights)
    assert {fit["sample_weight"] for fit in Foreign.fits} == {None}


@each_around_any
@pytest.mark.usefixtures("routing")
def test_metadata_by_another_name(name):
    base = asking(sample_weight="importance", remark=False)
    make(name, base).fit(X, y, importance=WEIGHT)
    assert all(set(fit["sample_weight"]) == {1.0, 2.0, 3.0} for fit in Foreign.fits)


@each_around_any
@pytest.mark.usefixtures("routing")
def test_metadata_are_routed_from_outside_and_split_with_the_songs(name):
    base = asking(sample_weight=True, remark=True)
    estimator = requested(name, make(name, base))
    rows = np.arange(len(X), dtype=float)
    estimator.set_score_request(sample_weight=False)
    cross_validate(
        estimator, X, y, cv=KFold(2), params={"sample_weight": WEIGHT, "remark": rows}
    )
    assert len(Foreign.fits) >= 2
    for fit in Foreign.fits:
        own = np.unique(fit["remark"]).astype(int)
        assert len(own) < len(X)
        first = [list(fit["remark"]).index(row) for row in own]
        np.testing.assert_array_equal(
            np.asarray(fit["sample_weight"])[first], WEIGHT[own]
        )


GROUPS = np.arange(len(X)) // 9


class GroupsSeen(GroupKFold):
    seen = []

    def split(self, X, y=None, groups=None):
        GroupsSeen.seen.append(groups)
        return super().split(X, y, groups)


@pytest.mark.parametrize("name", ["linear", "nonlinear", "out of fold", "joint"])
@pytest.mark.usefixtures("routing")
def test_groups_reach_the_folds(name):
    GroupsSeen.seen.clear()
    estimator = make(name).set_params(cv=GroupsSeen(3))
    estimator.fit(X, y, groups=GROUPS)
    assert len(GroupsSeen.seen) == 1
    assert GroupsSeen.seen[0] is GROUPS
    # From a search around it, those of the songs in its own training fold.
    GroupsSeen.seen.clear()
    search = GridSearchCV(estimator, {}, cv=StratifiedKFold(2))
    search.fit(X, y, groups=GROUPS)
    assert [len(groups) for groups in GroupsSeen.seen] == [45, 45, 90]


@each
@pytest.mark.usefixtures("routing")
def test_weights_of_a_score(name):
    estimator = make(name).fit(X, y)
    estimator.set_score_request(sample_weight=True)
    expected = accuracy_score(y, estimator.predict(X), sample_weight=WEIGHT)
    assert estimator.score(X, y, sample_weight=WEIGHT) == expected


def halves(songs):
    """Two folds of which a song given twice is in one."""
    even, odd = np.flatnonzero(songs % 2 == 0), np.flatnonzero(songs % 2)
    return [(even, odd), (odd, even)]


@pytest.mark.slow
@each
def test_weighting_a_song_is_repeating_it(name):
    times = np.arange(len(X)) % 3
    estimator = make(name)
    for parameter in estimator.get_params():
        if (setting := parameter.split("__")[-1]) in EXACT:
            estimator.set_params(**{parameter: EXACT[setting]})
    divides = hasattr(estimator, "cv") and estimator.cv is not None
    # On songs that bases have seen, logits that are right without exception have no
    # best scale.
    if divides:
        estimator.set_params(cv=halves(np.arange(len(X))))
    weighted = clone(estimator).fit(X, y, sample_weight=times)
    rows = np.arange(len(X)).repeat(times)
    if divides:
        estimator.set_params(cv=halves(rows))
    repeated = clone(estimator).fit(X[rows], y[rows])
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-5
    )

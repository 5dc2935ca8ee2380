"""Stacked logits, on the conventions of StackingClassifier."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_models import (
    CONV,
    N_FEATURES,
    N_SONGS,
    WIDTH,
    Counting,
    frozen_nets,
    songs,
    vector,
)

from sklearn_msd import (
    LinearCombiner,
    NonlinearCombiner,
)


@pytest.fixture(scope="module", params=[2, 3])
def frozen(request):
    return frozen_nets(request.param)


@pytest.mark.parametrize("make", [LinearCombiner, NonlinearCombiner])
@pytest.mark.parametrize("cv", [None, 3, "prefit"])
def test_a_frozen_base_is_asked_once_and_left_as_it_is(make, cv):
    X, y = songs()
    conv = FrozenEstimator(clone(CONV).fit(X, y))
    before = vector(conv).tobytes()
    bases = [("counting", FrozenEstimator(Counting().fit(X, y))), ("conv", conv)]
    Counting.asked.clear()
    combiner = make(bases, cv=cv).fit(X, y)
    assert Counting.asked == [len(X)]
    assert combiner.estimators_[1] is conv
    assert vector(conv).tobytes() == before


def test_prefit_bases_are_used_as_they_are(frozen):
    X, y, bases = frozen
    prefit = [(name, base.estimator) for name, base in bases]
    as_frozen = LinearCombiner(bases).fit(X, y)
    combiner = LinearCombiner(prefit, cv="prefit").fit(X, y)
    assert combiner.named_estimators_["conv"] is prefit[1][1]
    assert_array_equal(combiner.predict_proba(X), as_frozen.predict_proba(X))


def test_names_parameters_and_dropping(frozen):
    X, y, bases = frozen
    combiner = LinearCombiner([*bases, ("logistic", LogisticRegression())], cv=2)
    combiner.set_params(logistic__C=0.5, dense="drop").fit(X, y)
    assert combiner.named_estimators_["logistic"].C == 0.5
    assert combiner.named_estimators_["dense"] == "drop"
    assert len(combiner.estimators_) == 2
    n_classes = len(combiner.classes_)
    names = combiner.get_feature_names_out().tolist()
    assert names[0] == "linearcombiner_conv0"
    assert len(names) == combiner.transform(X).shape[1] == 2 * n_classes
    assert combiner.n_features_in_ == WIDTH
    assert combiner.coef_.shape == (n_classes, 2 * n_classes)


def test_cv_may_be_a_splitter_or_a_list_of_folds():
    X, y = songs()
    bases = [("logistic", LogisticRegression())]
    folds = StratifiedKFold(3)
    by_number = LinearCombiner(bases, cv=3).fit(X, y)
    for cv in (folds, list(folds.split(X, y))):
        combiner = LinearCombiner(bases, cv=cv, n_jobs=2).fit(X, y)
        assert_array_equal(combiner.coef_, by_number.coef_)


def test_column_names_come_from_the_bases():
    pd = pytest.importorskip("pandas")
    X, y = songs()
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(WIDTH)])
    combiner = LinearCombiner([("logistic", LogisticRegression())], cv=2)
    combiner.fit(frame, y)
    assert_array_equal(combiner.feature_names_in_, frame.columns)
    assert combiner.predict(frame).shape == (N_SONGS,)


def test_songs_in_three_dimensions(frozen):
    X, y, bases = frozen
    combiner = LinearCombiner(bases).fit(X, y)
    cube = X.reshape(N_SONGS, -1, N_FEATURES)
    again = clone(combiner).fit(cube, y)
    assert_array_equal(again.predict_proba(cube), combiner.predict_proba(X))
    assert again.n_features_in_ == WIDTH


def test_grid_search_pipeline_clone_and_pickle(frozen):
    X, y, bases = frozen
    combiner = LinearCombiner(bases)
    search = GridSearchCV(combiner, {"l2": [1e-3, 1.0]}, cv=2, n_jobs=2).fit(X, y)
    best = search.best_estimator_
    assert best.estimators_[0].estimator is bases[0][1].estimator
    unpickled = pickle.loads(pickle.dumps(best))
    assert_array_equal(unpickled.predict_proba(X), best.predict_proba(X))
    pipe = make_pipeline(StandardScaler(), clone(best)).fit(X, y)
    assert pipe.predict(X).shape == y.shape


def test_metadata_is_routed_to_the_bases_that_ask_for_it():
    X, y = songs()
    weight = np.random.RandomState(0).rand(len(X))
    with config_context(enable_metadata_routing=True):
        asks = LogisticRegression().set_fit_request(sample_weight=True)
        declines = LogisticRegression().set_fit_request(sample_weight=False)
        combiner = LinearCombiner([("asks", asks), ("declines", declines)], cv=2)
        combiner.set_fit_request(sample_weight=True).fit(X, y, sample_weight=weight)
        weighted = LogisticRegression().fit(X, y, sample_weight=weight)
    assert_array_equal(combiner.named_estimators_["asks"].coef_, weighted.coef_)
    plain = LogisticRegression().fit(X, y)
    assert_array_equal(combiner.named_estimators_["declines"].coef_, plain.coef_)


@pytest.mark.parametrize(
    ("bases", "error", "message"),
    [
        ([], ValueError, "non-empty list"),
        ([("a", GaussianNB()), ("a", GaussianNB())], ValueError, "not unique"),
        ([GaussianNB()], ValueError, "list of .string, estimator. tuples"),
        ([("a", GaussianNB(), 1)], ValueError, "list of .string, estimator. tuples"),
        ([("a", object())], TypeError, r"estimators\[0\] must have a classifier"),
        ([("a", GaussianNB()), ("b", GaussianNB)], TypeError, r"estimators\[1\] must"),
        ([("a", "drop")], ValueError, "All estimators are dropped"),
        ([("a", LinearRegression())], ValueError, "LinearRegression should be a class"),
        ([("a", FrozenEstimator(GaussianNB()))], NotFittedError, "'a' is to be used"),
    ],
)
@pytest.mark.parametrize("make", [LinearCombiner, NonlinearCombiner])
def test_bases_that_cannot_be_combined(make, bases, error, message):
    X, y = songs()
    with pytest.raises(error, match=message):
        make(bases).fit(X, y)


def test_frozen_bases_of_other_classes_or_features():
    X, y = songs()
    few = y != "c"
    other_classes = FrozenEstimator(GaussianNB().fit(X[few], y[few]))
    with pytest.raises(ValueError, match=r"'b' was fitted on the classes \['a', 'b'\]"):
        LinearCombiner([("a", GaussianNB()), ("b", other_classes)]).fit(X, y)
    narrow = FrozenEstimator(GaussianNB().fit(X[:, :7], y))
    with pytest.raises(ValueError, match=r"'b' cannot predict X: X has 60 features"):
        LinearCombiner([("a", GaussianNB()), ("b", narrow)]).fit(X, y)


def test_weights_for_a_base_that_takes_none():
    X, y = songs()
    combiner = LinearCombiner([("counting", Counting())], cv=2)
    with pytest.raises(TypeError, match="Counting does not support sample weights"):
        combiner.fit(X, y, sample_weight=np.ones(len(X)))
    with pytest.raises(TypeError, match=r"unexpected arguments \['colour'\]"):
        combiner.fit(X, y, colour="red")


def test_not_fitted():
    with pytest.raises(NotFittedError):
        LinearCombiner([("a", GaussianNB())]).predict(songs()[0])

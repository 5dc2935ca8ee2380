"""class_logits against the probabilities of every classifier there is."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_blobs
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils import all_estimators

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    LinearCombiner,
)
from sklearn_msd.combining.logits import (
    SMALLEST_PROBABILITY,
    class_logits,
    folds_of,
    hidden_representation,
    out_of_fold_logits,
)


def problem(n_classes):
    X, y = make_blobs(
        90, n_features=4, centers=n_classes, cluster_std=4.0, random_state=0
    )
    return np.abs(X), np.array(["a", "b", "c", "d"])[y]


def net(**kwargs):
    parameters = {"n_segment_features": 1, "hidden_layer_sizes": (5,), "max_epochs": 3}
    return FullyConnectedClassifier(**(parameters | {"random_state": 0} | kwargs))


# Those that only work inside others, on other targets, or need two classes per fit.
ELSEWHERE = {
    *("ClassifierChain", "MultiOutputClassifier", "OneVsOneClassifier"),
    *("OneVsRestClassifier", "OutputCodeClassifier", "SelfTrainingClassifier"),
    *("StackingClassifier", "VotingClassifier", "FixedThresholdClassifier"),
    *("TunedThresholdClassifierCV", "RadiusNeighborsClassifier", "CategoricalNB"),
}
EVERY = [
    cls
    for name, cls in all_estimators("classifier")
    if cls.__module__.startswith("sklearn.") and name not in ELSEWHERE
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_softmax_of_the_logits_is_predict_proba(cls, n_classes):
    X, y = problem(n_classes)
    estimator = cls().fit(X, y)
    logits = class_logits(estimator, X)
    assert logits.shape == (len(X), n_classes)
    if hasattr(estimator, "predict_proba"):
        assert_allclose(softmax(logits, axis=1), estimator.predict_proba(X), atol=2e-6)
    else:
        predicted = estimator.classes_[logits.argmax(axis=1)]
        assert_array_equal(predicted, estimator.predict(X))


def test_at_least_thirty_classifiers_are_tried():
    assert len(EVERY) >= 30


@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_net_gives_what_comes_before_its_softmax(n_classes):
    X, y = problem(n_classes)
    fitted = net().fit(X, y)
    logits = class_logits(fitted, X)
    assert logits.dtype == np.float32
    scores = fitted.decision_function(X)
    if n_classes == 2:
        assert_array_equal(logits[:, 1] - logits[:, 0], scores)
    else:
        assert_array_equal(logits, scores)


def test_two_classes_share_a_score_evenly():
    X, y = problem(2)
    fitted = LogisticRegression().fit(X, y)
    d = fitted.decision_function(X)
    assert_array_equal(class_logits(fitted, X), np.column_stack([-d / 2, d / 2]))


def test_decision_functions_that_are_logits_are_kept_where_probabilities_round():
    X, y = problem(3)
    fitted = LogisticRegression().fit(X, y)
    assert_array_equal(class_logits(fitted, 1e4 * X), fitted.decision_function(1e4 * X))


def test_boosting_with_another_loss_has_no_logits_but_its_probabilities():
    X, y = problem(2)
    fitted = GradientBoostingClassifier(loss="exponential", n_estimators=5).fit(X, y)
    logits = class_logits(fitted, X)
    assert_allclose(softmax(logits, axis=1), fitted.predict_proba(X), atol=2e-6)


def test_probabilities_of_zero_are_clipped():
    X, y = problem(3)
    logits = class_logits(RandomForestClassifier(random_state=0).fit(X, y), X)
    assert logits.min() == np.log(SMALLEST_PROBABILITY)


@pytest.mark.parametrize(
    "wrap",
    [
        FrozenEstimator,
        lambda fitted: make_pipeline(fitted),
        lambda fitted: FrozenEstimator(make_pipeline(FrozenEstimator(fitted))),
    ],
)
def test_wrappers_are_looked_through(wrap):
    X, y = problem(3)
    fitted = net().fit(X, y)
    wrapped = wrap(fitted)
    assert_array_equal(class_logits(wrapped, X), fitted.decision_function(X))
    assert_array_equal(
        hidden_representation(wrapped, X), fitted.hidden_representation(X)
    )


def test_pipelines_transform_and_searches_delegate():
    X, y = problem(3)
    pipe = make_pipeline(StandardScaler(), net())
    search = GridSearchCV(pipe, {"fullyconnectedclassifier__l2": [0.1]}, cv=2)
    search.fit(X, y)
    assert_allclose(class_logits(search, X), search.decision_function(X), rtol=1e-6)


class Boosted(ClassifierMixin, BaseEstimator):
    """Gives margins as XGBoost does."""

    objective = "binary:logistic"

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X, *, output_margin=False):
        return X[:, 0] if output_margin else self.classes_[(X[:, 0] > 0).astype(int)]

    def predict_proba(self, X):
        return np.column_stack([1 - expit(X[:, 0]), expit(X[:, 0])])


def test_margins_of_boosting_libraries_are_not_rounded():
    X = np.array([[100.0], [-200.0]])
    fitted = Boosted().fit(X, [1, 0])
    assert_array_equal(class_logits(fitted, X), [[-50, 50], [100, -100]])


def test_margins_of_another_objective_are_not_believed():
    X = np.array([[1.0], [-2.0]])
    fitted = Boosted().fit(X, [1, 0])
    fitted.objective = "binary:hinge"
    assert_allclose(softmax(class_logits(fitted, X), axis=1), fitted.predict_proba(X))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("library", "name"), [("xgboost", "XGBClassifier"), ("lightgbm", "LGBMClassifier")]
)
def test_real_boosting_libraries(library, name, n_classes):
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    X, y = problem(n_classes)
    y = np.unique(y, return_inverse=True)[1]
    fitted = getattr(module, name)(n_estimators=5, verbosity=0).fit(X, y)
    logits = class_logits(fitted, X)
    assert_allclose(softmax(logits, axis=1), fitted.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("estimator", [LinearRegression(), NearestNeighbors()])
def test_no_classifier(estimator):
    X = np.arange(12.0).reshape(6, 2)
    estimator.fit(X, [0, 1] * 3)
    with pytest.raises(TypeError, match="A classifier with predict_proba or decision"):
        class_logits(estimator, X)


def test_not_fitted():
    with pytest.raises(NotFittedError):
        class_logits(FrozenEstimator(LogisticRegression()), [[1.0]])


def test_pairwise_margins_are_an_error():
    X, y = problem(4)
    fitted = SVC(decision_function_shape="ovo").fit(X, y)
    with pytest.raises(ValueError, match=r"SVC.decision_function gave .*\(90, 6\)"):
        class_logits(fitted, X)


def test_scores_that_are_no_numbers_are_an_error():
    X, y = problem(2)
    fitted = LogisticRegression().fit(X, y)
    fitted.coef_ *= np.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        class_logits(fitted, X)


def test_hidden_representation_needs_a_net():
    X, y = problem(2)
    with pytest.raises(TypeError, match=r"hidden_representation was expected.*SVC"):
        hidden_representation(LinearSVC().fit(X, y), X)


def test_out_of_fold_logits_are_those_of_a_loop_over_folds():
    X, y = problem(3)
    weight = np.random.RandomState(0).rand(len(X))
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    expected = np.empty((len(X), 3))
    for train, test in cv.split(X, y):
        fold = clone(net()).fit(X[train], y[train], sample_weight=weight[train])
        expected[test] = fold.decision_function(X[test])
    got = out_of_fold_logits(
        net(), X, y, cv=cv, params={"sample_weight": weight}, n_jobs=2
    )
    assert_array_equal(got, expected)


def test_a_fold_without_a_class_is_an_error():
    X, y = problem(3)
    folds = [(y != "b", y == "b"), (y == "b", y != "b")]
    folds = [(np.flatnonzero(a), np.flatnonzero(b)) for a, b in folds]
    with pytest.raises(ValueError, match="leaves no song of class 'b'"):
        out_of_fold_logits(LogisticRegression(), X, y, cv=folds)


@pytest.mark.parametrize(
    "cv", [("text",), [1, 2], [(1,)], [], np.array([]), RandomForestClassifier()]
)
@pytest.mark.parametrize(
    "make",
    [
        lambda cv: LinearCombiner([("a", GaussianNB())], cv=cv),
        lambda cv: CorrectingClassifier(GaussianNB(), cv=cv),
    ],
    ids=["combiner", "corrector"],
)
def test_folds_that_are_none(make, cv):
    with pytest.raises(ValueError, match="cv must be a number of folds, a splitter"):
        make(cv).fit(*problem(3))


def test_a_splitters_own_message_is_kept():
    X, y = problem(3)
    with pytest.raises(ValueError, match="n_splits=99 greater than"):
        folds_of(99, X, y)


def test_folds_are_those_of_the_splitter():
    X, y = problem(3)
    expected = [*StratifiedKFold(4).split(X, y)]
    for cv in (4, StratifiedKFold(4), iter(expected)):
        for (train, test), (same_train, same_test) in zip(
            folds_of(cv, X, y), expected, strict=True
        ):
            np.testing.assert_array_equal(train, same_train)
            np.testing.assert_array_equal(test, same_test)

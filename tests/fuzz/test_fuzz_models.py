"""Combiners, correctors and what else is built of classifiers, given anything."""

import numpy as np
from fuzzing import (
    N_FEATURES,
    any_containers,
    any_labels,
    check_predictions,
    codes,
    examples,
    nothing_else_changed,
    odd_values,
    outcome,
    song_arrays,
    sound_containers,
    sound_labels,
    three_d,
)
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from sklearn_msd import (
    CorrectingClassifier,
    CropAveragingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    SegmentConvClassifier,
    SegmentScaler,
    SparseRefitClassifier,
    TimeConvClassifier,
    class_logits,
)

BRIEF = {"n_segment_features": N_FEATURES, "max_epochs": 1, "random_state": 0}
DENSE = FullyConnectedClassifier(hidden_layer_sizes=(3,), **BRIEF)
CONV = TimeConvClassifier(n_kernels=2, hidden_layer_sizes=(), **BRIEF)
POINTWISE = SegmentConvClassifier(n_kernels=2, hidden_layer_sizes=(3,), **BRIEF)
NETS = [DENSE, CONV, POINTWISE]
TRAINING = {"max_epochs": 1, "random_state": 0}
OTHERS = [
    GaussianNB(),
    LogisticRegression(max_iter=2),
    DecisionTreeClassifier(max_depth=2, random_state=0),
    make_pipeline(SegmentScaler(n_segment_features=N_FEATURES), DENSE),
]
KINDS = ("linear", "nonlinear", "joint", "correct", "sparse", "crops")
FIT = ("X", "y", "sample_weight", "X_val", "y_val", "base", "classes", "cv", "songs")


class NoClassifier(BaseEstimator):
    """Has `fit` and nothing else."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self


ODD_BASES = st.sampled_from(
    [
        *(None, 0, "drop", "net", DENSE.__class__, [], NoClassifier(), object()),
        *(FrozenEstimator(DENSE), RidgeClassifier(), SegmentScaler()),
        RandomForestClassifier(n_estimators=2, random_state=0),
        FrozenEstimator(GaussianNB().fit(np.eye(3), [7, 8, 9])),
    ]
)


# Of these, odd bases such as None and texts are lawful, and change more.
LAWFUL = ("random_state", "checkpoint")


def bases(estimators):
    names = st.sampled_from(["a", "b", "net", "ü"])
    return st.lists(
        st.tuples(names, st.sampled_from(estimators)),
        min_size=1,
        max_size=3,
        unique_by=lambda pair: pair[0],
    )


@st.composite
def models(draw):
    """A model of models with sound parameters."""
    kind = draw(st.sampled_from(KINDS))
    cv = draw(st.sampled_from([2, 3]))
    if kind == "linear":
        l2 = draw(st.sampled_from([0.01, 1]))
        return LinearCombiner(draw(bases(NETS + OTHERS)), l2=l2, cv=cv)
    if kind == "nonlinear":
        sizes = draw(st.sampled_from([(), (2,)]))
        return NonlinearCombiner(
            draw(bases(NETS + OTHERS)), hidden_layer_sizes=sizes, cv=cv, **TRAINING
        )
    if kind == "joint":
        penalty = draw(st.sampled_from([0, 0.1]))
        return JointCombiner(
            draw(bases(NETS)), similarity_penalty=penalty, cv=cv, **TRAINING
        )
    if kind == "correct":
        freeze, hidden = draw(st.booleans()), draw(st.booleans())
        base = draw(st.sampled_from(NETS + OTHERS * (freeze and not hidden)))
        return CorrectingClassifier(
            base,
            DENSE if hidden else draw(st.sampled_from(NETS)),
            freeze=freeze,
            use_hidden=hidden,
            n_corrections=draw(st.sampled_from([1, 2])),
            combine=draw(st.sampled_from(["sum", "linear"])),
            shrinkage=draw(st.sampled_from([1, 0.25])),
            cv=draw(st.sampled_from([None, 2])),
            random_state=0,
        )
    if kind == "sparse":
        return SparseRefitClassifier(
            draw(st.sampled_from(NETS)),
            l1=draw(st.sampled_from([0, 0.1])),
            threshold=draw(st.sampled_from([0, 0.05, 10.0])),
            layers=draw(st.sampled_from([("conv",), ["hidden"], ("conv", "output")])),
        )
    return CropAveragingClassifier(
        draw(st.sampled_from([DENSE, LogisticRegression(max_iter=2)])),
        n_crops=draw(st.sampled_from([1, 2])),
        n_segments=draw(st.sampled_from([2, 5, 9])),
        crop=draw(st.sampled_from(["even", "random"])),
        pad=draw(st.sampled_from(["repeat", "mean", "zero"])),
        n_segment_features=N_FEATURES,
        random_state=0,
    )


@examples(1.5)
@given(models(), song_arrays(constant=False), sound_containers(), sound_labels())
def test_sound_songs_of_any_kind_make_the_same_model(model, X, container, labels):
    # scikit-learn's own bases take no three dimensions.
    given_X = container[1](X) if "3-D" not in container[0] else X
    given_X = X if container[0] == "list of songs" else given_X
    y = labels[1](codes(len(X)))
    with nothing_else_changed(X):
        assert model.fit(given_X, y) is model
    proba = check_predictions(model, given_X, len(X))
    plain = clone(model).fit(X, np.ravel(y))
    np.testing.assert_allclose(plain.predict_proba(X), proba, atol=1e-5)
    scores = class_logits(model, given_X)
    assert scores.shape == (len(X), len(model.classes_))
    assert repr(clone(model)) == repr(model)


@examples(2)
@given(models(), song_arrays(), any_containers(), any_labels(), st.data())
def test_models_give_sense_or_say_what_is_wrong(model, X, container, labels, data):
    wild = data.draw(st.sampled_from(["X", "y", "X at predict", "weights"]))
    given_X = container[1](X) if wild == "X" else X
    y = labels[1](codes(len(X))) if wild == "y" else codes(len(X))
    more = {}
    if wild == "weights":
        more = {"sample_weight": labels[1](codes(len(X)))}
    names = (*model.get_params(deep=False), *FIT)
    with nothing_else_changed(X):
        if outcome(names, model.fit, given_X, y, **more) is None:
            return
    given_X = container[1](X) if wild == "X at predict" else X
    labels = outcome(names, model.predict, given_X)
    if labels is not None:
        check_predictions(model, given_X, len(labels))
        outcome(names, class_logits, model, given_X)


@examples(2)
@given(models(), song_arrays(), st.data())
def test_odd_parameters_of_models_give_sense_or_are_named(model, X, data):
    # Every one but the bases' own.
    parameters = sorted(model.get_params(deep=False))
    name = data.draw(st.sampled_from(parameters))
    values = odd_values(name)
    value = data.draw(values if name in LAWFUL else values | ODD_BASES, name)
    if name == "estimators" and data.draw(st.booleans()):
        value = [("a", value), ("b", DENSE)]
    setattr(model, name, value)  # scikit-learn's set_params looks into estimators
    names = (*parameters, *FIT, "Estimator", "estimator", "nets")
    with nothing_else_changed(X), parallel_config("threading"):
        if outcome(names, model.fit, X, codes(len(X))) is None:
            return
    # A frozen base may have been fitted on other songs.
    if outcome(names, model.predict, X) is not None:
        check_predictions(model, X, len(X))


@examples(0.5)
@given(models(), song_arrays(n_songs=12))
def test_three_dimensions_are_the_same_songs_to_nets(model, X):
    bases = [pair[1] for pair in getattr(model, "estimators", [])]
    if not all(base in NETS for base in [*bases, getattr(model, "estimator", DENSE)]):
        return
    model.fit(three_d(X), codes(12))
    np.testing.assert_allclose(
        model.predict_proba(X), model.predict_proba(three_d(X)), atol=1e-6
    )


@examples(1)
@given(ODD_BASES | st.sampled_from(OTHERS + NETS), song_arrays(), any_containers())
def test_class_logits_are_scores_or_an_error(estimator, X, container):
    names = ("classifier", "scores", *FIT)
    if hasattr(estimator, "fit") and not isinstance(estimator, type):
        fitted = clone(estimator)
        try:
            fitted.fit(X, codes(len(X)))
        except Exception:  # not what is looked at here
            return
        estimator = fitted
    scores = outcome(names, class_logits, estimator, container[1](X))
    if scores is not None:
        assert scores.ndim == 2
        assert scores.shape[1] == len(estimator.classes_)
        assert np.isfinite(scores).all()

"""Every estimator in a notebook: what it shows of itself, its parameters by Tab."""

import html
import inspect
import re

import numpy as np
import pytest
import sklearn
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_msd
from sklearn_msd import (
    CorrectingClassifier,
    CropAveragingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    RecurrentClassifier,
    SegmentConvClassifier,
    SegmentCropper,
    SegmentScaler,
    SegmentStatistics,
    SparseRefitClassifier,
    TimeConvClassifier,
    datasets,
    load,
    save,
)
from sklearn_msd.common.scikit_learn.private import parse_version

# What a scikit-learn shows of an estimator beside its parts.
VERSION = parse_version(sklearn.__version__)
SHOWS_PARAMETERS = parse_version("1.7") <= VERSION
SHOWS_ATTRIBUTES = parse_version("1.9") <= VERSION

X = np.random.RandomState(0).normal(size=(30, 12))
Y = np.repeat(["a", "b", "c"], 10)

SMALL = {"n_segment_features": 3, "max_epochs": 1, "random_state": 0}
DENSE = FullyConnectedClassifier(**SMALL, hidden_layer_sizes=(4,))
CONV = TimeConvClassifier(**SMALL, n_kernels=2, hidden_layer_sizes=(5,))
BASES = [("dense", DENSE), ("conv", CONV)]
FITTED = FrozenEstimator(clone(DENSE).fit(X, Y))
CROPS = {"n_segments": 2, "n_segment_features": 3}
CORRECTED = CorrectingClassifier(LinearCombiner(BASES, cv=2), DENSE)

# Estimators, and the headings under which they show what they are made of.
SHOWN = [
    (DENSE, []),
    (CONV, []),
    (SegmentConvClassifier(**SMALL, n_kernels=2, hidden_layer_sizes=(4,)), []),
    (RecurrentClassifier(**SMALL, hidden_size=3), []),
    (SegmentCropper(**CROPS), []),
    (SegmentScaler(n_segment_features=3), []),
    (SegmentStatistics(n_segment_features=3), []),
    (LinearCombiner(BASES, cv=2), ["dense", "conv"]),
    (
        LinearCombiner([("net", FITTED), ("line", LogisticRegression())]),
        ["net", "line"],
    ),
    (NonlinearCombiner(BASES, cv=2, max_epochs=1), ["dense", "conv"]),
    (JointCombiner([*BASES, ("out", "drop")], cv=2), ["dense", "conv", "out"]),
    (CORRECTED, ["estimator: LinearCombiner", "corrector: FullyConnectedClassifier"]),
    (SparseRefitClassifier(CONV), ["estimator: TimeConvClassifier"]),
    (CropAveragingClassifier(DENSE, **CROPS), ["estimator: FullyConnectedClassifier"]),
    (
        make_pipeline(StandardScaler(), CORRECTED),
        ["estimator: LinearCombiner", "dense"],
    ),
    (GridSearchCV(CORRECTED, {"n_corrections": [1]}, cv=2), ["dense", "conv"]),
]

CLASSES = [
    value
    for module in (sklearn_msd, datasets)
    for name in module.__all__
    if inspect.isclass(value := getattr(module, name))
    and issubclass(value, BaseEstimator)
]
NEEDED = {"estimator": LogisticRegression(), "estimators": [("a", "drop")]}


def made(cls):
    """An estimator with nothing but what it needs, and the name of that."""
    needed = [name for name in NEEDED if name in inspect.signature(cls).parameters]
    return cls(*[NEEDED[name] for name in needed]), needed


def test_all_estimators_are_looked_at():
    shown = {type(estimator) for estimator, _ in SHOWN}
    assert {cls for cls in CLASSES if cls is not datasets.AudioSegmenter} <= shown


@pytest.mark.parametrize("is_fitted", [False, True], ids=["unfitted", "fitted"])
@pytest.mark.parametrize(("estimator", "parts"), SHOWN, ids=lambda e: type(e).__name__)
def test_html_shows_parts_parameters_and_results(estimator, parts, is_fitted):
    estimator = clone(estimator)
    if is_fitted:
        estimator.fit(X, Y)
    bundle = estimator._repr_mimebundle_()
    page = html.unescape(bundle["text/html"])
    assert bundle["text/plain"] == repr(estimator)
    assert ("Fitted attributes" in page) == (is_fitted and SHOWS_ATTRIBUTES)
    for name in estimator.get_params(deep=False) if SHOWS_PARAMETERS else ():
        assert re.search(rf'<td class="param">\s*(<[^>]+>\s*)*{name}\b', page), name
    headings = re.findall(r"<label[^>]*>(?:<div>)*([^<]+)<", page)
    assert set(parts) <= set(headings)
    if not is_fitted:
        assert "final_estimator" not in page  # none is a parameter
    assert "np.float64(" not in page
    # Links lead to pages of scikit-learn, and these only to estimators of its own.
    for linked in re.findall(r'href="[^"]*/sklearn\.[\w.]*\.(\w+)\.html', page):
        assert f"{linked}(" in repr(estimator)
    assert not re.search(r'href="(?!https://scikit-learn.org/[^"]*/sklearn\.)', page)


@pytest.mark.parametrize("estimator", [e for e, _ in SHOWN], ids=repr)
def test_text_display_has_no_html(estimator):
    with config_context(display="text"):
        assert estimator._repr_mimebundle_() == {"text/plain": repr(estimator)}
        assert not hasattr(estimator, "_repr_html_")


def test_html_of_a_loaded_model(tmp_path):
    save(clone(CORRECTED).fit(X, Y), tmp_path / "model.msd")
    page = load(tmp_path / "model.msd")._repr_mimebundle_()["text/html"]
    assert "CorrectingClassifier" in page
    assert ("Fitted attributes" in page) == SHOWS_ATTRIBUTES


@pytest.mark.parametrize("cls", CLASSES)
def test_repr_shows_changed_parameters_alone(cls):
    estimator, needed = made(cls)
    assert set(re.findall(r"(\w+)=", repr(estimator))) == set(needed)
    for name in set(estimator.get_params(deep=False)) - set(needed):
        changed = clone(estimator).set_params(**{name: "something else"})
        assert set(re.findall(r"(\w+)=", repr(changed))) == {*needed, name}


@pytest.mark.parametrize("cls", CLASSES)
def test_signature_names_every_parameter_with_type_and_default(cls):
    estimator, needed = made(cls)
    parameters = inspect.signature(cls).parameters
    assert set(parameters) == set(estimator.get_params(deep=False))
    for name, parameter in parameters.items():
        assert parameter.kind in (
            parameter.POSITIONAL_OR_KEYWORD,
            parameter.KEYWORD_ONLY,
        )
        assert parameter.annotation is not parameter.empty
        # A type, not its text: what a notebook shows is without quotes, and the text
        # may name what the module of a subclass has not imported.
        assert not isinstance(parameter.annotation, str)
        assert (parameter.default is parameter.empty) == (name in needed)

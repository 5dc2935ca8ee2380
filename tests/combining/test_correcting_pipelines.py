"""Correctors that are pipelines: a net that sees the songs in a way of its own."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from small_models import DENSE, frozen_nets

from sklearn_msd import (
    CorrectingClassifier,
    SegmentScaler,
    SegmentStatistics,
    class_logits,
    load,
    save,
    to_onnx,
)
from sklearn_msd.datasets import AudioSegmenter, load_spoken_digits


@pytest.fixture(scope="module")
def setting():
    X, y, bases = frozen_nets(3)
    return 5 + 3 * X, y, FrozenEstimator(bases[1][1].estimator)


def corrector(**parameters):
    return clone(DENSE).set_params(**parameters)


def test_it_is_the_net_on_songs_that_were_transformed_before(setting):
    X, y, base = setting
    model = CorrectingClassifier(base, make_pipeline(StandardScaler(), corrector()))
    model.fit(X, y, X_val=X[:20], y_val=y[:20])
    scaled = StandardScaler().fit_transform(X)
    logits = class_logits(base, X)
    net = corrector().fit(
        scaled,
        y,
        base_logits=logits,
        X_val=scaled[:20],
        y_val=y[:20],
        base_logits_val=logits[:20],
    )
    assert_array_equal(model.correction(X), net.decision_function(scaled))
    assert_allclose(model.decision_function(X), logits + net.decision_function(scaled))
    assert model.loss_curve_ == net.loss_curve_
    assert model.validation_loss_curve_ == net.validation_loss_curve_


def test_several_have_seeds_and_checkpoints_of_their_own(setting, tmp_path):
    X, y, base = setting
    path = str(tmp_path / "net")
    model = CorrectingClassifier(
        base,
        make_pipeline(StandardScaler(), corrector(checkpoint=path)),
        n_corrections=2,
        random_state=0,
    ).fit(X, y)
    first, second = (pipeline[-1] for pipeline in model.correctors_)
    assert first.random_state != second.random_state
    assert (first.checkpoint, second.checkpoint) == (path, f"{path}.2")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"corrector": make_pipeline(StandardScaler(), LogisticRegression())},
            "LogisticRegression at its end",
        ),
        (
            {
                "corrector": make_pipeline(StandardScaler(), corrector()),
                "freeze": False,
            },
            "freeze=False",
        ),
        (
            {
                "corrector": make_pipeline(StandardScaler(), corrector()),
                "use_hidden": True,
            },
            "use_hidden=True",
        ),
    ],
)
def test_what_does_not_go_together(setting, parameters, message):
    X, y, base = setting
    with pytest.raises(TypeError, match=message):
        CorrectingClassifier(base, **parameters).fit(X, y)


def test_files_have_it_whole(setting, tmp_path):
    X, y, base = setting
    front = make_pipeline(StandardScaler(), corrector())
    model = CorrectingClassifier(base, front, n_corrections=2).fit(X, y)
    save(model, tmp_path / "m.msd")
    again = load(tmp_path / "m.msd")
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    to_onnx(model, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    songs = X.reshape(len(X), -1).astype(np.float32)
    (found,) = session.run(["probabilities"], {"X": songs})
    assert_allclose(found, model.predict_proba(songs), atol=1e-5)
    classes = session.get_modelmeta().custom_metadata_map["classes"]
    assert json.loads(classes) == model.classes_.tolist()


def test_statistics_are_corrected_by_a_net_on_segments(setting):
    X, y, _ = setting
    statistics = make_pipeline(
        SegmentStatistics(n_segment_features=5),
        StandardScaler(),
        LogisticRegression(C=0.01),
    )
    net = make_pipeline(SegmentScaler(n_segment_features=5), corrector())
    model = CorrectingClassifier(statistics, net, cv=2).fit(X, y)
    expected = class_logits(statistics.fit(X, y), X) + model.correction(X)
    assert_allclose(model.decision_function(X), expected, rtol=1e-5, atol=1e-6)


def test_base_and_corrector_of_the_same_recordings():
    """Each reads the paths, and takes the features of its kind."""
    pytest.importorskip("soundfile")
    pytest.importorskip("librosa")
    recordings = load_spoken_digits().recordings
    paths, voices = recordings.filenames[:24], recordings.groups[:24]
    base = make_pipeline(
        AudioSegmenter(1, features="musicnn"),
        StandardScaler(),
        LogisticRegression(C=0.01),
    )
    net = make_pipeline(
        AudioSegmenter(4), SegmentScaler(), corrector(n_segment_features=25)
    )
    model = CorrectingClassifier(base, net, cv=2).fit(paths, voices)
    own = net[:-1].fit_transform(paths)
    assert_array_equal(
        model.correction(paths), model.correctors_[0][-1].decision_function(own)
    )
    expected = class_logits(base.fit(paths, voices), paths) + model.correction(paths)
    assert_allclose(model.decision_function(paths), expected, rtol=1e-5, atol=1e-5)


def test_steps_that_pass_through(setting):
    X, y, base = setting
    alone = CorrectingClassifier(base, corrector()).fit(X, y)
    for front in ("passthrough", FunctionTransformer()):
        piped = CorrectingClassifier(base, make_pipeline(front, corrector())).fit(X, y)
        assert_array_equal(piped.correction(X), alone.correction(X))

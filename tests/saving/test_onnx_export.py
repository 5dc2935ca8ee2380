"""ONNX graphs against predict_proba, in ONNX Runtime."""

import json
import logging
import os
import sys

import numpy as np
import pytest
from model_files import SHORT, conv, outputs, songs
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    RecurrentClassifier,
    SegmentConvClassifier,
    SegmentScaler,
    SparseRefitClassifier,
    load,
    save,
    to_onnx,
)
from sklearn_msd.datasets import AudioSegmenter, load_spoken_digits

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
pytest.importorskip("onnxscript", reason="needs the extra [onnx]")


def dense(**kwargs):
    return FullyConnectedClassifier(hidden_layer_sizes=(6,), **SHORT | kwargs)


def run(estimator, X, path):
    """Probabilities and logits, song for song, in batches of unequal size."""
    to_onnx(estimator, path)
    session = onnxruntime.InferenceSession(path)
    X = X.reshape(len(X), -1).astype(np.float32)
    batches = X[:1], X[1:3], X[3:]
    parts = [session.run(["probabilities", "logits"], {"X": part}) for part in batches]
    return [np.vstack(part) for part in zip(*parts, strict=True)], session


def frozen(*steps):
    return FrozenEstimator(make_pipeline(*steps).fit(*songs()))


def combined_pipelines():
    """Every scaler and every kind of net but the slow ones, side by side."""
    return LinearCombiner(
        [
            ("standard", frozen(StandardScaler(), dense())),
            ("centred", frozen(StandardScaler(with_std=False), dense())),
            ("segment", frozen(SegmentScaler(), conv(pooling="average"))),
            ("input", frozen(SegmentScaler(per="input"), conv(pool_size=3))),
            (
                "robust",
                frozen(RobustScaler(with_centering=False), "passthrough", conv()),
            ),
            ("maximum", frozen(MaxAbsScaler(), SegmentConvClassifier(**SHORT))),
            ("range", frozen(MinMaxScaler((-1, 2), clip=True), conv(dtype="float64"))),
            ("whole", frozen(StandardScaler(), conv(global_pooling="mean_max"))),
            ("logistic", frozen(StandardScaler(), LogisticRegression(C=0.01))),
        ]
    )


def pair():
    return [("conv", conv()), ("sparse", SparseRefitClassifier(conv()))]


def scaled(estimator):
    return make_pipeline(StandardScaler(), estimator)


MODELS = {
    "net": conv(),
    "linear": combined_pipelines(),
    "nonlinear": scaled(NonlinearCombiner([*pair(), ("d", dense())], cv=2, **SHORT)),
    "joint": scaled(JointCombiner([("a", conv()), ("b", dense())], cv=2, **SHORT)),
    "corrector": scaled(
        CorrectingClassifier(
            LinearCombiner(pair(), cv=2), conv(), n_corrections=2, shrinkage=0.5
        )
    ),
    "hidden corrector": CorrectingClassifier(
        scaled(SparseRefitClassifier(conv())), dense(), use_hidden=True
    ),
    "linear corrector": scaled(
        CorrectingClassifier(conv(), dense(), freeze=False, combine="linear")
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_probabilities_are_those_of_predict_proba(name, tmp_path):
    X, y = songs()
    model = MODELS[name].fit(X, y)
    (probabilities, logits), session = run(model, X, tmp_path / "model.onnx")
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(logits, model.decision_function(X), atol=1e-3)
    assert np.ptp(probabilities, axis=0).max() > 1e-3  # songs differ
    (songs_in,) = session.get_inputs()
    assert (songs_in.name, songs_in.type) == ("X", "tensor(float)")
    assert songs_in.shape == ["n_songs", X.shape[1]]
    classes = session.get_modelmeta().custom_metadata_map["classes"]
    assert json.loads(classes) == model.classes_.tolist()
    assert [item.name for item in tmp_path.iterdir()] == ["model.onnx"]


def test_two_classes(tmp_path):
    X, y = songs()
    y = y == "Jazz"
    bases = [("conv", conv()), ("logistic", LogisticRegression(C=0.01))]
    model = scaled(LinearCombiner(bases, cv=2)).fit(X, y)
    (probabilities, logits), _ = run(model, X, tmp_path / "model.onnx")
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)
    score = logits[:, 1] - logits[:, 0]
    np.testing.assert_allclose(score, model.decision_function(X), atol=1e-3)


def padded_songs():
    X, y = songs()
    X = X.reshape(len(X), -1, 25).copy()
    X[::2, 4:] = np.nan
    return X, y


@pytest.mark.parametrize(
    "params",
    [
        {"global_pooling": ("mean", "std", "max"), "summary_norm": "batch"},
        {"global_pooling": ("std",), "summary_norm": "layer"},
    ],
)
def test_global_pooling_takes_padded_songs(params, tmp_path):
    X, y = padded_songs()
    net = conv(**params, dropout=0.5, crop_segments=4)
    model = make_pipeline(SegmentScaler(), net).fit(X, y)
    (probabilities, _), _ = run(model, X, tmp_path / "model.onnx")
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize(
    ("cell", "bidirectional"),
    [
        ("gru", True),
        pytest.param("lstm", False, marks=pytest.mark.slow),
        pytest.param("lstm", True, marks=pytest.mark.slow),
        pytest.param("tanh", True, marks=pytest.mark.slow),
    ],
)
def test_recurrent_nets_take_songs_of_full_length(cell, bidirectional, tmp_path):
    X, y = padded_songs()
    net = RecurrentClassifier(
        cell=cell, hidden_size=4, bidirectional=bidirectional, **SHORT
    )
    net.fit(X, y)
    (probabilities, logits), _ = run(net, X, tmp_path / "model.onnx")
    whole = ~np.isnan(X).any(axis=(1, 2))
    assert 0 < whole.sum() < len(X)
    expected = net.predict_proba(X)
    np.testing.assert_allclose(probabilities[whole], expected[whole], atol=1e-5)
    assert np.isnan(probabilities[~whole]).all()
    assert np.isnan(logits[~whole]).all()


def test_the_estimator_is_left_as_it_was(tmp_path):
    X, y = songs()
    model = conv(dtype="float64").fit(X, y)
    before = outputs(model, X)
    training = [part.training for part in model.module_.modules()]
    to_onnx(model, tmp_path / "model.onnx")
    assert [part.training for part in model.module_.modules()] == training
    for name, values in outputs(model, X).items():
        np.testing.assert_array_equal(values, before[name])


def test_of_a_model_of_recordings_the_part_after_the_segmenter(tmp_path):
    """What `sklearn-msd train` writes begins with one."""
    pytest.importorskip("soundfile")
    pytest.importorskip("librosa")
    digits = load_spoken_digits()
    paths = digits.recordings.filenames[:12]
    model = make_pipeline(AudioSegmenter(n_segments=8), SegmentScaler(), conv())
    model.fit(paths, [i % 3 for i in range(12)])
    save(model, tmp_path / "model.msd")
    model = load(tmp_path / "model.msd")
    segments = model[0].transform(paths)
    (probabilities, _), session = run(model, segments, tmp_path / "model.onnx")
    np.testing.assert_allclose(probabilities, model.predict_proba(paths), atol=1e-5)
    assert session.get_inputs()[0].shape == ["n_songs", 8 * 25]
    nested = make_pipeline("passthrough", *(step for _, step in model.steps))
    with pytest.raises(TypeError, match="AudioSegmenter has no ONNX graph here"):
        to_onnx(nested, tmp_path / "nested.onnx")


def test_what_has_no_graph_is_named(tmp_path):
    X, y = songs()
    path = tmp_path / "model.onnx"
    power = make_pipeline(PowerTransformer(), dense()).fit(X, y)
    with pytest.raises(TypeError, match="PowerTransformer has no ONNX graph"):
        to_onnx(power, path)
    with pytest.raises(TypeError, match="StandardScaler has no ONNX graph"):
        to_onnx(StandardScaler().fit(X), path)
    with pytest.raises(NotFittedError):
        to_onnx(dense(), path)
    assert not path.exists()


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r"sklearn-msd\[onnx\]"):
        to_onnx(dense().fit(*songs()), tmp_path / "model.onnx")


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"what was there")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        to_onnx(dense().fit(*songs()), path)
    assert path.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_said_of_what_pytorch_skips(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)  # which PyTorch would log
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.addHandler(handler)
    try:
        to_onnx(dense().fit(*songs()), tmp_path / "net.onnx")
    finally:
        log.removeHandler(handler)
    assert [record.getMessage() for record in records] == []
    assert log.level == level

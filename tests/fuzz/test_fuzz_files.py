"""Model files, pictures and verdicts, given anything."""

import contextlib
import copy

import numpy as np
import pytest
from fuzzing import (
    ODD_VALUES,
    codes,
    examples,
    nothing_else_changed,
    outcome,
    seeds,
    song_arrays,
    sound_labels,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from model_files import resealed
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from test_fuzz_models import DENSE, ODD_BASES, models

from sklearn_msd import (
    CombinerDisplay,
    ComparisonDisplay,
    KernelDisplay,
    LearningCurveDisplay,
    SegmentScaler,
    WeightHistogramDisplay,
    class_logits,
    load,
    save,
    to_onnx,
)
from sklearn_msd.report.judging.intervals import accuracy, compare
from sklearn_msd.report.judging.spread import Observed, learn_spread

SONGS = np.random.default_rng(0).normal(size=(9, 15))
FITTED = clone(DENSE).fit(SONGS, codes(9))
PROBA = FITTED.predict_proba(SONGS)


@pytest.fixture(scope="module")
def whole(folder):
    """What is in a model's file."""
    save(FITTED, folder / "whole.msd")
    return (folder / "whole.msd").read_bytes()


@examples(1)
@given(models(), song_arrays(constant=False), sound_labels())
def test_models_that_can_be_saved_come_back_as_they_were(folder, model, X, labels):
    path = folder / "model.msd"
    model.fit(X, labels[1](codes(len(X))))
    with nothing_else_changed(X):
        saved = outcome(("cannot be saved",), lambda: save(model, path) or "saved")
    if saved:
        again = load(path)
        np.testing.assert_array_equal(class_logits(again, X), class_logits(model, X))
        np.testing.assert_array_equal(again.predict(X), model.predict(X))


def positions(value, path=()):
    """Every place in a document, and what is there."""
    yield path
    items = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield from positions(item, (*path, key))


ODD_JSON = st.sampled_from(
    [
        *(None, True, -1, 0, 1, 10**6, 2**80, 1.5, "", "a", "ref", [], {}, [[]]),
        *({"ref": 0}, {"ref": -1}, {"tuple": [1]}, {"float": "nan"}),
        *({"scalar": ["<f4", 1.0]}, {"dict": {"a": 1}}, {"pairs": [[1, 2]]}),
        {"torch_dtype": "float64"},
    ]
)


@examples(2)
@given(st.data())
def test_forged_models_are_refused_or_make_no_harm(folder, whole, data):
    """Whatever stands in the manifest, with its digests right."""
    path = folder / "forged.msd"

    def change(manifest):
        places = [p for p in positions(manifest) if p and p[0] != "sha256"]
        for _ in range(data.draw(st.integers(1, 3))):
            *way, last = data.draw(st.sampled_from(places))
            target = manifest
            with contextlib.suppress(KeyError, IndexError, TypeError):
                for key in way:  # a change before may have removed it
                    target = target[key]
                target[last] = copy.deepcopy(data.draw(ODD_JSON))

    path.write_bytes(resealed(whole, change))
    with nothing_else_changed():
        outcome(("forged.msd",), load, path)


@examples(1)
@given(st.data())
def test_damaged_models_are_refused_or_as_they_were(folder, whole, data):
    path, content = folder / "damaged.msd", bytearray(whole)
    at = data.draw(st.integers(0, len(content) - 1), "at")
    if data.draw(st.booleans(), "cut"):
        content = content[:at]
    else:
        content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    # Some bytes, such as blanks of a header, mean nothing.
    loaded = outcome(("damaged.msd",), load, path)
    if loaded is not None:
        np.testing.assert_array_equal(loaded.predict_proba(SONGS), PROBA)


@examples(0.15)
@given(models(), song_arrays(constant=False))
def test_models_that_can_be_exported_predict_alike(folder, model, X):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    path = folder / "model.onnx"
    # Of unscaled songs, the roundings of float32 alone make a difference.
    rows = ((X - X.mean()) / X.std()).astype(np.float32)
    model.fit(rows, codes(len(X)))
    names = ("exported", "estimator", "to_onnx", "ONNX")
    if outcome(names, lambda: to_onnx(model, path) or "exported"):
        session = runtime.InferenceSession(path)
        (found,) = session.run(["probabilities"], {"X": rows})
        np.testing.assert_allclose(found, model.predict_proba(rows), atol=1e-4)


@examples(0.5)
@given(st.one_of(ODD_VALUES, ODD_BASES), ODD_VALUES)
def test_what_is_no_model_is_not_written(folder, value, path):
    names = ("estimator", "classifier", "saved", "exported", "path", "instance", "ONNX")
    outcome(names, save, value, folder / "odd.msd")
    with contextlib.suppress(OSError):
        if not isinstance(path, str | bytes | bool | int):
            outcome(("path", "str, bytes or os.PathLike"), save, 1, path)
            outcome(("path", "str, bytes or os.PathLike"), load, path)
    pytest.importorskip("onnxscript")
    outcome(names, to_onnx, value, folder / "odd.onnx")
    assert not (folder / "odd.onnx").exists()


FLOATS = st.floats(-100, 100)
ODD_ARRAYS = st.one_of(
    ODD_VALUES,
    npst.arrays(
        st.sampled_from(["f4", "f8", "i4", "?", "U2"]),
        npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
    ),
)
DISPLAYS = {
    CombinerDisplay: ("contributions", "names", "classes"),
    ComparisonDisplay: ("names", "scores", "intervals", "published"),
    KernelDisplay: ("kernels", "feature_names", "labels"),
    LearningCurveDisplay: ("histories",),
    WeightHistogramDisplay: ("weights",),
}
SOUND = {
    CombinerDisplay: (np.ones((2, 3)), ["a", "b"], ["x", "y", "z"]),
    ComparisonDisplay: (["a", "b"], [0.5, 0.6], [(0.4, 0.6), (0.5, 0.7)], [None, 0.5]),
    KernelDisplay: (np.ones((2, 3, 4)), list("abcd"), list("ab")),
    LearningCurveDisplay: ({"a": ([1.0, 0.5], [0.2, 0.4])},),
    WeightHistogramDisplay: ({"a": {"conv": np.ones(5)}, "b": {"conv": np.ones(3)}},),
}


@examples(1)
@given(st.sampled_from([*DISPLAYS]), st.data())
def test_displays_draw_or_say_what_is_wrong(display, data):
    plt = pytest.importorskip("matplotlib.pyplot")
    names, values = DISPLAYS[display], list(SOUND[display])
    at = data.draw(st.integers(0, len(values) - 1))
    if isinstance(values[at], dict) and data.draw(st.booleans(), "within"):
        values[at] = {"a": data.draw(ODD_ARRAYS)}
    else:
        values[at] = data.draw(ODD_ARRAYS)
    made = outcome(names, display, *values)
    if made is not None and outcome(names, made.plot):
        assert made.figure_.axes
    plt.close("all")


@examples(1)
@given(st.sampled_from([*DISPLAYS]), st.one_of(ODD_BASES, ODD_VALUES))
def test_displays_of_what_they_do_not_show_say_so(display, estimator):
    plt = pytest.importorskip("matplotlib.pyplot")
    names = (*DISPLAYS[display], "estimator", "Estimator", "estimators")
    arguments = [estimator]
    if display is ComparisonDisplay:
        arguments = [{"a": estimator}, np.ones((3, 15)), codes(3)]
        outcome((*names, "X", "y", "classifier"), display.from_estimators, *arguments)
    else:
        outcome(names, display.from_estimator, *arguments)
    plt.close("all")


RIGHT = npst.arrays(
    st.sampled_from(["f8", "?", "i8"]),
    st.tuples(st.integers(1, 4), st.integers(1, 30)),
    elements=st.integers(0, 1),
)
VERDICTS = ("left", "right", "confidence", "seeds", "differences")


@examples(1)
@given(RIGHT, seeds, st.floats(0.5, 0.999), st.data())
def test_verdicts_are_intervals_round_their_margin(right, seed, confidence, data):
    left = np.random.default_rng(seed).integers(0, 2, right.shape)
    found = compare(left, right, confidence=confidence)
    assert -1 <= found.low <= found.high <= 1
    assert found.margin == pytest.approx(left.mean() - right.mean())
    turned = compare(right, left, confidence=confidence)
    np.testing.assert_allclose([turned.low, turned.high], [-found.high, -found.low])
    own = accuracy(right, confidence=confidence)
    assert 0 <= own.low <= own.high <= 1
    by_start = [one.mean(axis=1) for one in (left, right)]
    learn_spread(
        [Observed("songs", a.mean(), a.var(), len(right) - 1) for a in by_start]
    )
    odd = data.draw(ODD_ARRAYS)
    outcome(VERDICTS, compare, odd, right)
    outcome(VERDICTS, accuracy, odd)
    outcome(VERDICTS, accuracy, right, confidence=data.draw(ODD_VALUES))


@examples(0.5)
@given(
    song_arrays(),
    st.sampled_from([StandardScaler(), SegmentScaler(n_segment_features=3)]),
)
def test_scalers_come_back_from_files(folder, X, scaler):
    save(scaler.fit(X), folder / "scaler.msd")
    again = load(folder / "scaler.msd").transform(X)
    np.testing.assert_array_equal(again, scaler.transform(X))

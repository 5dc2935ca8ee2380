"""Models come back from a file with the same predictions, or not at all."""

import json
import os
import pickle
import re
import runpy
import threading
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import torch
from model_files import N_SEGMENTS, SHORT, assert_same, conv, outputs, resealed, songs
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC
from skorch.callbacks import EpochScoring

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
    load,
    save,
)
from sklearn_msd.common.files.model_file import FORMAT
from sklearn_msd.common.scikit_learn.private import CALIBRATION
from sklearn_msd.datasets import AudioSegmenter
from sklearn_msd.saving.save_load import read_metadata

# Two epochs do for a model that is to be saved.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FILES = Path(__file__).parents[1] / "saved_models"


def dense(**kwargs):
    return FullyConnectedClassifier(hidden_layer_sizes=(6,), **SHORT | kwargs)


def frozen(net):
    return FrozenEstimator(net.fit(*songs()))


def bases():
    return [("conv", conv()), ("dense", frozen(dense()))]


ESTIMATORS = {
    "dense": dense(early_stopping=True, validation_fraction=0.5),
    "segment conv": SegmentConvClassifier(n_kernels=4, **SHORT, dtype="float64"),
    "conv": conv(pooling="average", class_weight={"Jazz": 2.0}),
    "global pooling": conv(global_pooling="mean_max", lr_schedule="one_cycle"),
    "batch normalisation": conv(
        global_pooling=("mean", "std"), summary_norm="batch", dropout=0.5
    ),
    "layer normalisation": conv(
        global_pooling=["max"], summary_norm="layer", crop_segments=4
    ),
    "gru": RecurrentClassifier(hidden_size=5, n_layers=2, bidirectional=True, **SHORT),
    "lstm": RecurrentClassifier(cell="lstm", hidden_size=5, **SHORT),
    "tanh": RecurrentClassifier(cell="tanh", hidden_size=5, **SHORT),
    "sets": dense(l2_layers={"hidden"}, l1_layers=frozenset({"output"})),
    "random state": dense(random_state=np.random.RandomState(3)),
    "crops": CropAveragingClassifier(conv(), n_crops=2, n_segments=5),
    "sparse": SparseRefitClassifier(conv(), threshold=0.05),
    "linear combiner": LinearCombiner(bases(), cv=StratifiedKFold(2)),
    "nonlinear combiner": NonlinearCombiner(bases(), cv=2, **SHORT),
    "joint combiner": JointCombiner(bases(), cv=2, similarity_penalty=0.1, **SHORT),
    "corrector": CorrectingClassifier(frozen(conv()), dense(), n_corrections=2),
    "default corrector": CorrectingClassifier(GaussianNB(), random_state=1),
    "unfrozen corrector": CorrectingClassifier(conv(), dense(), freeze=False),
    "hidden corrector": CorrectingClassifier(conv(), dense(), use_hidden=True),
    "linear corrector": CorrectingClassifier(conv(), dense(), combine="linear"),
    "nested": make_pipeline(
        StandardScaler(),
        CorrectingClassifier(
            LinearCombiner([("a", CorrectingClassifier(conv(), dense())), *bases()]),
            dense(),
        ),
    ),
    "standard": make_pipeline(StandardScaler(), conv()),
    "segment scaler": make_pipeline(SegmentScaler(), conv()),
    "crop, scale": make_pipeline(SegmentCropper(5), SegmentScaler(per="input"), conv()),
    "robust": make_pipeline(RobustScaler(), "passthrough", conv()),
    "range": make_pipeline(MinMaxScaler(clip=True), conv()),
    "maximum": make_pipeline(MaxAbsScaler(), conv()),
    "norm": make_pipeline(Normalizer(), dense()),
    "power": make_pipeline(PowerTransformer(), dense()),
    "quantiles": make_pipeline(
        QuantileTransformer(n_quantiles=20),
        PCA(9, random_state=0),
        LinearDiscriminantAnalysis(),
    ),
    "voting": VotingClassifier(bases(), voting="soft"),
    "stacking": StackingClassifier([("nb", GaussianNB()), *bases()], cv=2),
    "bagging": BaggingClassifier(dense(), n_estimators=2, random_state=0),
    "calibrated": CalibratedClassifierCV(dense(), cv=2),
    "isotonic": CalibratedClassifierCV(dense(), cv=2, method="isotonic"),
    "calibrated best": CalibratedClassifierCV(dense(), cv=2, method=CALIBRATION),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "ridge": RidgeClassifier(),
    "statistics": make_pipeline(
        SegmentStatistics(),
        StandardScaler(),
        CalibratedClassifierCV(SVC(), method=CALIBRATION, cv=2, ensemble=False),
    ),
    "linear machine": SVC(kernel="linear", class_weight="balanced"),
}


@pytest.fixture(scope="module")
def fitted():
    """Each estimator fitted once, when it is first asked for."""
    made = {}

    def fit(name):
        if name not in made:
            made[name] = ESTIMATORS[name].fit(*songs())
        return made[name]

    return fit


def saved_and_loaded(estimator, tmp_path):
    save(estimator, tmp_path / "model.msd")
    return load(tmp_path / "model.msd")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_predictions_are_equal_to_the_bit(name, fitted, tmp_path):
    model = fitted(name)
    loaded = saved_and_loaded(model, tmp_path)
    assert type(loaded) is type(model)
    assert re.sub("0x.*", "", repr(loaded)) == re.sub("0x.*", "", repr(model))
    for dtype in np.float32, np.float64:
        X, _ = songs(dtype)
        assert_same(outputs(model, X), outputs(loaded, X))


def test_every_public_estimator_is_tried_here():
    def parts(value):
        if isinstance(value, BaseEstimator):
            yield type(value)
            value = list(value.get_params(deep=False).values())
        if isinstance(value, list | tuple):
            for item in value:
                yield from parts(item)

    public = {getattr(sklearn_msd, name) for name in sklearn_msd.__all__}
    estimators = {
        item
        for item in public
        if isinstance(item, type) and issubclass(item, BaseEstimator)
    }
    assert len(estimators) >= 10
    assert estimators <= set(parts(list(ESTIMATORS.values())))


@pytest.mark.parametrize("name", ["dense", "gru", "random state", "segment conv"])
def test_a_loaded_net_is_what_an_unpickled_one_is(name, fitted, tmp_path):
    model = fitted(name)
    loaded = saved_and_loaded(model, tmp_path)
    unpickled = pickle.loads(pickle.dumps(model))
    for curve in "loss_curve_", "penalty_curve_", "validation_scores_", "n_iter_":
        assert getattr(loaded, curve) == getattr(model, curve)
    assert loaded.net_.history_ == model.net_.history_
    assert loaded.n_parameters_ == model.n_parameters_
    assert str(loaded.module_) == str(model.module_)
    np.testing.assert_array_equal(loaded.classes_, model.classes_)
    X, y = songs()
    for net in loaded, unpickled:  # both go on with the same random numbers
        net.partial_fit(X, y)
    assert_same(outputs(unpickled, X), outputs(loaded, X))
    assert loaded.loss_curve_ == unpickled.loss_curve_
    assert len(loaded.loss_curve_) == len(model.loss_curve_) + 1


def test_masked_weights_stay_zero_when_training_goes_on(fitted, tmp_path):
    loaded = saved_and_loaded(fitted("sparse"), tmp_path).estimator_
    masks = loaded.net_.masks
    assert not all(mask.all() for mask in masks.values())
    loaded.partial_fit(*songs())
    for name, mask in masks.items():
        assert (loaded.module_.get_parameter(name)[~mask] == 0).all()


def test_what_is_shared_stays_shared(fitted, tmp_path):
    model = fitted("joint combiner")
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.joint_.module_.bases[0] is loaded.estimators_[0].module_
    assert loaded.estimators[1][1].estimator is not loaded.estimators_[1]
    base = fitted("corrector")
    loaded = saved_and_loaded(base, tmp_path)
    assert loaded.estimator is loaded.estimator_


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, 1, 2]),
        np.array([True, False, True]),
        np.array(["a", "bb", "ccc"], dtype=object),
        np.array(["é", "λ", "🎵"]),
        np.array([2.0, 3.0, -1.0], dtype=np.float16),
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_labels_of_any_type(labels, tmp_path):
    X, y = songs()
    y = labels[np.unique(y, return_inverse=True)[1]]
    model = dense().fit(X, y)
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.classes_.dtype == model.classes_.dtype
    assert_same(outputs(model, X), outputs(loaded, X))


def test_names_of_columns_and_padded_songs(tmp_path):
    pandas = pytest.importorskip("pandas")
    X, y = songs()
    table = pandas.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    loaded = saved_and_loaded(dense().fit(table, y), tmp_path)
    assert list(loaded.feature_names_in_) == list(table.columns)
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(table.rename(columns={"c0": "other"}))
    padded = X.reshape(len(X), N_SEGMENTS, -1).copy()
    padded[::2, 4:] = np.nan
    model = RecurrentClassifier(hidden_size=5, **SHORT).fit(padded, y)
    assert_same(
        outputs(model, padded), outputs(saved_and_loaded(model, tmp_path), padded)
    )


def test_an_estimator_that_is_not_fitted(tmp_path):
    model = make_pipeline(StandardScaler(), LinearCombiner(bases()))
    loaded = saved_and_loaded(model, tmp_path)
    X, y = songs()
    assert_same(outputs(model.fit(X, y), X), outputs(loaded.fit(X, y), X))


def test_metadata_requests_are_kept(tmp_path):
    with config_context(enable_metadata_routing=True):
        net = dense().set_fit_request(sample_weight=True)
        loaded = saved_and_loaded(net, tmp_path)
        assert loaded.get_metadata_routing().fit.requests["sample_weight"] is True


def test_no_folder_of_this_machine_is_in_the_file(tmp_path):
    cache = os.fspath(tmp_path / "cache")
    model = make_pipeline(AudioSegmenter(memory=cache), dense(), memory=cache)
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.memory is None
    assert loaded[0].memory is None
    assert model.memory == cache
    assert cache.encode() not in (tmp_path / "model.msd").read_bytes()


def test_nothing_is_pickled(fitted, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("pickle")

    model = fitted("joint combiner")
    for name in "dump", "dumps", "load", "loads", "Pickler", "Unpickler":
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(torch, "save", refuse)
    monkeypatch.setattr(torch, "load", refuse)
    saved_and_loaded(model, tmp_path)


def test_any_safetensors_reader_opens_it(fitted, tmp_path):
    model = fitted("standard")
    save(model, tmp_path / "model.msd")
    tensors = safetensors.numpy.load_file(tmp_path / "model.msd")
    manifest = json.loads(tensors["manifest.json"].tobytes())
    assert manifest["versions"]["sklearn_msd"] == sklearn_msd.__version__
    kernels = model[-1].module_.conv[0].weight.detach().numpy()
    assert any(np.array_equal(kernels, array) for array in tensors.values())


def test_the_same_model_gives_the_same_bytes(fitted, tmp_path):
    for name in "a.msd", "b.msd":
        save(fitted("nested"), tmp_path / name)
    assert (tmp_path / "a.msd").read_bytes() == (tmp_path / "b.msd").read_bytes()


# What cannot be saved


def test_what_cannot_be_saved_is_named_and_nothing_is_written(tmp_path):
    path = tmp_path / "model.msd"
    path.write_bytes(b"what was there")
    scoring = EpochScoring("accuracy")
    cases = [
        (
            make_pipeline(FunctionTransformer(), dense()),
            r"steps\[0\]\[1\] is of type .*Func",
        ),
        (dense(callbacks=[scoring]), r"callbacks\[0\] is of type .*EpochScoring"),
        (GridSearchCV(dense(), {}), "GridSearchCV.*best_estimator_"),
        (dense(random_state=np.random.default_rng(0)), "random_state is of type"),
    ]
    for estimator, message in cases:
        with pytest.raises(TypeError, match=message):
            save(estimator, path)
    assert [item.name for item in tmp_path.iterdir()] == ["model.msd"]
    assert path.read_bytes() == b"what was there"


def test_a_full_disk_leaves_the_file_that_was_there(fitted, tmp_path, monkeypatch):
    path = tmp_path / "model.msd"
    save(fitted("conv"), path)
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save(fitted("dense"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="a file in use cannot be replaced there")
def test_threads_that_save_to_one_path_leave_one_model_whole(tmp_path):
    path, errors = tmp_path / ("m" * 246 + ".msd"), []
    models = [LogisticRegression(C=c).fit([[0.0], [1.0]], [0, 1]) for c in (1, 2)]

    def work(model):
        try:
            for _ in range(20):
                save(model, path)
                assert load(path).C in (1, 2)
        except (OSError, ValueError) as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(m,)) for m in models * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert list(tmp_path.iterdir()) == [path]


# Files of other versions


@pytest.mark.parametrize("other", [b"0", b"3"])
def test_a_file_of_another_format_is_refused(fitted, tmp_path, other):
    path = tmp_path / "model.msd"
    save(fitted("conv"), path)
    content = path.read_bytes()
    changed = content.replace(rb"{\"format\": 2,", rb"{\"format\": " + other + b",")
    assert changed != content
    path.write_bytes(changed)
    with pytest.raises(ValueError, match=f"its format is {int(other)}; .* from 1 to 2"):
        load(path)


def test_a_file_of_a_later_version_warns(fitted, tmp_path):
    def later(manifest):
        manifest["versions"]["sklearn_msd"] = "99.0"

    path = tmp_path / "model.msd"
    save(fitted("conv"), path)
    path.write_bytes(resealed(path.read_bytes(), later))
    with pytest.warns(UserWarning, match=r"saved by sklearn_msd 99\.0"):
        load(path)


def test_parameters_that_an_earlier_version_lacked_get_their_defaults(fitted, tmp_path):
    def earlier(manifest):
        for entry in manifest["objects"]:
            if entry.get("class") == "sklearn_msd.TimeConvClassifier":
                del entry["state"]["global_pooling"], entry["state"]["verbose"]

    path = tmp_path / "model.msd"
    save(fitted("standard"), path)
    path.write_bytes(resealed(path.read_bytes(), earlier))
    loaded = load(path)
    assert loaded[-1].get_params() == fitted("standard")[-1].get_params()
    X, _ = songs()
    assert_same(outputs(fitted("standard"), X), outputs(loaded, X))


def test_a_net_from_a_device_that_is_not_here(fitted, tmp_path):
    def elsewhere(manifest):
        for entry in manifest["objects"]:
            if "net" in entry:
                entry["net"]["device"] = "cuda:93"

    path = tmp_path / "model.msd"
    save(fitted("conv"), path)
    path.write_bytes(resealed(path.read_bytes(), elsewhere))
    loaded = load(path)
    assert loaded.net_.device == "cpu"
    X, _ = songs()
    assert_same(outputs(fitted("conv"), X), outputs(loaded, X))


@pytest.mark.parametrize(
    "path", sorted(FILES.glob("*.msd")), ids=lambda path: path.stem
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_files_of_all_formats_are_read(path):
    expected = json.loads(path.with_suffix(".json").read_text())["probabilities"]
    songs = runpy.run_path(str(FILES / "make.py"))["songs"]
    model = load(path)
    np.testing.assert_allclose(model.predict_proba(songs()), expected, atol=1e-6)
    assert list(model.classes_) == ["Jazz", "Pop", "Rock"]
    if not path.stem.endswith("nets"):
        assert len(model[-1].correctors_[0].loss_curve_) == 2
        return
    joint = model.named_estimators_["joint"]
    assert joint.joint_.module_.bases[0] is joint.estimators_[0].module_
    net = model.named_estimators_["tall"]
    assert net.partial_fit(songs(), np.arange(24) % 3).n_iter_ == 3


@pytest.mark.parametrize(
    "path", sorted(FILES.glob("*.msd")), ids=lambda path: path.stem
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_a_file_of_any_format_is_saved_in_the_present_one(path, tmp_path):
    model = load(path)
    songs = runpy.run_path(str(FILES / "make.py"))["songs"]()
    again = saved_and_loaded(model, tmp_path)
    assert_same(outputs(model, songs), outputs(again, songs))


def test_no_paths_of_classes_are_in_a_file_but_public_names(fitted, tmp_path):
    save(fitted("joint combiner"), tmp_path / "model.msd")
    tensors = safetensors.numpy.load_file(tmp_path / "model.msd")
    text = tensors["manifest.json"].tobytes().decode()
    assert "sklearn_msd.JointCombiner" in text
    assert not re.search(r"sklearn_msd\.[a-z_]+\.|torch\.nn|_modules", text)


def test_a_file_without_the_optimiser_is_smaller_and_predicts_the_same(
    fitted, tmp_path
):
    model, path = fitted("dense"), tmp_path / "model.msd"
    save(model, path)
    whole = path.stat().st_size
    save(model, path, optimizer=False)
    loaded = load(path)
    assert path.stat().st_size < whole
    X, y = songs()
    assert_same(outputs(model, X), outputs(loaded, X))
    assert loaded.partial_fit(X, y).n_iter_ == model.n_iter_ + 1


def test_there_is_a_file_of_the_present_format():
    assert (FILES / f"format-{FORMAT}.msd").is_file()


def test_metadata_are_kept_beside_the_model(tmp_path):
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    save(model, tmp_path / "plain.msd")
    assert read_metadata(tmp_path / "plain.msd")[1] == {}
    about = {"accuracy": 0.5, "data": "Köln", "parts": [1, None]}
    save(model, tmp_path / "m.msd", metadata=about)
    versions, found = read_metadata(tmp_path / "m.msd")
    assert found == about
    assert versions["sklearn_msd"] == sklearn_msd.__version__
    assert load(tmp_path / "m.msd").predict([[1.0]]) == [1]
    with pytest.raises(TypeError, match="JSON"):
        save(model, tmp_path / "new.msd", metadata={"x": object()})
    assert not (tmp_path / "new.msd").exists()
    (tmp_path / "m.msd").write_text("no model")
    with pytest.raises(ValueError, match="cannot be loaded as a model"):
        read_metadata(tmp_path / "m.msd")

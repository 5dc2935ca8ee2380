import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    LinearCombiner,
    NonlinearCombiner,
    SegmentConvClassifier,
    SparseRefitClassifier,
    TimeConvClassifier,
)
from sklearn_msd.report.data import Split
from sklearn_msd.report.declaration import rebuild
from sklearn_msd.report.fitting import fingerprint, fit, n_parameters, train
from sklearn_msd.report.recorder import PredictionRecorder
from sklearn_msd.report.records import RecordStore

SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 0}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = rng.normal(size=(90, 8, 25)).astype(np.float32)
    X[:, :, 0] += 0.5 * y[:, None]
    X = X.reshape(90, -1)
    return split_of(X, y, 30)


def split_of(X, y, n_valid):
    return Split(X[:60], y[:60], X[60:], y[60:], n_valid, 25, np.arange(n_valid))


@pytest.fixture(scope="module")
def base(data):
    net = TimeConvClassifier(n_kernels=4, **SMALL)
    return net.fit(data.X_train, data.y_train)


def corrector():
    return FullyConnectedClassifier(**SMALL)


def recorded(model, data):
    recorder = PredictionRecorder(data.n_valid)
    model = rebuild(model, lambda frozen: frozen, callbacks=[("report", recorder)])
    return model, *fit(model, data, recorder)


def models(base):
    frozen = FrozenEstimator(base)
    pair = [("a", frozen), ("b", frozen)]
    training = {"max_epochs": 3, "random_state": 0}
    return {
        "net": TimeConvClassifier(n_kernels=4, **SMALL),
        "sparse": SparseRefitClassifier(SegmentConvClassifier(n_kernels=4, **SMALL)),
        "linear": LinearCombiner(pair),
        "nonlinear": NonlinearCombiner(pair, hidden_layer_sizes=(5,), **training),
        "joint": JointCombiner(pair, **training),
        "penalty": JointCombiner(pair, similarity_penalty=1.0, **training),
        "correcting": CorrectingClassifier(frozen, corrector()),
        "free": CorrectingClassifier(frozen, corrector(), freeze=False),
        "hidden": CorrectingClassifier(frozen, corrector(), use_hidden=True),
        "combined": CorrectingClassifier(frozen, corrector(), combine="linear"),
        "stacked": CorrectingClassifier(frozen, corrector(), n_corrections=2),
    }


@pytest.mark.parametrize("name", models(None))
def test_the_last_epoch_is_what_the_fitted_model_does(base, data, name):
    model, losses, predictions, _ = recorded(models(base)[name], data)
    n_epochs = 1 if name == "linear" else 3
    assert predictions["model"].shape == (n_epochs, 30)
    assert_array_equal(predictions["model"][-1], model.predict(data.X_eval))
    probabilities = model.predict_proba(data.X_eval).astype(float)
    probabilities /= probabilities.sum(axis=1, keepdims=True)  # float32 rounding
    expected = log_loss(data.y_eval, probabilities)
    assert losses["model"][-1] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", models(None))
def test_test_songs_are_predicted_as_at_the_best_epoch(base, data, name):
    """The same songs once more as test songs, and the fitted model as without them."""
    twice = Split(
        data.X_train,
        data.y_train,
        np.tile(data.X_eval, (2, 1)),
        np.tile(data.y_eval, 2),
        data.n_valid,
        25,
        np.arange(data.n_valid),
    )
    plain, losses, predictions, tested = recorded(models(base)[name], data)
    model, *again, tested_twice = recorded(models(base)[name], twice)
    assert not tested
    assert set(tested_twice) == set(predictions)
    for output, epochs in predictions.items():
        assert_array_equal(again[1][output], epochs)
        assert_allclose(again[0][output], losses[output], rtol=1e-5)
        best = (epochs == data.y_eval).mean(axis=1).argmax()
        assert_array_equal(tested_twice[output], epochs[best])
    assert_array_equal(
        model.predict_proba(data.X_eval), plain.predict_proba(data.X_eval)
    )


def test_the_corrector_alone(base, data):
    model, _, predictions, _ = recorded(models(base)["correcting"], data)
    own = model.correction(data.X_eval)
    assert_array_equal(predictions["correction"][-1], own.argmax(axis=1))
    assert (predictions["correction"] != predictions["model"]).any()


def test_stages_are_those_of_the_stack(base, data):
    model, _, predictions, _ = recorded(models(base)["stacked"], data)
    _, *stages = model.staged_predict_proba(data.X_eval)
    for i, probabilities in enumerate(stages, start=1):
        last = predictions[f"stage {i}"][-1]
        assert_array_equal(last, probabilities.argmax(axis=1))
    assert_array_equal(predictions["stage 2"], predictions["model"])


def test_parameters_are_counted_with_what_a_model_builds_on(base, data):
    n_base = sum(p.numel() for p in base.module_.parameters())
    found = {
        name: n_parameters(recorded(model, data)[0])
        for name, model in models(base).items()
    }
    n_corrector = 200 * 8 + 8 + 8 * 3 + 3
    assert found["net"] == n_base
    assert found["linear"] == found["joint"] == 2 * n_base + 6 * 3 + 3
    assert found["nonlinear"] == 2 * n_base + 6 * 5 + 5 + 5 * 3 + 3
    assert found["correcting"] == found["free"] == n_base + n_corrector
    assert found["stacked"] == n_base + 2 * n_corrector
    assert found["combined"] == n_base + n_corrector + 6 * 3 + 3
    sparse = recorded(models(base)["sparse"], data)[0]
    parameters = sparse.estimator_.module_.parameters()
    zeros = sum(int((p == 0).sum()) for p in parameters)
    total = sum(p.numel() for p in sparse.estimator_.module_.parameters())
    assert zeros > 0
    assert found["sparse"] == total - zeros


def test_a_restored_net_is_the_net(base, data, tmp_path):
    store = RecordStore(tmp_path)
    fresh = TimeConvClassifier(n_kernels=4, **SMALL)
    arguments = {"label": "net", "base_keys": {}, "store": store}
    record = train(fresh, data, **arguments, keep_weights=True)
    store.save("key", record)
    again = store.load("key").model
    assert again.get_params() == TimeConvClassifier(n_kernels=4, **SMALL).get_params()
    for method in ("decision_function", "hidden_representation"):
        assert_array_equal(
            getattr(again, method)(data.X_eval), getattr(base, method)(data.X_eval)
        )


def test_training_on_a_recorded_base_is_training_on_the_base(base, data, tmp_path):
    store = RecordStore(tmp_path)
    fresh = TimeConvClassifier(n_kernels=4, **SMALL)
    arguments = {"label": "net", "store": store}
    store.save("k", train(fresh, data, **arguments, base_keys={}, keep_weights=True))
    model = CorrectingClassifier(FrozenEstimator(fresh), corrector())
    keys = {fingerprint(fresh): "k"}
    record = train(model, data, **arguments, base_keys=keys, keep_weights=False)
    _, losses, _, _ = recorded(models(base)["correcting"], data)
    assert_allclose(record.losses["model"], losses["model"])
    (tmp_path / "k.json").unlink()
    with pytest.raises(OSError, match="has gone from the disk"):
        train(model, data, **arguments, base_keys=keys, keep_weights=False)

"""Trainings that are killed go on to the weights of those that are not."""

import multiprocessing
import os
import signal
import sys
import time

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from small_models import CONV, DENSE, songs

from sklearn_msd import (
    CorrectingClassifier,
    JointCombiner,
    NonlinearCombiner,
    RecurrentClassifier,
    SparseRefitClassifier,
    load,
    save,
)
from sklearn_msd.datasets import MappedSongs
from sklearn_msd.training.keeping import checkpoints

X, Y = songs()
EPOCHS = 60
LONG = clone(CONV).set_params(max_epochs=EPOCHS, l1=1e-4)
X_VAL, Y_VAL = songs(seed=1)
VALIDATION = {"X_val": X_VAL, "y_val": Y_VAL}
LOGITS = np.random.RandomState(0).normal(size=(len(X), 3))
WEIGHT = np.random.RandomState(1).uniform(0.5, 2, size=len(X))
FITS = {
    "constant": (LONG, {}),
    "one cycle": (clone(LONG).set_params(lr_schedule="one_cycle"), VALIDATION),
    "early stopping": (
        clone(LONG).set_params(
            early_stopping=True, learning_rate=0.01, validation_fraction=0.4
        ),
        {"sample_weight": WEIGHT, "base_logits": LOGITS},
    ),
    "one cycle, early stopping": (
        clone(LONG).set_params(
            lr_schedule="one_cycle", early_stopping=True, learning_rate=0.01
        ),
        VALIDATION,
    ),
    "noise": (
        clone(LONG).set_params(
            global_pooling=("mean", "std"),
            summary_norm="batch",
            dropout=0.5,
            crop_segments=8,
            lr_schedule="one_cycle",
            early_stopping=True,
            n_iter_no_change=EPOCHS,
        ),
        VALIDATION,
    ),
    "recurrent, float64": (
        RecurrentClassifier(
            n_segment_features=5, hidden_size=8, dtype="float64", max_epochs=EPOCHS
        ).set_params(random_state=3, class_weight="balanced"),
        VALIDATION,
    ),
}
each_fit = pytest.mark.parametrize("fit", FITS)
forks = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


class Batches(Callback):
    """Counts the batches of all trainings, those in forked processes too."""

    seen = multiprocessing.Value("i")

    def on_batch_begin(self, net, training, **kwargs):
        self.seen.value += training


def in_another_process(function, *args, **kwargs):
    context = multiprocessing.get_context("fork")
    process = context.Process(target=function, args=args, kwargs=kwargs)
    process.start()
    return process


def history(net):
    """All but the times."""
    return [
        {k: v for k, v in epoch.items() if k != "dur"} for epoch in net.net_.history
    ]


def assert_same(net, other):
    ours, theirs = net.module_.state_dict(), other.module_.state_dict()
    for name in ours | theirs:  # running figures, which are no parameters, too
        np.testing.assert_array_equal(ours[name], theirs[name])
    assert history(net) == history(other)
    assert net.best_iter_ == other.best_iter_


@forks
@each_fit
def test_a_fit_killed_at_any_moment_goes_on_to_the_same_weights(
    fit, tmp_path, monkeypatch
):
    monkeypatch.setattr(checkpoints, "_PAUSE", 0)
    net, arguments = FITS[fit]
    whole = clone(net).fit(X, Y, **arguments)
    n_batches = sum(len(epoch["batches"]) for epoch in whole.net_.history)
    net = clone(net).set_params(checkpoint=tmp_path / "fit", callbacks=[Batches()])
    shares = np.random.RandomState(0).uniform(0.05, 0.2, size=4)
    for share in shares:
        Batches.seen.value = 0
        child = in_another_process(clone(net).fit, X, Y, **arguments)
        while Batches.seen.value < share * n_batches:
            assert child.is_alive()
            time.sleep(0.001)
        child.kill()
        child.join()
    Batches.seen.value = 0
    again = clone(net).fit(X, Y, **arguments)
    assert 0 < Batches.seen.value < n_batches  # neither at its end nor begun anew
    assert_same(again, whole)
    assert os.listdir(tmp_path) == ["fit"]


@forks
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_killed_while_writing(call, tmp_path, monkeypatch):
    whole = clone(LONG).fit(X, Y)
    path = tmp_path / "fit"
    original = getattr(os, call)

    def die_at_the_third(*args):
        calls.append(args)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args)

    for _ in range(3):
        calls = []
        with monkeypatch.context() as patch:
            patch.setattr(os, call, die_at_the_third)
            patch.setattr(checkpoints, "_PAUSE", 0)
            child = in_another_process(
                clone(LONG).set_params(checkpoint=path).fit, X, Y
            )
            child.join()
        assert child.exitcode == -signal.SIGKILL
        assert len(os.listdir(tmp_path)) == 2  # the last file, and part of another
    assert_same(clone(LONG).set_params(checkpoint=path).fit(X, Y), whole)
    assert os.listdir(tmp_path) == ["fit"]


@each_fit
def test_a_finished_fit_is_had_again_without_training(fit, tmp_path):
    net, arguments = FITS[fit]
    net = clone(net).set_params(checkpoint=tmp_path / "fit", callbacks=[Batches()])
    first = clone(net).fit(X, Y, **arguments)
    Batches.seen.value = 0
    assert_same(clone(net).fit(X, Y, **arguments), first)
    assert Batches.seen.value == 0


def test_a_finished_fit_is_continued_beyond_its_end(tmp_path):
    net = clone(LONG).set_params(checkpoint=str(tmp_path / "fit"))
    clone(net).set_params(max_epochs=7).fit(X, Y)
    assert_same(clone(net).fit(X, Y), clone(LONG).fit(X, Y))
    with pytest.raises(ValueError, match=r"checkpoint.*60 epochs.*max_epochs=7"):
        clone(net).set_params(max_epochs=7).fit(X, Y)
    cycle = clone(net).set_params(lr_schedule="one_cycle", checkpoint=tmp_path / "2")
    cycle.fit(X, Y)
    with pytest.raises(ValueError, match=r"another fit.*max_epochs"):
        cycle.set_params(max_epochs=70).fit(X, Y)


def test_after_ctrl_c(tmp_path):
    class CtrlC(Callback):
        def on_batch_begin(self, net, **kwargs):
            if len(net.history) == 20:
                signal.raise_signal(signal.SIGINT)

    net = clone(LONG).set_params(checkpoint=tmp_path / "fit", callbacks=[CtrlC()])
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y)
    assert net.predict(X).shape == Y.shape
    assert_same(net.set_params(callbacks=None).fit(X, Y), clone(LONG).fit(X, Y))


@pytest.mark.filterwarnings("ignore:The validation loss was still falling")
def test_without_a_seed_the_start_is_the_first_fits(tmp_path):
    net = clone(LONG).set_params(
        random_state=None, early_stopping=True, checkpoint=tmp_path / "fit"
    )
    net.set_params(validation_fraction=0.4)
    first = clone(net).set_params(max_epochs=5).fit(X, Y)
    longer = clone(net).set_params(max_epochs=12).fit(X, Y)
    assert longer.loss_curve_[:5] == first.loss_curve_
    assert longer.validation_loss_curve_[:5] == first.validation_loss_curve_


def test_a_generator_ends_where_it_does_without_a_break(tmp_path):
    ends = []
    for paths in ([None], [tmp_path / "fit"] * 2):
        for path in paths:
            rng = np.random.RandomState(5)
            clone(LONG).set_params(random_state=rng, checkpoint=path).fit(X, Y)
        ends.append(rng.rand())
    assert ends[0] == ends[1]
    other = clone(LONG).set_params(random_state=np.random.RandomState(6))
    with pytest.raises(ValueError, match=r"another fit.*random_state"):
        other.set_params(checkpoint=tmp_path / "fit").fit(X, Y)


def changed(array, i=-1):
    array = array.copy()
    array.flat[i] = array.flat[0] if array.dtype.kind == "U" else array.flat[i] + 1e-9
    return array


GIVEN = {
    **{"X": X, "y": Y, "sample_weight": WEIGHT, "base_logits": LOGITS},
    **{**VALIDATION, "base_logits_val": LOGITS[::-1]},
}


@pytest.mark.parametrize(
    ("params", "arguments", "named"),
    [
        ({"l2": 0.02}, {}, "l2"),
        ({"batch_size": 20}, {}, "batch_size"),
        ({"random_state": 1}, {}, "weights at the start, random_state"),
        ({"random_state": None}, {}, "random_state"),
        ({"hidden_layer_sizes": (5,)}, {}, "hidden_layer_sizes, weights"),
        ({"n_iter_no_change": 7}, {}, "n_iter_no_change"),
        ({}, {"X": changed(X)}, "X"),
        ({}, {"X": X.astype(np.float32)}, "X"),
        ({}, {"y": changed(Y, int((Y[0] != Y).argmax()))}, "y"),
        ({}, {"y": np.char.upper(Y), "y_val": np.char.upper(Y_VAL)}, "y, y_val"),
        ({}, {"sample_weight": None}, "sample_weight"),
        ({}, {"sample_weight": WEIGHT[::-1]}, "sample_weight"),
        ({}, {"base_logits": LOGITS[::-1]}, "base_logits"),
        ({}, {"X_val": changed(X_VAL)}, "X_val"),
        ({}, {"X_val": None, "y_val": None, "base_logits_val": None}, "X_val"),
    ],
)
def test_a_file_of_another_fit_is_an_error_and_stays(
    params, arguments, named, tmp_path
):
    path = tmp_path / "fit"
    net = clone(CONV).set_params(max_epochs=1, checkpoint=path)
    net.fit(**GIVEN)
    before = path.read_bytes()
    other = clone(net).set_params(**params)
    with pytest.raises(ValueError, match=rf"checkpoint=.*differs:.*\b{named}\b"):
        other.fit(**GIVEN | arguments)
    assert not hasattr(other, "net_")
    assert path.read_bytes() == before
    # What has no say in the weights may be another, and the same may look another way.
    same = {
        "verbose": 0,
        "callbacks": [Batches()],
        "device": "cpu",
        "l2_layers": ["conv"],
    }
    net.set_params(l2_layers=("conv",), checkpoint=tmp_path / "2").fit(**GIVEN)
    net.set_params(**same).fit(**GIVEN | {"y": list(Y), "X": X.reshape(len(X), -1, 5)})


def test_a_file_that_is_no_checkpoint_stays(tmp_path):
    model = tmp_path / "model"
    save(clone(CONV).fit(X, Y), model)
    text = tmp_path / "text"
    text.write_text("My thesis, chapter one.")
    damaged = tmp_path / "damaged"
    clone(CONV).set_params(checkpoint=damaged).fit(X, Y)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    for path in (model, text, damaged):
        before = path.read_bytes()
        with pytest.raises(ValueError, match=rf"checkpoint='{path}' is there, but"):
            clone(CONV).set_params(checkpoint=path).fit(X, Y)
        assert path.read_bytes() == before


def test_a_file_that_cannot_be_written_is_an_error_at_once(tmp_path):
    Batches.seen.value = 0
    net = clone(CONV).set_params(callbacks=[Batches()])
    for path in (tmp_path / "missing" / "fit", tmp_path / ("x" * 300)):
        with pytest.raises(OSError, match=path.name):
            net.set_params(checkpoint=path).fit(X, Y)
    assert Batches.seen.value == 0
    with pytest.raises(ValueError, match="'checkpoint' parameter"):
        net.set_params(checkpoint=5).fit(X, Y)


def test_two_fits_at_a_time_do_not_mix(tmp_path):
    path = tmp_path / "fit"

    class Another(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == EPOCHS:
                path.unlink()
                clone(CONV).set_params(checkpoint=path).fit(X, Y)

    net = clone(LONG).set_params(checkpoint=path, callbacks=[Another()])
    with pytest.raises(ValueError, match=r"checkpoint=.*a file of its own"):
        net.fit(X, Y)
    clone(CONV).set_params(checkpoint=path).fit(X, Y)


def test_searches_are_refused(tmp_path):
    net = clone(CONV).set_params(checkpoint=tmp_path / "fit")
    search = GridSearchCV(net, {"l2": [0.1, 0.2]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="checkpoint has to be None"):
        search.fit(X, Y)


def test_partial_fit_writes_nothing(tmp_path):
    net = clone(CONV).set_params(checkpoint=tmp_path / "fit")
    net.partial_fit(X, Y, classes=np.unique(Y))
    assert not any(tmp_path.iterdir())
    net.fit(X, Y)
    before = (tmp_path / "fit").read_bytes()
    assert net.partial_fit(X, Y).n_iter_ == 5
    assert (tmp_path / "fit").read_bytes() == before


def test_a_memory_map_and_warm_start(tmp_path):
    np.save(tmp_path / "songs.npy", X.astype(np.float16))
    mapped = np.load(tmp_path / "songs.npy", mmap_mode="r")
    net = clone(CONV).set_params(checkpoint=tmp_path / "fit", warm_start=True)
    assert_same(net.fit(mapped, Y), clone(CONV).fit(X.astype(np.float16), Y))
    with pytest.raises(ValueError, match="weights at the start"):
        net.fit(mapped, Y)  # the start is another now
    net.set_params(checkpoint=tmp_path / "second").fit(mapped, Y)


def test_songs_on_disk_shuffled_by_blocks(tmp_path):
    np.save(tmp_path / "songs.npy", X)
    songs = MappedSongs(np.load(tmp_path / "songs.npy", mmap_mode="r"))[::2]
    net = clone(LONG).set_params(shuffle="blocks", checkpoint=tmp_path / "fit")
    clone(net).set_params(max_epochs=9).fit(songs, Y[::2])
    whole = clone(net).set_params(checkpoint=None).fit(songs, Y[::2])
    assert_same(clone(net).fit(songs, Y[::2]), whole)
    with pytest.raises(ValueError, match=r"differs: (X, )?y"):
        net.fit(X[1::2], Y[1::2])


def test_the_path_is_no_part_of_a_saved_model(tmp_path):
    net = clone(CONV).set_params(checkpoint=tmp_path / "fit").fit(X, Y)
    save(net, tmp_path / "model")
    assert load(tmp_path / "model").checkpoint is None
    assert str(tmp_path).encode() not in (tmp_path / "model").read_bytes()
    assert clone(net).checkpoint == net.checkpoint


@pytest.mark.parametrize(
    "kind", ["correcting", "with base", "sparse", "nonlinear", "joint"]
)
def test_nets_inside_others_have_a_file_each(kind, tmp_path):
    path = tmp_path / "fit"
    base = FrozenEstimator(clone(CONV).fit(X, Y))
    dense = clone(DENSE).set_params(checkpoint=path)
    training = dense.training_parameters()
    pair = [("a", base), ("b", FrozenEstimator(clone(DENSE).fit(X, Y)))]
    model, files = {
        "correcting": (
            CorrectingClassifier(base, dense, n_corrections=3),
            ["fit", "fit.2", "fit.3"],
        ),
        "with base": (CorrectingClassifier(base, dense, freeze=False), ["fit"]),
        "sparse": (
            SparseRefitClassifier(clone(CONV).set_params(checkpoint=path)),
            ["fit", "fit.dense"],
        ),
        "nonlinear": (NonlinearCombiner(pair, **training), ["fit"]),
        "joint": (JointCombiner(pair, **training), ["fit"]),
    }[kind]
    first = clone(model).fit(X, Y).predict_proba(X)
    assert sorted(os.listdir(tmp_path)) == files
    os.unlink(tmp_path / files[-1])
    np.testing.assert_array_equal(clone(model).fit(X, Y).predict_proba(X), first)
    without = clone(model)
    for name in model.get_params():
        if name.endswith("checkpoint"):
            without.set_params(**{name: None})
    np.testing.assert_array_equal(without.fit(X, Y).predict_proba(X), first)

import os
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msd import (
    CorrectingClassifier,
    LinearCombiner,
    RecurrentClassifier,
    SegmentCropper,
    SegmentScaler,
    TimeConvClassifier,
)
from sklearn_msd.datasets import MappedSongs
from sklearn_msd.segments import scaler, validation
from sklearn_msd.training import fit_warnings, predicting

N_SONGS = 60


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = np.arange(N_SONGS) % 3
    X = rng.randn(N_SONGS, 200).astype(np.float16)
    X[:, :8] += y[:, None]
    return X, np.array(["a", "b", "c"])[y]


@pytest.fixture
def songs(data, tmp_path):
    np.save(tmp_path / "songs.npy", data[0])
    return MappedSongs(np.load(tmp_path / "songs.npy", mmap_mode="r"))


def make(**params):
    defaults = {"n_kernels": 3, "hidden_layer_sizes": (4,), "max_epochs": 2}
    return TimeConvClassifier(**(defaults | {"random_state": 0} | params))


def weights(net):
    return {k: v.numpy() for k, v in net.module_.state_dict().items()}


@pytest.mark.parametrize(
    "key",
    [
        slice(None),
        slice(10, 50, 3),
        slice(40, 5, -2),
        [4, 4, -1],
        np.array([7, 2, 50]),
        np.arange(N_SONGS) % 4 == 1,
        np.array([], dtype=int),
    ],
    ids=str,
)
def test_any_selection_stays_on_disk_and_reads_as_the_array_does(songs, data, key):
    for part in (songs[key], songs[key, ...]):
        assert isinstance(part, MappedSongs)
        assert part.shape == data[0][key].shape
        assert part.dtype == np.float16
        np.testing.assert_array_equal(part, data[0][key])
    twice = songs[5:][::-1]
    np.testing.assert_array_equal(twice[[3, 0]], data[0][5:][::-1][[3, 0]])


def test_one_song_is_an_array(songs, data):
    assert isinstance(songs[-2], np.ndarray)
    np.testing.assert_array_equal(songs[-2], data[0][-2])
    with pytest.raises(IndexError):
        songs[N_SONGS]
    with pytest.raises(IndexError, match="Only songs"):
        songs[:, 3]


def test_views_of_a_map_are_found_in_the_file(data, tmp_path):
    stored = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float16, (60, 200))
    stored[:] = data[0]
    part = MappedSongs(stored[7:40].reshape(33, 8, 25))
    assert part.shape == (33, 8, 25)
    np.testing.assert_array_equal(part, data[0][7:40].reshape(33, 8, 25))
    flat = part[5:].reshape(28, 200)
    np.testing.assert_array_equal(flat, data[0][12:40])
    with pytest.raises(ValueError, match="have no shape"):
        part.reshape(33, 100)


def test_what_is_sent_is_the_files_name_and_the_row_numbers(songs, data):
    assert len(pickle.dumps(songs)) < 500
    part = songs[np.arange(20)]
    sent = pickle.dumps(part)
    assert len(sent) < 500 + 20 * 8
    np.testing.assert_array_equal(pickle.loads(sent), data[0][:20])


def test_array_of_another_type(songs, data):
    assert np.asarray(songs, dtype=np.float64).dtype == np.float64
    np.testing.assert_array_equal(np.asarray(songs, np.float32), data[0])
    with pytest.raises(ValueError, match="without a copy"):
        np.array(songs, copy=False)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (np.array, TypeError, "must be a memory map.*got ndarray"),
        (lambda m: m[:, :100], ValueError, "one after another"),
        (lambda m: m[::2], ValueError, "one after another"),
        (lambda m: m[0], ValueError, "one after another"),
        (lambda m: m.view(np.int16), ValueError, "float16, float32 or float64"),
        (lambda m: m.view(">f2"), ValueError, "byte order; got '>f2'"),
    ],
)
def test_what_cannot_stay_on_disk_is_an_error(data, tmp_path, change, error, message):
    np.save(tmp_path / "songs.npy", data[0])
    stored = np.load(tmp_path / "songs.npy", mmap_mode="r")
    with pytest.raises(error, match=message):
        MappedSongs(change(stored))


def test_a_map_that_may_differ_from_its_file_is_an_error(data, tmp_path):
    np.save(tmp_path / "songs.npy", data[0])
    with pytest.raises(ValueError, match="mode 'c'"):
        MappedSongs(np.load(tmp_path / "songs.npy", mmap_mode="c"))


def test_a_file_cut_short_is_an_error(songs, tmp_path):
    path = tmp_path / "songs.npy"
    path.write_bytes(path.read_bytes()[:-1000])
    assert np.asarray(songs[:10]).shape == (10, 200)
    with pytest.raises(OSError, match="ended early"):
        np.asarray(songs)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"early_stopping": True, "validation_fraction": 0.2},
        {"class_weight": "balanced", "dtype": "float64"},
        {"shuffle": "blocks"},
    ],
    ids=str,
)
def test_a_fit_is_that_of_the_array(songs, data, params):
    X, y = data
    given = {"sample_weight": np.arange(N_SONGS) % 4 + 1.0, "y_val": y[:20]}
    expected = make(**params).fit(X, y, X_val=X[:20], **given)
    net = make(**params).fit(songs, y, X_val=songs[:20], **given)
    assert net.loss_curve_ == expected.loss_curve_
    assert net.validation_loss_curve_ == expected.validation_loss_curve_
    for name, weight in weights(net).items():
        np.testing.assert_array_equal(weight, weights(expected)[name])
    np.testing.assert_array_equal(net.predict_proba(songs), net.predict_proba(X))
    assert net.n_features_in_ == 200


def test_songs_in_three_dimensions_and_in_parts(songs, data):
    X, y = data
    whole = make().partial_fit(X[:30], y[:30], classes=["a", "b", "c"])
    part = songs.reshape(N_SONGS, 8, 25)
    net = make().partial_fit(part[:30], y[:30], classes=["a", "b", "c"])
    np.testing.assert_array_equal(net.predict_proba(part), whole.predict_proba(X))


def test_padded_songs(data, tmp_path):
    X, y = data
    X = X.reshape(N_SONGS, 8, 25).copy()
    X[::3, 5:] = np.nan
    np.save(tmp_path / "padded.npy", X)
    songs = MappedSongs(np.load(tmp_path / "padded.npy", mmap_mode="r"))
    net = RecurrentClassifier(hidden_size=3, max_epochs=1, random_state=0)
    expected = net.fit(X, y).predict_proba(X[:, :6])
    np.testing.assert_array_equal(net.fit(songs, y).predict_proba(X[:, :6]), expected)


def test_input_is_checked_as_an_array_is(songs, data, tmp_path):
    X, y = data
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make().fit(songs, y[:-1])
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        make().fit(songs[:0], y[:0])
    with pytest.raises(ValueError, match="n_segment_features=25"):
        make().set_params(n_segment_features=25).fit(songs.reshape(N_SONGS, 10, 20), y)
    with pytest.raises(ValueError, match="X has 200 features, but"):
        make().fit(X[:, :100], y).predict(songs)
    X[50, 3] = np.inf
    np.save(tmp_path / "infinite.npy", X)
    broken = MappedSongs(np.load(tmp_path / "infinite.npy", mmap_mode="r"))
    with pytest.raises(ValueError, match="infinity"):
        make().fit(broken, y)


def test_a_search_is_that_of_the_array_and_reads_no_fold(songs, data, monkeypatch):
    X, y = data
    grid = {"l2": [0.001, 0.1], "kernel_height": [1, 3]}
    search = GridSearchCV(make(batch_size=10), grid, cv=3, error_score="raise")
    # A training fold has 40 songs, a test fold 20.
    monkeypatch.setattr(validation, "_CHUNK", 6 * 200)
    monkeypatch.setattr(predicting, "PREDICTION_CHUNK", 7)
    monkeypatch.setattr(fit_warnings, "N_SAMPLED", 8)
    expected = search.fit(X, y).cv_results_["mean_test_score"]
    read, sizes = MappedSongs._read, []

    def spy(self, rows):
        songs = read(self, rows)
        sizes.append(len(songs))
        return songs

    monkeypatch.setattr(MappedSongs, "_read", spy)
    found = search.fit(songs, y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(found, expected)
    assert max(sizes) == 10


def test_two_processes_read_the_same_file(songs, data):
    X, y = data
    scores = cross_val_score(make(), songs, y, cv=3, n_jobs=2)
    np.testing.assert_array_equal(scores, cross_val_score(make(), X, y, cv=3))


def test_other_estimators_take_them_as_an_array(songs, data):
    X, y = data
    for model in (
        make_pipeline(StandardScaler(), make()),
        make_pipeline(SegmentScaler(), make()),
        CorrectingClassifier(make(), make()),
        LinearCombiner([("a", make()), ("b", make(kernel_height=1))], cv=2),
    ):
        np.testing.assert_array_equal(
            model.fit(songs, y).predict_proba(songs), model.fit(X, y).predict_proba(X)
        )
    train, test, *_ = train_test_split(songs, y, random_state=0)
    assert isinstance(train, MappedSongs)
    assert len(test) == 15


FIT = """
import hashlib, re, resource, sys
import numpy as np
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
from sklearn_msd import FullyConnectedClassifier
from sklearn_msd.datasets import MappedSongs
X = np.load(sys.argv[1], mmap_mode="r" if limit else None)
songs = MappedSongs(X) if limit else X
net = FullyConnectedClassifier(
    hidden_layer_sizes=(4,), batch_size=500, max_epochs=1, shuffle=sys.argv[3],
    random_state=0,
)
net.fit(songs, np.arange(len(songs)) % 3)
digest = hashlib.sha256(net.predict_proba(songs).tobytes())
for weight in net.module_.state_dict().values():
    digest.update(weight.numpy().tobytes())
peak = re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read()).group(1)
print(digest.hexdigest(), int(peak) * 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory")
def test_four_times_more_songs_than_memory(tmp_path):
    # Of what the process may use, Python and PyTorch take most.
    limit = 600_000_000
    path, n = tmp_path / "songs.npy", 4 * limit // 6000
    songs = np.lib.format.open_memmap(path, "w+", np.float16, (n, 3000))
    some = np.random.RandomState(0).randn(1000, 3000).astype(np.float16)
    for start in range(0, n, 1000):
        songs[start : start + 1000] = np.roll(some, start // 1000, axis=1)
    songs.flush()
    del songs

    def fit(allowed):
        command = [sys.executable, "-c", FIT, path, str(allowed), "blocks"]
        environment = os.environ | {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"}
        out = subprocess.run(command, check=True, env=environment, capture_output=True)
        digest, peak = out.stdout.split()
        return digest, int(peak)

    digest, peak = fit(limit)
    assert peak < limit  # what is resident, libraries and all
    assert fit(0)[0] == digest
    path.unlink()


@pytest.mark.parametrize(
    "transformer",
    [
        SegmentCropper(n_segments=2),
        SegmentScaler(),
        SegmentScaler(per="input"),
    ],
)
def test_transformers_read_songs_block_by_block(transformer, tmp_path, monkeypatch):
    monkeypatch.setattr(scaler, "_BLOCK_VALUES", 2**17)
    X = np.random.default_rng(0).normal(size=(8000, 500)).astype(np.float32)
    np.save(tmp_path / "songs.npy", X)
    songs = MappedSongs(np.load(tmp_path / "songs.npy", mmap_mode="r"))
    tracemalloc.start()
    transformer.fit(songs)
    peak = tracemalloc.get_traced_memory()[1]
    if isinstance(transformer, SegmentCropper):  # a scaler's result is as large as X
        transformer.transform(songs)
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes
    assert_array_equal(transformer.transform(songs[:40]), transformer.transform(X[:40]))

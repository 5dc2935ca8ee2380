"""Parallel loops on a Dask cluster of two processes, and in loky's processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
from msd_files import make_song, write_msd_file
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sklearn_msd import TimeConvClassifier
from sklearn_msd.datasets import MappedSongs, build_msd_genre, make_songs
from sklearn_msd.datasets.msd.build import walk
from sklearn_msd.report.data import ReportData, Split
from sklearn_msd.report.declaration import Model
from sklearn_msd.report.records import RecordStore
from sklearn_msd.report.runner import Plan, Settings, run

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def count_transitions(client):
    """Of tasks from one state to the next: the scheduler's measure of its work."""
    return client.run_on_scheduler(
        lambda dask_scheduler: dask_scheduler.transition_counter
    )


def make(**params):
    defaults = {"n_kernels": 4, "hidden_layer_sizes": (5,), "max_epochs": 2}
    return TimeConvClassifier(**(defaults | {"random_state": 0} | params))


def test_a_build_on_workers_is_the_same_bytes(client, tmp_path, monkeypatch):
    pytest.importorskip("h5py")
    for i in range(40):
        song = make_song(f"TR{i:03d}", f"AR{i % 20}", 20 + i % 5, seed=i)
        write_msd_file(tmp_path / "h5" / f"{song['track_id']}.h5", song)
    genres = {f"TR{i:03d}": ("Jazz", "Rock")[i % 2] for i in range(40)}
    options = {"n_segments": 20, "verbose": 0}
    build_msd_genre(tmp_path / "h5", genres, tmp_path / "here", **options)
    monkeypatch.setattr(walk, "GROUP_FILES", 5)
    before = count_transitions(client)
    with joblib.parallel_config(backend="dask"):
        build_msd_genre(tmp_path / "h5", genres, tmp_path / "there", **options)
    assert count_transitions(client) > before + 8
    written = sorted(p.name for p in (tmp_path / "here").iterdir())
    assert len(written) == 4
    for name in written:
        content = [(tmp_path / out / name).read_bytes() for out in ("here", "there")]
        assert content[0] == content[1]


def test_the_report_on_workers_has_the_same_records(client, tmp_path):
    X, y = make_songs(60, n_segments=6, n_classes=2, random_state=0)
    split = Split(X[:40], y[:40], X[40:], y[40:], 20, 25, np.arange(20))
    data = ReportData("d", "d", ["a", "b"], lambda _: [split], y[40:], max_epochs=2)
    models = {"a": Model("a", make()), "b": Model("b", make(kernel_height=1))}
    plan = Plan(models, Settings((0,), "cpu"))
    runs = [*plan.runs("a", data, 0), *plan.runs("b", data, 0)]
    here = run(runs, RecordStore(tmp_path / "here"), say=lambda line: None)
    lines, before = [], count_transitions(client)
    with joblib.parallel_config(backend="dask"):
        there = run(runs, RecordStore(tmp_path / "there"), say=lines.append)
    assert lines[0] == "2 models: 0 done before, 2 to train, 2 at a time"
    assert count_transitions(client) > before + 2
    assert here.keys() == there.keys()
    for key, record in here.items():
        np.testing.assert_array_equal(
            record.losses["model"], there[key].losses["model"]
        )


def test_a_search_that_loses_a_worker_ends_with_the_same_result(client, tmp_path):
    X, y = make_songs(400, n_segments=20, n_classes=2, random_state=0)
    np.save(tmp_path / "songs.npy", X)
    songs = MappedSongs(np.load(tmp_path / "songs.npy", mmap_mode="r"))
    (tmp_path / "fits").mkdir()

    def scoring(net, X, y):
        (tmp_path / f"fits/{time.time_ns()}-{os.getpid()}").touch()
        time.sleep(0.5)
        return net.score(X, y)

    grid = {"kernel_height": [1, 3], "l2": [0.001, 0.1]}
    # Lists travel with the tasks. An array joblib puts on one worker, and with it lost.
    y = y.tolist()
    folds = [(a.tolist(), b.tolist()) for a, b in StratifiedKFold(3).split(X, y)]
    search = GridSearchCV(make(), grid, cv=folds, error_score="raise")
    expected = search.fit(X, y).cv_results_
    search.set_params(scoring=scoring)
    workers = list(client.run(os.getpid).values())
    stopped = []

    def stop_one():
        while len(list((tmp_path / "fits").iterdir())) < 5:
            time.sleep(0.02)
        stopped.append(workers[0])
        os.kill(workers[0], signal.SIGKILL)

    watcher = threading.Thread(target=stop_one)
    watcher.start()
    with joblib.parallel_config(backend="dask"):
        found = search.fit(songs, y).cv_results_
    watcher.join()
    finished = [path.name.split("-")[1] for path in (tmp_path / "fits").iterdir()]
    assert stopped
    assert str(stopped[0]) in finished
    assert len(finished) > 5  # it went on without the worker
    for name, values in expected.items():
        if name.endswith("_test_score"):
            np.testing.assert_array_equal(found[name], values)
    assert search.best_params_ == expected["params"][search.best_index_]


def test_the_example_runs(monkeypatch, capsys):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "examples")
    import dask_search

    search = dask_search.main()
    assert len(search.cv_results_["params"]) == 4
    assert "kernel_height" in capsys.readouterr().out


THREADS = """
import joblib, torch
print(joblib.Parallel(n_jobs=2)(joblib.delayed(torch.get_num_threads)() for _ in "ab"))
"""


@pytest.mark.parametrize("given", [None, "1"])
def test_processes_share_the_cores(given):
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_THREADS")}
    if given:
        environment["OMP_NUM_THREADS"] = given
    out = subprocess.run(
        [sys.executable, "-c", THREADS],
        check=True,
        capture_output=True,
        env=environment,
        text=True,
    ).stdout
    share = max(1, joblib.cpu_count() // 2) if given is None else 1
    assert out.strip() == str([share] * 2)

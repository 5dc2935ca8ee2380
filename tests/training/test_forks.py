"""Forked, spawned and loky's processes: none waits for ever, cores are not taken twice.

In a process of their own, with more threads than the tests have.
"""

import os
import subprocess
import sys

import pytest

FORKS = """
import multiprocessing, sys
import joblib, numpy as np, torch
from sklearn_msd import RecurrentClassifier, SegmentConvClassifier

rng = np.random.RandomState(0)
X, y = rng.randn(300, 3000).astype(np.float32), rng.randint(3, size=300)
NETS = [
    SegmentConvClassifier(max_epochs=1, random_state=0),
    RecurrentClassifier(hidden_size=8, max_epochs=1, random_state=0),
]

def work(net):
    begun = torch.get_num_threads()
    fresh = type(net)(**net.get_params()).fit(X, y)
    return begun, torch.get_num_threads(), net.predict_proba(X), fresh.predict_proba(X)

def put(queue, net):
    queue.put(work(net))

if __name__ == "__main__":
    torch.set_num_threads(3)
    for net in NETS:
        net.fit(X, y)
    for kind in sys.argv[1:]:
        for net in NETS if kind == "fork" else NETS[:1]:
            expected = net.predict_proba(X)
            if kind == "loky":
                jobs = [joblib.delayed(work)(net)]
                found = joblib.Parallel(n_jobs=2)(jobs)
            else:
                context = multiprocessing.get_context(kind)
                queue = context.Queue()
                child = context.Process(target=put, args=(queue, net), daemon=True)
                child.start()
                found = [queue.get(timeout=100)]
                child.join()
            for begun, threads, predicted, fitted in found:
                # The program's own threads are its own affair.
                assert kind != "fork" or (begun, threads) == (3, 1)
                np.testing.assert_allclose(predicted, expected, rtol=1e-3, atol=1e-6)
                np.testing.assert_allclose(fitted, expected, rtol=1e-3, atol=1e-6)
        assert torch.get_num_threads() == 3
        print(kind)
"""


def run(script, *args, folder):
    path = folder / "script.py"
    path.write_text(script)
    finished = subprocess.run(
        [sys.executable, str(path), *args],
        capture_output=True,
        text=True,
        timeout=500,
        env={k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"},
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.split()


@pytest.mark.skipif(sys.platform == "win32", reason="it does not fork")
def test_a_fork_of_a_process_that_used_threads(tmp_path):
    assert run(FORKS, "fork", folder=tmp_path) == ["fork"]


@pytest.mark.slow
def test_spawned_processes_and_lokys(tmp_path):
    assert run(FORKS, "spawn", "loky", folder=tmp_path) == ["spawn", "loky"]


THREADS = """
import sys
import joblib, numpy as np, torch
from sklearn.model_selection import GridSearchCV
from sklearn_msd import FullyConnectedClassifier

class Counting(FullyConnectedClassifier):
    def fit(self, X, y):
        super().fit(X, y)
        return self
    def score(self, X, y):
        return torch.get_num_threads()

if __name__ == "__main__":
    X, y = np.random.RandomState(0).randn(40, 25), np.arange(40) % 2
    net = Counting(max_epochs=1, hidden_layer_sizes=(2,))
    cores = joblib.cpu_count()
    torch.set_num_threads(2 * cores)
    for n_jobs in {2, cores}:
        search = GridSearchCV(net, {"l2": [0.1, 0.2]}, cv=2, n_jobs=n_jobs).fit(X, y)
        threads = max(search.cv_results_["mean_test_score"])
        assert threads == max(1, cores // n_jobs), threads
        with joblib.parallel_config(backend="multiprocessing"):  # it forks on Linux
            threads = max(search.fit(X, y).cv_results_["mean_test_score"])
        assert threads == 1 or sys.platform != "linux", threads
    print(torch.get_num_threads() == 2 * cores)
"""


@pytest.mark.slow
def test_processes_and_their_threads_are_no_more_than_the_cores(tmp_path):
    assert run(THREADS, folder=tmp_path) == ["True"]

"""The backend is there, and nothing is imported for it before it is asked for."""

import subprocess
import sys

import pytest

ASK = """
with joblib.parallel_config(backend="together", n_jobs=3) as config:
    print(type(config["backend"]).__name__, joblib.effective_n_jobs(None))
print(joblib.Parallel(n_jobs=2, backend="together")([joblib.delayed(abs)(-1)] * 3))
print(sys.meta_path == finders)
"""
BEFORE = "import sys; finders = list(sys.meta_path)\n"
ORDERS = {
    "the package first": BEFORE + "import sklearn_msd\nimport joblib\n",
    "joblib first": BEFORE + "import joblib\nimport sklearn_msd\n",
    "a name of it": BEFORE + "from sklearn_msd import class_logits\nimport joblib\n",
    "joblib's name": BEFORE
    + "import sklearn_msd\nfrom joblib.parallel import Parallel\nimport joblib\n",
}


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize("order", ORDERS)
def test_joblib_has_the_backend_whatever_is_imported_first(order):
    assert run(ORDERS[order] + ASK) == ["TogetherBackend 3", "[1, 1, 1]", "True"]


def test_the_import_imports_neither_joblib_nor_pytorch():
    code = "import sys, sklearn_msd; print({'joblib', 'torch'} & {*sys.modules})"
    assert run(code) == ["set()"]

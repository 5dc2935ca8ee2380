"""What all tests share, doctests too: the device, optional dependencies, and Ctrl-C.

Nets with ``device="auto"`` are on the CPU here, whatever the machine has, unless the
environment variable ``DEVICE`` is ``cuda``. Tests that want an optional dependency
which is not installed are skipped.
"""

import doctest
import os
import re
import signal
from collections.abc import Generator, Iterator
from importlib.util import find_spec

import pytest

Report = pytest.CollectReport
OPTIONAL = (
    *("h5py", "librosa", "soundfile", "matplotlib", "onnx", "onnxscript"),
    *("onnxruntime", "dask", "distributed", "pandas", "polars", "rich"),
    "hypothesis",
)


DEVICE = os.environ.get("DEVICE", "cpu")
if DEVICE == "cpu":  # before PyTorch looks, here and in processes that tests start
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_configure() -> None:
    """Rather no tests than tests on another device."""
    if DEVICE not in ("cpu", "cuda"):
        raise pytest.UsageError(f"DEVICE must be cpu or cuda; got {DEVICE!r}.")
    if DEVICE == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise pytest.UsageError("DEVICE=cuda, and PyTorch finds no CUDA device.")


def pytest_sessionstart() -> None:
    """Take Ctrl-C even where a shell runs pytest with ``&``, and has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Report, Report]:
    """Skip a file of tests that imports what is not installed."""
    report = yield
    for name in OPTIONAL:
        if report.failed and f"No module named '{name}'" in report.longreprtext:
            report.outcome = "skipped"
            report.longrepr = (report.nodeid, 0, f"Skipped: {name} is not installed")
    return report


def _missing(error: BaseException | None) -> str | None:
    """The dependency that an error is about, if that is not installed."""
    while error is not None:
        if isinstance(error, doctest.UnexpectedException):
            error = error.exc_info[1]
        elif isinstance(error, ImportError):
            for name in OPTIONAL:
                if re.search(rf"\b{name}\b", str(error)) and find_spec(name) is None:
                    return name
            return None
        else:
            error = error.__cause__
    return None


def _skip_if_missing() -> Iterator[None]:
    try:
        return (yield)
    except Exception as error:
        name = _missing(error)
        if name is None:
            raise
        pytest.skip(f"{name} is not installed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    return (yield from _skip_if_missing())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    return (yield from _skip_if_missing())

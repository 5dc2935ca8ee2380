"""Registers the backend with joblib, and imports neither joblib nor anything of it."""

from __future__ import annotations

import importlib.util
import sys

TYPE_CHECKING = False  # `typing` itself would double the time of the import
if TYPE_CHECKING:
    from typing import Any

NAME = "together"


def register() -> None:
    """Let joblib know the backend: at once, or as soon as joblib is imported."""
    joblib = sys.modules.get("joblib.parallel")
    if hasattr(joblib, "register_parallel_backend"):
        _add_to(joblib)
    elif not any(isinstance(finder, _WithBackend) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WithBackend())


def _backend(**kwargs: Any) -> Any:
    """The backend, whose modules are imported when it is first asked for."""
    from sklearn_msd.training.together.joblib_backend.backend import TogetherBackend

    return TogetherBackend(**kwargs)


def _add_to(joblib: Any) -> None:
    joblib.register_parallel_backend(NAME, _backend)


class _WithBackend:
    """Finds ``joblib.parallel`` where others do, and registers when it is there."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != "joblib.parallel":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            run = loader.exec_module

            def run_and_register(module: Any) -> None:
                run(module)
                _add_to(module)

            loader.exec_module = run_and_register
        return spec

"""What a report of a fault needs to know: versions, devices, threads, decoders."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version

import sklearn_msd

_REQUIRED = (
    *("scikit-learn", "torch", "skorch", "numpy", "scipy", "joblib"),
    *("safetensors", "tqdm", "lazy-loader"),
)
_EXTRAS = (
    *("h5py", "librosa", "soundfile", "audioread", "matplotlib", "onnx"),
    *("onnxscript", "onnxruntime", "dask", "distributed", "pandas", "polars"),
)


def environment() -> dict[str, str]:
    """Versions of this package and of what it uses, and what the machine has.

    Returns
    -------
    dict of str to str
        Names and values, in the order in which they are shown. A package that is not
        installed has no version but says so.
    """
    import torch

    facts = {
        "sklearn-msd": sklearn_msd.__version__,
        "Python": platform.python_version(),
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
    }
    facts |= {name: _version(name) for name in (*_REQUIRED, *_EXTRAS)}
    facts["devices"] = ", ".join(_devices())
    facts["threads"] = (
        f"{os.cpu_count()} processors, PyTorch uses {torch.get_num_threads()}"
    )
    facts["decoders"] = ", ".join(_decoders())
    return facts


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _devices() -> list[str]:
    import torch

    found = ["cpu"]
    if torch.cuda.is_available():
        found += [
            f"cuda:{i} {torch.cuda.get_device_name(i)}"
            for i in range(torch.cuda.device_count())
        ]
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


def _decoders() -> list[str]:
    """Programs and libraries that can read recordings."""
    found = []
    try:
        import soundfile

        found.append(f"libsndfile {soundfile.__libsndfile_version__}")
    except (ImportError, OSError) as error:
        found.append(f"no libsndfile ({error})")
    found += [name for name in ("ffmpeg", "avconv") if shutil.which(name)]
    return found

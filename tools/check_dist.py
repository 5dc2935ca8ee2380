"""Check what `make dist` built: its contents, and that a fresh environment can use it.

The wheel holds the package and nothing else; its largest files are listed. It is then
installed into an empty environment, where the Python blocks of the README and
``sklearn-msd --help`` have to run; each extra, with none of the others there, has to do
what it is for.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# In bytes; the spoken digits and the weights of musicnn are most of it.
LARGEST_WHEEL = 9_000_000
EXTRAS = {
    "hdf5": """
import h5py
from sklearn_msd.datasets import read_msd_track
h5py.File("empty.h5", "w").close()
try:
    read_msd_track("empty.h5")
except ValueError as error:
    assert "no Million Song Dataset file" in str(error)
""",
    "audio": """
import numpy as np
from sklearn_msd.datasets import segments_from_audio
assert segments_from_audio(np.sin(np.arange(44100.0)), 22050).shape[1] == 25
""",
    "plot": """
from sklearn_msd import LearningCurveDisplay
LearningCurveDisplay({"net": ([2.0, 1.0], [0.1, 0.5])}).plot()
""",
    "onnx": """
import numpy as np, onnxruntime
from sklearn_msd import FullyConnectedClassifier, to_onnx
net = FullyConnectedClassifier(max_epochs=1).fit(np.ones((9, 50)), [0, 1, 2] * 3)
to_onnx(net, "net.onnx")
onnxruntime.InferenceSession("net.onnx")
""",
    "distributed": """
import joblib, numpy as np
from dask.distributed import Client
from sklearn.model_selection import GridSearchCV
from sklearn_msd import FullyConnectedClassifier
search = GridSearchCV(FullyConnectedClassifier(max_epochs=1), {"l2": [0, 1]}, cv=2)
with Client(processes=False, dashboard_address=None), joblib.parallel_config("dask"):
    search.fit(np.ones((12, 50)), [0, 1, 2] * 4)
""",
}


def run(*command: str | Path, **kwargs: object) -> None:
    """Run a command and stop at an error."""
    subprocess.run([str(part) for part in command], check=True, **kwargs)


def check_contents(wheel: Path) -> None:
    """Stop if the wheel holds what it should not, or is larger than is meant."""
    with zipfile.ZipFile(wheel) as archive:
        files = archive.infolist()
    strange = [
        file.filename
        for file in files
        if not re.match(r"sklearn_msd(/|-[\d.]+\w*\.dist-info/)", file.filename)
        or "tests/" in file.filename
    ]
    if strange:
        sys.exit(f"{wheel.name} holds what is no part of the package: {strange}")
    size = wheel.stat().st_size
    print(f"{wheel.name}: {size / 1e6:.2f} MB, {len(files)} files; the largest:")
    for file in sorted(files, key=lambda file: -file.compress_size)[:4]:
        print(f"  {file.compress_size / 1e6:.2f} MB  {file.filename}")
    if size > LARGEST_WHEEL:
        sys.exit(f"{wheel.name} is larger than {LARGEST_WHEEL / 1e6:.1f} MB")


def check_install(wheel: Path, extras: list[str]) -> None:
    """Install the wheel into an empty environment and use it there."""
    blocks = re.findall(r"^```python\n(.*?)^```$", _readme(), flags=re.M | re.S)
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        venv.create(environment, with_pip=True)
        binaries = environment / ("Scripts" if sys.platform == "win32" else "bin")
        pip = [binaries / "python", "-m", "pip", "install", "--quiet"]
        torch = re.search(r"^torch==.*$", (ROOT / "constraints.txt").read_text(), re.M)
        run(*pip, torch[0])
        run(*pip, wheel)
        run(binaries / "sklearn-msd", "--help", stdout=subprocess.DEVNULL, cwd=folder)
        alone = _packages(binaries)
        for extra in extras:
            run(*pip, f"{wheel}[{extra}]")
            run(binaries / "python", "-c", EXTRAS[extra], cwd=folder)
            brought = sorted(_packages(binaries) - alone)
            run(*pip[:3], "uninstall", "--quiet", "--yes", *brought)
            print(f"  [{extra}] alone works; it brings {', '.join(brought)}")
        run(*pip, f"{wheel}[audio]")  # what the README's examples need
        for block in blocks:
            run(binaries / "python", "-c", block, cwd=folder)


def _packages(binaries: Path) -> set[str]:
    """Names of what is installed."""
    command = [binaries / "python", "-m", "pip", "list", "--format=freeze"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)
    return {line.split("==")[0] for line in listed.stdout.splitlines()}


def _readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def main() -> None:
    """Check the one wheel in a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--extras", nargs="*", choices=EXTRAS, default=list(EXTRAS))
    arguments = parser.parse_args()
    (wheel,) = arguments.folder.glob("*.whl")
    check_contents(wheel)
    check_install(wheel.resolve(), arguments.extras)
    print("all works")


if __name__ == "__main__":
    main()

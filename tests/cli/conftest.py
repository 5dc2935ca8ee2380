"""A small folder of recordings, and a model of it."""

import shutil
from pathlib import Path

import pytest

from sklearn_msd.cli import main
from sklearn_msd.datasets import load_spoken_digits

PATTERN = r"--label-pattern=^(\d)_"
DIGITS = "012"


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    """Recordings named by their labels: three digits, each by six speakers."""
    pytest.importorskip("soundfile")
    folder = tmp_path_factory.mktemp("recordings")
    for path in map(Path, load_spoken_digits().recordings.filenames):
        if path.name[0] in DIGITS:
            shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="session")
def audio_model(recordings, tmp_path_factory):
    """A model file, trained on them."""
    out = tmp_path_factory.mktemp("model") / "digits.msd"
    options = [PATTERN, "--n-segments=12", "--epochs=3", "--quiet", "--cv=1"]
    options += ["--model=time-conv", "--features=segments"]
    assert main(["train", str(recordings), *options, "--out", str(out)]) == 0
    return out

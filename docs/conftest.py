"""The guide's snippets run as tests, each page in an empty folder of its own."""

import sys
from pathlib import Path

import pytest

# For msd_files, with which the page about building makes its songs.
sys.path.append(str(Path(__file__).parents[1] / "tests"))


@pytest.fixture(autouse=True)
def _empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if request.path.name == "command_line.rst":
        # A command says what is missing and ends: there is no error to skip at.
        pytest.importorskip("soundfile")
    monkeypatch.chdir(tmp_path)

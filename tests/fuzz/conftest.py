"""What the fuzz tests share with pytest."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items):
    """Let warnings pass: odd songs and parameters are warned of, and rightly."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for the files of a module's examples."""
    return tmp_path_factory.mktemp("fuzz")

"""Files appear whole or not at all."""

import os

import pytest

from sklearn_msd.common.files import whole_file


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"

    def write_half():
        with whole_file(path) as file:
            file.write(b"half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_half()
    assert list(tmp_path.iterdir()) == []
    with whole_file(path) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"


def test_a_file_that_fails_leaves_the_old_one_and_no_litter(tmp_path):
    path = tmp_path / "page"
    path.write_text("old")

    def fail():
        with whole_file(path) as file:
            file.write(b"half")
            raise OSError(28, "disk full")

    with pytest.raises(OSError, match="full") as error:
        fail()
    assert error.value.filename == str(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["page"]


def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match="not a file") as caught, whole_file(path):
            pass
        assert caught.value.filename == str(path)
    assert (tmp_path / "pipe").is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]

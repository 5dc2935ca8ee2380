"""Files appear whole or not at all."""

import os
import stat
import threading

import pytest

from sklearn_msd.common.files.atomic import atomic_file, remove_parts


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"

    def write_half():
        with atomic_file(path) as file:
            file.write(b"half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_half()
    assert list(tmp_path.iterdir()) == []
    with atomic_file(path) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"


def test_a_file_that_fails_leaves_the_old_one_and_no_litter(tmp_path):
    path = tmp_path / "page"
    path.write_text("old")

    def fail():
        with atomic_file(path) as file:
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
        with pytest.raises(OSError, match="not a file") as caught, atomic_file(path):
            pass
        assert caught.value.filename == str(path)
    assert (tmp_path / "pipe").is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_threads_that_write_one_file_do_not_mix(tmp_path):
    path, errors = tmp_path / "file", []

    def write(letter):
        try:
            for _ in range(20):
                with atomic_file(path) as file:
                    for _ in range(100):
                        file.write(letter * 1000)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(x,)) for x in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    content = path.read_bytes()
    assert len(content) == 100_000
    assert len(set(content)) == 1
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_permissions_stay_and_new_files_have_those_of_the_umask(tmp_path):
    path = tmp_path / "file"
    with atomic_file(path):
        assert [p.name != "file" for p in tmp_path.iterdir()] == [True]
    umask = os.umask(0o022)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    for mode in 0o600, 0o640, 0o664:
        path.chmod(mode)
        with atomic_file(path) as file:
            assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == mode
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "store").mkdir()
    link, target = tmp_path / "latest", tmp_path / "store" / "one"
    try:
        link.symlink_to("store/one")  # to nothing yet
    except OSError:
        pytest.skip("no symbolic links here")
    for content in b"first", b"second":
        with atomic_file(link) as file:
            file.write(content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    assert sorted(os.listdir(tmp_path)) == ["latest", "store"]
    assert os.listdir(tmp_path / "store") == ["one"]
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"), atomic_file(tmp_path / "loop"):
        pass


@pytest.mark.parametrize("name", ["x" * 250, "é" * 125, "x" * 255])
def test_names_as_long_as_they_may_be(name, tmp_path):
    with atomic_file(tmp_path / name) as file:
        file.write(b"whole")
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"whole"


def test_a_name_that_cannot_be_is_an_error_before_anything_is_written(tmp_path):
    for path in (tmp_path / ("x" * 300), tmp_path / "missing" / "file"):
        with pytest.raises(OSError, match=path.name) as caught, atomic_file(path):
            raise AssertionError("it was opened")
        assert caught.value.filename == str(path)
        assert caught.value.filename2 is None


def test_what_a_killed_process_left_is_removed(tmp_path):
    path = tmp_path / "file"
    written = []
    with atomic_file(path):
        written += os.listdir(tmp_path)
    for name in written:
        (tmp_path / name).touch()
    others = ["file", "file.2.part", "file.txt", f"other.{'0' * 16}.part"]
    for name in others:
        (tmp_path / name).touch()
    remove_parts(path)
    assert sorted(os.listdir(tmp_path)) == sorted(others)

import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sklearn_msd.datasets.report_arrays.archive import NpzArchive, write_npz

ARRAYS = {
    "a": np.arange(12.0).reshape(3, 4).astype(np.float16),
    "b": np.array(["Rock", "Jazz"]),
    "c": np.asfortranarray(np.arange(6).reshape(2, 3)),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_numpy_wrote(tmp_path, save):
    save(tmp_path / "x.npz", **ARRAYS)
    with NpzArchive(tmp_path / "x.npz") as archive:
        assert archive.names == list(ARRAYS)
        for name, array in ARRAYS.items():
            assert archive.header(name) == (array.shape, array.dtype)
            np.testing.assert_array_equal(archive.read(name), array)


def test_numpy_reads_what_is_written_and_bytes_repeat(tmp_path):
    mapped = np.memmap(tmp_path / "m", np.float32, "w+", shape=(1000, 25))
    mapped[:] = np.random.default_rng(0).normal(size=mapped.shape)
    files = []
    for _ in range(2):
        files.append(io.BytesIO())
        write_npz(files[-1], {**ARRAYS, "mapped": mapped})
    assert files[0].getvalue() == files[1].getvalue()
    files[0].seek(0)
    loaded = np.load(files[0])
    for name, array in {**ARRAYS, "mapped": mapped}.items():
        np.testing.assert_array_equal(loaded[name], array)


def test_objects_are_neither_read_nor_written(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.array([{"x": 1}, None]))
    with (
        NpzArchive(path) as archive,
        pytest.raises(ValueError, match="never unpickled"),
    ):
        archive.read("a")
    with pytest.raises(ValueError, match=r"[Oo]bject"):
        write_npz(io.BytesIO(), {"a": np.array([{}])})


def _member(shape, data=b"", descr="<f8"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"shape": shape, "fortran_order": False, "descr": descr}
    )
    return file.getvalue() + data


@pytest.mark.parametrize(
    "member",
    [
        _member((10**13, 25), b"\0" * 800),  # 2 PB: an attempt to allocate would fail
        _member((100,), b"\0" * 792),
        _member((100,), b"\0" * 808),
        _member((-1, 5), b"\0" * 40),
        b"\x93NUMPY\x03\x00",
        b"not an array",
        b"",
    ],
)
def test_a_header_that_lies_is_refused_before_memory_is_taken(tmp_path, member):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", member)
    with NpzArchive(path) as archive, pytest.raises(ValueError, match=r"x\.npz: array"):
        archive.read("a")


def test_a_directory_that_lies_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", _member((10**9,)))
    content = bytearray(path.read_bytes())
    # The uncompressed size in the archive's directory, 24 bytes into its record.
    record = content.rindex(b"PK\x01\x02")
    claimed = len(_member((10**9,))) + 8 * 10**8
    content[record + 24 : record + 28] = claimed.to_bytes(4, "little")
    path.write_bytes(content)
    with NpzArchive(path) as archive, pytest.raises(ValueError, match=r"x\.npz: array"):
        archive.read("a")


def test_an_offset_before_the_file_is_damage(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.zeros(3))
    content = bytearray(path.read_bytes())
    # Where the directory starts, 16 bytes into the record at the end: too late by 100.
    at = len(content) - 22 + 16
    start = int.from_bytes(content[at : at + 4], "little")
    content[at : at + 4] = (start + 100).to_bytes(4, "little")
    path.write_bytes(content)
    with NpzArchive(path) as archive, pytest.raises(ValueError, match=r"x\.npz: array"):
        archive.read("a")


def test_a_missing_array_says_what_there_is(tmp_path):
    np.savez(tmp_path / "x.npz", a=1)
    with (
        NpzArchive(tmp_path / "x.npz") as archive,
        pytest.raises(ValueError, match=r"no array 'inputs'; it holds \['a'\]"),
    ):
        archive.read("inputs")


def test_missing_files_stay_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        NpzArchive(tmp_path / "none.npz")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), compressed=st.booleans())
def test_damage_is_an_error_or_leaves_the_array_whole(tmp_path, data, compressed):
    path = tmp_path / "x.npz"
    (np.savez_compressed if compressed else np.savez)(path, **ARRAYS)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    for _ in range(data.draw(st.integers(0, 4)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
            st.integers(0, 255)
        )
    path.write_bytes(content)
    message = ""
    try:
        with NpzArchive(path) as archive:
            for name, array in ARRAYS.items():
                # Headers lie under the checksum too, so what is read is what was.
                np.testing.assert_array_equal(archive.read(name), array)
    except ValueError as error:
        message = str(error)
    assert not message or message.startswith(str(path))

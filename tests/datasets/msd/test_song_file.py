import os
import subprocess
import sys

import msd_files
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msd_files import ARRAYS, DAMAGE, change, make_song, write_msd_file

from sklearn_msd.datasets.msd.song_file import DamagedFileError, SongFile
from sklearn_msd.segments.columns import COLUMN_ORDER, REPORT_ORDER

h5py = pytest.importorskip("h5py")


def read_all(path, columns=COLUMN_ORDER, loudness="start"):
    """Every song of the file as the build reads it: (id, artist, segments)."""
    with SongFile(path, columns, loudness) as file:
        return [
            (
                song.track_id,
                file.artist_id(song),
                file.segments(song, 0, file.length(song)),
            )
            for song in file.songs()
        ]


def expected(song, loudness="start"):
    parts = song["segments_pitches"], song["segments_timbre"]
    return np.column_stack([*parts, song[f"segments_loudness_{loudness}"]])


@pytest.mark.parametrize("n_songs", [1, 2, 5])
@pytest.mark.parametrize("loudness", ["start", "max"])
def test_single_and_aggregate_files(tmp_path, n_songs, loudness):
    songs = [make_song(f"TR{i}", f"AR{i}", 3 + 7 * i, seed=i) for i in range(n_songs)]
    path = write_msd_file(tmp_path / "songs.h5", *songs)
    found = read_all(path, loudness=loudness)
    assert [(track, artist) for track, artist, _ in found] == [
        (f"TR{i}", f"AR{i}") for i in range(n_songs)
    ]
    for (_, _, segments), song in zip(found, songs, strict=True):
        np.testing.assert_array_equal(segments, expected(song, loudness))


def test_walking_goes_on_past_a_block_and_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_msd.datasets.msd.song_file._BLOCK", 3)
    songs = [make_song(f"TR{i}", n_segments=i, seed=i) for i in range(8)]
    path = write_msd_file(tmp_path / "songs.h5", *songs)
    for (_, _, segments), song in zip(read_all(path), songs, strict=True):
        np.testing.assert_array_equal(segments, expected(song))
    with SongFile(path, COLUMN_ORDER, "start") as file:
        piece = list(file.songs(2, 7))
        assert [song.track_id for song in piece] == [f"TR{i}" for i in range(2, 7)]
        assert [file.length(song) for song in piece] == list(range(2, 7))


def test_part_of_a_song_in_the_reports_order(tmp_path):
    songs = [make_song("TR1", seed=1), make_song("TR2", seed=2)]
    path = write_msd_file(tmp_path / "songs.h5", *songs)
    with SongFile(path, REPORT_ORDER, "start") as file:
        _, song = file.songs()
        part = file.segments(song, 10, 4)
        start = file.vector("segments_start", song)
    np.testing.assert_array_equal(part[:, :12], songs[1]["segments_timbre"][10:14])
    np.testing.assert_array_equal(part[:, 12:24], songs[1]["segments_pitches"][10:14])
    np.testing.assert_array_equal(start, songs[1]["segments_start"])


def test_a_missing_file_is_no_damage(tmp_path):
    with pytest.raises(FileNotFoundError):
        SongFile("", COLUMN_ORDER, "max")
    with pytest.raises(FileNotFoundError):
        SongFile(tmp_path / "none.h5", COLUMN_ORDER, "start")


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"sklearn-msd\[hdf5\]"):
        SongFile(tmp_path / "none.h5", COLUMN_ORDER, "start")


@pytest.mark.parametrize("content", [b"", b"TRAAAAW128F929D538\tRap\n" * 99])
def test_what_is_no_hdf5_is_named(tmp_path, content):
    path = tmp_path / "text.h5"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"text\.h5: damaged"):
        SongFile(path, COLUMN_ORDER, "start")


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_an_error_that_names_the_file(tmp_path, name):
    path = write_msd_file(tmp_path / "song.h5", make_song("TR1"))
    change(path, *DAMAGE[name])
    with pytest.raises(DamagedFileError, match=r"song\.h5: damaged"):
        read_all(path)


@pytest.mark.parametrize("n", [10**12, 2 * 10**6])
def test_a_claimed_size_is_not_believed(tmp_path, n):
    path = write_msd_file(tmp_path / "song.h5", make_song("TR1"))
    with h5py.File(path, "r+") as file:
        for array in ARRAYS:
            shape = (n, *file[f"analysis/{array}"].shape[1:])
            del file[f"analysis/{array}"]
            file.create_dataset(f"analysis/{array}", shape, chunks=True, dtype="f8")
    with pytest.raises(DamagedFileError, match=f"claims {n} segments"):
        read_all(path)
    with h5py.File(path, "r+") as file:
        dtype = file["analysis/songs"].dtype
        del file["analysis/songs"]
        file.create_dataset("analysis/songs", (n,), chunks=(10,), dtype=dtype)
    with pytest.raises(DamagedFileError, match=f"cannot hold {n} songs"):
        read_all(path)


@pytest.mark.parametrize("bounds", [(0, -5), (0, 10**6), (100, 50)])
def test_one_bad_song_of_many_spares_the_others(tmp_path, bounds):
    songs = [make_song(f"TR{i}", seed=i) for i in range(4)]
    path = write_msd_file(tmp_path / "songs.h5", *songs)
    with h5py.File(path, "r+") as file:
        table = file["analysis/songs"][()]
        table["idx_segments_timbre"][1:3] = bounds
        file["analysis/songs"][...] = table
    with SongFile(path, COLUMN_ORDER, "start") as file:
        walked = list(file.songs())
        assert file.length(walked[3]) == 130
        with pytest.raises(DamagedFileError, match="song 1"):
            file.length(walked[1])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    dtype=st.sampled_from(["f8", "f4", "f2", "i4", "u1", "S4", "c16", "?"]),
    lengths=st.tuples(*[st.integers(0, 5)] * 3),
    width=st.integers(11, 13),
    missing=st.sampled_from([None, *ARRAYS[:3], "songs"]),
)
def test_any_arrays_are_read_as_they_are_or_refused(
    tmp_path, dtype, lengths, width, missing
):
    path = tmp_path / "any.h5"
    song = make_song("TR1", n_segments=5)
    write_msd_file(path, song)
    with h5py.File(path, "r+") as file:
        group = file["analysis"]
        for name, length in zip(ARRAYS, lengths, strict=False):
            cut = np.abs(song[name][:length])
            if name == "segments_pitches":
                cut = np.resize(cut, (length, width))
            del group[name]
            group[name] = cut.astype(dtype)
        kept = {name: group[name][()] for name in ARRAYS[:3]}
        if missing:
            del group[missing]
    sound = (
        missing is None
        and len(set(lengths)) == 1
        and width == 12
        and dtype in ("f8", "f4", "f2", "i4", "u1")
    )
    if sound:
        ((_, _, segments),) = read_all(path)
        np.testing.assert_array_equal(segments, np.column_stack(list(kept.values())))
    else:
        with pytest.raises(DamagedFileError, match=r"any\.h5"):
            read_all(path)


def test_truncated_files_are_refused_or_read_right(tmp_path):
    song = make_song("TR1")
    whole = write_msd_file(tmp_path / "whole.h5", song).read_bytes()
    path = tmp_path / "cut.h5"
    for size in range(0, len(whole), len(whole) // 40):
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedFileError, match=r"cut\.h5"):
            read_all(path)


# HDF5 itself is C: a crash in it would end pytest, so flipped bytes go to a child.
_CHILD = """
import sys
import numpy as np
sys.path[:0] = [{tests!r}, {datasets!r}]
from test_song_file import DamagedFileError, read_all
data = bytearray(open({path!r}, "rb").read())
rng = np.random.default_rng(0)
refused = 0
for _ in range(150):
    broken = bytearray(data)
    for at in rng.integers(len(data), size=rng.integers(1, 40)):
        broken[at] = rng.integers(256)
    open({path!r} + "x", "wb").write(broken)
    try:
        for _, _, segments in read_all({path!r} + "x"):
            assert segments.shape[1] == 25 and np.isfinite(segments).all()
    except (DamagedFileError, OSError):
        refused += 1
print(refused)
"""


def test_flipped_bytes_never_crash(tmp_path):
    path = write_msd_file(tmp_path / "song.h5", make_song("TR1"))
    here = os.path.dirname(__file__)
    code = _CHILD.format(
        tests=os.path.dirname(msd_files.__file__), datasets=here, path=os.fspath(path)
    )
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100
    )
    assert child.returncode == 0, child.stderr
    assert 0 < int(child.stdout) <= 150

import hashlib
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msd_files import DAMAGE, change, make_song, write_msd_file

from sklearn_msd.datasets.msd.build.shards import Settings, Shard, write_shard
from sklearn_msd.datasets.msd.build.walk import iter_groups
from sklearn_msd.datasets.msd.labels import index_labels
from sklearn_msd.segments.columns import COLUMN_ORDER, REPORT_ORDER

pytest.importorskip("h5py")

LABELLED = "TRAAAAK128F9318786"
OTHER = "TRAAAED128E0783FAB"
_, LABELS, SALT = index_labels({LABELLED: "Rock"}, None)
DEFAULT = {
    "n_segments": 10,
    "crop": "center",
    "loudness": "start",
    "columns": COLUMN_ORDER,
    "dtype": "float32",
    "seed": 0,
    "trust_names": False,
}


def shard_of(root, work, **change):
    work.mkdir(exist_ok=True)
    settings = Settings(**DEFAULT | change)
    (group,) = iter_groups(root)
    shard = Shard(work, write_shard(root, work, group, LABELS, settings, SALT))
    return *shard.content(), shard.rows(settings) if shard.content()[0] else None


@pytest.mark.parametrize(
    ("crop", "first"), [("center", 60), ("start", 0), ("random", None)]
)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_crop_is_those_segments(tmp_path, crop, first, dtype):
    song = make_song(LABELLED, "AR7", n_segments=131)
    write_msd_file(tmp_path / "h5/a.h5", song)
    kept, skipped, counts, rows = shard_of(
        tmp_path / "h5", tmp_path / "work", crop=crop, dtype=dtype, columns=REPORT_ORDER
    )
    assert [(s.track_id, s.artist_id, s.code) for s in kept] == [(LABELLED, "AR7", 0)]
    assert (skipped, counts) == ([], {"found": 1, "read": 1, "labelled": 1})
    names = "segments_timbre", "segments_pitches", "segments_loudness_start"
    whole = np.column_stack([song[name] for name in names]).astype(dtype)
    windows = np.lib.stride_tricks.sliding_window_view(whole, 10, axis=0)
    (at,) = np.nonzero((windows == rows[0].T).all(axis=(1, 2)))
    assert len(at) == 1
    if first is not None:
        assert at[0] == first


def test_a_random_crop_depends_on_the_track_and_the_seed_alone(tmp_path):
    song = make_song(LABELLED, n_segments=500)
    write_msd_file(tmp_path / "one/a.h5", song)
    write_msd_file(tmp_path / "many/b.h5", make_song(OTHER), make_song("TR3"), song)
    rows = [
        shard_of(tmp_path / root, tmp_path / "work", crop="random", seed=seed)[3]
        for root, seed in (("one", 0), ("many", 0), ("one", 1))
    ]
    np.testing.assert_array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])


def test_every_reason_is_listed(tmp_path):
    root = tmp_path / "h5"
    write_msd_file(root / "a.h5", make_song(OTHER))
    write_msd_file(root / "b.h5", make_song(LABELLED, n_segments=9))
    (root / "c.h5").write_bytes(b"no HDF5")
    (root / "d.h5").symlink_to(root / "none")
    write_msd_file(
        root / "e.h5", make_song(LABELLED), make_song(LABELLED), make_song("x")
    )
    huge = make_song(LABELLED, segments_timbre=np.full((130, 12), 1e6))
    write_msd_file(root / "f.h5", huge)
    kept, skipped, counts, _ = shard_of(root, tmp_path / "work", dtype="float16")
    assert [song.path for song in kept] == ["e.h5", "e.h5"]
    assert [(s.reason, s.path, s.track_id) for s in skipped] == [
        ("no_label", "a.h5", OTHER),
        ("too_short", "b.h5", LABELLED),
        ("damaged", "c.h5", ""),
        ("unreadable", "d.h5", ""),
        ("no_label", "e.h5", "x"),
        ("damaged", "f.h5", LABELLED),
    ]
    assert skipped[1].detail == "9 segments"
    assert skipped[3].detail == "No such file or directory"
    assert "float16" in skipped[5].detail
    assert counts == {"found": 8, "read": 8, "labelled": 3}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(damage=st.lists(st.sampled_from(["none", *DAMAGE]), min_size=1, max_size=4))
def test_damaged_files_among_others_are_counted_and_nothing_else(
    tmp_path_factory, damage
):
    folder = tmp_path_factory.mktemp("damage")
    songs = [make_song(LABELLED, seed=i) for i in range(len(damage))]
    for i, (name, song) in enumerate(zip(damage, songs, strict=True)):
        path = write_msd_file(folder / f"h5/{i}.h5", song)
        if name != "none":
            change(path, *DAMAGE[name])
    kept, skipped, counts, rows = shard_of(folder / "h5", folder / "work")
    sound = [i for i, name in enumerate(damage) if name == "none"]
    assert [song.path for song in kept] == [f"{i}.h5" for i in sound]
    assert [song.reason for song in skipped] == ["damaged"] * (len(damage) - len(sound))
    assert counts["found"] == len(damage)
    for i, row in zip(sound, [] if rows is None else rows, strict=True):
        expected = songs[i]["segments_pitches"][60:70].astype(np.float32)
        np.testing.assert_array_equal(row[:, :12], expected)


def test_trusted_names_leave_files_unopened(tmp_path):
    root = tmp_path / "h5"
    root.mkdir()
    (root / f"{OTHER}.h5").write_bytes(b"never looked at")
    (root / "songs.h5").write_bytes(b"a name that is no track's")
    write_msd_file(root / f"{LABELLED}.h5", make_song(LABELLED))
    kept, skipped, counts, _ = shard_of(root, tmp_path / "work", trust_names=True)
    assert len(kept) == 1
    assert [(s.reason, s.track_id) for s in skipped] == [
        ("no_label", OTHER),
        ("damaged", ""),
    ]
    assert counts == {"found": 3, "read": 2, "labelled": 1}


def test_a_shard_is_written_once_and_again_only_if_files_changed(tmp_path):
    root, work = tmp_path / "h5", tmp_path / "work"
    path = write_msd_file(root / "a.h5", make_song(LABELLED, seed=1))
    first = shard_of(root, work)[3].copy()
    times = {file: file.stat().st_mtime_ns for file in work.iterdir()}
    assert len(times) == 2
    shard_of(root, work)
    assert {file: file.stat().st_mtime_ns for file in work.iterdir()} == times
    write_msd_file(path, make_song(LABELLED, seed=2))
    os.utime(path, ns=(1, 1))
    assert not np.array_equal(shard_of(root, work)[3], first)


def test_a_half_written_shard_is_written_again(tmp_path):
    root, work = tmp_path / "h5", tmp_path / "work"
    write_msd_file(root / "a.h5", make_song(LABELLED))
    whole = shard_of(root, work)[3].copy()
    (json,) = work.glob("*.json")
    (rows,) = work.glob("*.rows")
    json.unlink()
    rows.write_bytes(rows.read_bytes()[:50])
    (work / f"{json.name}.1.part").write_bytes(b"{")
    np.testing.assert_array_equal(shard_of(root, work)[3], whole)


def test_what_hdf5_says_of_the_moment_is_left_out(tmp_path):
    root = tmp_path / "h5"
    path = write_msd_file(root / "a.h5", make_song(LABELLED))
    path.write_bytes(path.read_bytes()[:3000])
    digests = set()
    for name in ("one", "two"):
        assert shard_of(root, tmp_path / name)[1][0].reason == "damaged"
        (json,) = (tmp_path / name).glob("*.json")
        digests.add(hashlib.sha256(json.read_bytes()).digest())
    assert len(digests) == 1

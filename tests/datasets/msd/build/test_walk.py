import os

import pytest
from msd_files import make_song, write_msd_file

from sklearn_msd.datasets.msd.build import walk as _walk
from sklearn_msd.datasets.msd.build.walk import h5_files, iter_groups

pytest.importorskip("h5py")


def touch(path, size=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def test_files_come_sorted_folder_by_folder(tmp_path):
    for name in ("B/b.h5", "B/A/c.h5", "A/z.HDF5", "A/a.h5", "c.h5", "A/notes.txt"):
        touch(tmp_path / name)
    found = [os.path.relpath(file, tmp_path) for file in h5_files(tmp_path)]
    assert found == ["A/a.h5", "A/z.HDF5", "B/A/c.h5", "B/b.h5", "c.h5"]


def test_links_are_followed_and_hidden_files_are_not_read(tmp_path):
    root, other = tmp_path / "root", tmp_path / "other"
    touch(root / "A/a.h5")
    touch(root / ".hidden/h.h5")
    touch(other / "b.h5")
    (root / "A/loop").symlink_to(root)
    (root / "B").symlink_to(other)
    (root / "c.h5").symlink_to(root / "A/a.h5")
    (root / "broken.h5").symlink_to(root / "none")
    found = [os.path.relpath(file, root) for file in h5_files(root)]
    assert found == ["A/a.h5", "B/b.h5", "broken.h5"]
    ((_, _, broken),) = iter_groups(root)
    assert (broken.path, broken.size) == ("broken.h5", 0)


def test_one_file_is_a_root_too(tmp_path):
    touch(tmp_path / "a.h5", 7)
    ((piece,),) = iter_groups(tmp_path / "a.h5")
    assert (piece.path, piece.first, piece.stop, piece.size) == ("a.h5", 0, None, 7)


def test_groups_hold_every_file_once_and_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(_walk, "GROUP_FILES", 3)
    monkeypatch.setattr(_walk, "GROUP_BYTES", 100)
    for i in range(10):
        touch(tmp_path / f"{i}.h5", size=60 if i >= 7 else 1)
    groups = [[piece.path for piece in group] for group in iter_groups(tmp_path)]
    assert groups == [
        ["0.h5", "1.h5", "2.h5"],
        ["3.h5", "4.h5", "5.h5"],
        ["6.h5", "7.h5", "8.h5"],
        ["9.h5"],
    ]


def test_a_large_aggregate_is_cut_into_pieces(tmp_path, monkeypatch):
    songs = [make_song(f"TR{i}", seed=i) for i in range(7)]
    write_msd_file(tmp_path / "many.h5", *songs)
    touch(tmp_path / "no.h5", 200_000)
    monkeypatch.setattr(_walk, "AGGREGATE_BYTES", 100_000)
    monkeypatch.setattr(_walk, "GROUP_FILES", 3)
    pieces = [piece for group in iter_groups(tmp_path) for piece in group]
    assert [(piece.path, piece.first, piece.stop) for piece in pieces] == [
        ("many.h5", 0, 3),
        ("many.h5", 3, 6),
        ("many.h5", 6, 9),
        ("no.h5", 0, None),
    ]

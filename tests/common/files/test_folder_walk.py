"""One walk for all folders: each file once, and nothing lost unsaid."""

import os

import pytest

from sklearn_msd.common.files.walk import FolderWalk


def make(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def link(path, target, is_folder=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.symlink_to(target, target_is_directory=is_folder)
    except OSError:
        pytest.skip("no links here")


def found(walk, root):
    return [os.path.relpath(entry.path, root).replace(os.sep, "/") for entry in walk]


def test_sorted_folder_by_folder(tmp_path):
    make(tmp_path, "b/2.WAV", "b/1.wav", "a.wav", "b.wav", "b/c/3.wav")
    walk = FolderWalk(tmp_path, [".wav"])
    # A folder's name is compared as a file's is.
    assert found(walk, tmp_path) == [
        *("a.wav", "b/1.wav", "b/2.WAV", "b/c/3.wav", "b.wav"),
    ]
    assert walk.passed_over() == ""


def test_hidden_and_other_files_are_counted(tmp_path):
    make(
        tmp_path,
        *("Rock/1.wav", "Rock/._1.wav", "Rock/cover.jpg", "Rock/back.JPG", "Rock/list"),
        *(".AppleDouble/1.wav", ".Trash-1000/files/2.wav", "$RECYCLE.BIN/3.wav"),
    )
    walk = FolderWalk(tmp_path, [".wav"])
    assert found(walk, tmp_path) == ["Rock/1.wav"]
    assert walk.counts == {"hidden folders": 3, "hidden files": 1, "other files": 3}
    assert walk.passed_over() == (
        "3 hidden folders ($RECYCLE.BIN, .AppleDouble, .Trash-1000); "
        "1 hidden file (Rock/._1.wav); 3 other files (2 .jpg, 1 without ending)"
    )
    assert found(walk, tmp_path) == ["Rock/1.wav"]  # and again
    assert walk.counts["hidden folders"] == 3


def test_a_hidden_folder_may_be_named(tmp_path):
    make(tmp_path, ".music/1.wav")
    root = tmp_path / ".music"
    assert found(FolderWalk(root, [".wav"]), root) == ["1.wav"]


def test_links_are_followed_once(tmp_path):
    root, other = tmp_path / "root", tmp_path / "other"
    make(root, "Jazz/1.wav")
    make(other, "rock/2.wav", "rock/more/3.wav", "single.wav")
    link(root / "Pop", other / "rock", True)
    link(root / "Rock", other / "rock", True)
    link(root / "Jazz/a.wav", other / "single.wav")
    link(root / "Jazz/b.wav", other / "single.wav")
    walk = FolderWalk(root, [".wav"])
    assert found(walk, root) == [
        *("Jazz/1.wav", "Jazz/a.wav", "Pop/2.wav", "Pop/more/3.wav"),
    ]
    assert walk.counts == {"links to what is read already": 2}
    assert "(Jazz/b.wav, Rock)" in walk.passed_over()


def test_what_lies_in_the_folder_keeps_its_place(tmp_path):
    """Also where a link to it comes first."""
    make(tmp_path, "Rock/1.wav", "Rock/deep/2.wav")
    link(tmp_path / "A", tmp_path / "Rock", True)
    link(tmp_path / "Jazz/1.wav", tmp_path / "Rock/1.wav")
    walk = FolderWalk(tmp_path, [".wav"])
    assert found(walk, tmp_path) == ["Rock/1.wav", "Rock/deep/2.wav"]
    assert walk.counts == {"links to what is read already": 2}


def test_loops_end(tmp_path):
    root, other = tmp_path / "root", tmp_path / "other"
    make(root, "Rock/1.wav")
    make(other, "2.wav", "deep/3.wav")
    make(tmp_path, "beside.wav")
    link(root / "Rock/up", root, True)
    link(root / "Rock/further", tmp_path, True)
    link(root / "other", other, True)
    link(other / "deep/back", root, True)
    link(other / "deep/again", other, True)
    link(root / "self", root / "self", True)
    walk = FolderWalk(root, [".wav"])
    assert found(walk, root) == ["Rock/1.wav", "other/2.wav", "other/deep/3.wav"]
    assert walk.counts == {
        "links to what is read already": 4,
        "links that lead nowhere": 1,
    }


def test_links_into_a_hidden_store(tmp_path):
    """As git-annex and DataLad keep large files."""
    make(tmp_path, ".git/annex/objects/ab/KEY.wav", ".git/annex/objects/cd/KEY")
    link(tmp_path / "Rock/1.wav", tmp_path / ".git/annex/objects/ab/KEY.wav")
    link(tmp_path / "Rock/2.wav", tmp_path / ".git/annex/objects/cd/KEY")
    walk = FolderWalk(tmp_path, [".wav"])
    assert found(walk, tmp_path) == ["Rock/1.wav", "Rock/2.wav"]
    assert walk.counts == {"hidden folders": 1}


def test_links_that_lead_nowhere_are_found(tmp_path):
    """Whoever reads them is told; they are not lost."""
    link(tmp_path / "gone.wav", tmp_path / "nothing.wav")
    link(tmp_path / "Jazz", tmp_path / "nowhere", True)
    walk = FolderWalk(tmp_path, [".wav"])
    assert found(walk, tmp_path) == ["gone.wav"]
    assert walk.passed_over() == "1 link that leads nowhere (Jazz)"


def test_folders_that_may_not_be_read(tmp_path, monkeypatch):
    make(tmp_path, "a/1.wav", "locked/2.wav")
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="locked"):
        list(FolderWalk(tmp_path, [".wav"]))
    walk = FolderWalk(tmp_path, [".wav"], skip_unreadable=True)
    assert found(walk, tmp_path) == ["a/1.wav"]
    assert walk.passed_over() == "1 folder that may not be read (locked)"


def test_names_that_no_text_can_hold(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.wav")).write_bytes(b"x")
    except (OSError, UnicodeError):
        pytest.skip("names are text here")
    (entry,) = FolderWalk(tmp_path, [".wav"])
    assert os.fsencode(entry.name) == b"caf\xe9.wav"

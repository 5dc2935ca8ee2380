import os
import re
import shutil

import numpy as np
import pytest

from sklearn_msd.datasets import AudioSegmenter, load_spoken_digits
from sklearn_msd.datasets.audio.reader import SegmentReader
from sklearn_msd.datasets.sources.labelled_audio import AudioFolder
from sklearn_msd.datasets.sources.tasks import find_tasks

pytest.importorskip("soundfile")


@pytest.fixture
def folder(tmp_path):
    """Two voices in a folder each, two digits a voice; and what is no recording."""
    for path in load_spoken_digits().recordings.filenames:
        digit, voice, _ = path.rsplit("/", 1)[1].split("_")
        if digit in "34" and voice in ("theo", "lucas"):
            target = tmp_path / voice / "disc 1" / f"{digit}.WAV"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    (tmp_path / "readme.txt").write_text("about")
    (tmp_path / "theo" / "._3.wav").write_text("another system's")
    return tmp_path


def test_labels_are_the_first_folder_below(folder):
    found = AudioFolder().find(folder)
    names = [
        f"{voice}/disc 1/{digit}.WAV" for voice in ("lucas", "theo") for digit in "34"
    ]
    assert found.names == names
    assert found.labels == ["lucas", "lucas", "theo", "theo"]
    assert found.groups is None


def test_labels_and_groups_by_patterns(folder):
    found = AudioFolder(r"/(\d)\.", group_pattern="^(.)").find(folder)
    assert found.labels == ["3", "4", "3", "4"]
    assert found.groups == ["l", "l", "t", "t"]


@pytest.mark.parametrize(
    "text",
    [
        'file,label\ntheo/disc 1/3.WAV, Jazz\nlucas/disc 1/4.WAV,"Rock, hard"\n\n',
        "theo/disc 1/3.WAV\tJazz\nlucas/disc 1/4.WAV\tRock, hard",
    ],
)
def test_labels_by_a_table(folder, text):
    (folder / "labels").write_text(text)
    found = AudioFolder(table=folder / "labels").find(folder)
    assert found.names == ["theo/disc 1/3.WAV", "lucas/disc 1/4.WAV"]
    assert found.labels == ["Jazz", "Rock, hard"]


def test_groups_by_a_table(folder):
    (folder / "labels").write_text("theo/disc 1/3.WAV,Jazz,T\nlucas/disc 1/4.WAV,Pop,L")
    assert AudioFolder(table=folder / "labels").find(folder).groups == ["T", "L"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("theo/disc 1/3.WAV", "line 1: expected file, label"),
        ("theo/disc 1/3.WAV,a\ntheo/disc 1/4.WAV,a,b", "line 2: expected"),
        ("theo/disc 1/3.WAV,a\n\ntheo/disc 1/3.WAV,b", "line 3: .* there twice"),
        ("theo/none.wav,a", "line 1: there is no file"),
        ("file,label\n", "no line with a file"),
        ("a" * 200_000, r"no table of files and labels \(field larger"),
    ],
)
def test_bad_tables(folder, text, message):
    (folder / "labels").write_text(text)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        AudioFolder(table=folder / "labels").find(folder)


def test_a_table_without_end_is_not_read_to_its_end(folder):
    with open(folder / "labels", "wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    with pytest.raises(
        ValueError, match=r"labels: a table of more than 67108864 bytes"
    ):
        AudioFolder(table=folder / "labels").find(folder)


def test_a_table_that_is_no_text(folder):
    (folder / "labels").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not a text file"):
        AudioFolder(table=folder / "labels").find(folder)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", r"label pattern '\(' is not a regular expression: "),
        (r"\d", "has no group"),
        ("(4)", "2 of 4 files, lucas/disc 1/3.WAV the first, do not match"),
        (r"(\d)$", r"the label pattern '\(\\d\)\$'\. It is searched in such paths"),
    ],
)
def test_bad_patterns(folder, pattern, message):
    with pytest.raises(ValueError, match=message):
        AudioFolder(pattern).find(folder)


def test_files_in_no_folder_are_told_of_patterns(folder):
    message = r"2 of 2 files, 3\.WAV the first,.* --label-pattern .* --labels"
    with pytest.raises(ValueError, match=message):
        AudioFolder().find(folder / "theo" / "disc 1")


def test_unreadable_recordings_are_an_error_or_left_out(folder):
    (folder / "theo" / "bad.wav").write_text("no audio")
    (folder / "theo" / "worse.wav").write_text("no audio")
    reader = AudioFolder(segmenter=AudioSegmenter(6))
    with pytest.raises(
        ValueError,
        match=r"^2 of 6 recordings .*bad\.wav.*worse\.wav.*--skip-unreadable",
    ):
        reader.read(reader.find(folder), whole=True)
    reader = AudioFolder(segmenter=AudioSegmenter(6), skip_unreadable=True)
    with pytest.warns(UserWarning, match="left out: ") as told:
        songs = reader.read(reader.find(folder), whole=True)
    assert len(told) == 2
    assert (len(songs.X), len(songs.feature_names)) == (4, 25)
    for path in folder.glob("*/*/*"):
        path.unlink()
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(ValueError, match="no recording could be read"),
    ):
        reader.read(reader.find(folder), whole=True)


def test_empty_and_missing_recordings_are_found_before_any_is_read(folder, monkeypatch):
    (folder / "theo" / "none.wav").touch()
    (folder / "lucas" / "nothing.wav").touch()
    (folder / "lucas" / "gone.wav").symlink_to(folder / "nowhere.wav")

    def read(*_):
        raise AssertionError("read")

    monkeypatch.setattr(SegmentReader, "read", read)
    audio = AudioFolder()
    with pytest.raises(ValueError, match=r"3 of 7 recordings") as caught:
        audio.read(audio.find(folder))
    for name in ("lucas/gone.wav", "lucas/nothing.wav", "theo/none.wav"):
        assert str(folder / name) in str(caught.value)
    assert "--skip-unreadable" in str(caught.value)


def test_what_is_passed_over_is_said(folder):
    (folder / ".AppleDouble").mkdir()
    (folder / "theo" / "cover.jpg").touch()
    found = AudioFolder().find(folder)
    assert found.remarks == [
        "Passed over: 1 hidden folder (.AppleDouble); "
        "2 other files (1 .txt, 1 .jpg); 1 hidden file (theo/._3.wav)."
    ]
    audio = AudioFolder(segmenter=AudioSegmenter(6), quiet=True)
    songs = audio.read(found)
    assert songs.remarks[0] == found.remarks[0]
    assert found.remarks[0] in songs.description
    (folder / "labels").write_text("theo/disc 1/3.WAV,Jazz\nlucas/disc 1/4.WAV,Rock")
    found = AudioFolder(table=folder / "labels").find(folder)
    assert found.remarks[1].startswith("2 recordings are not in ")


def test_linked_folders_are_genres(folder, tmp_path_factory):
    """As where a genre lies on another disk."""
    elsewhere = tmp_path_factory.mktemp("disk") / "rock"
    (folder / "theo").rename(elsewhere)
    (folder / "Rock").symlink_to(elsewhere, target_is_directory=True)
    found = AudioFolder().find(folder)
    assert found.labels == ["Rock", "Rock", "lucas", "lucas"]


def test_short_recordings_are_said_to_be_lengthened(folder):
    audio = AudioFolder(segmenter=AudioSegmenter(50), quiet=True)
    (remark,) = [r for r in audio.read(audio.find(folder)).remarks if "segments" in r]
    assert re.fullmatch(
        r"4 of 4 recordings have \d+ to \d+ segments and are repeated to 50\.", remark
    )
    audio = AudioFolder(segmenter=AudioSegmenter(1), quiet=True)
    assert len(audio.read(audio.find(folder)).remarks) == 1


def test_quiet_shows_no_bar(folder, capfd):
    for quiet in (False, True):
        audio = AudioFolder(segmenter=AudioSegmenter(6), quiet=quiet)
        audio.read(audio.find(folder))
        assert ("reading" in capfd.readouterr().err) != quiet


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_not_utf8(folder):
    (folder / "theo").rename(os.fsdecode(os.fsencode(folder) + b"/Vari\xe9t\xe9"))
    (folder / "lucas").rename(folder / "Varie\u0301te\u0301")
    audio = AudioFolder(segmenter=AudioSegmenter(6), quiet=True)
    found = audio.find(folder)
    assert found.labels == ["Vari\xe9t\xe9"] * 4
    assert len(audio.read(found, whole=True).X) == 4


def test_one_label_in_two_unicode_forms(folder):
    (folder / "theo").rename(folder / "Caf\u00e9")
    (folder / "lucas").rename(folder / "Cafe\u0301")
    audio = AudioFolder(group_pattern="(\u00e9)/")
    found = audio.find(folder)
    assert found.labels == ["Caf\u00e9"] * 4
    assert found.groups == ["\u00e9"] * 4


def test_a_table_may_have_another_unicode_form_than_the_disk(folder):
    (folder / "theo").rename(folder / "Cafe\u0301")
    (folder / "labels").write_text("Caf\u00e9/disc 1/3.WAV,a", encoding="utf-8")
    found = AudioFolder(table=folder / "labels").find(folder)
    assert found.names == ["Cafe\u0301/disc 1/3.WAV"]


def test_a_heading_may_follow_blank_lines(folder):
    (folder / "labels").write_text("\n \n\nFile\tlabel\ntheo/disc 1/3.WAV\tJazz\n")
    found = AudioFolder(table=folder / "labels").find(folder)
    assert (found.names, found.labels) == (["theo/disc 1/3.WAV"], ["Jazz"])


def test_a_folder_of_recordings_is_a_source(folder):
    ((task, load),) = find_tasks(
        str(folder), 1, 1, audio=AudioFolder(segmenter=AudioSegmenter(6))
    ).items()
    assert task == "2"
    songs = load()
    assert songs.features == "audio"
    assert (len(songs.X), len(songs.X_valid)) == (2, 2)
    np.testing.assert_array_equal(songs.classes, ["lucas", "theo"])


def test_segments_of_another_width_say_where_one_ends(folder):
    segmenter = AudioSegmenter(2, features="musicnn", output="tags")
    reader = AudioFolder(segmenter=segmenter)
    songs = reader.read(reader.find(folder), whole=True)
    assert songs.X.shape == (4, 2, 50)
    assert songs.feature_names[:2] == ["rock", "pop"]
    paths = [str(folder / name) for name in reader.find(folder).names]
    np.testing.assert_array_equal(songs.X.reshape(4, -1), segmenter.transform(paths))


def test_of_several_kinds_songs_are_paths(folder):
    kinds = (AudioSegmenter(None), AudioSegmenter(None, features="musicnn"))
    reader = AudioFolder(group_pattern="^(.)", kinds=kinds)
    (folder / "theo" / "bad.wav").write_text("no audio")
    with pytest.raises(ValueError, match=r"bad\.wav"):
        reader.read(reader.find(folder))
    (folder / "theo" / "bad.wav").unlink()
    songs = reader.read(reader.find(folder), whole=True)
    assert list(songs.X) == [str(folder / name) for name in reader.find(folder).names]
    assert list(songs.group) == ["l", "l", "t", "t"]
    assert songs.kept is not None

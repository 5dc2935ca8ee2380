"""Folders of music as shops, phones and old disks leave them, at the command line."""

import json
import os
import unicodedata

import audio_files
import numpy as np
import pytest

from sklearn_msd.cli import main
from sklearn_msd.cli.commands import cell

pytest.importorskip("librosa", reason="needs sklearn-msd[audio]")
soundfile = pytest.importorskip("soundfile", reason="needs sklearn-msd[audio]")

TRAIN = ["--model=logistic", "--features=segments", "--cv=1"]
RATE = 22_050


def song(hertz, seed, **options):
    """An MP3 of a second and a half, of one pitch and some noise."""
    t = np.arange(RATE * 3 // 2) / RATE
    noise = np.random.default_rng(seed).normal(0, 0.02, t.size)
    tone = 0.4 * np.sin(2 * np.pi * hertz * t) * (1 + (t % 0.4 < 0.2))
    samples = (tone + noise)[:, None] * [0.5, 0.4]
    return audio_files.encode(samples, RATE, "MP3", **options)


def link(path, target):
    try:
        path.symlink_to(target, target_is_directory=True)
    except OSError:
        pytest.skip("no links here")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Two genres, one of them on another disk, and all that lies about."""
    home, disk = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("disk")
    cover = audio_files.picture(60_000)
    modes = ("CONSTANT", "AVERAGE", "VARIABLE")
    for i in range(10):
        low = song(220 + 5 * i, i, bitrate_mode=modes[i % 3])
        high = song(1500 + 50 * i, i, bitrate_mode=modes[i % 3])
        bare = audio_files.without_header(low)
        tag = audio_files.id3v2(3 + i % 2, cover if i % 2 else b"", padding=1024)
        name = unicodedata.normalize("NFD" if i % 2 else "NFC", f"0{i} Café – Ζορμπάς")
        folder = home / "Chanson" / f"Album {i % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.mp3").write_bytes(tag + bare + audio_files.id3v1())
        folder = disk / "rock" / f"CD{i % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}_$uicideboy$.MP3").write_bytes(tag + high + audio_files.ape())
        (folder / f"._{i}_$uicideboy$.MP3").write_bytes(b"\0\5\x16\7" + bytes(60))
        (folder / "cover.jpg").write_bytes(cover)
    link(home / "Rock & Roll", disk / "rock")
    link(home / "Chanson" / "all", home)
    (home / ".Trash-1000").mkdir()
    (home / ".Trash-1000" / "gone.mp3").write_bytes(high)
    (home / "Chanson" / "list.m3u").write_text("")
    return home


def test_a_folder_from_a_shop_is_learned_with_nothing_lost_unsaid(
    shop, tmp_path, capfd
):
    model, memory = tmp_path / "m.msd", tmp_path / "memory"
    options = [f"--memory={memory}", "--quiet"]
    assert main(["train", str(shop), *TRAIN, *options, "--out", str(model)]) == 0
    out, err = capfd.readouterr()
    assert "songs\t16" in out
    assert "accuracy\t1.00 " in out
    (passed,) = [line for line in err.splitlines() if "Passed over" in line]
    assert "1 hidden folder (.Trash-1000)" in passed
    assert "1 link to what is read already (Chanson/all)" in passed
    assert "10 hidden files" in passed
    assert "3 other files (2 .jpg, 1 .m3u)" in passed
    assert "it/s" not in err
    assert "mpg123" not in err

    # What was read is kept for other commands.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn_msd.datasets.audio.reader.decode_audio", None)
        evaluate = ["evaluate", str(model), str(shop), "--split=all", "--json"]
        assert main([*evaluate, *options]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["songs"], found["accuracy"]) == (20, 1.0)
    assert {*found["classes"]} == {"Chanson", "Rock & Roll"}

    files = sorted(map(str, shop.rglob("[0-9]*.mp3")))
    files += sorted(map(str, (shop / "Rock & Roll").resolve().rglob("[0-9]*.MP3")))
    assert len(files) == 20
    assert main(["predict", str(model), *files, "--top=1"]) == 0
    out, err = capfd.readouterr()
    rows = [line.split("\t") for line in out.splitlines()[1:]]
    assert [row[0] for row in rows] == files
    assert [row[1] for row in rows] == ["Chanson"] * 10 + ["Rock & Roll"] * 10
    assert err == ""


def test_one_file_that_is_damaged_is_named_and_may_be_left_out(shop, tmp_path, capfd):
    folder = tmp_path / "music"
    for genre, hertz in (("low", 200), ("high", 2000)):
        (folder / genre).mkdir(parents=True)
        for i in range(5):
            (folder / genre / f"{i}.mp3").write_bytes(song(hertz, i))
    bad = folder / "low" / "bad.mp3"
    bad.write_bytes(song(200, 9)[:3000])
    train = ["train", str(folder), *TRAIN, "--out", str(tmp_path / "m.msd"), "--quiet"]
    assert main(train) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("sklearn-msd: error: 1 of 11 recordings cannot be read: ")
    assert f"{bad}: cut short" in line
    assert "--skip-unreadable" in line
    assert main([*train, "--skip-unreadable"]) == 0
    out, err = capfd.readouterr()
    assert f"sklearn-msd: warning: left out: {bad}: cut short" in err
    assert "songs\t8" in out


def test_two_empty_files_are_found_first_and_both_named(shop, tmp_path, capfd):
    folder = tmp_path / "music"
    (folder / "a").mkdir(parents=True)
    for name in ("1.mp3", "2.mp3"):
        (folder / "a" / name).touch()
    (folder / "b").mkdir()
    (folder / "b" / "3.mp3").write_text("not read, or it would be an error, too")
    assert main(["train", str(folder), "--out", str(tmp_path / "m.msd")]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "2 of 3 recordings" in line
    for name in ("1.mp3", "2.mp3"):
        assert f"{folder / 'a' / name}: the file is empty" in line
    assert "No other has been read yet. " in line
    assert "--skip-unreadable" in line


@pytest.fixture(scope="module")
def model(shop, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "m.msd"
    assert main(["train", str(shop), *TRAIN, "--quiet", "--out", str(out)]) == 0
    return out


@pytest.mark.skipif(os.name == "nt", reason="such names cannot be there")
def test_names_that_would_break_a_table(model, tmp_path, capsys):
    names = ["tab\there.mp3", "new\nline.mp3", "back\\slash.mp3", "re\rturn\u2028.mp3"]
    paths = [tmp_path / name for name in names]
    for path in paths:
        path.write_bytes(song(220, 0))
    assert main(["predict", str(model), *map(str, paths), "--top=1"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()[1:]]
    assert [len(row) for row in rows] == [3] * 4
    # As they may be read back.
    read = [row[0].encode("latin-1", "backslashreplace") for row in rows]
    assert [text.decode("unicode-escape") for text in read] == list(map(str, paths))
    # JSON has escapes of its own.
    assert main(["predict", str(model), str(paths[0]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(paths[0])


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_not_utf8(model, tmp_path, capsys):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/Beyonc\xe9.mp3")
    with open(path, "wb") as file:
        file.write(song(220, 0))
    assert main(["predict", str(model), path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == path
    with open(path, "wb") as file:
        file.write(b"no audio")
    assert main(["predict", str(model), path]) == 1
    assert r"Beyonc\udce9.mp3: damaged" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_outputs_of_any_encoding(model, tmp_path, encoding, monkeypatch):
    """As of a Windows shell that writes a table to a file."""
    path = tmp_path / "Ζορμπάς.mp3"
    path.write_bytes(song(220, 0))
    for as_json in (False, True):
        with open(tmp_path / "table", "w", encoding=encoding, newline="\n") as out:
            monkeypatch.setattr("sys.stdout", out)
            flags = ["--json"] if as_json else ["--top=1"]
            assert main(["predict", str(model), str(path), *flags]) == 0
            assert out.errors == "strict"  # as it was
        text = (tmp_path / "table").read_text(encoding)
        if as_json:
            assert json.loads(text)["file"] == str(path)
        elif encoding == "utf-8":
            assert text.splitlines()[1].split("\t")[:2] == [str(path), "Chanson"]
        else:
            assert text.splitlines()[1].startswith(str(tmp_path))
            assert r"\u0396\u03bf\u03c1\u03bc\u03c0\u03ac\u03c2.mp3" in text


def test_labels_in_another_unicode_form_than_the_models(tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(40, 50))
    y = np.array(["Caf\u00e9", "Jazz"] * 20)
    X[y == "Jazz"] += 9
    np.savez(tmp_path / "a.npz", X=X, y=y)
    np.savez(tmp_path / "b.npz", X=X, y=np.array(["Cafe\u0301", "Jazz"] * 20))
    out = str(tmp_path / "m.msd")
    train = ["train", str(tmp_path / "a.npz"), "--model=logistic", "--out", out]
    assert main([*train, "--quiet"]) == 0
    capsys.readouterr()
    evaluate = ["evaluate", out, str(tmp_path / "b.npz"), "--split=all", "--json"]
    assert main(evaluate) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 1


def test_keys_of_arrays_that_are_not_used_are_named(tmp_path, capsys):
    rng = np.random.default_rng(0)
    y, groups = np.arange(40) % 2, np.arange(40) // 4
    path = tmp_path / "d.npz"
    np.savez(path, X=rng.normal(size=(40, 50)), y=y, groups=groups, artist=groups)
    train = ["train", str(path), "--model=logistic", "--quiet"]
    assert main([*train, "--out", str(tmp_path / "m.msd")]) == 0
    assert f"{path}: Keys not used: artist." in capsys.readouterr().err


def test_cells():
    assert cell("a\tb\nc") == r"a\tb\nc"
    assert cell("Ζορμπάς – \U0001f3b5\xa0") == "Ζορμπάς – \U0001f3b5\xa0"
    assert cell("\x1b[31m\x85\ud800") == r"\x1b[31m\x85\ud800"

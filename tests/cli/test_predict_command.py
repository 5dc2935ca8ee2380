import json
import shutil

import numpy as np
import pytest

from sklearn_msd import load
from sklearn_msd.cli import main
from sklearn_msd.datasets.audio import reader
from sklearn_msd.datasets.audio.decoding import decode_audio

PATTERN = r"--label-pattern=^(\d)_"


@pytest.fixture
def paths(recordings):
    return sorted(map(str, recordings.glob("*.wav")))[:2]


def test_a_table_of_the_likeliest(audio_model, paths, capsys):
    assert main(["predict", str(audio_model), *paths, "--top=2"]) == 0
    told = capsys.readouterr()
    assert told.err.startswith("2 of 2 recordings have ")  # of the 12 that are asked
    assert told.err.endswith(" and are repeated to 12.\n")
    heading, *rows = [line.split("\t") for line in told.out.splitlines()]
    assert heading == ["file", "label", "probability"]
    model = load(audio_model)
    expected = []
    for path, row in zip(paths, model.predict_proba(paths), strict=True):
        for i in np.argsort(-row)[:2]:
            expected.append([path, model.classes_[i], f"{row[i]:.4f}"])
    assert rows == expected


def test_json_has_a_line_for_each_song_with_every_label(audio_model, paths, capsys):
    assert main(["predict", str(audio_model), *paths, "--json"]) == 0
    songs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    model = load(audio_model)
    assert [song["file"] for song in songs] == paths
    assert [song["label"] for song in songs] == list(model.predict(paths))
    for song, row in zip(songs, model.predict_proba(paths), strict=True):
        values = [song["probabilities"][label] for label in model.classes_]
        np.testing.assert_array_equal(np.float32(values), row)


def test_what_cannot_be_read_is_named_and_the_rest_predicted(
    audio_model, paths, tmp_path, capsys
):
    (tmp_path / "bad.wav").write_text("no audio")
    (tmp_path / "analysis.json").write_text("{}")
    np.savez(tmp_path / "narrow.npz", X=np.ones((2, 12, 13)))
    np.savez(tmp_path / "short.npz", X=np.ones((2, 250)))
    np.savez(tmp_path / "other.npz", Z=np.ones(3))
    np.save(tmp_path / "songs.npy", np.ones((2, 300)))
    names = ["none.wav", "bad.wav", "analysis.json", "narrow.npz", "short.npz"]
    names += ["other.npz", "songs.npy"]
    bad = [str(tmp_path / name) for name in (*names, ".")]
    assert main(["predict", str(audio_model), *bad, paths[0], "--top=1"]) == 1
    told = capsys.readouterr()
    *lines, remark = told.err.splitlines()
    assert remark.startswith("1 of 1 recordings have ")
    assert len(lines) == len(bad)
    for line, name in zip(lines, [*names, ""], strict=True):
        assert line.startswith("sklearn-msd: error: ")
        assert str(tmp_path / name) in line
    assert "features of recordings" in lines[2]
    assert "13 features a segment, expected 25" in lines[3]
    assert "250 features a song, expected 300" in lines[4]
    assert "save songs as an npz file" in lines[6]
    assert [line.split("\t")[0] for line in told.out.splitlines()][1:] == [paths[0]]


def test_a_folder_stands_for_the_recordings_in_it(audio_model, paths, tmp_path, capsys):
    (tmp_path / "music" / "deep").mkdir(parents=True)
    (tmp_path / "none").mkdir()
    (tmp_path / "music" / "cover.jpg").touch()
    songs = [tmp_path / "music" / "deep" / "b.wav", tmp_path / "music" / "z.wav"]
    for path, song in zip(paths, songs, strict=True):
        shutil.copy(path, song)
    folders = [str(tmp_path / "none"), str(tmp_path / "music")]
    assert main(["predict", str(audio_model), *folders, "--top=1"]) == 1
    told = capsys.readouterr()
    assert [line.split("\t")[0] for line in told.out.splitlines()[1:]] == [
        *map(str, songs)
    ]
    assert f"{folders[0]}: a folder with no songs (recordings)" in told.err


def test_songs_of_unequal_length_are_predicted_each_as_alone(tmp_path, capsys):
    rng = np.random.default_rng(0)
    lengths, y = rng.integers(4, 9, size=20), np.arange(20) % 2
    songs = [rng.normal(i % 2, 1, size=(n, 3)) for i, n in enumerate(lengths)]
    offsets = np.cumsum([0, *map(len, songs)])
    np.savez(tmp_path / "s.npz", X_flat=np.concatenate(songs), offsets=offsets, y=y)
    data, out = str(tmp_path / "s.npz"), str(tmp_path / "m.msd")
    options = ["--model=logistic", "--out", out]
    assert main(["train", data, *options]) == 0
    assert f"The songs have {lengths.min()} to " in capsys.readouterr().err
    assert main(["predict", out, data, "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [song["file"] for song in found] == [f"{data}[{i}]" for i in range(20)]
    model = load(out)
    for song, one in zip(songs, found, strict=True):
        (row,) = model.predict_proba(song[None])
        assert [one["probabilities"][k] for k in "01"] == pytest.approx(row)


def test_members_of_a_combination_read_a_recording_once(
    recordings, paths, tmp_path, monkeypatch, capsys
):
    out = str(tmp_path / "both.msd")
    options = [PATTERN, "--cv=1", "--quiet", "--epochs=1", "--minutes=5"]
    options += ["--model=combination", "--features=segments"]
    assert main(["train", str(recordings), *options, "--out", out]) == 0
    read = []

    def counted(path, *args):
        read.append(path)
        return decode_audio(path, *args)

    monkeypatch.setattr(reader, "decode_audio", counted)
    assert main(["predict", out, *paths]) == 0
    assert read == paths
    assert "repeated" not in capsys.readouterr().err  # whole, of whatever length


def test_models_that_cannot_be_had(audio_model, tmp_path, capsys):
    content = audio_model.read_bytes()
    (tmp_path / "cut.msd").write_bytes(content[:1000])
    (tmp_path / "text.msd").write_text("no model")
    for name in ("cut.msd", "text.msd", "none.msd", "."):
        path = str(tmp_path / name)
        assert main(["predict", path, "song.wav"]) == 2
        told = capsys.readouterr()
        (line,) = told.err.splitlines()
        assert line.startswith("sklearn-msd: error: ")
        assert str(tmp_path / name) in line
        assert told.out == ""
    assert main(["predict", str(audio_model), "song.wav", "--top=0"]) == 2
    assert "--top" in capsys.readouterr().err

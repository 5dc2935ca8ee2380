"""What makes and reads songs, given anything."""

import contextlib
import io
import json
import wave

import numpy as np
import pytest
from fuzzing import (
    ODD_VALUES,
    any_containers,
    examples,
    nothing_else_changed,
    odd_values,
    outcome,
    seeds,
    song_arrays,
)
from hypothesis import given
from hypothesis import strategies as st
from msd_files import make_song, write_msd_file

from sklearn_msd.datasets import (
    AudioSegmenter,
    build_msd_genre,
    load_msd_genre,
    make_songs,
    predefined_split,
    read_audio_analysis,
    read_genre_annotations,
    read_msd_track,
    segments_from_audio,
)

COLUMNS = ("chroma", "timbre", "loudness")


@contextlib.contextmanager
def damaged(folder, name, content, data):
    """A file with some bytes changed or cut off, or none; yields it and which."""
    content, changed = bytearray(content), False
    for _ in range(data.draw(st.integers(0, 4), "changes")):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
        changed = True
    if data.draw(st.booleans(), "cut"):
        content, changed = content[: data.draw(st.integers(0, len(content)))], True
    path = folder / name
    path.write_bytes(content)
    try:
        yield path, changed
    finally:
        path.unlink()


SONGS = {
    "n_songs": st.integers(1, 12),
    "n_segments": st.sampled_from([1, 2, 9, np.int64(20)]),
    "n_classes": st.sampled_from([2, 3, 30]),
    "segment_share": st.floats(0, 0.5),
    "order_share": st.floats(0, 0.5),
    "position_share": st.floats(0, 0.5),
    "class_sep": st.floats(0, 3),
    "mean_sep": st.floats(0, 1.5),
    "noise": st.floats(0, 0.5),
    "min_segments": st.sampled_from([None, 1, 5]),
    "standardize": st.booleans(),
    "labels": st.sampled_from(["index", "name"]),
    "task_state": st.none() | st.integers(0, 9),
    "random_state": seeds,
}


@examples(2)
@given(st.fixed_dictionaries({}, optional=SONGS), st.data())
def test_songs_are_made_or_a_parameter_is_named(parameters, data):
    parameters = {"n_songs": 6, "n_segments": 9, "random_state": 0, **parameters}
    if data.draw(st.booleans(), "odd"):
        name = data.draw(st.sampled_from(sorted(SONGS)))
        value = data.draw(odd_values(name))
        huge = isinstance(value, int | float) and value > 100  # lawful, and too much
        parameters |= {} if huge else {name: value}
    with nothing_else_changed():
        made = outcome(SONGS, make_songs, **parameters)
    if made is None:
        return
    X, y = made
    assert len(X) == len(y) == parameters["n_songs"]
    assert X.dtype == np.float32
    assert not np.isinf(X).any()
    if parameters.get("min_segments") is None:
        assert X.shape == (len(X), 25 * int(parameters["n_segments"]))
        assert np.isfinite(X).all()
    if isinstance(parameters["random_state"], int):
        np.testing.assert_array_equal(make_songs(**parameters)[0], X)


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


ARRAYS = st.builds(
    lambda shape, dtype: np.zeros(shape, dtype),
    st.lists(st.sampled_from([0, 1, 2, 4, 25, 50]), max_size=3),
    st.sampled_from(["f2", "f4", "f8", "i4", "?", "U3", "c8", "M8[s]"]),
)


@examples(2)
@given(st.data())
def test_splits_are_read_or_their_file_is_named(folder, data):
    content = {
        "inputs": np.ones((4, 2, 25), np.float16),
        "targets": np.array([0, 1, 1, 0]),
        "label_map": np.array(["Rap", "Rock"]),
    }
    for name in data.draw(st.lists(st.sampled_from([*content, "groups"]), max_size=2)):
        content[name] = data.draw(ARRAYS, name)
    names = ("msd-7-genre", "data_home", "task", "train", "valid")
    with (
        damaged(folder, "msd-7-genre-train.npz", npz(**content), data),
        damaged(folder, "msd-7-genre-valid.npz", npz(**content), data),
    ):
        with nothing_else_changed():
            loaded = outcome(names, load_msd_genre, 7, "train", folder)
            joined = outcome(names, predefined_split, 7, folder)
        if loaded is not None:
            assert loaded.data.shape == (len(loaded.target), loaded.data.shape[1])
            assert set(loaded.target) <= set(range(len(loaded.target_names)))
        if joined is not None:
            assert len(joined[0]) == len(joined[1])


LOADING = ("task", "split", "data_home", "variable_length", "return_X_y")
LOADING += ("max_segments",)


@examples(1)
@given(st.data())
def test_odd_arguments_of_loading_are_named(folder, data):
    path = folder / "msd-10-genre-train.npz"
    np.savez(path, inputs=np.ones((4, 2, 25)), targets=np.arange(4))
    name = data.draw(st.sampled_from(LOADING))
    value = data.draw(ODD_VALUES, name)
    with contextlib.suppress(FileNotFoundError):
        outcome(LOADING, load_msd_genre, **{"data_home": folder, name: value})
    if name not in ("split", "return_X_y"):
        with contextlib.suppress(FileNotFoundError):
            outcome(LOADING, predefined_split, **{"data_home": folder, name: value})


@examples(1)
@given(st.data())
def test_tracks_are_read_or_their_file_is_named(folder, data):
    pytest.importorskip("h5py")
    whole = folder / "whole.h5"
    if not whole.exists():
        write_msd_file(whole, make_song("TRAAAAK128F9318786", n_segments=4))
    with damaged(folder, "track.h5", whole.read_bytes(), data) as (path, changed):
        track = outcome(("track.h5",), read_msd_track, path)
        if track is not None:
            assert track.segments.shape == (len(track.start), 25)
            assert np.isfinite(track.segments).all()
        assert changed or track is not None
        name = data.draw(st.sampled_from(["path", "index", "columns", "loudness"]))
        arguments = {"path": whole, name: data.draw(ODD_VALUES, name)}
        with contextlib.suppress(OSError):
            outcome(arguments, read_msd_track, **arguments)


LINES = st.one_of(
    st.just("TRAAAAK128F9318786\tPop_Rock"),
    st.builds("\t".join, st.lists(st.text(max_size=4), max_size=4)),
    st.text(max_size=20),
)


@examples(1)
@given(st.lists(LINES, max_size=4), st.data())
def test_annotations_are_read_or_their_file_is_named(folder, lines, data):
    content = "\n".join(lines).encode("utf-8", "surrogatepass") or b"\n"
    with damaged(folder, "genres.cls", content, data) as (path, _):
        found = outcome(("genres.cls",), read_genre_annotations, path)
        if found is not None:
            assert all(isinstance(genre, str) and genre for genre in found.values())
        name = data.draw(st.sampled_from(["path", "known_ids", "errors"]))
        arguments = {"path": path, name: data.draw(ODD_VALUES, name)}
        with contextlib.suppress(OSError):
            outcome((*arguments, "genres.cls"), read_genre_annotations, **arguments)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=5,
)
SEGMENT = {
    "start": 0.5,
    "pitches": [0.5] * 12,
    "timbre": [1.0] * 12,
    "loudness_max": -3.0,
    "loudness_start": -5,
}


@examples(1)
@given(st.data())
def test_analyses_are_read_or_their_file_is_named(folder, data):
    segments = [dict(SEGMENT) for _ in range(data.draw(st.integers(1, 3)))]
    for _ in range(data.draw(st.integers(0, 2))):
        name = data.draw(st.sampled_from([*SEGMENT]))
        segments[-1][name] = data.draw(JSON)
    analysis = data.draw(st.just({"segments": segments}) | JSON)
    content = json.dumps(analysis).encode()
    with damaged(folder, "analysis.json", content, data) as (path, _):
        found = outcome(("analysis.json",), read_audio_analysis, path)
        if found is not None:
            assert found.segments.shape == (len(found.start), 25)
            assert np.isfinite(found.segments).all()
        name = data.draw(st.sampled_from(["path", "columns", "loudness"]))
        arguments = {"path": path, name: data.draw(ODD_VALUES, name)}
        with contextlib.suppress(OSError):
            names = (*arguments, "analysis.json")
            outcome(names, read_audio_analysis, **arguments)


def wav(samples, rate):
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes((samples * 2**15).astype("<i2").tobytes())
    return file.getvalue()


AUDIO = ("path_or_samples", "sample_rate", "return_times", "samples", "sound.wav", "X")


@examples(0.5)
@given(seeds, st.integers(1, 3000), st.sampled_from([1000, 8000, 44_100]), st.data())
def test_audio_is_read_or_what_is_wrong_is_named(folder, seed, length, rate, data):
    pytest.importorskip("librosa")
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, length)
    with nothing_else_changed(samples):
        segments, start = segments_from_audio(samples, rate, return_times=True)
    assert segments.shape == (len(start), 25)
    assert np.isfinite(segments).all()
    with damaged(folder, "sound.wav", wav(samples, rate), data) as (path, changed):
        found = outcome(AUDIO, segments_from_audio, path)
        assert changed or found is not None
        several = outcome(AUDIO, AudioSegmenter(2).fit_transform, [path])
        assert (several is None) == (found is None)


@examples(0.5)
@given(song_arrays(), any_containers(), st.data())
def test_odd_samples_are_named(X, container, data):
    pytest.importorskip("librosa")
    arguments = {"path_or_samples": container[1](X.reshape(-1, 3)), "sample_rate": 8000}
    with contextlib.suppress(FileNotFoundError):
        outcome(AUDIO, segments_from_audio, **arguments)
    name = data.draw(st.sampled_from(AUDIO[:3]))
    arguments = {"path_or_samples": np.ravel(X), "sample_rate": 8000}
    with contextlib.suppress(OSError):
        value = data.draw(ODD_VALUES, name)
        outcome(AUDIO, segments_from_audio, **{**arguments, name: value})
    with contextlib.suppress(OSError):
        outcome(AUDIO, AudioSegmenter().fit_transform, data.draw(ODD_VALUES, "X"))


BUILDING = {
    "n_segments": st.integers(1, 6),
    "crop": st.sampled_from(["center", "start", "random"]),
    "loudness": st.sampled_from(["start", "max"]),
    "n_per_class": st.none() | st.integers(1, 3),
    "split": st.sampled_from([(0.5, 0.5), [0.4, 0.3, 0.3]]),
    "group_by": st.sampled_from(["artist", None]),
    "columns": st.permutations(COLUMNS),
    "genres": st.sampled_from([None, ["Rap"], ["Rap", "Rock"]]),
    "task": st.sampled_from([None, 7, "mine"]),
    "form": st.sampled_from(["npz", "npy"]),
    "dtype": st.sampled_from(["float32", "float16"]),
    "trust_names": st.booleans(),
    "max_skipped": st.floats(0, 1),
    "random_state": st.integers(0, 9),
}


@pytest.fixture(scope="module")
def library(folder):
    """Ten songs of ten artists in two genres, and their annotations."""
    pytest.importorskip("h5py")
    ids = [f"TRAAAA{letter}128F9318786" for letter in "ABCDEFGHIJ"]
    songs = [make_song(t, f"AR{i}", n_segments=4) for i, t in enumerate(ids)]
    write_msd_file(folder / "songs" / "all.h5", *songs)
    return folder / "songs", {t: ["Rap", "Rock"][i % 2] for i, t in enumerate(ids)}


@examples(0.5)
@given(st.fixed_dictionaries({}, optional=BUILDING), st.data())
def test_builds_are_whole_or_what_is_wrong_is_named(library, folder, parameters, data):
    parameters = {"n_segments": 3, "split": (0.5, 0.5), **parameters}
    if data.draw(st.booleans(), "odd"):
        name = data.draw(st.sampled_from(sorted(BUILDING)))
        parameters[name] = data.draw(odd_values(name), name)
    number = len([*folder.glob("built*")])
    out = folder / f"built{number}"
    names = (*BUILDING, "genre", "songs", "h5_root", "artists")
    with nothing_else_changed():
        report = outcome(names, build_msd_genre, *library, out, verbose=0, **parameters)
    if report is None:
        assert not out.exists()
        out.mkdir()
        return
    X, y = load_msd_genre(report.task, "train", out, return_X_y=True)
    assert len(X) == len(y)
    assert np.isfinite(np.asarray(X, np.float64)).all()

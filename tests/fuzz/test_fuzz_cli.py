"""The command line, given anything."""

import re

import numpy as np
import pytest
from fuzzing import codes, examples, nothing_else_changed, song_arrays
from hypothesis import given
from hypothesis import strategies as st

from sklearn_msd.cli import main


@pytest.fixture(scope="module")
def model(folder):
    """A model of flat songs, and the songs."""
    X = np.random.default_rng(0).normal(size=(30, 50)).astype(np.float32)
    songs, out = folder / "songs.npz", folder / "model.msd"
    np.savez(songs, X=X, y=codes(30))
    options = ["--model", "fully-connected", "--epochs", "1", "--quiet"]
    assert main(["train", str(songs), *options, "--out", str(out)]) == 0
    return str(out), str(songs)


# No line feed: one line is asked of an error.
WORDS = st.one_of(
    st.sampled_from(["", "1", "-1", "0", "2.5", "nan", "1e9", "cpu", "[", "ä"]),
    st.text(st.characters(exclude_categories=["C", "Z"]), max_size=4),
)
SETTINGS = st.builds(
    "{}={}".format,
    st.sampled_from(["l2", "l1", "batch_size", "early_stopping", "dtype", "x", ""]),
    WORDS,
)
OPTIONS = {
    "--model": st.sampled_from(["segment-conv", "recurrent", "sparse", "time", ""]),
    "--set": SETTINGS,
    "--n-segments": WORDS,
    "--seed": WORDS,
    "--device": WORDS,
    "--task": WORDS,
    "--labels": WORDS,
    "--label-pattern": WORDS,
    "--json": None,
    "--quiet": None,
    "--top": WORDS,
    "--loudness": WORDS,
}


@st.composite
def options(draw, *names):
    """Some of the options, with values of every kind."""
    words = []
    for name in draw(st.lists(st.sampled_from(names), max_size=3, unique=True)):
        value = OPTIONS[name]
        words.append(name if value is None else f"{name}={draw(value)}")
    return words


def run(capsys, *words):
    """The exit code; what an error says is on standard error, and no traceback."""
    capsys.readouterr()
    try:
        code = main([*words])
    except SystemExit as stop:  # argparse, which prints how the command is used
        code = stop.code
    told = capsys.readouterr().err.strip()
    assert "Traceback" not in told
    if code:
        assert re.search(r"^sklearn-msd.*: error: ", told, re.MULTILINE)
    return code


@examples(1)
@given(song_arrays(n_songs=30, width=50, constant=False), st.data())
def test_training_makes_a_model_or_says_what_is_wrong(folder, model, capsys, X, data):
    songs, out = folder / "to_train.npz", folder / "trained.msd"
    arrays = {"X": X, "y": codes(30)}
    name = data.draw(st.sampled_from(["X", "y", "neither"]))
    if name != "neither":
        odd = [X[:-1], X[0], X * np.nan, X[:, :0], codes(30), np.array("songs")]
        arrays[name] = odd[data.draw(st.integers(0, len(odd) - 1), name)]
    np.savez(songs, **arrays)
    names = ("--model", "--set", "--n-segments", "--seed", "--device", "--task")
    words = data.draw(options(*names, "--labels", "--label-pattern", "--json"))
    with nothing_else_changed(X):
        code = run(
            *(capsys, "train", str(songs), "--epochs=1", "--out", str(out)), *words
        )
    assert out.exists() == (code == 0)
    out.unlink(missing_ok=True)


@examples(1)
@given(st.data())
def test_models_are_used_or_what_is_wrong_is_said(model, capsys, data):
    path, songs = model
    command, names, files = data.draw(
        st.sampled_from(
            [
                ("predict", ("--top", "--loudness", "--json"), [songs]),
                ("evaluate", ("--task", "--labels", "--json"), [songs, "--split=all"]),
                ("info", ("--json",), []),
            ]
        )
    )
    swapped = data.draw(st.sampled_from([path, songs, "", "no such file", path]))
    words = data.draw(options(*names))
    with nothing_else_changed():
        code = run(capsys, command, swapped, *files, *words)
    if swapped == path and not words:
        assert code == 0

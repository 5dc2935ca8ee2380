"""Numbers that the pages, the docstrings and the help texts name are those of the code.

Measured ones, which are of a stored run or of the report, are held in
`test_stored_runs.py`, `test_documentation.py` and `test_gallery.py`.
"""

import argparse
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import sklearn_msd
from sklearn_msd import (
    FullyConnectedClassifier,
    TimeConvClassifier,
    cli,
    datasets,
    load,
    save,
)
from sklearn_msd.cli import commands, fit_and_judge
from sklearn_msd.combining.fitting import shrinkage
from sklearn_msd.common.pytorch import device
from sklearn_msd.datasets.audio import analysis, decoding, features
from sklearn_msd.datasets.audio.musicnn import features as musicnn
from sklearn_msd.datasets.audio.musicnn import net as musicnn_net
from sklearn_msd.datasets.msd import annotations, song_file
from sklearn_msd.datasets.report_arrays import archive
from sklearn_msd.datasets.sources import labels
from sklearn_msd.report import division, make
from sklearn_msd.report.judging.looks import LOOKS
from sklearn_msd.training import batches, predicting
from sklearn_msd.training.keeping import checkpoints
from sklearn_msd.training.together import fits
from sklearn_msd.training.together.joblib_backend import backend

ROOT = Path(__file__).parents[1]
MIB, GIB = 2**20, 2**30
WORDS = {2: "two", 5: "five", 6: "six", 15: "a quarter of an hour"}


def default(function, name):
    return inspect.signature(function).parameters[name].default


NET = TimeConvClassifier()
PINNED = dict(
    line.split("==")
    for name in ("constraints.txt", "benchmarks/constraints-peers.txt")
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
    if "==" in line
)


def series(package):
    return ".".join(PINNED[package].split(".")[:2])


quick, full = make.SIZES["quick"], make.SIZES["full"]
SEGMENTS = default(datasets.build_msd_genre, "n_segments")
SONG = SEGMENTS * 25 * 4  # bytes in float32
LAYERS = FullyConnectedClassifier().hidden_layer_sizes
PYTHON = re.search(
    r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text()
)[1]

# Page, what it says, and what stands there in the code.
STATED = [
    (page, says, values)
    for page, says, *values in [
        ("README.md", "or {} is over", WORDS[quick.minutes]),
        (
            "README.md",
            "| scikit-learn {} | skorch {} |",
            series("scikit-learn"),
            series("skorch"),
        ),
        ("README.md", "| aeon {} | sktime {} |", series("aeon"), series("sktime")),
        ("docs/guide/audio.rst", "gives {} features for every three seconds", 200),
        ("docs/guide/audio.rst", "probabilities of the {} tags", musicnn_net.N_TAGS),
        ("docs/guide/audio.rst", "It hears {} kHz", musicnn.RATE // 1000),
        ("docs/guide/audio.rst", "the central {} segments", make._RECORDED["segments"]),
        ("docs/guide/build.rst", "the central {} segments", SEGMENTS),
        (
            "docs/guide/callbacks.rst",
            "batches of at least {},",
            predicting.PREDICTION_CHUNK,
        ),
        (
            "docs/guide/command_line.rst",
            "to more than {} songs",
            fit_and_judge.FOLDS_UP_TO,
        ),
        (
            "docs/guide/command_line.rst",
            "{} if ``predict`` could read some of the files only; {} if",
            commands.SOME_FAILED,
            commands.FAILED,
        ),
        ("docs/guide/command_line.rst", "; {} if you stopped it", commands.STOPPED),
        ("docs/guide/gpu.rst", "fits may meet, {} if you do not say", backend.MANY),
        (
            "docs/guide/gpu.rst",
            "at most {:.0f} % of its free memory",
            100 * device.SHARE,
        ),
        ("docs/guide/gpu.rst", "takes more than {} steps", fits.FEW_STEPS),
        ("docs/guide/installing.rst", "Python {} or later is needed", PYTHON),
        ("docs/guide/memory.rst", "reads blocks of {} songs", batches.BLOCK),
        ("docs/guide/memory.rst", "random order, {} songs at a time", batches.BUFFER),
        (
            "docs/guide/memory.rst",
            "Up to {} songs are shuffled in full",
            batches.BUFFER,
        ),
        (
            "docs/guide/report_arrays.rst",
            "Adam, batches of {}, {} epochs, λ = {}",
            NET.batch_size,
            NET.max_epochs,
            NET.l2,
        ),
        ("docs/guide/report_arrays.rst", "at most {:,} songs", quick.amount.n_train),
        ("docs/guide/report_arrays.rst", "after {} or the", WORDS[quick.minutes]),
        ("docs/guide/report_arrays.rst", "from {} random starts", WORDS[LOOKS[0]]),
        (
            "docs/guide/report_arrays.rst",
            "fewer than {:,} or of fewer than {} groups",
            division.FEW_SONGS,
            division.FEW_GROUPS,
        ),
        ("docs/guide/report_arrays.rst", "take {:.0f} kB a song", 4000 * 25 * 4 / 1e3),
        ("docs/guide/report_arrays.rst", "in one of {} folds", WORDS[division.N_FOLDS]),
        (
            "docs/guide/security.rst",
            "{:.0f} GiB unless",
            default(load, "max_bytes") / GIB,
        ),
        (
            "docs/guide/security.rst",
            "up to {:.0f} GiB, or of {} times the bytes",
            archive._ALWAYS_BYTES / GIB,
            archive._USUAL_RATIO,
        ),
        ("docs/guide/security.rst", "chunks of {:.0f} MiB", song_file._MAX_CHUNK / MIB),
        (
            "docs/guide/security.rst",
            "{:.0f} minutes; a large file, {} samples for each of its bytes, up to "
            "2\\ :sup:`{:.0f}` samples, {} hours",
            decoding._ALWAYS_SAMPLES // features.RATE // 600 * 10,
            decoding._SAMPLES_A_BYTE,
            np.log2(decoding.MAX_SAMPLES),
            WORDS[decoding.MAX_SAMPLES // features.RATE // 3600],
        ),
        ("docs/guide/security.rst", "{:.0f} MiB of JSON", analysis._MAX_BYTES / MIB),
        ("docs/guide/security.rst", "read up to {} bytes", annotations._MAX_LINE),
        (
            "docs/guide/security.rst",
            "``--labels`` {:.0f} MiB",
            labels._MAX_TABLE_BYTES / MIB,
        ),
        (
            "docs/guide/small_data.rst",
            "The songs are {:.0f} MB in",
            4000 * SONG / 1e6,
        ),
        ("docs/guide/small_data.rst", "songs are {:.0f} MB in", 40_000 * SONG / 1e6),
        (
            "docs/guide/small_data.rst",
            "standard error of one such accuracy is {:.3f}",
            np.sqrt(0.63 * 0.37 / 10_000),
        ),
        ("docs/guide/tuning.rst", "width; {} in the report", NET.n_kernels),
        ("docs/guide/tuning.rst", "depth; {} in the report", NET.n_conv_layers),
        ("docs/guide/tuning.rst", "{} in the report", NET.hidden_layer_sizes),
        ("docs/guide/tuning.rst", "{} in the report; see below", NET.max_epochs),
        (
            "docs/report_map.rst",
            "``batch_size={}``, ``max_epochs={}``",
            NET.batch_size,
            NET.max_epochs,
        ),
    ]
]


@pytest.mark.parametrize(("page", "says", "values"), STATED)
def test_a_page_names_the_numbers_of_the_code(page, says, values):
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert says.format(*values) in text


def test_numbers_in_words():
    assert song_file.MAX_SEGMENTS == 1_000_000  # "A million segments a song"
    assert NET.learning_rate == 1e-3  # as docs/report_map.rst writes it
    assert checkpoints._PAUSE + 1 >= 20  # "at most a twentieth of the time"
    assert list(shrinkage.STRENGTHS) == [0.001, 0.01, 0.1, 1, 10, np.inf]  # of "auto"
    assert make._RECORDED == {"segments": 120, "musicnn": 20}


def test_sizes_of_a_net_and_its_files(tmp_path):
    X, y = datasets.make_songs(20, random_state=0)
    net = TimeConvClassifier(max_epochs=1, random_state=0)
    pooled = TimeConvClassifier(
        global_pooling="mean_max", max_epochs=1, random_state=0
    ).fit(X, y)
    n = net.fit(X, y).n_parameters_["total"]
    assert round(n / pooled.n_parameters_["total"]) == 9  # "a ninth of the weights"
    save(net, tmp_path / "whole.msd")
    save(net, tmp_path / "small.msd", optimizer=False)
    sizes = [(tmp_path / f"{name}.msd").stat().st_size for name in ("small", "whole")]
    assert sizes[0] / sizes[1] == pytest.approx(1 / 3, abs=0.02)
    assert (tmp_path / "small.msd").stat().st_size == pytest.approx(4 * n, rel=0.1)


def parsers():
    (names,) = [
        action
        for action in cli._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    return names.choices.items()


def written(value):
    if isinstance(value, tuple | list) and value == [*range(len(value))]:
        return f"{value[0]} to {value[-1]}"
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return str(value)


def test_help_texts_name_the_defaults():
    n_found = 0
    for command, parser in parsers():
        for action in parser._actions:
            stated = re.search(r"\(([\w.,-]+|\d+ to \d+)\)(;|$)", action.help or "")
            if stated is None or action.default in (None, False):
                continue
            here = written(action.default)
            number = re.fullmatch(r"[\d.]+", stated[1])
            same = float(stated[1]) == float(here) if number else stated[1] == here
            assert same, (command, action.option_strings, stated[1], here)
            n_found += 1
    assert n_found > 15


def test_every_option_is_explained():
    lacking = [
        (command, *action.option_strings)
        for command, parser in parsers()
        for action in parser._actions
        if not action.help
    ]
    assert not lacking


def public_functions():
    for module in (sklearn_msd, datasets):
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing):
                yield pytest.param(thing, id=name)


@pytest.mark.parametrize("thing", list(public_functions()))
def test_docstrings_name_the_defaults(thing):
    stated = re.findall(
        r"^ *(\w+) : .*?default=(\S+?)\.?$", inspect.getdoc(thing), re.MULTILINE
    )
    parameters = inspect.signature(thing).parameters
    for name, text in stated:
        if name not in parameters:  # of a method or an attribute
            continue
        try:
            value = eval(text, {"inf": np.inf, "np": np})
        except NameError:
            value = text
        here = parameters[name].default
        assert value == here or (value != value and here != here), (name, text, here)

"""What the fuzz tests share: songs in every container, labels of every type, and what
may come of them.

A call is given something sound or something wild. Of sound input a result is expected;
of wild input a result that obeys the same rules, or an error that says what is wrong.
"""

import contextlib
import itertools
import os
import random
import re
import tempfile
import warnings

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_msd.datasets import MappedSongs

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

N_FEATURES = 3
LENGTH = 5

seeds = st.integers(0, 2**32 - 1)


# What a share of 1 stands for. Every day the same examples, some 300 in all;
# `make fuzz` asks for more, and gets others each time.
EVERY_DAY = 8
N_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", EVERY_DAY))


def examples(share):
    """This many times the examples of a test."""
    return settings(
        max_examples=max(1, round(share * N_EXAMPLES)),
        derandomize=N_EXAMPLES == EVERY_DAY,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


# What may come of a call.

ERRORS = {ValueError, TypeError, NotFittedError, InvalidParameterError}

# How scikit-learn says what it expected where it does not name the argument.
EXPECTED = (
    r"Expected \dD array|Found array with|Found input variables with inconsistent|"
    r"Complex data not supported|Unknown label type|Sparse data was passed|"
    r"could not convert string to float|feature names|Number of features|"
    r"must be a string or a real number|Sample weights must|n_splits=|"
    r"instance is not fitted yet|labels represented as bytes|must be of the form|"
    r"inhomogeneous shape|setting an array element with a sequence|"
    r"Expected a 2-dimensional container|"
    r"gave NaN or infinite scores"  # a base of scikit-learn's, of constant features
    r"|embedded null"  # Python's own, of a path
    r"|is a class, not an instance|not compatible with arrays of bytes/strings"
)


def outcome(arguments, function, *args, **kwargs):
    """What a call returns, or None where it refused its arguments and said why.

    Parameters
    ----------
    arguments : iterable of str
        One of them must be named by an error.
    """
    words = "|".join(map(re.escape, arguments))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError) as error:
            message = str(error)
            ours = type(error) in ERRORS or type(error).__module__.startswith(
                "sklearn_msd"
            )
            if not ours or not re.search(rf"\b({words})\b|{EXPECTED}", message):
                raise AssertionError(
                    f"{type(error).__name__} names none of {words}: {message}"
                ) from error
            return None


def _surroundings():
    """What a call must leave as it was."""
    return {
        "numpy's generator": [str(part) for part in np.random.get_state()],
        "Python's generator": random.getstate(),
        "torch's generator": torch.get_rng_state().tolist(),
        "torch's threads": torch.get_num_threads(),
        "torch's type": torch.get_default_dtype(),
        "torch's gradients": torch.is_grad_enabled(),
        "torch's determinism": torch.are_deterministic_algorithms_enabled(),
        "numpy's errors": np.geterr(),
        "the working folder": sorted(os.listdir(".")),
    }


@contextlib.contextmanager
def nothing_else_changed(*arrays):
    """Check that global settings, files and the arrays given stay as they are."""
    before, copies = _surroundings(), [np.array(array) for array in arrays]
    yield
    after = _surroundings()
    for name, value in before.items():
        assert after[name] == value, f"{name} changed"
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(np.array(array), copy)


# Songs.

FOLDER = tempfile.TemporaryDirectory()
NUMBERS = itertools.count()


def memory_map(array):
    # The file is gone from its folder at once, and from the disk with the array.
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, array.dtype, "w+", shape=array.shape)
    mapped[:] = array
    return mapped


def mapped_songs(array):
    path = os.path.join(FOLDER.name, f"{next(NUMBERS)}.npy")
    np.save(path, array)
    rows = MappedSongs(np.load(path, mmap_mode="r"))
    return rows[::-1][::-1]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def named(array):
    return pd.DataFrame(array, columns=[f"f{i}" for i in range(array.shape[1])])


def three_d(array):
    return array.reshape(len(array), -1, N_FEATURES)


# What holds the same numbers as the flat array of float64 that it is made from.
SOUND = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": read_only,
    "memmap": memory_map,
    "MappedSongs": mapped_songs,
    "pandas": pd.DataFrame,
    "pandas, named": named,
    "pandas, nullable": lambda a: pd.DataFrame(a).astype("Float64"),
    "polars": lambda a: pl.DataFrame(a, schema=[f"f{i}" for i in range(a.shape[1])]),
    "torch": torch.tensor,
    "torch with gradient": lambda a: torch.tensor(a, requires_grad=True),
    "torch transposed": lambda a: torch.tensor(a.T.copy()).T,
    "lists": lambda a: a.tolist(),
    "tuples": lambda a: tuple(map(tuple, a)),
    "objects": lambda a: a.astype(object),
    "big-endian": lambda a: a.astype(">f8"),
    "longdouble": lambda a: a.astype(np.longdouble),
    "unmasked": np.ma.array,
    "3-D": three_d,
    "3-D F": lambda a: np.asfortranarray(three_d(a)),
    "3-D torch": lambda a: torch.tensor(three_d(a)),
    "list of songs": lambda a: list(three_d(a)),
    "3-D lists": lambda a: three_d(a).tolist(),
}
# The same songs, but in numbers of less.
NARROWED = {
    **{
        name: lambda a, name=name: a.astype(name)
        for name in ("float32", "float16", ">f4", "int64", "int32", "int16", ">i2")
    },
    **{
        name: lambda a, name=name: np.clip(a, 0, 100).astype(name)
        for name in ("int8", "uint8", "uint16", "uint32", "uint64", "bool")
    },
    "torch half": lambda a: torch.tensor(a, dtype=torch.float16),
    "torch integers": lambda a: torch.tensor(a).long(),
}


def with_value(value, dtype=None):
    def change(array):
        array = array.astype(dtype or array.dtype)
        array.flat[array.size // 2] = value
        return array

    return change


WILD = {
    "NaN": with_value(np.nan),
    "infinity": with_value(-np.inf),
    "only NaN": lambda a: a * np.nan,
    "None": lambda a: None,
    "a number": lambda a: 3.0,
    "a text": lambda a: "songs",
    "bytes": lambda a: b"songs",
    "a dictionary": lambda a: {"songs": a},
    "a set": lambda a: {1, 2, 3},
    "a generator": lambda a: (row for row in a),
    "flat": np.ravel,
    "one song": lambda a: a[0],
    "4-D": lambda a: a[:, None, :, None],
    "no songs": lambda a: a[:0],
    "no songs, 3-D": lambda a: three_d(a)[:0],
    "no features": lambda a: a[:, :0],
    "no segments": lambda a: three_d(a)[:, :0],
    "empty list": lambda a: [],
    "list of empty lists": lambda a: [[] for _ in a],
    "too wide": lambda a: np.c_[a, a[:, :1]],
    "too narrow": lambda a: a[:, :-1],
    "fewer segments": lambda a: three_d(a)[:, 1:],
    "fewer segments, flat": lambda a: a[:, N_FEATURES:],
    "more segments": lambda a: np.concatenate([three_d(a)] * 2, axis=1),
    "other width, 3-D": lambda a: three_d(a)[:, :, :-1],
    "ragged lists": lambda a: [row[: 1 + i % 3].tolist() for i, row in enumerate(a)],
    "ragged songs": lambda a: [s[: 1 + i % 3] for i, s in enumerate(three_d(a))],
    "ragged widths": lambda a: [s[:, : 1 + i % 3] for i, s in enumerate(three_d(a))],
    "songs and None": lambda a: [*three_d(a)[:-1], None],
    "fewer songs": lambda a: a[:-1],
    "complex": lambda a: a * 1j,
    "words": lambda a: np.full(a.shape, "loud"),
    "numbers as text": lambda a: a.astype(str),
    "text as bytes": lambda a: a.astype("S"),
    "an object": with_value({}, object),
    "None among numbers": with_value(None, object),
    "a text among numbers": with_value("loud", object),
    "dates": lambda a: a.astype("M8[s]"),
    "durations": lambda a: a.astype("m8[s]"),
    "structured": lambda a: np.zeros(len(a), [("a", "f4"), ("b", "f4")]),
    "void": lambda a: a.view("V8"),
    "sparse": scipy.sparse.csr_array,
    "torch sparse": lambda a: torch.tensor(a).to_sparse(),
    "torch bfloat16": lambda a: torch.tensor(a, dtype=torch.bfloat16),
    "torch complex": lambda a: torch.tensor(a * 1j),
    "torch meta": lambda a: torch.empty(a.shape, device="meta"),
    "masked": lambda a: np.ma.masked_less(a, np.median(a) + 1e-9),
    "pandas with NA": lambda a: pd.DataFrame(a).convert_dtypes().mask(a > 0),
    "pandas with text": lambda a: pd.DataFrame(a).assign(more="loud"),
    "pandas Series": lambda a: pd.Series(a[:, 0]),
    "polars with null": lambda a: pl.DataFrame(a).with_columns(column_0=pl.lit(None)),
    "a function": lambda a: len,
    "a class": lambda a: int,
}


@st.composite
def song_arrays(draw, n_songs=None, width=LENGTH * N_FEATURES, constant=True):
    """Flat songs in float64: noise of some scale and place, or constants."""
    n_songs = n_songs or draw(st.integers(8, 12))
    rng = np.random.default_rng(draw(seeds))
    X = rng.normal(size=(n_songs, width))
    X = X * draw(st.sampled_from([1.0, 1e-3, 100.0])) + draw(
        st.sampled_from([0.0, -10.0, 500.0])
    )
    if constant and draw(st.integers(0, 9)) == 0:
        X[:, draw(st.integers(0, X.shape[1] - 1))] = 0.0
    if constant and draw(st.integers(0, 19)) == 0:
        X[:] = X[0, 0]
    return X


def sound_containers():
    return st.sampled_from([*SOUND.items()])


def any_containers():
    return st.sampled_from([*SOUND.items(), *NARROWED.items(), *WILD.items()])


# Labels of `codes`, integers from 0 on.
SOUND_LABELS = {
    "integers": lambda c: c,
    "list": lambda c: c.tolist(),
    "negative": lambda c: c - 1,
    "sparse integers": lambda c: c * 10**9 - 5,
    "int8": lambda c: c.astype(np.int8),
    "uint64": lambda c: c.astype(np.uint64) + np.uint64(2**63),
    "big-endian": lambda c: c.astype(">i4"),
    "floats": lambda c: c * 1.0,
    "strings": lambda c: np.array(["Rock", "Jazz", "Ænima ♪"])[c],
    "list of str": lambda c: [["Rock", "Jazz", ""][i] for i in c],
    "objects": lambda c: np.array(["Rock", "Jazz", "a" * 300], dtype=object)[c],
    "column": lambda c: c[:, None],
    "pandas": lambda c: pd.Series(np.array(["Rock", "Jazz", "Pop"])[c]),
    "categories": lambda c: pd.Series(np.array(["r", "j", "p"])[c]).astype("category"),
    "polars": lambda c: pl.Series(np.array(["Rock", "Jazz", "Pop"])[c]),
    "torch": torch.tensor,
    "read-only": read_only,
    "strided": lambda c: np.repeat(c, 3)[::3],
    "booleans": lambda c: c > 0,
}
WILD_LABELS = {
    "one class": lambda c: c * 0,
    "one class of text": lambda c: ["Rock"] * len(c),
    "None": lambda c: None,
    "a number": lambda c: 1,
    "a text": lambda c: "Rock",
    "NaN": lambda c: np.where(c > 0, c, np.nan),
    "infinity": lambda c: np.where(c > 0, c, np.inf),
    "real numbers": lambda c: c + 0.3 * np.arange(len(c)),
    "complex": lambda c: c + 1j,
    "None among text": lambda c: np.array(["Rock", None, "Pop"], dtype=object)[c],
    "numbers and text": lambda c: np.array(["Rock", 1, 2.5], dtype=object)[c],
    "list of numbers and text": lambda c: [["Rock", 1, 2.5][i] for i in c],
    "bytes and text": lambda c: np.array(["Rock", b"Jazz", "Pop"], dtype=object)[c],
    "bytes": lambda c: np.array([b"Rock", b"Jazz", b"Pop"])[c],
    "lists": lambda c: [[int(i)] * (1 + i % 2) for i in c],
    "dictionaries": lambda c: np.array([{}, {"a": 1}, {"b": 2}], dtype=object)[c],
    "tuples as objects": lambda c: [(int(i), "a") for i in c],
    "several labels": lambda c: np.eye(3, dtype=int)[c],
    "two outputs": lambda c: np.c_[c, c],
    "too few": lambda c: c[:-1],
    "too many": lambda c: np.r_[c, 0],
    "none": lambda c: c[:0],
    "a dictionary": lambda c: {"y": c},
    "dates": lambda c: c.astype("M8[D]"),
    "structured": lambda c: np.zeros(len(c), [("a", "f4")]),
    "sparse": lambda c: scipy.sparse.csr_array(c[None]),
    "masked": lambda c: np.ma.masked_equal(c, 1),
    "with NA": lambda c: pd.Series(c, dtype="Int64").mask(c == 1),
    "a generator": lambda c: (i for i in c),
    "a function": lambda c: len,
}


def codes(n_songs, n_classes=3):
    """Class numbers of which each occurs three times or so."""
    return np.arange(n_songs) % n_classes


def sound_labels():
    return st.sampled_from([*SOUND_LABELS.items()])


def any_labels():
    return st.sampled_from([*SOUND_LABELS.items(), *WILD_LABELS.items()])


# Values for parameters, of any type and size that a machine can bear.
HUGE = 2**70
ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([-HUGE, HUGE]),
    st.floats(-2, 2),
    st.sampled_from([float("nan"), float("inf"), -0.0, 1e300, 1e-300]),
    st.text(max_size=3),
    st.sampled_from(["auto", "cuda", "cuda:99", "meta", "mps", "mean", "balanced"]),
    st.binary(max_size=3),
    st.builds(np.float32, st.floats(-2, 2, width=32)),
    st.builds(np.int8, st.integers(-3, 3)),
    st.builds(np.array, st.lists(st.integers(0, 3), max_size=3)),
    st.lists(st.one_of(st.integers(-1, 3), st.text(max_size=2)), max_size=3),
    st.tuples(st.one_of(st.integers(-1, 3), st.floats(), st.none(), st.text())),
    st.dictionaries(st.integers(0, 2), st.floats(-1, 2), max_size=3),
    st.builds(object),
    st.just(1j),
    st.just(re),
    st.just(len),
)


@st.composite
def odd_values(draw, name):
    """A value for the parameter of that name, but for what is lawful and does harm.

    `None` draws from numpy's own generator, a checkpoint is a file where it says, how
    many processes there can be is joblib's matter, and some counts have no end.
    """
    value = draw(ODD_VALUES)
    if name == "random_state":
        return 0 if value is None else value
    if name == "checkpoint":
        return None if isinstance(value, str) else value
    if name == "n_jobs" and isinstance(value, int):
        return 2
    endless = name.startswith("n_") or name in ("max_epochs", "hidden_size")
    return 3 if endless and value is HUGE else value


# Rules that every classifier's results obey.


def check_predictions(model, X, n_songs):
    """Check what a fitted classifier says of songs; return its probabilities."""
    with nothing_else_changed():
        proba = model.predict_proba(X)
        labels = model.predict(X)
    n_classes = len(model.classes_)
    assert proba.shape == (n_songs, n_classes)
    assert np.isfinite(proba).all()
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert labels.shape == (n_songs,)
    assert set(labels) <= set(model.classes_)
    # Nearly equal probabilities may be ordered otherwise before the softmax.
    chosen = np.searchsorted(model.classes_, labels)
    np.testing.assert_allclose(
        proba[np.arange(n_songs), chosen], proba.max(axis=1), rtol=1e-5
    )
    if hasattr(model, "decision_function"):
        scores = model.decision_function(X)
        assert scores.shape == ((n_songs,) if n_classes == 2 else (n_songs, n_classes))
        assert np.isfinite(scores).all()
    return proba

"""A model file that was changed is refused, or predicts what it did before."""

import collections
import json
import pickle
import sys

import joblib
import numpy as np
import pytest
import safetensors.numpy
from model_files import assert_same, conv, outputs, resealed, songs
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_msd import SegmentScaler, load, save


@pytest.fixture(scope="module")
def model():
    return make_pipeline(SegmentScaler(), conv()).fit(*songs())


@pytest.fixture(scope="module")
def code_run():
    """The events of code being run, of which a load may have none."""
    watched = {
        *("compile", "exec", "import", "pickle.find_class", "marshal.loads"),
        *("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen"),
        *("socket.connect", "ctypes.dlopen", "os.remove", "os.rename", "os.mkdir"),
    }
    events = []
    watching = [False]

    def hook(event, args):
        if watching[0] and event in watched:
            events.append((event, args))

    sys.addaudithook(hook)  # stays, and does nothing, after this module

    def run(function, *args):
        watching[0] = True
        try:
            return function(*args)
        finally:
            watching[0] = False

    run.events = events
    return run


def header_of(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(header, data):
    text = json.dumps(header, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "little") + text + data


def flip(content, rng, first=0, last=None):
    changed = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        place = rng.integers(first, len(changed) if last is None else last)
        changed[place] ^= 1 << rng.integers(8)
    return bytes(changed)


def swap_entries(content, rng, other):
    """Two entries of the header with each other's name, or each other's bytes."""
    header, data = header_of(content)
    names = [name for name in header if name != "__metadata__"]
    a, b = rng.choice(names, 2, replace=False)
    if rng.random() < 0.5:
        header[a], header[b] = header[b], header[a]
    else:
        places = "data_offsets", "shape", "dtype"
        for place in places[: rng.integers(1, 4)]:
            header[a][place], header[b][place] = header[b][place], header[a][place]
    return with_header(header, data)


def swap_bytes(content, rng, other):
    """Two arrays of one size with each other's numbers."""
    header, data = header_of(content)
    spans = [e["data_offsets"] for n, e in header.items() if n != "__metadata__"]
    rng.shuffle(spans)
    for i, (a, b) in enumerate(spans):
        for c, d in spans[i + 1 :]:
            if b - a == d - c and data[a:b] != data[c:d]:
                changed = bytearray(data)
                changed[a:b], changed[c:d] = data[c:d], data[a:b]
                return with_header(header, bytes(changed))
    raise AssertionError("no two arrays of one size")


def entries_of_another(content, rng, other):
    """The numbers, the manifest or the metadata of another model."""
    header, data = header_of(content)
    other_header, other_data = header_of(other)
    if rng.random() < 0.3:
        return with_header(other_header, data)
    if rng.random() < 0.5:
        header["__metadata__"] = other_header["__metadata__"]
        return with_header(header, data)
    name = rng.choice([name for name in header if name != "__metadata__"])
    a, b = header[name]["data_offsets"]
    c, d = other_header[name]["data_offsets"]
    patch = other_data[c:d][: b - a].ljust(b - a, b" ")
    return with_header(header, data[:a] + patch + data[b:])


def truncate(content, rng, other):
    return content[: rng.integers(len(content))]


def extend(content, rng, other):
    return content + rng.bytes(rng.integers(1, 100))


def cut_out(content, rng, other):
    start, stop = sorted(rng.integers(len(content), size=2))
    return content[:start] + content[stop + 1 :]


def blank(content, rng, other):
    start = rng.integers(len(content) - 64)
    return content[:start] + bytes(64) + content[start + 64 :]


def flip_anywhere(content, rng, other):
    return flip(content, rng)


def flip_in_header(content, rng, other):
    return flip(content, rng, 0, 8 + int.from_bytes(content[:8], "little"))


def flip_in_manifest(content, rng, other):
    header, _ = header_of(content)
    start = 8 + int.from_bytes(content[:8], "little")
    a, b = header["manifest.json"]["data_offsets"]
    return flip(content, rng, start + a, start + b)


MUTATIONS = (
    *(flip_anywhere, flip_in_header, flip_in_manifest, truncate, extend, cut_out),
    *(blank, swap_entries, swap_bytes, entries_of_another),
)


def test_damaged_files_never_predict_anything_else(model, tmp_path, code_run):
    rng = np.random.default_rng(0)
    X, _ = songs()
    path = tmp_path / "model.msd"
    save(make_pipeline(SegmentScaler(), conv(random_state=1)).fit(*songs()), path)
    other = path.read_bytes()
    save(model, path)
    whole = path.read_bytes()
    load(path)
    expected = outputs(model, X)
    refused: collections.Counter = collections.Counter()
    for mutate in MUTATIONS * 60:
        path.write_bytes(mutate(whole, rng, other))
        try:
            loaded = code_run(load, path)
        except ValueError:
            refused[mutate] += 1
        else:
            assert_same(expected, outputs(loaded, X))
    assert code_run.events == []
    # Types and shapes in the header do not count: those in the manifest do.
    lenient = {flip_anywhere, flip_in_header, swap_entries, entries_of_another}
    for mutate in MUTATIONS:
        assert refused[mutate] == 60 or mutate in lenient, mutate
        assert refused[mutate] > 40, mutate


def set_object(key, value):
    def change(manifest):
        entry = next(entry for entry in manifest["objects"] if key in entry)
        entry[key] = value

    return change


def set_root(value):
    return lambda manifest: manifest.update(root=value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_object("class", "os.system"), "not allowed"),
        (set_object("class", "subprocess.Popen"), "not allowed"),
        (set_object("class", "sklearn.preprocessing.FunctionTransformer"), "not allow"),
        (set_object("dtype", "O"), "unknown type of numbers"),
        (set_object("dtype", "V8"), "unknown type of numbers"),
        (set_object("shape", [10**15]), "reshape"),
        (set_object("array", "../../etc/passwd"), "KeyError"),
        (set_root({"ref": -1}), "not there"),
        (set_root({"ref": 10**9}), "not there"),
        (set_root({"eval": "1"}), "unknown kind of value"),
        (set_root({"torch_dtype": "load"}), "unknown kind of value"),
        (lambda manifest: manifest["objects"].insert(0, {"ref": 0}), "unknown kind"),
        (lambda manifest: manifest["objects"].reverse(), "not there"),
        (lambda manifest: manifest.update(versions={}), "KeyError"),
        (lambda manifest: b"[" * 100_000, "recursion"),
        (lambda manifest: b"\xff", "decode"),
    ],
)
def test_forged_files_run_nothing(change, message, model, tmp_path, code_run):
    path = tmp_path / "model.msd"
    save(model, path)
    load(path)
    path.write_bytes(resealed(path.read_bytes(), change))
    with pytest.raises(ValueError, match=message):
        code_run(load, path)
    assert code_run.events == []


def test_a_large_file_is_refused_before_it_is_read(model, tmp_path):
    path = tmp_path / "model.msd"
    save(model, path)
    with pytest.raises(ValueError, match="more than max_bytes=1000"):
        load(path, max_bytes=1000)
    with open(path, "r+b") as file:
        file.truncate(2**40)  # takes up no disk
    with pytest.raises(ValueError, match="max_bytes"):
        load(path)


def test_other_files(tmp_path):
    path = tmp_path / "model.msd"
    with pytest.raises(FileNotFoundError):
        load(path)
    others = [
        b"",
        b"text",
        pickle.dumps([1]),
        safetensors.numpy.save({"a": np.ones(3)}),
    ]
    for content in others:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"model\.msd cannot be loaded as a model"):
            load(path)


def pickled(path):
    path.write_bytes(pickle.dumps(LogisticRegression()))


def dumped(path):
    joblib.dump(LogisticRegression(), path)


def compressed(path):
    joblib.dump(LogisticRegression(), path, compress=("zlib", 3))


def gzipped(path):
    joblib.dump(LogisticRegression(), path, compress=("gzip", 3))


@pytest.mark.parametrize("write", [pickled, dumped, compressed, gzipped])
def test_pickles_are_named_and_not_read(write, tmp_path):
    path = tmp_path / "model.joblib"
    write(path)
    message = r"model\.joblib cannot be loaded .*not written by save\(\); .*a pickle"
    with pytest.raises(ValueError, match=message):
        load(path)


def test_files_of_other_kinds_are_named(tmp_path):
    path = tmp_path / "model"
    other = safetensors.numpy.save({"a": np.zeros(3)}, {"format": "pt"})
    for content in (b"My thesis, chapter one.", other, b"PK\x03\x04", b"12345678{}"):
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"model: it was not written by save\(\)\.$"
        ):
            load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="it is empty"):
        load(path)

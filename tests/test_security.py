"""No file that is read can run code, leave its place or take memory at will.

What single readers do with damaged files is tested beside them.
"""

import ast
import io
import json
import struct
import sys
import tracemalloc
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest
from model_files import conv, resealed, songs
from msd_files import make_song, write_msd_file
from sklearn.pipeline import make_pipeline

import sklearn_msd
from sklearn_msd import SegmentScaler, load, save
from sklearn_msd.datasets import (
    load_msd_genre,
    read_audio_analysis,
    read_msd_track,
    segments_from_audio,
)
from sklearn_msd.datasets.audio import analysis, decoding
from sklearn_msd.datasets.report_arrays.archive import NpzArchive

PACKAGE = Path(sklearn_msd.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

MODULES = {
    *("pickle", "cPickle", "_pickle", "cloudpickle", "dill", "marshal", "shelve"),
    *("yaml", "jsonpickle", "tarfile", "code", "ctypes", "subprocess", "imp"),
}
BUILTINS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    *("mktemp", "extract", "extractall", "unpack_archive", "read_pickle"),
    *("load_module", "popen"),
}


def dangers(tree):
    """What in a module could run or place what a file brings."""
    for node in ast.walk(tree):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        yield from (name for name in modules if name.split(".")[0] in MODULES)
        if isinstance(node, ast.Call):
            yield from _dangerous_call(node)


def _dangerous_call(node):
    name = ast.unparse(node.func)
    keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
    safe = {"np.load": "allow_pickle=False", "torch.load": "weights_only=True"}
    said = {f"{argument}={value}" for argument, value in keywords.items()}
    if (
        name in {*BUILTINS, "joblib.load", "os.system"}
        or name.rpartition(".")[2] in METHODS
        or "allow_pickle=True" in said
        or (name in safe and safe[name] not in said)
    ):
        yield name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_is_unpickled_evaluated_or_unpacked(path):
    assert not list(dangers(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "code",
    [
        *("import pickle", "from yaml import load", "import dill.source"),
        *("eval(text)", "exec(text)", "tempfile.mktemp()", "archive.extractall()"),
        *("np.load(path)", "np.load(path, allow_pickle=True)", "torch.load(path)"),
        *("joblib.load(path)", "read(file, allow_pickle=True)", "os.system(text)"),
    ],
)
def test_the_search_for_dangers_finds_them(code):
    assert list(dangers(ast.parse(code)))


# Archives.


def npz(path, name, content, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(name, content)
    return path


def header(shape, dtype="<f4"):
    file = io.BytesIO()
    fields = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, fields)
    return file.getvalue()


def forged_directory(path, claimed, stored):
    """An archive whose directory claims other sizes than it has."""
    content = header((claimed,), "|u1") + b"\0" * 1000
    npz(path, "inputs.npy", content)
    size = len(content) - 1000 + claimed
    archive = bytearray(path.read_bytes())
    for mark, at in ((b"PK\1\2", 20), (b"PK\3\4", 18)):
        start = archive.index(mark) + at
        archive[start : start + 8] = struct.pack("<II", stored, size)
    path.write_bytes(archive)
    return path


def peak(function, match):
    """Bytes that a refusal takes."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=match):
            function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_header_that_claims_more_than_there_is_takes_no_memory(tmp_path):
    path = npz(tmp_path / "x.npz", "inputs.npy", header((10**12, 25)))
    with NpzArchive(path) as archive:
        assert peak(lambda: archive.read("inputs"), "header claims") < 10**6


def test_a_directory_that_lies_about_both_sizes_takes_no_memory(tmp_path):
    path = forged_directory(tmp_path / "x.npz", 2**32 - 2000, 2**31)
    with NpzArchive(path) as archive:
        # Python itself refuses it, of late.
        refused = "not to unpack to|possible zip bomb"
        assert peak(lambda: archive.read("inputs"), refused) < 10**6


def test_an_honest_bomb_takes_no_memory(tmp_path):
    path, length = tmp_path / "x.npz", 2**31
    head, piece = header((length,), "|u1"), bytes(2**22)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("inputs.npy", "w", force_zip64=True) as member,
    ):
        member.write(head)
        for _ in range(length // len(piece)):
            member.write(piece)
    assert path.stat().st_size < 2**24
    with NpzArchive(path) as archive:
        assert peak(lambda: archive.read("inputs"), "not to unpack to") < 10**6


@pytest.mark.parametrize("name", ["../../inputs.npy", "/tmp/inputs.npy", "a/../x.npy"])
def test_members_go_nowhere(tmp_path, name):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = npz(folder / "msd-10-genre-train.npz", name, header((1,)) + b"\0" * 4)
    with pytest.raises(ValueError, match="has no array 'inputs'"):
        load_msd_genre("10", "train", folder)
    with NpzArchive(path) as archive:
        archive.read(archive.names[0])  # its name is only a name
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]
    assert not Path("/tmp/inputs.npy").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("inputs.npy", header((1,)) + b"\0" * 4)
        archive.writestr("inputs.npy", header((1,)) + b"\1" * 4)
    with pytest.raises(ValueError, match="two arrays of one name"):
        NpzArchive(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}",
        "__import__('os').system('touch harm')",
        "(" * 9000,
        "[" * 100_000,
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, " + "9" * 5000 + ")}",
        "{'descr': '<U1000000000', 'fortran_order': False, 'shape': (1,)}",
    ],
)
def test_headers_are_never_more_than_headers(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    content = b"\x93NUMPY\2\0" + struct.pack("<I", len(text)) + text.encode()
    npz(tmp_path / "x.npz", "inputs.npy", content + b"\0" * 8)
    with NpzArchive(tmp_path / "x.npz") as archive:
        assert peak(lambda: archive.read("inputs"), "x.npz: array 'inputs'") < 10**7
    assert not (tmp_path / "harm").exists()


# HDF5.


@pytest.fixture
def track(tmp_path):
    pytest.importorskip("h5py")
    return write_msd_file(tmp_path / "track.h5", make_song("TRAAAAK128F9318786"))


def replaced(path, name, make):
    import h5py

    with h5py.File(path, "r+") as file:
        del file[name]
        make(file, h5py)


def test_an_array_that_claims_more_than_there_is_takes_no_memory(track):
    name = "analysis/segments_pitches"
    replaced(
        track,
        name,
        lambda file, _: file.create_dataset(
            name, (10**12, 12), "f8", chunks=(1024, 12), compression="gzip"
        ),
    )
    assert peak(lambda: read_msd_track(track), "damaged") < 10**7


def test_a_huge_chunk_is_not_unpacked(track):
    name = "analysis/segments_pitches"
    replaced(
        track,
        name,
        lambda file, _: file.create_dataset(
            name, (130, 12), "f8", chunks=(10**7, 12), maxshape=(None, 12)
        ),
    )
    assert peak(lambda: read_msd_track(track), "in pieces of 960000000") < 10**7


def external_link(file, h5py, other):
    file["analysis/segments_pitches"] = h5py.ExternalLink(other, "/secret")


def external_storage(file, h5py, other):
    file.create_dataset(
        "analysis/segments_pitches", (130, 12), "f8", external=[(other, 0, 12480)]
    )


def virtual(file, h5py, other):
    layout = h5py.VirtualLayout((130, 12), "f8")
    layout[:] = h5py.VirtualSource(other, "/secret", (130, 12))
    file.create_virtual_dataset("analysis/segments_pitches", layout)


@pytest.mark.parametrize("point", [external_link, external_storage, virtual])
def test_other_files_are_not_read_through_one(track, tmp_path, point):
    h5py = pytest.importorskip("h5py")
    other = str(tmp_path / "other.h5")
    with h5py.File(other, "w") as file:
        file["secret"] = np.ones((130, 12))
    replaced(
        track, "analysis/segments_pitches", lambda file, h5: point(file, h5, other)
    )
    with pytest.raises(ValueError, match="lies in another file"):
        read_msd_track(track)


def test_links_in_a_circle_end(track):
    def circle(file, h5py):
        file["analysis/segments_pitches"] = h5py.SoftLink("/circle")
        file["circle"] = h5py.SoftLink("/analysis/segments_pitches")

    replaced(track, "analysis/segments_pitches", circle)
    with pytest.raises(ValueError, match=r"track\.h5: damaged"):
        read_msd_track(track)


# Models.


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.msd"
    X, y = songs()
    save(make_pipeline(SegmentScaler(), conv()).fit(X, y), path)
    return path


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 1_000_000,
        b'{"a":' * 1_000_000,
        b'{"sha256": ' + b"9" * 1_000_000 + b"}",
        b"{",
        b"\xff\xfe",
    ],
    ids=["lists", "dictionaries", "digits", "cut", "no text"],
)
def test_manifests_that_are_none_are_refused(model, tmp_path, text):
    path = tmp_path / "forged.msd"
    path.write_bytes(resealed(model.read_bytes(), lambda _: text))
    with pytest.raises(ValueError, match=r"forged\.msd cannot be loaded as a model"):
        load(path)


def test_a_deep_value_is_refused(model, tmp_path):
    """JSON is read to some depth, and what is built of it only to a lesser one."""
    depth = 450 if sys.version_info < (3, 12) else 950  # a level is fewer calls since
    deep = b'{"tuple":[' * depth + b"]}" * depth
    path = tmp_path / "forged.msd"

    def change(manifest):
        return json.dumps(manifest | {"root": "HERE"}).encode().replace(b'"HERE"', deep)

    path.write_bytes(resealed(model.read_bytes(), change))
    with pytest.raises(ValueError, match=r"forged\.msd cannot be loaded as a model"):
        load(path)


@pytest.mark.parametrize("length", [2**63, 2**40, 10**9, 5])
def test_a_header_that_lies_about_its_length_takes_no_memory(model, tmp_path, length):
    content = bytearray(model.read_bytes())
    content[:8] = struct.pack("<Q", length)
    path = tmp_path / "forged.msd"
    path.write_bytes(content)
    assert peak(lambda: load(path), "cannot be loaded as a model") < 10**7


def test_a_tensor_that_claims_more_than_there_is_takes_no_memory(tmp_path):
    text = json.dumps(
        {"manifest.json": {"dtype": "U8", "shape": [2**50], "data_offsets": [0, 2**50]}}
    ).encode()
    path = tmp_path / "forged.msd"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    assert peak(lambda: load(path), "cannot be loaded as a model") < 10**7


def test_a_model_names_no_folder_of_pickles(model, tmp_path):
    def change(manifest):
        found = [o for o in manifest["objects"] if "memory" in o.get("state", {})]
        assert found
        for entry in found:
            entry["state"]["memory"] = str(tmp_path)

    path = tmp_path / "forged.msd"
    path.write_bytes(resealed(model.read_bytes(), change))
    assert load(path).memory is None


# Analyses and recordings.


@pytest.mark.parametrize(
    "content",
    [b"[" * 1_000_000, b'{"segments":' * 100_000, b'{"segments": [' + b"9" * 10**6],
    ids=["lists", "dictionaries", "digits"],
)
def test_analyses_that_are_none_are_refused(tmp_path, content):
    path = tmp_path / "analysis.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"analysis\.json: not JSON"):
        read_audio_analysis(path)


def test_a_huge_analysis_is_not_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(analysis, "_MAX_BYTES", 100)
    path = tmp_path / "analysis.json"
    path.write_bytes(b'{"segments": []}' + b" " * 100)
    with pytest.raises(ValueError, match="more than 100 bytes"):
        read_audio_analysis(path)


def test_a_long_recording_is_not_read_whole(tmp_path, monkeypatch):
    pytest.importorskip("librosa")
    monkeypatch.setattr(decoding, "MAX_SAMPLES", 1000)
    monkeypatch.setattr(decoding, "_BLOCK", 100)
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(4 * 5000))
    with pytest.raises(ValueError, match=r"long\.wav: too long"):
        segments_from_audio(path)


def test_a_header_that_claims_days_takes_no_memory(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "long.flac"
    soundfile.write(path, np.zeros(4096), 8000)
    content = bytearray(path.read_bytes())
    # STREAMINFO: 36 bits of the number of samples, the last but 16 bytes of 34.
    at = 8 + 34 - 16 - 5
    content[at] |= 0x0F
    content[at + 1 : at + 5] = b"\xff" * 4
    path.write_bytes(content)
    assert soundfile.info(path).frames == 2**36 - 1
    assert peak(lambda: segments_from_audio(path), r"long\.flac") < 10**8

import contextlib
import gc
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from msd_files import make_song, write_msd_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from sklearn_msd.datasets import (
    build_msd_genre,
    load_msd_genre,
    read_genre_annotations,
)
from sklearn_msd.datasets.msd.build import walk as walk

h5py = pytest.importorskip("h5py")

GENRES = ("Jazz", "Rock", "Blues")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """90 songs in 66 files, singles and aggregates, and their annotations."""
    root = tmp_path_factory.mktemp("made") / "h5"
    songs = [
        make_song(f"TR{i:03d}", f"AR{i % 30}", 20 + i % 5, seed=i) for i in range(90)
    ]
    for i, song in enumerate(songs[:60]):
        write_msd_file(root / "AB"[i % 2] / f"{song['track_id']}.h5", song)
    for i in range(60, 90, 5):
        write_msd_file(root / f"C/many{i}.h5", *songs[i : i + 5])
    annotations = {song["track_id"]: GENRES[i % 3] for i, song in enumerate(songs)}
    return root, annotations, {song["track_id"]: song for song in songs}


def tree(folder):
    """All files below a folder and their bytes."""
    return {
        os.path.relpath(path, folder): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


OPTIONS = {"n_segments": 20, "verbose": 0}


def test_links_are_followed_and_what_is_passed_over_is_counted(tmp_path, made):
    """Half of the songs on another disk; hidden files are no songs."""
    root, annotations, _ = made
    here = tmp_path / "h5"
    here.mkdir()
    (here / "A").symlink_to(root / "A", target_is_directory=True)
    (here / "rest").symlink_to(root / "C", target_is_directory=True)
    (here / "again").symlink_to(root / "A", target_is_directory=True)
    (here / "loop").symlink_to(here, target_is_directory=True)
    (here / ".hidden.h5").touch()
    report = build_msd_genre(here, annotations, tmp_path / "out", **OPTIONS)
    assert report.counts["found"] == 60
    assert report.passed_over == {
        "hidden files": 1,
        "links to what is read already": 2,
    }
    again = build_msd_genre(here, annotations, tmp_path / "out", **OPTIONS)
    assert again == report


@pytest.mark.parametrize("form", ["npz", "npy"])
def test_a_build_reads_back_value_for_value(tmp_path, made, form):
    root, annotations, songs = made
    report = build_msd_genre(root, annotations, tmp_path / "out", form=form, **OPTIONS)
    assert report.counts["found"] == report.counts["written"] == 90
    assert report.task == "3"
    seen = []
    for split in ("train", "valid"):
        bunch = load_msd_genre(3, split, report.out)
        assert isinstance(bunch.data, np.memmap) == (form == "npy")
        for x, y, track, artist in zip(
            bunch.segments, bunch.target, bunch.track_ids, bunch.groups, strict=True
        ):
            song = songs[track]
            spare = len(song["segments_start"]) - 20
            at = slice(spare // 2, spare // 2 + 20)
            names = "segments_pitches", "segments_timbre", "segments_loudness_start"
            expected = np.column_stack([song[name][at] for name in names])
            np.testing.assert_array_equal(x, expected.astype(np.float32))
            assert bunch.target_names[y] == annotations[track]
            assert artist == song["artist_id"]
        seen.append(set(bunch.groups))
        counted = np.bincount(bunch.target, minlength=3)
        assert report.songs[split] == dict(
            zip(sorted(GENRES), counted.tolist(), strict=True)
        )
    assert not seen[0] & seen[1]
    assert not (tmp_path / "out.building").exists()
    assert (tmp_path / "out/skipped.tsv").read_text() == (
        "reason\ttrack_id\tfile\tdetail\n"
    )


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_processes_and_group_sizes_change_nothing(tmp_path, made, monkeypatch, backend):
    root, annotations, _ = made
    options = OPTIONS | {"crop": "random", "split": (0.6, 0.2, 0.2), "n_per_class": 20}
    one = build_msd_genre(root, annotations, tmp_path / "one", **options)
    monkeypatch.setattr(walk, "GROUP_FILES", 7)
    with parallel_config(backend):
        build_msd_genre(root, annotations, tmp_path / "two", n_jobs=2, **options)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert one.songs == {
        "train": dict.fromkeys(sorted(GENRES), 12),
        "valid": dict.fromkeys(sorted(GENRES), 4),
        "test": dict.fromkeys(sorted(GENRES), 4),
    }
    assert len(load_msd_genre("3", "test", tmp_path / "two").target) == 12


def test_choices_reach_the_output(tmp_path, made):
    root, annotations, songs = made
    with pytest.warns(UserWarning, match="valid has no song of Rock") as caught:
        report = build_msd_genre(
            root / "C/many60.h5",
            annotations,
            tmp_path / "out",
            columns=("timbre", "chroma", "loudness"),
            loudness="max",
            group_by=None,
            genres=["Rock", "Jazz"],
            task="mine",
            crop="start",
            random_state=3,
            **OPTIONS,
        )
    assert caught[0].filename == __file__
    assert report.counts["no_label"] == 1  # of 5 songs, one is Blues
    train = load_msd_genre("mine", "train", report.out)
    assert train.target_names.tolist() == ["Jazz", "Rock"]
    assert train.feature_names[0] == "segment_0_timbre_0"
    song = songs[train.track_ids[0]]
    np.testing.assert_array_equal(
        train.segments[0, :, 24],
        song["segments_loudness_max"][:20].astype(np.float32),
    )
    told = json.loads((tmp_path / "out/build.json").read_text())
    assert told["parameters"]["columns"] == ["timbre", "chroma", "loudness"]


def test_a_finished_build_is_not_done_again_nor_overwritten(tmp_path, made):
    root, annotations, _ = made
    out = tmp_path / "out"
    out.mkdir()  # an empty folder may be there
    first = build_msd_genre(root, annotations, out, **OPTIONS)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert build_msd_genre(root, annotations, out, **OPTIONS) == first
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before
    with pytest.raises(FileExistsError, match="something else than this build"):
        build_msd_genre(root, annotations, out, random_state=1, **OPTIONS)


def test_a_work_folder_of_someone_else_is_left_alone(tmp_path, made):
    root, annotations, _ = made
    theirs = tmp_path / "out.building"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds something else"):
        build_msd_genre(root, annotations, tmp_path / "out", **OPTIONS)
    assert tree(theirs) == {"thesis.txt": b"mine"}


def test_too_many_skipped_stops_and_a_larger_share_goes_on(tmp_path, made):
    root, annotations, _ = made
    options = OPTIONS | {"n_segments": 22}  # two fifths of the songs are shorter
    with pytest.raises(ValueError, match="36 of 90 songs read were skipped"):
        build_msd_genre(root, annotations, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    listed = (tmp_path / "out.building/skipped.tsv").read_text()
    assert listed.count("too_short") == 36
    report = build_msd_genre(
        root, annotations, tmp_path / "out", max_skipped=0.4, **options
    )
    assert report.counts["kept"] == 54
    assert not (tmp_path / "out.building").exists()


def test_progress_goes_to_standard_error(tmp_path, made, capsys):
    root, annotations, _ = made
    build_msd_genre(root, annotations, tmp_path / "out", n_segments=20)
    told = capsys.readouterr()
    assert "66/66" in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crop": "end"}, "'crop' parameter"),
        ({"n_segments": 0}, "'n_segments' parameter"),
        ({"split": (0.5, 0.6)}, "which sum to 1"),
        ({"split": (1.0,)}, "which sum to 1"),
        ({"columns": ("chroma",)}, "columns must hold"),
        ({"genres": ["Polka"]}, "Polka"),
        ({"task": "a/b"}, "task must be"),
        ({"annotations": {"x": "y"}}, "no song is annotated"),
        ({"annotations": {"TR000": "Jazz"}}, "no song is left for valid"),
        ({"random_state": None}, "'random_state' parameter"),
    ],
)
def test_wrong_parameters_are_named(tmp_path, made, change, message):
    root, annotations, _ = made
    out = tmp_path / "out"
    given = {"h5_root": root, "annotations": annotations, "out": out} | OPTIONS
    with pytest.raises(ValueError, match=message):
        build_msd_genre(**given | change)
    assert not out.exists()


def test_roots_without_files(tmp_path, made):
    _, annotations, _ = made
    with pytest.raises(FileNotFoundError, match="nowhere"):
        build_msd_genre(tmp_path / "nowhere", annotations, tmp_path / "out", verbose=0)
    with pytest.raises(ValueError, match=r"holds no \.h5 file"):
        build_msd_genre(tmp_path, annotations, tmp_path / "out", verbose=0)
    assert list(tmp_path.iterdir()) == []


def _build_in_child(*args, **options):
    """Run a build in a forked process, which may be killed; return its id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            gc.freeze()  # what tests before left waits for threads that are not here
            # And nobody else may wait for what is killed while it holds a lock.
            tqdm.set_lock(threading.RLock())
            os.setpgrp()
            with parallel_config("multiprocessing"):
                build_msd_genre(*args, **options)
            code = 0
        finally:
            os._exit(code)
    return pid


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize(
    ("form", "n_jobs"),
    [("npz", 1), ("npz", 2), pytest.param("npy", 1, marks=pytest.mark.slow)],
)
def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(
    tmp_path, made, monkeypatch, form, n_jobs
):
    root, annotations, _ = made
    monkeypatch.setattr(walk, "GROUP_FILES", 4)
    out = tmp_path / "out"
    options = OPTIONS | {"form": form, "crop": "random", "n_per_class": 20}
    start = time.perf_counter()
    os.waitpid(_build_in_child(root, annotations, out, n_jobs=n_jobs, **options), 0)
    whole_time = time.perf_counter() - start
    reference = tree(out)
    os.rename(out, tmp_path / "reference")
    rng, groups = random.Random(0), []
    killed = finished = 0
    while killed < 20:
        pid = _build_in_child(root, annotations, out, n_jobs=n_jobs, **options)
        deadline = time.perf_counter() + rng.uniform(0, whole_time)
        ended = False
        while time.perf_counter() < deadline and not ended:
            ended = os.waitpid(pid, os.WNOHANG) != (0, 0)
            if out.exists():  # seen from outside, it is whole or not there
                assert tree(out) == reference
        if not ended:
            # Its own processes live on beside the build that goes on, as they would.
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            killed += os.WIFSIGNALED(status)
            groups.append(pid)
        if out.exists():
            assert tree(out) == reference
            finished += 1
            build_msd_genre(root, annotations, out, **options)
            assert tree(out) == reference
            assert not (tmp_path / "out.building").exists()
            os.rename(out, tmp_path / f"done{finished}")
    build_msd_genre(root, annotations, out, **options)
    assert tree(out) == reference
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


# The real data: counted with h5py and csv alone.
LABELS = {
    "cd1": "msd_tagtraum_cd1.cls",
    "topmagd": "topmagd_subset3699.tsv",
}


@pytest.mark.parametrize("name", LABELS)
def test_real_files_with_damaged_ones(shared_data, tmp_path, name):
    root = tmp_path / "h5"
    root.mkdir()
    paths = sorted((shared_data / "msd_h5").rglob("*.h5"))
    paths += sorted((shared_data / "msd_h5_damaged").glob("*.h5"))
    for path in paths:
        (root / path.name).symlink_to(path)
    genres = {}
    for line in (shared_data / "labels" / LABELS[name]).read_text().splitlines():
        if not line.startswith("#"):
            genres[line.split("\t")[0]] = line.split("\t")[1]
    n_damaged = n_short = n_labelled = 0
    expected = {}
    for path in paths:
        with h5py.File(path) as file:
            if "analysis" not in file:
                n_damaged += 1
                continue
            a = file["analysis"]
            track = a["songs"]["track_id"][0].decode()
            n = len(a["segments_start"])
            n_labelled += track in genres
            n_short += n < 120
            if n >= 120 and track in genres:
                at = slice((n - 120) // 2, (n - 120) // 2 + 120)
                expected[track] = np.column_stack(
                    [
                        a["segments_timbre"][at],
                        a["segments_pitches"][at],
                        a["segments_loudness_start"][at],
                    ]
                ).astype(np.float32)
    with pytest.warns(UserWarning, match="valid has no song of"):
        report = build_msd_genre(
            root,
            shared_data / "labels" / LABELS[name],
            tmp_path / "out",
            columns=("timbre", "chroma", "loudness"),
            task="real",
            verbose=0,
        )
    counts = report.counts
    assert (counts["found"], counts["damaged"], n_damaged) == (len(paths), 2, 2)
    assert counts["labelled"] == n_labelled
    assert counts["too_short"] == n_short
    assert counts["kept"] == counts["written"] == len(expected)
    assert counts["found"] == counts["kept"] + sum(
        counts[reason] for reason in ("damaged", "too_short", "no_label")
    )
    listed = (tmp_path / "out/skipped.tsv").read_text().splitlines()[1:]
    assert len(listed) == counts["found"] - counts["kept"]
    train, valid = (
        load_msd_genre("real", split, report.out) for split in ("train", "valid")
    )
    found = dict(zip(train.track_ids, train.segments, strict=True))
    found |= dict(zip(valid.track_ids, valid.segments, strict=True))
    assert found.keys() == expected.keys()
    for track, segments in found.items():
        np.testing.assert_array_equal(segments, expected[track])
    assert not set(train.groups) & set(valid.groups)
    by_name = train.target_names[train.target]
    assert all(genres[t] == g for t, g in zip(train.track_ids, by_name, strict=True))
    # What is read is what a classifier takes.
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    assert model.fit(train.data, train.target).score(train.data, train.target) > 0.9
    assert len(model.predict(valid.data)) == len(valid.target)


def test_annotations_may_be_a_mapping_or_their_file(shared_data, tmp_path):
    path = shared_data / "labels/topmagd_subset3699.tsv"
    root = shared_data / "msd_h5/A"
    for name, annotations in (
        ("file", path),
        ("mapping", read_genre_annotations(path)),
    ):
        with pytest.warns(UserWarning, match="has no song"):
            build_msd_genre(root, annotations, tmp_path / name, verbose=0)
    assert tree(tmp_path / "file") == tree(tmp_path / "mapping")


def test_without_h5py_nothing_is_called_damaged(tmp_path, made, monkeypatch):
    root, annotations, _ = made
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"sklearn-msd\[hdf5\]"):
        build_msd_genre(root, annotations, tmp_path / "out", **OPTIONS)

import json

import numpy as np
import pytest

from sklearn_msd.datasets import load_msd_genre, predefined_split
from sklearn_msd.datasets.report_arrays.genre_files import StoredSplit, write_split
from sklearn_msd.segments.columns import COLUMN_ORDER, feature_names


@pytest.fixture
def stored():
    rng = np.random.default_rng(0)
    return StoredSplit(
        inputs=rng.normal(size=(6, 4, 25)).astype(np.float32),
        targets=np.array([0, 1, 2, 2, 1, 0]),
        label_map=["Blues", "Jazz", "Rock"],
        feature_names=feature_names(COLUMN_ORDER),
        groups=np.array([f"AR{i % 3}" for i in range(6)]),
        track_ids=np.array([f"TR{i}" for i in range(6)]),
    )


@pytest.mark.parametrize("form", ["npz", "npy"])
@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_what_is_written_reads_back(tmp_path, stored, form, split):
    write_split(tmp_path, "3", split, stored, form)
    bunch = load_msd_genre("3", split, tmp_path)
    np.testing.assert_array_equal(bunch.segments, stored.inputs)
    np.testing.assert_array_equal(bunch.target, stored.targets)
    np.testing.assert_array_equal(bunch.groups, stored.groups)
    np.testing.assert_array_equal(bunch.track_ids, stored.track_ids)
    assert bunch.target_names.tolist() == stored.label_map
    assert bunch.feature_names[0] == "segment_0_chroma_0"


def test_the_folder_form_is_mapped_not_read(tmp_path, stored):
    write_split(tmp_path, "3", "train", stored, "npy")
    bunch = load_msd_genre("3", "train", tmp_path)
    assert isinstance(bunch.data, np.memmap)
    assert bunch.data.shape == (6, 100)
    assert not bunch.data.flags.writeable
    names = sorted(path.name for path in (tmp_path / "msd-3-genre-train").iterdir())
    assert names == ["X.npy", "groups.npy", "meta.json", "track_ids.npy", "y.npy"]


def test_the_reports_own_reader_reads_the_npz_form(tmp_path, stored):
    write_split(tmp_path, "3", "train", stored, "npz")
    # As the report's data provider does it, pickle left off.
    with np.load(tmp_path / "msd-3-genre-train.npz", allow_pickle=False) as loaded:
        inputs, targets = loaded["inputs"], loaded["targets"]
        label_map = loaded["label_map"]
        assert not any(loaded[name].dtype.hasobject for name in loaded.files)
    np.testing.assert_array_equal(inputs, stored.inputs)
    np.testing.assert_array_equal(targets, stored.targets)
    assert label_map[targets[1]] == "Jazz"


def test_predefined_split_joins_folders(tmp_path, stored):
    for split in ("train", "valid"):
        write_split(tmp_path, "3", split, stored, "npy")
    X, y, _ = predefined_split("3", tmp_path)
    assert X.shape == (12, 100)
    assert y.tolist() == 2 * stored.targets.tolist()


def _shorten(path):
    path.write_bytes(path.read_bytes()[:-10])


DAMAGE = {
    "X cut": ("X.npy", _shorten),
    "X gone": ("X.npy", lambda path: path.unlink()),
    "X of objects": (
        "X.npy",
        lambda path: np.save(path, np.full((6, 4, 25), None), allow_pickle=True),
    ),
    "X of 24": ("X.npy", lambda path: np.save(path, np.zeros((6, 4, 24)))),
    "X of text": ("X.npy", lambda path: np.save(path, np.full((6, 4, 25), "x"))),
    "y too short": ("y.npy", lambda path: np.save(path, np.zeros(5, int))),
    "y of floats": ("y.npy", lambda path: np.save(path, np.zeros(6))),
    "y beyond the names": ("y.npy", lambda path: np.save(path, np.full(6, 3))),
    "groups too long": ("groups.npy", lambda path: np.save(path, np.zeros(7, "U1"))),
    "meta cut": ("meta.json", _shorten),
    "meta without names": ("meta.json", lambda path: path.write_text("{}")),
    "meta of 24 features": (
        "meta.json",
        lambda path: path.write_text(
            json.dumps(
                {"label_map": ["a", "b", "c"], "feature_names": feature_names()[1:]}
            )
        ),
    ),
    "meta of numbers": (
        "meta.json",
        lambda path: path.write_text('{"label_map": 3, "feature_names": 25}'),
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_folder_is_an_error_that_names_it(tmp_path, stored, name):
    write_split(tmp_path, "3", "train", stored, "npy")
    file, damage = DAMAGE[name]
    damage(tmp_path / "msd-3-genre-train" / file)
    error = FileNotFoundError if name == "X gone" else ValueError
    with pytest.raises(error, match="msd-3-genre-train"):
        load_msd_genre("3", "train", tmp_path)

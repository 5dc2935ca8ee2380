import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_msd.report.records import Record, RecordStore


def record():
    return Record(
        {"label": "net", "fit_seconds": 1.5},
        {"model": np.array([2.0, 1.0])},
        {"model": np.array([[0, 1], [1, 1]], dtype=np.uint16)},
        {"output.weight": np.ones((2, 3), dtype=np.float32)},
    )


def test_what_is_saved_comes_back(tmp_path):
    store = RecordStore(tmp_path / "new")
    store.save("key", record())
    found = store.load("key")
    assert found.info == record().info
    for kind in ("losses", "predictions", "weights"):
        for name, array in getattr(record(), kind).items():
            assert_array_equal(getattr(found, kind)[name], array)
    assert sorted(os.listdir(tmp_path / "new")) == ["key.json", "key.npz"]


@pytest.mark.parametrize("damage", ["absent", "no json", "no npz", "cut", "not json"])
def test_a_record_that_is_not_whole_is_none(tmp_path, damage):
    store = RecordStore(tmp_path)
    if damage != "absent":
        store.save("key", record())
    if damage.startswith("no "):
        (tmp_path / f"key.{damage[3:]}").unlink()
    if damage == "cut":
        whole = (tmp_path / "key.npz").read_bytes()
        (tmp_path / "key.npz").write_bytes(whole[:-50])
    if damage == "not json":
        (tmp_path / "key.json").write_text("{")
    assert store.load("key") is None

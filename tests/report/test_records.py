import os
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from small_models import CONV, songs

from sklearn_msd.report.records import Record, RecordStore


def record(model=None):
    return Record(
        {"label": "net", "fit_seconds": 1.5},
        {"model": np.array([2.0, 1.0])},
        {"model": np.array([[0, 1], [1, 1]], dtype=np.uint16)},
        {"model": np.array([1, 0])},
        model,
    )


@cache
def net():
    return clone(CONV).fit(*songs())


@pytest.mark.parametrize("kept", [False, True])
def test_what_is_saved_comes_back(kept, tmp_path):
    store, model = RecordStore(tmp_path / "new"), net() if kept else None
    store.save("key", record(model))
    found = store.load("key")
    assert found.info == {**record().info, "keeps_model": kept}
    for kind in ("losses", "predictions", "tested"):
        for name, array in getattr(record(), kind).items():
            assert_array_equal(getattr(found, kind)[name], array)
    files = ["key.json", *["key.msd"] * kept, "key.npz"]
    assert sorted(os.listdir(tmp_path / "new")) == files
    if kept:
        parameters = dict(model.module_.named_parameters())
        assert found.weights.keys() == parameters.keys()
        for name, array in found.weights.items():
            assert_array_equal(array, parameters[name].detach().numpy())
        X, _ = songs()
        assert_array_equal(found.model.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize(
    "damage",
    ["absent", "no json", "no npz", "no msd", "cut npz", "cut msd", "not json"],
)
def test_a_record_that_is_not_whole_is_none(tmp_path, damage):
    store = RecordStore(tmp_path)
    if damage != "absent":
        store.save("key", record(net()))
    what, _, end = damage.partition(" ")
    if what == "no":
        (tmp_path / f"key.{end}").unlink()
    if what == "cut":
        whole = (tmp_path / f"key.{end}").read_bytes()
        (tmp_path / f"key.{end}").write_bytes(whole[:-50])
    if damage == "not json":
        (tmp_path / "key.json").write_text("{")
    assert store.load("key") is None

import numpy as np
import pytest

from sklearn_msd import TimeConvClassifier
from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Curve, Figure, Model
from sklearn_msd.report.figures.experiments import FIGURES, MODELS
from sklearn_msd.report.records import RecordStore
from sklearn_msd.report.runner import Plan, Settings, run


def make_data(seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(40) % 2
    X = rng.normal(size=(40, 150)).astype(np.float32)
    return ReportData("d", "d", ["a", "b"], X[:30], y[:30], X[30:], y[30:])


def plan(figures=FIGURES, models=MODELS, data=None, **settings):
    data = data or make_data()
    settings = Settings(**({"max_epochs": 1, "device": "cpu"} | settings))
    return Plan([(figure, data) for figure in figures], models, settings)


def chosen(*ids):
    return [figure for figure in FIGURES if figure.id in ids]


def test_figures_that_share_a_model_train_it_once():
    together = plan(chosen("6", "7", "8"))
    alone = [set(plan(chosen(name)).runs) for name in ("6", "7", "8")]
    assert set(together.runs) == set.union(*alone)
    assert len(together.runs) < sum(map(len, alone))


def test_bases_come_before_what_builds_on_them():
    runs = plan(chosen("9", "11")).runs
    seen = set()
    for key, each in runs.items():
        assert set(each.bases.values()) <= seen
        seen.add(key)
    combiner = next(
        r for r in runs.values() if r.label.startswith("linear combiner of")
    )
    assert len(combiner.bases) == 3


def test_weights_are_kept_of_bases_whichever_figures_are_chosen():
    kept = {r.label for r in plan(chosen("8")).runs.values() if r.keep_weights}
    assert kept == {"convolution in time, max pooling 2"}


def test_what_a_key_depends_on():
    keys = set(plan().runs)
    assert set(plan().runs) == keys
    for changed in (
        plan(max_epochs=2),
        plan(seeds=(1,)),
        plan(data=make_data(1)),
    ):
        assert not keys & set(changed.runs)
    assert keys < set(plan(seeds=(0, 1)).runs)
    assert set(plan(device="auto").runs) == keys


def test_a_changed_definition_changes_it_and_what_builds_on_it():
    changed = dict(MODELS)
    time = TimeConvClassifier(n_kernels=49)
    changed["max 3"] = Model("changed", time)
    before, after = set(plan().runs), set(plan(models=changed).runs)
    assert len(before - after) == len(after - before) == 1


@pytest.fixture
def small():
    net = TimeConvClassifier(n_kernels=2, hidden_layer_sizes=(3,))
    models = {"a": Model("a", net), "b": Model("b", net.__class__(n_kernels=3))}
    figure = Figure("1", "t", "q.", "s", (Curve("a"), Curve("b")))
    return [figure], models


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_records_are_those_of_the_plan(small, tmp_path, n_jobs):
    ready, lines = plan(*small), []
    store = RecordStore(tmp_path)
    records = run(ready, store, n_jobs=n_jobs, say=lines.append)
    assert set(records) == set(ready.runs)
    assert lines[0].startswith("2 models: 0 done before, 2 to train")
    assert lines[-1].endswith("about 0 s left")
    again = run(ready, store, say=lines.append)
    assert lines[-1] == "2 models: 2 done before, 0 to train"
    for key, record in records.items():
        assert np.array_equal(
            record.predictions["model"], again[key].predictions["model"]
        )


def test_a_lost_record_is_trained_again_alone(small, tmp_path):
    ready, lines = plan(*small), []
    run(ready, RecordStore(tmp_path), say=lines.append)
    key = next(iter(ready.runs))
    (tmp_path / f"{key}.npz").write_bytes(b"damaged")
    run(ready, RecordStore(tmp_path), say=lines.append)
    assert "2 models: 1 done before, 1 to train" in lines

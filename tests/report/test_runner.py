import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from sklearn_msd import CorrectingClassifier, TimeConvClassifier
from sklearn_msd.report.data import ReportData, Split
from sklearn_msd.report.declaration import Curve, Figure, Model
from sklearn_msd.report.figures.experiments import FIGURES, MODELS
from sklearn_msd.report.records import RecordStore
from sklearn_msd.report.runner import Plan, Settings, run


def make_data(seed=0, max_epochs=1, n_splits=1):
    rng = np.random.default_rng(seed)
    y = np.arange(40) % 2
    X = rng.normal(size=(40, 150)).astype(np.float32)

    def divide(start):
        return [
            Split(X[:30] + i, y[:30], X[30:], y[30:], 10, 25, np.arange(10))
            for i in range(n_splits)
        ]

    return ReportData("d", "d", ["a", "b"], divide, y[30:], max_epochs=max_epochs)


def runs(figures=FIGURES, models=MODELS, data=None, n_starts=1, **settings):
    data = data or make_data()
    plan = Plan(models, Settings(tuple(range(9)), **({"device": "cpu"} | settings)))
    found = {}
    for start in range(n_starts):
        for figure in figures:
            for name in figure.models():
                own = plan.runs(name, data, start)
                assert [own[-1].key] == plan.keys(name, data, start)[-1:]
                found |= {one.key: one for one in own if one.key not in found}
    return found


def chosen(*ids):
    return [figure for figure in FIGURES if figure.id in ids]


def test_figures_that_share_a_model_train_it_once():
    together = runs(chosen("6", "7", "8"))
    alone = [set(runs(chosen(name))) for name in ("6", "7", "8")]
    assert set(together) == set.union(*alone)
    assert len(together) < sum(map(len, alone))


def test_bases_come_before_what_builds_on_them():
    found = runs(chosen("9", "11"))
    seen = set()
    for key, each in found.items():
        assert each.needs <= seen
        seen.add(key)
    combiner = next(
        r for r in found.values() if r.label.startswith("linear combiner of")
    )
    assert len(combiner.bases) == 3


def test_weights_are_kept_of_bases_whichever_figures_are_chosen():
    kept = {r.label for r in runs(chosen("8")).values() if r.keep_weights}
    assert kept == {"convolution in time, max pooling 2"}


def test_what_a_key_depends_on():
    keys = set(runs())
    assert set(runs()) == keys
    for changed in (
        runs(data=make_data(max_epochs=2)),
        runs(data=make_data(1)),
    ):
        assert not keys & set(changed)
    more = set(runs(n_starts=2))
    assert keys < more
    assert len(more) == 2 * len(keys)
    assert set(runs(device="auto")) == keys


def test_each_split_is_trained_on_with_bases_of_its_own():
    found = runs(chosen("12"), data=make_data(n_splits=3))
    assert len(found) == 3 * len(runs(chosen("12")))
    for each in found.values():
        for base in each.needs:
            assert found[base].split.key == each.split.key


def test_a_changed_definition_changes_it_and_what_builds_on_it():
    changed = dict(MODELS)
    time = TimeConvClassifier(n_kernels=49)
    changed["max 3"] = Model("changed", time)
    before, after = set(runs()), set(runs(models=changed))
    assert len(before - after) == len(after - before) == 1


@pytest.fixture
def small():
    net = TimeConvClassifier(n_kernels=2, hidden_layer_sizes=(3,))
    models = {"a": Model("a", net), "b": Model("b", net.__class__(n_kernels=3))}
    plan = Plan(models, Settings((0,), "cpu"))
    data = make_data()
    return [*plan.runs("a", data, 0), *plan.runs("b", data, 0)]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_records_are_those_asked_for(small, tmp_path, n_jobs):
    lines = []
    store = RecordStore(tmp_path)
    records = run(small, store, n_jobs=n_jobs, say=lines.append)
    assert set(records) == {one.key for one in small}
    assert lines[0].startswith("2 models: 0 done before, 2 to train")
    assert lines[-1].endswith("about 0 s left")
    again = run(small, store, say=lines.append)
    assert lines[-1] == "2 models: 2 done before, 0 to train"
    for key, record in records.items():
        assert np.array_equal(
            record.predictions["model"], again[key].predictions["model"]
        )


def test_a_lost_record_is_trained_again_alone(small, tmp_path):
    lines = []
    run(small, RecordStore(tmp_path), say=lines.append)
    (tmp_path / f"{small[0].key}.npz").write_bytes(b"damaged")
    run(small, RecordStore(tmp_path), say=lines.append)
    assert "2 models: 1 done before, 1 to train" in lines


def test_starts_and_models_of_one_shape_train_together(tmp_path):
    net = TimeConvClassifier(n_kernels=3, hidden_layer_sizes=(4,), batch_size=10)
    models = {
        "a": Model("a", net),
        "b": Model("b", clone(net).set_params(l2=0.5)),
        "c": Model("c", CorrectingClassifier(FrozenEstimator(net), clone(net))),
    }
    figure = Figure("1", "t", "q.", "s", tuple(map(Curve, models)))
    wanted = list(runs([figure], models, make_data(max_epochs=3), n_starts=2).values())
    alone = run(wanted, RecordStore(tmp_path / "alone"), say=lambda line: None)
    with joblib.parallel_config(backend="together", n_jobs=9, on_cpu=True) as config:
        met = run(wanted, RecordStore(tmp_path / "met"), say=lambda line: None)
    assert config["backend"].room.sizes == [4, 2]
    for key, record in alone.items():
        for name, losses in record.losses.items():
            np.testing.assert_allclose(met[key].losses[name], losses, rtol=1e-4)
            np.testing.assert_array_equal(
                met[key].predictions[name], record.predictions[name]
            )

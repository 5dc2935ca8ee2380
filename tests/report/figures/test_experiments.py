import re
from pathlib import Path

import pytest
from sklearn.frozen import FrozenEstimator

import sklearn_msd
from sklearn_msd.common.scikit_learn.definition import definition
from sklearn_msd.report.declaration import bases
from sklearn_msd.report.figures.experiments import FIGURES, MODELS
from sklearn_msd.report.figures.models import CONCLUSION


def test_all_figures_are_there_in_their_order():
    numbers = [int(figure.id) for figure in FIGURES if figure.id.isdigit()]
    assert numbers == list(range(2, 16))
    future = [figure.id for figure in FIGURES if not figure.id.isdigit()]
    assert future == ["recurrent", "stacked", "similarity", "sparse-hidden"]


def test_each_model_is_declared_and_shown():
    shown = {name for figure in FIGURES for name in figure.models()}
    assert shown == set(MODELS)


def test_no_model_is_declared_twice():
    definitions = [str(definition(model.estimator)) for model in MODELS.values()]
    assert len(set(definitions)) == len(definitions)


def test_bases_of_models_are_models_themselves():
    known = [definition(model.estimator) for model in MODELS.values()]
    for model in MODELS.values():
        for base in bases(model.estimator):
            assert definition(base) in known
            assert not isinstance(base, FrozenEstimator)


def test_the_reports_settings():
    time = MODELS["max 2"].estimator
    assert (time.kernel_height, time.pooling, time.pool_size) == (3, "max", 2)
    assert (time.batch_size, time.learning_rate, time.max_epochs) == (50, 1e-3, 100)
    assert (time.l2, time.l2_layers) == (0.01, ("conv", "hidden"))
    assert MODELS["fully connected"].estimator.hidden_layer_sizes == (200, 200)
    strengths = [MODELS[f"L1 {s}"].estimator.l1 for s in ("0", "0.0001", "0.001")]
    assert strengths == [0, 1e-4, 1e-3]
    for threshold in (0.1, 0.01, 0.001):
        sparse = MODELS[f"sparse {threshold:g}"].estimator
        assert (sparse.l1, sparse.threshold) == (1e-3, threshold)
    (base,) = bases(MODELS["correcting"].estimator)
    assert definition(base) == definition(time)


def test_published_numbers():
    published = {name: dict(model.published) for name, model in MODELS.items()}
    assert published["fully connected"] == {10: 0.50}
    assert published["baseline"] == {10: 0.58, 25: 0.25}
    assert published["max 2"] == {10: 0.63, 25: 0.275}
    assert published["linear"] == {10: 0.64, 25: 0.28}
    assert published["correcting"] == {10: 0.645, 25: 0.287}


def test_the_readme_has_the_published_numbers():
    readme = Path(sklearn_msd.__file__).parents[1] / "README.md"
    if not readme.exists():
        pytest.skip("the package is installed without its README")
    text = readme.read_text().split("## The report's accuracies")[1]
    table = re.findall(r"^\|[^|]*\| (`[^|]*`) \| ([^|]* \| [^|]*) \|$", text, re.M)
    rows = [numbers.split(" | ") for _, numbers in table[: len(CONCLUSION)]]
    assert len(rows) == len(CONCLUSION)
    for name, row in zip(CONCLUSION, rows, strict=True):
        published = [MODELS[name].published.get(task) for task in (10, 25)]
        for number, text in zip(published, row, strict=True):
            ends = [float(x) for x in re.findall(r"[\d.]+", text)]
            assert (number is None) == (text == "–")
            if number is not None:
                assert number == pytest.approx(sum(ends) / len(ends))


def test_every_figure_says_what_it_asks_and_what_the_report_found():
    for figure in FIGURES:
        assert re.search(r"[.?]$", figure.question)
        if figure.kind != "diagram":
            assert figure.claims
            assert figure.curves
            assert figure.published.endswith(".")

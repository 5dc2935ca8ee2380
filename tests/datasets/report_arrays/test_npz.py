import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sklearn_msd.datasets import load_msd_genre, predefined_split

GENRES = ["Rap", "Rock", "RnB"]


def arrays(n=12, n_segments=4, seed=0, dtype=np.float16):
    rng = np.random.default_rng(seed)
    return {
        "inputs": rng.normal(size=(n, n_segments, 25)).astype(dtype),
        "targets": np.arange(n) % 3,
        "label_map": np.array(GENRES),
    }


@pytest.fixture
def home(tmp_path):
    """A data folder in the report's format, written by plain numpy."""
    for i, split in enumerate(("train", "valid")):
        np.savez_compressed(
            tmp_path / f"msd-10-genre-{split}.npz", **arrays(12 - 6 * i, seed=i)
        )
    test = arrays(5, seed=2)
    flat = test["inputs"].reshape(5, -1)
    np.savez(tmp_path / "msd-10-genre-test-inputs.npz", inputs=flat)
    np.savez(tmp_path / "msd-10-genre-test-targets.npz", targets=test["targets"])
    np.savez(tmp_path / "msd-25-genre-test-inputs.npz", inputs=test["inputs"])
    return tmp_path


def test_a_bunch_as_scikit_learn_has_them(home):
    bunch = load_msd_genre("10", "train", home)
    made = arrays(12)
    assert bunch.data.shape == (12, 100)
    assert bunch.data.dtype == np.float32
    np.testing.assert_array_equal(bunch.segments, made["inputs"])
    np.testing.assert_array_equal(bunch.data[0, 25:50], made["inputs"][0, 1])
    assert np.shares_memory(bunch.data, bunch.segments)
    np.testing.assert_array_equal(bunch.target, made["targets"])
    assert bunch.target.dtype == np.int64
    assert bunch.target_names.tolist() == GENRES
    # Timbre first, then chroma, then loudness.
    assert bunch.feature_names[:1] == ["segment_0_timbre_0"]
    assert bunch.feature_names[12] == "segment_0_chroma_0"
    assert bunch.feature_names[-1] == "segment_3_loudness"
    assert len(bunch.feature_names) == 100
    assert "12 songs of 4 segments" in bunch.DESCR
    X, y = load_msd_genre(10, data_home=str(home), return_X_y=True)
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)


def test_the_folder_may_come_from_the_environment(home, monkeypatch):
    monkeypatch.setenv("MLP_DATA_DIR", str(home))
    assert len(load_msd_genre(split="valid").data) == 6
    monkeypatch.delenv("MLP_DATA_DIR")
    with pytest.raises(ValueError, match="MLP_DATA_DIR is not set"):
        load_msd_genre()


def test_test_sets_with_and_without_targets(home):
    test = load_msd_genre("10", "test", home)
    np.testing.assert_array_equal(test.segments, arrays(5, seed=2)["inputs"])
    np.testing.assert_array_equal(test.target, [0, 1, 2, 0, 1])
    # The targets file names no classes: those of train are the same.
    assert test.target_names.tolist() == GENRES
    unlabelled = load_msd_genre("25", "test", home)
    assert unlabelled.target is None
    assert unlabelled.data.shape == (5, 100)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
@pytest.mark.parametrize("named", [True, False])
def test_numbers_of_any_width_with_and_without_names(tmp_path, dtype, kind, named):
    made = arrays(dtype=dtype)
    made["targets"] = made["targets"].astype(kind)
    if not named:
        del made["label_map"]
    np.savez(tmp_path / "msd-10-genre-train.npz", **made)
    bunch = load_msd_genre(data_home=tmp_path)
    np.testing.assert_array_equal(bunch.segments, made["inputs"].astype(np.float32))
    assert bunch.target_names.tolist() == (GENRES if named else ["0", "1", "2"])


def test_bytes_name_classes_too(tmp_path):
    made = arrays() | {"label_map": np.array(GENRES, "S")}
    np.savez(tmp_path / "msd-10-genre-train.npz", **made)
    assert load_msd_genre(data_home=tmp_path).target_names.tolist() == GENRES


def test_what_is_not_there_is_said_with_what_is(home):
    with pytest.raises(
        FileNotFoundError, match=r"has no msd-25-genre-train\.npz; .*10"
    ):
        load_msd_genre("25", "train", home)
    with pytest.raises(FileNotFoundError, match="holds nothing"):
        load_msd_genre("25", "train", home / "nowhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "dev"}, "'split' parameter"),
        ({"task": "../x"}, "task must be"),
        ({"task": None}, "'task' parameter"),
        ({"max_segments": 3}, "max_segments needs"),
    ],
)
def test_wrong_parameters_are_named(home, change, message):
    with pytest.raises(ValueError, match=message):
        load_msd_genre(**{"data_home": home, **change})


WRONG = {
    "no inputs": {"inputs": None},
    "no targets": {"targets": None},
    "24 features": {"inputs": np.zeros((12, 4, 24))},
    "flat, 24 features": {"inputs": np.zeros((12, 96))},
    "4-D": {"inputs": np.zeros((12, 4, 25, 1))},
    "no songs": {"inputs": np.zeros((0, 4, 25)), "targets": np.zeros(0, int)},
    "text": {"inputs": np.full((12, 4, 25), "x")},
    "objects": {"inputs": np.full((12, 4, 25), None)},
    "complex": {"inputs": np.zeros((12, 4, 25), complex)},
    "too few targets": {"targets": np.zeros(11, int)},
    "float targets": {"targets": np.zeros(12)},
    "one-hot targets": {"targets": np.zeros((12, 3), int)},
    "negative target": {"targets": np.full(12, -1)},
    "target beyond the names": {"targets": np.full(12, 3)},
    "object names": {"label_map": np.array(GENRES, object)},
    "names twice": {"label_map": np.array(["a", "b", "b"])},
    "names as numbers": {"label_map": np.arange(3)},
    "24 feature names": {"feature_names": np.array(["a"] * 24)},
    "groups as numbers": {"groups": np.arange(12)},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_content_is_an_error_with_the_file(tmp_path, name):
    path = tmp_path / "msd-10-genre-train.npz"
    made = arrays() | WRONG[name]
    np.savez(path, **{key: a for key, a in made.items() if a is not None})
    with pytest.raises(ValueError, match=r"msd-10-genre-train\.npz"):
        load_msd_genre(data_home=tmp_path)


def test_predefined_split_searches_on_the_reports_division(home):
    X, y, cv = predefined_split("10", home)
    assert X.shape == (18, 100)
    ((train, valid),) = cv.split()
    np.testing.assert_array_equal(train, np.arange(12))
    np.testing.assert_array_equal(valid, np.arange(12, 18))
    np.testing.assert_array_equal(
        X[valid], arrays(6, seed=1)["inputs"].reshape(6, -1).astype(np.float32)
    )
    model = LogisticRegression(max_iter=1000)
    search = GridSearchCV(model, {"C": [0.01, 1.0]}, cv=cv).fit(X, y)
    alone = [
        LogisticRegression(C=C, max_iter=1000).fit(X[:12], y[:12]).score(X[12:], y[12:])
        for C in (0.01, 1.0)
    ]
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], alone)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": np.zeros((6, 5, 25))}, r"valid of shape \(5, 25\)"),
        ({"label_map": np.array(["Rap", "Pop", "RnB"])}, "they cannot be joined"),
        ({"feature_names": np.array([f"f{i}" for i in range(25)])}, "different orders"),
    ],
)
def test_what_does_not_fit_is_not_joined(home, change, message):
    np.savez(home / "msd-10-genre-valid.npz", **arrays(6) | change)
    with pytest.raises(ValueError, match=message):
        predefined_split("10", home)


def test_unnamed_classes_of_which_valid_lacks_the_last_are_joined(tmp_path):
    for split, n in (("train", 12), ("valid", 2)):
        made = arrays(n)
        del made["label_map"]
        np.savez(tmp_path / f"msd-10-genre-{split}.npz", **made)
    _, y, _ = predefined_split(data_home=tmp_path)
    assert y.tolist() == [0, 1, 2] * 4 + [0, 1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    shape=st.lists(st.integers(0, 30), min_size=1, max_size=4).map(tuple)
    | st.tuples(st.integers(0, 5), st.integers(0, 5), st.just(25)),
    dtype=st.sampled_from(["f2", "f4", "f8", "i2", "u1", "U3", "S3", "O", "c8", "?"]),
    n_targets=st.integers(0, 5),
    kind=st.sampled_from(["i8", "u1", "f8", "U1", "?", "O"]),
    n_names=st.integers(0, 4),
)
def test_any_members_give_the_arrays_or_an_error_with_the_file(
    tmp_path, shape, dtype, n_targets, kind, n_names
):
    inputs = (np.arange(np.prod(shape)) % 7).reshape(shape).astype(dtype)
    targets = (np.arange(n_targets) % 2).astype(kind)
    names = [f"g{i}" for i in range(n_names)]
    path = tmp_path / "msd-10-genre-train.npz"
    np.savez(path, inputs=inputs, targets=targets, label_map=np.array(names, "U2"))
    sound = (
        (
            (len(shape) == 3 and shape[2] == 25)
            or (len(shape) == 2 and shape[1] % 25 == 0)
        )
        and inputs.size > 0
        and dtype in ("f2", "f4", "f8", "i2", "u1")
        and n_targets == shape[0]
        and kind in ("i8", "u1")
        and min(n_targets, 2) <= n_names
    )
    if not sound:
        with pytest.raises(ValueError, match=r"msd-10-genre-train\.npz"):
            load_msd_genre(data_home=tmp_path)
        return
    X, y = load_msd_genre(data_home=tmp_path, return_X_y=True)
    np.testing.assert_array_equal(X, inputs.reshape(len(X), -1).astype("f4"))
    np.testing.assert_array_equal(y, targets)

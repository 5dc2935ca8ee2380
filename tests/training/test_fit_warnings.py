import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from small_models import CONV, DENSE, songs

from sklearn_msd import (
    CorrectingClassifier,
    FullyConnectedClassifier,
    JointCombiner,
    NonlinearCombiner,
    RecurrentClassifier,
    SegmentScaler,
    TimeConvClassifier,
    stack_segments,
)
from sklearn_msd.datasets import MappedSongs, load_spoken_digits, make_songs
from sklearn_msd.training.fit_warnings import N_SAMPLED, warn_of_scale

STOPPING = clone(DENSE).set_params(early_stopping=True, validation_fraction=0.3)


def messages(function, *args, **kwargs):
    """What it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*args, **kwargs)
    return [str(w.message) for w in caught]


# --- scale --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return load_spoken_digits().data


def normal(*shape):
    return np.random.RandomState(0).normal(size=shape)


UNSCALED = {
    "one large input": normal(300, 5) * [1, 1, 1, 1, 50],
    "far from 0": 2000 + normal(300, 5),
    "pixels": np.random.RandomState(0).randint(256, size=(300, 20)),
    "tiny": normal(300, 5) * 1e-4,
    "huge": np.full((300, 2), [1e300, -1e300]),
    "half precision": (normal(300, 5) * 60).astype(np.float16),
}
SCALED = {
    "standardised": normal(300, 50),
    "between 0 and 1": np.random.RandomState(0).uniform(size=(300, 20)),
    "binary": np.random.RandomState(0).randint(2, size=(300, 20)),
    "one-hot, rare": np.eye(1000),
    "one-hot, rare, standardised": StandardScaler().fit_transform(np.eye(1000)),
    "heavy tails": StandardScaler().fit_transform(
        np.random.RandomState(0).standard_cauchy(size=(5000, 20))
    ),
    "blobs": normal(300, 5) + 4,
    "all zero": np.zeros((300, 5)),
    "one row": normal(1, 5),
}


@pytest.mark.parametrize("name", UNSCALED)
def test_unscaled_inputs_are_told_of(name):
    with pytest.warns(UserWarning, match=r"X looks unscaled.*StandardScaler"):
        warn_of_scale(UNSCALED[name])


@pytest.mark.parametrize("name", SCALED)
def test_scaled_and_binary_inputs_are_not(name):
    assert messages(warn_of_scale, SCALED[name]) == []


def test_real_segments_as_they_come_and_scaled(digits):
    with pytest.warns(UserWarning, match="X looks unscaled"):
        warn_of_scale(digits)
    for scaler in StandardScaler(), SegmentScaler(), SegmentScaler(per="input"):
        assert messages(warn_of_scale, scaler.fit_transform(digits)) == []
    assert messages(warn_of_scale, make_songs(100, random_state=0)[0]) == []


def test_scale_is_judged_by_a_sample_that_spans_all_rows(tmp_path):
    n_rows = 10 * N_SAMPLED
    X = np.memmap(tmp_path / "X", np.float32, "w+", shape=(n_rows, 3))
    X[n_rows // 2 :] = 1000
    asked = []

    class Rows(np.ndarray):
        def __getitem__(self, index):
            asked.append(len(index))
            return super().__getitem__(index)

    with pytest.warns(UserWarning, match="5e\\+02"):
        warn_of_scale(X.view(Rows))
    assert asked == [N_SAMPLED]
    with pytest.warns(UserWarning, match="5e\\+02"):
        warn_of_scale(MappedSongs(X))


def test_padding_has_no_scale():
    padded = stack_segments([normal(n, 5) for n in (2, 4, 6, 3) * 5])
    net = RecurrentClassifier(n_segment_features=5, hidden_size=3, max_epochs=1)
    assert messages(net.fit, padded, [0, 1] * 10) == []
    with pytest.warns(UserWarning, match="X looks unscaled"):
        net.fit(padded * 100, [0, 1] * 10)


def test_fit_and_partial_fit_judge_and_a_scaler_helps():
    X, y = songs()
    with pytest.warns(UserWarning, match="X looks unscaled"):
        clone(DENSE).fit(X * 100, y)
    with pytest.warns(UserWarning, match="X looks unscaled"):
        clone(DENSE).partial_fit(X * 100, y, classes=np.unique(y))
    assert messages(make_pipeline(StandardScaler(), DENSE).fit, X * 100, y) == []


def test_inputs_that_models_compute_are_not_judged():
    X, y = songs()
    sure = LogisticRegression().fit(X, y)
    sure.coef_ *= 1000
    assert np.abs(sure.decision_function(X)).mean() > 20
    combiner = NonlinearCombiner([("sure", sure)], cv="prefit", max_epochs=1)
    assert messages(combiner.fit, X, y) == []
    net = clone(CONV).fit(X, y)
    net.module_.output.weight.data *= 1000
    assert np.abs(net.decision_function(X)).mean() > 20
    for use_hidden in True, False:
        corrected = CorrectingClassifier(
            FrozenEstimator(net), DENSE, use_hidden=use_hidden
        )
        assert messages(corrected.fit, X, y) == []
    with pytest.warns(UserWarning, match="X looks unscaled"):
        corrected.fit(X * 100, y)


# --- the validation part ------------------------------------------------------------

# One cycle has no other end than its last epoch, so nothing else is to be said.
CHOOSING = clone(STOPPING).set_params(lr_schedule="one_cycle")


def test_few_validation_songs():
    X, y = songs()
    few = clone(CHOOSING).set_params(validation_fraction=0.2)
    with pytest.warns(
        UserWarning, match=r"only 18 songs.* validation_fraction=0\.23 to"
    ):
        few.fit(X, y)
    enough = clone(CHOOSING).set_params(validation_fraction=0.23)
    assert messages(enough.fit, X, y) == []
    given = {"X_val": X[:19], "y_val": y[:19]}
    with pytest.warns(UserWarning, match=r"only 19 songs.* Give more songs in X_val"):
        few.fit(X, y, **given)
    assert messages(few.fit, X, y, X_val=X[:20], y_val=y[:20]) == []
    # Nothing is chosen by these: they only draw a curve.
    assert messages(clone(DENSE).fit, X, y, **given) == []


def test_few_songs_of_each_of_many_classes():
    n_classes = 15
    y = np.tile(np.arange(n_classes), 6)
    X = normal(len(y), 10)
    net = clone(CHOOSING)
    with pytest.warns(UserWarning, match="only 27 songs of 15 classes"):
        net.fit(X, y)
    assert messages(net.set_params(validation_fraction=0.4).fit, X, y) == []


@pytest.mark.parametrize("early_stopping", [False, True])
def test_classes_that_the_validation_songs_lack(early_stopping):
    X, y = songs(4)
    net = clone(CHOOSING).set_params(early_stopping=early_stopping)
    lacking = y != "b"
    with pytest.warns(UserWarning, match=r"of 1 of the 4 classes \('b'\).*stratify=y"):
        net.fit(X, y, X_val=X[lacking], y_val=y[lacking])
    assert messages(net.fit, X, y, X_val=X, y_val=y) == []


def test_classes_too_rare_to_be_held_out():
    X, y = songs()
    y[:2] = "z"
    net = clone(CHOOSING).set_params(validation_fraction=0.25)
    with pytest.warns(UserWarning, match=r"\('z'\).*Raise validation_fraction"):
        net.fit(X, y)


# --- convergence --------------------------------------------------------------------


def test_a_loss_that_still_fell_at_the_last_epoch():
    X, y = songs()
    net = clone(STOPPING).set_params(max_epochs=20)
    with pytest.warns(ConvergenceWarning, match=r"max_epochs=20.* Raise max_epochs"):
        net.fit(X, y)
    assert net.best_iter_ > 18


def test_none_where_the_training_is_as_long_as_asked_for():
    X, y = songs()
    for settings in (
        {"early_stopping": False},
        {"lr_schedule": "one_cycle"},
        {"learning_rate": 0.1, "max_epochs": 100},  # stops early
        {"learning_rate": 0.1, "max_epochs": 40, "n_iter_no_change": 100},
    ):
        net = clone(STOPPING).set_params(**settings)
        given = {"X_val": X[60:], "y_val": y[60:]}
        assert messages(net.fit, X[:60], y[:60], **given) == [], settings
    assert net.n_iter_ == 40  # the best long before


def test_nets_inside_say_the_same_of_their_training():
    X, y = songs()
    nets = [("a", clone(DENSE).fit(X, y)), ("b", clone(CONV).fit(X, y))]
    brief = STOPPING.training_parameters() | {"learning_rate": 1e-5}
    for model in (
        JointCombiner(nets, cv="prefit", **brief),
        NonlinearCombiner(nets, cv="prefit", **brief),
        CorrectingClassifier(
            FrozenEstimator(nets[0][1]), FullyConnectedClassifier(**brief)
        ).set_params(corrector__n_segment_features=5),
    ):
        with pytest.warns(ConvergenceWarning, match="Raise max_epochs"):
            model.fit(X, y)


# --- divergence ---------------------------------------------------------------------


@pytest.mark.parametrize("net", [DENSE, CONV])
@pytest.mark.parametrize("max_epochs", [1, 4])
@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}])
def test_a_rate_at_which_the_loss_explodes(net, max_epochs, settings):
    net = clone(net).set_params(learning_rate=1e3, max_epochs=max_epochs, **settings)
    found = [m for m in messages(net.fit, *songs()) if "diverged" in m]
    assert len(found) == 1
    assert re.search(
        r"Standardise X or lower learning_rate, which is 1000\.0", found[0]
    )
    assert f"{max(net.loss_curve_):.3g} in epoch" in found[0]
    assert max(net.loss_curve_) > 1000


def test_a_net_that_died_of_its_rate_and_says_the_same_of_all_songs():
    # Its loss is that of guessing in the end, as if there were nothing to learn.
    X, y = make_songs(300, n_segments=20, n_classes=3, random_state=0)
    net = TimeConvClassifier(n_kernels=10, max_epochs=12, random_state=0)
    net.set_params(learning_rate=1.0, lr_schedule="one_cycle")
    with pytest.warns(ConvergenceWarning, match="The training diverged"):
        net.fit(X, y)
    assert len(np.unique(net.predict(X))) == 1
    assert net.loss_curve_[-1] < 2 * np.log(3) < max(net.loss_curve_) / 10


def test_weights_of_an_epoch_before_the_explosion_are_good():
    X, y = songs()

    class Explode(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 11:
                net.optimizer_.param_groups[0]["lr"] = 1e3

    net = clone(DENSE).set_params(
        learning_rate=0.05, max_epochs=12, callbacks=[Explode()]
    )
    with pytest.warns(ConvergenceWarning, match="in epoch 1[12]"):
        net.fit(X, y)
    net.set_params(early_stopping=True, validation_fraction=0.3, n_iter_no_change=20)
    assert messages(net.fit, X, y) == []
    assert max(net.loss_curve_) > 1000


RARE = np.r_[np.zeros(85, int), np.ones(5, int)]
ORDINARY = {
    "one epoch": {"max_epochs": 1},
    "next to no rate": {"learning_rate": 1e-12},
    "a high rate": {"learning_rate": 0.1, "max_epochs": 20},
    "a penalty that leaves nothing": {"l2": 1e4, "l1": 1e4, "max_epochs": 20},
    "single songs": {"batch_size": 1},
    "balanced": {"class_weight": "balanced", "batch_size": 5},
    "one cycle": {"lr_schedule": "one_cycle", "learning_rate": 0.05},
}


@pytest.mark.parametrize("name", ORDINARY)
@pytest.mark.parametrize("net", [DENSE, CONV])
def test_ordinary_trainings_do_not_diverge(net, name):
    X, y = songs()
    net = clone(net).set_params(**ORDINARY[name])
    heavy = np.r_[1e4, np.ones(len(X) - 1)]
    shuffled = np.random.RandomState(0).permutation(y)  # nothing to be learned
    for labels in y, shuffled, RARE:
        assert messages(net.fit, X, labels) == []
        assert messages(net.fit, X, labels, sample_weight=heavy) == []


def test_a_base_that_is_surely_wrong_is_no_divergence():
    X, y = songs()
    wrong = 50 * (np.unique(y) == np.roll(y, 1)[:, None])
    assert messages(clone(CONV).fit, X, y, base_logits=wrong) == []
    diverging = clone(CONV).set_params(learning_rate=1e3)
    with pytest.warns(ConvergenceWarning, match="The training diverged"):
        diverging.fit(X, y, base_logits=wrong)


# --- kernels and pools that are longer than a song -----------------------------------

SHORT = np.random.RandomState(0).normal(size=(20, 10, 2)), np.arange(20) % 2


def short(**kwargs):
    return TimeConvClassifier(
        n_kernels=3, hidden_layer_sizes=(4,), max_epochs=1, random_state=0, **kwargs
    )


@pytest.mark.parametrize(
    ("kwargs", "told"),
    [
        ({"kernel_height": 500, "pooling": None}, "kernel_height=500 is as kern.*=10"),
        ({"pool_size": 9}, "pool_size=9 is as pool_size=8:"),
        ({"kernel_height": 11, "pool_size": 2}, "kernel_.*=10 and pool_size=2 is.*=1"),
        ({"pool_size": 9, "global_pooling": "mean"}, "pool_size=9 is as pool_size=8"),
    ],
)
def test_nets_that_are_the_same_say_so(kwargs, told):
    with pytest.warns(UserWarning, match=f"For songs this short {told}"):
        short(**kwargs).fit(*SHORT)
    with pytest.warns(UserWarning, match="For songs this short"):
        short(**kwargs).partial_fit(*SHORT, classes=[0, 1])


@pytest.mark.parametrize(
    "kwargs",
    [
        {"kernel_height": 10, "pooling": None},
        {"pool_size": 8},
        # The second layer shrinks, but each of these is another net.
        {"kernel_height": 8, "pooling": None, "n_conv_layers": 2},
        {"pool_size": 20, "pooling": None},
    ],
)
def test_nets_that_differ_do_not(kwargs):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="For songs this short")
        short(**kwargs).fit(*SHORT)


def test_cells_of_a_grid_that_are_the_same_are_told_of():
    grid = {"kernel_height": [3, 10, 20, 30]}
    with pytest.warns(UserWarning, match="For songs this short") as record:
        search = GridSearchCV(short(pooling=None), grid, cv=2, refit=False).fit(*SHORT)
    told = {str(warning.message) for warning in record}
    assert len(told) == 2
    assert sum("20 is" in text or "30 is" in text for text in told) == 2
    scores = search.cv_results_["mean_test_score"]
    assert scores[1] == scores[2] == scores[3]

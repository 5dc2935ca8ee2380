"""The nets, given anything: parameters, songs and labels of every type."""

import numpy as np
from fuzzing import (
    LENGTH,
    N_FEATURES,
    any_containers,
    any_labels,
    check_predictions,
    codes,
    examples,
    nothing_else_changed,
    odd_values,
    outcome,
    seeds,
    song_arrays,
    sound_containers,
    sound_labels,
    three_d,
)
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from sklearn_msd import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
)

LAYERS = st.lists(
    st.sampled_from(["conv", "recurrent", "hidden", "output"]), unique=True
).map(tuple)
SIZES = st.sampled_from([(), (3,), [2, 3], np.array([4])])
TRAINING = {
    "l2": st.sampled_from([0, 0.0, 0.01, np.float32(0.5), 3]),
    "l1": st.sampled_from([0.0, 1e-3, 1]),
    "l2_layers": LAYERS,
    "l1_layers": LAYERS,
    "learning_rate": st.sampled_from([1e-4, 0.01, np.float64(0.1)]),
    "lr_schedule": st.sampled_from(["constant", "one_cycle"]),
    "batch_size": st.sampled_from([1, 4, np.int64(7), 1000]),
    "early_stopping": st.booleans(),
    "validation_fraction": st.sampled_from([0.3, 0.4]),
    "n_iter_no_change": st.sampled_from([1, 2]),
    "class_weight": st.sampled_from([None, "balanced"]),
    "dtype": st.sampled_from(["float32", "float64"]),
    "device": st.sampled_from(["auto", "cpu"]),
    "callbacks": st.sampled_from([None, []]),
    "warm_start": st.booleans(),
}
CONV = {
    "n_kernels": st.sampled_from([1, 3]),
    "n_conv_layers": st.sampled_from([1, 2]),
    "hidden_layer_sizes": SIZES,
}
NETS = {
    FullyConnectedClassifier: {"hidden_layer_sizes": SIZES},
    SegmentConvClassifier: CONV,
    TimeConvClassifier: {
        **CONV,
        "kernel_height": st.sampled_from([1, 2]),
        "pooling": st.sampled_from(["max", "average", None]),
        "pool_size": st.sampled_from([1, 2]),
        "global_pooling": st.sampled_from(
            [None, "mean", "mean_max", ("std",), ["max", "std"], np.array(["mean"])]
        ),
        "summary_norm": st.sampled_from([None, "batch", "layer"]),
        "dropout": st.sampled_from([0, 0.5, np.float32(0.1)]),
    },
    RecurrentClassifier: {
        "cell": st.sampled_from(["gru", "lstm", "tanh"]),
        "hidden_size": st.sampled_from([1, 3]),
        "n_layers": st.sampled_from([1, 2]),
        "bidirectional": st.booleans(),
        "crop_segments": st.sampled_from([None, 2, np.int64(100)]),
    },
}
FIT = ("X", "y", "sample_weight", "base_logits", "X_val", "y_val", "base_logits_val")


@st.composite
def nets(draw):
    """A small net with sound parameters, most of them the default's."""
    cls = draw(st.sampled_from([*NETS]))
    possible = {**TRAINING, **NETS[cls]}
    chosen = draw(st.lists(st.sampled_from([*possible]), max_size=5, unique=True))
    small = {"hidden_layer_sizes": (4,)} if "hidden_layer_sizes" in possible else {}
    if "n_kernels" in possible:
        small["n_kernels"] = 2
    small["validation_fraction"] = 0.3  # so that each class can be in it
    small |= {name: draw(possible[name]) for name in chosen}
    return cls(
        n_segment_features=N_FEATURES,
        max_epochs=draw(st.sampled_from([1, 2])),
        random_state=draw(st.integers(0, 9)),
        **small,
    )


def arguments(net):
    return (*net.get_params(), *FIT)


@examples(2)
@given(nets(), song_arrays(), sound_containers(), sound_labels(), st.data())
def test_sound_songs_of_any_kind_train_the_same_net(net, X, container, labels, data):
    y = labels[1](codes(len(X)))
    given_X = container[1](X)
    arguments = {}
    if data.draw(st.booleans(), "weights"):
        arguments["sample_weight"] = data.draw(
            st.lists(st.floats(0.125, 4, width=16), min_size=len(X), max_size=len(X))
        )
    if data.draw(st.booleans(), "validation"):
        arguments |= {"X_val": given_X, "y_val": y}
    with nothing_else_changed(X):
        assert net.fit(given_X, y, **arguments) is net
    proba = check_predictions(net, given_X, len(X))
    if "X_val" in arguments:
        arguments["X_val"] = X
    plain = clone(net).fit(X, np.ravel(y), **arguments)
    for layout in (X, three_d(X)):
        np.testing.assert_allclose(plain.predict_proba(layout), proba, atol=1e-5)
    hidden = net.hidden_representation(given_X)
    assert len(hidden) == len(X)
    assert np.isfinite(hidden).all()
    assert 0 <= net.score(given_X, y) <= 1
    assert len(net.loss_curve_) == net.n_iter_ <= net.max_epochs
    assert repr(clone(net)) == repr(net)


@examples(3)
@given(nets(), song_arrays(), any_containers(), any_labels(), st.data())
def test_fit_and_predict_give_sense_or_say_what_is_wrong(
    net, X, container, labels, data
):
    wild = data.draw(st.sampled_from(["X", "y", "X at predict", "fit", "both"]))
    given_X = container[1](X) if wild in ("X", "both") else X
    y = codes(len(X))
    y = labels[1](y) if wild in ("y", "both") else y
    more = {}
    if wild == "fit":
        name = data.draw(st.sampled_from(FIT[2:]))
        odd = container[1](X)
        more = {name: data.draw(st.sampled_from([odd, labels[1](codes(len(X)))]))}
        if name in ("X_val", "y_val"):
            more = {"X_val": X, "y_val": y} | more
        if name == "base_logits_val":
            more |= {"X_val": X, "y_val": y}
    with nothing_else_changed(X):
        fitted = outcome(arguments(net), net.fit, given_X, y, **more)
    if fitted is None:
        assert not hasattr(net, "net_")
        outcome(arguments(net), net.predict, X)
        return
    given_X = container[1](X) if wild == "X at predict" else X
    if outcome(arguments(net), net.predict, given_X) is not None:
        check_predictions(net, given_X, len(net.predict(given_X)))


@examples(3)
@given(nets(), song_arrays(), st.data())
def test_odd_parameters_give_sense_or_are_named(net, X, data):
    possible = sorted({*net.get_params()} - {"n_segment_features"})
    names = data.draw(st.lists(st.sampled_from(possible), min_size=1, max_size=2))
    net.set_params(**{name: data.draw(odd_values(name), name) for name in names})
    # A parameter is not named where it is a list's item that is wrong.
    with nothing_else_changed(X):
        fitted = outcome(arguments(net), net.fit, X, codes(len(X)))
    if fitted is not None:
        check_predictions(net, X, len(X))
        outcome(arguments(net), net.partial_fit, X, codes(len(X)))


@examples(1)
@given(nets(), song_arrays(), any_containers(), any_labels(), any_labels(), st.data())
def test_partial_fit_gives_sense_or_says_what_is_wrong(
    net, X, container, labels, classes, data
):
    net.set_params(early_stopping=False)
    wild = data.draw(st.sampled_from(["X", "y", "classes", "nothing"]))
    y = labels[1](codes(len(X))) if wild == "y" else codes(len(X))
    first = classes[1](np.arange(3)) if wild == "classes" else np.unique(codes(9))
    given_X = container[1](X) if wild == "X" else X
    names = (*arguments(net), "classes")
    if wild == "nothing":
        net.partial_fit(X, y, classes=first)
    elif outcome(names, net.partial_fit, given_X, y, classes=first) is None:
        return
    rows = len(net.predict(X)) if wild != "X" else None
    if rows is not None:
        check_predictions(net, X, rows)
    outcome(names, net.partial_fit, given_X, y)


@examples(1)
@given(song_arrays(), st.integers(1, LENGTH), seeds)
def test_padding_changes_nothing_where_songs_may_end_early(X, length, seed):
    """A song's logits do not depend on what pads it."""
    songs = three_d(X).astype(np.float32)
    net = TimeConvClassifier(
        n_segment_features=N_FEATURES,
        kernel_height=1,
        n_kernels=2,
        pooling=None,
        global_pooling="mean",
        hidden_layer_sizes=(),
        max_epochs=1,
        random_state=seed % 10,
    )
    net.fit(songs, codes(len(X)))
    short = songs.copy()
    short[:, length:] = np.nan
    longer = np.pad(short, ((0, 0), (0, 2), (0, 0)), constant_values=np.nan)
    np.testing.assert_allclose(
        net.predict_proba(short), net.predict_proba(longer), atol=1e-6
    )

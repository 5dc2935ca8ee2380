"""Croppers, scalers and stacks of segments, given anything."""

import numpy as np
from fuzzing import (
    N_FEATURES,
    any_containers,
    examples,
    nothing_else_changed,
    odd_values,
    outcome,
    song_arrays,
    sound_containers,
    three_d,
)
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from sklearn_msd import (
    SegmentCropper,
    SegmentScaler,
    SegmentStatistics,
    stack_segments,
)
from sklearn_msd.segments.layout import unstack_segments

CROPPERS = st.builds(
    SegmentCropper,
    st.sampled_from([1, 3, 5, np.int64(8)]),
    crop=st.sampled_from(["center", "start", "random"]),
    pad=st.sampled_from(["repeat", "mean", "zero", "nan"]),
    n_segment_features=st.just(N_FEATURES),
    random_state=st.integers(0, 9),
)
SCALERS = st.builds(
    SegmentScaler,
    per=st.sampled_from(["feature", "input"]),
    n_segment_features=st.just(N_FEATURES),
)
NAMES_OF_STATISTICS = ["mean", "std", "covariance", "change", "quantile"]
STATISTICS = st.builds(
    SegmentStatistics,
    st.lists(st.sampled_from(NAMES_OF_STATISTICS), min_size=1),
    quantiles=st.lists(st.floats(0, 1), min_size=1, max_size=3, unique=True),
    n_segment_features=st.just(N_FEATURES),
)
TRANSFORMERS = CROPPERS | SCALERS | STATISTICS
NAMES = ("X", "songs", "n_segments", "crop", "pad", "per", "statistics", "quantiles")
NAMES += ("n_segment_features", "random_state")


@examples(1)
@given(TRANSFORMERS, song_arrays(), sound_containers())
def test_sound_songs_of_any_kind_are_transformed_alike(transformer, X, container):
    given_X = container[1](X)
    plain = clone(transformer).fit(X).transform(X)
    with nothing_else_changed(X):
        found = transformer.fit(given_X).transform(given_X)
    # Squares, of containers that hold float32.
    squares = isinstance(transformer, SegmentStatistics)
    atol = 1e-4 * max(1, np.abs(X).max()) if squares else 1e-4
    np.testing.assert_allclose(np.ravel(found), np.ravel(plain), rtol=1e-4, atol=atol)
    if isinstance(transformer, SegmentScaler):
        back = np.reshape(transformer.inverse_transform(found), X.shape)
        np.testing.assert_allclose(back, X, rtol=1e-4, atol=1e-3)
    else:
        names = transformer.get_feature_names_out()
        assert found.shape == (len(X), len(names))


@examples(2)
@given(TRANSFORMERS, song_arrays(), any_containers(), any_containers())
def test_transformers_give_sense_or_say_what_is_wrong(transformer, X, first, second):
    with nothing_else_changed(X):
        if outcome(NAMES, transformer.fit, first[1](X)) is None:
            outcome(NAMES, transformer.transform, X)
            return
        found = outcome(NAMES, transformer.transform, second[1](X))
    if found is not None:
        assert found.dtype.kind == "f"
        assert not np.isinf(found).any()
    if isinstance(transformer, SegmentScaler):
        outcome(NAMES, transformer.inverse_transform, second[1](X))
        outcome(NAMES, transformer.partial_fit, second[1](X))


@examples(1)
@given(TRANSFORMERS, song_arrays(), st.data())
def test_odd_parameters_of_transformers_are_named(transformer, X, data):
    name = data.draw(st.sampled_from(sorted(transformer.get_params())))
    transformer.set_params(**{name: data.draw(odd_values(name))})
    with nothing_else_changed(X):
        if outcome(NAMES, transformer.fit, X) is not None:
            outcome(NAMES, transformer.transform, X)


@examples(1)
@given(song_arrays(), any_containers(), st.data())
def test_stacking_is_undone_by_unstacking(X, container, data):
    songs = [
        song[: data.draw(st.integers(1, len(song)))].astype(
            data.draw(st.sampled_from(["f2", "f4", "f8", ">f4", "i2", "?"]))
        )
        for song in three_d(X)
    ]
    with np.errstate(over="ignore"):
        stacked = stack_segments(songs)
    assert stacked.shape == (len(songs), max(map(len, songs)), N_FEATURES)
    for song, again in zip(songs, unstack_segments(stacked), strict=True):
        np.testing.assert_array_equal(again, song)
    for function in (stack_segments, unstack_segments):
        found = outcome(NAMES, function, container[1](X))
        assert found is None or len(found) == len(container[1](X))

"""Tensors, masked arrays and other containers that NumPy would misread."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from sklearn_msd import TimeConvClassifier, stack_segments
from sklearn_msd.datasets import segments_from_audio
from sklearn_msd.segments.as_array import as_array

NUMBERS = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(NUMBERS),
        torch.tensor(NUMBERS, requires_grad=True),
        torch.tensor(NUMBERS, dtype=torch.bfloat16),
        torch.tensor(NUMBERS.T.copy()).T,
    ],
    ids=["plain", "with gradient", "bfloat16", "transposed"],
)
def test_tensors_become_the_same_numbers(tensor):
    found = as_array(tensor)
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, NUMBERS)


def test_what_is_masked_is_missing():
    whole = np.ma.array(NUMBERS, mask=False)
    assert type(as_array(whole)) is np.ndarray
    masked = np.ma.masked_equal(NUMBERS.astype(int), 4)
    expected = np.where(NUMBERS == 4, np.nan, NUMBERS)
    np.testing.assert_array_equal(as_array(masked), expected)


NOT_TO_BE_HELD = {
    "sparse": torch.tensor(NUMBERS).to_sparse(),
    "without data": torch.empty(2, 3, device="meta"),
    "records": np.zeros(2, [("a", "f4")]),
    "dates": NUMBERS.astype("M8[s]"),
    "durations": NUMBERS.astype("m8[s]"),
}


@pytest.mark.parametrize("kind", NOT_TO_BE_HELD)
def test_what_holds_no_numbers_is_named(kind):
    with pytest.raises(TypeError, match="songs must"):
        as_array(NOT_TO_BE_HELD[kind], "songs")


def test_all_else_is_handed_on_as_it_is():
    for value in (NUMBERS, NUMBERS.tolist(), "songs", None):
        assert as_array(value) is value


# Whoever takes songs or samples takes them so.


def test_nets_train_on_bfloat16_and_on_tensors_with_gradients():
    X = np.random.default_rng(0).integers(-4, 5, size=(12, 20)).astype(float)
    y = np.arange(12) % 2
    net = TimeConvClassifier(n_segment_features=5, max_epochs=1, random_state=0)
    expected = net.fit(X, y).predict_proba(X)
    for tensor in (
        torch.tensor(X, requires_grad=True),
        torch.tensor(X, dtype=torch.bfloat16),
    ):
        found = net.fit(tensor, y).predict_proba(tensor)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_weights_and_logits_may_be_tensors_with_gradients():
    X = np.random.default_rng(0).normal(size=(12, 20))
    y, weight, logits = np.arange(12) % 2, np.arange(1.0, 13), X[:, :2]
    net = TimeConvClassifier(n_segment_features=5, max_epochs=1, random_state=0)
    expected = net.fit(X, y, weight, logits).predict_proba(X)
    given = [torch.tensor(array, requires_grad=True) for array in (weight, logits)]
    np.testing.assert_array_equal(net.fit(X, y, *given).predict_proba(X), expected)
    for name in ("sample_weight", "base_logits"):
        with pytest.raises(TypeError, match=f"{name} must be a dense tensor"):
            net.fit(X, y, **{name: torch.empty(12, device="meta")})


@pytest.mark.parametrize("kind", NOT_TO_BE_HELD)
def test_nets_refuse_what_holds_no_numbers(kind):
    with pytest.raises(TypeError, match="X must"):
        TimeConvClassifier(n_segment_features=3).fit(NOT_TO_BE_HELD[kind], [0, 1])


def test_nets_refuse_masked_songs_as_missing():
    X = np.ma.masked_equal(np.arange(24.0).reshape(4, 6), 8)
    with pytest.raises(ValueError, match="X contains NaN"):
        TimeConvClassifier(n_segment_features=3).fit(X, [0, 1, 0, 1])


def test_songs_are_stacked_from_tensors_with_gradients():
    songs = [torch.ones(2, 3, requires_grad=True), torch.zeros(4, 3)]
    assert stack_segments(songs).shape == (2, 4, 3)
    with pytest.raises(TypeError, match=r"songs\[1\] must be a dense tensor"):
        stack_segments([songs[0], torch.empty(4, 3, device="meta")])


def test_audio_is_taken_from_tensors_with_gradients():
    pytest.importorskip("librosa")
    samples = np.sin(np.arange(8000.0))
    expected = segments_from_audio(samples, 8000)
    found = segments_from_audio(torch.tensor(samples, requires_grad=True), 8000)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(TypeError, match="samples must be a dense tensor"):
        segments_from_audio(torch.tensor(samples).to_sparse(), 8000)


def test_who_has_no_tensors_needs_not_wait_for_pytorch():
    code = "import sys, sklearn_msd.datasets as d; d.make_songs(2); d.AudioSegmenter"
    code += "; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False"

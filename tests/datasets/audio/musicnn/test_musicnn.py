"""The net and its features against the original under TensorFlow."""

import glob
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from musicnn_signals import FRAMES, noise, random_patch, speech, tones

from sklearn_msd.datasets.audio.musicnn import features

REFERENCE = Path(__file__).with_name("musicnn_reference.npz")
DIGITS = features.WEIGHTS.parents[2] / "data" / "spoken_digits"
LAYERS = ["timbral", "temporal", "cnn1", "cnn2", "cnn3"]
POOLED = ["mean_pool", "max_pool", "penultimate", "logits"]


def layer_of(samples, rate, output="penultimate"):
    segments, start = features.musicnn_segments(samples, rate, output)
    np.testing.assert_allclose(start, 2.992 * np.arange(len(segments)))
    return segments


@pytest.fixture(scope="module")
def reference():
    with np.load(REFERENCE) as arrays:
        return dict(arrays)


def signal_patches(name):
    if name == "random_patch":
        return random_patch()
    pytest.importorskip("librosa")
    signal = {"noise": noise, "tones": tones, "speech": lambda: speech(DIGITS)}[name]()
    return np.concatenate(list(features._batches(*signal, "cpu")))


@pytest.mark.parametrize("name", ["random_patch", "noise", "tones", "speech"])
def test_every_layer_is_as_in_the_original(name, reference):
    patches = signal_patches(name)
    np.testing.assert_allclose(patches[:, FRAMES], reference[f"{name}/mel"], atol=1e-4)
    with torch.inference_mode():
        layers = features._net(torch.device("cpu")).layers(torch.from_numpy(patches))
    for layer in LAYERS + POOLED:
        values = layers[layer].numpy()
        if layer in LAYERS:
            values = values.transpose(0, 2, 1)[:, FRAMES]
        expected = reference[f"{name}/{layer}"]
        # Single precision: values up to 100 are sums of thousands of products.
        atol = 1e-5 * max(10, np.abs(expected).max())
        np.testing.assert_allclose(values, expected, rtol=0, atol=atol, err_msg=layer)


def test_the_net_takes_patches_of_any_length():
    net = features._net(torch.device("cpu"))
    assert net(torch.zeros(2, 50, 96)).shape == (2, 50)


def test_batches_change_nothing(monkeypatch):
    pytest.importorskip("librosa")
    samples, rate = noise()
    samples = np.tile(samples, 2)
    one = layer_of(samples, rate)
    monkeypatch.setitem(features.BATCH, "cpu", 3)
    np.testing.assert_allclose(layer_of(samples, rate), one, atol=1e-5)
    assert one.shape == (4, 200)


@pytest.mark.parametrize("n_samples", [1, 100, 47_615])
def test_short_recordings_are_repeated(n_samples):
    pytest.importorskip("librosa")
    samples, rate = noise()
    short = layer_of(samples[:n_samples], rate, "tags")
    assert short.shape == (1, len(features.TAGS))
    filled = np.resize(samples[:n_samples], 50_000)
    np.testing.assert_allclose(short, layer_of(filled, rate, "tags"), atol=0.05)


@pytest.mark.parametrize("output", features.N_OUTPUTS)
def test_outputs_have_their_widths(output):
    pytest.importorskip("librosa")
    found = layer_of(*noise(), output)
    assert found.shape == (2, features.N_OUTPUTS[output])
    assert found.dtype == np.float32


def test_there_is_a_name_for_each_tag():
    assert len(set(features.TAGS)) == features.N_OUTPUTS["tags"] == 50


def test_pytorchs_global_modes_change_nothing():
    pytest.importorskip("librosa")
    expected, _ = features.musicnn_segments(*noise())
    features._net.cache_clear()
    torch.set_default_dtype(torch.float64)
    try:
        found = layer_of(*noise())
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(found, expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer_of(*noise())
    np.testing.assert_array_equal(found, expected)
    features._net.cache_clear()
    with torch.device("meta"):
        found = layer_of(*noise())
    np.testing.assert_array_equal(found, expected)


def test_every_licence_in_the_package_is_named_for_the_wheel():
    root = Path(__file__).parents[4]
    if not (root / "pyproject.toml").exists():
        pytest.skip("there is no pyproject.toml beside the tests")
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    # As hatchling does it: ** is not recursive.
    named = {
        path
        for pattern in project["license-files"]
        for path in glob.glob(pattern, root_dir=root)
    }
    lying = {
        str(path.relative_to(root)) for path in root.glob("sklearn_msd/**/LICENSE*")
    }
    assert "sklearn_msd/datasets/audio/musicnn/LICENSE-musicnn.txt" in lying
    assert lying <= named


@pytest.mark.slow
def test_features_of_real_music_are_the_originals(shared_data):
    """On 100 excerpts, where they lie beside the repository."""
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("librosa")
    with np.load(shared_data / "gtzan100_musicnn.npz") as arrays:
        original = dict(arrays)
    offsets = original["offsets"]
    for name, first, last in zip(
        original["track_id"], offsets[:-1], offsets[1:], strict=True
    ):
        stem = name.removesuffix(".wav")
        path = shared_data / "gtzan100" / stem.partition(".")[0] / f"{stem}.flac"
        samples, rate = soundfile.read(path, dtype="float32")
        for output in features.N_OUTPUTS:
            found = layer_of(samples, rate, output)
            np.testing.assert_allclose(found, original[output][first:last], atol=1e-4)

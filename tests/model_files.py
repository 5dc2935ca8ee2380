"""Small models, and files of them that are not as they were written."""

import hashlib
import json

import numpy as np
import safetensors.numpy

from sklearn_msd import TimeConvClassifier
from sklearn_msd.common.files.model_file import FORMAT
from sklearn_msd.datasets import make_songs

N_SEGMENTS = 6
SHORT = {"max_epochs": 2, "batch_size": 10, "random_state": 0}


def songs(dtype=np.float32):
    X, y = make_songs(40, n_segments=N_SEGMENTS, n_classes=3, random_state=0)
    return (5 * X - 3).astype(dtype), np.array(["Jazz", "Pop", "Rock"])[y]


def conv(**kwargs):
    sizes = {"n_kernels": 4, "hidden_layer_sizes": (6,)}
    return TimeConvClassifier(**sizes, **SHORT | kwargs)


def outputs(estimator, X):
    """Whatever it can say of songs."""
    methods = (
        *("predict", "predict_proba", "predict_log_proba", "decision_function"),
        *("hidden_representation", "correction", "transform"),
    )
    found = {}
    for method in methods:
        if hasattr(estimator, method):
            found[method] = getattr(estimator, method)(X)
    return found


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, values in first.items():
        assert second[name].dtype == values.dtype
        np.testing.assert_array_equal(second[name], values, err_msg=name)


def resealed(content, change):
    """The file with its manifest changed and all digests right again."""
    tensors = safetensors.numpy.load(content)
    manifest = json.loads(tensors["manifest.json"].tobytes())
    text = change(manifest)
    if text is None:
        text = json.dumps(manifest).encode()
    tensors["manifest.json"] = np.frombuffer(text, np.uint8)
    header = {"format": FORMAT, "sha256": hashlib.sha256(text).hexdigest()}
    return safetensors.numpy.save(tensors, {"sklearn_msd": json.dumps(header)})

"""Make musicnn_reference.npz: what the original musicnn gives for test signals.

In an environment of its own (Python 3.11; tensorflow-cpu 2.15, librosa 0.11,
soundfile), with the wheel of musicnn 0.1.0 unpacked to the folder MUSICNN, from the
root of the repository:

    python tools/musicnn_reference.py MUSICNN sklearn_msd/datasets/data/spoken_digits

The original's extractor rounds mel energies to half precision, which changes its tags
by 5e-5; here they keep single precision.
"""

import argparse
import sys
from pathlib import Path

import librosa
import numpy as np
import tensorflow as tf

TESTS = Path("tests/datasets/audio/musicnn")
sys.path.insert(0, str(TESTS))
from musicnn_signals import FRAMES, noise, random_patch, speech, tones  # noqa: E402

LAYERS = ("logits", "timbral", "temporal", "cnn1", "cnn2", "cnn3")
LAYERS += ("mean_pool", "max_pool", "penultimate")


def patches(samples, rate):
    """Compressed mel spectra, (n, 187, 96)."""
    samples = librosa.resample(samples, orig_sr=rate, target_sr=16_000)
    mel = librosa.feature.melspectrogram(
        y=samples, sr=16_000, n_fft=512, hop_length=256, n_mels=96
    )
    frames = np.log10(10_000 * mel.T + 1)
    n = len(frames) // 187
    return frames[: n * 187].reshape(n, 187, 96)


def original(folder):
    """Return a function from patches to the outputs of the layers."""
    sys.path.insert(0, str(folder))
    tf.compat.v1.disable_eager_execution()
    from musicnn.models import define_model

    x = tf.compat.v1.placeholder(tf.float32, [None, 187, 96])
    training = tf.compat.v1.placeholder(tf.bool)
    with tf.name_scope("model"):
        outputs = define_model(x, training, "MSD_musicnn", 50)
    session = tf.compat.v1.Session()
    tf.compat.v1.train.Saver().restore(session, f"{folder}/musicnn/MSD_musicnn/")
    return lambda batch: dict(
        zip(LAYERS, session.run(outputs, {x: batch, training: False}), strict=True)
    )


def main():
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("musicnn", type=Path)
    parser.add_argument("spoken_digits", type=Path)
    arguments = parser.parse_args()
    run = original(arguments.musicnn)
    inputs = {
        "noise": patches(*noise()),
        "tones": patches(*tones()),
        "speech": patches(*speech(arguments.spoken_digits)),
        "random_patch": random_patch(),
    }
    arrays = {}
    for signal, batch in inputs.items():
        arrays[f"{signal}/mel"] = batch[:, FRAMES]
        for layer, values in run(batch).items():
            values = values.reshape(*values.shape[:3])  # without a last axis of 1
            whole = values if values.ndim == 2 else values[:, FRAMES]
            arrays[f"{signal}/{layer}"] = whole
    np.savez_compressed(TESTS / "musicnn_reference.npz", **arrays)


if __name__ == "__main__":
    main()

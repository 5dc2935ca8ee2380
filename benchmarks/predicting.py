"""Predicting: ours against the same net in ONNX Runtime, for one song and for many.

    python benchmarks/predicting.py [--threads 1] [--songs 100000] [--repeats 5]

Both give probabilities of the same songs, in turn. One song is a call for a single
song, its latency; ONNX Runtime checks no more of it than its shape, a scikit-learn
estimator all that one has to. Many songs are one call of ours, and calls of ONNX
Runtime with as many songs at a time as are fastest there. The last column is what
predicting many adds to the process's largest memory.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Iterator

import numpy as np
import onnxruntime
import torch
from measuring import by, in_turn, median, print_head, print_table

from sklearn_msd import (
    FullyConnectedClassifier,
    RecurrentClassifier,
    SegmentConvClassifier,
    TimeConvClassifier,
    to_onnx,
)
from sklearn_msd.datasets import make_songs

NETS = {
    "fully connected": FullyConnectedClassifier(),
    "segment": SegmentConvClassifier(),
    "time, max pool 2": TimeConvClassifier(),
    "time, no pool": TimeConvClassifier(pooling=None),
    "time, average pool 2": TimeConvClassifier(pooling="average"),
    "recurrent": RecurrentClassifier(),
}
AT_ONCE = 64  # of 1, 16, 64, 256 and 1024 the fastest for most nets in ONNX Runtime


def largest_memory() -> float:
    """MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rows(options: argparse.Namespace) -> Iterator[list[str]]:
    """Measure one net after the other."""
    X, y = make_songs(200, random_state=0)
    y[:10] = np.arange(10)
    songs = np.resize(X.astype(np.float32), (options.songs, X.shape[1]))
    one = songs[:1]
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    for name, net in NETS.items():
        net.set_params(max_epochs=1, random_state=0).fit(X, y)
        with tempfile.TemporaryDirectory() as folder:
            to_onnx(net, f"{folder}/net.onnx")
            session = onnxruntime.InferenceSession(f"{folder}/net.onnx", settings)

        def onnx(songs: np.ndarray, session=session) -> list:
            return [
                session.run(["probabilities"], {"X": songs[i : i + AT_ONCE]})[0]
                for i in range(0, len(songs), AT_ONCE)
            ]

        ours = net.predict_proba
        assert np.allclose(ours(songs[:100]), np.vstack(onnx(songs[:100])), atol=1e-5)
        before = largest_memory()
        ours(songs)
        grown = largest_memory() - before
        many = in_turn(
            {"ours": lambda f=ours: f(songs), "onnx": lambda f=onnx: f(songs)},
            options.repeats,
        )

        def hundred(call) -> None:
            for _ in range(100):
                call(one)

        single = in_turn(
            {"ours": lambda f=ours: hundred(f), "onnx": lambda f=onnx: hundred(f)},
            options.repeats,
        )
        yield [
            name,
            f"{len(songs) / median(many['ours']):.0f}",
            f"{by(many['ours'], many['onnx']):.2f}",
            f"{median(single['ours']) * 1e4:.0f}",
            f"{median(single['onnx']) * 1e4:.0f}",
            f"{grown:.0f}",
        ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print_head()
    torch.set_num_threads(options.threads)
    print(f"Predicting {options.songs} songs and one, {options.threads} thread(s)")
    print_table(
        [
            "net",
            "ours, songs/s",
            "ONNX Runtime's time by ours",
            "one song, ours, µs",
            "one song, ONNX Runtime, µs",
            "MB more",
        ],
        rows(options),
    )


if __name__ == "__main__":
    main()

"""
Grid search on a Dask cluster
=============================

The songs stay on disk: each worker reads what it trains on. A script, not run here::

    python examples/dask_search.py [scheduler address]

Without an address, two worker processes on this machine are the cluster. Needs the
extra ``distributed``.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack

import joblib
import numpy as np
from distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sklearn_msd import TimeConvClassifier
from sklearn_msd.datasets import MappedSongs, make_songs


def main(address: str | None = None) -> GridSearchCV:
    with ExitStack() as stack:
        # Workers read the songs themselves: on a cluster, a folder that all can see.
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        X, y = make_songs(400, n_segments=20, n_classes=2, random_state=0)
        np.save(f"{folder}/songs.npy", X)
        songs = MappedSongs(np.load(f"{folder}/songs.npy", mmap_mode="r"))

        if address is None:
            cluster = stack.enter_context(
                LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
            )
            client = Client(cluster)
        else:
            client = Client(address)
        stack.enter_context(client)

        # Lists travel with each fit. joblib puts an array on one of the workers, and
        # with that worker it would be lost.
        labels = y.tolist()
        folds = [
            (train.tolist(), test.tolist())
            for train, test in StratifiedKFold(3).split(songs, labels)
        ]
        search = GridSearchCV(
            TimeConvClassifier(n_kernels=10, max_epochs=3, random_state=0),
            {"kernel_height": [1, 3], "l2": [0.001, 0.01]},
            cv=folds,
        )
        with joblib.parallel_config(backend="dask"):
            search.fit(songs, labels)
    print(f"{search.best_score_:.3f} with {search.best_params_}")
    return search


if __name__ == "__main__":  # worker processes import this file
    main(*sys.argv[1:])

"""Fitted estimators in one file of JSON and safetensors; nothing is pickled."""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import sklearn
import skorch
import torch

import sklearn_msd
from sklearn_msd.common.files.model_file import (
    read_model_file,
    refusing,
    write_model_file,
)
from sklearn_msd.common.pytorch.modes import plain_torch
from sklearn_msd.common.scikit_learn.private import parse_version
from sklearn_msd.saving.format_1 import Format1Decoder
from sklearn_msd.saving.object_graph import GraphDecoder, GraphEncoder

_DECODERS = {1: Format1Decoder, 2: GraphDecoder}


def save(
    estimator: Any,
    path: str | os.PathLike[str],
    *,
    metadata: Mapping[str, Any] | None = None,
    optimizer: bool = True,
) -> None:
    """Save an estimator to one file of JSON and arrays, without pickle.

    The file is written atomically: it is there complete, or not at all. Saving the same
    model twice with the same versions gives the same bytes.

    Parameters
    ----------
    estimator : estimator
        Fitted or not: any of this package, pipelines of them with scikit-learn's
        scalers, and scikit-learn's linear models, voting, bagging, stacking and
        calibration over these.
    path : str or path-like
        Where to; a file that is there is replaced. The names of files are up to you;
        ``.msd`` is what the command line uses.
    metadata : mapping, default=None
        What else is to be known of the model, as JSON can hold it: where its songs
        are from, how well it does. :func:`load` passes it over;
        ``sklearn-msd info`` shows it.
    optimizer : bool, default=True
        Keep the state of each net's optimiser, from which `partial_fit` goes on as if
        nothing had been saved. It is two numbers for each weight: a file without it is
        a third of the size, and predicts the same.

    Raises
    ------
    TypeError
        If there is something in the estimator that cannot be saved, such as a
        callback, a function or another library's model; the message says where.
        If `metadata` holds what JSON cannot.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Read the file.
    to_onnx : For serving without Python.

    Notes
    -----
    Of a skorch net, the module, the history, the parameters and the optimiser are kept,
    as they are by pickling; callbacks are not. Folders of caches (`memory`) and
    files of checkpoints are not part of a model.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_msd import TimeConvClassifier, load, save
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(100, n_classes=3, random_state=0)
    >>> net = TimeConvClassifier(max_epochs=1, random_state=0)
    >>> model = make_pipeline(StandardScaler(), net).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/model.msd")
    ...     loaded = load(f"{folder}/model.msd")
    >>> bool((loaded.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    encoder = GraphEncoder(optimizer=optimizer)
    manifest = {
        "root": encoder.encode(estimator, type(estimator).__name__),
        "objects": encoder.objects,
        "versions": _versions(),
    }
    if metadata is not None:
        manifest["metadata"] = dict(metadata)
    write_model_file(path, manifest, encoder.arrays)


def load(path: str | os.PathLike[str], *, max_bytes: int = 2**32) -> Any:
    """Load an estimator that :func:`save` wrote.

    No code of the file's is run: only this package's classes and a list of
    scikit-learn's are made, from plain values and arrays. The digests find damage;
    they do not tell who wrote the file.

    Parameters
    ----------
    path : str or path-like
    max_bytes : int, default=2**32
        Larger files are refused before they are read. Nothing is compressed, and no
        array takes more memory than it takes up in the file.

    Returns
    -------
    estimator
        Its predictions are those of the one saved, to the bit, with the same versions
        on the same kind of machine. A net from a device that is not available here is
        put on the CPU.

    Raises
    ------
    ValueError
        If the file is damaged, too large, no model or of a later format.
    OSError
        If it cannot be read.

    Warns
    -----
    UserWarning
        If it was saved by a later version of this package.
    InconsistentVersionWarning
        If scikit-learn's parts are from another version of scikit-learn.

    See Also
    --------
    save : Write the file; with an example.
    """
    manifest, tensors = read_model_file(path, max_bytes)
    with refusing(path), plain_torch():
        decoder = _DECODERS[manifest["format"]](manifest["objects"], tensors.pop)
        estimator = decoder.decode(manifest["root"])
        saved_by = manifest["versions"]["sklearn_msd"]
        later = parse_version(saved_by) > parse_version(sklearn_msd.__version__)
    if later:
        warnings.warn(
            f"{os.fspath(path)} was saved by sklearn_msd {saved_by}, later than this "
            f"{sklearn_msd.__version__}; parameters that are new there have no effect.",
            stacklevel=2,
        )
    return estimator


def read_metadata(
    path: str | os.PathLike[str], *, max_bytes: int = 2**32
) -> tuple[dict[str, str], dict[str, Any]]:
    """Read what a model file says of itself; the model is not made.

    Parameters
    ----------
    path, max_bytes
        As for :func:`load`.

    Returns
    -------
    versions : dict of str to str
        Of the packages that wrote the file.
    metadata : dict
        As it was given to :func:`save`; empty if none was.

    Raises
    ------
    ValueError, OSError
        As :func:`load`.
    """
    manifest, _ = read_model_file(path, max_bytes)
    with refusing(path):
        return dict(manifest["versions"]), dict(manifest.get("metadata", {}))


def _versions() -> dict[str, str]:
    """What made the file: for people, and for warnings."""
    modules = (sklearn_msd, sklearn, skorch, torch, np)
    versions = {module.__name__: str(module.__version__) for module in modules}
    return {"python": platform.python_version()} | versions

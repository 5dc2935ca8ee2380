"""Fitted classifiers as ONNX graphs, for serving without Python.

Each estimator becomes a PyTorch module that computes what it does with NumPy: scaling
and combining in float64, nets in float32, in which alone ONNX Runtime can convolve.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from sklearn_msd.classifiers.base import BaseSegmentClassifier
from sklearn_msd.classifiers.sparse_refit import SparseRefitClassifier
from sklearn_msd.combining.correcting import CorrectingClassifier
from sklearn_msd.combining.linear import LinearCombiner
from sklearn_msd.combining.nonlinear import NonlinearCombiner
from sklearn_msd.common.files.atomic import atomic_file, checked_path
from sklearn_msd.common.optional import import_optional
from sklearn_msd.common.pytorch.modes import plain_torch
from sklearn_msd.datasets.audio.segmenter import AudioSegmenter
from sklearn_msd.nets.recurrent import RecurrentNet
from sklearn_msd.segments.scaler import SegmentScaler


def to_onnx(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted classifier as an ONNX file.

    The graph takes ``X``, flat songs in float32, (n_songs, `n_features_in_`) with any
    number of songs, and gives ``probabilities`` and ``logits``, (n_songs, n_classes)
    each. The labels are in the file's metadata, under ``classes``, as a JSON list.

    Parameters
    ----------
    estimator : classifier
        A net, :class:`SparseRefitClassifier`, a combiner or a corrector over nets and
        logistic regressions, or a pipeline of one of these after `SegmentScaler` or
        scikit-learn's scalers by mean, range, maximum or quantiles. Of a pipeline that
        begins with `AudioSegmenter`, such as ``sklearn-msd train`` writes, the part
        after it: its output is what the graph takes.
    path : str or path-like
        Where to; a file that is there is replaced, whole or not at all.

    Raises
    ------
    ImportError
        If the extra ``onnx`` is not installed.
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If there is a part in it that has no ONNX graph; the message names it.
    OSError
        If the file cannot be written.

    See Also
    --------
    save : For use from Python.

    Notes
    -----
    `TimeConvClassifier` with `global_pooling` takes songs that end in segments of NaN
    in the graph too. The graph of a `RecurrentClassifier` takes songs of full length
    only: for one with NaN in it, its outputs are NaN. Nets of ``dtype="float64"``
    compute in float32 there. PyTorch takes seconds to write a graph, but up to a minute
    where a net is recurrent.

    Examples
    --------
    >>> import numpy as np
    >>> import onnxruntime
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_msd import SegmentConvClassifier, to_onnx
    >>> from sklearn_msd.datasets import make_songs
    >>> X, y = make_songs(100, n_segments=10, n_classes=3, random_state=0)
    >>> net = SegmentConvClassifier(max_epochs=2, random_state=0)
    >>> model = make_pipeline(StandardScaler(), net).fit(X, y)
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_onnx(model, f"{folder}/model.onnx")
    ...     session = onnxruntime.InferenceSession(f"{folder}/model.onnx")
    >>> songs = {"X": X[:7].astype(np.float32)}
    >>> (probabilities,) = session.run(["probabilities"], songs)
    >>> bool(np.allclose(probabilities, model.predict_proba(X[:7]), atol=1e-5))
    True
    """
    import_optional("onnx", "onnx")
    import_optional("onnxscript", "onnx")
    checked_path(path)
    check_is_fitted(estimator)
    if isinstance(estimator, Pipeline) and isinstance(estimator[0], AudioSegmenter):
        estimator = estimator[1:]
    graph = _Classifier(_scores(estimator)).eval()
    songs = torch.zeros(2, estimator.n_features_in_, dtype=torch.float32, device="cpu")
    with plain_torch(), _quiet_torch():
        program = torch.onnx.export(
            graph,
            (songs,),
            dynamo=True,
            input_names=["X"],
            output_names=["probabilities", "logits"],
            dynamic_shapes=({0: torch.export.Dim("n_songs")},),
            verbose=False,
        )
    if program is None:
        raise RuntimeError("PyTorch exported no graph.")
    program.model.metadata_props["classes"] = json.dumps(estimator.classes_.tolist())
    with atomic_file(path) as file:
        file.write(program.model_proto.SerializeToString())


@contextmanager
def _quiet_torch() -> Iterator[None]:
    """Keep PyTorch from telling users of its own affairs, by warnings or in its log.

    It says, for one, which operators of torchvision it skips where that is missing.
    """
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _scores(estimator: Any) -> Any:
    """The module that gives an estimator's logits."""
    match estimator:
        case FrozenEstimator():
            return _scores(estimator.estimator)
        case Pipeline():
            scores = _scores(estimator[-1])
            for _, step in reversed(estimator.steps[:-1]):
                if step is not None and step != "passthrough":
                    scores = _Scaled(_scaler(step), scores)
            return scores
        case BaseSegmentClassifier():
            return _Net(estimator)
        case SparseRefitClassifier():
            return _Net(estimator.estimator_)
        case LogisticRegression():
            coef, intercept = estimator.coef_, estimator.intercept_
            if len(coef) == 1:  # one score for two classes
                coef = np.vstack([-coef, coef]) / 2
                intercept = np.hstack([-intercept, intercept]) / 2
            return _Linear(coef, intercept)
        case LinearCombiner():
            combiner = _Linear(estimator.coef_, estimator.intercept_)
            return _Stacked(estimator.estimators_, combiner)
        case NonlinearCombiner():
            return _Stacked(estimator.estimators_, _scores(estimator.final_estimator_))
        case CorrectingClassifier():
            return _Corrected(estimator)
    raise TypeError(
        f"{type(estimator).__name__} has no ONNX graph here: nets, combiners and "
        "correctors over nets, logistic regression and pipelines of scalers and these "
        "were expected."
    )


def _scaler(step: Any) -> _Affine:
    """The module that does what a fitted scaler does."""
    width = getattr(step, "n_features_in_", 0)
    match step:
        case StandardScaler():
            return _Affine(width, step.mean_, step.scale_)
        case SegmentScaler():
            n = width // len(step.mean_)
            return _Affine(width, np.tile(step.mean_, n), np.tile(step.scale_, n))
        case RobustScaler():
            return _Affine(width, step.center_, step.scale_)
        case MaxAbsScaler():
            limits = (-1, 1) if getattr(step, "clip", False) else None
            return _Affine(width, None, step.scale_, limits)
        case MinMaxScaler():
            limits = step.feature_range if step.clip else None
            return _Affine(width, -step.min_ / step.scale_, 1 / step.scale_, limits)
    raise TypeError(
        f"{type(step).__name__} has no ONNX graph here: SegmentScaler, StandardScaler, "
        "RobustScaler, MaxAbsScaler or MinMaxScaler was expected."
    )


class _Classifier(nn.Module):
    """Probabilities and logits."""

    def __init__(self, scores: nn.Module) -> None:
        super().__init__()
        self.scores = scores

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.scores(x)
        return logits.softmax(dim=1), logits


class _Net(nn.Module):
    """A net of this package, in float32."""

    def __init__(self, estimator: BaseSegmentClassifier) -> None:
        super().__init__()
        self.net = copy.deepcopy(estimator.module_).cpu().float().eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.representation(x))

    def representation(self, x: Tensor) -> Tensor:
        hidden = self.net.representation(x.float())
        if isinstance(self.net, RecurrentNet):  # would read zeros for the padding
            padded = x.isnan().any(dim=1, keepdim=True)
            hidden = hidden.masked_fill(padded, torch.nan)
        return hidden

    def output(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.net.output(hidden)
        return logits


class _Scaled(nn.Module):
    """Scores of scaled songs."""

    def __init__(self, scaler: _Affine, scores: Any) -> None:
        super().__init__()
        self.scaler, self.scores = scaler, scores

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.scores(self.scaler(x))
        return logits

    def representation(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.scores.representation(self.scaler(x))
        return hidden

    def output(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.scores.output(hidden)
        return logits


class _Affine(nn.Module):
    """``(x - shift) / scale``, within limits."""

    def __init__(
        self, width: int, shift: Any, scale: Any, limits: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        self.shift = _float64(np.zeros(width) if shift is None else shift)
        self.scale = _float64(np.ones(width) if scale is None else scale)
        self.limits = limits

    def forward(self, x: Tensor) -> Tensor:
        x = (x.double() - self.shift) / self.scale
        return x if self.limits is None else x.clamp(*self.limits)


class _Linear(nn.Module):
    """A linear model in float64."""

    def __init__(self, coef: np.ndarray, intercept: np.ndarray) -> None:
        super().__init__()
        self.coef, self.intercept = _float64(coef), _float64(intercept)

    def forward(self, x: Tensor) -> Tensor:
        return x.double() @ self.coef.T + self.intercept


class _Stacked(nn.Module):
    """A combiner on the logits of its bases, side by side."""

    def __init__(self, bases: Sequence[Any], combiner: nn.Module) -> None:
        super().__init__()
        self.bases = nn.ModuleList(_scores(base) for base in bases)
        self.combiner = combiner

    def forward(self, x: Tensor) -> Tensor:
        scores = [base(x).double() for base in self.bases]
        logits: Tensor = self.combiner(torch.cat(scores, dim=1))
        return logits


class _Corrected(nn.Module):
    """A base, and correctors on the sum so far."""

    def __init__(self, estimator: CorrectingClassifier) -> None:
        super().__init__()
        self.base = _scores(estimator.estimator_)
        self.correctors = nn.ModuleList(map(_scores, estimator.correctors_))
        pairs = estimator.combiners_ if estimator.combine == "linear" else []
        self.combiners = nn.ModuleList(_Linear(*pair) for pair in pairs)
        self.use_hidden = estimator.use_hidden
        self.shares = estimator._shares

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.base(x)
        rows = x
        if self.use_hidden:
            parts = [x, self.base.representation(x), logits]
            rows = torch.cat([part.double() for part in parts], dim=1)
        for stage, corrector in enumerate(self.correctors):
            correction: Tensor = corrector(rows)
            if self.combiners:
                both = torch.cat([logits, correction], dim=1)
                correction = self.combiners[stage](both) - logits
            logits = logits + self.shares[stage] * correction
        return logits


def _float64(array: Any) -> nn.Buffer:
    return nn.Buffer(torch.tensor(array, dtype=torch.float64))

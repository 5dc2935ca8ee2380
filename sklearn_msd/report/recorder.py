"""A callback that records a training's predictions, whatever it is that trains."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from skorch.helper import predefined_split
from torch.nn.functional import cross_entropy

Batch = tuple[dict[str, torch.Tensor], torch.Tensor]


@dataclass
class OutputHistory:
    """What one output of a net says of the validation songs, epoch by epoch.

    Attributes
    ----------
    losses : list of float
        Mean cross-entropy of the songs, without penalties.
    predictions : list of ndarray of shape (n_valid,)
        Class of the largest logit.
    tested : ndarray of shape (n_test,) or None
        The test songs' classes at the epoch with the best validation accuracy, the
        first of several.
    """

    losses: list[float] = field(default_factory=list)
    predictions: list[np.ndarray] = field(default_factory=list)
    tested: np.ndarray | None = None
    _best_accuracy: float = -1.0
    _best_weights: dict[str, torch.Tensor] = field(default_factory=dict)

    def add(
        self, logits: torch.Tensor, y: torch.Tensor, module: torch.nn.Module
    ) -> None:
        """Record an epoch, and the net's weights if it is the best so far."""
        predicted = logits.argmax(1)
        self.losses.append(float(cross_entropy(logits, y)))
        self.predictions.append(predicted.cpu().numpy())
        accuracy = float((predicted == y).double().mean())
        if accuracy > self._best_accuracy:
            self._best_accuracy = accuracy
            state = module.state_dict()
            self._best_weights = {name: w.clone() for name, w in state.items()}

    def test(self, net: Any, songs: Any, kind: int) -> None:
        """Predict test songs with the best epoch's weights, which are then forgotten.

        Parameters
        ----------
        net : skorch net
            Its weights are afterwards what they were.
        songs : SongDataset
        kind : {0, 1}
            Which of the net's logits, as `_logits` gives them.
        """
        last = {name: w.clone() for name, w in net.module_.state_dict().items()}
        net.module_.load_state_dict(self._best_weights)
        parts = [
            _logits(batch, net.evaluation_step(batch))[kind].argmax(1)
            for batch in net.get_iterator(songs)
        ]
        self.tested = torch.cat(parts).cpu().numpy()
        net.module_.load_state_dict(last)
        self._best_weights = {}


@dataclass
class TrainingHistory:
    """One training's predictions.

    Attributes
    ----------
    whole : OutputHistory
        Of what is predicted.
    own : OutputHistory
        Of the net's own logits, where a base's are added to them; else the same.
    """

    whole: OutputHistory = field(default_factory=OutputHistory)
    own: OutputHistory = field(default_factory=OutputHistory)


class PredictionRecorder(Callback):
    """Records what nets predict of songs to validate on and to test on.

    An estimator may train several nets with it, one after the other, and copies it for
    each: copies share what was recorded.

    Parameters
    ----------
    n_valid : int
        The estimator is given validation and test songs together, these first. Test
        songs are only predicted at the end of a training, once.

    Attributes
    ----------
    trainings : list of TrainingHistory
        One for each training that had validation songs.
    """

    # Batches of the training are of no interest, so that nets may train together.
    training_batches = False

    def __init__(self, n_valid: int) -> None:
        self.n_valid = n_valid
        self.trainings: list[TrainingHistory] = []

    def __deepcopy__(self, memo: Any) -> PredictionRecorder:
        return self

    def __sklearn_clone__(self) -> PredictionRecorder:
        return self

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Put the test songs aside."""
        self._test = None
        self._outputs: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        if net.train_split is None:
            return
        self.trainings.append(TrainingHistory())
        _, songs = net.train_split(None)
        rows = np.arange(len(songs))
        if len(songs) > self.n_valid:
            self._test = songs.subset(rows[self.n_valid :])
            net.train_split = predefined_split(songs.subset(rows[: self.n_valid]))

    def on_batch_end(
        self,
        net: Any,
        batch: Any = None,
        training: bool = False,
        y_pred: Any = None,
        **kwargs: Any,
    ) -> None:
        """Take the logits that the net computed anyway."""
        if not training:
            self._with_base = "base_logits" in batch[0]
            self._outputs.append((*_logits(batch, y_pred), batch[1]))

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the epoch."""
        if not self._outputs:
            return
        whole, own, y = (torch.cat(part) for part in zip(*self._outputs, strict=True))
        self._outputs = []
        history = self.trainings[-1]
        history.whole.add(whole, y, net.module_)
        if self._with_base:
            history.own.add(own, y, net.module_)
        else:
            history.own = history.whole

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Predict the test songs."""
        if self._test is None or not self.trainings[-1].whole.losses:
            return
        history = self.trainings[-1]
        history.whole.test(net, self._test, 0)
        if history.own is not history.whole:
            history.own.test(net, self._test, 1)


def _logits(batch: Batch, y_pred: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """A net's logits, and those of its own without the base's."""
    logits = y_pred[0] if isinstance(y_pred, tuple) else y_pred
    base = batch[0].get("base_logits")
    return logits, logits if base is None else logits - base

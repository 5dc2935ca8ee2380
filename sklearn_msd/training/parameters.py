"""How nets are trained: the parameters that all estimators which train one share."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
from skorch.callbacks import Callback

from sklearn_msd.common.copies import copied
from sklearn_msd.common.scikit_learn.private import Interval, StrOptions

# scikit-learn's "array-like" are all that have a length, forests among them.
SEQUENCE = [list, tuple, set, frozenset, np.ndarray]

TRAINING_PARAMETERS = """\
l2 : float, default=0.01
        Strength of the penalty ½·l2·Σw² on the weights of `l2_layers` (equation 1).
    l1 : float, default=0.0
        Strength of the penalty l1·Σ|w| on the weights of `l1_layers` (equation 2).
    l2_layers : sequence of {"conv", "recurrent", "hidden", "output"}
        Layers with an L2 penalty; those that a net lacks are passed over. Biases are
        never penalised. The report leaves the output layer out (section 3.1).
    l1_layers : sequence of {"conv", "recurrent", "hidden", "output"}
        Layers with an L1 penalty.
    learning_rate : float, default=1e-3
        Adam's step size; the peak of it with ``lr_schedule="one_cycle"``.
    lr_schedule : {"constant", "one_cycle"}, default="constant"
        "one_cycle" raises and lowers the rate once over the whole of `fit`;
        `partial_fit`, which knows no end, keeps it constant. With
        ``learning_rate=5e-3``, ``batch_size=25`` and ``max_epochs=20`` it went beyond
        the constant rate's 100 epochs on 4000 synthetic songs and on spoken digits
        (user guide, "Train in a fifth of the epochs").
    batch_size : int, default=50
        Songs in a step; at most the number of songs is used.
    shuffle : {"full", "blocks"}, default="full"
        How songs are put in a new order for each epoch. "full" takes each song from
        anywhere. "blocks" takes blocks of 128 songs that follow each other in `X` in a
        random order, and shuffles the songs of about 16 blocks, 2048 songs, among each
        other: songs on disk are then read a block at a time. It needs songs that are
        not sorted by genre.
    max_epochs : int, default=100
        Passes over the training songs.
    early_stopping : bool, default=False
        Hold out a stratified `validation_fraction`, stop when its loss has not fallen
        for `n_iter_no_change` epochs, and take the weights of the best epoch. Where
        `X_val` and `y_val` are passed to `fit`, these are watched and none held out.
    validation_fraction : float, default=0.1
        Share of the training songs held out by `early_stopping`.
    n_iter_no_change : int, default=10
        Patience of `early_stopping`, in epochs.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, times those of the songs.
    dtype : {"float32", "float64"}, default="float32"
        What the net computes in. Songs are converted batch by batch.
    device : str, default="auto"
        "auto" is a CUDA device where there is one, else the CPU; or a PyTorch name.
    callbacks : list of skorch callbacks, default=None
        Used as they are, by `fit` and `partial_fit`, so that what they hold can be read
        afterwards. `clone`, and so searches and ensembles, gives each net copies that
        share what cannot be copied, such as an open file or a writer of logs.
    checkpoint : str, path-like or None, default=None
        File that `fit` keeps its state in, and goes on from if it is there: with the
        same parameters and songs, to the weights of a fit without a break. A finished
        fit stays in it, to be had again at once or, with more `max_epochs` and a
        constant rate, to be continued. A file of another fit is an error, so this is
        not for searches. The state of `callbacks` is not in it; `partial_fit` does
        without it.
    verbose : int, default=0
        With 1, print a line an epoch.
    random_state : int, RandomState instance or None, default=None
        Decides the start, the order of the songs and the part held out, and nothing
        else does."""


@dataclass(kw_only=True, eq=False, repr=False)
class TrainingParameters:
    """Parameters of a training, for an estimator that is a dataclass.

    ``<training parameters>`` in the docstring of a subclass becomes their description.
    """

    l2: float = 0.01
    l1: float = 0.0
    l2_layers: Sequence[str] = ("conv", "hidden")
    l1_layers: Sequence[str] = ("conv",)
    learning_rate: float = 1e-3
    lr_schedule: Literal["constant", "one_cycle"] = "constant"
    batch_size: int = 50
    shuffle: Literal["full", "blocks"] = "full"
    max_epochs: int = 100
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    class_weight: dict[Any, float] | Literal["balanced"] | None = None
    dtype: Literal["float32", "float64"] = "float32"
    device: str = "auto"
    callbacks: list[Callback] | None = None
    checkpoint: str | os.PathLike[str] | None = None
    verbose: int = 0
    random_state: int | np.random.RandomState | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "l2": [Interval(Real, 0, None, closed="left")],
        "l1": [Interval(Real, 0, None, closed="left")],
        "l2_layers": SEQUENCE,
        "l1_layers": SEQUENCE,
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions({"constant", "one_cycle"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "shuffle": [StrOptions({"full", "blocks"})],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "dtype": [StrOptions({"float32", "float64"})],
        "device": [str],
        "callbacks": [list, None],
        "checkpoint": [str, os.PathLike, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __sklearn_clone__(self) -> Any:
        """A clone with copies of the callbacks.

        Fits that run side by side must not share a callback's state. scikit-learn would
        make callbacks anew from their attributes, which their constructors need not
        take, and fail for what cannot be copied.
        """
        plain = object.__new__(type(self))
        plain.__dict__.update(self.__dict__, callbacks=None)
        clone = super(TrainingParameters, plain).__sklearn_clone__()  # type: ignore[misc]
        clone.callbacks = copied(self.callbacks)
        return clone

    def training_parameters(self) -> dict[str, Any]:
        """The values of these parameters, and of no others."""
        names = [field.name for field in dataclasses.fields(TrainingParameters)]
        return {name: getattr(self, name) for name in names}

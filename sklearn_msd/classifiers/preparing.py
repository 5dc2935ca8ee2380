"""What makes a fit ready: weights, fixed logits, and the songs to validate on."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets

from sklearn_msd.classifiers.callbacks import has_callbacks_of
from sklearn_msd.common.pytorch.device import resolve_device
from sklearn_msd.common.scikit_learn.definition import definition
from sklearn_msd.common.scikit_learn.private import check_sample_weight
from sklearn_msd.nets.base import SegmentNet, check_layer_names
from sklearn_msd.nets.layers import initialised
from sklearn_msd.segments.as_array import as_array
from sklearn_msd.segments.validation import check_known, sorted_classes, validate_songs
from sklearn_msd.training.batches import SongDataset
from sklearn_msd.training.fit_warnings import (
    enough_to_validate,
    warn_of_scale,
    warn_of_validation_scale,
)
from sklearn_msd.training.keeping.state import continue_from
from sklearn_msd.training.net import LogitNet
from sklearn_msd.training.parameters import TrainingParameters


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """What an estimator that trains a net inside asks of the net's fit.

    Parameters
    ----------
    module : SegmentNet, default=None
        Trained instead of a net of the classifier's own.
    compose : callable, default=None
        From the net, initialised, to one that holds it, which is trained instead; the
        classifier keeps the net alone.
    masks : mapping of str to ndarray of bool, default=None
        For weights by their name in the module, where they may be other than zero.
    warn_of_scale : bool, default=True
        Whether unscaled inputs are warned of; of those that models make, users have no
        say.
    warn_of_validation : bool, default=True
        Whether few validation songs are warned of.
    """

    module: SegmentNet | None = None
    compose: Callable[[SegmentNet], SegmentNet] | None = None
    masks: Mapping[str, np.ndarray] | None = None
    warn_of_scale: bool = True
    warn_of_validation: bool = True


def labelled_songs(
    estimator: Any, X: Any, y: Any, padding: bool
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Rows, class indices and classes.

    Raises
    ------
    ValueError
        For what are no songs or labels, and for labels of one class.
    """
    X, y = validate_songs(estimator, X, y, padding=padding)
    classes = sorted_classes(y)
    check_classification_targets(y)
    if len(classes) < 2:
        raise ValueError(
            f"{type(estimator).__name__} needs at least 2 classes in y; got "
            f"{len(classes)} class."
        )
    return X, np.searchsorted(classes, y), classes


def training_settings(estimator: Any) -> dict[str, Any]:
    """The parameters that a net is trained with, as JSON could hold them.

    Returns
    -------
    dict
        ``net`` has those that the module is made with; the others are `LogitNet`'s.

    Raises
    ------
    ValueError
        If there is no such layer or device.
    """
    for argument in ("l2_layers", "l1_layers"):
        check_layer_names(getattr(estimator, argument), argument)
    of_training = {field.name for field in dataclasses.fields(TrainingParameters)}
    return {
        # Plain floats: PyTorch takes neither booleans nor every kind of number.
        "l2": float(estimator.l2),
        "l2_layers": sorted(estimator.l2_layers),
        "l1": float(estimator.l1),
        "l1_layers": sorted(estimator.l1_layers),
        "lr": float(estimator.learning_rate),
        "batch_size": int(estimator.batch_size),
        "shuffle": estimator.shuffle,
        "max_epochs": int(estimator.max_epochs),
        "warm_start": bool(estimator.warm_start),
        "verbose": int(estimator.verbose),
        "dtype": estimator.dtype,
        "device": str(resolve_device(estimator.device)),
        "net": {
            name: definition(value, other=repr)
            for name, value in estimator.get_params(deep=False).items()
            if name not in {*of_training, "warm_start"}
        },
    }


def net_to_continue(estimator: Any) -> LogitNet:
    """The fitted net, ready to train with the parameters as they are now.

    Raises
    ------
    ValueError
        If the weights do not fit the parameters, or these are none.
    """
    net: LogitNet = estimator.net_
    module: SegmentNet = net.module_
    settings = training_settings(estimator)
    earlier = getattr(estimator, "_settings", settings)
    same_callbacks = has_callbacks_of(net, estimator)
    read_only = any(parameter.is_inference() for parameter in module.parameters())
    if settings == earlier and same_callbacks and net.can_train and not read_only:
        return net
    if settings["net"] != earlier["net"]:
        module = module_to_continue(estimator, module, "partial_fit")
    renewed: LogitNet = estimator._make_net(
        module, masks=net.masks, callbacks=[] if same_callbacks else None
    )
    same_rate = settings["lr"] == earlier["lr"]
    continue_from(renewed, net, options=same_rate, callbacks=same_callbacks)
    estimator.net_, estimator._settings = renewed, settings
    return renewed


def check_same_classes(estimator: Any, classes: np.ndarray) -> None:
    """Raise a ValueError if a warm start's classes are not those of the last fit."""
    if not np.array_equal(classes, estimator.classes_):
        raise ValueError(
            "warm_start=True continues with the last fit's weights, which needs the "
            f"same classes, {estimator.classes_.tolist()}; got {classes.tolist()}. Use "
            "warm_start=False or a clone."
        )


def module_to_continue(estimator: Any, module: SegmentNet, name: str) -> SegmentNet:
    """A net with the weights of `module` and the parameters as they are now.

    Raises
    ------
    ValueError
        If the weights do not fit these parameters.
    """
    shape = estimator.n_features_in_, len(estimator.classes_)
    fresh = initialised(lambda: estimator._make_module(*shape), torch.Generator())
    old, new = module.state_dict(), fresh.state_dict()
    same_shapes = {n: old[n].shape for n in old} == {n: new[n].shape for n in new}
    width = estimator.n_segment_features
    if not same_shapes or width not in (None, estimator.n_segment_features_):
        raise ValueError(
            f"{name} continues with the weights there are, which needs the same width "
            "of X and parameters that ask for a net of the same shape; use fit, with "
            "warm_start=False, or a clone."
        )
    if fresh.arguments == module.arguments:
        return module
    fresh.load_state_dict(old)
    return fresh


def training_songs(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    sample_weight: Any,
    base_logits: Any,
    options: FitOptions,
) -> SongDataset:
    """Rows and class indices as a data set, with weights of mean 1."""
    if options.warn_of_scale:
        warn_of_scale(X)
    weight = None
    if sample_weight is not None or estimator.class_weight is not None:
        weight = _song_weights(estimator, X, y, sample_weight)
    return _songs(estimator, X, y, base_logits, "base_logits", weight)


def validation_songs(
    estimator: Any,
    X_val: Any,
    y_val: Any,
    base_logits_val: Any,
    padding: bool,
    train: SongDataset,
    options: FitOptions,
) -> SongDataset | None:
    """The songs of the user's own to validate on, if there are any.

    Raises
    ------
    ValueError
        If one of `X_val` and `y_val` is missing, `y_val` has unknown labels, or there
        are fixed logits for one of `train` and `X_val` alone.
    """
    if X_val is None and y_val is None and base_logits_val is None:
        return None
    if X_val is None or y_val is None:
        raise ValueError("X_val and y_val must be given together.")
    if ("base_logits" in train.extras) != (base_logits_val is not None):
        raise ValueError(
            "With X_val, base_logits and base_logits_val must be given together: what "
            "is validated would else be another model than the one that is trained."
        )
    X_val, y_val = validate_songs(
        estimator, X_val, y_val, padding=padding, reset=False, name="X_val"
    )
    check_known(y_val, estimator.classes_, "y_val has labels that y lacks")
    y_val = np.searchsorted(estimator.classes_, y_val)
    if options.warn_of_scale:
        warn_of_validation_scale(X_val, train.stored)
    return _songs(estimator, X_val, y_val, base_logits_val, "base_logits_val")


def hold_out(estimator: Any, dataset: SongDataset) -> tuple[SongDataset, SongDataset]:
    """Training and stratified validation part, by the estimator's generator.

    Raises
    ------
    ValueError
        If a part would lack a class.
    """
    n, n_classes = len(dataset), len(estimator.classes_)
    n_valid = math.ceil(estimator.validation_fraction * n)
    if n_valid < n_classes or n - n_valid < n_classes:
        fraction = enough_to_validate(n_classes, n, n_classes)
        remedy = "so few songs do not allow it"
        if fraction is not None:
            remedy = f"validation_fraction={fraction:g} would do"
        raise ValueError(
            f"validation_fraction={estimator.validation_fraction} of {n} songs leaves "
            f"{n_valid} to validate and {n - n_valid} to train on; early_stopping "
            f"needs at least one for each of {n_classes} classes in both: {remedy}."
        )
    rarest = estimator.classes_[np.bincount(dataset.y).argmin()]
    if np.bincount(dataset.y).min() < 2:
        raise ValueError(
            f"early_stopping needs at least 2 songs of each class in y; class "
            f"{rarest!r} has 1."
        )
    train, valid = train_test_split(
        np.arange(n),
        test_size=n_valid,
        stratify=dataset.y,
        random_state=estimator._rng,
    )
    return dataset.subset(train), dataset.subset(valid)


def _songs(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    logits: Any,
    name: str,
    weight: np.ndarray | None = None,
) -> SongDataset:
    shape = (len(X), len(estimator.classes_))
    return SongDataset(
        X,
        y,
        weight=weight,
        base_logits=_check_logits(logits, shape, estimator.dtype, name),
        dtype=getattr(torch, estimator.dtype),
        device=resolve_device(estimator.device),
    )


def _song_weights(
    estimator: Any, X: Any, y: np.ndarray, sample_weight: Any
) -> np.ndarray:
    """Weights of songs times those of their classes, of mean 1."""
    weight = check_sample_weight(
        as_array(sample_weight, "sample_weight"),
        X,
        dtype=np.float64,
        ensure_non_negative=True,
    )
    if not weight.any():
        raise ValueError("sample_weight must not be 0 for every song.")
    # By a power of two, which rounds nothing: sums of huge ones overflow.
    weight = np.ldexp(weight, -np.frexp(weight.max())[1])
    if estimator.class_weight is not None:
        weight = weight * _class_weights(estimator, y, weight)[y]
    if not weight.any():
        raise ValueError("class_weight leaves every song with a weight of 0.")
    return np.asarray(weight / weight.mean())


def _class_weights(estimator: Any, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The weight of each class, in the order of `classes_`.

    As scikit-learn's `compute_class_weight` has it, which since 1.9 looks a label "1"
    up as the number 1, and divides by 0 where the songs of a class weigh nothing.

    Raises
    ------
    ValueError
        For weights that are negative or not finite, and for keys that are no labels
        where labels lack a weight.
    """
    class_weight, labels = estimator.class_weight, estimator.classes_.tolist()
    if class_weight == "balanced":
        totals = np.bincount(y, weight, minlength=len(labels))
        present = np.bincount(y, minlength=len(labels)) > 0
        idle = [labels[i] for i in np.flatnonzero(present & (totals == 0))]
        if idle:
            warnings.warn(
                f'class_weight="balanced" cannot balance the classes {idle}: all of '
                "their songs have a sample_weight of 0.",
                UserWarning,
                stacklevel=2,
            )
        balanced = np.zeros(len(labels))
        n_present = present.sum()
        np.divide(totals.sum(), n_present * totals, out=balanced, where=totals > 0)
        return balanced
    for label, value in class_weight.items():
        if not (isinstance(value, Real) and 0 <= float(value) < np.inf):
            raise ValueError(
                f"class_weight[{label!r}] must be a finite number of at least 0; got "
                f"{value!r}."
            )
    # As they are in the array, too: a date there is no date in a list.
    found = [
        class_weight.get(label, class_weight.get(given))
        for label, given in zip(labels, estimator.classes_, strict=True)
    ]
    lacking = [
        label for label, value in zip(labels, found, strict=True) if value is None
    ]
    if lacking and len(class_weight) > len(labels) - len(lacking):
        raise ValueError(
            f"The classes {lacking} are not in class_weight, which has the keys "
            f"{list(class_weight)}."
        )
    by_class = np.array([1.0 if value is None else float(value) for value in found])
    if not weight.any():
        raise ValueError("sample_weight must not be 0 for every song.")
    # By a power of two, which rounds nothing: sums of huge ones overflow.
    return np.asarray(np.ldexp(by_class, -np.frexp(by_class.max())[1]))


def _check_logits(
    logits: Any, shape: tuple[int, int], dtype: str, name: str
) -> np.ndarray | None:
    if logits is None:
        return None
    base_logits: np.ndarray = np.ascontiguousarray(as_array(logits, name))
    if base_logits.shape != shape or base_logits.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must be numbers of shape (n_songs, n_classes) = {shape}; got "
            f"{base_logits.dtype} of shape {base_logits.shape}."
        )
    if not (np.abs(base_logits) <= np.finfo(dtype).max).all():
        raise ValueError(
            f"{name} must be finite in {dtype}; got NaN, infinity or larger values."
        )
    return base_logits

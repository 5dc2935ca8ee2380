"""Containers of numbers that NumPy would misread → plain arrays."""

import sys
from typing import Any

import numpy as np


def as_array(X: Any, name: str = "X") -> Any:
    """Tensors and masked arrays as plain arrays; anything else as it is.

    What is masked becomes NaN: scikit-learn would take the numbers under the mask.

    Raises
    ------
    TypeError
        If NumPy cannot hold a tensor, be it sparse or without data; and for records,
        dates and durations.
    """
    X = _from_tensor(X, name)
    if isinstance(X, np.ma.MaskedArray):
        if not np.ma.is_masked(X):
            return X.data
        dtype = X.dtype if X.dtype.kind in "fc" else np.dtype(np.float64)
        return np.ma.filled(X.astype(dtype), np.nan)
    if isinstance(X, np.ndarray) and X.dtype.kind in "VMm":
        raise TypeError(f"{name} must hold numbers; got the dtype {X.dtype}.")
    return X


def as_labels(y: Any, name: str = "y") -> Any:
    """Labels in tensors and masked arrays as plain arrays; anything else as it is.

    Raises
    ------
    TypeError
        If NumPy cannot hold a tensor.
    ValueError
        If labels are masked: what lies under the mask is no label.
    """
    y = _from_tensor(y, name)
    if isinstance(y, np.ma.MaskedArray):
        mask = np.atleast_1d(np.ma.getmaskarray(y))
        masked = mask.reshape(len(mask), -1).any(axis=1)
        if masked.any():
            raise ValueError(
                f"{name} has {masked.sum()} masked labels, the first of them at "
                f"{masked.argmax()}: leave out songs without a label."
            )
        return y.data
    return y


def _from_tensor(X: Any, name: str) -> Any:
    """A tensor as an array, wherever it lies; anything else as it is."""
    torch = sys.modules.get("torch")  # not imported for those who have no tensors
    if torch is None or not isinstance(X, torch.Tensor):
        return X
    X = X.detach()
    try:
        # NumPy has no bfloat16; float32 holds all of its numbers.
        return (X.float() if X.dtype == torch.bfloat16 else X).cpu().numpy()
    except (TypeError, RuntimeError, NotImplementedError) as error:
        raise TypeError(
            f"{name} must be a dense tensor that NumPy can hold: {error}"
        ) from error

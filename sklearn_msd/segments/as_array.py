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
    torch = sys.modules.get("torch")  # not imported for those who have no tensors
    if torch is not None and isinstance(X, torch.Tensor):
        X = X.detach()
        try:
            # NumPy has no bfloat16; float32 holds all of its numbers.
            return (X.float() if X.dtype == torch.bfloat16 else X).cpu().numpy()
        except (TypeError, RuntimeError, NotImplementedError) as error:
            raise TypeError(
                f"{name} must be a dense tensor that NumPy can hold: {error}"
            ) from error
    if isinstance(X, np.ma.MaskedArray):
        if not np.ma.is_masked(X):
            return X.data
        dtype = X.dtype if X.dtype.kind in "fc" else np.dtype(np.float64)
        return np.ma.filled(X.astype(dtype), np.nan)
    if isinstance(X, np.ndarray) and X.dtype.kind in "VMm":
        raise TypeError(f"{name} must hold numbers; got the dtype {X.dtype}.")
    return X

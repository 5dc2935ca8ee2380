"""One hash for all that is compared, filed or checked by its content."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np


def digest(*contents: Any) -> str:
    """SHA-256 of texts, bytes and arrays, one after another, in hexadecimal digits.

    Parameters
    ----------
    *contents : str, bytes-like or ndarray
        Of an array the numbers in C order; where type and shape matter too, give a
        text that says them.

    Raises
    ------
    TypeError
        For arrays of Python objects, which have no bytes of their own.
    """
    hashed = hashlib.sha256()
    for content in contents:
        if isinstance(content, str):
            content = content.encode()
        if isinstance(content, np.ndarray):
            if content.dtype.hasobject:
                raise TypeError("an array of Python objects has no digest")
            # Text and dates lend their memory to nobody, but their bytes do.
            content = np.ascontiguousarray(content).reshape(-1).view(np.uint8)
        hashed.update(content)
    return hashed.hexdigest()

"""The file that a model is in: a safetensors file with a JSON manifest and digests.

Any safetensors reader opens it. The tensor ``manifest.json`` is the text of a JSON
document, which describes the model and holds the SHA-256 digest of every other tensor;
the metadata hold the number of the format and the digest of the manifest. So no part
can change, or change places, without an error. Nothing is compressed and nothing has a
path: there is no memory to be taken beyond the file's size, and no place to escape to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from sklearn_msd.common.files.atomic import atomic_file, checked_path
from sklearn_msd.common.files.damage import one_error
from sklearn_msd.common.files.digests import digest

# Raised when files change in a way that earlier versions cannot read.
FORMAT = 2

_MANIFEST = "manifest.json"
_METADATA = "sklearn_msd"


def write_model_file(
    path: str | os.PathLike[str],
    manifest: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Write a file, whole or not at all; the same bytes for the same model.

    Parameters
    ----------
    path : path-like
    manifest : mapping
        What JSON can hold.
    arrays : mapping of str to ndarray
        Contiguous; text, dates and the like are stored as bytes.
    """
    tensors = {name: _storable(array) for name, array in arrays.items()}
    digests = {name: digest(array) for name, array in tensors.items()}
    text = json.dumps(
        {**manifest, "sha256": digests}, allow_nan=False, separators=(",", ":")
    ).encode()
    header = {"format": FORMAT, "sha256": digest(text)}
    content = safetensors.numpy.save(
        {_MANIFEST: np.frombuffer(text, np.uint8), **tensors},
        metadata={_METADATA: json.dumps(header)},
    )
    with atomic_file(path) as file:
        file.write(content)


def read_model_file(
    path: str | os.PathLike[str], max_bytes: int
) -> tuple[dict[str, Any], dict[str, bytearray]]:
    """Read a file whole and compare every digest.

    Parameters
    ----------
    path : path-like
    max_bytes : int
        Larger files are not read.

    Returns
    -------
    manifest : dict
        With the number of the file's ``format``.
    tensors : dict of str to bytearray
        The bytes of the arrays; the manifest has to know their types.

    Raises
    ------
    ValueError
        If the file is too large, damaged, of another kind or of a later format.
    OSError
        If it cannot be read.
    """
    with open(checked_path(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise ValueError(
                f"{os.fspath(path)} has {size} bytes, more than max_bytes={max_bytes}."
            )
        content = file.read(size)
    with refusing(path):
        return _checked(content)


def refusing(path: str | os.PathLike[str]) -> AbstractContextManager[None]:
    """Turn whatever a damaged or forged file brings about into one ValueError."""
    return one_error(path, "{path} cannot be loaded as a model: {reason}.")


def _checked(content: bytes) -> tuple[dict[str, Any], dict[str, bytearray]]:
    """The manifest and the bytes of the tensors, every digest compared."""
    _check_kind(content)
    stored = dict(safetensors.deserialize(content))
    tensors = {name: tensor["data"] for name, tensor in stored.items()}
    header = _header(content)
    if not 1 <= header["format"] <= FORMAT:
        raise ValueError(
            f"its format is {header['format']}; this version of sklearn_msd reads "
            f"formats from 1 to {FORMAT}, a later one may read more"
        )
    text = tensors.pop(_MANIFEST)
    if digest(text) != header["sha256"]:
        raise ValueError("the manifest does not have its digest")
    manifest = json.loads(bytes(text))
    if manifest["sha256"].keys() != tensors.keys():
        raise ValueError("its arrays are not those of the manifest")
    for name, tensor in tensors.items():
        if digest(tensor) != manifest["sha256"][name]:
            raise ValueError(f"array {name} does not have its digest")
    return {**manifest, "format": header["format"]}, tensors


def _check_kind(content: bytes) -> None:
    """Refuse files of another kind; what is damaged is found later."""
    if content[8:9] == b"{" and _METADATA.encode() in content[: _header_end(content)]:
        return
    other = "it was not written by save()"
    if content.startswith((b"\x80", b"\x78", b"\x1f\x8b", b"BZ", b"\xfd7zXZ")):
        other += (
            "; it looks like a pickle. joblib.load reads those, and runs what code "
            "they hold: load only such files from people you trust"
        )
    raise ValueError("it is empty" if not content else other)


def _header_end(content: bytes) -> int:
    return 8 + int.from_bytes(content[:8], "little")


def _header(content: bytes) -> dict[str, Any]:
    """Format and digest, from a header that safetensors has checked."""
    metadata = json.loads(content[8 : _header_end(content)])["__metadata__"]
    header: dict[str, Any] = json.loads(metadata[_METADATA])
    return header


def _storable(array: np.ndarray) -> np.ndarray:
    """The array as safetensors can hold it: text, dates and the like as bytes."""
    if array.dtype.kind in "biuf" and array.dtype.isnative and array.itemsize <= 8:
        return array
    return array.reshape(-1).view(np.uint8)

r"""Make the weights of musicnn that ship with the package.

From the wheel of musicnn 0.1.0, whose checkpoint of TensorFlow 1 is read without
TensorFlow:

    pip download --no-deps musicnn==0.1.0
    python tools/convert_musicnn.py musicnn-0.1.0-py3-none-any.whl \
        sklearn_msd/datasets/audio/musicnn

It writes ``weights.safetensors`` and ``LICENSE-musicnn.txt`` to that folder.
"""

import argparse
import hashlib
import os
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
CHECKPOINT = "musicnn/MSD_musicnn/"
LICENCE = "musicnn-0.1.0.dist-info/LICENSE.md"
# What the package may weigh.
MAX_BYTES = 3_500_000

# Layers of the package's `MusicNN`, in the order in which the original creates them:
# TensorFlow numbers layers of one kind by it.
CONVOLUTIONS = ("timbral.0", "timbral.1", "temporal.0", "temporal.1", "temporal.2")
CONVOLUTIONS += ("mid.0", "mid.1", "mid.2")
NORMS = ("input_norm", *(f"{name}.norm" for name in CONVOLUTIONS))
NORMS += ("pool_norm", "hidden_norm")
DENSE = ("hidden", "output")

# What was added to variances.
EPSILON = 1e-3
# Training drove the kernels of 497 of the 561 filters of the front end to nothing: the
# sizes of their weights add up to 2e-5 at most, of others to 0.04 at least. They are
# set to zero, for the net to pass over and the wheel to compress.
LEAST_KERNEL = 1e-3
# The optimiser's own.
OF_TRAINING = ("/Adam", "/Adam_1", "beta1_power", "beta2_power")
ATTRIBUTION = b"""\
weights.safetensors holds the weights of MSD_musicnn, converted from musicnn 0.1.0
(Jordi Pons and Xavier Serra, "musicnn: pre-trained convolutional neural networks for
music audio tagging", 2019), under this licence:

"""


def convert(variables: dict[str, NDArray]) -> dict[str, NDArray]:
    """State of a `MusicNN` from the variables of the original.

    A batch normalisation becomes a scale and a shift.

    Raises
    ------
    ValueError
        If a variable is missing or one is left over.
    """
    rest = {
        name: value
        for name, value in variables.items()
        if not name.endswith(OF_TRAINING)
    }
    state: dict[str, NDArray] = {}
    try:
        for i, name in enumerate(CONVOLUTIONS):
            layer = _numbered("conv2d", i)
            kernel = rest.pop(f"{layer}/kernel")  # height, width, 1, filters
            kernel = kernel.transpose(3, 2, 0, 1)
            if name.startswith("mid"):
                # (filters, 1, frames, channels): a convolution over time alone.
                kernel = kernel[:, 0].transpose(0, 2, 1)
            sizes = np.abs(kernel).sum(axis=tuple(range(1, kernel.ndim)), keepdims=True)
            state[f"{name}.conv.weight"] = np.where(sizes < LEAST_KERNEL, 0, kernel)
            state[f"{name}.conv.bias"] = rest.pop(f"{layer}/bias")
        for i, name in enumerate(NORMS):
            layer = _numbered("batch_normalization", i)
            gamma, beta, mean, variance = (
                rest.pop(f"{layer}/{variable}").astype(np.float64)
                for variable in ("gamma", "beta", "moving_mean", "moving_variance")
            )
            scale = gamma / np.sqrt(variance + EPSILON)
            state[f"{name}.scale"] = scale.astype(np.float32)
            state[f"{name}.shift"] = (beta - mean * scale).astype(np.float32)
        for i, name in enumerate(DENSE):
            layer = _numbered("dense", i)
            state[f"{name}.weight"] = rest.pop(f"{layer}/kernel").T
            state[f"{name}.bias"] = rest.pop(f"{layer}/bias")
    except KeyError as error:
        raise ValueError(f"the checkpoint has no variable {error}.") from None
    if rest:
        raise ValueError(f"variables left over: {sorted(rest)}.")
    return {name: np.ascontiguousarray(value) for name, value in state.items()}


def _numbered(kind: str, i: int) -> str:
    return f"{kind}_{i}" if i else kind


def read_checkpoint(index: bytes, data: bytes) -> dict[str, NDArray]:
    """Variables of a TensorFlow checkpoint of one shard, all of them float32.

    Parameters
    ----------
    index : bytes
        The ``.index`` file: a sorted table, as LevelDB writes it, of names and
        serialised entries that say where in the data a variable lies.
    data : bytes
        The ``.data-00000-of-00001`` file.

    Raises
    ------
    ValueError
        If the files are not what they should be.
    """
    magic = bytes.fromhex("57fb808b247547db")
    footer = index[-48:]
    if footer[-8:] != magic:
        raise ValueError("not the index of a TensorFlow checkpoint.")
    _, at = _varint(footer, 0)  # where the meta index lies
    _, at = _varint(footer, at)
    offset, at = _varint(footer, at)
    size, _ = _varint(footer, at)
    variables = {}
    for _, handle in _table_block(index, offset, size):
        offset, at = _varint(handle, 0)
        size, _ = _varint(handle, at)
        for name, entry in _table_block(index, offset, size):
            if name:  # the entry without one is the header
                variables[name.decode()] = _variable(entry, data)
    return variables


def _variable(entry: bytes, data: bytes) -> NDArray:
    """A variable from its entry: type 1, shape 2, shard 3, offset 4 and size 5."""
    fields = dict(_fields(entry))
    float32, first_shard = 1, 0
    if fields.get(1) != float32 or fields.get(3, 0) != first_shard:
        raise ValueError("a variable is not float32, or not in the first shard.")
    shape = [dict(_fields(dim)).get(1, 0) for _, dim in _fields(fields.get(2, b""))]
    start, size = fields.get(4, 0), fields[5]
    part = data[start : start + size]
    return np.frombuffer(part, dtype="<f4").reshape(shape)


def _table_block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; a key leaves out what it shares with the last."""
    block, compression = table[offset : offset + size], table[offset + size]
    if compression:
        raise ValueError("the index is compressed.")
    (n_restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 * (n_restarts + 1)
    key, at = b"", 0
    while at < end:
        n_shared, at = _varint(block, at)
        n_own, at = _varint(block, at)
        n_value, at = _varint(block, at)
        key = key[:n_shared] + block[at : at + n_own]
        at += n_own
        yield key, block[at : at + n_value]
        at += n_value


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of the fields of a protocol buffer."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(message, at)
        else:
            n_bytes, at = (
                _varint(message, at) if kind == 2 else (8 if kind == 1 else 4, at)
            )
            value, at = message[at : at + n_bytes], at + n_bytes
        yield number, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """An integer of seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def main() -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    sha256 = hashlib.sha256(arguments.wheel.read_bytes()).hexdigest()
    if sha256 != WHEEL_SHA256:
        raise SystemExit(
            f"{arguments.wheel}: its SHA-256 is {sha256}, not as expected."
        )
    with zipfile.ZipFile(arguments.wheel) as wheel:
        index = wheel.read(CHECKPOINT + ".index")
        data = wheel.read(CHECKPOINT + ".data-00000-of-00001")
        licence = wheel.read(LICENCE)
    state = convert(read_checkpoint(index, data))
    weights = save(
        state, metadata={"source": "MSD_musicnn of musicnn 0.1.0, ISC licence"}
    )
    if len(weights) > MAX_BYTES:
        raise SystemExit(f"the weights take {len(weights)} bytes > {MAX_BYTES}.")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("weights.safetensors", weights),
        ("LICENSE-musicnn.txt", ATTRIBUTION + licence),
    ):
        partial = arguments.out / f"{name}.partial"
        partial.write_bytes(content)
        os.replace(partial, arguments.out / name)


if __name__ == "__main__":
    main()

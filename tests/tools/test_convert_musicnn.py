"""The converter of musicnn's checkpoint, on one made here."""

import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest


def script():
    path = Path(__file__).parents[2] / "tools" / "convert_musicnn.py"
    spec = importlib.util.spec_from_file_location("convert_musicnn", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = script()


def varint(value):
    low = value & 127
    return bytes([low | 128]) + varint(value >> 7) if value > 127 else bytes([value])


def field(number, value):
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def block(entries):
    """A block of a table whose keys share what they can with the one before."""
    out, last = b"", b""
    for key, value in entries:
        n_shared = 0
        while n_shared < min(len(key), len(last)) and key[n_shared] == last[n_shared]:
            n_shared += 1
        own = key[n_shared:]
        out += varint(n_shared) + varint(len(own)) + varint(len(value)) + own + value
        last = key
    return out + struct.pack("<II", 0, 1)


def checkpoint(variables):
    """Index and data, as TensorFlow writes them, less the checksums."""
    entries, data = [(b"", field(1, 1))], b""
    for name in sorted(variables):
        value = variables[name].astype("<f4")
        shape = b"".join(field(2, field(1, size)) for size in value.shape)
        entry = field(1, 1) + field(2, shape) + field(4, len(data))
        entry += field(5, value.nbytes) + varint(6 << 3 | 5) + b"\0" * 4
        entries.append((name.encode(), entry))
        data += value.tobytes()
    table = block(entries)
    index_at = len(table) + 5
    handle = varint(0) + varint(len(table))
    index = block([(entries[-1][0], handle)])
    footer = varint(0) * 2 + varint(index_at) + varint(len(index))
    magic = struct.pack("<Q", 0xDB4775248B80FB57)
    return table + b"\0" * 5 + index + b"\0" * 5 + footer.ljust(40, b"\0") + magic, data


def original_variables():
    """Variables of the original, of its shapes, at random."""
    random = np.random.default_rng(0)
    kernels = [(7, 38, 1, 204), (7, 67, 1, 204)]
    kernels += [(height, 1, 1, 51) for height in (128, 64, 32)]
    kernels += [(7, n_channels, 1, 64) for n_channels in (561, 64, 64)]
    shapes = {}
    for i, shape in enumerate(kernels):
        shapes[tool._numbered("conv2d", i) + "/kernel"] = shape
        shapes[tool._numbered("conv2d", i) + "/bias"] = shape[-1:]
    channels = [1, *(shape[-1] for shape in kernels), 1506, 200]
    for i, n_channels in enumerate(channels):
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            layer = tool._numbered("batch_normalization", i)
            shapes[f"{layer}/{name}"] = (n_channels,)
    for i, shape in enumerate([(1506, 200), (200, 50)]):
        shapes[tool._numbered("dense", i) + "/kernel"] = shape
        shapes[tool._numbered("dense", i) + "/bias"] = shape[-1:]
    return {
        name: random.uniform(0.1, 1, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def test_variables_are_read_as_they_were_written():
    variables = original_variables()
    assert sum(value.size for value in variables.values()) == 792_079
    found = tool.read_checkpoint(*checkpoint(variables))
    assert found.keys() == variables.keys()
    for name, value in variables.items():
        np.testing.assert_array_equal(found[name], value)


def test_what_is_not_a_checkpoint_is_refused():
    with pytest.raises(ValueError, match="not the index"):
        tool.read_checkpoint(b"x" * 100, b"")


def test_the_state_is_that_of_the_net():
    import torch

    from sklearn_msd.datasets.audio.musicnn.net import MusicNN

    variables = original_variables()
    variables["conv2d/kernel"][..., 5] = 1e-8
    variables["conv2d/kernel/Adam"] = np.zeros(1, np.float32)
    state = tool.convert(variables)
    net = MusicNN()
    net.load_state_dict({name: torch.from_numpy(x) for name, x in state.items()})
    assert not state["timbral.0.conv.weight"][5].any()
    assert state["timbral.0.conv.weight"][4].all()
    layer = {
        name: variables[f"batch_normalization_10/{name}"].astype(float)
        for name in ("gamma", "beta", "moving_mean", "moving_variance")
    }
    x = np.linspace(-1, 1, 200)
    expected = (x - layer["moving_mean"]) / np.sqrt(layer["moving_variance"] + 1e-3)
    expected = expected * layer["gamma"] + layer["beta"]
    found = net.hidden_norm(torch.from_numpy(x[None].astype(np.float32)))
    np.testing.assert_allclose(found[0].detach(), expected, atol=1e-5)


@pytest.mark.parametrize("change", ["missing", "more"])
def test_other_variables_are_refused(change):
    variables = original_variables()
    if change == "missing":
        del variables["dense_1/bias"]
    else:
        variables["dense_2/bias"] = np.zeros(3, np.float32)
    with pytest.raises(ValueError, match=r"no variable|left over"):
        tool.convert(variables)

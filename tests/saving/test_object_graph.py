"""Values and objects as JSON and arrays, and back."""

import json
import math

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from sklearn_msd.nets.layers import initialise_parameters
from sklearn_msd.nets.recurrent import RecurrentNet
from sklearn_msd.saving.object_graph import GraphDecoder, GraphEncoder


def back(value):
    """What comes of a value by way of JSON text."""
    encoder = GraphEncoder()
    root = encoder.encode(value, "value")
    text = json.dumps([root, encoder.objects], allow_nan=False)
    root, objects = json.loads(text)
    arrays = {name: bytearray(a.tobytes()) for name, a in encoder.arrays.items()}
    return GraphDecoder(objects, arrays.pop).decode(root)


def refused(objects, root=None, arrays=None):
    with pytest.raises((ValueError, KeyError)) as error:
        GraphDecoder(objects, dict(arrays or {}).pop).decode(root)
    return str(error.value)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 0, -(2**70), 0.1, -0.0, 1e-320, math.inf, "λ\x00\ud800"),
        *({"a"}, frozenset({1}), set()),
        *([], (), {}, [1, [2, (3, [])]], {"a": (1,)}, {1: "a", None: 2.5, "b": []}),
        *(
            {"ref": 0},
            {"tuple": [1]},
            {("a", 1): "b"},
            Bunch(a=1, b=[2]),
            Bunch(**{"a b": 1}),
        ),
        *(np.float32(0.1), np.float64(0.1), np.int8(-3), np.bool_(True), np.str_("é")),
        *(torch.float64, torch.float32),
    ],
    ids=repr,
)
def test_values(value):
    again = back(value)
    assert type(again) is type(value)
    assert again == value
    assert repr(again) == repr(value)


def test_not_a_number():
    assert math.isnan(back(math.nan))
    assert np.isnan(back(np.float32("nan")))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0, dtype=np.float16).reshape(2, 3)),
        np.arange(12)[::3],
        np.array(3.5, dtype=np.longdouble),
        np.zeros((0, 4), dtype=np.int8),
        np.arange(3, dtype=">i4"),
        np.array([1 + 2j]),
        np.array(["a\x00b", "", "λλ"]),
        np.array([b"x", b"yy"]),
        np.array(["2017-01-01", "NaT"], dtype="datetime64[D]"),
        np.array([[None, "a"], [1, (2, 3.5)]], dtype=object),
        np.array(["a", None], dtype=object)[:0],
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays(array):
    again = back(array)
    assert type(again) is np.ndarray
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert again.tolist() == array.tolist() or array.dtype.kind == "M"
    np.testing.assert_array_equal(again, array)
    assert again.flags.writeable
    assert again.flags.fnc == array.flags.fnc


def test_tensors():
    weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    mask = torch.tensor([True, False])
    again, again_mask = back([weight, mask])
    assert type(again) is type(again_mask) is torch.Tensor
    assert torch.equal(again, weight)
    assert torch.equal(again_mask, mask)


def test_random_numbers_go_on_where_they_were():
    generator = np.random.RandomState(7)
    generator.normal(size=3)  # an odd number: one more is in store
    again = back(generator)
    np.testing.assert_array_equal(again.normal(size=5), generator.normal(size=5))


def test_one_object_stays_one():
    array = np.arange(3.0)
    scaler = StandardScaler()
    scaler.mean_ = array
    first, (second, third) = back([array, (scaler, scaler)])
    assert second is third
    assert second.mean_ is first


def test_a_net_works_as_before():
    net = RecurrentNet(3, 4, n_layers=2, bidirectional=True)
    initialise_parameters(net, torch.Generator().manual_seed(0))
    x = torch.randn(2, 15, generator=torch.Generator().manual_seed(1))
    again = back(net)
    assert torch.equal(again(x), net.eval()(x))
    again.double()
    assert again(x.double()).dtype == torch.float64


def test_a_net_is_written_without_the_names_of_its_classes():
    encoder = GraphEncoder()
    encoder.encode(RecurrentNet(3, 4), "net")
    text = json.dumps(encoder.objects)
    assert '"module": "recurrent"' in text
    for word in "sklearn_msd", "torch.", "Recurrent", "GRU", "_parameters":
        assert word not in text


def test_what_cannot_be_encoded_is_named_with_its_place():
    scaler = StandardScaler()
    scaler.mean_ = scaler
    cases = [
        ({"a": [1, print]}, r"value\.a\[1\] is of type builtins\.builtin_function"),
        (StandardScaler, r"value is of type builtins\.type"),
        (np.zeros(2, dtype=[("a", int)]), r"numpy\.ndarray"),
        (np.ma.masked_array([1]), "MaskedArray"),
        (np.array([print], dtype=object), r"value\[0\] is of type"),
        (torch.nn.ReLU(), r"value is of type torch\.nn"),
        (scaler, r"value\.mean_ refers back"),
    ]
    for value, message in cases:
        with pytest.raises(TypeError, match=message):
            GraphEncoder().encode(value, "value")


def test_what_no_encoder_writes_is_refused():
    array = {"array": "0", "dtype": "<f8", "shape": [2], "order": "C"}
    bytes_ = {"0": bytearray(16)}
    assert GraphDecoder([array], dict(bytes_).pop).decode({"ref": 0}).shape == (2,)
    for change, message in [
        ({"dtype": "O"}, "unknown type of numbers"),
        ({"dtype": "<U0"}, "itemsize"),
        ({"dtype": "<U100000000"}, "buffer size"),
        ({"shape": [3]}, "reshape"),
        ({"shape": [2**62]}, "reshape"),
        ({"order": "K"}, "order"),
    ]:
        assert message in refused([array | change], arrays=bytes_)
    assert "reshape" in refused([{"objects": [1], "shape": [10**12]}])
    assert "'0'" in refused([array, array], arrays=bytes_)  # it is there but once
    assert "numbers" in refused([], {"scalar": ["V8", 10**12]})
    assert "not there" in refused([], {"ref": 0})
    assert "not there" in refused([array], {"ref": -1}, bytes_)
    assert "not allowed" in refused([{"class": "builtins.eval", "state": {}}])
    assert "unknown kind" in refused([], {"code": "1"})

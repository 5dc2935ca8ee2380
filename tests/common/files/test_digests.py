"""One hash, against hashlib's own."""

import hashlib

import numpy as np
import pytest

from sklearn_msd.common.files.digests import digest


def test_it_is_sha_256_of_one_after_another():
    numbers = np.arange(6, dtype=np.float16).reshape(2, 3)
    text = "é".encode()
    expected = hashlib.sha256(text + b"\x00\x01" + numbers.tobytes()).hexdigest()
    assert digest("é", b"\x00\x01", numbers) == expected
    assert digest("é", bytearray(b"\x00\x01"), memoryview(numbers)) == expected


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4)[:, ::2],
        np.asfortranarray(np.arange(12).reshape(3, 4)),
        np.array(["a", "λ"]),
        np.array(["2017-01-01"], dtype="datetime64[D]"),
        np.array(3.5),
        np.zeros((0, 4)),
        np.array([True, False]),
        np.array([1.5, 2.5], dtype=">f4"),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_count_in_c_order(array):
    assert digest(array) == hashlib.sha256(array.tobytes()).hexdigest()


def test_objects_have_no_digest_as_their_addresses_differ():
    with pytest.raises(TypeError, match="Python objects"):
        digest(np.array(["a", None], dtype=object))

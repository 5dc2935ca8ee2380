import pytest

from sklearn_msd.common.files.damage import one_error


class Damaged(ValueError):
    pass


def raised(error, *args):
    with pytest.raises(BaseException) as caught, one_error("a.bin", *args):  # noqa: PT011
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("too short."), "too short"),
        (KeyError("x"), "KeyError: 'x'"),
        (RuntimeError("lost sync"), "lost sync"),
        (OSError(22, "Invalid argument"), "[Errno 22] Invalid argument"),
        (OSError("bad header"), "bad header"),
        (IndexError(), "IndexError"),
    ],
)
def test_any_error_of_the_content_is_one_that_names_the_file(error, reason):
    found = raised(error)
    assert type(found) is ValueError
    assert str(found) == f"a.bin: damaged: {reason}."
    assert found.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file"),
        PermissionError(13, "no"),
        MemoryError(),
        KeyboardInterrupt(),
        UserWarning("made an error"),
        ValueError("a.bin: known already"),
    ],
)
def test_errors_of_the_machine_and_known_ones_pass(error):
    assert raised(error) is error


def test_message_and_kind():
    found = raised(ValueError("b"), "{path} is {reason}!", Damaged)
    assert (type(found), str(found)) == (Damaged, "a.bin is b!")

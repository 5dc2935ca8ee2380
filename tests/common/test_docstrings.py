import inspect

import pytest

from sklearn_msd.common.docstrings import fill_docstring


def test_parts_take_the_place_of_their_marks():
    @fill_docstring(size="size : int\n        How large.")
    class Box:
        """A box.

        Parameters
        ----------
        <size>
        name : str
        """

    doc = inspect.cleandoc(Box.__doc__)
    assert doc.splitlines()[4:7] == ["size : int", "    How large.", "name : str"]


def test_any_indentation_of_the_docstring_will_do():
    class Box:
        pass

    Box.__doc__ = "A box.\n\n<size>\n"
    fill_docstring(size="size : int\n        How large.")(Box)
    assert Box.__doc__ == "A box.\n\nsize : int\n    How large.\n"


def test_a_typo_is_an_error():
    with pytest.raises(ValueError, match="Box: no part <sise> is given"):

        @fill_docstring(size="size : int")
        class Box:
            """A box.

            <size>
            <sise>
            """


def test_a_part_that_is_not_used_is_an_error():
    with pytest.raises(ValueError, match=r"Box: the docstring lacks \['size'\]"):

        @fill_docstring(size="size : int")
        class Box:
            """A box."""


def test_without_docstrings_there_is_nothing_to_fill():
    @fill_docstring(size="size : int")
    class Box:
        pass

    assert Box.__doc__ is None

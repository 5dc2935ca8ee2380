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

    assert "        size : int\n        How large.\n        name" in Box.__doc__


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

import pickle
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sklearn_msd.datasets import read_genre_annotations

A, B, C = "TRAAAAK128F9318786", "TRAAAED128E0783FAB", "TRAAAEF128F4273421"


@pytest.fixture
def write(tmp_path):
    def _write(content):
        path = tmp_path / "genres.cls"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


def test_reads_comments_majority_and_minority(write):
    found = read_genre_annotations(
        write(f"# made by hand\n#\n{A}\tPop_Rock\n\n{B}\tNew Age\tJazz\r\n")
    )
    assert found == {A: "Pop_Rock", B: "New Age"}
    assert found.minority == {B: "Jazz"}
    assert found.problems == []


def test_a_byte_order_mark_is_passed_over(write):
    assert read_genre_annotations(write(f"\ufeff{A}\tRock\n")) == {A: "Rock"}


def test_bad_lines_are_reported_with_their_numbers(write):
    path = write(
        f"{A}\tRock\n{A}\tJazz\nno tab here\nXX12\tRock\n{B}\tx\ty\tz\n{C}\tPop\n"
    )
    with pytest.warns(UserWarning, match="They were left out") as caught:
        found = read_genre_annotations(path)
    assert found == {A: "Rock", C: "Pop"}
    assert [(p.line, p.reason) for p in found.problems] == [
        (2, "duplicate"),
        (3, "malformed"),
        (4, "unknown_track"),
        (5, "malformed"),
    ]
    message = str(caught[0].message)
    assert str(path) in message
    assert "2 malformed (line 3, 5)" in message
    assert "1 duplicate (line 2)" in message
    assert caught[0].filename == __file__
    with pytest.raises(ValueError, match="1 unknown track"):
        read_genre_annotations(path, errors="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_genre_annotations(path, errors="ignore").problems) == 4


@pytest.mark.parametrize("known_ids", ["ABC", b""])
def test_known_ids_are_no_text(write, known_ids):
    with pytest.raises(TypeError, match="known_ids must be a container of ids"):
        read_genre_annotations(write("A\tJazz\n"), known_ids=known_ids)


def test_known_ids_decide_where_given(write):
    path = write(f"{A}\tRock\nown-id\tJazz\n")
    with pytest.warns(UserWarning, match="1 unknown track \\(line 1\\)"):
        assert read_genre_annotations(path, known_ids={"own-id"}) == {"own-id": "Jazz"}


@pytest.mark.parametrize("content", ["", "# only a comment\n", b"\x89PNG\r\n\x1a\n\0"])
def test_a_file_without_annotations_is_an_error(write, content):
    path = write(content)
    with pytest.raises(ValueError, match="no genre annotation found") as caught:
        read_genre_annotations(path, errors="ignore")
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_wrong_choice_are_errors(tmp_path, write):
    with pytest.raises(FileNotFoundError):
        read_genre_annotations(tmp_path / "none.cls")
    with pytest.raises(ValueError, match="'errors' parameter"):
        read_genre_annotations(write(f"{A}\tRock"), errors="drop")


def test_a_huge_line_costs_nothing_and_keeps_the_count(write):
    path = write(b"x" * 2500 + b"\n" + b"y" * 1000 + b"\n" + f"{A}\tRock".encode())
    with pytest.warns(UserWarning, match="2 malformed \\(line 1, 2\\)"):
        assert read_genre_annotations(path) == {A: "Rock"}


def test_pickling_keeps_the_attributes(write):
    with pytest.warns(UserWarning, match="malformed"):
        found = read_genre_annotations(write(f"{A}\tRock\tPop\nbad\n"))
    copy = pickle.loads(pickle.dumps(found))
    assert copy == found
    assert copy.minority == found.minority
    assert copy.problems == found.problems


# One line of any kind: what a file is made of when nothing can be taken for granted.
_field = st.one_of(
    st.sampled_from([A, B, C, "Rock", "New Age", "", "#", "\ufeff"]),
    st.text(max_size=12),
)
_line = st.one_of(
    st.lists(_field, max_size=4).map(lambda fields: "\t".join(fields).encode()),
    st.binary(max_size=30),
)


@given(lines=st.lists(_line, max_size=8), end=st.sampled_from([b"\n", b"\r\n"]))
@example(lines=[A.encode() + b"\tRo\xffck"], end=b"\n")
def test_any_file_gives_annotations_and_problems_or_an_error(
    tmp_path_factory, lines, end
):
    path = tmp_path_factory.mktemp("any") / "genres.cls"
    content = end.join(lines)
    path.write_bytes(content)
    message = ""
    try:
        found = read_genre_annotations(path, errors="ignore")
    except ValueError as error:
        message = str(error)
    if message:
        assert message.startswith(f"{path}: no genre annotation found")
        return
    # Independent: every annotation stands in the file as it was returned, and lines
    # are accounted for.
    by_line = content.split(b"\n")
    for track, genre in found.items():
        assert any(
            line.strip(b"\xef\xbb\xbf \r\t").startswith(track.encode())
            and genre.encode() in line
            for line in by_line
        )
    assert all(1 <= problem.line <= len(by_line) for problem in found.problems)
    assert len(found) + len(found.problems) <= len(by_line)


def test_real_files(shared_data):
    labels = shared_data / "labels"
    cd1 = read_genre_annotations(labels / "msd_tagtraum_cd1.cls", errors="raise")
    magd = read_genre_annotations(labels / "topmagd_subset3699.tsv", errors="raise")
    # Counted with `wc`, `cut` and `uniq` on the files.
    assert len(cd1) == 133_676
    assert len(cd1.minority) == 35_527
    assert len(set(cd1.values())) == 13
    assert sum(genre == "New Age" for genre in cd1.values()) == 1393
    assert len(magd) == 3699
    assert len(set(magd.values())) == 13
    assert magd["TRAAAAW128F429D538"] == "Rap"

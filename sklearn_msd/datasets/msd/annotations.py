"""Genre annotations of Million Song Dataset tracks."""

import os
import re
import warnings
from collections.abc import Container
from sys import intern
from typing import Any, NamedTuple

from sklearn_msd.common.scikit_learn.private import StrOptions, validate_params

#: What a Million Song Dataset track id looks like.
TRACK_ID = re.compile(r"TR[A-Z]{5}[0-9A-F]{11}")
# Longer than any real line many times over; bounds what one line can cost.
_MAX_LINE = 1000


class AnnotationProblem(NamedTuple):
    """A line that gave no annotation.

    Attributes
    ----------
    line : int
        Line number, from 1.
    reason : {"malformed", "unknown_track", "duplicate"}
        Why the line was left out.
    text : str
        The line, cut to 80 characters.
    """

    line: int
    reason: str
    text: str


class GenreAnnotations(dict[str, str]):
    """A mapping from track id to (majority) genre, with what else the file says.

    Attributes
    ----------
    minority : dict of str to str
        Second genre of the tracks that have one (tagtraum CD1).
    problems : list of AnnotationProblem
        Lines left out, in order.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.minority: dict[str, str] = {}
        self.problems: list[AnnotationProblem] = []

    def __reduce__(self) -> tuple[Any, ...]:
        # A dict's own pickling would drop the two attributes.
        return type(self), (dict(self),), self.__dict__


@validate_params(
    {
        "path": [str, os.PathLike],
        "known_ids": [Container, None],
        "errors": [StrOptions({"warn", "raise", "ignore"})],
    },
    prefer_skip_nested_validation=True,
)
def read_genre_annotations(
    path: str | os.PathLike[str],
    *,
    known_ids: Container[str] | None = None,
    errors: str = "warn",
) -> GenreAnnotations:
    r"""Read a file of genre annotations: tagtraum, MAGD, Top-MAGD or MASD.

    All have one annotation a line, ``track TAB genre``, in UTF-8. tagtraum's CD1 may
    add a second, minority genre after another tab; tagtraum's files open with comment
    lines that start with ``#``.

    Parameters
    ----------
    path : str or path-like
        The file.

    known_ids : container of str, default=None
        Track ids that exist, such as a set or a mapping. Lines about other tracks are
        left out and reported. By default a track id is known if it has the form of a
        Million Song Dataset id: ``TR``, 5 letters, 11 hexadecimal digits.

    errors : {"warn", "raise", "ignore"}, default="warn"
        What to do about lines that are malformed, about unknown tracks, or about a
        track already annotated (the first annotation stands): leave them out with one
        UserWarning, raise, or leave them out silently. They are listed in ``problems``
        of the result in any case.

    Returns
    -------
    annotations : GenreAnnotations
        A dict from track id to genre, with the attributes ``minority`` (second
        genres) and ``problems`` (lines left out, with their numbers).

    Raises
    ------
    TypeError
        If ``known_ids`` is a text.
    ValueError
        If no line holds an annotation, or if ``errors="raise"`` and a line is bad.
    OSError
        If the file cannot be read.

    References
    ----------
    .. [1] H. Schreiber, "Improving genre annotations for the Million Song Dataset",
       ISMIR 2015 (tagtraum CD1, CD2, CD2C).
    .. [2] A. Schindler, R. Mayer, A. Rauber, "Facilitating comprehensive benchmarking
       experiments on the Million Song Dataset", ISMIR 2012 (MAGD, Top-MAGD, MASD).

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn_msd.datasets import read_genre_annotations
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "genres.cls")
    ...     with open(path, "w") as file:
    ...         _ = file.write("# two tracks\nTRAAAAK128F9318786\tPop_Rock\n"
    ...                        "TRAAAED128E0783FAB\tJazz\tVocal\n")
    ...     annotations = read_genre_annotations(path)
    >>> annotations["TRAAAED128E0783FAB"]
    'Jazz'
    >>> annotations.minority
    {'TRAAAED128E0783FAB': 'Vocal'}
    """
    if isinstance(known_ids, str | bytes):  # containers, but of letters
        kind = type(known_ids).__name__
        raise TypeError(f"known_ids must be a container of ids, a set say; got {kind}.")
    found = GenreAnnotations()
    with open(path, "rb") as file:
        number = 0
        while raw := file.readline(_MAX_LINE):
            number += 1
            whole = raw
            while len(whole) == _MAX_LINE and not whole.endswith(b"\n"):
                whole = file.readline(_MAX_LINE)  # pass over the rest of a huge line
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8", "replace")
            text = text.strip()
            if not text or text.startswith("#"):
                continue
            reason = (
                "malformed" if whole is not raw else _add_line(found, text, known_ids)
            )
            if reason:
                found.problems.append(AnnotationProblem(number, reason, text[:80]))

    if found.problems and errors != "ignore":
        message = f"{os.fspath(path)}: {_summary(found.problems)}"
        if errors == "raise":
            raise ValueError(message)
        warnings.warn(f"{message} They were left out.", UserWarning, stacklevel=3)
    if not found:
        raise ValueError(
            f"{os.fspath(path)}: no genre annotation found; expected lines of "
            "'track id TAB genre'."
        )
    return found


def _add_line(
    found: GenreAnnotations, text: str, known_ids: Container[str] | None
) -> str | None:
    """Add the line's annotation to `found`, or return why it cannot be added."""
    track, *genres = (field.strip() for field in text.split("\t"))
    # U+FFFD stands for bytes that are no UTF-8.
    if len(genres) not in (1, 2) or not all(
        g and g.isprintable() and "\ufffd" not in g for g in (track, *genres)
    ):
        return "malformed"
    known = TRACK_ID.fullmatch(track) if known_ids is None else track in known_ids
    if not known:
        return "unknown_track"
    if track in found:
        return "duplicate"
    found[track] = intern(genres[0])
    if len(genres) == 2:
        found.minority[track] = intern(genres[1])
    return None


def _summary(problems: list[AnnotationProblem]) -> str:
    """Say how many lines of each kind there are, and where the first ones lie."""
    parts = []
    for reason in ("malformed", "unknown_track", "duplicate"):
        lines = [problem.line for problem in problems if problem.reason == reason]
        if lines:
            first = ", ".join(map(str, lines[:5])) + ("…" if len(lines) > 5 else "")
            name = reason.replace("_", " ")
            parts.append(f"{len(lines)} {name} (line {first})")
    return "; ".join(parts) + "."

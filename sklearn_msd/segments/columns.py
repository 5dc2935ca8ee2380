"""The 25 features of a segment: their names and the orders they are stored in."""

from collections.abc import Sequence

#: Features of each group, in their own order.
GROUPS: dict[str, tuple[str, ...]] = {
    "chroma": tuple(f"chroma_{i}" for i in range(12)),
    "timbre": tuple(f"timbre_{i}" for i in range(12)),
    "loudness": ("loudness",),
}

#: This package's order, that of the audio functions and of the spoken digits.
COLUMN_ORDER = ("chroma", "timbre", "loudness")

#: The order of the report's npz files.
REPORT_ORDER = ("timbre", "chroma", "loudness")

#: Features of one segment.
N_FEATURES = sum(len(names) for names in GROUPS.values())


def check_order(columns: Sequence[str]) -> tuple[str, ...]:
    """Check that `columns` names each feature group once; return it as a tuple.

    Parameters
    ----------
    columns : sequence of str
        A permutation of ``("chroma", "timbre", "loudness")``.

    Returns
    -------
    columns : tuple of str

    Raises
    ------
    ValueError
        If a group is missing, repeated or unknown.
    """
    given = [] if isinstance(columns, str) else list(columns)
    if len(given) != len(GROUPS) or not all(group in given for group in GROUPS):
        raise ValueError(
            f"columns must hold each of {COLUMN_ORDER} once, in the order wanted; "
            f"got {columns!r}."
        )
    return tuple(given)


def feature_names(columns: Sequence[str] = COLUMN_ORDER) -> list[str]:
    """Name the 25 features of a segment.

    Parameters
    ----------
    columns : sequence of str
        The order of the feature groups.

    Returns
    -------
    names : list of str
        Such as ``chroma_0`` … ``chroma_11``, ``timbre_0`` …, ``loudness``.

    Examples
    --------
    >>> from sklearn_msd.segments.columns import REPORT_ORDER, feature_names
    >>> feature_names(REPORT_ORDER)[11:14]
    ['timbre_11', 'chroma_0', 'chroma_1']
    """
    return [name for group in check_order(columns) for name in GROUPS[group]]


def flat_feature_names(n_segments: int, names: Sequence[str]) -> list[str]:
    """Name the features of a song laid flat, segment after segment.

    Parameters
    ----------
    n_segments : int
        Segments of a song.
    names : sequence of str
        Names of the features of one segment.

    Returns
    -------
    names : list of str of length ``n_segments * len(names)``

    Examples
    --------
    >>> from sklearn_msd.segments.columns import flat_feature_names
    >>> flat_feature_names(2, ["a", "b"])
    ['segment_0_a', 'segment_0_b', 'segment_1_a', 'segment_1_b']
    """
    return [f"segment_{i}_{name}" for i in range(n_segments) for name in names]

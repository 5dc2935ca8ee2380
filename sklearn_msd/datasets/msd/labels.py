"""Genre labels in the form that the processes of a build share."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sklearn_msd.common.files.digests import digest
from sklearn_msd.datasets.msd.annotations import read_genre_annotations


class Labels(NamedTuple):
    """Genres of tracks as two arrays, which processes can share without copies."""

    track_ids: np.ndarray  # sorted, as UTF-8 bytes
    codes: np.ndarray  # positions in the list of genres

    def find(self, track_id: str) -> int | None:
        """Look up the code of a track's genre."""
        key = np.bytes_(track_id.encode("utf-8", "replace"))
        at = int(np.searchsorted(self.track_ids, key))
        if at < len(self.track_ids) and self.track_ids[at] == key:
            return int(self.codes[at])
        return None


def index_labels(
    annotations: str | os.PathLike[str] | Mapping[str, str],
    genres: Sequence[str] | None,
) -> tuple[list[str], Labels, str]:
    """Turn annotations into genre names, sorted arrays, and a digest of both."""
    found: Mapping[str, str] = (
        annotations
        if isinstance(annotations, Mapping)
        else read_genre_annotations(annotations)
    )
    if not found or not all(isinstance(x, str) for pair in found.items() for x in pair):
        raise ValueError("annotations must map track ids to genres, both strings.")
    wanted = set(found.values()) if genres is None else set(genres)
    if missing := wanted - set(found.values()):
        raise ValueError(
            f"genres names {sorted(missing)}, which no track is annotated with."
        )
    items = sorted(
        (track.encode("utf-8", "replace"), genre)
        for track, genre in found.items()
        if genre in wanted
    )
    names = sorted(wanted)
    code = {name: i for i, name in enumerate(names)}
    labels = Labels(
        np.array([track for track, _ in items]),
        np.array([code[genre] for _, genre in items], dtype=np.int16),
    )
    labels_digest = digest(repr(items))
    return names, labels, labels_digest

"""Song segments from every source: files of arrays, HDF5, audio, synthetic."""

from sklearn_msd.datasets.annotations import GenreAnnotations, read_genre_annotations

__all__ = [
    "GenreAnnotations",
    "read_genre_annotations",
]

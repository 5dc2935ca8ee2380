"""Song segments from every source: files of arrays, HDF5, audio, synthetic."""

from sklearn_msd.datasets.audio.analysis import AudioAnalysis, read_audio_analysis
from sklearn_msd.datasets.audio.recording import segments_from_audio
from sklearn_msd.datasets.audio.segmenter import AudioSegmenter
from sklearn_msd.datasets.msd.annotations import (
    GenreAnnotations,
    read_genre_annotations,
)
from sklearn_msd.datasets.msd.build.build import build_msd_genre
from sklearn_msd.datasets.msd.track import MSDTrack, read_msd_track
from sklearn_msd.datasets.report_arrays.npz import load_msd_genre, predefined_split
from sklearn_msd.datasets.spoken_digits import load_spoken_digits
from sklearn_msd.datasets.synthetic.songs import make_songs
from sklearn_msd.segments.mapped_songs import MappedSongs

__all__ = [
    "AudioAnalysis",
    "AudioSegmenter",
    "GenreAnnotations",
    "MSDTrack",
    "MappedSongs",
    "build_msd_genre",
    "load_msd_genre",
    "load_spoken_digits",
    "make_songs",
    "predefined_split",
    "read_audio_analysis",
    "read_genre_annotations",
    "read_msd_track",
    "segments_from_audio",
]

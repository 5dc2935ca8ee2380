"""A saved classifier, and songs as files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_msd.cli.commands import naming
from sklearn_msd.cli.lengths import cropper, cut_songs, whole_or_cut
from sklearn_msd.cli.parts import segmenters_in
from sklearn_msd.common.files.walk import FolderWalk
from sklearn_msd.datasets import (
    AudioSegmenter,
    read_audio_analysis,
    read_msd_track,
    segments_from_audio,
)
from sklearn_msd.datasets.audio.recording import kind_of_segments
from sklearn_msd.datasets.msd.song_file import SongFile
from sklearn_msd.datasets.report_arrays.archive import NpzArchive
from sklearn_msd.datasets.sources.kept_segments import (
    KeptSegments,
    in_words,
    n_segments,
)
from sklearn_msd.datasets.sources.labelled_audio import AUDIO_SUFFIXES
from sklearn_msd.datasets.sources.npz_songs import FLAT_KEYS, read_array, split_songs
from sklearn_msd.saving.save_load import load, read_metadata
from sklearn_msd.segments.columns import COLUMN_ORDER, N_FEATURES
from sklearn_msd.segments.scaler import SegmentScaler

# Deviations that a feature's mean over a song may be off the mean of the songs trained
# on: far more than any song's own, of which 192 of the Million Song Dataset have
# 4.7 at most.
_FAR = 10.0
# Audio analyses, and tracks of the Million Song Dataset.
_TRACK_SUFFIXES = (".json", ".h5", ".hdf5")


class SavedModel:
    """A classifier from a file.

    Parameters
    ----------
    path : path-like

    Attributes
    ----------
    estimator : classifier
        As it was saved.
    segmenters : list of AudioSegmenter
        What reads recordings; none if the model takes arrays.
    segmenter : AudioSegmenter or None
        What makes songs of recordings, where all of the model takes the same.
    classifier : classifier
        What takes songs; all of the model, where there is no `segmenter`.
    classes : list of str
    n_segments : int or None
        Of the songs that it takes; None where it takes any length.
    n_segment_features : int
    versions, metadata : dict
        What the file says of itself.

    Raises
    ------
    ValueError
        If the file is damaged, or holds no fitted classifier with probabilities.
    OSError
        If it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.estimator = load(path)
        self.versions, self.metadata = read_metadata(path)
        name = type(self.estimator).__name__
        with naming(self.path):
            if not is_classifier(self.estimator):
                raise ValueError(f"it holds a {name}, which is no classifier.")
            check_is_fitted(self.estimator)
            if not hasattr(self.estimator, "predict_proba"):
                raise ValueError(f"a {name} has no probabilities.")
        self.classifier, self.segmenter = self.estimator, None
        if isinstance(self.estimator, Pipeline) and isinstance(
            self.estimator[0], AudioSegmenter
        ):
            self.segmenter, self.classifier = self.estimator[0], self.estimator[1:]
        self.segmenters = segmenters_in(self.estimator)
        self.classes = [str(label) for label in self.estimator.classes_]
        widths = [
            getattr(owner, "n_segment_features_", owner.n_segment_features)
            for owner in [self.classifier, *self.classifier.get_params().values()]
            if hasattr(owner, "n_segment_features")
        ]
        self.n_segment_features: int = widths[0] if widths else N_FEATURES
        self._memory = self.segmenters[0].memory if self.segmenters else None
        self._found: list[list[int]] = [[] for _ in self.segmenters]
        self.n_segments = self._n_segments()

    def features(self) -> str:
        """Its input: kinds of a recording's features, or what computed the features."""
        kinds = {segmenter.features for segmenter in self.segmenters}
        return ", ".join(sorted(kinds)) or str(self.metadata.get("features"))

    def _n_segments(self) -> int | None:
        if self.segmenter is not None:
            own = self.segmenter.n_segments
            if isinstance(own, str):
                s = self.segmenter
                own = kind_of_segments(s.features, s.output, s.device).n_segments
            return own
        if self.segmenters or self.metadata.get("any_length"):
            return None
        n_features: int = self.classifier.n_features_in_
        return n_features // self.n_segment_features

    def files_in(self, path: str | os.PathLike[str]) -> list[str]:
        """Files to predict: the path itself, or of a folder those at any depth.

        Raises
        ------
        OSError
            If there are none, or a folder cannot be read.
        """
        path = os.fspath(path)
        if not os.path.isdir(path):
            return [path]
        recordings = self.segmenters or self.metadata.get("features") == "audio"
        suffixes = AUDIO_SUFFIXES if recordings else _TRACK_SUFFIXES
        files = sorted(entry.path for entry in FolderWalk(Path(path), suffixes))
        if not files:
            what = "recordings" if recordings else ", ".join(_TRACK_SUFFIXES)
            raise FileNotFoundError(f"{path}: a folder with no songs ({what}).")
        return files

    def predict_file(
        self, path: str | os.PathLike[str], loudness: str = "start"
    ) -> Iterator[tuple[str, NDArray[np.floating]]]:
        """Names and probabilities of the songs in a file.

        Parameters
        ----------
        path : path-like
            An npz file with ``X``, an audio analysis (``.json``), Million Song Dataset
            tracks (``.h5``), or else a recording.
        loudness : {"start", "max"}, default="start"
            Which loudness to take of analyses and tracks.

        Raises
        ------
        ValueError, OSError, ImportError
            If the file cannot be read, or is not what the model was trained on; the
            message names the file.
        """
        path = os.fspath(path)
        suffix = Path(path).suffix.lower()
        with naming(path):
            if suffix == ".npz":
                yield from self._arrays(path)
            elif suffix == ".npy":
                raise ValueError("save songs as an npz file: np.savez(file, X=X).")
            elif suffix in _TRACK_SUFFIXES:
                self._expect("Echo Nest")
                yield from self._tracks(path, suffix, loudness)
            else:
                self._expect("audio")
                yield path, self._recording(path)

    def _arrays(self, path: str) -> Iterator[tuple[str, NDArray[np.floating]]]:
        with NpzArchive(path) as archive:
            if {*FLAT_KEYS} <= {*archive.names}:
                X_flat, offsets = (read_array(archive, key) for key in FLAT_KEYS)
                self.expect_arrays()
                for i, song in enumerate(split_songs(path, X_flat, offsets)):
                    name = f"{path}[{i}]"
                    yield name, self._song(song, name)
                return
            names = [name for name in ("X", "inputs") if name in archive.names]
            if not names:
                raise ValueError(
                    "no array X, and not both of X_flat and offsets, for songs of "
                    f"unequal length; there are {sorted(archive.names)}."
                )
            X = read_array(archive, names[0])
        songs = self.cut(X)
        self._warn_if_far(songs, path)
        for i, row in enumerate(self.predict(songs)):
            yield f"{path}[{i}]", row

    def _tracks(
        self, path: str, suffix: str, loudness: str
    ) -> Iterator[tuple[str, NDArray[np.floating]]]:
        options: dict[str, Any] = {"columns": self._columns(), "loudness": loudness}
        if suffix == ".json":
            yield path, self._song(read_audio_analysis(path, **options).segments, path)
            return
        with SongFile(path, options["columns"], loudness) as file:
            n_songs = file.n_songs
        for i in range(n_songs):
            name = path if n_songs == 1 else f"{path}[{i}]"
            segments = read_msd_track(path, i, **options).segments
            yield name, self._song(segments, name)

    def _recording(self, path: str) -> NDArray[np.floating]:
        if not self.segmenters:
            segments = segments_from_audio(path)
            assert isinstance(segments, np.ndarray)
            return self._song(segments, path)
        # Members of a combination share what is read, which is forgotten after it.
        kept = KeptSegments(self._memory)
        for segmenter, found in zip(self.segmenters, self._found, strict=True):
            segmenter.memory = kept
            found += n_segments([path], kept, segmenter)
        if self.segmenter is None:
            return next(iter(self.predict(np.array([path], dtype=object))))
        song = self.segmenter.transform([path])
        self._warn_if_far(song, path)
        return next(iter(self.predict(song)))

    def _song(self, segments: NDArray[Any], name: str) -> NDArray[np.floating]:
        """Probabilities of one song of any length."""
        if not len(segments):
            raise ValueError(f"{name} has no segments.")
        song: NDArray[Any] = segments[None]
        if self.n_segments is not None:
            cut = cropper(self.n_segments, self.n_segment_features)
            song = cut.fit_transform([segments])
        self._warn_if_far(song, name)
        return next(iter(self.predict(song)))

    def lengthened(self) -> list[str]:
        """Say of how many recordings predicted so far segments are repeated."""
        pairs = zip(self._found, self.segmenters, strict=True)
        remarks = (in_words(found, segmenter) for found, segmenter in pairs)
        return list(dict.fromkeys(remark for remark in remarks if remark))

    def expect_arrays(self) -> None:
        """Raise if the model reads recordings in more than one way."""
        if self.segmenters and self.segmenter is None:
            raise ValueError(
                "the model takes recordings, of which it reads two kinds of features, "
                "and no arrays."
            )

    def cut(self, X: NDArray[Any]) -> NDArray[Any]:
        """Songs of arrays, as long as the model's."""
        self.expect_arrays()
        if self.n_segments is None:
            return whole_or_cut(X, None, self.n_segment_features)
        return cut_songs(X, self.n_segments, self.n_segment_features)

    def on_recordings(
        self, paths: NDArray[Any], kept: KeptSegments
    ) -> tuple[Any, NDArray[Any]]:
        """A classifier, and what it takes of recordings that were read."""
        if self.segmenters:
            for segmenter in self.segmenters:
                segmenter.memory = kept
            return self.estimator, paths
        X = AudioSegmenter(None, memory=kept).transform(paths.tolist())
        return self.classifier, self.cut(X)

    def predict(self, X: NDArray[Any]) -> NDArray[np.floating]:
        """Probabilities of songs of the model's length, (n_songs, n_classes)."""
        probabilities: NDArray[np.floating] = self.classifier.predict_proba(X)
        return probabilities

    def _columns(self) -> tuple[str, ...]:
        """Order of the feature groups that the model was trained on."""
        names = self.metadata.get("feature_names") or []
        order = tuple(dict.fromkeys(name.split("_")[0] for name in names))
        return order if sorted(order) == sorted(COLUMN_ORDER) else COLUMN_ORDER

    def _expect(self, features: str) -> None:
        """Raise if the model is known to have been trained on other features."""
        own = "audio" if self.segmenters else self.metadata.get("features")
        if own not in (features, None):
            made = {"audio": "recordings", "Echo Nest": "Echo Nest's analyses"}
            raise ValueError(
                f"the model was trained on features of {made[own]}, which are not "
                f"those of {made[features]}."
            )

    def _warn_if_far(self, songs: NDArray[Any], name: str) -> None:
        """Warn of songs that cannot be of the kind that the model was trained on."""
        scaler = self.classifier[0] if isinstance(self.classifier, Pipeline) else None
        if not isinstance(scaler, SegmentScaler):
            return
        means = np.nanmean(
            scaler.transform(songs).reshape(-1, scaler.n_segment_features_), axis=0
        )
        off = np.abs(means)
        if off.max() > _FAR:
            warnings.warn(
                f"{name} is far from the songs that the model was trained on: feature "
                f"{off.argmax()} is {off.max():.0f} deviations off their mean. "
                "Were its features made in another way?",
                stacklevel=2,
            )

import json

import numpy as np
import pytest
from msd_files import make_song, write_msd_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_msd import SegmentCropper, SegmentScaler, save
from sklearn_msd.cli.saved_model import SavedModel
from sklearn_msd.datasets import read_msd_track

N_SEGMENTS = 12
TRACK = "TRAAAAA00000000000"


@pytest.fixture
def track(tmp_path):
    pytest.importorskip("h5py")
    path = tmp_path / f"{TRACK}.h5"
    write_msd_file(path, make_song(TRACK, "AR0", 30))
    return path


@pytest.fixture
def model(tmp_path, track):
    """Trained on songs like the track, timbre first."""
    order = ("timbre", "chroma", "loudness")
    song = read_msd_track(track, columns=order).segments
    rng = np.random.default_rng(0)
    X = np.resize(song, (20, N_SEGMENTS, 25)) + rng.normal(size=(20, N_SEGMENTS, 25))
    pipeline = make_pipeline(SegmentScaler(), LogisticRegression(C=0.01))
    pipeline.fit(X.astype(np.float32).reshape(20, -1), np.arange(20) % 2)
    names = [*[f"{part}_{i}" for part in order[:2] for i in range(12)], "loudness"]
    metadata = {"feature_names": names, "features": "Echo Nest"}
    save(pipeline, tmp_path / "m.msd", metadata=metadata)
    return SavedModel(tmp_path / "m.msd"), pipeline


def test_a_track_is_cut_and_read_in_the_models_order(model, track):
    saved, pipeline = model
    ((name, row),) = saved.predict_file(track)
    assert name == str(track)
    song = read_msd_track(track, columns=("timbre", "chroma", "loudness")).segments
    cut = SegmentCropper(N_SEGMENTS).fit_transform([song])
    np.testing.assert_array_equal(row, pipeline.predict_proba(cut)[0])


def test_an_analysis_is_the_same_as_the_track(model, track, tmp_path):
    saved, _ = model
    song = read_msd_track(track)
    segments = [
        {
            "start": start,
            "pitches": list(row[:12]),
            "timbre": list(row[12:24]),
            "loudness_start": row[24],
            "loudness_max": row[24] + 3,
        }
        for row, start in zip(song.segments, song.start, strict=True)
    ]
    path = tmp_path / "analysis.json"
    path.write_text(json.dumps({"segments": segments}))
    ((_, row),) = saved.predict_file(path)
    ((_, expected),) = saved.predict_file(track)
    np.testing.assert_allclose(row, expected, rtol=1e-5)
    ((_, louder),) = saved.predict_file(path, loudness="max")
    assert (louder != row).any()


def test_arrays_are_named_by_their_rows(model, tmp_path):
    saved, pipeline = model
    X = pipeline[0].mean_ + np.zeros((3, N_SEGMENTS, 25))
    np.savez(tmp_path / "a.npz", X=X)
    found = list(saved.predict_file(tmp_path / "a.npz"))
    assert [name for name, _ in found] == [f"{tmp_path}/a.npz[{i}]" for i in range(3)]
    expected = pipeline.predict_proba(X.reshape(3, -1))
    np.testing.assert_array_equal([row for _, row in found], expected)


def test_recordings_are_not_for_a_model_of_tracks(model, tmp_path):
    path = tmp_path / "song.wav"
    with pytest.raises(
        ValueError, match=r"song\.wav: the model was trained on .* Echo"
    ):
        list(model[0].predict_file(path))


def test_features_of_another_kind_are_told(model, tmp_path):
    X = np.full((3, N_SEGMENTS * 25), 500.0)
    np.savez(tmp_path / "a.npz", X=X)
    with pytest.warns(UserWarning, match="deviations off their mean"):
        list(model[0].predict_file(tmp_path / "a.npz"))


@pytest.mark.slow
def test_no_real_track_is_far_from_the_others(shared_data, tmp_path, recwarn):
    pytest.importorskip("h5py")
    paths = sorted((shared_data / "msd_h5").rglob("*.h5"))
    songs = [read_msd_track(path).segments for path in paths[:100]]
    X = SegmentCropper(N_SEGMENTS).fit_transform(songs)
    pipeline = make_pipeline(SegmentScaler(), LogisticRegression())
    pipeline.fit(X, np.arange(100) % 2)
    save(pipeline, tmp_path / "m.msd")
    saved = SavedModel(tmp_path / "m.msd")
    for path in paths:
        list(saved.predict_file(path))
    assert not recwarn.list

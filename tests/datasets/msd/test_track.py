import numpy as np
import pytest
from msd_files import make_song, write_msd_file

from sklearn_msd.datasets import read_msd_track

h5py = pytest.importorskip("h5py")


def test_reads_everything_of_one_song_of_many(tmp_path):
    songs = [make_song(f"TR{i}", f"AR{i}", 20 + i, seed=i) for i in range(3)]
    path = write_msd_file(tmp_path / "songs.h5", *songs)
    track = read_msd_track(path, 1, loudness="max")
    assert (track.track_id, track.artist_id, track.song_id) == ("TR1", "AR1", "SO1")
    assert (track.artist_name, track.title, track.duration) == (
        "Ärtist 1",
        "Title 1",
        101.0,
    )
    assert track.feature_names[0] == "chroma_0"
    np.testing.assert_array_equal(track.start, songs[1]["segments_start"])
    np.testing.assert_array_equal(
        track.segments[:, 24], songs[1]["segments_loudness_max"]
    )


def test_columns_follow_their_names(tmp_path):
    path = write_msd_file(tmp_path / "song.h5", make_song("TR1"))
    one = read_msd_track(path)
    other = read_msd_track(path, columns=("loudness", "timbre", "chroma"))
    assert other.feature_names[0] == "loudness"
    order = [other.feature_names.index(name) for name in one.feature_names]
    np.testing.assert_array_equal(one.segments, other.segments[:, order])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"index": 1}, "holds 1 songs; index=1"),
        ({"index": -1}, "'index' parameter"),
        ({"loudness": "mean"}, "'loudness' parameter"),
        ({"columns": ("chroma",)}, "columns must hold"),
    ],
)
def test_wrong_parameters_are_named(tmp_path, change, message):
    path = write_msd_file(tmp_path / "song.h5", make_song("TR1"))
    with pytest.raises(ValueError, match=message):
        read_msd_track(path, **change)


@pytest.mark.parametrize("n_start", [129, 131])
def test_start_times_must_fit_the_segments(tmp_path, n_start):
    song = make_song("TR1", segments_start=np.arange(float(n_start)))
    path = write_msd_file(tmp_path / "song.h5", song)
    with pytest.raises(ValueError, match=r"song\.h5.*segments_start"):
        read_msd_track(path)


def test_real_tracks_equal_h5py(shared_data):
    paths = sorted((shared_data / "msd_h5").rglob("*.h5"))
    assert len(paths) == 192
    for path in paths[::8]:
        track = read_msd_track(path)
        with h5py.File(path) as file:
            a = file["analysis"]
            np.testing.assert_array_equal(track.segments[:, :12], a["segments_pitches"])
            np.testing.assert_array_equal(
                track.segments[:, 12:24], a["segments_timbre"]
            )
            np.testing.assert_array_equal(
                track.segments[:, 24], a["segments_loudness_start"]
            )
            np.testing.assert_array_equal(track.start, a["segments_start"])
            assert track.track_id.encode() == a["songs"]["track_id"][0]
            title = file["metadata/songs"]["title"][0].decode()
        assert track.title == title
        assert track.track_id == path.stem


def test_real_damaged_files_are_errors(shared_data):
    paths = sorted((shared_data / "msd_h5_damaged").glob("*.h5"))
    assert len(paths) == 2
    for path in paths:
        with pytest.raises(ValueError, match=path.name):
            read_msd_track(path)

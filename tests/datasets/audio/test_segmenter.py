import os
import subprocess
import sys
from pathlib import Path

import audio_files
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_do_not_raise_errors_in_init_or_set_params,
    check_dont_overwrite_parameters,
    check_estimator_cloneable,
    check_estimator_repr,
    check_estimator_tags_renamed,
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_parameters_default_constructible,
    check_set_params,
    check_valid_tag_types,
)

from sklearn_msd import SegmentCropper, SegmentScaler, TimeConvClassifier
from sklearn_msd.datasets import (
    AudioSegmenter,
    load_spoken_digits,
    read_msd_track,
    segments_from_audio,
)
from sklearn_msd.datasets.audio import decoding, reader, recording

soundfile = pytest.importorskip("soundfile", reason="needs sklearn-msd[audio]")
librosa = pytest.importorskip("librosa", reason="needs sklearn-msd[audio]")

RATE = 22_050


def tone(hertz, seconds=1.0, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Low and high tones of 2 to 5 seconds, and which is which."""
    folder = tmp_path_factory.mktemp("audio")
    rng = np.random.default_rng(0)
    y = np.tile(["low", "high"], 6)
    paths = []
    for i, label in enumerate(y):
        samples = tone({"low": 200, "high": 2000}[label], rng.uniform(2, 5))
        paths.append(folder / f"{i}.flac")
        soundfile.write(paths[-1], samples + rng.normal(0, 0.01, len(samples)), RATE)
    return paths, y


class TestSegmentsFromAudio:
    @pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
    @pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 48_000])
    @pytest.mark.parametrize("channels", [1, 2])
    def test_rates_channels_and_formats(self, tmp_path, suffix, rate, channels):
        path = tmp_path / f"tone.{suffix}"
        samples = np.tile(tone(440, 1, rate)[:, None], channels)
        soundfile.write(path, samples, rate)
        segments, start = segments_from_audio(path, return_times=True)
        assert segments.shape == (len(start), 25)
        assert_array_equal(segments[:, :12].argmax(axis=1), 9)  # A
        # Lossy formats change a level a little, most at the ends.
        atol = 1 if suffix in ("ogg", "mp3") else 0.05
        assert_allclose(segments[1:-1, 24], 20 * np.log10(0.5 / 2**0.5), atol=atol)

    def test_a_louder_recording(self, files, tmp_path):
        samples, rate = soundfile.read(files[0][0])
        soundfile.write(tmp_path / "half.wav", samples / 2, rate, subtype="FLOAT")
        loud, half = (
            segments_from_audio(path) for path in (files[0][0], tmp_path / "half.wav")
        )
        assert_allclose(loud[:, 24] - half[:, 24], 20 * np.log10(2), atol=1e-3)
        assert_allclose(loud[:, :12], half[:, :12], atol=1e-5)
        assert_allclose(loud[:, 13:24], half[:, 13:24], atol=1e-3)

    def test_samples_and_file_agree(self, files):
        samples, rate = soundfile.read(files[0][0], dtype="int16")
        from_file = segments_from_audio(str(files[0][0]))
        assert_allclose(segments_from_audio(samples, rate), from_file, atol=1e-5)
        stereo = np.column_stack([samples, samples])
        assert_allclose(segments_from_audio(stereo, rate), from_file, atol=1e-5)
        as_float = samples / 2**15
        assert_allclose(segments_from_audio(as_float, rate), from_file, atol=1e-5)
        assert_allclose(segments_from_audio(list(as_float), rate), from_file, atol=1e-5)

    @pytest.mark.parametrize(
        ("samples", "rate", "match"),
        [
            (tone(440), None, "sample_rate is needed"),
            (tone(440), 0, "'sample_rate' parameter"),
            (tone(440)[None], RATE, "transposed"),
            (np.zeros((4, 3, 2)), RATE, r"shape \(4, 3, 2\)"),
            (np.zeros(0), RATE, r"shape \(0,\)"),
            (np.full(99, np.nan), RATE, "NaN or infinity"),
            (np.zeros(99, dtype=complex), RATE, "dtype complex128"),
            ("tone.wav", RATE, "sample_rate is for samples"),
        ],
    )
    def test_clear_errors(self, samples, rate, match):
        with pytest.raises(ValueError, match=match):
            segments_from_audio(samples, rate)

    def test_an_error_names_the_file(self, tmp_path):
        (tmp_path / "song.mp3").write_text("not audio\n" * 200)
        with pytest.raises(ValueError, match=r"song\.mp3"):
            segments_from_audio(tmp_path / "song.mp3")

    def test_on_recordings_of_speech(self):
        for path in load_spoken_digits().recordings.filenames:
            segments, start = segments_from_audio(path, return_times=True)
            seconds = soundfile.info(path).duration
            assert 1 <= len(segments) <= seconds / 0.09 + 1
            assert (np.diff(start) > 0.09).all()
            assert np.isfinite(segments).all()
            assert_array_equal(segments[:, :12].max(axis=1), 1)
            assert (segments[:, 24] > -60).any()

    def test_on_the_shared_recordings(self, shared_data):
        paths = sorted((shared_data / "fsdd_wav").glob("*.wav"))
        assert len(paths) == 60
        samples = np.concatenate([soundfile.read(path)[0] for path in paths])
        segments, start = segments_from_audio(samples, 8000, return_times=True)
        assert 0.18 < np.median(np.diff(start)) < 0.28
        assert 4 < len(segments) / (len(samples) / 8000) < 5

    def test_segments_are_as_long_as_the_data_sets(self, shared_data):
        music = sorted((shared_data / "gtzan100").glob("*/*.flac"))[::20]
        tracks = sorted((shared_data / "msd_h5").rglob("*.h5"))[::8]
        ours = [segments_from_audio(path, return_times=True)[1] for path in music]
        theirs = [read_msd_track(path).start for path in tracks]
        for starts in (ours, theirs):  # about a quarter of a second, four a second
            lengths = np.concatenate([np.diff(start) for start in starts])
            assert 0.2 < np.median(lengths) < 0.3
            assert 3 < 1 / lengths.mean() < 5


class TestAudioSegmenter:
    @pytest.mark.parametrize(
        "check",
        [
            check_do_not_raise_errors_in_init_or_set_params,
            check_dont_overwrite_parameters,
            check_estimator_cloneable,
            check_estimator_repr,
            check_estimator_tags_renamed,
            check_get_params_invariance,
            check_no_attributes_set_in_init,
            check_parameters_default_constructible,
            check_set_params,
            check_valid_tag_types,
        ],
        ids=lambda check: check.__name__,
    )
    def test_scikit_learn_checks(self, check):
        """Those that give no X: the others are for numbers, and skip paths."""
        if check is check_dont_overwrite_parameters:
            segmenter = AudioSegmenter()
            before = vars(segmenter).copy()
            assert vars(segmenter.fit(["a.wav"])) == before
        else:
            check("AudioSegmenter", AudioSegmenter())

    def test_songs_are_cropped_and_repeated(self, files):
        paths = files[0][:4]
        songs = [segments_from_audio(path) for path in paths]
        X = AudioSegmenter(12).fit_transform(paths)
        assert X.dtype == np.float32
        assert_array_equal(X, SegmentCropper(12).fit_transform(songs))
        X = AudioSegmenter(30, crop="start", pad="zero").transform(paths)
        expected = SegmentCropper(30, crop="start", pad="zero").fit_transform(songs)
        assert_array_equal(X, expected)

    def test_sequences_of_unequal_length(self, files):
        X = AudioSegmenter(n_segments=None).fit_transform(files[0][:4])
        lengths = [len(segments_from_audio(path)) for path in files[0][:4]]
        assert X.shape == (4, max(lengths), 25)
        assert_array_equal((~np.isnan(X[:, :, 0])).sum(axis=1), lengths)
        assert np.isfinite(SegmentScaler().fit_transform(X)[:, 0]).all()

    def test_layouts_of_paths(self, files):
        pd = pytest.importorskip("pandas")
        paths = [str(path) for path in files[0][:3]]
        expected = AudioSegmenter(4).transform(paths)
        for X in (
            np.array(paths),
            np.array(paths, dtype=object)[:, None],
            pd.Series(paths),
            pd.DataFrame({"path": paths}),
            tuple(map(Path, paths)),
        ):
            assert_array_equal(AudioSegmenter(4).fit_transform(X), expected)

    @pytest.mark.parametrize(
        ("X", "match"),
        [
            ("song.wav", "list of paths, got one path: song.wav"),
            (Path("song.wav"), "list of paths"),
            ([], "at least one path"),
            ([1.5], r"X\[0\] is not a path but float"),
            (np.full((2, 2), "a.wav"), r"shape \(2, 2\)"),
        ],
    )
    def test_what_is_not_paths(self, X, match):
        with pytest.raises(ValueError, match=match):
            AudioSegmenter().fit(X)
        with pytest.raises(ValueError, match=match):
            AudioSegmenter().transform(X)

    def test_processes_give_the_same(self, files):
        one = AudioSegmenter(8).transform(files[0][:4])
        two = AudioSegmenter(8, n_jobs=2).transform(files[0][:4])
        # A worker has fewer threads, and float32 sums go in another order there.
        assert_allclose(two, one, rtol=1e-4, atol=1e-5)

    def test_a_bad_file_is_named_from_another_process_too(self, files, tmp_path):
        (tmp_path / "bad.wav").write_text("not audio\n" * 200)
        for n_jobs in (1, 2):
            with pytest.raises(ValueError, match=r"bad\.wav: damaged"):
                AudioSegmenter(n_jobs=n_jobs).transform(
                    [files[0][0], tmp_path / "bad.wav"]
                )
        with pytest.raises(FileNotFoundError, match=r"missing\.wav"):
            AudioSegmenter().transform([tmp_path / "missing.wav"])

    def test_memory(self, files, tmp_path, monkeypatch):
        path, cache = tmp_path / "song.wav", tmp_path / "cache"
        soundfile.write(path, tone(440), RATE)
        segmenter = AudioSegmenter(4, memory=cache)
        first = segmenter.fit_transform([path])
        assert cache.is_dir()

        def not_again(*_):
            raise AssertionError("read again")

        with monkeypatch.context() as patch:
            patch.setattr(reader, "decode_audio", not_again)
            assert_array_equal(clone(segmenter).transform([str(path)]), first)
            # The same file by another name, from another folder.
            patch.chdir(tmp_path)
            assert_array_equal(segmenter.transform(["song.wav"]), first)
        soundfile.write(path, tone(880 * 2 ** (1 / 12)), RATE)
        os.utime(path, ns=(1, 1))
        assert_array_equal(
            segmenter.transform([path]), AudioSegmenter(4).transform([path])
        )

    def test_memory_tells_folders_apart(self, tmp_path, monkeypatch):
        """Files of one name, size and time, by relative paths."""
        segmenter = AudioSegmenter(4, memory=tmp_path / "cache")
        found = []
        for folder, hertz in (("one", 440), ("two", 622)):
            (tmp_path / folder).mkdir()
            monkeypatch.chdir(tmp_path / folder)
            soundfile.write("song.wav", tone(hertz), RATE)
            os.utime("song.wav", ns=(1, 1))
            found.append(segmenter.transform(["song.wav"]))
            assert_array_equal(found[-1], AudioSegmenter(4).transform(["song.wav"]))
        assert not np.array_equal(*found)

    @pytest.mark.parametrize(
        ("owner", "name"),
        [
            (recording, "FEATURE_VERSION"),
            (librosa, "__version__"),
            (soundfile, "__libsndfile_version__"),
        ],
    )
    def test_memory_tells_versions_apart(self, tmp_path, monkeypatch, owner, name):
        path = tmp_path / "song.wav"
        soundfile.write(path, tone(440), RATE)
        segmenter = AudioSegmenter(4, memory=tmp_path / "cache")
        segmenter.transform([path])
        reads = []

        def decode(path, rate):
            reads.append(path)
            return decoding.decode_audio(path, rate)

        monkeypatch.setattr(reader, "decode_audio", decode)
        segmenter.transform([path])
        assert not reads
        monkeypatch.setattr(owner, name, "another")
        segmenter.transform([path])
        assert reads == [str(path)]

    def test_doubts_are_warnings_from_a_cache_and_a_process_too(self, tmp_path):
        data = audio_files.mp3_files()["constant rate, no header"].data
        (tmp_path / "cut.mp3").write_bytes(data[:-100])
        for n_jobs in (None, None, 2):
            segmenter = AudioSegmenter(4, memory=tmp_path / "cache", n_jobs=n_jobs)
            with pytest.warns(UserWarning, match=r"cut\.mp3: it ends within") as told:
                segmenter.transform([tmp_path / "cut.mp3"])
            assert told[0].filename == __file__
        with pytest.warns(UserWarning, match=r"cut\.mp3: it ends within"):
            segments_from_audio(tmp_path / "cut.mp3")

    def test_nothing_is_written_unless_asked(self, files, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        AudioSegmenter(4).fit_transform(files[0][:1])
        assert not list(tmp_path.iterdir())

    def test_feature_names(self, files):
        segmenter = AudioSegmenter(3).set_output(transform="pandas")
        columns = list(segmenter.fit_transform(files[0][:2]).columns)
        assert columns[0] == "segment_0_chroma_0"
        assert columns[-1] == "segment_2_loudness"
        with pytest.raises(ValueError, match="no columns"):
            AudioSegmenter(None).get_feature_names_out()

    def test_pipeline_from_files_to_labels(self, files):
        paths, y = files
        pipeline = make_pipeline(
            AudioSegmenter(24),
            StandardScaler(),
            TimeConvClassifier(
                hidden_layer_sizes=(16,),
                n_kernels=8,
                learning_rate=0.01,
                max_epochs=40,
                random_state=0,
            ),
        )
        assert pipeline.fit(paths[:8], y[:8]).score(paths[8:], y[8:]) == 1

    def test_pipeline_on_speech(self):
        """Who speaks can be told from one recording of each digit, in other digits."""
        recordings = load_spoken_digits().recordings
        train = recordings.target < 7
        paths = np.array(recordings.filenames)
        pipeline = make_pipeline(
            AudioSegmenter(4), SegmentScaler(), LogisticRegression(C=0.01)
        )
        pipeline.fit(paths[train], recordings.groups[train])
        assert pipeline.score(paths[~train], recordings.groups[~train]) > 0.5


def test_librosa_is_imported_only_where_used():
    code = (
        "import sys, sklearn_msd.datasets;"
        "assert not {'librosa', 'soundfile', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

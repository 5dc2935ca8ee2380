"""AudioSegmenter and segments_from_audio with musicnn's features."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_msd import (
    LinearCombiner,
    SegmentCropper,
    SegmentStatistics,
    TimeConvClassifier,
    load,
    save,
    stack_segments,
    to_onnx,
)
from sklearn_msd.datasets import AudioSegmenter, segments_from_audio

soundfile = pytest.importorskip("soundfile", reason="needs sklearn-msd[audio]")
pytest.importorskip("librosa", reason="needs sklearn-msd[audio]")

RATE = 16_000
WIDTHS = {"penultimate": 200, "mean_pool": 753, "tags": 50}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Eight recordings of 2 to 11 seconds: chords that swell, and bursts of noise."""
    folder = tmp_path_factory.mktemp("audio")
    rng = np.random.default_rng(0)
    y = np.tile(["chord", "noise"], 4)
    paths = []
    for i, label in enumerate(y):
        t = np.arange(int(RATE * (2 + 1.3 * i))) / RATE
        swell = 0.2 * (1 + np.sin(2 * np.pi * rng.uniform(1, 4) * t))
        if label == "chord":
            pitch = rng.uniform(200, 300)
            sound = sum(np.sin(2 * np.pi * pitch * k * t) for k in (1, 1.25, 1.5)) / 3
        else:
            sound = rng.uniform(-1, 1, len(t))
        paths.append(folder / f"{i}.wav")
        soundfile.write(paths[-1], swell * sound, RATE)
    return paths, y


@pytest.fixture(scope="module")
def songs(files):
    return [segments_from_audio(path, features="musicnn") for path in files[0]]


@pytest.mark.parametrize("output", WIDTHS)
def test_a_segment_is_three_seconds(files, output):
    samples, rate = soundfile.read(files[0][-1])
    segments, start = segments_from_audio(
        samples, rate, features="musicnn", output=output, return_times=True
    )
    assert segments.shape == (len(start), WIDTHS[output])
    assert segments.dtype == np.float32
    assert_allclose(start, [0, 2.992, 5.984])  # of 11.1 seconds
    stereo = np.column_stack([samples, samples])
    assert_array_equal(
        segments_from_audio(stereo, rate, features="musicnn", output=output), segments
    )


def test_tags_hear_what_is_there(files):
    """Noise is ambient or experimental to the net, and no song with a singer."""
    tags = AudioSegmenter(1, features="musicnn", output="tags").transform(files[0])
    names = AudioSegmenter(1, features="musicnn", output="tags").get_feature_names_out()
    heard = dict(zip(names, tags[files[1] == "noise"].mean(axis=0), strict=True))
    assert heard["segment_0_ambient"] > heard["segment_0_female vocalists"]
    assert heard["segment_0_experimental"] > heard["segment_0_pop"]


def test_by_default_all_segments_are_kept(files, songs):
    segmenter = AudioSegmenter(features="musicnn")
    X = segmenter.fit_transform(files[0])
    assert_array_equal(X, stack_segments(songs))
    assert sorted({len(song) for song in songs}) == [1, 2, 3]
    with pytest.raises(ValueError, match="n_segments='auto' gives sequences"):
        segmenter.get_feature_names_out()
    assert_array_equal(AudioSegmenter(None, features="musicnn").transform(files[0]), X)


def test_songs_are_cropped_and_repeated(files, songs):
    for n, parameters in ((2, {}), (3, {"crop": "start", "pad": "mean"})):
        X = AudioSegmenter(n, features="musicnn", **parameters).transform(files[0])
        cropper = SegmentCropper(n, n_segment_features=200, **parameters)
        assert_array_equal(X, cropper.fit_transform(songs))


def test_feature_names():
    tags = AudioSegmenter(2, features="musicnn", output="tags").get_feature_names_out()
    assert len(tags) == len(set(tags)) == 100
    assert tags[0] == "segment_0_rock"
    assert tags[-1] == "segment_1_happy"
    for output in ("penultimate", "mean_pool"):
        segmenter = AudioSegmenter(2, features="musicnn", output=output)
        names = segmenter.get_feature_names_out()
        assert len(names) == 2 * WIDTHS[output]
        assert names[-1] == f"segment_1_{output}_{WIDTHS[output] - 1}"


@pytest.mark.slow
def test_processes_give_the_same(files, songs):
    X = AudioSegmenter(features="musicnn", n_jobs=2).transform(files[0])
    # A worker has fewer threads, and float32 sums go in another order there.
    assert_allclose(X, stack_segments(songs), rtol=1e-4, atol=1e-4)


def test_memory_knows_kinds_and_outputs_apart(files, tmp_path, monkeypatch):
    paths = files[0][:2]
    parameters = [
        {},
        {"features": "musicnn"},
        {"features": "musicnn", "output": "tags"},
    ]

    def segmenters():
        return [AudioSegmenter(2, memory=tmp_path, **kind) for kind in parameters]

    first = [segmenter.transform(paths) for segmenter in segmenters()]
    assert [X.shape[1] for X in first] == [50, 400, 100]

    def not_again(*_, **__):
        raise AssertionError("read again")

    monkeypatch.setattr("sklearn_msd.datasets.audio.reader.decode_audio", not_again)
    for segmenter, X in zip(segmenters(), first, strict=True):
        assert_array_equal(segmenter.transform(paths), X)
    # Where it ran is no part of what it is.
    elsewhere = AudioSegmenter(2, memory=tmp_path, features="musicnn", device="cpu")
    assert_array_equal(elsewhere.transform(paths), first[1])


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"features": "music"}, "'features' parameter"),
        ({"output": "logits"}, "'output' parameter"),
        ({"n_segments": "all"}, "'n_segments' parameter"),
        ({"device": "abacus"}, "device='abacus'"),
    ],
)
def test_clear_errors(files, parameters, match):
    with pytest.raises(ValueError, match=match):
        AudioSegmenter(**{"features": "musicnn"} | parameters).transform(files[0][:1])


def test_a_bad_file_is_named(files, tmp_path):
    (tmp_path / "bad.wav").write_text("not audio\n" * 200)
    with pytest.raises(ValueError, match=r"bad\.wav: damaged"):
        AudioSegmenter(features="musicnn").transform(
            [files[0][0], tmp_path / "bad.wav"]
        )


class TestPipelines:
    @pytest.fixture
    def pipeline(self, tmp_path):
        segmenter = AudioSegmenter(2, features="musicnn", memory=tmp_path / "cache")
        return make_pipeline(segmenter, StandardScaler(), LogisticRegression(C=0.01))

    def test_clone_search_and_pickle(self, files, pipeline):
        paths, y = np.array(files[0], dtype=object), files[1]
        grid = {"audiosegmenter__output": ["penultimate", "tags"]}
        search = GridSearchCV(clone(pipeline), grid, cv=2).fit(paths, y)
        assert (search.cv_results_["mean_test_score"] == 1).all()
        again = pickle.loads(pickle.dumps(search))
        assert_array_equal(again.predict_proba(paths), search.predict_proba(paths))

    def test_save_and_load(self, files, pipeline, tmp_path):
        pipeline.fit(*files)
        save(pipeline, tmp_path / "model.msd")
        again = load(tmp_path / "model.msd")
        assert again[0].features == "musicnn"
        assert_array_equal(
            again.predict_proba(files[0]), pipeline.predict_proba(files[0])
        )

    def test_onnx_takes_features_and_no_recordings(self, files, pipeline, tmp_path):
        pytest.importorskip("onnxscript")
        runtime = pytest.importorskip("onnxruntime")
        pipeline.fit(*files)
        to_onnx(pipeline, tmp_path / "model.onnx")
        session = runtime.InferenceSession(tmp_path / "model.onnx")
        features = pipeline[0].transform(files[0]).astype(np.float32)
        (found,) = session.run(["probabilities"], {"X": features})
        assert_allclose(found, pipeline.predict_proba(files[0]), atol=1e-5)

    def test_what_has_no_graph_is_named(self, files, pipeline, tmp_path):
        pytest.importorskip("onnxscript")
        pipeline.steps.insert(1, ("statistics", SegmentStatistics(["mean"])))
        pipeline.set_params(audiosegmenter__n_segments=None).fit(*files)
        with pytest.raises(TypeError, match="SegmentStatistics has no ONNX graph"):
            to_onnx(pipeline, tmp_path / "model.onnx")

    def test_a_net_takes_them(self, files):
        net = TimeConvClassifier(
            kernel_height=1,
            pooling=None,
            global_pooling="mean_max",
            n_kernels=8,
            hidden_layer_sizes=(8,),
            n_segment_features=200,
            learning_rate=0.01,
            max_epochs=10,
            random_state=0,
        )
        model = make_pipeline(AudioSegmenter(features="musicnn"), net)
        assert model.fit(*files).score(*files) == 1

    def test_a_combiner_takes_both_kinds_of_the_same_paths(self, files, pipeline):
        other = make_pipeline(
            AudioSegmenter(8), StandardScaler(), LogisticRegression(C=0.01)
        )
        both = LinearCombiner([("musicnn", pipeline), ("segments", other)], cv=2)
        both.fit(*files)
        assert both.score(*files) == 1
        assert_allclose(
            both.transform(files[0])[:, 2:].sum(axis=1), 0, atol=1e-6
        )  # a binary logit and its negative
        expected = other.fit(*files).decision_function(files[0])
        assert_allclose(both.transform(files[0])[:, 3], expected / 2, rtol=1e-6)


def test_pytorch_is_imported_only_for_musicnn():
    code = (
        "import sys; from sklearn_msd.datasets import AudioSegmenter;"
        "AudioSegmenter(2).get_feature_names_out();"
        "assert not {'torch', 'librosa'} & set(sys.modules);"
        "AudioSegmenter(2, features='musicnn').get_feature_names_out();"
        "assert 'librosa' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

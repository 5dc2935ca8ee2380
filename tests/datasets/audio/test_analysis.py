import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklearn_msd.datasets import read_audio_analysis


def segment(i):
    return {
        "start": 0.25 * i,
        "duration": 0.25,
        "confidence": 0.5,
        "loudness_start": -20.5 - i,
        "loudness_max_time": 0.1,
        "loudness_max": -10.25 - i,
        "pitches": [(i + j) % 12 / 11 for j in range(12)],
        "timbre": [10 * i + j for j in range(12)],
    }


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "analysis.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_reads_segments(write):
    songs = [segment(i) for i in range(7)]
    analysis = read_audio_analysis(write({"meta": {}, "segments": songs}))
    assert analysis.segments.shape == (7, 25)
    assert_array_equal(analysis.segments[:, :12], [s["pitches"] for s in songs])
    assert_array_equal(analysis.segments[:, 12:24], [s["timbre"] for s in songs])
    assert_array_equal(analysis.segments[:, 24], [s["loudness_max"] for s in songs])
    assert_array_equal(analysis.start, np.arange(7) * 0.25)
    assert analysis.feature_names[0] == "chroma_0"


def test_the_reports_order_and_loudness(write):
    path = write({"segments": [segment(2)]})
    analysis = read_audio_analysis(
        path, columns=("timbre", "chroma", "loudness"), loudness="start"
    )
    expected = [*segment(2)["timbre"], *segment(2)["pitches"], -22.5]
    assert_array_equal(analysis.segments, [expected])
    assert analysis.feature_names[0] == "timbre_0"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "not JSON"),
        ("\x00\xff", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ([], "no list of 'segments'"),
        ({"segments": []}, "no list of 'segments'"),
        ({"segments": {"0": segment(0)}}, "no list of 'segments'"),
        ({"segments": [segment(0), 3]}, r"segments\[1\] has no"),
        ({"segments": [{"start": 0}]}, r"segments\[0\] has no 'pitches'"),
        ({"segments": [segment(0) | {"timbre": [1] * 11}]}, "'timbre' must be 12"),
        ({"segments": [segment(0) | {"timbre": [[1], [1, 2]]}]}, "'timbre' must be"),
        ({"segments": [segment(0) | {"pitches": ["1"] * 12}]}, "'pitches' must be 12"),
        ({"segments": [segment(0) | {"loudness_max": None}]}, "must be a finite"),
        ({"segments": [segment(0) | {"loudness_max": float("nan")}]}, "a finite"),
        ({"segments": [segment(0) | {"start": True}]}, "'start' must be a finite"),
        ({"segments": [segment(0) | {"start": [1]}]}, "'start' must be a finite"),
    ],
)
def test_errors_name_the_file_and_the_segment(write, content, match):
    with pytest.raises(ValueError, match=rf"analysis\.json.*{match}"):
        read_audio_analysis(write(content))


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from(["start", "pitches", "timbre", "loudness_max"]),
    value=json_values,
)
def test_any_value_is_read_or_refused(write, key, value):
    path = write({"segments": [segment(0), segment(1) | {key: value}]})
    try:
        analysis = read_audio_analysis(path)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017
        assert key in str(error)  # noqa: PT017
    else:
        read = {
            "start": analysis.start[1],
            "pitches": analysis.segments[1, :12],
            "timbre": analysis.segments[1, 12:24],
            "loudness_max": analysis.segments[1, 24],
        }
        assert_array_equal(read[key], value)

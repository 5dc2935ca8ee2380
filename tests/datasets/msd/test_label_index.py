import numpy as np
import pytest

from sklearn_msd.datasets.msd.labels import index_labels

ANNOTATIONS = {"TRB": "Rock", "TRA": "Jazz", "TRC": "Rock", "TRÄ": "Blues"}


def test_every_track_is_found_and_no_other():
    names, labels, _ = index_labels(ANNOTATIONS, None)
    assert names == ["Blues", "Jazz", "Rock"]
    for track, genre in ANNOTATIONS.items():
        assert names[labels.find(track)] == genre
    for track in ("", "TR", "TRD", "TRAA", "ZZZ"):
        assert labels.find(track) is None
    assert labels.codes.dtype == np.int16


def test_genres_narrow_what_counts_as_labelled():
    names, labels, digest = index_labels(ANNOTATIONS, ["Rock"])
    assert names == ["Rock"]
    assert labels.find("TRA") is None
    assert labels.find("TRC") == 0
    assert digest != index_labels(ANNOTATIONS, None)[2]


def test_the_digest_follows_from_the_content_alone():
    again = dict(reversed(ANNOTATIONS.items()))
    assert index_labels(ANNOTATIONS, None)[2] == index_labels(again, None)[2]


def test_a_file_is_read(tmp_path):
    path = tmp_path / "genres.cls"
    path.write_text("TRAAAAK128F9318786\tPop_Rock\n")
    names, labels, _ = index_labels(path, None)
    assert names[labels.find("TRAAAAK128F9318786")] == "Pop_Rock"


@pytest.mark.parametrize(
    ("annotations", "genres", "message"),
    [
        ({}, None, "annotations must map"),
        ({"TRA": 3}, None, "annotations must map"),
        ({1: "Rock"}, None, "annotations must map"),
        (ANNOTATIONS, ["Rock", "Polka"], r"\['Polka'\]"),
    ],
)
def test_wrong_labels_are_refused(annotations, genres, message):
    with pytest.raises(ValueError, match=message):
        index_labels(annotations, genres)

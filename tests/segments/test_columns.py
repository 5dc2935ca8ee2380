import pytest

from sklearn_msd.segments.columns import (
    COLUMN_ORDER,
    N_FEATURES,
    REPORT_ORDER,
    check_order,
    feature_names,
    flat_feature_names,
)


def test_the_report_keeps_timbre_first():
    names = feature_names(REPORT_ORDER)
    assert names[0] == "timbre_0"
    assert names[12] == "chroma_0"
    assert names[24] == "loudness"


def test_orders_hold_the_same_25_features():
    assert N_FEATURES == 25
    assert sorted(feature_names(COLUMN_ORDER)) == sorted(feature_names(REPORT_ORDER))
    assert len(set(feature_names())) == 25


@pytest.mark.parametrize(
    "columns",
    [
        *("chroma", ("chroma", "timbre"), ("chroma", "timbre", "pitch")),
        *(("chroma",) * 3, ("chroma", 1, None), [{}, "timbre", "chroma"]),
    ],
)
def test_a_wrong_order_is_refused(columns):
    with pytest.raises(ValueError, match="columns must hold each of"):
        check_order(columns)


def test_flat_names_run_segment_after_segment():
    names = flat_feature_names(120, feature_names())
    assert len(names) == 3000
    assert names[25] == "segment_1_chroma_0"

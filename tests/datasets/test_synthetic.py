import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_msd.datasets import make_songs


def test_shapes_types_and_balanced_classes():
    X, y = make_songs(50, n_segments=30, n_classes=10, random_state=0)
    assert X.shape == (50, 750)
    assert X.dtype == np.float32
    assert_array_equal(np.bincount(y), np.full(10, 5))


def test_random_state_decides_everything():
    X, y = make_songs(20, n_segments=30, random_state=0)
    X_again, y_again = make_songs(20, n_segments=30, random_state=0)
    assert_array_equal(X, X_again)
    assert_array_equal(y, y_again)
    assert not np.array_equal(X, make_songs(20, n_segments=30, random_state=1)[0])


def test_shares_of_more_than_all_segments_are_refused():
    with pytest.raises(ValueError, match="add up to at most 1; got 1.5"):
        make_songs(10, segment_share=0.5, order_share=0.5, position_share=0.5)

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_msd.segments import scaler as scaling
from sklearn_msd.segments.cropper import SegmentCropper
from sklearn_msd.segments.layout import stack_segments
from sklearn_msd.segments.scaler import SegmentScaler


@parametrize_with_checks(
    [
        SegmentCropper(n_segments=2, n_segment_features=1),
        SegmentCropper(n_segments=9, n_segment_features=1, crop="start", pad="mean"),
        SegmentCropper(n_segments=3, n_segment_features=1, crop="random", pad="zero"),
        SegmentScaler(n_segment_features=1),
        SegmentScaler(n_segment_features=1, per="input"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def songs():
    """Songs of 40 to 200 segments, each feature with a mean and spread of its own."""
    rng = np.random.default_rng(0)
    mean, scale = rng.normal(0, 50, 25), rng.uniform(1, 50, 25)
    lengths = rng.integers(40, 200, size=12)
    return [rng.normal(mean, scale, (n, 25)).astype(np.float32) for n in lengths]


class TestCropper:
    def test_layouts_give_the_same(self, songs):
        padded = stack_segments(songs)
        cropper = SegmentCropper(n_segments=60)
        from_list = cropper.fit_transform(songs)
        assert from_list.shape == (12, 1500)
        assert from_list.dtype == np.float32
        assert_array_equal(cropper.fit_transform(padded), from_list)
        assert_array_equal(cropper.fit_transform(torch.from_numpy(padded)), from_list)
        flat = padded.reshape(12, -1)
        assert_array_equal(cropper.fit_transform(flat), from_list)
        for i, song in enumerate(songs):
            if len(song) >= 60:
                start = (len(song) - 60) // 2
                assert_array_equal(from_list[i], song[start : start + 60].ravel())

    def test_cut_to_at_most(self, songs):
        X = SegmentCropper(150, pad="nan").fit_transform(songs).reshape(12, 150, 25)
        lengths = (~np.isnan(X[:, :, 0])).sum(axis=1)
        assert_array_equal(lengths, [min(len(song), 150) for song in songs])

    def test_songs_of_other_lengths_than_in_fit(self, songs):
        cropper = SegmentCropper(60).fit(songs[:6])
        expected = SegmentCropper(60).fit_transform(songs[6:])
        assert_array_equal(cropper.transform(songs[6:]), expected)
        assert_array_equal(cropper.transform(stack_segments(songs[6:])), expected)
        # A flat row does not say where a song ends: its width is that of fit.
        with pytest.raises(ValueError, match="expecting 3000 features"):
            SegmentCropper(60).fit(np.ones((3, 3000))).transform(np.ones((3, 2500)))

    def test_random_crops(self, songs):
        X = np.concatenate([songs[0]] * 8)[None].repeat(5, axis=0)
        fixed = SegmentCropper(40, crop="random", random_state=0).fit(X)
        assert_array_equal(fixed.transform(X), fixed.transform(X))
        anew = SegmentCropper(40, crop="random", random_state=np.random.RandomState(0))
        anew.fit(X)
        assert not np.array_equal(anew.transform(X), anew.transform(X))
        assert len(np.unique(fixed.transform(X), axis=0)) > 1

    def test_random_crops_leave_the_global_seed_alone(self, songs):
        before = np.random.get_state()[1].copy()
        SegmentCropper(40, crop="random", random_state=3).fit_transform(songs)
        assert_array_equal(np.random.get_state()[1], before)

    def test_feature_names(self, songs):
        cropper = SegmentCropper(60).fit(songs)
        names = cropper.get_feature_names_out()
        assert len(names) == 1500
        assert names[0] == "segment_0_feature_0"
        assert names[25 * 3 + 4] == "segment_3_feature_4"
        frame = cropper.set_output(transform="pandas").transform(songs)
        assert list(frame.columns) == list(names)

    def test_data_frames(self, songs):
        pd = pytest.importorskip("pandas")
        flat = stack_segments(songs).reshape(12, -1)
        cropper = SegmentCropper(n_segments=60)
        assert_array_equal(
            cropper.fit_transform(pd.DataFrame(flat)), cropper.fit_transform(songs)
        )

    def test_names_of_an_earlier_fit_are_forgotten(self, songs):
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame(np.ones((2, 50)), columns=[f"x{i}" for i in range(50)])
        cropper = SegmentCropper(2).fit(frame)
        assert len(cropper.feature_names_in_) == 50
        assert not hasattr(cropper.fit(songs), "feature_names_in_")
        assert cropper.n_features_in_ == 25 * max(map(len, songs))

    def test_clear_errors(self, songs):
        with pytest.raises(ValueError, match="not a multiple of n_segment_features=25"):
            SegmentCropper().fit(np.ones((2, 30)))
        narrow = [song[:, :24] for song in songs]
        with pytest.raises(ValueError, match="segments of 24 features"):
            SegmentCropper(n_segment_features=25).fit(narrow)
        with pytest.raises(ValueError, match="'crop' parameter of SegmentCropper"):
            SegmentCropper(crop="end").fit(songs)
        songs[3][len(songs[3]) // 2] = np.inf
        with pytest.raises(ValueError, match="Input X contains infinity"):
            SegmentCropper(20).fit_transform(songs)

    def test_memory_map_is_not_changed(self, songs, tmp_path):
        np.save(tmp_path / "X.npy", stack_segments(songs))
        X = np.load(tmp_path / "X.npy", mmap_mode="r")
        expected = SegmentCropper(60).fit_transform(songs)
        assert_array_equal(SegmentCropper(60).fit_transform(X), expected)


class TestScaler:
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    @pytest.mark.parametrize("block_values", [1, 10**6])
    @pytest.mark.parametrize("per", ["feature", "input"])
    def test_agrees_with_float64_numpy(
        self, songs, dtype, block_values, per, monkeypatch
    ):
        monkeypatch.setattr(scaling, "_BLOCK_VALUES", block_values)
        X = stack_segments(songs).astype(dtype)[:, :40]
        axis = (0, 1) if per == "feature" else 0
        wide = X.astype(np.float64)
        expected = (wide - wide.mean(axis)) / wide.std(axis)
        scaler = SegmentScaler(per=per)
        scaled = scaler.fit_transform(X)
        assert scaled.dtype == dtype
        assert scaled.shape == X.shape
        assert_allclose(scaler.mean_, wide.mean(axis).ravel(), rtol=1e-6, atol=1e-6)
        # float16 rounds the result once, by half a unit in its last place.
        eps = float(np.finfo(dtype).eps)
        assert_allclose(scaled, expected, rtol=eps, atol=max(eps**2, 40 * 1.2e-7))
        back = scaler.inverse_transform(scaled)
        assert back.dtype == dtype
        assert_allclose(back, wide, rtol=eps, atol=eps * 5 * np.abs(wide).max())

    def test_true_is_one(self, songs):
        X = stack_segments(songs)[:, :40, :1]
        expected = SegmentScaler(n_segment_features=1).fit_transform(X)
        found = SegmentScaler(n_segment_features=True).fit_transform(X)
        assert_array_equal(found, expected)

    def test_per_input_is_standard_scaler(self, songs):
        X = stack_segments(songs).reshape(12, -1)
        ours, theirs = SegmentScaler(per="input"), StandardScaler()
        assert_allclose(ours.fit_transform(X), theirs.fit_transform(X), atol=1e-5)
        assert_array_equal(ours.n_samples_seen_, theirs.n_samples_seen_)

    def test_padding_stays_and_does_not_count(self, songs):
        scaler = SegmentScaler()
        scaled = scaler.fit_transform(songs)  # a list of unequal lengths
        assert scaled.shape == stack_segments(songs).shape
        joined = np.concatenate(songs).astype(np.float64)
        assert_allclose(scaler.mean_, joined.mean(axis=0), rtol=1e-5)
        assert_allclose(scaler.scale_, joined.std(axis=0), rtol=1e-5)
        assert_array_equal(np.isnan(scaled), np.isnan(stack_segments(songs)))
        longer = [np.concatenate([songs[0]] * 9)]
        assert_allclose(
            scaler.transform(longer)[0, : len(songs[0])], scaled[0, : len(songs[0])]
        )

    def test_per_input_needs_songs_as_long_as_in_fit(self, songs):
        scaler = SegmentScaler(per="input").fit(np.ones((3, 120, 25)))
        with pytest.raises(ValueError, match="expecting 3000 features"):
            scaler.transform(np.ones((3, 119, 25)))

    def test_partial_fit_adds_up(self, songs):
        X = stack_segments(songs)
        parts = SegmentScaler()
        for i in range(0, 12, 4):
            parts.partial_fit(X[i : i + 4])
        whole = SegmentScaler().fit(X)
        assert_allclose(parts.mean_, whole.mean_)
        assert_allclose(parts.scale_, whole.scale_)
        # fit forgets what came before
        assert_array_equal(parts.fit(X[:4]).mean_, SegmentScaler().fit(X[:4]).mean_)

    def test_constant_features_stay_finite(self):
        scaled = SegmentScaler().fit_transform(np.full((3, 50), 7.0))
        assert_array_equal(scaled, 0)

    def test_feature_names_pass_through(self, songs):
        X = SegmentCropper(2).set_output(transform="pandas").fit_transform(songs)
        scaler = SegmentScaler().set_output(transform="pandas")
        assert list(scaler.fit_transform(X).columns) == list(X.columns)

    def test_infinity_is_an_error(self, songs):
        X = stack_segments(songs)
        scaler = SegmentScaler().fit(X)
        X[0, 0, 0] = -np.inf
        with pytest.raises(ValueError, match="infinity"):
            scaler.transform(X)
        with pytest.raises(ValueError, match="infinity"):
            SegmentScaler().fit(X)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_memory_map_is_not_read_whole(self, dtype, tmp_path):
        import tracemalloc

        X = np.lib.format.open_memmap(
            tmp_path / "X.npy", "w+", dtype=dtype, shape=(10_000, 3000)
        )
        X[::7] = 3
        X = np.load(tmp_path / "X.npy", mmap_mode="r")
        tracemalloc.start()
        scaler = SegmentScaler().fit(X)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # A handful of 32 MB blocks; float64 copies of the whole would take 240 MB.
        assert peak < 160e6
        assert scaler.mean_[0] == pytest.approx(3 * np.ceil(10_000 / 7) / 10_000)


def test_in_a_pipeline(songs):
    pipeline = make_pipeline(SegmentCropper(60), SegmentScaler(), PCA(2))
    assert pipeline.fit_transform(songs).shape == (12, 2)

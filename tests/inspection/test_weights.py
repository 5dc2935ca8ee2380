import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.naive_bayes import GaussianNB

from sklearn_msd import (
    FullyConnectedClassifier,
    SegmentConvClassifier,
    SparseRefitClassifier,
    TimeConvClassifier,
)
from sklearn_msd.datasets import make_songs
from sklearn_msd.inspection.weights import KernelDisplay, WeightHistogramDisplay

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def off_screen():
    matplotlib.use("agg")
    yield
    matplotlib.pyplot.close("all")


@pytest.fixture(scope="module")
def songs():
    return make_songs(40, n_segments=10, n_classes=3, random_state=0)


def test_histograms_hold_all_weights_of_each_layer(songs):
    nets = {
        "one": SegmentConvClassifier(n_kernels=5, max_epochs=1).fit(*songs),
        "two": SegmentConvClassifier(n_kernels=5, max_epochs=1, l1=0.1).fit(*songs),
    }
    display = WeightHistogramDisplay.from_estimators(nets)
    assert [len(axis.patches) for axis in display.axes_] == [2, 2]
    for axis in display.axes_:
        for stairs in axis.patches:
            assert stairs.get_data().values.sum() == pytest.approx(1)
    weights = nets["one"].module_.conv[0].weight.detach().numpy().ravel()
    assert_array_equal(display.weights["one"]["conv.0.weight"], weights)


def test_a_bin_lies_around_zero():
    small = np.array([-1.0, -1e-3, 0.0, 1e-3, 1.0])
    display = WeightHistogramDisplay({"net": {"layer": small}})
    values, edges, _ = display.plot(bins=80).axes_[0].patches[0].get_data()
    assert values[len(values) // 2] == pytest.approx(3 / 5)
    assert_allclose(edges, -edges[::-1])


def test_few_weights_have_few_bins_and_panels_are_named_as_layers_are_counted():
    rng = np.random.RandomState(0)
    sizes = {"conv.0.weight": 64, "hidden.1.weight": 900, "output.weight": 10**5}
    weights = {"net": {name: rng.normal(size=n) for name, n in sizes.items()}}
    axes = WeightHistogramDisplay(weights).plot().axes_
    assert [len(axis.patches[0].get_data().values) for axis in axes] == [11, 31, 81]
    assert [axis.get_title() for axis in axes] == ["conv1", "hidden2", "output"]


def test_nets_of_different_layers_are_refused():
    with pytest.raises(ValueError, match="all with the same layers"):
        WeightHistogramDisplay({"a": {"x": np.ones(2)}, "b": {"y": np.ones(2)}})
    with pytest.raises(ValueError, match="weights must not be empty"):
        WeightHistogramDisplay({})


def test_the_strongest_kernels_come_first(songs):
    net = TimeConvClassifier(n_kernels=6, max_epochs=1, random_state=0).fit(*songs)
    names = [f"f{i}" for i in range(25)]
    display = KernelDisplay.from_estimator(net, n_strongest=4, feature_names=names)
    kernels = net.module_.conv[0].weight.detach().numpy()
    norms = np.sqrt((kernels**2).sum(axis=(1, 2)))
    assert display.labels == [str(i) for i in np.argsort(-norms)[:4]]
    image = display.ax_.images[0].get_array()
    assert image.shape == (25, 4 * 3 + 3)
    assert_allclose(image[:, :3], kernels[norms.argmax()].T)
    assert image.mask[:, 3].all()
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == names


def test_layers_may_have_any_name():
    display = WeightHistogramDisplay({"net": {0: np.ones(3)}}).plot()
    assert display.axes_[0].get_title() == "0"


def test_kernels_of_a_sparse_net_are_those_refitted(songs):
    sparse = SparseRefitClassifier(
        SegmentConvClassifier(n_kernels=5, max_epochs=1, random_state=0), threshold=0.1
    ).fit(*songs)
    display = KernelDisplay.from_estimator(sparse)
    assert (display.kernels == 0).sum() == (~sparse.masks_["conv.0.weight"]).sum()


def test_what_is_no_net_is_refused(songs):
    bayes = GaussianNB().fit(*songs)
    for estimator in (bayes, FrozenEstimator(bayes)):
        with pytest.raises(TypeError, match="estimator must be a net classifier; got"):
            KernelDisplay.from_estimator(estimator)


def test_a_net_without_kernels_is_refused(songs):
    net = FullyConnectedClassifier(max_epochs=1).fit(*songs)
    with pytest.raises(TypeError, match="FullyConnectedClassifier has no convolution"):
        KernelDisplay.from_estimator(net)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((3, 25)),), "kernels must have the shape"),
        ((np.ones((4, 3, 25)), ["a"]), "feature_names must have 25 names"),
        ((np.ones((4, 3, 2)), ["a", "b"], ["k"]), "labels must have 4 names"),
    ],
)
def test_wrong_shapes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        KernelDisplay(*arguments)

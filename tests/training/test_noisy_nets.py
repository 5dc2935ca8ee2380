"""Pooled statistics, normalisation, dropout and crops, against loops by hand."""

import copy
import functools
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from small_models import CONV, DENSE, songs

from sklearn_msd import (
    CorrectingClassifier,
    JointCombiner,
    RecurrentClassifier,
    SparseRefitClassifier,
    TimeConvClassifier,
)
from sklearn_msd.nets.conv_net import ConvNet
from sklearn_msd.nets.layers import BatchNorm, initialise_parameters
from sklearn_msd.nets.pooling import pool_globally
from sklearn_msd.training.batches import SongDataset, random_crops
from sklearn_msd.training.net import LogitNet

N_SONGS, N_SEGMENTS, WIDTH, N_CLASSES, BATCH, EPOCHS = 41, 12, 4, 3, 8, 3
ALL = ("mean", "std", "max")
NOISY = {
    "global_pooling": ("mean", "std"),
    "summary_norm": "batch",
    "dropout": 0.4,
    "crop_segments": 8,
}


def data():
    """Songs of 1 to 12 segments, NaN at their ends, and labels."""
    rng = np.random.RandomState(0)
    X = rng.randn(N_SONGS, N_SEGMENTS, WIDTH)
    for song, length in zip(X, rng.randint(1, N_SEGMENTS + 1, N_SONGS), strict=True):
        song[length:] = np.nan
    return X.reshape(N_SONGS, -1), rng.randint(N_CLASSES, size=N_SONGS)


def make_net(**params):
    net = ConvNet(
        N_SEGMENTS,
        WIDTH,
        N_CLASSES,
        n_kernels=5,
        kernel_height=2,
        n_conv_layers=1,
        hidden_layer_sizes=(6,),
        **params,
    ).double()
    initialise_parameters(net, torch.Generator().manual_seed(0))
    return net


def train_ours(module, X, y, crop=None):
    net = LogitNet(
        module,
        rng=np.random.RandomState(7),
        crop=crop,
        dtype=torch.float64,
        lr=1e-2,
        batch_size=BATCH,
        verbose=0,
        classes=np.arange(N_CLASSES),
    ).initialize()
    return net.partial_fit(SongDataset(X, y, dtype=torch.float64), None, epochs=EPOCHS)


def logits_by_hand(net, rows, norm, noise):
    """The net song by song, in nn.functional, features as channels."""
    summaries = []
    for row in rows:
        song = row.reshape(-1, WIDTH)
        song = song[~song[:, 0].isnan()]
        song = F.pad(song, (0, 0, 0, max(0, 2 - len(song))))  # a kernel's height
        (conv,) = net.conv
        z = F.relu(F.conv1d(song.T, conv.weight.transpose(1, 2), conv.bias))
        pools = {
            "mean": z.mean(dim=1),
            "std": z.std(dim=1, correction=0) if z.shape[1] > 1 else 0 * z[:, 0],
            "max": z.amax(dim=1),
        }
        summaries.append(torch.cat([pools[how] for how in net.global_pooling]))
    summary = norm(torch.stack(summaries))
    return net.output(noise(F.relu(net.hidden[0](noise(summary)))))


def train_by_hand(net, X, y, *, p=0.0, kind=None, crop=None):
    """20 lines of PyTorch; the generator shuffles, cuts and drops out."""
    norms = {None: torch.nn.Identity, "batch": torch.nn.BatchNorm1d}
    norm = norms.get(kind, torch.nn.LayerNorm)(5 * len(net.global_pooling)).double()
    rng = np.random.RandomState(7)
    optimizer = torch.optim.Adam([*net.parameters(), *norm.parameters()], lr=1e-2)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    n_steps = 0
    for _ in range(EPOCHS):
        order = rng.permutation(N_SONGS)
        for start in range(0, N_SONGS, BATCH):
            rows = order[start : start + BATCH]
            x, n_steps = X[rows], n_steps + 1
            if crop is not None:
                x = crops_by_hand(x, crop, rng)
            seed = int(rng.randint(2**31)) if p else 0
            generator = torch.Generator().manual_seed(seed)
            if kind == "batch":
                norm.momentum = max(0.1, 1 / n_steps)
                norm.train(len(rows) > 1)
                n_steps -= len(rows) == 1
            optimizer.zero_grad()
            logits = logits_by_hand(
                net, x, norm, functools.partial(dropped, p=p, generator=generator)
            )
            F.cross_entropy(logits, y[rows]).backward()
            optimizer.step()
    return norm.eval()


def dropped(z, p, generator):
    if not p:
        return z
    kept = torch.empty_like(z).bernoulli_(1 - p, generator=generator)
    return z * kept / (1 - p)


def crops_by_hand(x, n_segments, rng):
    lengths = [int((~row[::WIDTH].isnan()).sum()) for row in x]
    starts = rng.randint([max(n - n_segments, 0) + 1 for n in lengths])
    return torch.stack(
        [
            row[start * WIDTH : (start + n_segments) * WIDTH]
            for row, start in zip(x, starts, strict=True)
        ]
    )


@pytest.mark.parametrize("kind", [None, "batch", "layer"])
@pytest.mark.parametrize("p", [0.0, 0.4])
@pytest.mark.parametrize("crop", [None, 7])
def test_training_equals_a_loop_by_hand(kind, p, crop):
    # 41 songs in batches of 8: the last is one song, which has no variance.
    X, y = data()
    ours = make_net(global_pooling=ALL, summary_norm=kind, dropout=p)
    by_hand = make_net(global_pooling=ALL)
    train_ours(ours, X, y, None if crop is None else (crop, WIDTH))
    norm = train_by_hand(by_hand, X, y, p=p, kind=kind, crop=crop)
    mine = dict(ours.named_parameters())
    for name, theirs in by_hand.named_parameters():
        torch.testing.assert_close(mine[name], theirs, rtol=1e-6, atol=1e-8, msg=name)
    # And what they predict, from the running figures and without dropout.
    with torch.no_grad():
        expected = logits_by_hand(by_hand, torch.from_numpy(X), norm, lambda z: z)
        found = ours.eval()(torch.from_numpy(X))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)


def test_a_kernel_that_is_constant_in_a_song_has_deviation_0_and_a_gradient():
    z = torch.full((2, 5, 3), 0.1, dtype=torch.float64, requires_grad=True)
    pooled = pool_globally(z, torch.tensor([5, 1]), ["std"])
    assert (pooled == 0).all()
    pooled.sum().backward()
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize(
    ("how", "same"),
    [("mean_max", ["max", "mean"]), ("std", ["std"]), (("max", "std"), ["std", "max"])],
)
def test_names_of_poolings(how, same):
    X, _ = data()
    nets = [make_net(global_pooling=name).eval() for name in (how, same)]
    first, second = (net(torch.from_numpy(X)) for net in nets)
    assert torch.equal(first, second)


@pytest.mark.parametrize("how", [[], ["mean", "median"], ["mean_max", "std"], [3]])
def test_unknown_poolings_are_named(how):
    X, y = songs()
    net = clone(CONV).set_params(global_pooling=how)
    with pytest.raises(ValueError, match="global_pooling must be None, 'mean_max' or"):
        net.fit(X, y)


class TestCrops:
    X = torch.arange(6 * 10 * 2, dtype=torch.float64).reshape(6, 20)

    def test_every_position_comes_and_no_other(self):
        rng = np.random.RandomState(0)
        starts = []
        for _ in range(200):
            for i, crop in enumerate(random_crops(self.X, 7, 2, rng)):
                start = int(crop[0] - self.X[i, 0]) // 2
                assert torch.equal(crop, self.X[i, 2 * start : 2 * (start + 7)])
                starts.append(start)
        counts = np.bincount(starts)
        assert len(counts) == 4
        assert (abs(counts - 300) < 4 * np.sqrt(300 * 3 / 4)).all()

    def test_songs_that_are_no_longer_stay_as_they_are(self):
        rng = np.random.RandomState(0)
        for n_segments in (10, 11):
            assert torch.equal(random_crops(self.X, n_segments, 2, rng), self.X)
        X = self.X.clone()
        X[0, 2 * 7 :] = torch.nan  # as long as the crop
        X[1, 2 * 3 :] = torch.nan  # shorter
        for _ in range(20):
            crops = random_crops(X, 7, 2, rng)
            np.testing.assert_array_equal(crops[:2], X[:2, : 2 * 7])

    def test_the_seed_decides_them_anew_in_every_epoch(self):
        X, y = songs()
        fits = [
            clone(CONV)
            .set_params(global_pooling="mean", crop_segments=5, random_state=seed)
            .fit(X, y)
            for seed in (0, 0, 1)
        ]
        curves = [net.loss_curve_ for net in fits]
        assert curves[0] == curves[1] != curves[2]
        rng = np.random.RandomState(0)
        first, second = (random_crops(self.X, 5, 2, rng) for _ in range(2))
        assert not torch.equal(first, second)

    def test_whole_songs_are_validated_and_predicted(self):
        X, y = songs()
        net = clone(CONV).set_params(global_pooling="mean", crop_segments=5)
        net.fit(X, y, X_val=X, y_val=y)
        with torch.no_grad():
            logits = net.module_(torch.from_numpy(X).float())
        np.testing.assert_allclose(net.decision_function(X), logits, atol=1e-6)
        loss = F.cross_entropy(
            logits, torch.as_tensor(np.searchsorted(net.classes_, y))
        )
        np.testing.assert_allclose(net.validation_loss_curve_[-1], loss, rtol=1e-5)

    def test_kernels_fit_into_a_crop(self):
        X, y = songs()
        net = clone(CONV).set_params(
            global_pooling="mean", crop_segments=2, kernel_height=5
        )
        with pytest.warns(UserWarning, match="kernel_height=5 is as kernel_height=2"):
            net.fit(X, y)
        assert net.predict(X).shape == y.shape

    def test_recurrent_nets_take_them_too(self):
        X, y = songs()
        net = RecurrentClassifier(
            n_segment_features=5, hidden_size=4, max_epochs=2, random_state=0
        )
        whole = clone(net).fit(X, y).loss_curve_
        net.set_params(crop_segments=5).fit(X, y)
        assert net.loss_curve_ != whole
        assert net.n_features_in_ == X.shape[1]

    def test_a_net_that_needs_every_position_refuses_them(self):
        X, y = songs()
        with pytest.raises(
            ValueError, match=r"crop_segments=5 .* needs global_pooling"
        ):
            clone(CONV).set_params(crop_segments=5).fit(X, y)
        corrected = CorrectingClassifier(
            CONV, TimeConvClassifier(**NOISY), freeze=False
        )
        with pytest.raises(ValueError, match="crop_segments must be None"):
            corrected.fit(X, y)


def noisy(**params):
    return clone(CONV).set_params(**NOISY | params)


MODELS = {
    "net": noisy(),
    "validated": noisy(
        lr_schedule="one_cycle", early_stopping=True, validation_fraction=0.3
    ),
    "sparse": SparseRefitClassifier(noisy(), threshold=0.05),
    "joint": JointCombiner(
        [("a", noisy(random_state=1)), ("b", clone(DENSE))], cv=2, max_epochs=2
    ),
    "corrector": CorrectingClassifier(clone(DENSE), noisy()),
    "unfrozen": CorrectingClassifier(
        noisy(), clone(DENSE), freeze=False, use_hidden=True
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_predictions_have_no_noise(name):
    X, y = songs()
    model = clone(MODELS[name]).fit(X, y)
    seed = torch.random.get_rng_state()
    first = model.predict_proba(X)
    assert (model.predict_proba(X) == first).all()
    apart = np.vstack([model.predict_proba(X[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(apart, first[:5], rtol=1e-5)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert (copied.predict_proba(X) == first).all()
    assert torch.equal(torch.random.get_rng_state(), seed)


def test_predictions_have_no_noise_whatever_the_modules_mode():
    X, y = songs()
    net = noisy().fit(X, y)
    assert not net.module_.training
    first = net.predict_proba(X)
    net.module_.train()
    assert (net.predict_proba(X) == first).all()


def test_the_seed_decides_everything_and_no_other_is_read_or_changed():
    X, y = songs()
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    first = noisy(random_state=3).fit(X, y)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(1)
    second = noisy(random_state=3).fit(X, y)
    third = noisy(random_state=4).fit(X, y)
    probabilities = [net.predict_proba(X) for net in (first, second, third)]
    assert (probabilities[0] == probabilities[1]).all()
    assert not np.allclose(probabilities[0], probabilities[2])


def test_training_goes_on_after_pickling():
    X, y = songs()
    net = noisy().partial_fit(X, y, classes=np.unique(y))
    net = pickle.loads(pickle.dumps(net)).partial_fit(X, y)
    assert int(net.module_.summary_norm.num_batches_tracked) == 2 * 2
    assert not net.module_.training


def test_masks_hold_under_noise():
    X, y = songs()
    sparse = clone(MODELS["sparse"]).fit(X, y)
    for name, mask in sparse.masks_.items():
        weight = sparse.estimator_.module_.get_parameter(name).detach().numpy()
        assert (weight[~mask] == 0).all()
        assert (weight[mask] != 0).any()


def test_a_frozen_net_is_left_as_it_was():
    X, y = songs()
    net = noisy().fit(X, y)
    before = {k: v.clone() for k, v in net.module_.state_dict().items()}
    CorrectingClassifier(FrozenEstimator(net), clone(DENSE)).fit(X, y)
    for name, value in net.module_.state_dict().items():
        assert torch.equal(value, before[name])


def test_parameters_of_the_normalisation_are_counted_and_not_penalised():
    X, y = songs()
    net = noisy(l2=100.0, l2_layers=("conv", "hidden", "output")).fit(X, y)
    assert net.n_parameters_["summary_norm"] == 2 * 2 * net.n_kernels
    assert "dropout" not in net.n_parameters_
    weight = net.module_.summary_norm.weight
    assert (abs(weight - 1) < 0.1).all()


def test_running_figures_are_the_means_of_the_first_batches():
    x = torch.randn(5, 6, 3, dtype=torch.float64)
    norm = BatchNorm(3).double()
    for batch in x:
        norm(batch)
    torch.testing.assert_close(norm.running_mean, x.mean(dim=(0, 1)))
    torch.testing.assert_close(norm.running_var, x.var(dim=1).mean(dim=0))

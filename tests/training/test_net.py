"""The training against loops written by hand in plain PyTorch."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import softmax
from sklearn.metrics import log_loss

from sklearn_msd.datasets import MappedSongs
from sklearn_msd.nets.conv_net import ConvNet
from sklearn_msd.nets.fully_connected import FullyConnectedNet
from sklearn_msd.nets.layers import initialise_parameters
from sklearn_msd.segments import mapped_songs as _mapped_songs
from sklearn_msd.training.batches import (
    BLOCK,
    BatchIterator,
    SongDataset,
)
from sklearn_msd.training.keeping.state import optimizer_state
from sklearn_msd.training.net import LogitNet
from sklearn_msd.training.predicting import apply_in_chunks

N_SONGS, N_SEGMENTS, N_FEATURES, N_CLASSES, BATCH = 40, 12, 4, 3, 8


def data(seed=0):
    rng = np.random.RandomState(seed)
    X = rng.randn(N_SONGS, N_SEGMENTS * N_FEATURES)
    return X, rng.randint(N_CLASSES, size=N_SONGS), rng


def make_net(pooling="max"):
    net = ConvNet(
        N_SEGMENTS,
        N_FEATURES,
        N_CLASSES,
        n_kernels=5,
        kernel_height=3,
        pooling=pooling,
        hidden_layer_sizes=(6,),
    ).double()
    initialise_parameters(net, torch.Generator().manual_seed(0))
    return net


def train_ours(module, dataset, epochs=4, **kwargs):
    net = LogitNet(
        module,
        rng=np.random.RandomState(7),
        dtype=torch.float64,
        lr=1e-2,
        batch_size=BATCH,
        max_epochs=epochs,
        verbose=0,
        classes=np.arange(N_CLASSES),
        **kwargs,
    ).initialize()
    return net.partial_fit(dataset, None)


def plain_logits(module, x, pooling):
    """The same net in nn.functional, features as channels."""
    z = x.reshape(len(x), N_SEGMENTS, N_FEATURES).transpose(1, 2)
    for layer in module.conv:
        z = F.relu(F.conv1d(z, layer.weight.transpose(1, 2), layer.bias))
        if pooling == "max":
            z = F.max_pool1d(z, 2)
        elif pooling == "average":
            z = F.avg_pool1d(z, 2)
    return module.output(F.relu(module.hidden[0](z.transpose(1, 2).flatten(1))))


def train_by_hand(
    module,
    X,
    y,
    pooling="max",
    epochs=4,
    l2=0.0,
    l2_names=(),
    l1=0.0,
    l1_names=(),
    weight=None,
    base_logits=None,
):
    """20 steps: penalties summed in the loss, default Adam, one song after another."""
    rng = np.random.RandomState(7)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    named = dict(module.named_parameters())
    for _ in range(epochs):
        order = rng.permutation(N_SONGS)
        for start in range(0, N_SONGS, BATCH):
            rows = order[start : start + BATCH]
            logits = plain_logits(module, X[rows], pooling)
            if base_logits is not None:
                logits = logits + torch.from_numpy(base_logits[rows])
            losses = F.cross_entropy(logits, y[rows], reduction="none")
            if weight is not None:
                losses = losses * torch.from_numpy(weight[rows])
            loss = losses.mean()
            loss = loss + l2 * 0.5 * sum((named[n] ** 2).sum() for n in l2_names)
            loss = loss + l1 * sum(named[n].abs().sum() for n in l1_names)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


CONV = ("conv.0.weight", "conv.1.weight")
HIDDEN = ("hidden.0.weight",)
OUTPUT = ("output.weight",)


@pytest.mark.parametrize(
    ("ours", "by_hand"),
    [
        ({}, {}),
        ({"l2": 0.3, "l2_layers": ("conv",)}, {"l2": 0.3, "l2_names": CONV}),
        ({"l2": 0.3, "l2_layers": ("hidden",)}, {"l2": 0.3, "l2_names": HIDDEN}),
        ({"l2": 0.3, "l2_layers": ("output",)}, {"l2": 0.3, "l2_names": OUTPUT}),
        (
            {"l2": 0.3, "l2_layers": ("conv", "hidden", "output")},
            {"l2": 0.3, "l2_names": CONV + HIDDEN + OUTPUT},
        ),
        ({"l1": 0.1, "l1_layers": ("conv",)}, {"l1": 0.1, "l1_names": CONV}),
        (
            {"l1": 0.1, "l1_layers": ("hidden",), "l2": 0.2, "l2_layers": ("conv",)},
            {"l1": 0.1, "l1_names": HIDDEN, "l2": 0.2, "l2_names": CONV},
        ),
    ],
)
def test_penalties_equal_a_loop_by_hand(ours, by_hand):
    X, y, _ = data()
    module, reference = make_net(), make_net()
    train_ours(module, SongDataset(X, y, dtype=torch.float64), **ours)
    train_by_hand(reference, X, y, **by_hand)
    assert_same_weights(module, reference)


@pytest.mark.parametrize("pooling", [None, "max", "average"])
def test_pooling_weights_and_offset_equal_a_loop_by_hand(pooling):
    X, y, rng = data()
    weight = rng.uniform(0.1, 2, size=N_SONGS)
    base_logits = rng.randn(N_SONGS, N_CLASSES)
    module, reference = make_net(pooling), make_net(pooling)
    dataset = SongDataset(
        X, y, weight=weight, base_logits=base_logits, dtype=torch.float64
    )
    train_ours(module, dataset)
    train_by_hand(reference, X, y, pooling, weight=weight, base_logits=base_logits)
    assert_same_weights(module, reference)
    # Both matter: without either, the weights are others.
    for left_out in ({"weight": weight}, {"base_logits": base_logits}):
        other = make_net(pooling)
        train_ours(other, SongDataset(X, y, dtype=torch.float64, **left_out))
        assert not torch.allclose(other.output.weight, module.output.weight)


def assert_same_weights(module, reference):
    for (name, ours), theirs in zip(
        module.named_parameters(), reference.parameters(), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9, msg=name)


def test_penalty_is_logged_beside_the_cross_entropy():
    X, y, _ = data()
    module = make_net()
    net = train_ours(
        module,
        SongDataset(X, y, dtype=torch.float64),
        l2=0.3,
        l2_layers=("hidden",),
        l1=0.1,
        l1_layers=("conv",),
    )
    expected = 0.15 * float(
        module.hidden[0].weight.detach().square().sum()
    ) + 0.1 * sum(float(layer.weight.detach().abs().sum()) for layer in module.conv)
    assert net.history[-1, "penalty"] == pytest.approx(expected)
    # One batch of everything at the weights of the start: the plain cross-entropy.
    start = make_net()
    once = LogitNet(
        start, batch_size=N_SONGS, lr=1e-9, l2=9.0, l2_layers=("conv",), verbose=0
    ).initialize()
    with torch.no_grad():
        logits = plain_logits(make_net(), torch.from_numpy(X), "max")
        expected = F.cross_entropy(logits, torch.from_numpy(y))
    once.partial_fit(SongDataset(X, y, dtype=torch.float64), None, epochs=1)
    assert once.history[0, "train_loss"] == pytest.approx(float(expected))


def test_masked_weights_are_zero_from_start_to_end():
    X, y, _ = data()
    module = make_net()
    mask = torch.rand(5, 3, 4, generator=torch.Generator().manual_seed(3)) > 0.5
    net = train_ours(
        module,
        SongDataset(X, y, dtype=torch.float64),
        l2=0.1,
        l2_layers=("conv",),
        masks={"conv.0.weight": mask},
    )
    weight = module.conv[0].weight
    assert (weight[~mask] == 0).all()
    assert (weight[mask] != 0).all()
    assert net.history[-1, "train_loss"] < net.history[0, "train_loss"]


def test_batches_cover_every_song_once_in_an_order_of_their_own():
    X = np.arange(20.0).reshape(10, 2)
    dataset = SongDataset(X, np.arange(10))
    batches = BatchIterator(dataset, 4, np.random.RandomState(0))
    assert len(batches) == 3
    passes = [torch.cat([y for _, y in batches]).tolist() for _ in range(2)]
    assert [sorted(p) for p in passes] == [list(range(10))] * 2
    assert passes[0] != passes[1]
    ordered = torch.cat([y for _, y in BatchIterator(dataset, 4)])
    assert ordered.tolist() == list(range(10))


def positions(dataset, seed=0, batch_size=50):
    """The songs of each batch in blocks, in their order."""
    rng = np.random.RandomState(seed)
    batches = BatchIterator(dataset, batch_size, rng, "blocks")
    return [target.numpy() for _, target in batches], len(batches)


def test_shuffled_blocks_are_whole_batches_of_every_song_once():
    n = 5001
    dataset = SongDataset(np.zeros((n, 2)), np.arange(n))
    batches, length = positions(dataset)
    assert [len(batch) for batch in batches] == [50] * 100 + [1]
    assert length == 101
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert np.array_equal(positions(dataset)[0][7], batches[7])
    assert not np.array_equal(positions(dataset, seed=1)[0][7], batches[7])


def test_songs_held_at_a_time_come_from_few_blocks_and_a_batch_from_many():
    n = 200 * BLOCK
    dataset = SongDataset(np.zeros((n, 2)), np.arange(n))
    batches, _ = positions(dataset)
    held = np.concatenate(batches[:41])  # 2050 songs: 16 blocks and 2 songs
    assert len(np.unique(held // BLOCK)) == 17
    assert len(np.unique(batches[0] // BLOCK)) >= 10
    assert not np.array_equal(np.sort(batches[0]), batches[0])


def test_as_many_songs_as_are_held_are_shuffled_in_full():
    # Each song is as often in the first place as any other: a chi-squared statistic of
    # 299 degrees of freedom is 299, give or take 24.
    n, repeats = 300, 6000
    dataset = SongDataset(np.zeros((n, 1)), np.arange(n))
    rng = np.random.RandomState(0)
    counts = np.zeros(n)
    for _ in range(repeats):
        _, target = next(iter(BatchIterator(dataset, 50, rng, "blocks")))
        counts[int(target[0])] += 1
    assert ((counts - repeats / n) ** 2 / (repeats / n)).sum() < 299 + 5 * 24


def test_blocks_lie_where_the_songs_lie_not_where_they_are_listed():
    n = 4000
    dataset = SongDataset(np.zeros((n, 1)), np.arange(n))
    listed = dataset.subset(np.random.RandomState(1).permutation(n))
    for expected, found in zip(
        positions(dataset)[0], positions(listed)[0], strict=True
    ):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("kind", ["memory map", "mapped songs"])
def test_blocks_on_disk_are_the_same_batches(tmp_path, kind):
    n, rng = 6000, np.random.RandomState(0)
    X, y = rng.randn(n, 4).astype(np.float32), rng.randint(3, size=n)
    np.save(tmp_path / "songs.npy", X)
    stored = np.load(tmp_path / "songs.npy", mmap_mode="r")
    stored = MappedSongs(stored) if kind == "mapped songs" else stored
    extras = {"weight": rng.rand(n), "base_logits": rng.rand(n, 3)}
    chosen = rng.permutation(n)[:5000]
    batches = [
        list(
            BatchIterator(
                SongDataset(songs, y, **extras).subset(chosen),
                60,
                np.random.RandomState(3),
                "blocks",
            )
        )
        for songs in (X, stored)
    ]
    for (inputs, target), (inputs_read, target_read) in zip(*batches, strict=True):
        assert torch.equal(target, target_read)
        assert inputs.keys() == inputs_read.keys() == {"x", "weight", "base_logits"}
        assert all(torch.equal(inputs[name], inputs_read[name]) for name in inputs)


def test_blocks_on_disk_are_read_once_and_whole(tmp_path, monkeypatch):
    np.save(tmp_path / "songs.npy", np.zeros((6000, 4), np.float32))
    songs = MappedSongs(np.load(tmp_path / "songs.npy", mmap_mode="r"))
    sizes, read = [], _mapped_songs._read_whole

    def spy(file, content):
        sizes.append(len(content) // 16)
        read(file, content)

    monkeypatch.setattr(_mapped_songs, "_read_whole", spy)
    positions(SongDataset(songs, np.arange(6000)))
    assert sum(sizes) == 6000
    # 47 blocks, two of them cut by the end of what is held; neighbours in one read.
    assert len(sizes) <= 49


def test_subset_keeps_rows_with_their_extras():
    X, y, rng = data()
    dataset = SongDataset(
        X, y, weight=rng.rand(N_SONGS), base_logits=rng.rand(N_SONGS, 3)
    )
    part = dataset.subset(np.array([5, 3, 30])).subset(np.array([2, 0]))
    batch, target = part[np.arange(2)]
    assert len(part) == 2
    np.testing.assert_allclose(batch["x"], X[[30, 5]].astype(np.float32))
    torch.testing.assert_close(batch["weight"], dataset.extras["weight"][[30, 5]])
    torch.testing.assert_close(
        batch["base_logits"], dataset.extras["base_logits"][[30, 5]]
    )
    assert target.tolist() == y[[30, 5]].tolist()


def test_loss_without_a_net_is_scikit_learns():
    X, y, rng = data()
    rows, weight = np.arange(5, N_SONGS), rng.uniform(size=N_SONGS)
    base_logits = rng.randn(N_SONGS, N_CLASSES)
    kept = {"sample_weight": weight[rows], "labels": range(N_CLASSES)}
    shares = np.bincount(y[rows], weight[rows]) / weight[rows].sum()
    for logits in None, base_logits:
        songs = SongDataset(
            X, y, weight=weight, base_logits=logits, rows=rows, dtype=torch.float64
        )
        given = np.tile(shares, (len(rows), 1))
        if logits is not None:
            given = softmax(logits[rows], axis=1)
        expected = log_loss(y[rows], given, **kept) * weight[rows].mean()
        np.testing.assert_allclose(songs.loss_without_net(), expected)
    absent = SongDataset(X, np.zeros(N_SONGS, int)).loss_without_net()
    assert absent == 0


def test_memory_map_is_read_by_the_batch(tmp_path):
    path = tmp_path / "songs.npy"
    np.save(path, np.random.RandomState(0).randn(30, 8).astype(np.float16))
    on_disk = np.load(path, mmap_mode="r")
    dataset = SongDataset(on_disk, np.zeros(30, dtype=int))
    assert np.shares_memory(dataset.stored, on_disk)
    batch, _ = dataset[np.array([4, 9])]
    assert batch["x"].dtype == torch.float32
    np.testing.assert_array_equal(batch["x"], on_disk[[4, 9]].astype(np.float32))


def test_pickle_leaves_data_behind_but_neither_history_nor_optimiser():
    X, y, _ = data()
    net = train_ours(make_net(), SongDataset(X, y, dtype=torch.float64))
    assert net.can_train
    copy = pickle.loads(pickle.dumps(net))
    assert net.can_train
    assert not copy.can_train  # it has no callbacks
    assert copy.history[:, "train_loss"] == net.history[:, "train_loss"]
    assert_same_weights(copy.module_, net.module_)
    found, expected = optimizer_state(copy), optimizer_state(net)
    assert found["groups"] == expected["groups"]
    for name, values in expected["weights"].items():
        assert found["weights"][name].keys() == values.keys() >= {"exp_avg", "step"}
        for key in values:
            assert torch.equal(found["weights"][name][key], values[key])
    size = len(pickle.dumps(net))
    net.forget_training()
    assert len(pickle.dumps(net)) < min(size - 10_000, 20_000 + X.nbytes)


def test_skorch_predicts_from_arrays_too():
    X, y, _ = data()
    net = train_ours(make_net(), SongDataset(X, y, dtype=torch.float64))
    with torch.no_grad():
        logits = plain_logits(net.module_, torch.from_numpy(X), "max")
    np.testing.assert_allclose(net.predict_proba(X), logits.softmax(1), atol=1e-12)
    np.testing.assert_array_equal(net.predict(X), logits.argmax(1))


@pytest.mark.parametrize("n_songs", [1, 256, 600])
def test_apply_in_chunks_equals_one_pass(n_songs):
    X = np.random.RandomState(0).randn(n_songs, 10)
    X.flags.writeable = False
    net = FullyConnectedNet(10, 3, (4,)).double()
    initialise_parameters(net, torch.Generator().manual_seed(0))
    out = apply_in_chunks(net, X, torch.float64, "cpu")
    with torch.no_grad():
        np.testing.assert_allclose(out, net(torch.tensor(X)), atol=1e-14)


PREDICT = """
import resource
import numpy as np
from sklearn_msd import SegmentConvClassifier

songs = np.random.RandomState(0).randn(8000, 3000).astype(np.float32)
net = SegmentConvClassifier(max_epochs=1).fit(songs[:100], np.arange(100) % 3)
net.predict_proba(songs[:1000])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
net.predict_proba(songs)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kilobytes on Linux")
def test_many_songs_take_no_more_memory_than_few():
    # Logits kept from each chunk once lay between the memory of the net's layers.
    child = subprocess.run(
        [sys.executable, "-c", PREDICT], capture_output=True, text=True, check=True
    )
    assert int(child.stdout) < 40_000

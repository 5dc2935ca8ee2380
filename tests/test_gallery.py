"""What the gallery's pages say below "What to see" is so: each script is run for it."""

import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def audio_files(page):
    right = page["predicted"] == page["voices"]
    last_two = ["theo", "yweweler"]
    wrong = page["voices"][~right], page["predicted"][~right]
    for voice in set(page["voices"]) - {*last_two}:
        assert right[page["voices"] == voice].mean() > 0.8
    among_them = np.isin(wrong, last_two).all(axis=0)
    assert among_them.mean() > 0.5


def taggram(page):
    part = np.round(page["start"]) // page["PART"]  # three segments of three seconds
    strongest = [page["tags"][part == i].mean(axis=0).argmax() for i in range(4)]
    tags = [*page["names"][strongest]]
    assert tags == ["indie", "electronic", "electronic", "ambient"]


def statistics_and_net(page):
    both, first, second, _ = page["counts"]
    kept = page["kept"]
    assert both > 0.5 * page["counts"].sum()
    assert 80 < min(first, second) < max(first, second) < 200
    assert kept[0] > 0.95 * both
    assert kept[1] + kept[2] > 0.6 * (first + second)
    accuracy = {name: songs.mean() for name, songs in page["right"].items()}
    assert accuracy.pop("combined") > max(accuracy.values()) + 0.02


def shuffled_segments(page):
    segments, order, position, digits = page["results"].values()
    assert (segments[0] - segments[1]).max() < 0.08  # "shuffling costs little"
    assert segments[0, 0] > segments[0].max() - 0.05
    assert abs(order[0, 0] - 0.25) < 0.06
    assert order[0, 1:].min() > 0.8
    assert np.abs(order[1] - 0.25).max() < 0.06
    assert position[0, 2] > 0.4
    assert max(*position[0, :2], *position[1]) < 0.35
    assert digits[0, :2].min() > 0.35
    assert digits[0, 2] > digits[0, :2].max() + 0.1
    assert digits[1, 2] < digits[0, 2] - 0.1


def kernels(page):
    test, digits = page["test"], page["digits"]
    assert page["net"].score(page["X"][test], digits.target[test]) > 0.5
    strengths = [
        np.abs(net.module_.conv[0].weight.detach().numpy()).max()
        for net in (page["net"], page["memorised"])
    ]
    assert min(strengths) > 1.5 * page["bound"]
    assert strengths[1] > 0.8 * strengths[0]  # "kernels as strong"
    assert page["memorised"].score(page["X"][test], digits.target[test]) < 0.25
    for kernel in page["strongest"]:
        by_digit = [
            page["activation"][digits.target[test] == d, :, kernel].mean()
            for d in range(10)
        ]
        assert max(by_digit) > 2.5 * min(by_digit)


def unequal_lengths(page):
    part, right = page["part"], page["right"]
    whole = [right["recurrent, whole songs"], right["convolution, whole songs"]]
    for songs in whole:
        assert songs[part >= 3].mean() > songs[part <= 1].mean() + 0.02
    assert abs(whole[0].mean() - whole[1].mean()) < 0.05
    cut = right["convolution, central 15 segments"]
    for songs in whole:
        assert abs(songs.mean() - cut.mean() - 0.2) < 0.06
    assert abs(cut[part >= 3].mean() - cut[part <= 1].mean()) < 0.06
    seconds = page["seconds"]
    assert seconds["recurrent, whole songs"] > seconds["convolution, whole songs"]


def grid_search(page):
    scores = page["scores"]
    weaker = scores[:, :3]
    assert weaker[0].max() < 0.45
    assert weaker[1:3].min() > 0.65
    assert np.abs(weaker[1] - weaker[2]).max() < 0.05
    assert np.abs(weaker[1:3].mean(axis=0) - weaker[3] - 0.1).max() < 0.05
    assert (scores[:, 3] < weaker.max(axis=1) - 0.1).all()


def sparse_weights(page):
    shares = []
    for net in (page["with_l1"], page["with_l2"]):
        weights = np.concatenate(
            [conv.weight.detach().numpy().ravel() for conv in net.module_.conv]
        )
        largest = np.abs(weights).max()
        shares.append((np.abs(weights) < largest / 40).mean())
    assert shares[0] > 0.5
    assert shares[1] < 0.2
    X, y, test = (page[name] for name in ("X", "y", "test"))
    accuracy = page["accuracy"]
    assert 0.55 < page["masked"][0] < 0.65  # "six in ten"
    assert accuracy[0] > page["with_l2"].score(X[test], y[test]) - 0.02
    assert (np.diff(accuracy) < 0).all()


def combiner_weights(page):
    X, y, test = (page[name] for name in ("X", "y", "test"))
    accuracy = [net.score(X[test], y[test]) for net in page["nets"].values()]
    combined = page["combiner"].score(X[test], y[test])
    assert max(accuracy) == accuracy[2]
    assert 0 < combined - max(accuracy) < 0.04
    shares = page["combiner"].class_contributions_
    assert (shares.argmax(axis=0) == 2).all()
    assert np.abs(shares[0]).max() < 0.25
    assert (shares[1] > 0.25).sum() == 2


def correcting(page):
    n = {name: which.sum() for name, (which, *_) in page["groups"].items()}
    assert 1.7 < n["rescued"] / n["spoiled"] < 2.6
    assert page["gained"].mean() - page["margin"] > 0
    accuracy = page["accuracy"]
    assert abs(accuracy["corrector's own output"] - 0.2) < 0.05
    alone = accuracy["same net, trained alone"]
    assert accuracy["corrector's own output"] + 0.1 < alone < accuracy["base"] - 0.1


def stacked_correctors(page):
    long, stopped, half = (
        np.array([losses.get_ydata(), scores.get_ydata()])
        for losses, scores in zip(
            page["left"].get_lines(), page["right"].get_lines(), strict=True
        )
    )
    gain = stopped[0, 0] - stopped[0].min(), stopped[1].max() - stopped[1, 0]
    assert stopped[0, 0] - stopped[0, 1] > 0.85 * gain[0]
    assert stopped[1, 1] - stopped[1, 0] > 0.85 * gain[1]
    assert (np.diff(stopped[0]) < 0.005).all()
    assert long[0, 1:].min() > long[0, 0] + 0.1
    assert long[1, 1:].max() < long[1, 0]
    assert half[0, 2] < stopped[0, 1] + 0.01
    assert half[0, 1] > stopped[0, 1]


def calibration(page):
    X, y, test = (page[name] for name in ("X", "y", "test"))
    net, temperature, isotonic = page["models"].values()
    probabilities = [
        model.predict_proba(X[test]) for model in (net, temperature, isotonic)
    ]
    sure = probabilities[0].max(axis=1)
    right = probabilities[0].argmax(axis=1) == y[test]
    assert 0.45 < right[np.abs(sure - 0.95) < 0.03].mean() < 0.62  # "about half"
    lines = [line.get_xydata() for line in page["reliability"].get_lines()[1:]]
    off = [np.abs(said - share).max() for said, share in (line.T for line in lines)]
    assert max(off[1:]) < 0.12
    assert off[0] > 0.3
    accuracy = [(p.argmax(axis=1) == y[test]).mean() for p in probabilities]
    assert np.ptp(accuracy) < 0.02
    assert (probabilities[0].argmax(axis=1) == probabilities[1].argmax(axis=1)).all()
    losses = [
        -np.log(np.maximum(p[np.arange(len(p)), y[test]], 1e-15)).mean()
        for p in probabilities
    ]
    assert max(losses[1:]) < losses[0] - 0.3


CLAIMS = {
    "plot_audio_files": audio_files,
    "plot_taggram": taggram,
    "plot_statistics_and_net": statistics_and_net,
    "plot_shuffled_segments": shuffled_segments,
    "plot_kernels": kernels,
    "plot_unequal_lengths": unequal_lengths,
    "plot_grid_search": grid_search,
    "plot_sparse_weights": sparse_weights,
    "plot_combiner_weights": combiner_weights,
    "plot_correcting": correcting,
    "plot_stacked_correctors": stacked_correctors,
    "plot_calibration": calibration,
}


def test_every_page_is_held():
    assert sorted(CLAIMS) == sorted(path.stem for path in EXAMPLES.glob("plot_*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_what_a_page_says_is_what_its_script_finds(name, monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pytest.importorskip("soundfile")
    pyplot.switch_backend("agg")
    monkeypatch.setattr(pyplot, "show", lambda: None)
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")  # as docs/conf.py has it
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the page would show it
        page = runpy.run_path(str(EXAMPLES / f"{name}.py"))
    CLAIMS[name](page)
    pyplot.close("all")

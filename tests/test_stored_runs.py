"""What the pages say was measured is what the stored runs of the benchmarks say."""

import re
from pathlib import Path

from stored_runs import RESULTS, stored, stored_tables

ROOT = Path(__file__).parents[1]
# Where the page says that MiniRocket is ahead.
AHEAD = ("ArrowHead", "PickupGestureWiimoteZ", "ACSF1", "OSULeaf")

# What the page calls what was compared.
WITH = {
    "net": "one cycle",
    "constant rate": "constant rate",
    "constant rate, mean weights": (
        "mean of the weights over the second half, at a constant rate"
    ),
    "moving average of weights": "moving average of the weights (0.99 a step)",
    "label smoothing": "label smoothing (0.1)",
    "chroma rotation": "chroma transposed at random",
    "global pooling": "global pooling, mean and max",
    "centre crop": "the centre crop",
    "crops, as many steps": "3 crops, for as many steps",
    "crops, as many epochs": "3 crops, for as many epochs",
    "pooled statistics, logistic": "logistic regression on pooled statistics",
    "pooled statistics, boosting": "boosted trees on pooled statistics",
    "support vectors": "support vector machine",
    "combiner of the net and these three": (
        "linear combiner of the net and these three"
    ),
}


def page(name):
    """Its text, with a blank between two words and between two cells of a table."""
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def guide(name):
    return page(f"docs/guide/{name}")


def with_interval(found, digits):
    margin, low, high = (f"{found[k]:.{digits}f}" for k in ("margin", "low", "high"))
    return f"{margin} ({low} to {high})"


def numbers(table, column, *, but=()):
    """A column's, but those of some rows, by their first cell."""
    rows = [row for row in table if next(iter(row.values())) not in but]
    return [float(row[column]) for row in rows if row[column]]


def test_accuracies_on_music():
    models = stored("music_gtzan100.json")["models"]
    text = guide("small_data.rst")
    for name, figures in models.items():
        if name.startswith("musicnn"):
            continue
        shown = with_interval(figures["accuracy"], 3)
        assert f"* - {name} - {shown} - {figures['fit_cpu_seconds']:.2f} " in text
    # On the page of recordings, in the order in which it tells of them.
    names = ("musicnn, SVM", "all statistics, SVM", "net, ... batch normalisation")
    shown = [with_interval(models[name]["accuracy"], 2) for name in names]
    both = models["musicnn and statistics, logistic, combined"]["accuracy"]
    found = re.findall(r"0\.\d\d \(0\.\d\d to 0\.\d\d\)", guide("audio.rst"))
    assert found == [*shown, with_interval(both, 2)]
    assert f"the genre of {shown[0]} of those held out" in page("README.md")


def test_what_did_not_help_on_music():
    models = stored("music_gtzan100.json")["models"]
    accuracy = {name: row["accuracy"]["margin"] for name, row in models.items()}
    statistics = accuracy["all statistics, logistic"]
    text = guide("small_data.rst")
    nets = [value for name, value in accuracy.items() if name.startswith("net, ")]
    least, most = (f"{statistics - value:.2f}" for value in (max(nets), min(nets)))
    assert f"each is {least} to {most} below the logistic regression" in text
    lost = statistics - accuracy["combined, shrunk"]
    assert f"statistics: {lost:.2f} below the statistics alone" in text
    lost = statistics - accuracy["combined, average"]
    assert f"the average of logits as they are loses {lost:.2f}" in text
    lost = statistics - accuracy["combined, average of probabilities"]
    assert f"that of probabilities {lost:.2f}" in text
    lost = statistics - accuracy["corrected, share and epochs chosen"]
    assert f"where they choose the epochs too, it loses {lost:.2f}" in text


def test_ways_to_combine():
    runs = stored("combining_few.json")["runs"]
    runs = [run for name, run in runs.items() if name.endswith("synthetic")]
    text = guide("small_data.rst")
    accuracy = [
        {way: row["accuracy"]["margin"] for way, row in run["ways"].items()}
        for run in runs
    ]
    for way in accuracy[0]:
        cells = [f"- {found[way]:.3f} " for found in accuracy]
        assert f"* - {way} {''.join(cells)}" in text
    draws = "{}, {}, {} and {} draws".format(*(run["times"] for run in runs))
    assert f"Means over {draws}" in text
    default = "shrunk to the calibrated average (the default)"
    above = [
        found[default] - max(v for way, v in found.items() if way.endswith("alone"))
        for found in accuracy
    ]
    assert above[0] < 0
    assert (
        f"with 600 the default is {above[1]:.2f} above the best member, with 4,000 "
        f"{above[2]:.2f} and with 40,000 {above[3]:.2f}"
    ) in text
    free = [found["all weights free (the report's)"] for found in accuracy]
    lost = accuracy[0]["average of logits"] - free[0]
    assert f"loses {lost:.2f} to the plain average with a hundred songs" in text
    behind = [found[default] - own for found, own in zip(accuracy, free, strict=True)]
    assert max(behind[2:]) < 0.005  # "has caught up"


def test_training_speed():
    tables = {n: stored_tables(f"epoch_{n}.md")[0] for n in (1, 2)}
    text = guide("speed.rst")
    for n, name in enumerate(
        (
            "fully connected",
            "segment convolution",
            "convolution in time, max pooling",
            "the same, no pooling",
            "the same, average pooling",
            "recurrent",
        )
    ):
        rows = [table[n] for table in tables.values()]
        cells = [row[rival] for rival in ("plain loop", "skorch") for row in rows]
        assert f"{name} {' '.join(cells)} " in text
    mlp = [table[0]["MLPClassifier"] for table in tables.values()]
    assert "``MLPClassifier`` takes {} and {} times".format(*mlp) in text
    plain, skorch = (
        [v for t in tables.values() for v in numbers(t, rival, but=["recurrent"])]
        for rival in ("plain loop", "skorch")
    )
    assert (
        f"a plain PyTorch loop takes {min(plain):.1f} to {max(plain):.1f} times as "
        f"long as one here on a CPU, skorch's {min(skorch):.1f} to {max(skorch):.1f} "
        "times, and for recurrent nets all take the same"
    ) in page("README.md")
    recurrent = [
        float(t[-1][r]) for t in tables.values() for r in ("plain loop", "skorch")
    ]
    assert max(abs(ratio - 1) for ratio in recurrent) < 0.1


def test_predicting_speed():
    (table,) = stored_tables("predicting.md")
    many = numbers(table, "ONNX Runtime's time by ours")
    ours = numbers(table, "one song, ours, µs")
    theirs = numbers(table, "one song, ONNX Runtime, µs")
    single = [b / a for a, b in zip(ours, theirs, strict=True)]
    assert (
        f"many songs in {min(many):.1f} to {max(many):.1f} of our time, and a single "
        f"song in {min(single):.2f} to {max(single):.2f} of it"
    ) in guide("speed.rst")


def test_peers():
    (table,) = stored_tables("peers.md")
    text = guide("speed.rst")
    for row in table:
        name = re.sub(r"(\w+Classifier\w*)$", r"``\1``", row["classifier"])
        name = "the same, pooled" if "global_pooling" in name else name
        speed = f"{int(row['predict, songs/s']):,}"
        assert f"{name} {row['fit, seconds']} {speed} {row['accuracy']} " in text


def test_costs():
    (table,) = stored_tables("costs.md")
    seconds, grown, held = (
        {(row["what"], int(row["songs"])): float(row[name]) for row in table}
        for name in ("processor seconds", "MB more", "MB of songs")
    )
    statistics, net, pooled = dict.fromkeys(row["what"] for row in table)
    text = guide("small_data.rst")
    assert max(grown[what, 100] for what in (statistics, net, pooled)) < 1
    epoch = seconds[pooled, 4000]
    assert (
        f"take {seconds[statistics, 4000]} seconds, an epoch of the net {epoch}: in "
        f"all {30 * epoch:.0f} seconds for 30 epochs"
    ) in text
    assert (
        f"are {held[pooled, 4000]:.0f} MB in float32, and the net takes "
        f"{grown[pooled, 4000]:.0f} MB more"
    ) in text
    epoch = seconds[net, 40_000]
    assert (
        f"take {seconds[statistics, 40_000]} seconds and "
        f"{grown[statistics, 40_000]:.0f} MB, most of it the result; an epoch of the "
        f"net {epoch} seconds, so {100 * epoch / 60:.0f} minutes for the report's 100 "
        f"epochs, and {grown[net, 40_000]:.0f} MB; the songs are "
        f"{held[net, 40_000]:.0f} MB in float32"
    ) in text


def test_one_cycle():
    by_songs = {
        name: (RESULTS / f"time_to_accuracy_{name}.md").read_text(encoding="utf-8")
        for name in ("synthetic", "digits", "2000")
    }
    tables = {
        name: {
            row["training"]: row["accuracy"]
            for row in stored_tables(f"time_to_accuracy_{name}.md")[0]
        }
        for name in by_songs
    }
    text = guide("training_fast.rst")
    for shown, printed in {
        "constant, plateau": "constant, plateau",
        "constant, stopped at epoch 20": "constant, stopped",
        "one cycle of 20 epochs": "one cycle, last epoch",
    }.items():
        cells = [tables[name][printed] for name in ("synthetic", "digits")]
        assert f"{shown} {' '.join(cells)} " in text
    margin = re.compile(r"margin over the plateau: (.*)")
    cells = [margin.search(by_songs[name])[1] for name in ("synthetic", "digits")]
    assert f"one cycle less the plateau {' '.join(cells)} " in text
    over_voices = re.search(r"over groups: (.*)", by_songs["digits"])[1]
    assert f"interval over voices – {over_voices} " in text
    reached = re.compile(r"of its plateau from epoch E = (\d+)")
    synthetic, digits = (
        reached.search(by_songs[n])[1] for n in ("synthetic", "digits")
    )
    assert f"within 0.005 of it at epoch {synthetic}," in text
    assert f"does so at epoch {digits} and" in text
    one, constant = (
        tables["2000"][name][:5]
        for name in ("one cycle, last epoch", "constant, plateau")
    )
    assert f"the plateau and not above it: {one} against {constant}" in text
    time = re.compile(r"processor time: ([\d.]+)")
    shares = [time.search(by_songs[name])[1] for name in ("synthetic", "digits")]
    assert f"take {shares[0]} and {shares[1]} of its processor time" in text


def test_reading_in_blocks():
    (table,) = stored_tables("reading_accuracy.md")
    full, _, less = table
    assert (
        f"cost {-float(less['accuracy']):.3f} of an accuracy of "
        f"{float(full['accuracy']):.3f} (standard error "
        f"{float(less['standard error']):.3f}, 20 seeds"
    ) in guide("memory.rst")


def test_searches():
    sharing, threads = stored_tables("searching.md")
    text = guide("cluster.rst")
    for kind in ("in memory", "memory map", "MappedSongs"):
        rows = [row for row in sharing if row["songs"] == kind]
        cells = [c for r in rows for c in (f"{r['sent MB']} MB", r["growth/data"])]
        name = f"`{kind}`" if kind == "MappedSongs" else kind
        assert f"{name} {' '.join(cells)} " in text
    names = ("loky, the default", "Dask, a thread in each worker")
    names += ("multiprocessing, which forks", "threading")
    for row, name in zip(threads, names, strict=True):
        _, by_torch, by_numpy = row.values()
        assert f"{name} {by_torch} {by_numpy} " in text


def test_other_sequences():
    text = guide("other_sequences.rst")
    n_seeds = (3, 2)
    for n, table in zip(n_seeds, stored_tables("other_sequences.md"), strict=True):
        for row in table:
            name, *about = list(row.values())
            name = name.replace("PickupGestureWiimoteZ", "Pickup…")
            found = [
                re.match(r"([\d.]+)(?: \(([\d.]+) to ([\d.]+)\))?", c)
                for c in about[4:]
            ]
            means = " ".join(one[1] for one in found)
            spread = " ".join(
                f"({one[2]}, {one[3]})" if one[2] else "(no range)" for one in found
            )
            assert f"{name} {n} {means} .. {spread} " in text
    rows = [row for table in stored_tables("other_sequences.md") for row in table]
    rows = [row for row in rows if row["data"] in AHEAD]
    seconds = [
        [float(cell.split()[-2]) for cell in list(row.values())[5:]] for row in rows
    ]
    theirs = [row[-1] for row in seconds]
    ours = [value for row in seconds for value in row[:-1]]
    assert (
        f"takes {min(theirs)} to {max(theirs)} seconds where a net takes "
        f"{min(ours):.0f} to {max(ours):.0f}"
    ) in text
    n_songs = [int(row["sequences"]) for row in rows]
    assert f"of {min(n_songs)} to {max(n_songs)} sequences" in text
    for row in rows:
        *nets, rocket = [
            [float(x) for x in re.findall(r"\d\.\d{3}", cell)]
            for cell in list(row.values())[5:]
        ]
        assert min(rocket) > max(value for net in nets for value in net)


def test_what_helps_few_recordings():
    text = guide("small_data.rst")
    accuracies, margins = stored_tables("generalisation.md")
    accuracy = {row["model"]: row["accuracy"][:5] for row in accuracies}
    for row in margins:
        other = row["against"]
        against = "the net" if other == "net" else WITH[other]
        over_groups = row["over groups"].split(" ", 1)[1]
        cells = [WITH[row["with"]], f"{against} ({accuracy[other]})"]
        cells += [row["over songs and seeds"], over_groups, row[""]]
        assert f"* - {' - '.join(cells)} " in text


def test_what_train_prints():
    printed = (RESULTS / "train_gtzan100.txt").read_text(encoding="utf-8")
    text = (ROOT / "docs/guide/command_line.rst").read_text(encoding="utf-8")
    head, *lines = printed.splitlines()
    for line in filter(None, lines):
        assert f"   {line}\n" in text
    seconds = re.search(r"(\d+) s on one thread", head)[1]
    assert f"All this took {seconds} seconds on one core" in text


def test_false_verdicts_of_planted_reports():
    printed = (RESULTS / "planted_reports.txt").read_text(encoding="utf-8")
    runs = re.findall(
        r"^(\w+) +(.*?) +false a claim: mean ([\d.]+), most ([\d.]+);", printed, re.M
    )
    assert len(runs) == 8
    assert max(float(mean) for *_, mean, _ in runs) < 0.03
    worst = {(kind, how): 100 * float(most) for kind, how, _, most in runs}
    uneven = worst.pop(("margin", "{'uneven': 0.7}"))
    least, most = min(worst.values()), max(worst.values())
    text = page("sklearn_msd/report/judging/looks.py")
    assert "less than 3 % of verdicts are then false" in text
    assert f"{least:.1f} to {most:.1f} %, or {uneven:.1f} % where starts change" in text

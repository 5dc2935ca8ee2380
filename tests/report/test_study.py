"""What is trained in which order, with trainings that are made up."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_msd.report import study
from sklearn_msd.report.data import ReportData, Split
from sklearn_msd.report.declaration import Curve, Figure, claim
from sklearn_msd.report.figures.experiments import MODELS
from sklearn_msd.report.judging.looks import LOOKS
from sklearn_msd.report.records import Record
from sklearn_msd.report.runner import Plan, Settings
from sklearn_msd.report.study import Clock, conduct

N_SONGS = 2000
# Accuracies of models, and what starts change in them. The first two are the report's.
TRUE = {
    "baseline": (0.5, 0.01),
    "max 2": (0.7, 0.01),
    "height 3": (0.7, 0.01),
    "L1 0": (0.5, 0.01),
    "L1 0.001": (0.45, 0.01),
    "max 3": (0.71, 0.02),
    "height 5": (0.70, 0.03),
    "height 10": (0.71, 0.03),
}
CLAIMS = (
    claim("clear", "max 2", "beats", "baseline"),
    claim("clear, too", "height 3", "beats", "baseline"),
    claim("nothing", "L1 0", "does not beat", "baseline"),
    claim("clear, three", "L1 0.001", "does not beat", "baseline"),
    claim("near", "max 3", "beats", "max 2"),
    claim("nothing, too", "height 5", "equals", "height 3"),
    claim("near, too", "height 10", "equals", "height 3"),
)
FIGURE = Figure("6", "t", "q.", "s", (Curve("max 2"), Curve("baseline")), CLAIMS)


@pytest.fixture
def data():
    y = np.arange(N_SONGS) % 2
    nothing = np.zeros((N_SONGS + 4, 25))
    split = Split(
        nothing[:2], y[:2], nothing, np.r_[y[:4], y], 4, 25, np.arange(N_SONGS)
    )
    return ReportData("d", "d", ["a", "b"], lambda _: [split], y)


@pytest.fixture
def trained(monkeypatch):
    """Trainings by label and seed, each a second; kept, as in a folder."""
    done, log = {}, []

    def run(runs, store, *, n_jobs=None, say=print):
        for one in runs:
            if one.key in done:
                continue
            if store is not None and len(log) >= store:
                raise KeyboardInterrupt
            seed = one.estimator.random_state
            log.append((one.label, seed))
            name = next(n for n in TRUE if MODELS[n].label == one.label)
            accuracy, spread = TRUE[name]
            rng = np.random.default_rng([seed, *one.label.encode()])
            right = rng.random(N_SONGS) < accuracy + rng.normal(0, spread)
            y = one.split.y_eval[4:]
            done[one.key] = Record(
                {"fit_seconds": 1.0, "label": one.label},
                {"model": np.zeros(1)},
                {"model": one.split.y_eval[None, :4]},
                {"model": np.where(right, y, 1 - y)},
            )
        return {one.key: done[one.key] for one in runs}

    monkeypatch.setattr(study, "run", run)
    return SimpleNamespace(log=log, done=done)


def judged(data, store=None, n_seeds=8, **options):
    plan = Plan(MODELS, Settings(tuple(range(n_seeds)), "cpu"))
    return conduct([(FIGURE, data)], plan, store, n_jobs=1, say=list, **options)


def outcome(results):
    return {
        tested.claim.text: (found.verdict, found.n_starts, found.comparison)
        for tested in results.claims
        if (found := results.judge.findings.get(tested.case))
    }


def test_open_claims_get_more_starts_and_decided_ones_none(data, trained):
    found = outcome(judged(data))
    assert found["clear"][:2] == ("holds", 2)
    assert found["clear, three"][:2] == ("holds", 2)
    starts = {
        label: 1 + max(seed for one, seed in trained.log if one == label)
        for label, _ in trained.log
    }
    assert starts[MODELS["L1 0.001"].label] == 2
    assert set(starts.values()) <= {*LOOKS}
    assert max(starts.values()) > 2
    # No more than what an open claim was looked at with, or is now.
    looked_at = {n for _, n, _ in found.values()}
    assert set(starts.values()) == looked_at


def test_the_conclusions_models_come_first(data, trained):
    judged(data)
    first = [label for label, _ in trained.log[: 2 * len(TRUE)]]
    groups = study._first_starts(
        SimpleNamespace(
            judge=SimpleNamespace(looks=LOOKS),
            figures=[(FIGURE, data)],
            claims=[],
            plan=Plan(MODELS, Settings((0, 1), "cpu")),
            records={},
        )
    )
    order = [group[-1].label for group in groups]
    wanted = ["baseline", "height 3", "max 2"]
    assert order[:3] == [MODELS[name].label for name in wanted]
    assert {*first} == {MODELS[name].label for name in TRUE}


@pytest.mark.parametrize("minutes", [0.2, 0.5, 1])
def test_no_more_time_is_used_than_is_allowed(data, trained, minutes):
    results = judged(data, minutes=minutes)
    # Half of so few minutes is for the page; the first batch cannot know better.
    assert len(trained.log) <= max(30 * minutes, 2)
    assert len(results.records) == len(trained.done)


def test_with_little_time_there_are_two_starts_of_some_and_none_of_others(
    data, trained
):
    results = judged(data, minutes=0.3)
    starts = {name: results.n_starts(name, data) for name in TRUE}
    assert starts["baseline"] == starts["max 2"] == 2
    assert set(starts.values()) == {0, 2}
    assert set(outcome(results)) < {one.text for one in CLAIMS}


@pytest.mark.parametrize("minutes", [None, 1])
@pytest.mark.parametrize("stopped_after", [1, 5, 16, 17])
def test_stopped_and_run_again_it_trains_and_finds_the_same(
    data, trained, minutes, stopped_after
):
    whole = outcome(judged(data, minutes=minutes))
    order = list(trained.log)
    trained.log.clear()
    trained.done.clear()
    with pytest.raises(KeyboardInterrupt):
        judged(data, stopped_after, minutes=minutes)
    assert len(trained.log) == stopped_after
    assert outcome(judged(data, minutes=minutes)) == whole
    assert trained.log == order


def test_what_was_trained_for_other_ends_changes_nothing(data, trained):
    short = outcome(judged(data, minutes=0.5))
    judged(data)
    assert outcome(judged(data, minutes=0.5)) == short


def test_one_seed_is_judged_by_songs_alone(data, trained):
    found = outcome(judged(data, n_seeds=1))
    assert {n for _, n, _ in found.values()} == {1}
    assert found["clear"][0] == "holds"


def runs_of(*seconds, needs=None):
    return [
        SimpleNamespace(
            key=str(i),
            label=f"model {i}",
            data_name="d",
            needs=(needs or {}).get(i, set()),
        )
        for i, _ in enumerate(seconds)
    ]


def timed(*seconds):
    return {
        str(i): SimpleNamespace(info={"fit_seconds": s}) for i, s in enumerate(seconds)
    }


def test_the_clock_counts_processes_and_waits_for_bases():
    clock = Clock(2)
    clock.add(runs_of(4, 3, 3), timed(4, 3, 3))
    assert clock.spent == 6  # 4 beside 3 and 3
    clock = Clock(2)
    clock.add(runs_of(4, 3, 3, needs={2: {"0"}}), timed(4, 3, 3))
    assert clock.spent == 7  # the last waits for the first


def test_the_clock_takes_what_fits_longest_first():
    clock = Clock(1, seconds=20)
    seconds = (4, 3, 3, 2)
    runs = runs_of(*seconds)
    clock.add(runs, timed(*seconds))
    groups = [[runs[3]], [runs[0], runs[1]], [runs[2]]]
    # 8 s are left: 2 and 3 fit beside each other, 7 more would not.
    assert [one.key for one in clock.affordable(groups)] == ["2", "3"]
    assert clock.affordable([[runs[0], runs[1], runs[2]]]) == []
    assert Clock(1).affordable(groups) == [runs[3], runs[0], runs[1], runs[2]]
    assert math.isinf(Clock(1).seconds)


def test_what_is_not_known_is_guessed_and_half_of_the_time_kept():
    clock = Clock(1, seconds=20)
    known, *new = runs_of(2, 1, 1, 1, 1, 1, 1, 1, 1, 1)
    first = clock.affordable([[known], *([one] for one in new)])
    assert len(first) == 2  # to learn from
    clock.add([known], timed(2))
    chosen = clock.affordable([[one] for one in new])
    assert len(chosen) == 4  # as 2 s each, they take 8 of 18 s

import numpy as np
import pytest
from planted import PlantedReport, false_verdicts

from sklearn_msd.report.judging.looks import ERROR, LOOKS, Case, Judge, margin_of
from sklearn_msd.report.judging.spread import Spread

NAMES = [f"model {i}" for i in range(8)]


def judge(differences, relation="beats", spread=0.01, n_songs=4000, **options):
    """Claims that models beat one another by so much, with songs all alike."""
    rng = np.random.default_rng(0)
    right = {}
    cases = []
    for i, difference in enumerate(differences):
        left, other = (f"left {i}",), (f"right {i}",)
        for subject, accuracy in ((left, 0.5 + difference), (other, 0.5)):
            start = rng.normal(0, spread, (LOOKS[-1], 1))
            noise = rng.normal(0, 0.05, (LOOKS[-1], n_songs))
            right[subject] = np.clip(accuracy + start + noise, 0, 1)
        cases.append(Case(relation, left, other, "songs"))
    return Judge(cases, lambda subject, n: right[subject][:n], **options), cases


def look(judge, n):
    judge.look({side: n for case in judge.cases for side in case.sides})


def test_what_is_clear_is_decided_at_once_and_not_looked_at_again():
    referee, cases = judge([0.3] * 10)
    look(referee, 2)
    assert {referee.findings[case].verdict for case in cases} == {"holds"}
    before = dict(referee.findings)
    look(referee, 8)
    assert referee.findings == before
    assert [referee.next_look(case) for case in cases] == [None] * 10


def test_what_is_not_clear_gets_more_starts_and_is_decided():
    referee, cases = judge([0.0] * 10)
    look(referee, 2)
    still = [c for c in cases if referee.findings[c].verdict == "undecided"]
    assert len(still) > 5
    assert {referee.next_look(case) for case in still} <= {3, None}
    assert any(referee.next_look(case) == 3 for case in still)
    for n in LOOKS[1:]:
        look(referee, n)
    verdicts = [referee.findings[case].verdict for case in cases]
    assert verdicts.count("does not hold") >= 8
    assert "holds" not in verdicts


def test_the_margin_is_what_starts_change_and_stays():
    referee, _ = judge([0.0] * 40, spread=0.02)
    look(referee, 2)
    margin = referee.margins["songs"]
    assert margin == pytest.approx(1.96 * np.sqrt(2) * 0.02, abs=0.015)
    look(referee, 8)
    assert referee.margins["songs"] == margin
    assert margin_of(Spread(0.1, 1.0, 1e-9)) == 0.01
    assert margin_of(Spread(0.1, 1.0, 0.0051**2)) == pytest.approx(0.015)


def test_a_case_waits_until_both_sides_have_been_trained():
    referee, cases = judge([0.3, 0.3])
    starts = {side: 2 for case in cases for side in case.sides}
    starts[cases[0].right] = 1
    referee.look(starts)
    assert list(referee.findings) == [cases[1]]
    assert referee.next_look(cases[0]) == 2


def test_all_looks_together_may_miss_as_often_as_one():
    referee, _ = judge([0.0])
    assert len(referee.looks) * (1 - referee.confidence) <= ERROR
    single, cases = judge([0.3], max_starts=1)
    assert (single.looks, single.confidence) == ((1,), 1 - ERROR)
    look(single, 1)
    assert single.findings[cases[0]].verdict == "holds"


def test_what_it_would_take_is_about_what_it_takes():
    referee, cases = judge([0.0] * 20, spread=0.02)
    look(referee, 2)
    needed = [referee.findings[case].starts_needed for case in cases]
    assert all(n is None or n > 2 for n in needed)
    assert 3 <= np.median([n or 99 for n in needed]) <= 8


def test_songs_that_are_too_few_are_named():
    referee, cases = judge([0.0] * 10, spread=0.0001, n_songs=20)
    look(referee, 2)
    for case in cases:
        found = referee.findings[case]
        if found.verdict == "undecided" and found.songs_needed is not None:
            assert found.songs_needed > 1
            assert found.starts_needed is None or found.starts_needed > 2


def test_near_the_margin_starts_and_songs_are_needed_together():
    referee, cases = judge([0.3] + [0.0] * 20, spread=0.02)
    look(referee, 2)
    one = referee.findings[cases[1]]
    assert one.verdict == "undecided"
    found = one.comparison
    half = (found.high - found.low) / 2
    distance = max(found.margin, one.margin - found.margin)
    assert one.both_needed == pytest.approx((half / distance) ** 2, rel=0.3)


def test_chance_needs_no_training():
    right = np.random.default_rng(0).random((8, 4000)) < 0.1
    case = Case("does not beat", ("corrector",), None, "songs", 0.1)
    referee = Judge([case], lambda _, n: right[:n] * 1.0)
    referee.look({("corrector",): 8})
    assert referee.findings[case].verdict == "holds"


@pytest.mark.parametrize("truth", ["none", "margin"])
def test_planted_reports_are_rarely_judged_falsely(truth):
    n_reports = 12
    false, _ = false_verdicts(truth, n_reports)
    # Claims of one report lean on each other: three standard errors, generously.
    assert false.sum() <= 0.05 * n_reports * len(false)


@pytest.mark.slow
@pytest.mark.parametrize("truth", ["none", "margin"])
@pytest.mark.parametrize("options", [{}, {"uneven": 0.7}, {"skewed": True}])
def test_no_claim_of_planted_reports_is_falsely_judged_in_more_than_one_in_20(
    truth, options
):
    n_reports = 300
    false, _ = false_verdicts(truth, n_reports, **options)
    assert false.mean() / n_reports <= 0.05
    # Of 42 claims with this rate, one lies this far above it once in a hundred tests.
    assert false.max() <= 0.05 * n_reports + 3.5 * (0.05 * 0.95 * n_reports) ** 0.5


def test_a_planted_report_ends():
    report = PlantedReport(0, "none", budget=90)
    verdicts = report.judged()
    assert len(verdicts) == len(report.cases) == 42
    assert sum(report.starts.values()) <= 90

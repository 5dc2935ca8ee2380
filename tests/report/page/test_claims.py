from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_msd.report.declaration import Claim, Curve, Figure
from sklearn_msd.report.judging.intervals import Comparison
from sklearn_msd.report.judging.looks import Case, Finding
from sklearn_msd.report.judging.results import ClaimOnData
from sklearn_msd.report.page.answer import answer
from sklearn_msd.report.page.claims import (
    counted,
    forest,
    judged,
    not_tested,
    what_it_takes,
)
from sklearn_msd.report.words import joined

FIGURE = Figure("6", "Title", "q.", "s", ())
DATA = SimpleNamespace(
    name="songs", n_classes=4, y_compared=range(100), group=None, key="songs"
)


def on_data(relation="beats", left="max 2", right="height 3", data=DATA, **options):
    claim = Claim(
        f"{left} {relation} {right}", Curve(left), relation, Curve(right), **options
    )
    return ClaimOnData(FIGURE, data, claim, Case(relation, (left,), (right,), data.key))


def finding(middle, half, relation="beats", **options):
    found = Comparison(middle, middle - half, middle + half)
    return Finding(found, 3, 0.02, found.verdict(relation, 0.02), **options)


def results(*pairs):
    return SimpleNamespace(
        claims=[one for one, _ in pairs],
        judge=SimpleNamespace(
            looks=(2, 3), findings={one.case: f for one, f in pairs if f is not None}
        ),
        data_sets=lambda: [DATA],
        curves=lambda data: [],
        right=lambda curve, data: np.full((3, 100), 0.5),
        plan=SimpleNamespace(
            runs=lambda name, data, start: [SimpleNamespace(key=f"{name} {start}")]
        ),
        records={},
    )


def test_each_comparison_is_counted_once_and_what_is_not_claimed_apart():
    twice = [(on_data(), finding(0.1, 0.01))] * 2
    other = (on_data(left="recurrent", standing="open"), finding(0.0, 0.005))
    claims = judged(results(*twice, other))
    assert len(claims) == 2
    assert counted(claims) == {"holds": 1, "does not hold": 1}
    text = next(answer(claims, results(*twice, other))).text
    assert "of the report's 1 claim**" in text
    assert (
        "Of 1 question that it leaves open none is answered yes, 1 no and none is open"
        in text
    )


def test_a_claim_that_no_model_was_trained_for_is_open():
    (claim,) = claims = judged(results((on_data(), None)))
    assert claim.verdict == "undecided"
    assert forest(claims, by_certainty=True, link=True).rows == []
    assert what_it_takes(claims) is None
    made = results((on_data(), None))
    assert not_tested(claims, made) == (
        "1 claim is not tested yet, for want of time: a model is not trained ([Figure "
        "6](#figure-6))."
    )
    assert "1 [wait for models](#open)" in next(answer(claims, made)).text


def test_claims_that_were_not_tested_say_how_long_their_models_would_take():
    """One of the six trainings that they need is done, as are two others."""
    pairs = [(on_data(left="a"), None), (on_data(left="b"), None)]
    made = results(*pairs, (on_data(left="c"), finding(0.1, 0.05)))
    seconds = {"height 3 0": 10, "c 0": 20, "c 1": 60}
    made.records = {
        key: SimpleNamespace(info={"fit_seconds": s}) for key, s in seconds.items()
    }
    text = not_tested(judged(made), made)
    assert text.startswith("2 claims are not tested yet, for want of time: ")
    assert "2 times each, takes about 2 min 30 s of training time" in text
    assert "`--minutes`" in text
    assert not_tested(judged(made)[2:], made) is None


def test_the_surest_come_first_verdict_by_verdict():
    pairs = [
        (on_data(left="a"), finding(0.03, 0.05)),
        (on_data(left="b"), finding(-0.03, 0.01)),
        (on_data(left="c"), finding(0.03, 0.02)),
        (on_data(left="d"), finding(0.30, 0.02)),
    ]
    claims = judged(results(*pairs))
    plot = forest(claims, by_certainty=True, link=True)
    assert [row.cells[1][0] for row in plot.rows] == ["d", "c", "b", "a"]
    assert plot.rows[0].cells == [
        "[Figure 6](#figure-6)",
        "d beats height 3",
        "**holds**, 3 starts",
    ]
    assert plot.rows[0].zone == (0.0, 0.02)
    plot = forest(claims, by_certainty=False, link=False)
    assert [row.cells[0][0] for row in plot.rows] == ["a", "b", "c", "d"]


def test_open_claims_say_what_they_would_take():
    pairs = [
        (on_data(left="a"), finding(0.01, 0.05, starts_needed=9)),
        (on_data(left="b"), finding(0.01, 0.05, songs_needed=2.5)),
        (on_data(left="d"), finding(0.01, 0.05, both_needed=30.0)),
        (on_data(left="c"), finding(0.1, 0.05)),
    ]
    rows = what_it_takes(judged(results(*pairs))).rows
    assert [row[2:] for row in rows] == [
        ["about 9, not 3", "no number, with these starts"],
        ["no number, with these songs", "about 250, not 100"],
        ["about 90, not 3,", "and about 3,000, not 100"],
    ]
    decided = pairs[3:]
    assert what_it_takes(judged(results(*decided))) is None


@pytest.mark.parametrize(
    ("middle", "half", "words"),
    [
        (0.1, 0.05, "better, 0.50 to 0.50; pool"),
        (-0.1, 0.05, "worse, 0.50 to 0.50; pooling saves"),
        (0.0, 0.01, "no better (0.02 would count), 0.50 to 0.50; pooling saves"),
        (0.01, 0.05, "open, 0.50 to 0.50."),
    ],
)
def test_the_answer_says_what_came_out_of_the_key_comparisons(middle, half, words):
    made = results((on_data(), finding(middle, half)))
    _, _, bullets = answer(judged(made), made)
    (line,) = bullets.items
    assert line.startswith(f"Max pooling after each convolution: {words}")


def test_lists_in_words():
    assert joined(["a", "b", "c"]) == "a, b and c"

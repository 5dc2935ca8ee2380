"""The page's first sentences: what held, what did not, and what that means for a user.

They are put together from the verdicts, and no number in them is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Curve
from sklearn_msd.report.judging.intervals import Verdict
from sklearn_msd.report.judging.results import Results
from sklearn_msd.report.page.claims import Judged, counted
from sklearn_msd.report.page.document import Block, Bullets, Paragraph
from sklearn_msd.report.words import joined, plural


class Key(NamedTuple):
    """A comparison that the answer names.

    Parameters
    ----------
    left, right : str
        Names of the models.
    topic : str
        What is compared, as the beginning of a sentence.
    holds, fails : str
        What follows for a user. `fails` is for "not better by what counts".
    """

    left: str
    right: str
    topic: str
    holds: str
    fails: str


KEYS = (
    Key(
        "height 3",
        "baseline",
        "Kernels over three neighbouring segments instead of one",
        "let kernels see neighbours (`TimeConvClassifier`)",
        "single segments are enough (`SegmentConvClassifier`)",
    ),
    Key(
        "max 2",
        "height 3",
        "Max pooling after each convolution",
        "pool (`TimeConvClassifier()` as it comes)",
        "pooling saves time and parameters and gains no accuracy to speak of",
    ),
    Key(
        "linear",
        "max 2",
        "A linear combination of three trained models instead of the best of them",
        "combine (`LinearCombiner`)",
        "do not combine models on the songs that they were trained on",
    ),
    Key(
        "correcting",
        "max 2",
        "A corrector over a trained model",
        "correct (`CorrectingClassifier`)",
        "a corrector is not worth its training",
    ),
    Key(
        "baseline",
        "baseline, all L2",
        "An output layer free of the L2 penalty",
        "leave the output layer free (`l2_layers` as it comes)",
        "whether the output layer is penalised makes no difference to speak of",
    ),
)


def answer(claims: Sequence[Judged], results: Results) -> Iterator[Block]:
    """What came out, in a few sentences and one line for each key comparison."""
    sets = results.data_sets()
    names = joined([data.name for data in sets])
    by_standing = {
        standing: counted(c for c in claims if c.tested.claim.standing == standing)
        for standing in ("claimed", "expected", "open")
    }
    claimed = by_standing["claimed"]
    text = f"**On {names}, of the report's {plural(claimed.total(), 'claim')}** "
    text += f"{_tally(claimed)}."
    if by_standing["expected"]:
        expected = by_standing["expected"]
        what = plural(expected.total(), "expectation")
        text += f" Of its {what} of further work {_tally(expected)}."
    if by_standing["open"]:
        asked = by_standing["open"]
        what = plural(asked.total(), "question")
        text += f" Of {what} that it leaves open {_tally(asked, _OF_QUESTIONS)}."
    if untested := sum(one.finding is None for one in claims):
        text += f" Of those that are open {untested} [wait for models](#open) that "
        text += "there was no time to train."
    if claimed.total():
        yield Paragraph(text)
    for data in sets:
        lines = [
            line
            for key in KEYS
            for one in claims
            if one.tested.data is data and _compares(one, key)
            if (line := _line(key, one, data, results))
        ]
        if lines:
            yield Paragraph(f"What that means for songs such as these, {data.name}:")
            yield Bullets(lines)
    best = [line for data in sets if (line := _best(data, results))]
    if best:
        yield Paragraph(" ".join(best))


# What is said of one or none, and of several.
_OF_CLAIMS = ("holds", "hold"), ("does not", "do not")
_OF_QUESTIONS = ("is answered yes", "are answered yes"), ("no", "no")


def _tally(
    counts: dict[Verdict, int],
    said: tuple[tuple[str, str], tuple[str, str]] = _OF_CLAIMS,
) -> str:
    verdicts: tuple[Verdict, ...] = ("holds", "does not hold", "undecided")
    parts = [
        f"{counts[verdict] or 'none'} {several if counts[verdict] > 1 else one}"
        for verdict, (one, several) in zip(
            verdicts, (*said, ("is open", "are open")), strict=True
        )
    ]
    return joined(parts)


def _compares(one: Judged, key: Key) -> bool:
    left, right = one.tested.claim.left, one.tested.claim.right
    plain = one.tested.claim.measure == "accuracy" and left.output == "model"
    names = (left.model, right.model if right else "")
    return plain and names == (key.left, key.right)


def _line(key: Key, one: Judged, data: ReportData, results: Results) -> str | None:
    """One comparison: how it came out, and what to do."""
    if one.finding is None:
        return None
    n = one.finding.n_starts
    left, right = (
        results.right(Curve(name), data)[:n].mean() for name in (key.left, key.right)
    )
    change = f"{right:.2f} to {left:.2f}"
    relation = one.tested.claim.relation
    found = one.finding.comparison
    if one.verdict == "undecided":
        return f"{key.topic}: open, {change}."
    if found.low > 0:
        return f"{key.topic}: better, {change}; {key.holds}."
    if found.high < 0:
        return f"{key.topic}: worse, {change}; {key.fails}."
    kind = "no better" if relation == "beats" else "no difference"
    counts = f"{one.finding.margin:g} would count"
    return f"{key.topic}: {kind} ({counts}), {change}; {key.fails}."


def _best(data: ReportData, results: Results) -> str | None:
    curves = [curve for _, curve in results.curves(data) if curve.output == "model"]
    if not curves:
        return None
    best = max(curves, key=lambda curve: results.right(curve, data).mean())
    score = results.score(best, data).best
    return (
        f"The most accurate of {plural(len(curves), 'model')} that were trained on "
        f"{data.name} is {results.label(best)}, with {score.margin:.2f}; chance is "
        f"{1 / data.n_classes:.2f}."
    )

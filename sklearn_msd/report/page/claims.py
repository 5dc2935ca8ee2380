"""What became of the claims: counted, drawn, and what open ones would take."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sklearn_msd.report.declaration import Relation
from sklearn_msd.report.judging.intervals import Verdict
from sklearn_msd.report.judging.looks import Finding
from sklearn_msd.report.judging.results import ClaimOnData, Results
from sklearn_msd.report.page.document import Interval, Intervals, Table
from sklearn_msd.report.runner import duration
from sklearn_msd.report.words import plural

VERDICTS: tuple[Verdict, ...] = ("holds", "does not hold", "undecided")


class Judged(NamedTuple):
    """A claim with what was found, if anything was."""

    tested: ClaimOnData
    finding: Finding | None

    @property
    def verdict(self) -> Verdict:
        """The last verdict; undecided where a side is not trained."""
        return "undecided" if self.finding is None else self.finding.verdict


def judged(results: Results) -> list[Judged]:
    """All claims, each comparison once, in the order of the figures."""
    once = {tested.case: tested for tested in reversed(results.claims)}
    ordered = sorted(once.values(), key=results.claims.index)
    return [Judged(one, results.judge.findings.get(one.case)) for one in ordered]


def counted(claims: Iterable[Judged]) -> Counter[Verdict]:
    """How many claims have each verdict."""
    return Counter(one.verdict for one in claims)


def forest(claims: Sequence[Judged], *, by_certainty: bool, link: bool) -> Intervals:
    """Each claim's interval.

    Parameters
    ----------
    claims : sequence of Judged
        Those of which nothing is found are left out.
    by_certainty : bool
        Verdict by verdict, the surest first, and not in the order given.
    link : bool
        Begin with a link to the figure.
    """
    known = [one for one in claims if one.finding is not None]
    if by_certainty:
        known.sort(key=lambda one: (VERDICTS.index(one.verdict), -_certainty(one)))
    rows = []
    for tested, finding in known:
        assert finding is not None
        found = finding.comparison
        where = f"[{_short(tested)}](#{tested.figure.anchor})"
        starts = f"{finding.n_starts} start{'s' if finding.n_starts > 1 else ''}"
        rows.append(
            Interval(
                [
                    *([where] if link else []),
                    tested.claim.text,
                    f"**{finding.verdict}**, {starts}",
                ],
                found.margin,
                found.low,
                found.high,
                zone=_zone(tested.claim.relation, finding.margin),
            )
        )
    header = [*(["Where"] if link else []), "Claim", "Verdict"]
    return Intervals(
        [*header, "Left less right [interval]"], rows, 0.0, "no difference", True
    )


def not_tested(claims: Sequence[Judged], results: Results) -> str | None:
    """On claims of which a model was not trained: which, and what that would take."""
    missed = [tested for tested, finding in claims if finding is None]
    if not missed:
        return None
    n_starts = results.judge.looks[0]
    keys = {
        one.key
        for tested in missed
        for side in (tested.claim.left, tested.claim.right)
        if side is not None
        for start in range(n_starts)
        for one in results.plan.runs(side.model, tested.data, start)
    } - results.records.keys()
    known = [record.info["fit_seconds"] for record in results.records.values()]
    figures = dict.fromkeys(
        f"[{_short(tested)}](#{tested.figure.anchor})" for tested in missed
    )
    verb = "is" if len(missed) == 1 else "are"
    text = (
        f"{plural(len(missed), 'claim')} {verb} not tested yet, for want of time: a "
        f"model is not trained ({', '.join(figures)})."
    )
    if keys and known:
        takes = duration(len(keys) * sum(known) / len(known))
        text += (
            f" To train what is missing, {n_starts} times each, takes about {takes} of "
            "training time if it takes as long, model for model, as what was trained. "
            "The same command with more `--minutes` goes on where this one stopped."
        )
    return text


def what_it_takes(claims: Sequence[Judged]) -> Table | None:
    """What would decide each open claim, if the difference found is as it seems."""
    rows = []
    for tested, finding in claims:
        if finding is None or finding.verdict != "undecided":
            continue
        link = f"[{_short(tested)}](#{tested.figure.anchor})"
        rows.append([link, tested.claim.text, *_needs(tested, finding)])
    if not rows:
        return None
    return Table(["Where", "Open claim", "Random starts", "Songs"], rows)


def _needs(tested: ClaimOnData, finding: Finding) -> list[str]:
    group = tested.data.group
    n_songs = len(tested.data.y_compared if group is None else set(group))
    of = "" if group is None else " groups"
    starts, songs = "no number, with these songs", "no number, with these starts"
    if finding.starts_needed is None and finding.songs_needed is None:
        # The difference is close to where the verdict changes.
        factor = finding.both_needed
        if factor is not None:
            more = math.ceil(factor * finding.n_starts)
            starts = f"about {more:,}, not {finding.n_starts},"
            wanted = math.ceil(factor * n_songs)
            songs = f"and about {wanted:,}{of}, not {n_songs:,}"
    if finding.starts_needed is not None:
        starts = f"about {finding.starts_needed:,}, not {finding.n_starts}"
    if finding.songs_needed is not None:
        wanted = math.ceil(finding.songs_needed * n_songs)
        songs = f"about {wanted:,}{of}, not {n_songs:,}"
    if tested.claim.measure != "accuracy":
        songs = "–"
    return [starts, songs]


def _short(tested: ClaimOnData) -> str:
    figure = tested.figure
    return figure.label if figure.id.isdigit() else figure.title


def _zone(relation: Relation, margin: float) -> tuple[float, float]:
    """Where differences count as none."""
    return (-margin, margin) if relation == "equals" else (0.0, margin)


def _certainty(one: Judged) -> float:
    """How far the interval lies from where the verdict would be another."""
    assert one.finding is not None
    found, margin = one.finding.comparison, one.finding.margin
    half = max((found.high - found.low) / 2, 1e-9)
    edges = {
        "beats": (0.0,) if one.verdict == "holds" else (margin,),
        "does not beat": (margin,),
        "equals": (-margin, margin),
    }[one.tested.claim.relation]
    return min(abs(found.margin - edge) for edge in edges) / half

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


def what_it_takes(claims: Sequence[Judged], results: Results) -> Table | None:
    """What would decide each claim that is open, if the difference is as it seems."""
    rows = []
    for tested, finding in claims:
        if finding is not None and finding.verdict != "undecided":
            continue
        link = f"[{_short(tested)}](#{tested.figure.anchor})"
        rows.append([link, tested.claim.text, *_needs(tested, finding, results)])
    if not rows:
        return None
    return Table(["Where", "Open claim", "Random starts", "Songs"], rows)


def _needs(tested: ClaimOnData, finding: Finding | None, results: Results) -> list[str]:
    looks = results.judge.looks
    if finding is None:
        return [f"{looks[0]}: a model is not trained, for want of time", "–"]
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

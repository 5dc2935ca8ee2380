"""The page: what was asked, what came out, and whether the report's claims hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Curve, Figure
from sklearn_msd.report.judging.results import Results
from sklearn_msd.report.page.answer import answer
from sklearn_msd.report.page.claims import (
    Judged,
    forest,
    judged,
    not_tested,
    what_it_takes,
)
from sklearn_msd.report.page.document import (
    Block,
    Heading,
    Paragraph,
    write_html,
    write_markdown,
)
from sklearn_msd.report.page.method import made, method
from sklearn_msd.report.page.pictures import (
    confusion,
    diagram,
    kernels,
    learning_curves,
    weight_histograms,
)
from sklearn_msd.report.page.tables import (
    accuracies,
    class_scores,
    conclusion,
    small_weights,
)
from sklearn_msd.report.words import joined

WHAT_IT_WAS = (
    "A report of 2017 classified songs of the Million Song Dataset into 10 and 25 "
    "genres from 120 segments each, every segment described by 12 chroma and 12 timbre "
    "features and its loudness. It compared fully connected nets, nets that look at "
    "single segments, nets that look at consecutive segments, and ways to combine and "
    "correct them. This page trains the same models on other songs, puts their "
    "accuracies beside the report's, and asks of every claim in its text whether it "
    "holds here."
)


def render(
    results: Results, out: Path, command: str, minutes: float | None = None
) -> tuple[Path, Path]:
    """Write ``report.html`` and ``report.md`` with its pictures.

    Parameters
    ----------
    results : Results
    out : Path
        Folder to write to.
    command : str
        What made the report, as the page says.
    minutes : float, default=None
        Allowed for it, as the page says.

    Returns
    -------
    html, markdown : Path

    Raises
    ------
    OSError
        If a file cannot be written whole; it is then as it was before.
    ImportError
        If matplotlib is missing.
    """
    blocks = list(page(results, command, minutes))
    write_html(blocks, out / "report.html")
    write_markdown(blocks, out / "report.md")
    return out / "report.html", out / "report.md"


def page(
    results: Results, command: str, minutes: float | None = None
) -> Iterator[Block]:
    """The page's blocks, from top to bottom."""
    names = joined([data.name for data in results.data_sets()])
    yield Heading(1, f"Music genre from song segments: the report's figures on {names}")
    if any(data.synthetic for data in results.data_sets()):
        yield Paragraph(
            "**Synthetic data.** The songs behind every number and picture on this "
            "page are made up by a program. They show that the models run and in which "
            "order they come on data with known structure; they say nothing of real "
            "music.",
            notice=True,
        )
    claims = judged(results)
    yield Heading(2, "The answer", "answer")
    yield from answer(claims, results)
    yield Paragraph(WHAT_IT_WAS)
    table = conclusion(results)
    if table is not None:
        yield Heading(2, "The models of the report's conclusion", "conclusion")
        yield Paragraph(
            "Accuracies, the report's on its own songs and ours on these, at the best "
            "epoch [95% interval]. [How they are measured](#method)."
        )
        yield table
    yield from _claims(claims, results)
    yield from _all_models(results)
    yield Heading(2, "The figures, one by one", "figures")
    for figure, data in results.figures:
        yield from _figure(figure, data, claims, results)
    yield from _kernels(results)
    yield from _by_class(results)
    yield from method(results)
    yield from made(results, command, minutes)


def _claims(claims: list[Judged], results: Results) -> Iterator[Block]:
    if not claims:
        return
    yield Heading(2, "The claims, the surest first", "claims")
    yield Paragraph(
        "Each interval is of the left model's accuracy less the right one's; the band "
        "is where a difference counts as none. [How a verdict is reached](#method)."
    )
    plot = forest(claims, by_certainty=True, link=True)
    if plot.rows:
        yield plot
    table, missed = what_it_takes(claims), not_tested(claims, results)
    if table is not None or missed is not None:
        yield Heading(3, "What would decide the open claims", "open")
    if missed is not None:
        yield Paragraph(missed)
    if table is not None:
        yield Paragraph(
            "If the differences are as they seem: how many random starts with these "
            "songs, or songs with these starts, or, where neither would do, both."
        )
        yield table


def _all_models(results: Results) -> Iterator[Block]:
    for data in results.data_sets():
        curves = [curve for _, curve in results.curves(data)]
        if curves:
            anchor = f"models-{results.data_sets().index(data) + 1}"
            yield Heading(2, f"All models on {data.name}", anchor)
            yield from accuracies(curves, data, results)


def _figure(
    figure: Figure, data: ReportData, claims: list[Judged], results: Results
) -> Iterator[Block]:
    yield Heading(3, f"{figure.label}: {figure.title}", figure.anchor)
    yield Paragraph(figure.question)
    if figure.kind == "diagram":
        yield diagram(figure, data)
        return
    curves = results.trained(figure, data)
    untrained = [results.label(c) for c in figure.curves if c not in curves]
    if untrained:
        yield Paragraph(f"Not trained, for want of time: {'; '.join(untrained)}.")
    if curves and figure.kind == "weights":
        yield weight_histograms(figure, curves, data, results)
        yield small_weights(figure, data, results)
    elif curves:
        yield learning_curves(figure, curves, data, results)
        yield from accuracies(curves, data, results)
        climbing = [results.label(c) for c in curves if results.climbs(c, data)]
        if climbing:
            yield Paragraph(f"Still climbing at the last epoch: {'; '.join(climbing)}.")
        yield from _masked(curves, data, results)
    if figure.published:
        yield Paragraph(
            f"**The report**, on its {figure.task}-genre task: {figure.published}"
        )
    own = [one for one in claims if one.tested.case in _cases(figure, data, results)]
    plot = forest(own, by_certainty=False, link=False)
    if plot.rows:
        yield plot


def _cases(figure: Figure, data: ReportData, results: Results) -> set[object]:
    return {t.case for t in results.claims if t.figure is figure and t.data is data}


def _masked(curves: list[Curve], data: ReportData, results: Results) -> Iterator[Block]:
    parts = []
    for curve in curves:
        infos = [r.info for records in results.of(curve.model, data) for r in records]
        if all("masked" in info for info in infos):
            share = np.mean([info["masked"] for info in infos])
            parts.append(f"{results.label(curve)}: {share:.1%}")
    if parts:
        yield Paragraph(f"Share of these layers' weights masked: {'; '.join(parts)}.")


def _kernels(results: Results) -> Iterator[Block]:
    """The patterns that the best net of the report looks for."""
    name = "max 2"
    sets = [data for data in results.data_sets() if results.n_starts(name, data)]
    if not sets:
        return
    yield Heading(2, "What the kernels look for", "kernels")
    yield Paragraph(
        "The report calls convolution in time interpretable: a kernel of its first "
        "layer is a pattern of a few segments, which it looks for throughout a song."
    )
    for data in sets:
        yield kernels(name, data, results)


def _by_class(results: Results) -> Iterator[Block]:
    """Where the best model errs, on each data set."""
    sets = [data for data in results.data_sets() if results.curves(data)]
    if not sets:
        return
    yield Heading(2, "Class by class", "classes")
    for data in sets:
        best = max(
            (curve for _, curve in results.curves(data)),
            key=lambda curve: results.accuracies(curve, data).max(axis=1).mean(),
        )
        starts = range(results.n_starts(best.model, data))
        predicted = np.stack([results.predicted(best, data, s) for s in starts])
        chosen = (
            "The validation songs choose the model, and the scores are those of others."
            if data.one_split.n_test
            else "The same songs choose the model and are scored, which is optimistic."
        )
        label = results.label(best)
        yield Paragraph(
            f"On {data.name} the most accurate model, at its best epochs, is "
            f"**{label}**. {chosen} Scores are scikit-learn's, over all starts."
        )
        y = np.tile(data.y_compared, len(predicted))
        yield confusion(y, predicted.ravel(), data, label)
        yield class_scores(data.y_compared, predicted, data)

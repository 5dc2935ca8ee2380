"""The page: what was asked, what came out, and whether the report's claims hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Claim, Curve, Figure
from sklearn_msd.report.document import (
    Block,
    Heading,
    Paragraph,
    Picture,
    Table,
    write_html,
    write_markdown,
)
from sklearn_msd.report.pictures import learning_curves
from sklearn_msd.report.results import Results, n_last
from sklearn_msd.report.runner import duration


def render(results: Results, out: Path, command: str) -> tuple[Path, Path]:
    """Write ``report.html`` and ``report.md`` with its pictures.

    Parameters
    ----------
    results : Results
    out : Path
        Folder to write to.
    command : str
        What made the report, as the page says.

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
    blocks = list(page(results, command))
    write_html(blocks, out / "report.html")
    write_markdown(blocks, out / "report.md")
    return out / "report.html", out / "report.md"


def page(results: Results, command: str) -> Iterator[Block]:
    """The page's blocks, from top to bottom."""
    sets = _data_sets(results)
    names = " and ".join(data.name for data in sets)
    yield Heading(1, f"Music genre from song segments: the report's figures on {names}")
    if any(data.synthetic for data in sets):
        yield Paragraph(
            "**Synthetic data.** The songs behind every number and picture on this "
            "page are made up by a program. They show that the models run and in which "
            "order they come on data with known structure; they say nothing of real "
            "music.",
            notice=True,
        )
    yield Paragraph(
        "A report of 2017 classified songs of the Million Song Dataset into 10 and 25 "
        "genres from 120 segments each, every segment described by 12 chroma and 12 "
        "timbre features and its loudness. It compared fully connected nets, nets that "
        "look at single segments, nets that look at consecutive segments, and ways to "
        "combine and correct them. This page trains the same models on other songs, "
        "puts their accuracies beside the report's, and asks of every claim in its "
        "text whether it holds here."
    )
    yield from _in_short(results)
    yield from _how(results, sets)
    yield Heading(2, "The figures, one by one")
    for figure, data in results.figures:
        yield from _figure(figure, data, results)
    yield from _made(results, command)


def _in_short(results: Results) -> Iterator[Block]:
    yield Heading(2, "In short")
    claims = [
        (figure, data, claim)
        for figure, data in results.figures
        for claim in figure.claims
    ]
    verdicts = Counter(_verdict(claim, data, results) for _, data, claim in claims)
    yield Paragraph(
        f"Of {len(claims)} claims, {verdicts['holds']} hold on this data, "
        f"{verdicts['does not hold']} do not, and {verdicts['undecided']} are "
        "undecided: these songs are too few, or the difference too small, to tell."
    )
    for data in _data_sets(results):
        yield Heading(3, f"Accuracies on {data.name}")
        yield _accuracies(_curves(results, data), data, results)
    if claims:
        yield Heading(3, "Claims")
        yield Table(
            ["Where", "Claim", "Verdict", "Margin [95% interval]"],
            [
                [figure.label, claim.text, *_judged(claim, data, results)[:2]]
                for figure, data, claim in claims
            ],
        )


def _how(results: Results, sets: Sequence[ReportData]) -> Iterator[Block]:
    settings = results.plan.settings
    yield Heading(2, "Data and method")
    for data in sets:
        n_train, n_valid = len(data.y_train), len(data.y_valid)
        n_segments = data.X_train.shape[1] // data.n_segment_features
        yield Paragraph(
            f"**{data.name}**: {n_train} songs to train on and {n_valid} to validate "
            f"on, {data.n_classes} classes (chance is {1 / data.n_classes:.3f}), "
            f"{n_segments} segments of {data.n_segment_features} features. "
            f"{data.description} Each input is standardised with its mean and "
            "deviation over the training songs."
        )
    seeds = ", ".join(map(str, settings.seeds))
    yield Paragraph(
        f"Every model is trained for {settings.max_epochs} epochs (the report: 100) "
        "with the report's settings: Adam with a learning rate of 0.001, 50 songs a "
        "step, a penalty of 0.01 · ½Σw² on the weights of the convolutional and the "
        "hidden layers, none on the output layer, no early stopping. "
        f"Seeds: {seeds}. A seed decides a model's start and the order of its songs."
    )
    yield Paragraph(
        "**Accuracies.** The report gives each model's best validation epoch. That is "
        "optimistic, for the songs that choose the epoch are those it is measured on, "
        f"so the mean of the last {n_last(settings.max_epochs)} epochs stands beside "
        "it. Both are means over the seeds."
    )
    one_seed = (
        " With one seed, the intervals do not cover what another random start would "
        "change; more seeds (`--seeds 0 1 2`) do."
        if len(settings.seeds) == 1
        else ""
    )
    yield Paragraph(
        "**Verdicts.** A claim compares two models song by song and seed by seed, each "
        "at its best epochs. A claim that one beats the other holds if the 95% "
        "interval of the difference lies above 0, does not hold if it lies below, and "
        "is undecided if it holds 0. For claims of no difference or no gain, less than "
        "0.01 counts as none, the report's last decimal, and the interval must lie "
        "within or beyond that. About one verdict in twenty would be wrong by chance "
        f"alone if models did not differ.{one_seed}"
    )


def _figure(figure: Figure, data: ReportData, results: Results) -> Iterator[Block]:
    yield Heading(3, f"{figure.label}: {figure.title}")
    yield Paragraph(figure.question)
    caption = (
        f"{figure.label} (section {figure.section} of the report) on {data.name}. "
        "Left: validation error; right: validation accuracy, by epoch."
    )
    if len(results.plan.settings.seeds) > 1:
        caption += " Lines are means over the seeds, bands their range."
    picture = learning_curves(figure, data, results)
    yield Picture(f"figure-{figure.id}", picture, caption)
    curves = [(figure, curve) for curve in figure.curves]
    yield _accuracies(curves, data, results)
    if figure.published:
        yield Paragraph(f"**The report:** {figure.published}")
    if figure.claims:
        yield Table(
            ["Claim", "Verdict", "Margin [95% interval]", "Margin at last epochs"],
            [[claim.text, *_judged(claim, data, results)] for claim in figure.claims],
        )


def _accuracies(
    curves: Sequence[tuple[Figure, Curve]],
    data: ReportData,
    results: Results,
) -> Table:
    rows = []
    for figure, curve in curves:
        score = results.score(curve, data)
        published = results.published(curve, figure, data)
        infos = [record.info for record in results.of(curve.model, data)]
        n_parameters = infos[0]["n_parameters"]
        seconds = sum(info["fit_seconds"] for info in infos) / len(infos)
        rows.append(
            [
                results.label(curve),
                "–" if published is None else f"{published:g}",
                f"{score.best.margin:.3f} [{score.best.low:.3f}, "
                f"{score.best.high:.3f}]",
                f"{score.last:.3f}",
                "–" if n_parameters is None else f"{n_parameters:,}",
                duration(seconds) if seconds >= 10 else f"{seconds:.1f} s",
            ]
        )
    return Table(
        [
            "Model",
            "Report",
            "Best epoch [95% interval]",
            "Last epochs",
            "Parameters",
            "Training",
        ],
        rows,
    )


def _judged(claim: Claim, data: ReportData, results: Results) -> list[str]:
    comparison, at_last = results.comparison(claim, data)
    return [
        f"**{comparison.verdict(claim.relation, claim.margin)}**",
        f"{comparison.margin:+.3f} [{comparison.low:+.3f}, {comparison.high:+.3f}]",
        f"{at_last:+.3f}",
    ]


def _verdict(claim: Claim, data: ReportData, results: Results) -> str:
    comparison, _ = results.comparison(claim, data)
    return comparison.verdict(claim.relation, claim.margin)


def _data_sets(results: Results) -> list[ReportData]:
    return list({data.key: data for _, data in results.figures}.values())


def _curves(results: Results, data: ReportData) -> list[tuple[Figure, Curve]]:
    """Each output of each model once, under the model's own name."""
    found: dict[tuple[str, str], tuple[Figure, Curve]] = {}
    for figure, used in results.figures:
        if used.key == data.key:
            for curve in figure.curves:
                whole = curve.output == "model"
                plain = Curve(curve.model) if whole else curve
                found.setdefault((curve.model, curve.output), (figure, plain))
    return list(found.values())


def _made(results: Results, command: str) -> Iterator[Block]:
    infos = [record.info for record in results.records.values()]
    seconds = sum(info["fit_seconds"] for info in infos)
    versions = ", ".join(f"{k} {v}" for k, v in infos[0]["versions"].items())
    yield Heading(2, "How this page was made")
    yield Paragraph(f"Command: `{command}`")
    yield Paragraph(
        f"{len(infos)} models were trained in {duration(seconds)} of training time, "
        f"all processes together. Versions: {versions}."
    )

"""The page: what was asked, what came out, and whether the report's claims hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sklearn_msd.report.data import ReportData
from sklearn_msd.report.declaration import Figure
from sklearn_msd.report.judging.results import Results, n_last
from sklearn_msd.report.page.document import (
    Block,
    Heading,
    Paragraph,
    Picture,
    Table,
    write_html,
    write_markdown,
)
from sklearn_msd.report.page.pictures import (
    comparison,
    confusion,
    diagram,
    kernels,
    learning_curves,
    weight_histograms,
)
from sklearn_msd.report.page.tables import (
    accuracies,
    class_scores,
    judged,
    small_weights,
)
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
    sets = results.data_sets()
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
    yield from _kernels(results)
    yield from _by_class(results)
    yield from _made(results, command)


def _in_short(results: Results) -> Iterator[Block]:
    yield Heading(2, "In short")
    claims = [
        (figure, data, claim)
        for figure, data in results.figures
        for claim in figure.claims
    ]
    verdicts = Counter(
        results.comparison(claim, data)[0].verdict(claim.relation, claim.margin)
        for _, data, claim in claims
    )
    yield Paragraph(
        f"Claims: {len(claims)}. Hold on this data: {verdicts['holds']}. Do not hold: "
        f"{verdicts['does not hold']}. Undecided, for these songs are too few or the "
        f"difference too small to tell: {verdicts['undecided']}."
    )
    yield Paragraph(_chance_of_starts(results))
    for data in results.data_sets():
        curves = results.curves(data)
        if curves:
            yield Heading(3, f"Accuracies on {data.name}")
            yield Picture(
                f"accuracies-{data.n_classes}",
                comparison(
                    [results.label(curve) for _, curve in curves],
                    [results.score(curve, data).best for _, curve in curves],
                    [results.published(curve, fig, data) for fig, curve in curves],
                    data,
                ),
                "Each model's accuracy at its best epoch with its 95% interval, and "
                "the report's number where it gives one.",
            )
            yield accuracies(curves, data, results)
    if claims:
        yield Heading(3, "Claims")
        yield Table(
            ["Where", "Claim", "Verdict", "Margin [95% interval]"],
            [
                [
                    figure.label if figure.id.isdigit() else figure.title,
                    claim.text,
                    *judged(claim, data, results)[:2],
                ]
                for figure, data, claim in claims
            ],
        )


def _chance_of_starts(results: Results) -> str:
    """What the verdicts know of random starts."""
    known = results.accuracy_variation
    if known is None:
        return (
            "**Every model was trained once.** So the verdicts are about these "
            "trainings alone: the intervals cover the choice of validation songs, but "
            "not what another random start would change, which is often more than the "
            "margins here. Two or more seeds (`--seeds 0 1`) cover both."
        )
    return (
        f"Every model was trained {len(results.plan.settings.seeds)} times, from "
        "different random starts, and the intervals cover both the starts and the "
        "choice of validation songs. From one start to another a model's accuracy "
        f"typically varies by {known.variance**0.5:.3f} (standard deviation)."
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
        "it. Both are means over the seeds. The parameters of combined and correcting "
        "models include those of the models they build on; their training time does "
        "not, for these are trained before."
    )
    yield Paragraph(
        "**Verdicts.** A claim compares two models song by song and seed by seed, each "
        "at its best epochs. A claim that one beats the other holds if the 95% "
        "interval of the difference lies above 0, does not hold if it lies below, and "
        "is undecided if it holds 0. For claims of no difference or no gain, less than "
        "0.01 counts as none, the report's last decimal, and the interval must lie "
        "within or beyond that. How much random starts change is learned from all "
        "comparisons together, for a few seeds tell little of one. Only Figure 4's "
        "claim compares weights and not songs. About one verdict in twenty would be "
        "wrong by chance alone if models did not differ."
    )


def _figure(figure: Figure, data: ReportData, results: Results) -> Iterator[Block]:
    yield Heading(3, f"{figure.label}: {figure.title}")
    yield Paragraph(figure.question)
    name, where = f"figure-{figure.id}", f"section {figure.section} of the report"
    if figure.kind == "diagram":
        caption = f"{figure.label} ({where}): how the two models are combined."
        yield Picture(name, diagram(figure, data), caption)
        return
    if figure.kind == "weights":
        drawn = weight_histograms(figure, data, results)
        caption = (
            f"{figure.label} ({where}) on {data.name}: histograms of the weights after "
            "the last epoch, all seeds together, on a logarithmic scale."
        )
        yield Picture(name, drawn, caption)
        yield small_weights(figure, data, results)
    else:
        caption = (
            f"{figure.label} ({where}) on {data.name}. Left: validation error; right: "
            "validation accuracy, by epoch."
        )
        lengths = {results.losses(c, data).shape[1] for c in figure.curves}
        if len(lengths) > 1:
            caption += " A level line is a model that is not trained in epochs."
        if len(results.plan.settings.seeds) > 1:
            caption += " Lines are means over the seeds, bands their range."
        yield Picture(name, learning_curves(figure, data, results), caption)
        curves = [(figure, curve) for curve in figure.curves]
        yield accuracies(curves, data, results)
        yield from _masked(figure, data, results)
    if figure.published:
        yield Paragraph(f"**The report:** {figure.published}")
    if figure.claims:
        yield Table(
            ["Claim", "Verdict", "Margin [95% interval]", "Margin, last epochs"],
            [[claim.text, *judged(claim, data, results)] for claim in figure.claims],
        )


def _masked(figure: Figure, data: ReportData, results: Results) -> Iterator[Block]:
    parts = []
    for curve in figure.curves:
        infos = [record.info for record in results.of(curve.model, data)]
        if all("masked" in info for info in infos):
            share = np.mean([info["masked"] for info in infos])
            parts.append(f"{results.label(curve)}: {share:.1%}")
    if parts:
        yield Paragraph(f"Share of these layers' weights masked: {'; '.join(parts)}.")


def _kernels(results: Results) -> Iterator[Block]:
    """What the best net of the report listens for."""
    name = "max 2"
    sets = [
        data
        for data in results.data_sets()
        if any(
            name in figure.models() and used is data for figure, used in results.figures
        )
    ]
    if not sets:
        return
    yield Heading(2, "What the kernels listen for")
    yield Paragraph(
        "The report calls convolution in time interpretable: a kernel of its first "
        "layer is a pattern of a few segments, which it looks for throughout a song."
    )
    for data in sets:
        yield Picture(
            f"kernels-{data.n_classes}",
            kernels(name, data, results),
            f"The ten strongest kernels of {results.models[name].label} on "
            f"{data.name}, seed {results.plan.settings.seeds[0]}: each a block of "
            "consecutive segments over the features. Light raises the kernel's "
            "activation, dark lowers it.",
        )


def _by_class(results: Results) -> Iterator[Block]:
    """Where the best model errs, on each data set."""
    yield Heading(2, "Class by class")
    for data in results.data_sets():
        curves = [curve for _, curve in results.curves(data)]
        if not curves:
            continue
        best = max(curves, key=lambda curve: results.score(curve, data).best.margin)
        predicted = results.predicted_at_best(best, data)
        y = np.tile(data.y_valid, len(predicted))
        yield Paragraph(
            f"On {data.name} the most accurate model, at its best epochs, is "
            f"**{results.label(best)}**. Scores are scikit-learn's, over all seeds."
        )
        yield Picture(
            f"confusion-{data.n_classes}",
            confusion(y, predicted.ravel(), data),
            f"Confusion matrix of {results.label(best)} on {data.name}: rows are true "
            "classes, darker is more.",
        )
        yield class_scores(y, predicted, data)


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

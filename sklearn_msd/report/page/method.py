"""How the numbers of the page came about, in words."""

from __future__ import annotations

from collections.abc import Iterator

from sklearn_msd.report.data import ReportData
from sklearn_msd.report.judging.looks import ERROR
from sklearn_msd.report.judging.results import Results, n_last
from sklearn_msd.report.page.document import Block, Heading, Paragraph
from sklearn_msd.report.runner import duration
from sklearn_msd.report.words import joined, plural, times


def method(results: Results) -> Iterator[Block]:
    """Data, training, accuracies and verdicts."""
    yield Heading(2, "Data and method", "method")
    for data in results.data_sets():
        yield Paragraph(_data(data))
    yield Paragraph(_training(results))
    yield Paragraph(_accuracies(results))
    yield Paragraph(_verdicts(results))
    yield Paragraph(_margins(results))
    yield Paragraph(_looks(results))


def _data(data: ReportData) -> str:
    split = data.one_split
    n_segments = split.X_train.shape[1] // data.n_segment_features
    if data.folded:
        songs = (
            f"{plural(len(data.y_compared), 'song')}, each held out once from "
            f"{plural(len(data.splits(0)), 'training')}"
        )
    else:
        songs = (
            f"{plural(len(split.y_train), 'song')} to train on and "
            f"{split.n_valid:,} to validate on after each epoch"
        )
        if split.n_test:
            songs += f"; models are compared on {plural(split.n_test, 'other')}"
    return (
        f"**{data.name}**: {songs}; {data.n_classes} classes (chance is "
        f"{1 / data.n_classes:.3f}), {plural(n_segments, 'segment')} of "
        f"{plural(data.n_segment_features, 'feature')}. {data.description} Each input "
        "is standardised with its mean and deviation over the training songs."
    )


def _training(results: Results) -> str:
    epochs = joined(
        [
            f"{plural(data.max_epochs, 'epoch')} on {data.name}"
            for data in results.data_sets()
        ]
    )
    return (
        f"Every model is trained for {epochs} (the report: 100), else with the "
        "report's settings: Adam with a learning rate of 0.001, 50 songs a step, a "
        "penalty of 0.01 · ½Σw² on the weights of the convolutional and the hidden "
        "layers, none on the output layer, no early stopping. A random start is a "
        "seed: it decides the first weights and the order of the songs. Each figure "
        "names the models whose accuracy still climbs at the last epoch: of these it "
        "compares how fast they learn, and not how far they come."
    )


def _accuracies(results: Results) -> str:
    last = list(dict.fromkeys(n_last(d.max_epochs) for d in results.data_sets()))
    epochs = "epoch" if last == [1] else f"{' or '.join(map(str, last))} epochs"
    folded = any(not data.one_split.n_test for data in results.data_sets())
    how = "the validation songs choose the epoch, and the accuracy is that on others"
    if folded:
        how = (
            "the epoch of a song is chosen by others, those of other folds or of the "
            "other half"
        )
    return (
        "**Accuracies.** The report gives each model's best validation epoch, measured "
        f"on the songs that choose it, which is optimistic. Here, too, it is the best "
        f"epoch, but {how}. The mean of the last {epochs} stands beside it. All are "
        "means over the random starts. The parameters of combined and correcting "
        "models include those of the models they build on; their "
        "training time does not. It does include the predictions that are measured."
    )


def _verdicts(results: Results) -> str:
    grouped = [data.name for data in results.data_sets() if data.group is not None]
    text = (
        "**Verdicts.** A claim compares two models song by song, at their best epochs. "
        "That one beats the other holds if the interval of the "
        "difference lies above 0, and does not if it lies below the margin: it may "
        "then be better, but by less than counts. That one does no better holds if the "
        "interval lies below the margin, and does not if it lies above. That two do "
        "equally well holds if it lies between both margins, and does not if it lies "
        "beyond. Intervals cover other songs and other starts of both. How much starts "
        "change is learned from all models together, for a few starts tell little of "
        "one: the odds of a right answer change about alike in all."
    )
    if grouped:
        text += (
            f" On {joined(grouped)} songs come in groups, and the intervals cover "
            "other groups."
        )
    return text


def _margins(results: Results) -> str:
    judge = results.judge
    known = [
        f"{judge.margins[data.key]:g} on {data.name} (an accuracy's typical standard "
        f"deviation between starts is "
        f"{judge.accuracy_spread[data.key].typical ** 0.5:.3f})"
        for data in results.data_sets()
        if data.key in judge.margins and data.key in judge.accuracy_spread
    ]
    if not known:
        return (
            "**Margins.** Every model was trained once, so nothing is known of other "
            "starts: the verdicts are about these trainings alone, and less than 0.01 "
            "counts as no difference, the report's last decimal. Two or more seeds "
            "(`--seeds 0 1`) tell more."
        )
    return (
        "**Margins.** As no difference counts what starting again changes: two starts "
        "of one model differ by less than the margin in 19 cases of 20, so that who "
        "trains a model once cannot tell less from chance. Measured here, and rounded "
        f"up to a multiple of 0.005, that is {joined(known)}."
    )


def _looks(results: Results) -> str:
    judge = results.judge
    looks = judge.looks
    if len(looks) == 1:
        return (
            "**Looks.** A claim is looked at once, with "
            f"{plural(looks[0], 'start')} of each model, and with a "
            f"{judge.confidence:.0%} interval."
        )
    return (
        "**Looks.** A claim is looked at with "
        f"{joined([str(n) for n in looks])} starts, until it is decided. Looking "
        f"{times(len(looks))} must not err more often than once: so each look has a "
        f"{judge.confidence:.1%} interval, the wider since the change between starts "
        "is itself an estimate; in made-up reports whose truth is known, all looks "
        f"together err on less than {ERROR:.0%} of the claims. A claim is trained for "
        "no more once it is decided, or if no number of starts that is planned would "
        "decide it. What is trained next depends on results, and when it ends on the "
        "training times on record: so a report that was stopped comes to the same page."
    )


def made(results: Results, command: str, minutes: float | None) -> Iterator[Block]:
    """What the page was made with."""
    yield Heading(2, "How this page was made", "made")
    if command:
        yield Paragraph(f"Command: `{command}`")
    infos = [record.info for record in results.records.values()]
    if not infos:
        yield Paragraph("No model was trained.")
        return
    seconds = sum(info["fit_seconds"] for info in infos)
    versions = ", ".join(f"{k} {v}" for k, v in infos[0]["versions"].items())
    allowed = (
        "" if minutes is None else f" Time allowed: {plural_minutes(minutes)} in all."
    )
    yield Paragraph(
        f"{plural(len(infos), 'model')} trained in {duration(seconds)} of training "
        f"time, all processes together.{allowed} Versions: {versions}."
    )


def plural_minutes(minutes: float) -> str:
    """Minutes in words."""
    return "1 minute" if minutes == 1 else f"{minutes:g} minutes"

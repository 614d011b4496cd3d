"""All figures of one model on one data set, with their intervals.

A figure's draws are its values on the resamples of the bootstrap. They are kept beside it, so that
the difference of two models is paired: see `stance.evaluation.compare`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stance.evaluation import metrics
from stance.evaluation.datasets import EvaluationData
from stance.evaluation.predictions import Predictions
from stance.evaluation.resampling import Floats, Integers, Resamples, interval
from stance.evaluation.results import Classification, Figure, Reliability, ThresholdCurve
from stance.evaluation.tasks import (
    HATEFUL,
    SIDES,
    Task,
    hate_task,
    main_task,
    tasks_of,
    with_unrelated,
)
from stance.modeling.spans import character_f1


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure with its value on each draw; None without a bootstrap."""

    figure: Figure
    draws: Floats | None = None


@dataclass(slots=True)
class Findings:
    """What was measured so far."""

    figures: list[Measured]
    classifications: list[Classification]
    reliabilities: list[Reliability]
    curves: list[ThresholdCurve]


def measure_all(
    data: EvaluationData, predictions: Predictions, draws: Resamples | None
) -> Findings:
    """Return the figures of a data set, without those by slices, bias and comparison."""
    found = Findings([], [], [], [])
    tasks = tasks_of(data, predictions)
    for task in tasks:
        if task.key == "stance":
            _measure_stance(found, data, predictions, task, draws)
        else:
            _measure_label(found, task, draws)
    if data.functions is not None:
        _measure_hate(found, data, predictions, draws)
    _measure_spans(found, data, predictions, draws)
    headlines = data.headlines or _usual_headlines(tasks)
    found.figures = [
        Measured(
            replace(
                measured.figure,
                headline=measured.figure.key in headlines,
                published=tuple(data.published.get(measured.figure.key, ())),
            ),
            measured.draws,
        )
        for measured in found.figures
    ]
    return found


def _usual_headlines(tasks: Sequence[Task]) -> tuple[str, ...]:
    keys = ["toxic_spans.character_f1"]
    if any(task.key == "stance" for task in tasks):
        keys += ["macro_f1", "on_target_macro_f1", "expected_calibration_error"]
    main = main_task(tasks)
    if main is not None:
        figures = ("roc_auc", "average_precision", "f1", "brier_skill")
        keys += [f"{main.key}.{name}" for name in figures]
    return tuple(keys)


def roc_auc_of(task: Task, measured: Sequence[Measured]) -> Figure:
    """Return the ROC-AUC of a toxicity label among figures."""
    return next(each.figure for each in measured if each.figure.key == f"{task.key}.roc_auc")


def figure(
    key: str, title: str, value: float | None, n: int, draws: Floats | None = None, **more: Any
) -> Measured:
    """Return a figure with the interval of its draws."""
    found = None if value is None else interval(draws)
    if value is not None and draws is not None and found is None and not more.get("note"):
        more["note"] = "no interval: too many resamples lack a class"
    return Measured(Figure(key, title, value, n, interval=found, **more), draws)


# Stance


def _measure_stance(
    found: Findings,
    data: EvaluationData,
    predictions: Predictions,
    task: Task,
    draws: Resamples | None,
) -> None:
    found.figures.append(class_f1("macro_f1", "Macro-F1 of favor, against, neutral", task, draws))
    for seen, key, title in (
        (False, "macro_f1_zero_shot", "Macro-F1 on targets that training does not have"),
        (True, "macro_f1_few_shot", "Macro-F1 on targets that training has"),
    ):
        keep = np.array([data.examples[row].seen_target is seen for row in task.rows], dtype=bool)
        if keep.any():
            found.figures.append(class_f1(key, title, task.part(keep), draws))
    sides = task.part(np.isin(task.gold, SIDES))
    title = "Macro-F1 of favor and against on comments that take a side"
    found.figures += [
        class_f1("on_target_macro_f1", title, sides, draws, SIDES),
        class_f1("f_avg", "Mean F1 of favor and against on all rows", task, draws, SIDES),
        accuracy("accuracy", "Share of comments with the right stance", task, draws),
    ]
    found.classifications.append(classification("stance", "Stance", task))
    if any(data.examples[row].relevance == 0 for row in task.rows):
        four = with_unrelated(data, predictions, task)
        title = "Macro-F1 of favor, against, neutral, unrelated"
        found.figures.append(class_f1("four_way_macro_f1", title, four, draws))
        found.classifications.append(
            classification("stance_and_relevance", "Stance, or unrelated", four)
        )
    _calibrate(found, "", "Is the predicted stance right?", task, draws)


def class_f1(
    key: str,
    title: str,
    task: Task,
    draws: Resamples | None,
    labels: Sequence[int] | None = None,
    **more: Any,
) -> Measured:
    """Return the mean F1 over the classes that some row has by its gold label."""
    wanted = range(len(task.labels)) if labels is None else labels
    present = [place for place in wanted if (task.gold == place).any()]
    absent = [task.labels[place] for place in wanted if place not in present]
    if not present:
        return figure(key, title, None, len(task.rows), note=f"no row is {_or(absent)}", **more)
    values = None
    if draws is not None:
        counts = metrics.confusion_draws(
            draws, task.gold, task.predicted, len(task.labels), task.rows
        )
        values = metrics.macro_f1_of_counts(counts, present)
    value = metrics.macro_f1(task.gold, task.predicted, present)
    note = f"no row is {_or(absent)}: the mean of the other classes" if absent else ""
    return figure(key, title, value, len(task.rows), values, note=note, **more)


def _or(labels: Sequence[str]) -> str:
    return " or ".join(labels)


def accuracy(key: str, title: str, task: Task, draws: Resamples | None) -> Measured:
    """Return the share of rows that are right."""
    values = None
    if draws is not None:
        right = task.right.astype(float)
        sums = draws.sums(np.column_stack([right, np.ones(len(right))]), task.rows)
        values = metrics.ratio(sums[:, 0], sums[:, 1])
    return figure(key, title, metrics.accuracy(task.gold, task.predicted), len(task.rows), values)


def classification(key: str, title: str, task: Task) -> Classification:
    """Return a table by class and the confusion matrix."""
    counts = metrics.confusion(task.gold, task.predicted, len(task.labels))
    return Classification(
        key,
        title,
        len(task.rows),
        task.labels,
        tuple(tuple(int(count) for count in row) for row in counts),
        metrics.class_rows(task.gold, task.predicted, task.labels),
        task.threshold,
    )


# Toxicity


def _measure_label(found: Findings, task: Task, draws: Resamples | None) -> None:
    label, name = task.key, task.key.replace("_", " ").capitalize()
    found.figures += ranking(task, name, draws)
    found.figures += at_threshold(task, label, f"{name}, at its threshold", draws)
    found.classifications.append(
        classification(label, f"{name} at a threshold of {task.threshold:.2f}", task)
    )
    if task.gold.any():
        found.curves.append(threshold_curve(task))
    _calibrate(found, f"{label}.", f"Is the comment so: {label.replace('_', ' ')}?", task, draws)


def ranking(task: Task, name: str, draws: Resamples | None) -> list[Measured]:
    """Return ROC-AUC and average precision of a toxicity label."""
    scores, positive = task.probabilities[:, 1], task.gold == 1
    positives = int(positive.sum())
    note = one_class_note(positives, len(positive))
    aucs = precisions = None
    if draws is not None and not note:
        aucs, precisions = metrics.ranking_draws(draws, positive, scores, task.rows)
    return [
        figure(
            f"{task.key}.{key}", f"{name}: {title}", value, len(positive), values,
            positives=positives, note=note,
        )
        for key, title, value, values in (
            ("roc_auc", "ROC-AUC", metrics.roc_auc(positive, scores), aucs),
            (
                "average_precision",
                "average precision",
                metrics.average_precision(positive, scores),
                precisions,
            ),
        )
    ]  # fmt: skip


def one_class_note(positives: int, total: int) -> str:
    """Return why a figure that needs both classes has no value, or nothing where it has."""
    return "no row is so" if not positives else "every row is so" if positives == total else ""


def at_threshold(task: Task, prefix: str, name: str, draws: Resamples | None) -> list[Measured]:
    """Return the figures of a yes or no at the shipped threshold."""
    row = metrics.class_rows(task.gold, task.predicted, task.labels)[1]
    n, positives = len(task.rows), row.gold
    counts = None
    if draws is not None:
        counts = metrics.confusion_draws(draws, task.gold, task.predicted, 2, task.rows)
    nobody = "" if positives else "no row is so"
    everybody = "" if positives < n else "every row is so"
    false = metrics.confusion(task.gold, task.predicted, 2)[0, 1]
    found = []
    for key, title, value, formula, note, higher in (
        ("precision", "precision", row.precision, _precision, "no row is flagged", True),
        ("recall", "recall", row.recall, _recall, nobody, True),
        ("f1", "F1", row.f1, _f1, "no row is so or flagged", True),
        (
            "false_positive_rate",
            "share of the others flagged",
            None if everybody else float(false / (n - positives)),
            _false_positive_rate,
            everybody,
            False,
        ),
        (
            "balanced_accuracy",
            "balanced accuracy",
            metrics.balanced_accuracy(task.gold, task.predicted),
            _balanced_accuracy,
            nobody or everybody,
            True,
        ),
    ):
        values = None if counts is None else formula(counts)
        found.append(
            figure(
                f"{prefix}.{key}", f"{name}: {title}", value, n, values, positives=positives,
                note=note if value is None else "", higher_is_better=higher,
            )
        )  # fmt: skip
    return found


def _precision(counts: Floats) -> Floats:
    return metrics.ratio(counts[:, 1, 1], counts[:, :, 1].sum(axis=1))


def _recall(counts: Floats) -> Floats:
    return metrics.recalls_of_counts(counts)[:, 1]


def _f1(counts: Floats) -> Floats:
    return metrics.ratio(
        2 * counts[:, 1, 1], counts[:, 1].sum(axis=1) + counts[:, :, 1].sum(axis=1)
    )


def _false_positive_rate(counts: Floats) -> Floats:
    return 1 - metrics.recalls_of_counts(counts)[:, 0]


def _balanced_accuracy(counts: Floats) -> Floats:
    return np.asarray(metrics.recalls_of_counts(counts).mean(axis=1))


def threshold_curve(task: Task) -> ThresholdCurve:
    """Return precision and recall of a toxicity label against its threshold."""
    scores, positive = task.probabilities[:, 1], task.gold == 1
    return ThresholdCurve(
        task.key,
        len(scores),
        int(positive.sum()),
        metrics.threshold_points(positive, scores),
        metrics.threshold_point(positive, scores, task.threshold or 0.0),
    )


# Probabilities


def _calibrate(
    found: Findings, prefix: str, title: str, task: Task, draws: Resamples | None
) -> None:
    """Add a reliability curve and its figures."""
    n = len(task.rows)
    if prefix:
        confidences, happened = task.probabilities[:, 1], task.gold == 1
    else:
        confidences, happened = task.probabilities.max(axis=1), task.right
    errors = scores = skills = None
    if draws is not None:
        errors = metrics.expected_calibration_error_draws(draws, confidences, happened, task.rows)
        scores, skills = metrics.brier_draws(draws, task.probabilities, task.gold, task.rows)
    skill = metrics.brier_skill(task.probabilities, task.gold)
    name = f"{task.key.replace('_', ' ').capitalize()}: "
    measured = [
        figure(
            f"{prefix}expected_calibration_error",
            f"{name}expected calibration error",
            metrics.expected_calibration_error(confidences, happened),
            n,
            errors,
            higher_is_better=False,
            note="" if errors is None else "resampling adds error: the interval lies high",
        ),
        figure(
            f"{prefix}brier",
            f"{name}Brier score",
            metrics.brier(task.probabilities, task.gold),
            n,
            scores,
            higher_is_better=False,
        ),
        figure(
            f"{prefix}brier_skill",
            f"{name}Brier skill over the base rate",
            skill,
            n,
            skills,
            note="all rows are of one class: the base rate is never wrong" if skill is None else "",
        ),
    ]
    found.figures += measured
    found.reliabilities.append(
        Reliability(
            task.key,
            title,
            n,
            float(happened.mean()),
            metrics.reliability_bins(confidences, happened),
            *(each.figure for each in measured),
        )
    )


# Hate and spans


def _measure_hate(
    found: Findings, data: EvaluationData, predictions: Predictions, draws: Resamples | None
) -> None:
    task = hate_task(data, predictions)
    if task is not None:
        found.figures += at_threshold(task, HATEFUL, "Hateful", draws)
        title = "Hateful, where toxicity or identity attack reaches its threshold"
        found.classifications.append(classification(HATEFUL, title, task))


def _measure_spans(
    found: Findings, data: EvaluationData, predictions: Predictions, draws: Resamples | None
) -> None:
    rows = [row for row, example in enumerate(data.examples) if example.toxic_spans is not None]
    if rows:
        found.figures.append(span_figure(data, predictions, np.array(rows), draws))


def span_figure(
    data: EvaluationData, predictions: Predictions, rows: Integers, draws: Resamples | None
) -> Measured:
    """Return the mean F1 of the characters that are marked as toxic."""
    scores = np.array(
        [
            character_f1(data.examples[row].toxic_spans or (), predictions.spans[row])
            for row in rows.tolist()
        ]
    )
    values = None
    if draws is not None:
        sums = draws.sums(np.column_stack([scores, np.ones(len(scores))]), rows)
        values = metrics.ratio(sums[:, 0], sums[:, 1])
    title = "Toxic words: mean F1 of characters"
    return figure("toxic_spans.character_f1", title, float(scores.mean()), len(rows), values)

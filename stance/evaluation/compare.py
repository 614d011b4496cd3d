"""Two models on the same rows: whether one is better, or only luckier with this sample."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from stance.evaluation.datasets import EvaluationData
from stance.evaluation.figures import Measured, ranking
from stance.evaluation.mistakes import highlights
from stance.evaluation.predictions import Integers, Predictions
from stance.evaluation.resampling import Resamples, interval
from stance.evaluation.results import MAX_TEXT, Comparison, Difference, DifferingRow, McNemar
from stance.evaluation.tasks import Task, judged_tasks, main_task, yes_or_no

MAX_DIFFERING = 20  # of a task
_ALWAYS_COMPARED = (".roc_auc", "accuracy")


def compare(
    data: EvaluationData,
    model: Predictions,
    baseline: Predictions,
    model_figures: Sequence[Measured],
    baseline_figures: Sequence[Measured],
) -> Comparison:
    """Return how a model differs from a baseline on the same rows.

    Parameters
    ----------
    data : EvaluationData
    model, baseline : Predictions
    model_figures, baseline_figures : sequence of Measured
        On the same resamples, so that their differences are paired.
    """
    own = judged_tasks(data, model)
    others = {task.key: task for task in judged_tasks(data, baseline)}
    pairs = [
        (task, others[task.key])
        for task in own
        if task.key in others and np.array_equal(task.rows, others[task.key].rows)
    ]
    main = main_task(own)
    shown = ("stance", main.key if main else "")
    return Comparison(
        baseline.model.name,
        baseline.model.description,
        differences(model_figures, baseline_figures),
        tuple(mcnemar(task.key, task.right, other.right) for task, other in pairs),
        tuple(
            row
            for task, other in pairs
            if task.key in shown
            for row in _differing_rows(data, model, task, other)
        ),
        sum(len(_differing(task, other)) for task, other in pairs if task.key in shown),
    )


def compare_scores(
    data: EvaluationData,
    name: str,
    scores: Sequence[float],
    task: Task,
    draws: Resamples | None,
) -> Comparison:
    """Return how the ranking by a toxicity label differs from another system's scores.

    Parameters
    ----------
    data : EvaluationData
    name : str
        The other system.
    scores : sequence of float, of all rows of the data
    task : Task
        The toxicity label.
    draws : Resamples or None
    """
    theirs = np.asarray(scores, dtype=float)[task.rows]
    other = yes_or_no(task.key, task.rows, task.gold == 1, theirs, task.threshold or 0.0)
    title = task.key.replace("_", " ").capitalize()
    return Comparison(
        name,
        f"its own scores, published with {data.title}",
        differences(ranking(task, title, draws), ranking(other, title, draws)),
    )


def differences(model: Sequence[Measured], baseline: Sequence[Measured]) -> tuple[Difference, ...]:
    """Return the differences of the figures that both have."""
    others = {measured.figure.key: measured for measured in baseline}
    return tuple(
        _difference(measured, others[measured.figure.key])
        for measured in model
        if measured.figure.key in others
        and (measured.figure.headline or measured.figure.key.endswith(_ALWAYS_COMPARED))
    )


def _difference(model: Measured, baseline: Measured) -> Difference:
    own, other = model.figure.value, baseline.figure.value
    draws = None
    if model.draws is not None and baseline.draws is not None:
        draws = model.draws - baseline.draws
    return Difference(
        model.figure.key,
        model.figure.title,
        model.figure.n,
        own,
        other,
        None if own is None or other is None else own - other,
        None if own is None or other is None else interval(draws),
        model.figure.higher_is_better,
    )


def mcnemar(task: str, model: NDArray[np.bool_], baseline: NDArray[np.bool_]) -> McNemar:
    """Return McNemar's (1947) exact test on which rows two models get right.

    Examples
    --------
    >>> right = np.array([True] * 8 + [False] * 2)
    >>> mcnemar("stance", right, ~right).p_value
    0.109375
    """
    from scipy.stats import binomtest

    only_model = int((model & ~baseline).sum())
    only_baseline = int((~model & baseline).sum())
    differing = only_model + only_baseline
    return McNemar(
        task,
        int((model & baseline).sum()),
        only_model,
        only_baseline,
        int((~model & ~baseline).sum()),
        float(binomtest(only_model, differing).pvalue) if differing else 1.0,
    )


def _differing(model: Task, baseline: Task) -> Integers:
    return np.flatnonzero(model.predicted != baseline.predicted)


def _differing_rows(
    data: EvaluationData, predictions: Predictions, model: Task, baseline: Task
) -> Iterator[DifferingRow]:
    """Yield rows with different decisions, those first where the less sure one is surest."""
    places = _differing(model, baseline)
    sure = model.probabilities[places, model.predicted[places]]
    other_sure = baseline.probabilities[places, baseline.predicted[places]]
    order = np.argsort(-np.minimum(sure, other_sure), kind="stable")[:MAX_DIFFERING]
    for place, own, other in zip(
        places[order].tolist(), sure[order].tolist(), other_sure[order].tolist(), strict=True
    ):
        row = int(model.rows[place])
        example = data.examples[row]
        yield DifferingRow(
            row,
            model.key,
            example.text[:MAX_TEXT],
            example.target if model.is_stance else None,
            model.labels[int(model.gold[place])],
            model.labels[int(model.predicted[place])],
            own,
            model.labels[int(baseline.predicted[place])],
            other,
            highlights(data, predictions, model, row),
            len(example.text) > MAX_TEXT,
        )

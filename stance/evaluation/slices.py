"""One figure by the values of a column: where the model is worse than on the whole."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stance.evaluation.datasets import LENGTHS, Column, EvaluationData
from stance.evaluation.figures import (
    Measured,
    accuracy,
    at_threshold,
    class_f1,
    ranking,
    span_figure,
)
from stance.evaluation.predictions import Integers, Predictions
from stance.evaluation.resampling import LEAST_UNITS, Resamples
from stance.evaluation.results import Slice, Slicing
from stance.evaluation.tasks import HATEFUL, Task, main_task

LEAST_ROWS = 30  # fewer are too few to tell
LEAST_OF_CLASS = 5  # likewise of a class that the whole data has, for macro-F1
LEAST_OF_BOTH = 10  # likewise of rows with and without a toxicity label
MAX_SLICES = 50

COLUMN_TITLES = {
    "target": "Target",
    "seen_target": "Is the target in training?",
    "on_target": "Does the comment take a side?",
    "length": "Length in characters",
    "language": "Language",
    "source": "Source",
}
_OF_STANCE = ("target", "seen_target", "on_target")


@dataclass(frozen=True, slots=True)
class _Sliced:
    """A figure that can be computed on some of the rows.

    Parameters
    ----------
    key, title : str
    rows : array of int
        All rows that the figure is of.
    classes : array of int or None
        Gold class of each of these rows, where the figure needs several classes.
    least : int
        Of each class, fewer rows are too few.
    measure : callable
        From the places of some of these rows to the figure on them.
    """

    key: str
    title: str
    rows: Integers
    classes: Integers | None
    least: int
    measure: Callable[[Integers], Measured]


def slicings(
    data: EvaluationData, predictions: Predictions, tasks: Sequence[Task], draws: Resamples | None
) -> tuple[Slicing, ...]:
    """Return the main figure of stance, toxicity and toxic words by every column of the data.

    Parameters
    ----------
    data : EvaluationData
    predictions : Predictions
    tasks : sequence of Task
        The decisions to judge.
    draws : Resamples or None
    """
    left_out = {data.functions, data.identity} - set(data.asked)
    found = []
    for column, values in data.columns.items():
        if column in left_out:
            continue
        found += [
            _slicing(column, values, sliced)
            for sliced in _figures(column, data, predictions, tasks, draws)
            if len({values[row] for row in sliced.rows.tolist()} - {None}) > 1
        ]
    return tuple(found)


def _figures(
    column: str,
    data: EvaluationData,
    predictions: Predictions,
    tasks: Sequence[Task],
    draws: Resamples | None,
) -> Iterator[_Sliced]:
    yield from (_stance_figure(column, task, draws) for task in tasks if task.is_stance)
    if column in _OF_STANCE:
        return
    main = main_task(tasks)
    if main is not None:
        yield (_hate_figure if main.key == HATEFUL else _toxicity_figure)(main, draws)
    marked = [row for row, example in enumerate(data.examples) if example.toxic_spans is not None]
    if marked:
        rows = np.array(marked)
        yield _Sliced(
            "toxic_spans.character_f1",
            "Mean F1 of toxic characters",
            rows,
            None,
            0,
            lambda places: span_figure(data, predictions, rows[places], draws),
        )


def _stance_figure(column: str, task: Task, draws: Resamples | None) -> _Sliced:
    if column == "on_target":  # each of its values has few classes
        return _Sliced(
            "accuracy",
            "Share of comments with the right stance",
            task.rows,
            None,
            0,
            lambda places: accuracy("accuracy", "", _at(task, places), draws),
        )
    return _Sliced(
        "macro_f1",
        "Macro-F1 of stance",
        task.rows,
        task.gold,
        LEAST_OF_CLASS,
        lambda places: class_f1("macro_f1", "", _at(task, places), draws),
    )


def _toxicity_figure(task: Task, draws: Resamples | None) -> _Sliced:
    return _Sliced(
        f"{task.key}.roc_auc",
        f"ROC-AUC of {task.key.replace('_', ' ')}",
        task.rows,
        task.gold,
        LEAST_OF_BOTH,
        lambda places: ranking(_at(task, places), "", draws)[0],
    )


def _hate_figure(task: Task, draws: Resamples | None) -> _Sliced:
    return _Sliced(
        f"{HATEFUL}.balanced_accuracy",
        "Balanced accuracy of telling hateful texts",
        task.rows,
        task.gold,
        LEAST_OF_BOTH,
        lambda places: at_threshold(_at(task, places), HATEFUL, "", draws)[-1],
    )


def _at(task: Task, places: Integers) -> Task:
    keep = np.zeros(len(task.rows), dtype=bool)
    keep[places] = True
    return task.part(keep)


def _slicing(column: str, values: Column, sliced: _Sliced) -> Slicing:
    mine = np.array([values[row] or "" for row in sliced.rows.tolist()], dtype=object)
    counts = Counter(mine.tolist())
    del counts[""]
    ordered = [value for value, _ in counts.most_common()]
    shown = ordered[:MAX_SLICES]
    if column == "length":
        shown.sort(key=LENGTHS.index)
    classes = None if sliced.classes is None else np.unique(sliced.classes)
    whole = sliced.measure(np.arange(len(sliced.rows)))
    return Slicing(
        column,
        COLUMN_TITLES.get(column, column),
        sliced.key,
        sliced.title,
        whole.figure.value,
        _with_worst(
            [_slice(value, np.flatnonzero(mine == value), sliced, classes) for value in shown]
        ),
        left_out=len(ordered) - len(shown),
        left_out_rows=sum(counts[value] for value in ordered[MAX_SLICES:]),
    )


def _slice(value: str, places: Integers, sliced: _Sliced, classes: Integers | None) -> Slice:
    found = sliced.measure(places).figure
    too_small = len(places) < LEAST_ROWS or found.value is None
    if sliced.classes is not None and classes is not None:
        own = sliced.classes[places]
        too_small |= any(int((own == each).sum()) < sliced.least for each in classes)
    return Slice(
        value,
        len(places),
        found.value,
        found.interval if len(places) >= LEAST_UNITS else None,
        bool(too_small),
        worst=False,
        positives=found.positives,
    )


def _with_worst(slices: Sequence[Slice]) -> tuple[Slice, ...]:
    """Mark the lowest of those that are large enough, where there are several."""
    told = [each for each in slices if not each.too_small and each.figure is not None]
    if len(told) < 2:
        return tuple(slices)
    worst = min(told, key=lambda each: each.figure or 0.0)
    return tuple(replace(each, worst=each is worst) for each in slices)

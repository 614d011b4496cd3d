"""Rows worth a look: the surest mistakes, the closest calls, labels that are likely wrong.

Likely label errors are found by confident learning: Northcutt et al. 2021,
https://arxiv.org/abs/1911.00068, with cleanlab.
"""

import re
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from stance.evaluation.datasets import EvaluationData
from stance.evaluation.predictions import Floats, Integers, Predictions
from stance.evaluation.results import MAX_TEXT, ErrorCase, ErrorList
from stance.evaluation.tasks import Task

MAX_CASES = 20
NEAR = 0.05  # a probability this close to its threshold is a close call
NEAR_STANCE = 0.1  # likewise the two most probable stances this close to each other
DOUBTED = 0.1  # a label with a smaller probability may be wrong
_LEAST_ROWS_FOR_LABEL_ERRORS = 30

_WORDS = re.compile(r"\w+")
_LEAST_LETTERS = 4  # of a word of the target that is highlighted, or a capital: NATO, EU

Span = tuple[int, int]


def error_lists(
    data: EvaluationData, predictions: Predictions, tasks: Sequence[Task]
) -> tuple[ErrorList, ...]:
    """Return the lists of every task that has some rows of its kind."""
    found = []
    for task in tasks:
        cases = _Cases(data, predictions, task)
        found += [
            ErrorList(
                kind,
                task.key,
                title,
                len(places),
                len(task.rows),
                tuple(cases.case(place) for place in places[:MAX_CASES].tolist()),
            )
            for kind, title, places in _kinds(task)
            if len(places)
        ]
    return tuple(found)


def _kinds(task: Task) -> Iterator[tuple[str, str, Integers]]:
    """Yield each list's kind, title and places in the task, the most telling first."""
    if task.is_stance:
        wrong = np.flatnonzero(~task.right)
        yield "confident", "Surest mistakes of stance", _surest(task, wrong)
        yield "near_threshold", "Closest calls of stance", _closest_stances(task)
        yield "label_error", "Stance labels that may be wrong", likely_label_errors(task)
        return
    name = task.key.replace("_", " ")
    false = np.flatnonzero(~task.right & (task.gold == 0))
    missed = np.flatnonzero(~task.right & (task.gold == 1))
    yield "confident", f"Surest false alarms: {name}", _surest(task, false)
    yield "confident", f"Surest misses: {name}", _surest(task, missed)
    if task.threshold is not None:
        yield "near_threshold", f"Closest to the threshold: {name}", _closest_to_threshold(task)
    yield "label_error", f"Labels that may be wrong: {name}", likely_label_errors(task)


def _surest(task: Task, places: Integers) -> Integers:
    confidence = task.probabilities[places, task.predicted[places]]
    return places[np.argsort(-confidence, kind="stable")]


def _closest_stances(task: Task) -> Integers:
    ordered = np.sort(task.probabilities, axis=1)
    return _closest(ordered[:, -1] - ordered[:, -2], NEAR_STANCE)


def _closest_to_threshold(task: Task) -> Integers:
    return _closest(np.abs(task.probabilities[:, 1] - (task.threshold or 0.0)), NEAR)


def _closest(distances: Floats, limit: float) -> Integers:
    near = np.flatnonzero(distances < limit)
    return near[np.argsort(distances[near], kind="stable")]


def likely_label_errors(task: Task) -> Integers:
    """Return the places of rows whose gold label may be wrong, the likeliest first.

    A row is named where cleanlab suspects its label and the model gives it a probability below
    DOUBTED: cleanlab alone takes every weakness of a model for noise. None are named where there
    are few rows or only one class: there is nothing to learn from.
    """
    classes = np.unique(task.gold)
    if len(task.rows) < _LEAST_ROWS_FOR_LABEL_ERRORS or len(classes) < 2:
        return np.array([], dtype=np.int64)
    from cleanlab.filter import find_label_issues

    # Classes that no row has are left out: how sure a model is of them cannot be learnt.
    shares = task.probabilities[:, classes]
    totals = shares.sum(axis=1, keepdims=True)
    shares = np.where(totals > 0, shares / np.where(totals > 0, totals, 1), 1 / len(classes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it names fewer rows of a class that is small
        found = find_label_issues(
            np.searchsorted(classes, task.gold),
            shares,
            return_indices_ranked_by="self_confidence",
            n_jobs=1,
        )
    places = np.asarray(found, dtype=np.int64)
    return places[task.probabilities[places, task.gold[places]] < DOUBTED]


class _Cases:
    """Makes the cases of one task."""

    def __init__(self, data: EvaluationData, predictions: Predictions, task: Task) -> None:
        self._data = data
        self._predictions = predictions
        self._task = task

    def case(self, place: int) -> ErrorCase:
        """Return the case of a place in the task."""
        task = self._task
        row = int(task.rows[place])
        example = self._data.examples[row]
        gold, predicted = int(task.gold[place]), int(task.predicted[place])
        return ErrorCase(
            row,
            task.key,
            example.text[:MAX_TEXT],
            example.target if task.is_stance else None,
            task.labels[gold],
            task.labels[predicted],
            float(task.probabilities[place, predicted]),
            float(task.probabilities[place, gold]),
            highlights(self._data, self._predictions, task, row),
            len(example.text) > MAX_TEXT,
            task.threshold,
        )


def highlights(
    data: EvaluationData, predictions: Predictions, task: Task, row: int
) -> tuple[Span, ...]:
    """Return what to highlight in a row's text, as far as it is shown.

    For toxicity that is what the model marks as toxic, for stance the words of the target.
    """
    example = data.examples[row]
    if task.is_stance:
        spans = words_of(example.text[:MAX_TEXT], example.target or "")
    else:
        spans = predictions.spans[row]
    return tuple((start, min(end, MAX_TEXT)) for start, end in spans if start < MAX_TEXT)


def words_of(text: str, target: str) -> tuple[Span, ...]:
    """Return where a text has words of the target; short ones only in capitals, such as EU.

    Examples
    --------
    >>> words_of("The EU has the new trams", "EU funds for the Trams")
    ((4, 6), (19, 24))
    """
    wanted = {
        word.lower()
        for word in _WORDS.findall(target)
        if len(word) >= _LEAST_LETTERS or (len(word) > 1 and word.isupper())
    }
    return tuple(found.span() for found in _WORDS.finditer(text) if found.group().lower() in wanted)

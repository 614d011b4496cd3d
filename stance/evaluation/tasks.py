"""The decisions that can be judged on a data set: stance, each toxicity label, hateful or not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stance.evaluation.datasets import EvaluationData
from stance.evaluation.predictions import RELEVANCE, Floats, Integers, Predictions
from stance.labels import STANCE_LABELS, TOXICITY_LABELS, ToxicityLabel

SIDES = (0, 1)  # favor and against
HATEFUL = "hateful"
_UNRELATED = "unrelated"
_HATE_LABELS: tuple[ToxicityLabel, ...] = ("toxicity", "identity_attack")


@dataclass(frozen=True, slots=True)
class Task:
    """The rows on which one decision can be judged.

    Parameters
    ----------
    key : str
        "stance" or a toxicity label.
    rows : array of int, shape (m,)
        Which rows of the data.
    gold, predicted : array of int, shape (m,)
        Places in `labels`.
    labels : tuple of str
    probabilities : array of float, shape (m, len(labels))
    threshold : float or None
    """

    key: str
    rows: Integers
    gold: Integers
    predicted: Integers
    labels: tuple[str, ...]
    probabilities: Floats
    threshold: float | None = None

    @property
    def is_stance(self) -> bool:
        """Whether it is a choice of stance, not a yes or no."""
        return self.key == "stance"

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each prediction is right."""
        return np.asarray(self.gold == self.predicted)

    def part(self, keep: NDArray[np.bool_]) -> "Task":
        """Return the task on some of its rows."""
        return replace(
            self,
            rows=self.rows[keep],
            gold=self.gold[keep],
            predicted=self.predicted[keep],
            probabilities=self.probabilities[keep],
        )


def stance_task(data: EvaluationData, predictions: Predictions) -> Task | None:
    """Return the rows whose stance is known and predicted."""
    known = np.array([example.stance is not None for example in data.examples], dtype=bool)
    rows = np.flatnonzero(known & (predictions.labels >= 0))
    if not len(rows):
        return None
    gold = [STANCE_LABELS.index(data.examples[row].stance or "neutral") for row in rows.tolist()]
    return Task(
        "stance",
        rows,
        np.array(gold),
        predictions.labels[rows],
        STANCE_LABELS,
        predictions.stance[rows],
    )


def toxicity_tasks(data: EvaluationData, predictions: Predictions) -> Iterator[Task]:
    """Yield each toxicity label that is known of some rows and predicted."""
    for place, label in enumerate(TOXICITY_LABELS):
        gold = np.array(
            [example.toxicity.get(label, np.nan) for example in data.examples], dtype=float
        )
        scores = predictions.toxicity[:, place]
        rows = np.flatnonzero(np.isfinite(gold) & np.isfinite(scores))
        if len(rows):
            yield yes_or_no(
                label, rows, gold[rows] >= 0.5, scores[rows], predictions.thresholds[label]
            )


def yes_or_no(
    label: str, rows: Integers, positive: NDArray[np.bool_], scores: Floats, threshold: float
) -> Task:
    """Return the task of deciding at a threshold whether rows have a label."""
    return Task(
        label,
        rows,
        positive.astype(np.int64),
        (scores >= threshold).astype(np.int64),
        (f"not {label}", label),
        np.column_stack([1 - scores, scores]),
        threshold,
    )


def tasks_of(data: EvaluationData, predictions: Predictions) -> list[Task]:
    """Return all decisions that can be judged, stance first."""
    stance = stance_task(data, predictions)
    return [*([stance] if stance else []), *toxicity_tasks(data, predictions)]


def judged_tasks(data: EvaluationData, predictions: Predictions) -> list[Task]:
    """Return the decisions whose mistakes are shown; in functional tests, whether it is hate."""
    hate = hate_task(data, predictions) if data.functions is not None else None
    tasks = tasks_of(data, predictions)
    return tasks if hate is None else [*(task for task in tasks if task.is_stance), hate]


def main_task(tasks: Sequence[Task]) -> Task | None:
    """Return the toxicity label that stands for the others: toxicity, or the most frequent."""
    labels = [task for task in tasks if not task.is_stance]
    return next(
        (task for task in labels if task.key == "toxicity"),
        max(labels, key=lambda task: int(task.gold.sum()), default=None),
    )


def with_unrelated(data: EvaluationData, predictions: Predictions, task: Task) -> Task:
    """Return the task of four classes: a comment that is not about its target is unrelated."""
    known = np.array(
        [
            data.examples[row].relevance is not None or data.examples[row].stance != "neutral"
            for row in task.rows
        ],
        dtype=bool,
    )
    part = task.part(known)
    off = np.array([data.examples[row].relevance == 0 for row in part.rows], dtype=bool)
    found_off = predictions.relevance[part.rows] < predictions.thresholds[RELEVANCE]
    unrelated = len(STANCE_LABELS)
    return replace(
        part,
        key="stance_and_relevance",
        gold=np.where(off, unrelated, part.gold),
        predicted=np.where(found_off, unrelated, part.predicted),
        labels=(*STANCE_LABELS, _UNRELATED),
    )


def hate_task(data: EvaluationData, predictions: Predictions) -> Task | None:
    """Return the task of telling hateful rows: one of two labels reaches its threshold."""
    gold = np.array([row.toxicity.get("toxicity", np.nan) for row in data.examples], dtype=float)
    places = [TOXICITY_LABELS.index(label) for label in _HATE_LABELS]
    scores = predictions.toxicity[:, places]
    rows = np.flatnonzero(np.isfinite(gold) & np.isfinite(scores).any(axis=1))
    if not len(rows):
        return None
    limits = np.array([predictions.thresholds[label] for label in _HATE_LABELS])
    task = yes_or_no(HATEFUL, rows, gold[rows] >= 0.5, np.nanmax(scores[rows], axis=1), 1.0)
    flagged = (scores[rows] >= limits).any(axis=1)  # not known is not flagged
    return replace(task, predicted=np.asarray(flagged, dtype=np.int64), threshold=None)

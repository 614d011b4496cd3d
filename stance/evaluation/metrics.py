"""Figures about predictions: their values by scikit-learn, their bootstrap draws from counts.

For each figure there is a function that gives its value, and one that gives the same figure on
each draw of a bootstrap: a thousand calls of scikit-learn would take minutes where sums of counts,
or one sorting of the scores, take a second. Tests hold the two equal.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.metrics import confusion_matrix as sklearn_confusion

from stance.evaluation.resampling import Floats, Integers, Resamples
from stance.evaluation.results import ClassRow, ReliabilityBin, ThresholdPoint

Flags = NDArray[np.bool_]
BINS = 15  # of a reliability curve, as in Guo et al. 2017
_CURVE_POINTS = 100


# Classes


def macro_f1(gold: ArrayLike, predicted: ArrayLike, labels: Sequence[Any]) -> float:
    """Return the mean F1 over `labels`; one that nobody gave or got counts as 0.

    Examples
    --------
    >>> macro_f1(["favor", "against"], ["favor", "favor"], ["favor", "against"])
    0.3333333333333333
    """
    return float(f1_score(gold, predicted, labels=list(labels), average="macro", zero_division=0))


def accuracy(gold: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of rows that are right."""
    return float(accuracy_score(gold, predicted))


def confusion(gold: Integers, predicted: Integers, classes: int) -> Integers:
    """Return the counts of shape (classes, classes), gold by predicted."""
    return np.asarray(sklearn_confusion(gold, predicted, labels=range(classes)))


def class_rows(gold: Integers, predicted: Integers, labels: Sequence[str]) -> tuple[ClassRow, ...]:
    """Return precision, recall and F1 of each class."""
    counts = confusion(gold, predicted, len(labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a figure without a value is NaN, and then None
        precision, recall, f1, _ = precision_recall_fscore_support(
            gold, predicted, labels=range(len(labels)), zero_division=np.nan
        )
    return tuple(
        ClassRow(
            label,
            _number(precision[place]),
            _number(recall[place]),
            _number(f1[place]),
            gold=int(counts[place].sum()),
            predicted=int(counts[:, place].sum()),
            correct=int(counts[place, place]),
        )
        for place, label in enumerate(labels)
    )


def confusion_draws(
    draws: Resamples, gold: Integers, predicted: Integers, classes: int, rows: Integers
) -> Floats:
    """Return the confusion matrix of each draw, of shape (draws, classes, classes)."""
    cells = np.zeros((len(gold), classes * classes))
    cells[np.arange(len(gold)), gold * classes + predicted] = 1
    return draws.sums(cells, rows).reshape(-1, classes, classes)


def macro_f1_of_counts(counts: Floats, labels: Sequence[int]) -> Floats:
    """Return the mean F1 over `labels` of confusion matrices, of shape (…, classes, classes)."""
    correct = np.diagonal(counts, axis1=-2, axis2=-1)[..., labels]
    either = counts.sum(axis=-1)[..., labels] + counts.sum(axis=-2)[..., labels]
    return np.asarray((2 * correct / np.where(either > 0, either, 1)).mean(axis=-1))


def balanced_accuracy(gold: ArrayLike, flagged: ArrayLike) -> float | None:
    """Return the mean of the recalls of both classes; None where one is missing."""
    positive = np.asarray(gold) >= 0.5
    if positive.all() or not positive.any():
        return None
    return float(balanced_accuracy_score(positive, np.asarray(flagged, dtype=bool)))


def recalls_of_counts(counts: Floats) -> Floats:
    """Return the recall of each class, of shape (…, classes); NaN of a class that is missing."""
    return ratio(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-1))


def ratio(part: ArrayLike, whole: ArrayLike) -> Floats:
    """Return `part / whole`, NaN where the whole is 0."""
    whole = np.asarray(whole, dtype=float)
    return np.asarray(np.asarray(part) / np.where(whole > 0, whole, np.nan))


# Rankings


def roc_auc(gold: ArrayLike, scores: ArrayLike) -> float | None:
    """Return the area under the ROC curve, or None where only one class is there."""
    positive = np.asarray(gold) >= 0.5
    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, scores))


def average_precision(gold: ArrayLike, scores: ArrayLike) -> float | None:
    """Return the average precision, or None where only one class is there."""
    positive = np.asarray(gold) >= 0.5
    if positive.all() or not positive.any():
        return None
    return float(average_precision_score(positive, scores))


def ranking_draws(
    draws: Resamples, positive: Flags, scores: Floats, rows: Integers
) -> tuple[Floats, Floats]:
    """Return ROC-AUC and average precision of each draw; NaN where a class is missing.

    Parameters
    ----------
    draws : Resamples
    positive, scores, rows : array, shape (m,)
        Of the rows of the data that `rows` names.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    aucs, precisions = [], []
    for weights in draws.row_weights(rows[order]):
        hits = weights * positive[order]
        misses = weights - hits
        if len(starts) < len(order):  # equal scores stand or fall together
            hits = np.add.reduceat(hits, starts, axis=1)
            misses = np.add.reduceat(misses, starts, axis=1)
        below = np.cumsum(misses, axis=1) - misses / 2
        hit_count, miss_count = hits.sum(axis=1), misses.sum(axis=1)
        aucs.append(ratio((hits * below).sum(axis=1), hit_count * miss_count))
        # Flagged from each score on: all that is above it.
        above = np.cumsum(hits[:, ::-1], axis=1)[:, ::-1]
        flagged = above + np.cumsum(misses[:, ::-1], axis=1)[:, ::-1]
        precision = above / np.where(flagged > 0, flagged, 1)
        precisions.append(ratio((hits * precision).sum(axis=1), hit_count * (miss_count > 0)))
    return np.concatenate(aucs), np.concatenate(precisions)


# Probabilities


def expected_calibration_error(confidences: ArrayLike, correct: ArrayLike) -> float:
    """Return the mean gap between confidence and accuracy over bins of equal width.

    Parameters
    ----------
    confidences : array of float in [0, 1], shape (n,)
        Of the event that `correct` tells of.
    correct : array of bool, shape (n,)

    References
    ----------
    Guo et al. 2017, https://arxiv.org/abs/1706.04599, equation 3.

    Examples
    --------
    >>> expected_calibration_error([0.75, 0.75, 0.75, 0.75], [True, True, True, False])
    0.0
    """
    gaps, places = _gaps(confidences, correct)
    return float(np.abs(np.bincount(places, gaps)).sum() / len(gaps))


def expected_calibration_error_draws(
    draws: Resamples, confidences: ArrayLike, correct: ArrayLike, rows: Integers
) -> Floats:
    """Return the expected calibration error of each draw."""
    gaps, places = _gaps(confidences, correct)
    cells = np.zeros((len(gaps), BINS + 1))
    cells[np.arange(len(gaps)), places] = gaps
    cells[:, BINS] = 1
    sums = draws.sums(cells, rows)
    return ratio(np.abs(sums[:, :BINS]).sum(axis=1), sums[:, BINS])


def _gaps(confidences: ArrayLike, correct: ArrayLike) -> tuple[Floats, Integers]:
    values = np.asarray(confidences, dtype=float)
    return values - np.asarray(correct, dtype=float), _bins(values)


def _bins(values: Floats) -> Integers:
    return np.minimum((values * BINS).astype(np.int64), BINS - 1)


def reliability_bins(confidences: ArrayLike, correct: ArrayLike) -> tuple[ReliabilityBin, ...]:
    """Return mean confidence beside accuracy in bins of equal width."""
    values, hits = np.asarray(confidences, dtype=float), np.asarray(correct, dtype=float)
    places = _bins(values)
    counts = np.bincount(places, minlength=BINS)
    means = ratio(np.bincount(places, values, BINS), counts)
    shares = ratio(np.bincount(places, hits, BINS), counts)
    return tuple(
        ReliabilityBin(
            place / BINS,
            (place + 1) / BINS,
            int(counts[place]),
            _number(means[place]),
            _number(shares[place]),
        )
        for place in range(BINS)
    )


def brier(probabilities: Floats, gold: Integers) -> float:
    """Return the mean squared error of probabilities, summed over classes.

    Parameters
    ----------
    probabilities : array, shape (n, classes)
        With two classes, only the error of the second counts, as is usual for a yes or no.
    gold : array of int, shape (n,)
    """
    classes = probabilities.shape[1]
    if classes == 2:
        return float(brier_score_loss(gold, probabilities[:, 1], pos_label=1))
    return float(
        brier_score_loss(gold, probabilities, labels=list(range(classes)), scale_by_half=False)
    )


def brier_skill(probabilities: Floats, gold: Integers) -> float | None:
    """Return how much smaller the Brier score is than that of always saying the base rates.

    None where only one class is there: the base rate is then never wrong.
    """
    classes = probabilities.shape[1]
    shares = np.bincount(gold, minlength=classes) / len(gold)
    reference = brier(np.tile(shares, (len(gold), 1)), gold)
    return None if shares.max() == 1 else 1 - brier(probabilities, gold) / reference


def brier_draws(
    draws: Resamples, probabilities: Floats, gold: Integers, rows: Integers
) -> tuple[Floats, Floats]:
    """Return the Brier score and the Brier skill of each draw."""
    classes = probabilities.shape[1]
    truth = np.eye(classes)[gold]
    scale = 0.5 if classes == 2 else 1.0
    errors = scale * ((probabilities - truth) ** 2).sum(axis=1)
    sums = draws.sums(np.column_stack([errors, truth]), rows)
    counts = sums[:, 1:]
    score = ratio(sums[:, 0], counts.sum(axis=1))
    shares = ratio(counts, counts.sum(axis=1, keepdims=True))
    reference = scale * (1 - (shares**2).sum(axis=1))
    return score, 1 - score / np.where(reference > 1e-12, reference, np.nan)


# Thresholds


def threshold_point(positive: Flags, scores: Floats, threshold: float) -> ThresholdPoint:
    """Return precision and recall where rows are flagged from a threshold on."""
    flagged = scores >= threshold
    hits = int((flagged & positive).sum())
    count = int(flagged.sum())
    return ThresholdPoint(
        float(threshold), hits / count if count else None, hits / int(positive.sum()), count
    )


def threshold_points(positive: Flags, scores: Floats) -> tuple[ThresholdPoint, ...]:
    """Return precision and recall at a hundred thresholds of equal distance."""
    return tuple(
        threshold_point(positive, scores, place / _CURVE_POINTS)
        for place in range(_CURVE_POINTS + 1)
    )


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None

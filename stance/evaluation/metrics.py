"""Figures about predictions, computed by scikit-learn wherever it has them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

Floats = NDArray[np.floating[Any]]


def macro_f1(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> float:
    """Return the mean F1 over `labels`; a label that nobody gave or got counts as 0.

    Examples
    --------
    >>> macro_f1(["favor", "against"], ["favor", "favor"], ["favor", "against"])
    0.3333333333333333
    """
    return float(f1_score(gold, predicted, labels=list(labels), average="macro", zero_division=0))


def roc_auc(gold: Sequence[float], scores: Sequence[float]) -> float | None:
    """Return the area under the ROC curve, or None where only one class is there."""
    positive = np.asarray(gold) >= 0.5
    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, scores))


def balanced_accuracy(gold: Sequence[float], flagged: Sequence[bool]) -> float:
    """Return the mean of the recalls of both classes."""
    return float(balanced_accuracy_score(np.asarray(gold) >= 0.5, np.asarray(flagged)))


def expected_calibration_error(
    confidences: Sequence[float], correct: Sequence[bool], bins: int = 15
) -> float:
    """Return the mean gap between confidence and accuracy over bins of equal width.

    Parameters
    ----------
    confidences : sequence of float in [0, 1]
        Of the event that `correct` tells of.
    correct : sequence of bool, same length
    bins : int

    References
    ----------
    Guo et al. 2017, https://arxiv.org/abs/1706.04599, equation 3.

    Examples
    --------
    >>> expected_calibration_error([0.75, 0.75, 0.75, 0.75], [True, True, True, False])
    0.0
    """
    values = np.asarray(confidences, dtype=float)
    hits = np.asarray(correct, dtype=float)
    places = np.minimum((values * bins).astype(int), bins - 1)
    gaps = [
        abs(values[places == place].mean() - hits[places == place].mean()) * (places == place).sum()
        for place in np.unique(places)
    ]
    return float(np.sum(gaps) / len(values))


def brier_skill(probabilities: Sequence[float], gold: Sequence[float]) -> float | None:
    """Return how much smaller the Brier score is than that of always saying the base rate.

    None where only one class is there: the base rate is then never wrong.
    """
    positive = (np.asarray(gold) >= 0.5).astype(float)
    reference = float(((positive - positive.mean()) ** 2).mean())
    if reference == 0:
        return None
    return 1 - float(((np.asarray(probabilities) - positive) ** 2).mean()) / reference

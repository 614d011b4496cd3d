"""Class weights: a thin class counts as much as a frequent one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.labels import STANCE_LABELS
from stance.modeling.network import UNKNOWN, UNKNOWN_STANCE

# A label seen a few times would otherwise throw the weights about whenever a batch holds it.
MOST = 10.0

Floats = NDArray[np.floating[Any]]


def with_class_weights(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return encoded rows with the weight of each of their stance and toxicity labels.

    A class that `n` of `N` rows have, of `k` classes, gets the weight N / (k n), as scikit-learn's
    "balanced" (King & Zeng 2001), but at most `MOST`. Shares of raters count as yes from one half.

    Parameters
    ----------
    rows : sequence of dict
        As `stance.training.batches.encode_examples` yields them.

    Examples
    --------
    >>> rows = [{"stance_labels": label, "toxicity_labels": [-1.0] * 6} for label in (0, 0, 0, 1)]
    >>> [round(row["stance_weights"], 2) for row in with_class_weights(rows)]
    [0.67, 0.67, 0.67, 2.0]
    """
    stance = np.array([row["stance_labels"] for row in rows])
    toxicity = np.array([row["toxicity_labels"] for row in rows])
    places = np.where(stance == UNKNOWN_STANCE, -1, stance)
    of_stance = _balanced(places, len(STANCE_LABELS))
    of_toxicity = [
        _balanced(np.where(column == UNKNOWN, -1, column >= 0.5).astype(int), 2)
        for column in toxicity.T
    ]
    return [
        {**row, "stance_weights": float(weight), "toxicity_weights": list(map(float, weights))}
        for row, weight, weights in zip(rows, of_stance, np.array(of_toxicity).T, strict=True)
    ]


def _balanced(classes: NDArray[np.integer[Any]], number: int) -> Floats:
    """Return a weight for each row; -1 marks a row without a label, whose weight is 1."""
    counts = np.bincount(classes[classes >= 0], minlength=number)
    there = counts > 0
    weights = counts.sum() / (there.sum() * np.maximum(counts, 1)) if there.any() else counts + 1.0
    return np.where(classes >= 0, np.minimum(weights, MOST)[classes], 1.0)

"""Thresholds for a wanted precision or recall, chosen on a user's own labelled comments.

The shipped thresholds are those of best F1 on public corpora. Whoever moderates knows better what
a false alarm costs: these functions choose thresholds on rows of theirs, say how well they do
there, and write a copy of the model that has them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from stance.data.labelled import LabelledData, LabelledRow
from stance.errors import DataError
from stance.labels import TOXICITY_LABELS, ToxicityLabel
from stance.modeling.calibration import (
    Calibration,
    Floats,
    fit_platt,
    logit,
    natural_weights,
    sigmoid,
)
from stance.modeling.folder import copied_model

Figure = Literal["precision", "recall"]
FIGURES: tuple[Figure, ...] = get_args(Figure)

LEAST_ROWS = 20  # with a label, and without it
LEAST_FLAGGED = 10  # on fewer rows any precision can come about by chance
_RESAMPLES = 2000
_LEAST_DEFINED = 0.9  # of the resamples must give a figure a value, or it has no interval

_Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% bootstrap interval, or None for that where it has none."""

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Operation:
    """How a yes or no does at a threshold.

    Parameters
    ----------
    rows, positives : int
        All rows that are labelled, and those that have the label.
    precision, recall, flagged : Estimate
        The share of the flagged rows that have the label, of those that have it that are flagged,
        and of all rows that are flagged; with rows weighed where a share of toxic ones is wanted.
    """

    rows: int
    positives: int
    precision: Estimate
    recall: Estimate
    flagged: Estimate


@dataclass(frozen=True, slots=True)
class Choice:
    """The threshold of a label.

    Parameters
    ----------
    label : str
    threshold : float
        The chosen one, or where the wish is out of reach the one that comes nearest to it.
    before : float
        The model's own.
    is_reached : bool
    operation : Operation
        At `threshold`, on the rows that it was chosen on.
    """

    label: ToxicityLabel
    threshold: float
    before: float
    is_reached: bool
    operation: Operation


@dataclass(frozen=True, slots=True)
class Recalibration:
    """What came of choosing thresholds.

    Parameters
    ----------
    figure : {"precision", "recall"}
    wanted : float
    choices : tuple of Choice
    flag : Operation
        Of the output column `toxic`, which any label raises: whether the row has any label.
    calibration : Calibration
        The model's, with the new thresholds and a name that says so.
    """

    figure: Figure
    wanted: float
    choices: tuple[Choice, ...]
    flag: Operation
    calibration: Calibration

    @property
    def is_reached(self) -> bool:
        """Whether each label came to what was wanted."""
        return all(choice.is_reached for choice in self.choices)


def tuning_rows(data: LabelledData, split: str | None = None) -> list[LabelledRow]:
    """Return the rows to choose thresholds on.

    Parameters
    ----------
    data : LabelledData
    split : str, optional
        Which split, or "all"; None takes the dev rows where the data names splits, since its test
        rows are to judge the result, else all.

    Raises
    ------
    DataError
        No row is of that split.
    """
    named = sorted({row.split for row in data.rows if row.split})
    if split == "all" or (split is None and not named):
        return data.rows
    rows = [row for row in data.rows if row.split == (split or "dev")]
    if not rows:
        raise DataError(
            f"{data.name}: no row of the split {split or 'dev'!r}; found "
            f"{', '.join(named) or 'no column split'}; name one with --split, or all"
        )
    return rows


def recalibrate(
    calibration: Calibration,
    rows: Sequence[LabelledRow],
    probabilities: Sequence[Mapping[str, float]],
    labels: Iterable[ToxicityLabel],
    figure: Figure,
    wanted: float,
    *,
    refit: bool = False,
    toxic_share: float | None = None,
    seed: int = 1,
) -> Recalibration:
    """Choose thresholds for a wanted precision or recall.

    Parameters
    ----------
    calibration : Calibration
        Of the model that gave the probabilities.
    rows : sequence of LabelledRow, length n
        What at least half of the raters saw in a row counts as its label.
    probabilities : sequence of mapping, length n
        Label to probability, as in `Prediction.toxicity`.
    labels : iterable of str
        Whose thresholds to choose.
    figure : {"precision", "recall"}
    wanted : float
        How much of it at least.
    refit : bool
        Fit scale and bias of these labels on the rows first (`fit_platt`).
    toxic_share : float, optional
        Share of toxic comments where the model is used, if it is not that of the rows: they are
        weighed so.
    seed : int
        Of the bootstrap.

    Raises
    ------
    DataError
        A label has too few rows, with it or without it.
    """
    scores = np.array([[row[label] for label in TOXICITY_LABELS] for row in probabilities])
    gold = np.array(
        [[row.toxicity.get(label, np.nan) for label in TOXICITY_LABELS] for row in rows]
    )
    known = np.isfinite(gold)
    positive = np.nan_to_num(gold) >= 0.5
    any_label: _Flags = np.asarray(positive.any(axis=1))
    judge = _Judge([row.group for row in rows], seed)
    thresholds = dict(calibration.thresholds)
    toxicity = dict(calibration.toxicity)
    choices = []
    for label in dict.fromkeys(labels):
        column = TOXICITY_LABELS.index(label)
        labelled = np.flatnonzero(known[:, column])
        has_label = positive[labelled, column]
        # Weighed anew for each label: not every row labels every one.
        weights = _weights(any_label[labelled], toxic_share)
        _check_enough(label, has_label)
        if refit:
            toxicity[label], scores[:, column] = _refitted(
                toxicity[label], scores[:, column], labelled, has_label, weights
            )
        own = scores[labelled, column]
        threshold, is_reached = choose_threshold(own, has_label, figure, wanted, weights)
        operation = judge.operation(labelled, own >= threshold, has_label, weights)
        choices.append(
            Choice(label, threshold, calibration.thresholds[label], is_reached, operation)
        )
        thresholds[label] = threshold
    limits = np.array([thresholds[label] for label in TOXICITY_LABELS])
    labelled = np.flatnonzero(known.any(axis=1))
    raised: _Flags = np.asarray((scores >= limits).any(axis=1))
    flagged, has_any = raised[labelled], any_label[labelled]
    flag = judge.operation(labelled, flagged, has_any, _weights(has_any, toxic_share))
    changed = replace(
        calibration,
        model=f"{calibration.model.partition('+')[0]}+{figure}-{wanted:g}",
        thresholds=thresholds,
        toxicity=toxicity,
        span_gates=calibration.moved_gates(toxicity),
    )
    return Recalibration(figure, wanted, tuple(choices), flag, changed)


def choose_threshold(
    probabilities: Floats, positive: _Flags, figure: Figure, wanted: float, weights: Floats
) -> tuple[float, bool]:
    """Return the threshold that reaches a precision or recall at the least cost in the other.

    Parameters
    ----------
    probabilities, positive, weights : array, shape (n,)
    figure : {"precision", "recall"}
    wanted : float

    Returns
    -------
    threshold : float
        Half way between the last row that it flags and the next, so that rounding flags no other.
        Of all that reach a precision the one of most recall, of all that reach a recall the
        highest; a precision counts from `LEAST_FLAGGED` rows on.
    is_reached : bool
        False where no threshold reaches the precision; the one of most precision is returned then.

    Examples
    --------
    >>> probabilities = np.arange(100) / 100
    >>> positive = probabilities >= 0.7
    >>> threshold, _ = choose_threshold(probabilities, positive, "precision", 0.9, np.ones(100))
    >>> round(threshold, 3)  # 33 rows, of which 30 are positive
    0.665
    """
    from sklearn.metrics import precision_recall_curve

    curves = precision_recall_curve(positive, probabilities, sample_weight=weights)
    precision, recall, cuts = curves[0][:-1], curves[1][:-1], curves[2]
    flagged = len(probabilities) - np.searchsorted(np.sort(probabilities), cuts)
    # Sums of weights may fall short by a rounding.
    enough = (precision if figure == "precision" else recall) >= wanted - 1e-9
    if figure == "recall":
        place, is_reached = int(np.flatnonzero(enough)[-1]), True
    else:
        enough &= flagged >= LEAST_FLAGGED
        is_reached = bool(enough.any())
        # The first of equals flags most.
        trusted = np.where(flagged >= LEAST_FLAGGED, precision, -1.0)
        place = int(np.argmax(enough if is_reached else trusted))
    below = float(cuts[place - 1]) if place else 0.0
    middle = (below + float(cuts[place])) / 2
    return (middle if middle > below else float(cuts[place])), is_reached


def _weights(any_label: _Flags, toxic_share: float | None) -> Floats:
    if toxic_share is None:
        return np.ones(len(any_label))
    return natural_weights(any_label.astype(float), toxic_share)


def _check_enough(label: str, positive: _Flags) -> None:
    count = int(positive.sum())
    for rows, what in ((count, "have it"), (len(positive) - count, "do not have it")):
        if rows < LEAST_ROWS:
            raise DataError(
                f"{label}: {rows:,} of {len(positive):,} labelled rows {what}; expected at least "
                f"{LEAST_ROWS} to choose a threshold by; label more comments"
            )


def _refitted(
    scaling: tuple[float, float],
    probabilities: Floats,
    rows: NDArray[np.intp],
    positive: _Flags,
    weights: Floats,
) -> tuple[tuple[float, float], Floats]:
    """Return a label's scale and bias fitted on some rows, and all its probabilities with them."""
    logits = logit(probabilities)
    scale, bias = fit_platt(logits[rows], positive.astype(float), weights)
    fitted = (scale * scaling[0], scale * scaling[1] + bias)
    return fitted, sigmoid(scale * logits + bias)


class _Judge:
    """Figures with intervals, from draws of whole groups of rows with replacement."""

    def __init__(self, groups: Sequence[str], seed: int) -> None:
        self._groups = np.unique(np.array(groups, dtype=object), return_inverse=True)[1]
        self._seed = seed

    def operation(
        self, rows: NDArray[np.intp], flagged: _Flags, positive: _Flags, weights: Floats
    ) -> Operation:
        """Return how a yes or no does on some of the rows, each of its weight."""
        cells = np.column_stack(
            [flagged & positive, flagged & ~positive, ~flagged & positive, ~flagged & ~positive]
        )
        weighed = cells * weights[:, None]
        groups, places = np.unique(self._groups[rows], return_inverse=True)
        by_group = np.stack(
            [np.bincount(places, column, len(groups)) for column in weighed.T], axis=1
        )
        # Most groups are one row: there are few kinds, and to draw kinds is to draw groups.
        kinds, sizes = np.unique(by_group, axis=0, return_counts=True)
        drawn = np.random.default_rng(self._seed).multinomial(
            len(groups), sizes / len(groups), _RESAMPLES
        )
        draws = np.vstack([by_group.sum(axis=0), drawn @ kinds])
        both, false, missed, _ = draws.T
        return Operation(
            rows=len(rows),
            positives=int(positive.sum()),
            precision=_estimate(both, both + false),
            recall=_estimate(both, both + missed),
            flagged=_estimate(both + false, draws.sum(axis=1)),
        )


def _estimate(part: Floats, whole: Floats) -> Estimate:
    """Return the first ratio, and the interval of the others; nothing of nothing is 0."""
    ratios = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    drawn = ratios[1:][np.isfinite(ratios[1:])]
    value = float(np.nan_to_num(ratios[0]))
    if len(drawn) < _LEAST_DEFINED * (len(ratios) - 1):
        return Estimate(value, None)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(value, (float(low), float(high)))


# The copy


def write_copy(model: Path, folder: Path, calibration: Calibration, card: str = "") -> None:
    """Write a copy of a model folder with another calibration; it appears whole or not at all.

    Parameters
    ----------
    model, folder : Path
    calibration : Calibration
    card : str
        What the copy's model card says besides.

    Raises
    ------
    OutputError
        As for `stance.modeling.folder.copied_model`.
    """
    with copied_model(model, folder) as copy:
        calibration.save(copy)
        with (copy / "README.md").open("a", encoding="utf-8") as stream:
            stream.write(card)

"""What training changed: every head of a model before and after, on the same rows.

A head whose labels the rows have is compared by its figures, with paired intervals. Of any other
head it can still be said how often it decides as before, and how much it says on average.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.evaluation.predictions import RELEVANCE
from stance.evaluation.results import Comparison, Evaluation, Interval
from stance.labels import TOXICITY_LABELS
from stance.scoring.summary import RELEVANT

SPANS = "toxic_spans"
# Of the figures of a label, those that are shown before and after.
_SHOWN = ("macro_f1", "on_target_macro_f1", "expected_calibration_error", "character_f1")
_SHOWN_OF_LABEL = ("roc_auc", "f1", "brier_skill")


@dataclass(frozen=True, slots=True)
class Change:
    """One figure before and after.

    Parameters
    ----------
    data : str
        Name of the rows.
    key, title : str
    n : int
    before, after, difference : float or None
    interval : Interval or None
        Of the difference, paired.
    higher_is_better : bool or None
        None where nobody labelled the head: then it is its mean probability, or the share of texts
        with a span.
    same : float or None
        Of such a head, the share of rows where it decides as before.
    """

    data: str
    key: str
    title: str
    n: int
    before: float | None
    after: float | None
    difference: float | None
    interval: Interval | None = None
    higher_is_better: bool | None = True
    same: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for `metrics.json`."""
        plain = asdict(self)
        bounds = self.interval
        return {**plain, "interval": [bounds.low, bounds.high] if bounds else None}


def changes(
    evaluation: Evaluation,
    table: Any,
    before: str,
    thresholds: tuple[Mapping[str, float], Mapping[str, float]],
) -> list[Change]:
    """Return what changed on one data set.

    Parameters
    ----------
    evaluation : Evaluation
        Of the model after training, with the one before as its first comparison.
    table : pyarrow.Table
        The rows behind it: see `stance.evaluation.table`.
    before : str
        What the columns of the model before begin with there.
    thresholds : pair of mappings of toxicity label to float
        Of the model before and of the one after.
    """
    found = list(_of_figures(evaluation.data, evaluation.comparisons[0]))
    return [*found, *_of_unlabelled(evaluation.data, table, before, thresholds)]


def _of_figures(data: str, comparison: Comparison) -> Iterator[Change]:
    for each in comparison.differences:
        head, _, figure = each.key.rpartition(".")
        if figure not in (_SHOWN_OF_LABEL if head in TOXICITY_LABELS else _SHOWN):
            continue
        yield Change(
            data,
            each.key,
            each.title,
            each.n,
            each.baseline,
            each.model,
            each.difference,
            each.interval,
            each.higher_is_better,
        )


def _of_unlabelled(
    data: str,
    table: Any,
    before: str,
    thresholds: tuple[Mapping[str, float], Mapping[str, float]],
) -> Iterator[Change]:
    of_before, of_after = thresholds
    names: dict[str, tuple[float, float]] = {
        label: (of_before[label], of_after[label]) for label in TOXICITY_LABELS
    }
    names[RELEVANCE] = RELEVANT, RELEVANT
    for name, (low, high) in names.items():
        if _is_labelled(table, name):
            continue
        was, now = _numbers(table, f"{before}{name}"), _numbers(table, name)
        known = ~(np.isnan(was) | np.isnan(now))
        if known.any():
            was, now = was[known], now[known]
            same = float(np.mean((was >= low) == (now >= high)))
            yield _unlabelled(data, name, was, now, same, "mean probability")
    if not _is_labelled(table, SPANS) and table.num_rows:
        old, new = table[f"{before}{SPANS}"].to_pylist(), table[SPANS].to_pylist()
        same = float(np.mean([one == other for one, other in zip(old, new, strict=True)]))
        had, has = (np.array([float(bool(spans)) for spans in column]) for column in (old, new))
        yield _unlabelled(data, SPANS, had, has, same, "share of comments with some")


def _unlabelled(
    data: str,
    name: str,
    was: NDArray[np.floating[Any]],
    now: NDArray[np.floating[Any]],
    same: float,
    what: str,
) -> Change:
    before, after = float(was.mean()), float(now.mean())
    title = f"{name.replace('_', ' ').capitalize()}, not labelled here: {what}"
    return Change(data, name, title, len(was), before, after, after - before, None, None, same)


def _is_labelled(table: Any, name: str) -> bool:
    return bool(table[f"gold_{name}"].null_count < table.num_rows)


def _numbers(table: Any, column: str) -> NDArray[np.floating[Any]]:
    return np.asarray(table[column].to_numpy(zero_copy_only=False), dtype=float)


def by_data(found: Sequence[Change]) -> dict[str, list[Change]]:
    """Return changes by the rows that they are of, in their order."""
    grouped: dict[str, list[Change]] = {}
    for change in found:
        grouped.setdefault(change.data, []).append(change)
    return grouped

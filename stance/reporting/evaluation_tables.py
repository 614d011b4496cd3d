"""The tables of an evaluation report, as cells of text that a page and a Markdown file share."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from stance.evaluation.results import (
    Classification,
    Comparison,
    EqualisedOdds,
    Evaluation,
    Figure,
    FunctionRow,
    IdentityBias,
    Reliability,
    Requirement,
    Skipped,
    Slicing,
    ThresholdCurve,
    ThresholdPoint,
)
from stance.reporting.evaluation_words import (
    NONE,
    few_words,
    interval_words,
    label_words,
    number,
    p_words,
    part_words,
    requirement_words,
    share_words,
    shortened,
    signed,
    verdict,
)

_NOT_NUMBER = re.compile(r"[^\d\s.,+()%–−]")
MAX_CELL = 500  # characters
MAX_ROWS = 200  # of any table; a data set may bring as many groups or reasons as it likes


@dataclass(frozen=True, slots=True)
class Table:
    """Cells of text, none of it escaped.

    Parameters
    ----------
    caption : str
    columns : tuple of str
    rows : tuple of tuples of str
        The first cell of each is its heading.
    numeric : tuple of bool
        Which columns hold numbers alone.
    left_out : int
        Rows beyond `MAX_ROWS`.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    left_out: int = 0

    def groups(self) -> list[tuple[str, list[tuple[str, ...]]]]:
        """Return runs of rows with the same heading, each with it."""
        return [(name, list(rows)) for name, rows in groupby(self.rows, key=lambda row: row[0])]


def _table(caption: str, columns: Sequence[str], rows: Iterable[tuple[str, ...]]) -> Table:
    """Return a bounded table, without the columns where no row says anything.

    >>> _table("Trams", ("line", "n", "remark"), [("1", "3", ""), ("2", "4", "")]).columns
    ('line', 'n')
    """
    cells = list(rows)
    kept = [
        place
        for place in range(len(columns))
        if place == 0 or not cells or any(row[place] for row in cells)
    ]
    return Table(
        caption,
        tuple(columns[place] for place in kept),
        tuple(tuple(shortened(row[place], MAX_CELL) for place in kept) for row in cells[:MAX_ROWS]),
        tuple(place > 0 and all(_is_number(row[place]) for row in cells) for place in kept),
        max(0, len(cells) - MAX_ROWS),
    )


def _is_number(cell: str) -> bool:
    """Return whether a cell is a number, or a count of a whole or with its share.

    >>> [_is_number(cell) for cell in ("−0.350", "640 of 1,020 (63%)", "2,000 toxic", "", "–")]
    [True, True, False, True, True]
    """
    return not _NOT_NUMBER.search(cell.replace(" of ", " ").replace(" to ", " "))


# Figures


def overview_table(evaluations: Sequence[Evaluation]) -> Table:
    """Return the headline figures of all data sets, baselines beside them."""
    return _table(
        "Headline figures of all data sets",
        ("data", "figure", "value", "95% interval", "rows", "beside it"),
        (
            (
                found.title,
                figure.title,
                number(figure.value),
                interval_words(figure.interval),
                _rows_of(figure),
                "; ".join(
                    f"{name} {number(value)}"
                    for name, value in (*baselines(found, figure.key), *published(figure))
                ),
            )
            for found in evaluations
            for figure in found.figures
            if figure.headline
        ),
    )


def figure_table(found: Evaluation) -> Table:
    """Return every figure that has a name of its own."""
    return _table(
        f"All figures on {found.title}",
        ("figure", "value", "95% interval", "rows", "name for machines", "remark"),
        (
            (
                figure.title,
                number(figure.value),
                interval_words(figure.interval),
                _rows_of(figure),
                figure.key,
                "; ".join(
                    filter(
                        None,
                        ("" if figure.higher_is_better else "lower is better", figure.note),
                    )
                ),
            )
            for figure in found.figures
        ),
    )


def baselines(found: Evaluation, key: str) -> list[tuple[str, float | None]]:
    """Return what each baseline has for a figure, by its name."""
    return [
        (comparison.baseline, difference.baseline)
        for comparison in found.comparisons
        for difference in comparison.differences
        if difference.key == key
    ]


def published(figure: Figure) -> list[tuple[str, float]]:
    """Return what others published for a figure, by the name of their system."""
    return [(f"{other.system} (published)", other.value) for other in figure.published]


def _rows_of(figure: Figure) -> str:
    rows = f"{figure.n:,}"
    if figure.positives is not None:
        rows += f", {figure.positives:,} positive"
    return f"{rows}: too few to tell" if few_words(figure) else rows


def label_table(found: Evaluation) -> Table:
    """Return which labels the data has, and how often."""
    return _table(
        "Labels in the data",
        ("label", "rows with it", "of them"),
        (
            (
                label_words(label.label),
                f"{label.n:,}",
                ", ".join(
                    f"{count:,} {_value_words(value)}" for value, count in label.values.items()
                ),
            )
            for label in found.counts.labels
        ),
    )


def _value_words(value: str) -> str:
    return {"1": "so", "0": "not so"}.get(value, value)


# Classes, calibration, thresholds


def class_table(found: Classification) -> Table:
    """Return precision, recall and F1 of each class, with the counts that they come from."""
    return _table(
        f"{found.title}: precision, recall and F1 by class",
        ("class", "precision", "correct of predicted", "recall", "correct of labelled", "F1"),
        (
            (
                label_words(row.label),
                number(row.precision),
                f"{row.correct:,} of {row.predicted:,}",
                number(row.recall),
                f"{row.correct:,} of {row.gold:,}",
                number(row.f1),
            )
            for row in found.classes
        ),
    )


def confusion_table(found: Classification) -> Table:
    """Return the confusion matrix, shares of each label beside its counts."""
    return _table(
        f"{found.title}: labels against predictions",
        ("labelled", *(f"predicted {label_words(label)}" for label in found.labels), "rows"),
        (
            (
                label_words(label),
                *(_count_share(count, sum(counts)) for count in counts),
                f"{sum(counts):,}",
            )
            for label, counts in zip(found.labels, found.confusion, strict=True)
        ),
    )


def _count_share(count: int, whole: int) -> str:
    return f"{count:,} ({share_words(count / whole)})" if whole else f"{count:,}"


def calibration_table(reliabilities: Sequence[Reliability]) -> Table:
    """Return calibration error, Brier score and skill of each label."""
    return _table(
        "Calibration",
        (
            "question",
            "expected calibration error",
            "95% interval",
            "Brier score",
            "Brier skill",
            "share that is so",
            "rows",
        ),
        (
            (
                found.title,
                number(found.expected_calibration_error.value),
                interval_words(found.expected_calibration_error.interval),
                number(found.brier.value),
                number(found.brier_skill.value),
                number(found.base_rate),
                f"{found.n:,}",
            )
            for found in reliabilities
        ),
    )


def bin_table(found: Reliability) -> Table:
    """Return the points of a reliability curve."""
    return _table(
        f"{found.title}: share by probability",
        ("probability", "rows", "mean probability", "share"),
        (
            (
                f"{part.low:.2f} to {part.high:.2f}",
                f"{part.n:,}",
                number(part.mean_probability),
                number(part.share),
            )
            for part in found.bins
        ),
    )


def threshold_table(curve: ThresholdCurve) -> Table:
    """Return precision and recall at each tenth, and at the shipped threshold."""
    tenths = {
        min(curve.points, key=lambda point: abs(point.threshold - n / 10)).threshold
        for n in range(11)
        if curve.points
    }
    points = [point for point in curve.points if point.threshold in tenths]
    points = [point for point in points if point.threshold != curve.shipped.threshold]
    points = sorted([*points, curve.shipped], key=lambda point: point.threshold)
    return _table(
        f"{label_words(curve.label).capitalize()}: precision and recall by threshold",
        ("threshold", "precision", "recall", "rows flagged", "remark"),
        (_point_row(point, curve) for point in points),
    )


def _point_row(point: ThresholdPoint, curve: ThresholdCurve) -> tuple[str, ...]:
    return (
        f"{point.threshold:.2f}",
        number(point.precision),
        number(point.recall),
        part_words(point.flagged, curve.n),
        "shipped" if point is curve.shipped else "",
    )


# Slices and bias


def slice_table(found: Slicing) -> Table:
    """Return the figure of each slice."""
    return _table(
        f"{found.title}: {found.figure_title}",
        ("slice", found.figure_title, "95% interval", "rows", "positive", "remark"),
        (
            (
                part.value,
                number(part.figure),
                interval_words(part.interval),
                f"{part.n:,}",
                "" if part.positives is None else f"{part.positives:,}",
                "too small to tell" if part.too_small else "worst" if part.worst else "",
            )
            for part in found.slices
        ),
    )


def bias_table(found: IdentityBias) -> Table:
    """Return the three AUCs over all terms."""
    return _table(
        "ROC-AUC over the identity terms",
        ("figure", "generalised mean", "95% interval", "mean", "lowest", "lowest for"),
        (
            (
                summary.title,
                number(summary.generalised_mean.value),
                interval_words(summary.generalised_mean.interval),
                number(summary.mean.value),
                number(summary.least.value),
                summary.least_term or NONE,
            )
            for summary in found.summaries
        ),
    )


def term_table(found: IdentityBias) -> Table:
    """Return the three AUCs of each identity term."""
    return _table(
        "ROC-AUC around each identity term",
        ("term", "rows", "toxic", "subgroup AUC", "BPSN AUC", "BNSP AUC", "remark"),
        (
            (
                term.term,
                f"{term.n:,}",
                f"{term.positives:,}",
                number(term.subgroup_auc),
                number(term.bpsn_auc),
                number(term.bnsp_auc),
                "too small to tell" if term.too_small else "",
            )
            for term in found.terms
        ),
    )


def odds_table(found: EqualisedOdds) -> Table:
    """Return by how much the groups differ."""
    return _table(
        f"Largest less smallest rate, by {found.column}",
        ("difference", "value", "95% interval", "rows"),
        (
            (title, number(figure.value), interval_words(figure.interval), f"{figure.n:,}")
            for title, figure in (
                ("rightly flagged (true positive rate)", found.true_positive_difference),
                ("wrongly flagged (false positive rate)", found.false_positive_difference),
                ("equalised odds: the larger of both", found.equalised_odds_difference),
            )
        ),
    )


def group_table(found: EqualisedOdds) -> Table:
    """Return how often each group is flagged, rightly and wrongly."""
    return _table(
        f"Flagged at {found.threshold:.2f} by {found.column}",
        ("group", "rightly flagged", "of those so", "wrongly flagged", "of the others", "remark"),
        (
            (
                group.value,
                number(group.true_positive_rate),
                f"{group.positives:,}",
                number(group.false_positive_rate),
                f"{group.n - group.positives:,}",
                "too small to tell" if group.too_small else "",
            )
            for group in found.groups
        ),
    )


def function_table(functions: Sequence[FunctionRow], caption: str) -> Table:
    """Return the pass rate of each functional test."""
    return _table(
        caption,
        ("functional test", "passed", "share", "95% interval", "expected", "name", "remark"),
        (
            (
                row.description or row.function,
                f"{row.passed:,} of {row.n:,}",
                number(row.rate),
                interval_words(row.interval),
                row.expected,
                row.function,
                "worst" if row.worst else "",
            )
            for row in functions
        ),
    )


# Comparison


def difference_table(found: Comparison) -> Table:
    """Return each figure of the model and of the baseline, and their difference."""
    counts = {item.n for item in found.differences}
    same = f", on the same {min(counts):,} rows" if len(counts) == 1 else ""
    return _table(
        f"Model and {found.baseline}{same}",
        ("figure", "model", "baseline", "verdict", "difference", "95% interval", "rows"),
        (
            (
                item.title if item.higher_is_better else f"{item.title} (lower is better)",
                number(item.model),
                number(item.baseline),
                verdict(item),
                signed(item.difference),
                interval_words(item.interval, signed),
                "" if same else f"{item.n:,}",
            )
            for item in found.differences
        ),
    )


def mcnemar_table(found: Comparison) -> Table:
    """Return how often either is right."""
    return _table(
        f"Rows that the model and {found.baseline} get right",
        ("task", "both right", "only the model", "only the baseline", "both wrong", "p"),
        (
            (
                label_words(test.task),
                f"{test.both_right:,}",
                f"{test.only_model_right:,}",
                f"{test.only_baseline_right:,}",
                f"{test.both_wrong:,}",
                p_words(test.p_value),
            )
            for test in found.tests
        ),
    )


# Rows left out, and what was asked for


def skipped_table(skipped: Sequence[Skipped]) -> Table:
    """Return why rows were left out, with the first few of each kind."""
    return _table(
        "Rows left out",
        ("reason", "rows", "the first of them", "remark"),
        (
            (
                item.reason,
                f"{item.count:,}",
                "; ".join(item.rows),
                "nothing wrong: nobody labelled them" if item.unlabelled else "",
            )
            for item in skipped
        ),
    )


def requirement_table(requirements: Sequence[Requirement]) -> Table:
    """Return what was asked for with `--require`, and what was found."""
    return _table(
        "Requirements",
        ("figure", "data", "asked for", "found", "outcome"),
        (
            (
                item.key,
                item.data,
                requirement_words(item),
                number(item.value),
                "met" if item.met else "not met",
            )
            for item in requirements
        ),
    )

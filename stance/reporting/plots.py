"""The plots of an evaluation report, as SVG that a page without network and styles can hold.

matplotlib draws them; what it writes is then made fit for a page with a strict content security
policy: no style attribute or element, text as text, ids that begin with the plot's own. Colours
are classes, which the page's style sheet turns into light ones, dark ones or ink. What colour tells
is told by a shape, a dash or a word too.
"""

import io
import re
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from lxml import etree
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from stance.evaluation.results import (
    Classification,
    Comparison,
    EqualisedOdds,
    FunctionRow,
    IdentityBias,
    Interval,
    Reliability,
    Slice,
    Slicing,
    ThresholdCurve,
)
from stance.reporting.visible import make_line
from stance.scoring.summary import wilson

MAX_FOREST = 24  # rows of one plot; the table beside it has them all
MAX_SMALL = 12  # rows from which slices that are too small to tell are not drawn
MAX_TERMS = 40
FEW = 10  # rows; a point of fewer is hollow
MAX_MATRIX = 8  # labels of a confusion matrix that is drawn

WIDTH = 360.0  # of every drawing, in units of about a pixel on a phone
_LINE_HEIGHT = 14.0
_COLUMNS = 50  # characters of plain text in that width

# Stand-ins, turned into classes before anyone sees them.
_INK, _QUIET, _LINE = "#000001", "#000002", "#000003"
_FIRST, _SECOND, _THIRD, _CARD = "#000004", "#000005", "#000006", "#000007"
_CLASSES = {
    _INK: "ink",
    _QUIET: "quiet",
    _LINE: "line",
    _FIRST: "first",
    _SECOND: "second",
    _THIRD: "third",
    _CARD: "card",
}

_GROUND = {"facecolor": _CARD, "edgecolor": "none", "pad": 1.5}  # keeps lines off the words

_THEME: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "stance",
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.size": 12,
    "text.color": _INK,
    "axes.facecolor": "none",
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": _LINE,
    "grid.linewidth": 0.7,
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.borderpad": 0,
    "legend.borderaxespad": 0,
    "legend.handlelength": 2.4,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}


@contextmanager
def _theme() -> Iterator[None]:
    """Draw in our way whatever the user's matplotlibrc says."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update(_THEME)
        # The page's own fonts show what matplotlib's lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


# Calibration


@_theme()
def reliability_plot(found: Reliability, ident: str) -> str:
    """Return the reliability curve: of the rows at each probability, how many are so.

    Parameters
    ----------
    found : Reliability
    ident : str
        What all ids in the drawing begin with; unlike that of any other drawing on the page.

    Returns
    -------
    str
        An `svg` element.
    """
    height = 344.0
    figure = _figure(height)
    axes = _axes(figure, height, left=40, top=20, width=308, height=236)
    rows = _axes(figure, height, left=40, top=272, width=308, height=36)
    axes.plot([0, 1], [0, 1], color=_QUIET, linestyle=(0, (2, 3)), linewidth=1.2, label="perfect")
    filled = [part for part in found.bins if part.share is not None]
    if filled:
        x = [part.mean_probability or 0.0 for part in filled]
        y = [part.share or 0.0 for part in filled]
        reach = [wilson(round(part.n * (part.share or 0)), part.n) for part in filled]
        ends = [
            [max(0.0, share.share - share.low) for share in reach],
            [max(0.0, share.high - share.share) for share in reach],
        ]
        axes.errorbar(x, y, yerr=ends, color=_FIRST, ecolor=_FIRST, elinewidth=1.2, fmt="none")
        axes.plot(x, y, color=_FIRST, linewidth=1.8)
        for few, fill in ((False, _FIRST), (True, _CARD)):
            axes.plot(
                [place for place, part in zip(x, filled, strict=True) if (part.n < FEW) == few],
                [place for place, part in zip(y, filled, strict=True) if (part.n < FEW) == few],
                color=_FIRST,
                linestyle="none",
                marker="o",
                markersize=6,
                markerfacecolor=fill,
            )
    _unit_range(axes, "both")
    axes.set_xticklabels([])
    _above(axes, "share of rows that are so" if found.key != "stance" else "share that is right")
    # Above the field, where no interval can cross the word.
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.022), labelcolor=_QUIET)
    widths = [part.high - part.low for part in found.bins]
    rows.bar(
        [part.low for part in found.bins],
        [part.n for part in found.bins],
        width=[0.88 * width for width in widths],
        align="edge",
        color=_QUIET,
    )
    most = max((part.n for part in found.bins), default=0)
    _unit_range(rows, "x")
    rows.set_ylim(0, max(most, 1) * 1.05)
    rows.set_yticks([max(most, 1)], [_short_count(most)])
    rows.set_xlabel("probability that the model gives; grey: rows", labelpad=4)
    error = found.expected_calibration_error.value
    return _svg(
        figure,
        ident,
        f"Reliability curve: {found.title}",
        f"{len(filled)} groups of {found.n:,} rows by probability, with 95% intervals. "
        + (f"Expected calibration error {error:.3f}. " if error is not None else "")
        + "On the dotted diagonal the probabilities would be right.",
    )


# Thresholds


@_theme()
def threshold_plot(curve: ThresholdCurve, ident: str) -> str:
    """Return precision and recall of a label against its threshold, the shipped one marked."""
    height = 294.0
    figure = _figure(height)
    axes = _axes(figure, height, left=40, top=52, width=308, height=204)
    x = [point.threshold for point in curve.points]
    precision = [np.nan if point.precision is None else point.precision for point in curve.points]
    axes.plot(x, precision, color=_FIRST, linewidth=2, label="precision")
    axes.plot(
        x,
        [point.recall for point in curve.points],
        color=_SECOND,
        linewidth=2,
        linestyle=(0, (5, 2)),
        label="recall",
    )
    shipped = curve.shipped
    axes.axvline(shipped.threshold, color=_INK, linewidth=1.2, linestyle=(0, (1, 2)))
    if shipped.precision is not None:
        axes.plot(shipped.threshold, shipped.precision, "o", color=_FIRST, markersize=7)
    axes.plot(shipped.threshold, shipped.recall, "s", color=_SECOND, markersize=7)
    is_right = shipped.threshold > 0.5
    axes.annotate(
        f"shipped {shipped.threshold:.2f}",
        (shipped.threshold, 1.0),
        xytext=(-5 if is_right else 5, 4),
        textcoords="offset points",
        ha="right" if is_right else "left",
        va="bottom",
        annotation_clip=False,
    )
    _unit_range(axes, "both")
    axes.set_xlabel("threshold: flagged from this probability on", labelpad=4)
    _legend(axes, 2, y=1.13)
    told = "nothing flagged" if shipped.precision is None else f"{shipped.precision:.3f}"
    return _svg(
        figure,
        ident,
        f"Precision and recall against threshold: {_words(curve.label)}",
        f"At the shipped threshold of {shipped.threshold:.2f}: precision {told}, recall "
        f"{shipped.recall:.3f}, {shipped.flagged:,} of {curve.n:,} rows flagged.",
    )


# Confusion matrices


@_theme()
def confusion_plot(found: Classification, ident: str) -> str:
    """Return the confusion matrix: rows as people labelled them, columns as the model does."""
    labels = [_wrapped(label) for label in found.labels]
    side, left, top = 270.0 / len(labels), 86.0, 60.0
    tall = min(side, 74.0)
    height = top + tall * len(labels) + 8
    figure = _figure(height)
    axes = _axes(figure, height, left=left, top=top, width=270, height=tall * len(labels))
    axes.set_axis_off()
    axes.set_xlim(0, len(labels))
    axes.set_ylim(len(labels), 0)
    for i, counts in enumerate(found.confusion):
        total = sum(counts)
        axes.text(-0.06, i + 0.5, labels[i], ha="right", va="center", transform=axes.transData)
        for j, count in enumerate(counts):
            share = count / total if total else 0.0
            colour = _FIRST if i == j else _SECOND
            axes.add_patch(
                Rectangle((j, i), 1, 1, facecolor=colour, edgecolor="none", alpha=0.55 * share)
            )
            axes.add_patch(
                Rectangle(
                    (j, i),
                    1,
                    1,
                    facecolor="none",
                    edgecolor=_INK if i == j else _LINE,
                    linewidth=1.4 if i == j else 0.8,
                    zorder=3 if i == j else 2,
                )
            )
            share_words = f"{share:.0%}" if total else "–"
            axes.text(j + 0.5, i + 0.36, f"{count:,}", ha="center", va="center", weight="bold")
            axes.text(j + 0.5, i + 0.7, share_words, ha="center", va="center")
    for j, label in enumerate(labels):
        axes.text(j + 0.5, -0.06 * 74 / tall, label, ha="center", va="bottom")
    _place(figure, height, 0, 12, "labelled ↓", color=_QUIET)
    _place(figure, height, left, 12, "predicted →", color=_QUIET)
    right = sum(found.confusion[i][i] for i in range(len(labels)))
    return _svg(
        figure,
        ident,
        f"Confusion matrix: {found.title}",
        f"{right:,} of {found.n:,} rows lie on the diagonal, where model and label agree. Each "
        "cell has the number of rows and their share of the label.",
    )


# Intervals in rows


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a forest plot."""

    label: str
    told: str
    value: float | None
    interval: Interval | None
    kind: str = "plain"  # or "worst", "small"


def drawn_slices(found: Slicing) -> list[Slice]:
    """Return the slices for a plot: the largest that tell, the worst, and a few small ones."""
    telling = [part for part in found.slices if not part.too_small]
    small = [part for part in found.slices if part.too_small]
    kept = [*telling[:MAX_FOREST], *(part for part in telling[MAX_FOREST:] if part.worst)]
    kept += small[: max(0, MAX_SMALL - len(kept))]
    return [part for part in found.slices if part in kept]


@_theme()
def slice_plot(found: Slicing, ident: str) -> str:
    """Return the figure of each slice with its interval, and of all rows as a line."""
    rows = [
        _Row(
            part.value,
            f"{_figure_words(part.figure)} · n {part.n:,}",
            part.figure,
            part.interval,
            "small" if part.too_small else "worst" if part.worst else "plain",
        )
        for part in drawn_slices(found)
    ]
    worst = next((part for part in found.slices if part.worst), None)
    small = sum(part.too_small for part in found.slices)
    description = f"{len(rows)} slices with 95% intervals. "
    if worst is not None:
        description += f"Worst: {make_line(worst.value)}, {_figure_words(worst.figure)}. "
    if small:
        description += f"{small} of {len(found.slices)} are too small to tell. "
    if found.whole is not None:
        description += f"All rows: {found.whole:.3f}."
    figure = _forest(rows, (found.figure_title,), line=found.whole, line_name="all rows")
    return _svg(figure, ident, f"{found.title}: {found.figure_title}", description)


@_theme()
def function_plot(functions: Sequence[FunctionRow], ident: str, title: str) -> str:
    """Return the pass rate of each functional test with its interval, from none to all."""
    rows = [
        _Row(
            row.description or row.function,
            f"{row.passed}/{row.n}",
            row.rate,
            row.interval,
            "worst" if row.worst else "plain",
        )
        for row in functions
    ]
    figure = _forest(rows, ("share of test cases passed",), limits=(0.0, 1.0))
    least = min(functions, key=lambda row: row.rate)
    return _svg(
        figure,
        ident,
        title,
        f"{len(rows)} functional tests with 95% intervals. Lowest: "
        f"{make_line(least.description or least.function)}, {least.passed} of {least.n} passed.",
    )


@_theme()
def difference_plot(found: Comparison, ident: str) -> str:
    """Return by how much the model is better or worse than the baseline, figure by figure.

    Figures that are better when lower are turned, so that right of the line is always better.
    """
    rows = []
    for item in found.differences:
        if item.difference is None:
            continue
        sign = 1 if item.higher_is_better else -1
        interval = item.interval and Interval(
            *sorted((sign * item.interval.low, sign * item.interval.high))
        )
        is_clear = interval is not None and not interval.low <= 0 <= interval.high
        rows.append(
            _Row(
                item.title if item.higher_is_better else f"{item.title} (turned)",
                f"{sign * item.difference:+.3f}".replace("-", "−"),
                sign * item.difference,
                interval,
                "plain" if is_clear else "small",
            )
        )
    figure = _forest(
        rows[:MAX_FOREST], ("← baseline better", "model better →"), line=0.0, signed=True
    )
    clear = sum(row.kind == "plain" for row in rows)
    return _svg(
        figure,
        ident,
        f"The model less {make_line(found.baseline)}",
        f"{len(rows)} figures with 95% intervals, paired on the same rows. For {clear} of them the "
        "interval leaves out zero.",
    )


_MARKS: dict[str, dict[str, Any]] = {
    "plain": {"marker": "o", "color": _FIRST, "markerfacecolor": _FIRST},
    "worst": {"marker": "D", "color": _SECOND, "markerfacecolor": _SECOND},
    "small": {"marker": "o", "color": _QUIET, "markerfacecolor": _CARD},
}


def _forest(
    rows: Sequence[_Row],
    x_titles: Sequence[str],
    *,
    line: float | None = None,
    line_name: str = "",
    limits: tuple[float, float] | None = None,
    signed: bool = False,
) -> Figure:
    """Draw one line a row: its name and figure in words, and below them its interval.

    The axis has one title, or one at either end.
    """
    names = [_lines(row.label, _COLUMNS - len(_told(row)) - 2) for row in rows]
    ends = np.cumsum([0, *(22 + _LINE_HEIGHT * len(lines) for lines in names)])
    top = 24.0 if line_name else 6.0
    height = float(top + ends[-1] + 38)
    figure = _figure(height)
    axes = _axes(figure, height, left=12, top=top, width=336, height=float(ends[-1]))
    axes.set_ylim(ends[-1], 0)
    axes.set_xlim(*(limits or _limits(rows, line, signed)))
    # Labels at the very ends would be cut off, many would run together.
    axes.xaxis.set_major_locator(MaxNLocator(6, prune=None if limits else "both"))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    if line is not None:
        axes.axvline(line, color=_INK, linewidth=1.2, linestyle=(0, (1, 2)))
    if line is not None and line_name:
        low, high = axes.get_xlim()
        place = (line - low) / (high - low)
        side = "left" if place < 0.2 else "right" if place > 0.8 else "center"
        axes.text(line, -2, f"{line_name} {line:.3f}", ha=side, va="bottom")
    for start, end, row, lines in zip(ends, ends[1:], rows, names, strict=False):
        _forest_row(axes, row, lines, float(start), float(end))
    for x, side, text in zip((0, 1), ("left", "right"), x_titles[-2:], strict=False):
        axes.annotate(
            _cut(text, _COLUMNS),
            (x if len(x_titles) > 1 else 0.5, 0),
            xycoords="axes fraction",
            xytext=(0, -20),
            textcoords="offset points",
            ha=side if len(x_titles) > 1 else "center",
            va="top",
            color=_QUIET,
        )
    return figure


def _forest_row(axes: Axes, row: _Row, lines: Sequence[str], start: float, end: float) -> None:
    weight = "bold" if row.kind == "worst" else "normal"
    texts = [(0, "left", number, text) for number, text in enumerate(lines)]
    for x, side, number, text in (*texts, (1, "right", 0, _told(row))):
        axes.text(
            x,
            start + 11 + _LINE_HEIGHT * number,
            text,
            ha=side,
            va="center",
            weight=weight,
            transform=axes.get_yaxis_transform(),
            bbox=_GROUND,
        )
    if row.value is None:
        return
    mark = _MARKS[row.kind]
    if row.interval is not None:
        axes.plot(
            [row.interval.low, row.interval.high],
            [end - 10] * 2,
            color=mark["color"],
            linewidth=2,
            linestyle=(0, (2, 2)) if row.kind == "small" else "-",
        )
    axes.plot(row.value, end - 10, markersize=7, markeredgewidth=1.5, clip_on=False, **mark)


def _told(row: _Row) -> str:
    return row.told + (" · worst" if row.kind == "worst" else "")


def _limits(rows: Sequence[_Row], line: float | None, signed: bool) -> tuple[float, float]:
    """Return an axis that holds all intervals, ending on twentieths."""
    values = [] if line is None else [line]
    for row in rows:
        values += [row.value] if row.value is not None else []
        values += [row.interval.low, row.interval.high] if row.interval is not None else []
    if signed:
        most = max(map(abs, values), default=0.0) * 1.08 or 0.05
        return (-most, most)
    return _hull(values)


def _hull(values: Sequence[float]) -> tuple[float, float]:
    """Return limits of a figure between 0 and 1 that hold all values.

    >>> _hull([0.62, 0.8])
    (0.6, 0.85)
    >>> _hull([1.0])
    (0.9, 1.0)
    """
    if not values:
        return (0.0, 1.0)
    low = np.floor(20 * (min(values) - 0.01)) / 20
    high = np.ceil(20 * (max(values) + 0.01)) / 20
    if low >= 0:
        high = min(1.0, high)
    return (float(min(low, high - 0.1)), float(round(high, 2)))


# Points in rows


@_theme()
def term_plot(found: IdentityBias, ident: str) -> str:
    """Return the three AUCs of each identity term that is not too small."""
    terms = [term for term in found.terms if not term.too_small][:MAX_TERMS]
    rows = [(term.term, (term.subgroup_auc, term.bpsn_auc, term.bnsp_auc)) for term in terms]
    figure = _points(rows, ("subgroup", "BPSN", "BNSP"), "ROC-AUC", found.overall_auc.value)
    told = [term for term in terms if term.bpsn_auc is not None]
    least = min(told, key=lambda term: term.bpsn_auc or 0.0, default=None)
    return _svg(
        figure,
        ident,
        "ROC-AUC around each identity term",
        f"{len(terms)} terms, three figures each."
        + (
            f" Lowest BPSN AUC: {make_line(least.term)}, {least.bpsn_auc:.3f}."
            if least is not None
            else ""
        ),
    )


@_theme()
def group_plot(found: EqualisedOdds, ident: str) -> str:
    """Return how often each group that is not too small is flagged, rightly and wrongly."""
    groups = [group for group in found.groups if not group.too_small][:MAX_TERMS]
    rows = [
        (group.value, (group.true_positive_rate, group.false_positive_rate)) for group in groups
    ]
    names = ("rightly flagged", "wrongly flagged")
    figure = _points(rows, names, "share of the group's rows", None, limits=(0.0, 1.0))
    return _svg(
        figure,
        ident,
        f"Flagged by {make_line(found.column)}",
        f"{len(groups)} groups: share of their {_words(found.label)} rows that are flagged, and of "
        "the others.",
    )


_SERIES = (("o", _FIRST, True), ("D", _SECOND, True), ("s", _INK, False))


def _points(
    rows: Sequence[tuple[str, Sequence[float | None]]],
    names: Sequence[str],
    x_title: str,
    line: float | None,
    *,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw one line a row: its name at the left, one mark for each of its values."""
    pitch, left, top = 20.0, 112.0, 44.0
    height = top + pitch * len(rows) + 38
    figure = _figure(height)
    axes = _axes(
        figure, height, left=left, top=top, width=WIDTH - left - 16, height=pitch * len(rows)
    )
    values = [value for _, own in rows for value in own if value is not None]
    axes.set_xlim(*(limits or _hull([*values, line] if line is not None else values)))
    axes.set_ylim(len(rows), 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    if line is not None:
        axes.axvline(line, color=_INK, linewidth=1.2, linestyle=(0, (1, 2)))
        axes.text(line, -0.1, f"overall {line:.3f}", ha="right", va="bottom")
    for place, (name, own) in enumerate(rows):
        axes.text(
            -0.03,
            place + 0.5,
            _cut(name, 17),
            ha="right",
            va="center",
            transform=axes.get_yaxis_transform(),
        )
        told = [value for value in own if value is not None]
        axes.plot([min(told, default=0), max(told, default=0)], [place + 0.5] * 2, color=_LINE)
    for number, name in enumerate(names):
        marker, colour, is_filled = _SERIES[number]
        points = [(own[number], place + 0.5) for place, (_, own) in enumerate(rows)]
        axes.plot(
            [np.nan if x is None else x for x, _ in points],
            [y for _, y in points],
            linestyle="none",
            marker=marker,
            color=colour,
            markerfacecolor=colour if is_filled else "none",
            markeredgewidth=1.5,
            markersize=7,
            clip_on=False,
            label=name,
        )
    axes.set_xlabel(x_title, labelpad=4)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(0, 1 - 4 / height),
        ncols=len(names),
        handletextpad=0.2,
        columnspacing=1.2,
        handlelength=1.4,
    )
    return figure


# Parts of drawings


def _figure(height: float) -> Figure:
    return Figure(figsize=(WIDTH / 72, height / 72), dpi=72)


def _axes(
    figure: Figure, whole: float, *, left: float, top: float, width: float, height: float
) -> Axes:
    """Return a field of a drawing that is `whole` units high, measured from its upper left."""
    bottom = whole - top - height
    return figure.add_axes((left / WIDTH, bottom / whole, width / WIDTH, height / whole))


def _place(figure: Figure, whole: float, x: float, y: float, text: str, **style: str) -> None:
    figure.text(x / WIDTH, 1 - y / whole, text, va="center", **style)  # type: ignore[arg-type]


def _unit_range(axes: Axes, which: str) -> None:
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    if which in ("x", "both"):
        axes.set_xlim(0, 1)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    if which in ("y", "both"):
        axes.set_ylim(0, 1.02)
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.grid()


def _above(axes: Axes, text: str) -> None:
    axes.annotate(
        text,
        (0, 1),
        xycoords="axes fraction",
        xytext=(-36, 8),
        textcoords="offset points",
        color=_QUIET,
    )


def _legend(axes: Axes, columns: int, *, y: float) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(-0.12, y), ncols=columns, columnspacing=1.4)


def _figure_words(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"


def _words(label: str) -> str:
    return make_line(label).replace("_", " ")


def _short_count(count: int) -> str:
    """Return a count in five characters or less.

    >>> _short_count(999), _short_count(3006), _short_count(200_000), _short_count(1_234_567)
    ('999', '3,006', '200k', '1.2M')
    """
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1000:.0f}k" if count < 1_000_000 else f"{count / 1_000_000:.1f}M"


def _wrapped(label: str) -> str:
    r"""Return a label of at most two short lines.

    >>> _wrapped("not identity attack")
    'not identity\nattack'
    """
    words = _cut(label, 26).split(" ")
    splits = [(" ".join(words[:n]), " ".join(words[n:])) for n in range(1, len(words) + 1)]
    best = min(splits, key=lambda pair: max(_width(pair[0]), _width(pair[1])))
    whole = " ".join(words)
    return whole if _width(whole) <= 12 else "\n".join(filter(None, best))


def _cut(text: str, columns: int) -> str:
    """Return a text in one line of at most `columns`; East Asian characters take two.

    >>> _cut("nuclear power plants", 10)
    'nuclear p…'
    """
    line = re.sub("[\ufffe\uffff]", "\ufffd", make_line(text[: 8 * columns]))
    if len(text) <= 8 * columns and _width(line) <= columns:
        return line
    ends = np.cumsum([_width(char) for char in line])
    return line[: int(np.searchsorted(ends, columns - 1, side="right"))] + "…"


def _lines(text: str, columns: int) -> list[str]:
    """Return a text in one line or, at a space, in two.

    >>> _lines("close the old bridge to cars", 16)
    ['close the old', 'bridge to cars']
    """
    whole = _cut(text, 2 * columns)
    if _width(whole) <= columns:
        return [whole]
    breaks = [place for place, char in enumerate(whole) if char == " "]
    last = max((place for place in breaks if _width(whole[:place]) <= columns), default=0)
    if last == 0:
        return [_cut(whole, columns)]
    return [whole[:last], _cut(whole[last + 1 :], columns)]


def _width(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


# What matplotlib writes, made fit for a page


_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"^(?:url\()?#([^)]+)\)?$")


def _svg(figure: Figure, ident: str, title: str, description: str) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    root = etree.fromstring(stream.getvalue(), etree.XMLParser(resolve_entities=False))
    etree.strip_elements(root, "{*}metadata", "{*}style", etree.Comment, with_tail=False)
    for node in root.iter():
        _plain(node)
    _own_ids(root, ident)
    etree.strip_tags(root, "unwrapped")
    etree.cleanup_namespaces(root)
    root.attrib.clear()
    root.set("class", "chart")
    root.set("viewBox", f"0 0 {WIDTH:g} {72 * figure.get_figheight():g}")
    root.set("role", "img")
    root.set("aria-labelledby", f"{ident}-title {ident}-desc")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        child = etree.Element(tag, id=f"{ident}-{tag}")
        child.text = _cut(text, 400)
        root.insert(place, child)
    return etree.tostring(root, encoding="unicode")


def _plain(node: etree._Element) -> None:
    """Take the namespace, the style attribute and long numbers from an element."""
    node.tag = etree.QName(node).localname
    old = {str(name): str(value) for name, value in node.attrib.items()}
    classes = []
    for part in filter(None, (part.strip() for part in old.pop("style", "").split(";"))):
        name, value = (side.strip() for side in part.split(":", 1))
        if name in ("fill", "stroke") and value in _CLASSES:
            classes.append(f"{name}-{_CLASSES[value]}")
        elif name != "font-family":
            old[name] = value
    if classes:
        old["class"] = " ".join(classes)
    if old.get("transform", "").startswith("rotate(-0 "):
        del old["transform"]
    node.attrib.clear()
    for name, value in old.items():
        short = _NUMBER.sub(lambda match: f"{float(match.group()):.2f}", value)
        node.set(name.removeprefix("{http://www.w3.org/1999/xlink}"), " ".join(short.split()))
    node.text, node.tail = (
        (text if (text or "").strip() else None) for text in (node.text, node.tail)
    )


def _own_ids(root: etree._Element, ident: str) -> None:
    """Give what is referred to an id of this drawing, and take all other ids away."""
    names: dict[str, str] = {}
    for node in root.iter():
        for name, value in node.attrib.items():
            if match := _REFERENCE.match(str(value)):
                new = names.setdefault(match[1], f"{ident}-{len(names) + 1}")
                node.set(name, str(value).replace(match[1], new))
    for node in root.iter():
        own = node.get("id")
        if own is not None:
            del node.attrib["id"]
        if own in names:
            node.set("id", names[own])
        if node.tag == "g" and not node.attrib:
            node.tag = "unwrapped"

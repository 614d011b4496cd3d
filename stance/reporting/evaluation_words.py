"""What the figures of an evaluation mean, in one plain sentence each, and how they are written."""

from collections.abc import Callable

from stance.evaluation.results import (
    Bootstrap,
    Difference,
    EqualisedOdds,
    Figure,
    IdentityBias,
    Interval,
    McNemar,
    Reliability,
    Requirement,
    Slicing,
    ThresholdCurve,
)
from stance.evaluation.slices import LEAST_OF_BOTH, LEAST_OF_CLASS, LEAST_ROWS
from stance.words import count_words

NONE = "–"  # a figure that is not defined


def number(value: float | None) -> str:
    """Return a figure with three decimals and a true minus.

    Examples
    --------
    >>> number(0.64349), number(-0.35), number(None)
    ('0.643', '−0.350', '–')
    """
    return NONE if value is None else f"{value:.3f}".replace("-", "−")


def signed(value: float | None) -> str:
    """Return a difference, with its sign.

    Examples
    --------
    >>> signed(0.2), signed(-0.2), signed(0.0)
    ('+0.200', '−0.200', '0.000')
    """
    if value is None:
        return NONE
    return number(0.0) if round(value, 3) == 0 else f"{value:+.3f}".replace("-", "−")


def interval_words(interval: Interval | None, write: Callable[[float], str] = number) -> str:
    """Return both ends of an interval.

    Examples
    --------
    >>> interval_words(Interval(0.62, 0.66))
    '0.620 to 0.660'
    """
    return NONE if interval is None else f"{write(interval.low)} to {write(interval.high)}"


def part_words(count: int, whole: int) -> str:
    """Return how many of how many, and the share.

    Examples
    --------
    >>> part_words(640, 1020), part_words(0, 0)
    ('640 of 1,020 (63%)', '0 of 0')
    """
    return f"{count:,} of {whole:,}" + (f" ({share_words(count / whole)})" if whole else "")


def share_words(share: float) -> str:
    """Return a share in percent that says none or all only where it is so.

    Examples
    --------
    >>> share_words(0.127), share_words(0.001), share_words(0.999), share_words(1.0)
    ('13%', 'under 1%', 'over 99%', '100%')
    """
    if 0 < share < 0.005:
        return "under 1%"
    return "over 99%" if 0.995 <= share < 1 else f"{share:.0%}"


def label_words(label: str) -> str:
    """Return a label as people write it.

    Examples
    --------
    >>> label_words("identity_attack")
    'identity attack'
    """
    return label.replace("_", " ")


def shortened(text: str, most: int = 200) -> str:
    """Return a name that a user's data brought, cut where it is no name any more.

    Examples
    --------
    >>> shortened("nuclear energy", 10)
    'nuclear e…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


# What a figure means


def _of_100(value: float) -> str:
    """Return a share as so many of a hundred, without claiming none or all.

    >>> _of_100(0.643), _of_100(0.998), _of_100(1.0), _of_100(0.001)
    ('64 in 100', 'more than 99 in 100', '100 in 100', 'fewer than 1 in 100')
    """
    if 0 < value < 0.01:
        return "fewer than 1 in 100"
    if 0.99 < value < 1:
        return "more than 99 in 100"
    return f"{value:.0%}".rstrip("%") + " in 100"


def _points(value: float) -> str:
    points = 100 * value
    return f"{points:.1f} percentage points" if points < 10 else f"{points:.0f} percentage points"


def _f1(value: float) -> str:
    return "Misses and false alarms in one figure: 1 would be none of either, 0 nothing right."


def _skill(value: float) -> str:
    if value < 0:
        return (
            f"Worse than no model: its squared error is {-value:.0%} larger than that of always "
            "giving the base rate."
        )
    return (
        f"Its squared error is {value:.0%} smaller than that of always giving the base rate; "
        "100% would be perfect."
    )


# The first whose key ends so; a figure without any explains itself by its title.
_MEANINGS: tuple[tuple[str, Callable[[float], str]], ...] = (
    (
        "expected_calibration_error",
        lambda v: f"Its probabilities are off by {_points(v)} on average.",
    ),
    ("brier_skill", _skill),
    ("brier", lambda v: "Mean squared error of its probabilities: 0 would be perfect."),
    (
        "average_precision",
        lambda v: (
            "Going down from its highest probability, on average "
            f"{_of_100(v)} of the rows so far are truly so."
        ),
    ),
    (
        "auc",
        lambda v: (
            "Of a row that is so and one that is not, it puts the first above the other "
            f"{_of_100(v)} times; a coin would 50."
        ),
    ),
    (
        "balanced_accuracy",
        lambda v: (
            f"Were both classes equally common, it would get {_of_100(v)} right; a coin would 50."
        ),
    ),
    ("accuracy", lambda v: f"It labels {_of_100(v)} rows as people did."),
    (
        "character_f1",
        lambda v: (
            "How far the characters that it marks and those that people marked are the same: "
            "1 would be always, 0 never."
        ),
    ),
    (
        "macro_f1",
        lambda v: (
            "Misses and false alarms in one figure, rare labels counting like common ones: 1 would "
            "be none of either, 0 nothing right."
        ),
    ),
    ("f1", _f1),
    ("f_avg", _f1),
    ("precision", lambda v: f"Of the rows that it says are so, {_of_100(v)} are."),
    ("recall", lambda v: f"Of the rows that are so, it finds {_of_100(v)}."),
    (
        "false_positive_rate",
        lambda v: f"Of the rows that are not so, it flags {_of_100(v)} wrongly.",
    ),
    ("pass_rate", lambda v: f"It passes {_of_100(v)} test cases."),
    ("flagged", lambda v: f"It flags {_of_100(v)} of these rows."),
    ("difference", lambda v: f"Between the groups lie {_points(v)}."),
)


# Of two comments, a toxic and a harmless one: which of them name an identity term.
_PAIRS = {
    "subgroup_auc": "two comments that name it",
    "bpsn_auc": "a harmless comment that names it and a toxic one that does not",
    "bnsp_auc": "a toxic comment that names it and a harmless one that does not",
}
_OVER_TERMS = {
    "least": "For the term that is worst off",
    "mean": "On average over the terms",
    "generalised_mean": "Over the terms, the worst weighing most",
}


def _explain_bias(figure: Figure, value: float) -> str:
    """Return what an AUC over identity terms means; empty for other figures."""
    *_, metric, over = ("", "", *figure.key.split("."))
    if metric not in _PAIRS or over not in _OVER_TERMS:
        return ""
    return (
        f"{_OVER_TERMS[over]}: of {_PAIRS[metric]}, the toxic one is put above the other "
        f"{_of_100(value)} times; a coin would 50."
    )


def explain(figure: Figure) -> str:
    """Return what a figure means in one sentence; empty for a key that is not known.

    Parameters
    ----------
    figure : Figure

    Examples
    --------
    >>> explain(Figure("accuracy", "Accuracy", 0.659, 3006))
    'It labels 66 in 100 rows as people did.'
    >>> explain(Figure("insult.roc_auc", "ROC-AUC", None, 7, note="only one class is there"))
    'Not defined here: only one class is there.'
    """
    if figure.value is None:
        return f"Not defined here: {figure.note or 'no reason was given'}.".replace("..", ".")
    if found := _explain_bias(figure, figure.value):
        return found
    for ending, meaning in _MEANINGS:
        if ending in figure.key.rsplit(".", 1)[-1]:
            return meaning(figure.value)
    return ""


def reliability_words(found: Reliability) -> str:
    """Return whether the probabilities are too sure, not sure enough, or about right."""
    told = [part for part in found.bins if part.share is not None]
    rows = sum(part.n for part in told)
    error = found.expected_calibration_error
    if not rows or error.value is None:
        return explain(error)
    said = sum(part.n * (part.mean_probability or 0.0) for part in told) / rows
    true = sum(part.n * (part.share or 0.0) for part in told) / rows
    words = f"Its probabilities are off by {_points(error.value)} on average"
    if abs(said - true) >= 0.01 and abs(said - true) > error.value / 2:
        side = "high" if said > true else "low"
        what = "right" if found.key == "stance" else "so"
        words += f", mostly too {side}: they say {said:.0%} where {true:.0%} are {what}"
    return f"{words}."


def threshold_words(curve: ThresholdCurve) -> str:
    """Return what the shipped threshold gives."""
    shipped = curve.shipped
    flagged = part_words(shipped.flagged, curve.n)
    found = f"it finds {_of_100(shipped.recall)} of the {curve.positives:,} that are so"
    right = (
        ""
        if shipped.precision is None
        else f", and {_of_100(shipped.precision)} of its flags are right"
    )
    return (
        f"At the shipped threshold of {shipped.threshold:.2f} it flags {flagged}: {found}{right}."
    )


def slicing_words(found: Slicing) -> str:
    """Return the worst slice, and how many are too small to tell."""
    worst = next((part for part in found.slices if part.worst), None)
    small = sum(part.too_small for part in found.slices)
    words = []
    if worst is not None:
        whole = "" if found.whole is None else f", against {number(found.whole)} on all rows"
        words.append(
            f"Worst: “{shortened(worst.value)}” with {number(worst.figure)} "
            f"({interval_words(worst.interval)}, {count_words(worst.n, 'row')}){whole}."
        )
        if _holds(worst.interval, found.whole):
            words.append("Its interval holds the figure of all rows, so this may be chance.")
    elif found.slices:
        words.append("Fewer than two slices are large enough to name a worst.")
    if small:
        words.append(f"{small} of {count_words(len(found.slices), 'slice')} too small to tell.")
    if found.left_out:
        words.append(
            f"{count_words(found.left_out, 'smaller slice')} with "
            f"{count_words(found.left_out_rows, 'row')} are not listed."
        )
    return " ".join(words)


def few_words(figure: Figure) -> str:
    """Return a warning where a figure hangs on a handful of rows.

    Examples
    --------
    >>> few_words(Figure("roc_auc", "ROC-AUC", 1.0, 150, positives=2))
    'Only 2 of 150 rows are positive: too few to tell.'
    """
    if figure.value is None:
        return ""
    if figure.n < LEAST_ROWS:
        return f"Only {count_words(figure.n, 'row')}: too few to tell."
    if figure.positives is None:
        return ""
    for count, kind in (
        (figure.positives, "positive"),
        (figure.n - figure.positives, "not positive"),
    ):
        if count < LEAST_OF_BOTH:
            return f"Only {count:,} of {figure.n:,} rows are {kind}: too few to tell."
    return ""


def small_words() -> str:
    """Return from when on a slice, a term or a group counts as too small to tell."""
    return (
        f"Too small to tell are slices under {LEAST_ROWS} rows, under {LEAST_OF_CLASS} of a class "
        f"(macro-F1) or under {LEAST_OF_BOTH} with or without the label (toxicity), and identity "
        f"terms and groups under {LEAST_OF_BOTH} rows with or without it."
    )


def _holds(interval: Interval | None, value: float | None) -> bool:
    return interval is not None and value is not None and interval.low <= value <= interval.high


def bias_words(found: IdentityBias) -> str:
    """Return which term is worst off in each of the three ways."""
    meanings = {
        "subgroup_auc": "told apart worst among the comments that name it",
        "bpsn_auc": "harmless comments that name it score like toxic ones",
        "bnsp_auc": "toxic comments that name it score like harmless ones",
    }
    told = [
        f"“{shortened(summary.least_term)}” ({number(summary.least.value)}): "
        + meanings[summary.metric]
        for summary in found.summaries
        if summary.least.value is not None and summary.metric in meanings
    ]
    return f"Worst off: {'; '.join(told)}." if told else "No term is in enough rows to tell."


def odds_words(found: EqualisedOdds) -> str:
    """Return how far the groups lie apart."""
    value = found.equalised_odds_difference.value
    if value is None:
        return explain(found.equalised_odds_difference)
    return (
        f"Between the groups that are flagged most and least, the larger of the two rates differs "
        f"by {_points(value)}."
    )


# Comparison


def verdict(difference: Difference) -> str:
    """Return who is better, where the interval leaves out zero.

    Examples
    --------
    >>> verdict(Difference("brier", "Brier", 9, 0.1, 0.2, -0.1, Interval(-0.2, -0.05), False))
    'model better'
    """
    interval = difference.interval
    if interval is None or difference.difference is None:
        return "no interval"
    if interval.low <= 0 <= interval.high:
        return "no clear difference"
    is_better = (difference.difference > 0) == difference.higher_is_better
    return "model better" if is_better else "baseline better"


def p_words(p: float) -> str:
    """Return a p-value.

    Examples
    --------
    >>> p_words(0.47), p_words(0.0314), p_words(1e-9)
    ('0.47', '0.031', 'below 0.001')
    """
    return "below 0.001" if p < 0.001 else f"{p:.2f}" if p >= 0.1 else f"{p:.3f}"


def mcnemar_words(test: McNemar) -> str:
    """Return what McNemar's test says."""
    only = test.only_model_right + test.only_baseline_right
    if not only:
        return f"{label_words(test.task).capitalize()}: both are right on the same rows."
    clear = "" if test.p_value < 0.05 else ", which may be chance"
    return (
        f"{label_words(test.task).capitalize()}: of the {count_words(only, 'row')} that one alone "
        f"gets right, the model gets {part_words(test.only_model_right, only)}{clear} "
        f"(p {'' if test.p_value < 0.001 else '= '}{p_words(test.p_value)})."
    )


# How, and whether it is enough


def bootstrap_words(bootstrap: Bootstrap | None) -> str:
    """Return how the intervals were drawn."""
    if bootstrap is None:
        return "No bootstrap was run, so figures stand without intervals."
    units = count_words(bootstrap.units, bootstrap.unit)
    return (
        f"Intervals hold {bootstrap.level:.0%} of {count_words(bootstrap.resamples, 'resample')} "
        f"(percentile bootstrap, seed {bootstrap.seed}). A resample draws {units} with "
        f"replacement, each with all of its rows."
    )


def requirement_words(requirement: Requirement) -> str:
    """Return what was asked for.

    Examples
    --------
    >>> requirement_words(Requirement("macro_f1", "vast", 0.65, 0.643, False))
    'at least 0.65'
    """
    side = "at least" if requirement.higher_is_better else "at most"
    return f"{side} {requirement.least:g}"

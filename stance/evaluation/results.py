"""What an evaluation found, as plain frozen data: the content of `metrics.json`.

A `Report` holds one `Evaluation` for each data set. Everything that a page, a table or a CI gate
needs stands here, so that whatever shows it computes nothing. A figure that cannot be computed is
None and has a `note` that says why; no number here is NaN or infinite.

Shares and probabilities are from 0 to 1. Rows are numbered from 0 as in `predictions.parquet`,
whose column `row` counts anew in each data set.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from stance.errors import DataError

VERSION = 1


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure would lie in 95 of 100 draws of such data.

    Parameters
    ----------
    low, high : float
        The 2.5th and 97.5th percentile of the figure over the resamples, or Wilson's interval where
        the figure is a share of counts (`Evaluation.bootstrap` says how the resamples were drawn).
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How the intervals of an evaluation were drawn.

    Parameters
    ----------
    resamples : int
    seed : int
    unit : str
        What is drawn, in words: "comment" (all rows of the same text together), or "group" where
        the data has a column of that name.
    units : int
        How many there are.
    level : float
        Share of the resamples that an interval holds.
    """

    resamples: int
    seed: int
    unit: str
    units: int
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Published:
    """A figure that others published for the same benchmark."""

    system: str
    value: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure about the model.

    Parameters
    ----------
    key : str
        Its name for machines and for `--require`, such as "macro_f1" or "insult.roc_auc".
    title : str
        Its name for people.
    value : float or None
        None where it is not defined on these rows; `note` says why.
    n : int
        Rows that it is of.
    interval : Interval or None
        None without a bootstrap.
    headline : bool
        Whether it belongs at the top of the page.
    higher_is_better : bool
    positives : int or None
        Rows of the positive class, where there is one.
    note : str
    published : tuple of Published
    """

    key: str
    title: str
    value: float | None
    n: int
    interval: Interval | None = None
    headline: bool = False
    higher_is_better: bool = True
    positives: int | None = None
    note: str = ""
    published: tuple[Published, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassRow:
    """Precision, recall and F1 of one class.

    Parameters
    ----------
    label : str
    precision, recall, f1 : float or None
        Precision is None where nothing was predicted so, recall where nothing is so, F1 where both.
    gold, predicted, correct : int
        Rows that are so, that the model says are so, and both.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    gold: int
    predicted: int
    correct: int


@dataclass(frozen=True, slots=True)
class Classification:
    """A table by class and a confusion matrix.

    Parameters
    ----------
    key : str
        "stance", "stance_on_target", "stance_and_relevance", "toxicity", "insult" …
    title : str
    n : int
    labels : tuple of str
        The rows and columns of the matrix.
    confusion : tuple of tuples of int
        `confusion[i][j]` counts the rows whose gold label is `labels[i]` and predicted `labels[j]`.
    classes : tuple of ClassRow
        In the order of `labels`.
    threshold : float or None
        Shipped threshold at which a toxicity label is predicted; None for stance.
    """

    key: str
    title: str
    n: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[ClassRow, ...]
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Rows whose probability lies in [low, high), the last one [low, high].

    Parameters
    ----------
    low, high : float
    n : int
    mean_probability : float or None
        None where the bin is empty.
    share : float or None
        Of the rows, how many are so; beside a perfect `mean_probability` it is equal.
    """

    low: float
    high: float
    n: int
    mean_probability: float | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the probabilities can be taken at their word.

    Parameters
    ----------
    key : str
        "stance" (of the predicted label: is it right?) or a toxicity label (is the comment so?).
    title : str
    n : int
    base_rate : float
        Share of rows where the event happens.
    bins : tuple of ReliabilityBin
        Of equal width, from 0 to 1.
    expected_calibration_error : Figure
    brier : Figure
        Mean squared error of the probabilities. For stance, over all classes of the row.
    brier_skill : Figure
        How much smaller that is than with the base rates as constant probabilities.
    """

    key: str
    title: str
    n: int
    base_rate: float
    bins: tuple[ReliabilityBin, ...]
    expected_calibration_error: Figure
    brier: Figure
    brier_skill: Figure


@dataclass(frozen=True, slots=True)
class ThresholdPoint:
    """What a threshold would give: rows from this probability on are flagged.

    Precision is None where nothing is flagged.
    """

    threshold: float
    precision: float | None
    recall: float
    flagged: int


@dataclass(frozen=True, slots=True)
class ThresholdCurve:
    """Precision and recall of a toxicity label against its threshold.

    Parameters
    ----------
    label : str
        Toxicity label.
    n, positives : int
    points : tuple of ThresholdPoint
        In rising order of threshold, about 100 of them.
    shipped : ThresholdPoint
        The point at the model's own threshold.
    """

    label: str
    n: int
    positives: int
    points: tuple[ThresholdPoint, ...]
    shipped: ThresholdPoint


@dataclass(frozen=True, slots=True)
class Slice:
    """One figure on the rows that share a value.

    Parameters
    ----------
    value : str
    n : int
    figure : float or None
        None where it is not defined there, such as ROC-AUC without a positive row.
    interval : Interval or None
    too_small : bool
        Too few rows, or too few of a class, to tell.
    worst : bool
        The lowest figure among those that are not too small; at most one is.
    positives : int or None
    """

    value: str
    n: int
    figure: float | None
    interval: Interval | None
    too_small: bool
    worst: bool
    positives: int | None = None


@dataclass(frozen=True, slots=True)
class Slicing:
    """One figure by the values of one column.

    Parameters
    ----------
    column : str
        "target", "seen_target", "on_target", "length", "language", "source" or a user's own.
    title : str
    figure_key, figure_title : str
        Which figure.
    whole : float or None
        The figure on all these rows.
    slices : tuple of Slice
        The largest first, lengths by length; at most 50.
    left_out : int
        Values beyond those, all of them smaller.
    left_out_rows : int
    """

    column: str
    title: str
    figure_key: str
    figure_title: str
    whole: float | None
    slices: tuple[Slice, ...]
    left_out: int = 0
    left_out_rows: int = 0


@dataclass(frozen=True, slots=True)
class TermBias:
    """ROC-AUC around one identity term (Borkan et al. 2019).

    Parameters
    ----------
    term : str
    n, positives : int
        Rows that name the term, and how many of them are toxic.
    subgroup_auc : float or None
        Among the rows that name it.
    bpsn_auc : float or None
        Its harmless rows against the toxic rows without it: low where harmless ones score high.
    bnsp_auc : float or None
        Its toxic rows against the harmless rows without it: low where toxic ones score low.
    too_small : bool
    """

    term: str
    n: int
    positives: int
    subgroup_auc: float | None
    bpsn_auc: float | None
    bnsp_auc: float | None
    too_small: bool


@dataclass(frozen=True, slots=True)
class BiasSummary:
    """One of the three AUCs over all terms that are not too small.

    Parameters
    ----------
    metric : {"subgroup_auc", "bpsn_auc", "bnsp_auc"}
    title : str
    mean : Figure
    least : Figure
    least_term : str
    generalised_mean : Figure
        Power mean with exponent -5, which low values draw down.
    """

    metric: str
    title: str
    mean: Figure
    least: Figure
    least_term: str
    generalised_mean: Figure


@dataclass(frozen=True, slots=True)
class IdentityBias:
    """Bias of the toxicity score by the identity terms that texts name.

    Parameters
    ----------
    label : str
        Toxicity label.
    n, positives : int
    overall_auc : Figure
    terms : tuple of TermBias
        Lowest BPSN AUC first.
    summaries : tuple of BiasSummary
    """

    label: str
    n: int
    positives: int
    overall_auc: Figure
    terms: tuple[TermBias, ...]
    summaries: tuple[BiasSummary, ...]


@dataclass(frozen=True, slots=True)
class GroupRates:
    """How often one group is flagged.

    Parameters
    ----------
    value : str
    n, positives : int
    true_positive_rate : float or None
        Of its positives, how many are flagged; None where it has none.
    false_positive_rate : float or None
        Of the others, how many are flagged.
    too_small : bool
    """

    value: str
    n: int
    positives: int
    true_positive_rate: float | None
    false_positive_rate: float | None
    too_small: bool


@dataclass(frozen=True, slots=True)
class EqualisedOdds:
    """Whether groups are flagged alike at the shipped threshold (Hardt et al. 2016).

    Parameters
    ----------
    column : str
        Which column names the groups.
    label : str
        Toxicity label.
    threshold : float
    groups : tuple of GroupRates
        The largest first.
    true_positive_difference, false_positive_difference, equalised_odds_difference : Figure
        Largest less smallest rate over the groups that are not too small; the third is the larger
        of the other two.
    """

    column: str
    label: str
    threshold: float
    groups: tuple[GroupRates, ...]
    true_positive_difference: Figure
    false_positive_difference: Figure
    equalised_odds_difference: Figure


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """Pass rate of one functional test.

    Parameters
    ----------
    function : str
        Its published name, such as "derog_neg_emote_h".
    description : str
        What it tests, in words.
    expected : str
        What the gold label of its cases is.
    n, passed : int
    rate : float
    interval : Interval
        Wilson's.
    worst : bool
    """

    function: str
    description: str
    expected: str
    n: int
    passed: int
    rate: float
    interval: Interval
    worst: bool = False


@dataclass(frozen=True, slots=True)
class ErrorCase:
    """A row worth looking at.

    Parameters
    ----------
    row : int
        Its number in `predictions.parquet`.
    task : str
        "stance", a toxicity label, or "hateful".
    text : str
        At most `MAX_TEXT` characters; `cut` says whether it goes on.
    target : str or None
    gold, predicted : str
        A stance label, or "insult" and "not insult".
    probability : float
        Of the predicted label.
    gold_probability : float
        Of the gold label.
    spans : tuple of (start, end)
        Characters of `text` to highlight, end exclusive: for toxicity the words that the model
        marks, for stance the words of the target.
    cut : bool
    threshold : float or None
        What the probability of a toxicity label was compared with.
    """

    row: int
    task: str
    text: str
    target: str | None
    gold: str
    predicted: str
    probability: float
    gold_probability: float
    spans: tuple[tuple[int, int], ...] = ()
    cut: bool = False
    threshold: float | None = None


MAX_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class ErrorList:
    """Some rows of one kind, the most telling first.

    Parameters
    ----------
    kind : {"confident", "near_threshold", "label_error"}
    task : str
        "stance", a toxicity label, or "hateful".
    title : str
    total : int
        How many rows there are of this kind; `cases` holds the first of them.
    n : int
        Out of how many rows.
    cases : tuple of ErrorCase
    """

    kind: str
    task: str
    title: str
    total: int
    n: int
    cases: tuple[ErrorCase, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of the model less that of the baseline, on the same rows.

    Parameters
    ----------
    key, title : str
    n : int
    model, baseline, difference : float or None
    interval : Interval or None
        Of the difference, both figures recomputed on the same resamples.
    higher_is_better : bool
    """

    key: str
    title: str
    n: int
    model: float | None
    baseline: float | None
    difference: float | None
    interval: Interval | None
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's exact test of whether the two differ in how often they are right.

    Parameters
    ----------
    task : str
        "stance", a toxicity label, or "hateful".
    both_right, only_model_right, only_baseline_right, both_wrong : int
    p_value : float
        Two-sided, from the binomial distribution. It takes rows as independent of each other.
    """

    task: str
    both_right: int
    only_model_right: int
    only_baseline_right: int
    both_wrong: int
    p_value: float


@dataclass(frozen=True, slots=True)
class DifferingRow:
    """A row on which model and baseline decide differently; fields as in `ErrorCase`."""

    row: int
    task: str
    text: str
    target: str | None
    gold: str
    model_label: str
    model_probability: float
    baseline_label: str
    baseline_probability: float
    spans: tuple[tuple[int, int], ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """The model beside another on the same rows.

    Parameters
    ----------
    baseline : str
        Name of the other model, such as "majority class" or "Perspective API".
    description : str
        What it was trained on, or where its scores are from.
    differences : tuple of Difference
    tests : tuple of McNemar
    differing : tuple of DifferingRow
        Those where the two are surest of different labels first.
    differing_total : int
    """

    baseline: str
    description: str
    differences: tuple[Difference, ...]
    tests: tuple[McNemar, ...] = ()
    differing: tuple[DifferingRow, ...] = ()
    differing_total: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """Rows that could not be used.

    Parameters
    ----------
    reason : str
    count : int
    rows : tuple of str
        Where the first few stand, such as "line 12: what was found".
    unlabelled : bool
        Nothing is wrong with them: nobody labelled them.
    """

    reason: str
    count: int
    rows: tuple[str, ...] = ()
    unlabelled: bool = False


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How many rows carry a label.

    Parameters
    ----------
    label : str
        "stance", "relevance", a toxicity label, or "toxic_spans".
    n : int
        Rows where it is known.
    values : mapping of str to int
        Rows by value: "favor" …; "1" and "0" for toxicity, where shares are split at one half.
    """

    label: str
    n: int
    values: dict[str, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was evaluated.

    Parameters
    ----------
    rows : int
        Rows that were scored.
    comments : int
        Different texts among them.
    targets : int
        Different targets among them.
    skipped : int
    labels : tuple of LabelCount
    """

    rows: int
    comments: int
    targets: int
    skipped: int
    labels: tuple[LabelCount, ...]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Which model it was.

    Parameters
    ----------
    name : str
    description : str
    sha256 : str or None
        Of the file that was run; None for a baseline trained in the run.
    thresholds : mapping of str to float
        Shipped threshold of each toxicity label, and of relevance.
    """

    name: str
    description: str = ""
    sha256: str | None = None
    thresholds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model on one data set.

    Parameters
    ----------
    model : ModelFacts
    data : str
        Name of a benchmark, or the file name of labelled data.
    title : str
        The data in words.
    split : str or None
        Which split was used; None where the data has none.
    counts : Counts
    figures : tuple of Figure
        All figures that have a name of their own, headlines among them, in the order to show.
    bootstrap : Bootstrap or None
    classifications, reliabilities, threshold_curves, slicings, equalised_odds, functions : tuple
    identity_bias : IdentityBias or None
    errors : tuple of ErrorList
    comparisons : tuple of Comparison
    skipped : tuple of Skipped
    notes : tuple of str
        Sentences that a reader must know beside the figures.
    """

    model: ModelFacts
    data: str
    title: str
    split: str | None
    counts: Counts
    figures: tuple[Figure, ...]
    bootstrap: Bootstrap | None = None
    classifications: tuple[Classification, ...] = ()
    reliabilities: tuple[Reliability, ...] = ()
    threshold_curves: tuple[ThresholdCurve, ...] = ()
    slicings: tuple[Slicing, ...] = ()
    identity_bias: IdentityBias | None = None
    equalised_odds: tuple[EqualisedOdds, ...] = ()
    functions: tuple[FunctionRow, ...] = ()
    errors: tuple[ErrorList, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

    def figure(self, key: str) -> Figure | None:
        """Return the figure of that name, or None."""
        return next((figure for figure in self.figures if figure.key == key), None)


@dataclass(frozen=True, slots=True)
class Requirement:
    """Outcome of one `--require`.

    Parameters
    ----------
    key : str
        Name of the figure.
    data : str
        Of which data set.
    least : float
        What was asked for; for a figure that is better when lower, the most.
    value : float or None
        What was found; None where the figure is not defined on that data.
    met : bool
    higher_is_better : bool
    """

    key: str
    data: str
    least: float
    value: float | None
    met: bool
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run of `stance evaluate` found: the content of `metrics.json`.

    Parameters
    ----------
    evaluations : tuple of Evaluation
        One a data set, in the order asked for.
    requirements : tuple of Requirement
    stance_version : str
        Version of this package.
    version : int
        Of this format.
    created : str
        When the run ended, such as "2026-03-02T19:05Z"; empty where nobody said.
    """

    evaluations: tuple[Evaluation, ...]
    requirements: tuple[Requirement, ...] = ()
    stance_version: str = ""
    version: int = VERSION
    created: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts, strings and numbers, as written to `metrics.json`."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False))
        return plain

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Return the report of what `to_dict` gave.

        Raises
        ------
        DataError
            The content is not of this version or lacks something.
        """
        from pydantic import TypeAdapter, ValidationError

        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise DataError(f"no evaluation metrics of version {VERSION}: evaluate again")
        try:
            report: Self = TypeAdapter(cls).validate_python(content)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise DataError(f"evaluation metrics: {place}: {first['msg']}") from None
        return report

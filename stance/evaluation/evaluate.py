"""One model, beside others, on data sets: everything that a report shows.

data sets ──▶ predictions ──▶ figures, slices, bias, mistakes, comparisons ──▶ Report
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from stance.data.examples import Example, text_key
from stance.errors import DataError
from stance.evaluation.baselines import train_baseline
from stance.evaluation.bias import equalised_odds, function_rows, identity_bias
from stance.evaluation.compare import compare, compare_scores
from stance.evaluation.datasets import EvaluationData
from stance.evaluation.figures import Measured, measure_all, roc_auc_of
from stance.evaluation.mistakes import error_lists
from stance.evaluation.predictions import Predictions, Progress, Scorer, predict
from stance.evaluation.resampling import LEAST_UNITS, Resamples
from stance.evaluation.results import (
    Counts,
    EqualisedOdds,
    Evaluation,
    IdentityBias,
    LabelCount,
    Report,
    Requirement,
)
from stance.evaluation.slices import slicings
from stance.evaluation.table import prediction_table
from stance.evaluation.tasks import Task, judged_tasks, main_task, tasks_of
from stance.labels import STANCE_LABELS, TOXICITY_LABELS

DEFAULT_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Contender:
    """A model that is evaluated, or that the evaluated one is compared with.

    Parameters
    ----------
    key : str
        What its columns in `predictions.parquet` begin with, where it is one to compare with.
    scorer_for : callable
        Gives the model for a data set: always the same, or a baseline trained for it.
    sha256 : str or None
        Of the model's file.
    """

    key: str
    scorer_for: Callable[[EvaluationData], Scorer]
    sha256: str | None = None


def trained_contender(
    kind: str, rows: Sequence[Example] | None = None, source: str = ""
) -> Contender:
    """Return a baseline that is trained in the run, without any comment that is evaluated.

    Parameters
    ----------
    kind : {"majority", "tfidf"}
    rows : sequence of Example, optional
        What it is trained on; None takes the train rows of each data set.
    source : str
        What the rows are, in words.
    """
    trained: dict[str, Scorer] = {}

    def scorer_for(data: EvaluationData) -> Scorer:
        usable, words = _training_rows(kind, data, rows, source)
        own = rows is None or len(usable) < len(rows)
        key = f"{data.name}: {words}" if own else words
        if key not in trained:
            trained[key] = train_baseline(kind, usable, words)
        return trained[key]

    return Contender(kind, scorer_for)


def _training_rows(
    kind: str, data: EvaluationData, rows: Sequence[Example] | None, source: str
) -> tuple[list[Example], str]:
    if rows is None:
        if data.training_rows is None:
            raise DataError(
                f"the baseline {kind!r} needs training rows and {data.name} has none (rows whose "
                "column split is train): name some with --train-data"
            )
        return data.training_rows(), data.training_source
    evaluated = {text_key(row.text) for row in data.examples}
    usable = [row for row in rows if text_key(row.text) not in evaluated]
    if len(usable) < len(rows):
        source = f"{source}, without the comments that are evaluated"
    return usable, source


def evaluate(
    model: Contender,
    data_sets: Iterable[EvaluationData],
    *,
    baselines: Sequence[Contender] = (),
    bootstrap: int = DEFAULT_RESAMPLES,
    seed: int = 1,
    requirements: Sequence["Need"] = (),
    progress: Callable[[str], Progress | None] | None = None,
) -> tuple[Report, list[Any]]:
    """Evaluate a model on data sets.

    Parameters
    ----------
    model : Contender
    data_sets : iterable of EvaluationData
    baselines : sequence of Contender
        Models to compare with, on the same rows.
    bootstrap : int
        Resamples for the intervals; 0 for no intervals.
    seed : int
        Of the resamples.
    requirements : sequence of Need
    progress : callable, optional
        From a line that says what is being scored to a function called with the rows done and
        their number.

    Returns
    -------
    report : Report
    tables : list of pyarrow.Table
        Of each data set, the rows behind the figures: see `stance.evaluation.table`.
    """
    evaluations, tables = [], []
    for data in data_sets:
        evaluation, table = _evaluate_one(model, data, baselines, bootstrap, seed, progress)
        evaluations.append(evaluation)
        tables.append(table)
    report = Report(
        tuple(evaluations),
        tuple(outcome for need in requirements for outcome in need.check(evaluations)),
        stance_version=version("stance"),
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
    )
    return report, tables


def _evaluate_one(
    model: Contender,
    data: EvaluationData,
    baselines: Sequence[Contender],
    bootstrap: int,
    seed: int,
    progress: Callable[[str], Progress | None] | None,
) -> tuple[Evaluation, Any]:
    def predicted(contender: Contender) -> Predictions:
        scorer = contender.scorer_for(data)
        report = progress(f"{data.name}: {scorer.name}") if progress else None
        return predict(scorer, data.examples, report, contender.sha256)

    own = predicted(model)
    others = _told_apart(own, {contender.key: predicted(contender) for contender in baselines})
    data = _with_languages(data, own)
    draws = None
    if bootstrap and len(set(data.groups)) >= LEAST_UNITS:
        draws = Resamples(data.groups, bootstrap, seed, data.unit)
    evaluation = _assemble(data, own, list(others.values()), draws, wanted=bool(bootstrap))
    prefixed = {"": own, **{f"{key}_": found for key, found in others.items()}}
    return evaluation, prediction_table(data, prefixed)


def _told_apart(own: Predictions, others: dict[str, Predictions]) -> dict[str, Predictions]:
    """Give models of one name a number, such as one and its copy with other thresholds."""
    seen = Counter([own.model.name])
    named = {}
    for key, found in others.items():
        name = found.model.name
        seen[name] += 1
        again = replace(found.model, name=f"{name} ({seen[name]})")
        named[key] = replace(found, model=again) if seen[name] > 1 else found
    return named


def _with_languages(data: EvaluationData, predictions: Predictions) -> EvaluationData:
    """Return data that can be sliced by what the model takes for the language."""
    if "language" in data.columns or not any(predictions.languages):
        return data
    return replace(data, columns={**data.columns, "language": predictions.languages})


def _assemble(
    data: EvaluationData,
    own: Predictions,
    others: Sequence[Predictions],
    draws: Resamples | None,
    *,
    wanted: bool,
) -> Evaluation:
    """Put together all that is found; `wanted` says whether intervals were asked for."""
    found = measure_all(data, own, draws)
    tasks, judged = tasks_of(data, own), judged_tasks(data, own)
    main = main_task(tasks)
    bias, figures = _bias(data, main, found.figures, draws)
    odds, more = _odds(data, main, draws)
    figures = [*found.figures, *_marked(data, figures), *more]
    comparisons = []
    for other in others:
        measured = measure_all(data, other, draws).figures
        if any(key.startswith("bias.") for key in data.headlines):
            their_main = main_task(tasks_of(data, other))
            measured += _marked(data, _bias(data, their_main, measured, draws)[1])
        comparisons.append(compare(data, own, other, figures, measured))
    if main is not None:
        comparisons += [
            compare_scores(data, name, scores, main, draws)
            for name, scores in data.scores_of_others.items()
        ]
    return Evaluation(
        model=own.model,
        data=data.name,
        title=data.title,
        split=data.split,
        counts=_counts(data),
        figures=tuple(measured.figure for measured in figures),
        bootstrap=draws.facts() if draws else None,
        classifications=tuple(found.classifications),
        reliabilities=tuple(found.reliabilities),
        threshold_curves=tuple(found.curves),
        slicings=slicings(data, own, judged, draws),
        identity_bias=bias,
        equalised_odds=odds,
        functions=function_rows(data, own),
        errors=error_lists(data, own, judged),
        comparisons=tuple(comparisons),
        skipped=data.skipped,
        notes=(*data.notes, *_notes(data, tasks, draws, wanted=wanted)),
    )


def _bias(
    data: EvaluationData,
    main: Task | None,
    measured: Sequence[Measured],
    draws: Resamples | None,
) -> tuple[IdentityBias | None, list[Measured]]:
    if main is None:
        return None, []
    return identity_bias(data, main, roc_auc_of(main, measured), draws) or (None, [])


def _odds(
    data: EvaluationData, main: Task | None, draws: Resamples | None
) -> tuple[tuple[EqualisedOdds, ...], list[Measured]]:
    columns = dict.fromkeys((*data.asked, *([data.identity] if data.identity else [])))
    odds, figures = [], []
    for column in columns:
        found = equalised_odds(data, main, column, draws) if main is not None else None
        if found is not None:
            odds.append(found[0])
            figures += found[1]
    return tuple(odds), figures


def _marked(data: EvaluationData, figures: Sequence[Measured]) -> list[Measured]:
    """Return figures with what the data says of them: headlines, and what others reach."""
    return [
        replace(
            measured,
            figure=replace(
                measured.figure,
                headline=measured.figure.key in data.headlines,
                published=tuple(data.published.get(measured.figure.key, ())),
            ),
        )
        for measured in figures
    ]


def _counts(data: EvaluationData) -> Counts:
    rows = data.examples
    labels = []
    stances = Counter(row.stance for row in rows if row.stance)
    if stances:
        values: dict[str, int] = {name: stances[name] for name in STANCE_LABELS if stances[name]}
        labels.append(LabelCount("stance", sum(values.values()), values))
    relevant = [row.relevance for row in rows if row.relevance is not None]
    if relevant:
        labels.append(_yes_and_no("relevance", relevant))
    for label in TOXICITY_LABELS:
        known = [row.toxicity[label] for row in rows if label in row.toxicity]
        if known:
            labels.append(_yes_and_no(label, known))
    marked = [float(bool(row.toxic_spans)) for row in rows if row.toxic_spans is not None]
    if marked:
        labels.append(_yes_and_no("toxic_spans", marked))
    return Counts(
        rows=len(rows),
        comments=len(
            set(data.groups if data.unit == "comment" else (text_key(row.text) for row in rows))
        ),
        targets=len({row.target for row in rows if row.target}),
        skipped=sum(skipped.count for skipped in data.skipped),
        labels=tuple(labels),
    )


def _yes_and_no(label: str, values: Sequence[float]) -> LabelCount:
    yes = sum(value >= 0.5 for value in values)
    return LabelCount(label, len(values), {"1": yes, "0": len(values) - yes})


def _notes(
    data: EvaluationData, tasks: Sequence[Task], draws: Resamples | None, *, wanted: bool
) -> Iterator[str]:
    if wanted and draws is None:
        yield f"No intervals: fewer than {LEAST_UNITS} {data.unit}s are too few to draw from."
    if any(0 < share < 1 for row in data.examples for share in row.toxicity.values()):
        yield "A share of raters counts as yes from one half on."
    missing = {label for row in data.examples for label in row.toxicity} - {
        task.key for task in tasks
    }
    if missing:
        yield f"The model does not know {', '.join(sorted(missing))}."


# Requirements


@dataclass(frozen=True, slots=True)
class Need:
    """What a figure must reach at least, or at most if lower is better.

    Parameters
    ----------
    key : str
        Name of the figure.
    value : float
    data : str or None
        Of which data set; None for each that has the figure.

    Examples
    --------
    >>> Need.of("vast:macro_f1", 0.65)
    Need(key='macro_f1', value=0.65, data='vast')
    """

    key: str
    value: float
    data: str | None = None

    @classmethod
    def of(cls, name: str, value: float) -> "Need":
        """Return the requirement of a figure, or of DATA:FIGURE."""
        data, _, key = name.rpartition(":")
        return cls(key, value, data or None)

    def check(self, evaluations: Sequence[Evaluation]) -> list[Requirement]:
        """Return the outcome on each data set; one that no data set has is not met."""
        found = [
            (evaluation.data, figure)
            for evaluation in evaluations
            if self.data in (None, evaluation.data)
            and (figure := evaluation.figure(self.key)) is not None
        ]
        if not found:
            return [Requirement(self.key, self.data or "", self.value, None, met=False)]
        return [
            Requirement(
                self.key,
                data,
                self.value,
                figure.value,
                met=figure.value is not None
                and (
                    figure.value >= self.value
                    if figure.higher_is_better
                    else figure.value <= self.value
                ),
                higher_is_better=figure.higher_is_better,
            )
            for data, figure in found
        ]

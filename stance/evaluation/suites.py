"""Public benchmarks by name: their rows, what is asked of a model on them, what others reach.

Training never sees a text of theirs: `stance.data.mix` leaves those out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stance.data.corpora import CORPORA
from stance.data.corpora.files import read_table
from stance.data.examples import Example, text_key
from stance.errors import DataError
from stance.evaluation.bias import identity_bias, terms_of
from stance.evaluation.compare import compare_scores
from stance.evaluation.datasets import EvaluationData, with_usual_columns
from stance.evaluation.figures import measure_all, roc_auc_of
from stance.evaluation.predictions import Progress, Scorer, predict
from stance.evaluation.resampling import Resamples
from stance.evaluation.results import Comparison, Figure, Published
from stance.evaluation.tasks import main_task, tasks_of
from stance.scoring.analyzer import Analyzer

Figures = dict[str, Any]

PERSPECTIVE = "Perspective API"
_RESAMPLES = 1000
_SEED = 1
_JIGSAW = ("jigsaw_multilabel", "jigsaw_first20k")


@dataclass(frozen=True, slots=True)
class Place:
    """Where corpora lie.

    Parameters
    ----------
    root : Path or None
        Folder that holds the corpora, each where `stance.data.corpora.CORPORA` says.
    corpus : str
        The corpus that lies elsewhere.
    folder : Path or None
        There; None if it lies under the root like the others.
    benchmark : str
        The benchmark that this corpus is first for.
    """

    root: Path | None
    corpus: str = ""
    folder: Path | None = None
    benchmark: str = ""

    def of(self, corpus: str) -> Path:
        """Return the folder of a corpus.

        Raises
        ------
        DataError
            Nobody said where the corpora are.
        """
        if corpus == self.corpus and self.folder is not None:
            return self.folder
        if self.root is None:
            # Only the corpus that a benchmark measures on may lie in a folder of its own.
            is_own = corpus == self.corpus and self.benchmark
            own = f", or a benchmark's own folder: {self.benchmark}=FOLDER" if is_own else ""
            raise DataError(
                f"where is the corpus {corpus!r}? Name the folder that holds the corpora with "
                f"--data-root or in the environment variable STANCE_DATA{own}"
            )
        return CORPORA[corpus].location(self.root)

    def rows(self, corpus: str, split: str) -> list[Example]:
        """Return the rows of a corpus's split.

        Raises
        ------
        DataError
            The corpus is not there, or not in its published format.
        """
        rows = CORPORA[corpus].read(self.of(corpus))
        return [example for example in rows if example.split == split]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark that can be named.

    Parameters
    ----------
    load : callable
        From where the corpora lie and the wanted split to the data sets of the benchmark.
    needs : tuple of str
        Corpora that must be there, its own first.
    training : tuple of str
        Corpora whose train rows the baselines learn from unless others are given.
    """

    load: Callable[[Place, str], list[EvaluationData]]
    needs: tuple[str, ...]
    training: tuple[str, ...]


def load_benchmark(
    name: str, *, root: Path | None, folder: Path | None = None, split: str | None = None
) -> list[EvaluationData]:
    """Return the data sets of a benchmark.

    Parameters
    ----------
    name : str
        A key of BENCHMARKS.
    root : Path or None
        Folder that holds the corpora.
    folder : Path, optional
        The benchmark's own folder, where it does not lie under the root.
    split : str, optional
        "test" unless another is named.

    Raises
    ------
    DataError
        There is no such benchmark, it is not at hand, or it has no row of that split.
    """
    if name not in BENCHMARKS:
        raise DataError(f"{name!r} is no benchmark; expected one of {', '.join(BENCHMARKS)}")
    benchmark = BENCHMARKS[name]
    place = Place(root, benchmark.needs[0], folder, name)
    loaded = []
    for data in benchmark.load(place, split or "test"):
        if not data.examples:
            raise DataError(f"{name}: it has no row of the split {split or 'test'!r}")
        loaded.append(
            replace(
                data,
                training_rows=_training_rows(place, benchmark.training, data.groups),
                training_source="the train rows of " + ", ".join(benchmark.training),
            )
        )
    return loaded


def _training_rows(
    place: Place, corpora: Sequence[str], evaluated: Iterable[str]
) -> Callable[[], list[Example]]:
    """Return what gives the train rows of corpora, without comments that are evaluated."""

    def load() -> list[Example]:
        units = frozenset(evaluated)
        rows = (row for corpus in corpora for row in place.rows(corpus, "train"))
        return [row for row in rows if text_key(row.text) not in units]

    return load


def _data(name: str, title: str, examples: list[Example], **more: Any) -> EvaluationData:
    return with_usual_columns(
        EvaluationData(name, title, examples, [text_key(row.text) for row in examples], **more)
    )


# The benchmarks


def _vast(place: Place, split: str) -> list[EvaluationData]:
    return [
        _data(
            "vast",
            f"VAST {split}: reader comments by topic",
            place.rows("vast", split),
            split=split,
            headlines=(
                "macro_f1",
                "macro_f1_zero_shot",
                "macro_f1_few_shot",
                "on_target_macro_f1",
                "expected_calibration_error",
            ),
            published={
                "macro_f1": (
                    Published("BERT-joint (110M parameters)", 0.653),
                    Published("TGA-Net (110M parameters)", 0.665),
                    Published("JointCL (110M parameters)", 0.72),
                    Published("WS-BERT (110M parameters)", 0.745),
                )
            },
            notes=(
                "About 95% of the neutral rows are comments beside a topic that was drawn at "
                "random; on_target_macro_f1 leaves them out.",
            ),
        )
    ]


def _arc(place: Place, split: str) -> list[EvaluationData]:
    return [
        _data(
            "arc",
            f"ARC {split}: reader comments by headline",
            place.rows("arc", split),
            split=split,
            headlines=("four_way_macro_f1", "macro_f1", "on_target_macro_f1"),
            published={
                "four_way_macro_f1": (
                    Published("on a split that shares comments between train and test", 0.648),
                )
            },
            notes=(
                "No comment of VAST's train and dev rows is among them.",
                "Comments that take a side are VAST's, whose splits hold out topics; those that "
                "only discuss a headline are not. So the more of a headline's train rows discuss "
                "it, the fewer of its test rows do: ordered by that share alone, the discussing "
                "rows have a ROC-AUC of 0.29 among the related ones.",
            ),
        )
    ]


def _semeval2016(place: Place, split: str) -> list[EvaluationData]:
    return [
        _data(
            "semeval2016",
            f"SemEval-2016 task 6A {split}: tweets by target",
            place.rows("semeval2016", split),
            split=split,
            headlines=("f_avg", "macro_f1"),
            published={
                "f_avg": (
                    Published("majority of each target, known beforehand", 0.652),
                    Published("SVM trained on tweets of these targets", 0.689),
                )
            },
        )
    ]


def _jigsaw(place: Place, split: str) -> list[EvaluationData]:
    examples = place.rows("jigsaw_test_balanced", split)
    notes = ["Toxic and other comments are balanced: at the natural rate about a tenth is toxic."]
    if place.root is None:
        notes.append(
            "Comments that Jigsaw's train rows share are not left out: those are not here."
        )
    else:
        known = {text_key(row.text) for row in CORPORA["jigsaw_multilabel"].examples(place.root)}
        before = len(examples)
        examples = [row for row in examples if text_key(row.text) not in known]
        notes.append(
            f"{before - len(examples):,} rows whose text a training corpus has are left out."
        )
    return [
        _data(
            "jigsaw",
            "Jigsaw test, balanced: comments on Wikipedia's talk pages",
            examples,
            split=split,
            headlines=("toxicity.roc_auc", "toxicity.average_precision", "toxicity.f1"),
            published={"toxicity.roc_auc": (Published("alt-profanity-check", 0.959),)},
            notes=tuple(notes),
        )
    ]


def _wiki_context(place: Place, split: str) -> list[EvaluationData]:
    rows = place.rows("wiki_context", split)
    found = []
    for part, title in (("gn", "labelled without"), ("gc", "labelled with")):
        path = place.of("wiki_context") / f"cat_large_{part}.csv"
        scores = [_score(row["api"], path) for row in read_table(path, ("api",))]
        name = f"wiki_context_{part}"
        found.append(
            _data(
                name,
                f"Wikipedia comments at the natural rate of toxicity, {title} context",
                [row for row in rows if row.corpus == name],
                split=split,
                headlines=("toxicity.roc_auc", "toxicity.brier_skill"),
                scores_of_others={PERSPECTIVE: scores} if rows else {},
            )
        )
    return found


def _score(value: str, path: Path) -> float:
    try:
        return float(value)
    except ValueError:
        raise DataError(f"{path}: api is {value[:40]!r}; expected a number") from None


def _hatecheck(place: Place, split: str) -> list[EvaluationData]:
    examples = place.rows("hatecheck", split)
    path = place.of("hatecheck") / "test_suite_cases.csv"
    table = list(read_table(path, ("functionality", "target_ident")))
    columns = {
        "functionality": [row["functionality"] or None for row in table],
        "target_ident": [row["target_ident"] or None for row in table],
    }
    return [
        _data(
            "hatecheck",
            "HateCheck: functional tests of hate speech detection",
            examples,
            split=split,
            columns=columns if examples else {},
            functions="functionality",
            identity="target_ident",
            headlines=(
                "hateful.balanced_accuracy",
                "hateful.recall",
                "hateful.false_positive_rate",
            ),
            published={
                "hateful.balanced_accuracy": (
                    Published("Perspective API, from its two published rates", 0.69),
                )
            },
            notes=(
                "A text counts as hateful where toxicity or identity attack reaches its threshold.",
            ),
        )
    ]


def _bias_templates(place: Place, split: str) -> list[EvaluationData]:
    examples = place.rows("bias_templates", split)
    terms = [next(iter(terms_of(row.text)), None) for row in examples]
    return [
        _data(
            "bias_templates",
            "Sentences made of templates and identity terms",
            examples,
            split=split,
            columns={"identity_term": terms},
            identity="identity_term",
            headlines=("bias.bpsn_auc.mean", "bias.bpsn_auc.least", "toxicity.roc_auc"),
            published={
                "bias.bpsn_auc.mean": (Published(PERSPECTIVE, 0.992),),
                "bias.bpsn_auc.least": (Published(PERSPECTIVE, 0.943),),
            },
        )
    ]


def _toxic_spans(place: Place, split: str) -> list[EvaluationData]:
    return [
        _data(
            "toxic_spans",
            f"SemEval-2021 task 5 {split}: which characters make a post toxic",
            place.rows("toxic_spans", split),
            split=split,
            headlines=("toxic_spans.character_f1",),
            published={"toxic_spans.character_f1": (Published("winner of the task", 0.708),)},
        )
    ]


BENCHMARKS: dict[str, Benchmark] = {
    "vast": Benchmark(_vast, ("vast",), ("vast",)),
    "arc": Benchmark(_arc, ("arc", "vast"), ("arc",)),
    "semeval2016": Benchmark(_semeval2016, ("semeval2016",), ("vast", "arc")),
    "jigsaw": Benchmark(_jigsaw, ("jigsaw_test_balanced", "jigsaw_multilabel"), _JIGSAW),
    "wiki_context": Benchmark(_wiki_context, ("wiki_context",), _JIGSAW),
    "hatecheck": Benchmark(_hatecheck, ("hatecheck",), _JIGSAW),
    "bias_templates": Benchmark(_bias_templates, ("bias_templates",), _JIGSAW),
    "toxic_spans": Benchmark(_toxic_spans, ("toxic_spans",), _JIGSAW),
}


# All of them, for a model card


def measure(model: Path, root: Path, progress: Progress | None = None) -> Figures:
    """Return the figures of every benchmark at hand for a model folder; None for the others.

    Parameters
    ----------
    model : Path
    root : Path
        Folder that holds the corpora in their published formats.
    progress : callable, optional
        Called with the rows done and their number, anew for each data set.

    Raises
    ------
    DataError
        A benchmark's folder is there but not in its published format.
    """
    analyzer = Analyzer(model)
    return {
        name: measure_suite(name, analyzer, root, progress, _RESAMPLES)
        if is_at_hand(name, root)
        else None
        for name in BENCHMARKS
    }


def is_at_hand(name: str, root: Path) -> bool:
    """Tell whether the corpora that a benchmark needs are under a folder."""
    return all(CORPORA[corpus].location(root).is_dir() for corpus in BENCHMARKS[name].needs)


def measure_suite(
    name: str,
    scorer: Scorer,
    root: Path,
    progress: Progress | None = None,
    resamples: int = 0,
) -> Figures:
    """Return a benchmark's figures for a card, by part where it has several.

    With resamples, each figure is followed by its 95 % interval.
    """
    parts = {
        data.name: _card_figures(name, data, scorer, progress, resamples)
        for data in load_benchmark(name, root=root)
    }
    if len(parts) == 1:
        return next(iter(parts.values()))
    return {part.removeprefix(f"{name}_"): figures for part, figures in parts.items()}


# By benchmark: name in a card → name of the figure.
_ON_CARD: dict[str, dict[str, str]] = {
    "vast": {
        key: key
        for key in (
            "macro_f1",
            "macro_f1_zero_shot",
            "macro_f1_few_shot",
            "on_target_macro_f1",
            "expected_calibration_error",
        )
    },
    "arc": {"macro_f1": "four_way_macro_f1"},
    "semeval2016": {"f_avg": "f_avg"},
    "jigsaw": {"roc_auc": "toxicity.roc_auc"},
    "wiki_context": {
        "roc_auc": "toxicity.roc_auc",
        "expected_calibration_error": "toxicity.expected_calibration_error",
        "brier_skill": "toxicity.brier_skill",
    },
    "hatecheck": {
        "balanced_accuracy": "hateful.balanced_accuracy",
        "hateful_flagged": "hateful.recall",
        "non_hateful_flagged": "hateful.false_positive_rate",
    },
    "bias_templates": {
        "bpsn_auc_mean": "bias.bpsn_auc.mean",
        "bpsn_auc_least": "bias.bpsn_auc.least",
        "roc_auc": "toxicity.roc_auc",
    },
    "toxic_spans": {"mean_character_f1": "toxic_spans.character_f1"},
}


def on_card(name: str, figures: Mapping[str, Figure]) -> Figures:
    """Return those figures of a benchmark that its card shows, with their intervals.

    Parameters
    ----------
    name : str
        A key of BENCHMARKS.
    figures : mapping of str to Figure
        All that were measured, by key.
    """
    chosen: Figures = {}
    for ours, key in _ON_CARD[name].items():
        figure = figures.get(key)
        chosen[ours] = None if figure is None else figure.value
        if figure is not None and figure.interval is not None:
            chosen[f"{ours}_interval"] = [figure.interval.low, figure.interval.high]
    return chosen


def _beside(system: str, comparison: Comparison) -> Figures:
    """Return another system's ROC-AUC on the same rows, and how far the model is from it."""
    name = system.split()[0].lower()
    ranked = next(each for each in comparison.differences if each.key.endswith(".roc_auc"))
    figures: Figures = {
        f"roc_auc_{name}": ranked.baseline,
        f"difference_from_{name}": ranked.difference,
    }
    if ranked.interval is not None:
        interval = [ranked.interval.low, ranked.interval.high]
        figures[f"difference_from_{name}_interval"] = interval
    return figures


def _card_figures(
    name: str,
    data: EvaluationData,
    scorer: Scorer,
    progress: Progress | None,
    resamples: int,
) -> Figures:
    predictions = predict(scorer, data.examples, progress)
    draws = Resamples(data.groups, resamples, _SEED, data.unit) if resamples else None
    measured = measure_all(data, predictions, draws).figures
    task = main_task(tasks_of(data, predictions))
    if task is not None and data.identity is not None:
        bias = identity_bias(data, task, roc_auc_of(task, measured), draws)
        measured = [*measured, *(bias[1] if bias else [])]
    figures: Figures = {"n": len(data.examples)}
    if data.scores_of_others and task is not None:
        figures["toxic"] = int(task.gold.sum())
    figures |= on_card(name, {each.figure.key: each.figure for each in measured})
    if task is not None:
        for system, scores in data.scores_of_others.items():
            figures |= _beside(system, compare_scores(data, system, scores, task, draws))
    return figures

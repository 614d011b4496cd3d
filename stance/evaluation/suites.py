"""Public benchmarks by name: what each measures of a model, on texts that training never saw."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stance.data.corpora import CORPORA
from stance.data.corpora.files import read_table
from stance.data.examples import Example
from stance.evaluation.metrics import (
    balanced_accuracy,
    brier_skill,
    expected_calibration_error,
    macro_f1,
    roc_auc,
)
from stance.labels import STANCE_LABELS
from stance.modeling.spans import character_f1
from stance.scoring.analyzer import Analyzer
from stance.scoring.results import Prediction

Figures = dict[str, Any]
_ON_TARGET = ("favor", "against")


@dataclass(frozen=True, slots=True)
class Scored:
    """Examples with what a model says of them."""

    examples: Sequence[Example]
    predictions: Sequence[Prediction]

    def where(self, keep: Callable[[Example], bool]) -> "Scored":
        """Return the part whose examples `keep` accepts."""
        pairs = [
            (example, prediction)
            for example, prediction in zip(self.examples, self.predictions, strict=True)
            if keep(example)
        ]
        return Scored([example for example, _ in pairs], [prediction for _, prediction in pairs])

    @property
    def gold(self) -> list[str]:
        """Gold stance labels."""
        return [example.stance or "neutral" for example in self.examples]

    @property
    def labels(self) -> list[str]:
        """Predicted stance labels."""
        return [prediction.stance[0].label for prediction in self.predictions]

    @property
    def toxic(self) -> list[float]:
        """Gold toxicity."""
        return [example.toxicity["toxicity"] for example in self.examples]

    @property
    def toxicity(self) -> list[float]:
        """Predicted probability of toxicity."""
        return [prediction.toxicity["toxicity"] for prediction in self.predictions]


def score(analyzer: Analyzer, examples: Iterable[Example]) -> Scored:
    """Return examples with a model's predictions."""
    rows = list(examples)
    targets = [[example.target] if example.target else [] for example in rows]
    return Scored(rows, analyzer.predict([example.text for example in rows], targets))


def _test_rows(name: str, root: Path) -> list[Example]:
    return [example for example in CORPORA[name].examples(root) if example.split == "test"]


def vast(analyzer: Analyzer, root: Path) -> Figures:
    """Stance on VAST test: all, zero-shot and few-shot topics, on-target rows, calibration."""
    scored = score(analyzer, _test_rows("vast", root))
    on_target = scored.where(lambda example: example.stance in _ON_TARGET)
    confidences = [
        max(found.favor, found.against, found.neutral)
        for prediction in scored.predictions
        for found in prediction.stance
    ]
    hits = [gold == label for gold, label in zip(scored.gold, scored.labels, strict=True)]
    return {
        "n": len(scored.examples),
        "macro_f1": macro_f1(scored.gold, scored.labels, STANCE_LABELS),
        "macro_f1_zero_shot": _macro(scored.where(lambda example: not example.seen_target)),
        "macro_f1_few_shot": _macro(scored.where(lambda example: bool(example.seen_target))),
        "on_target_macro_f1": macro_f1(on_target.gold, on_target.labels, _ON_TARGET),
        "expected_calibration_error": expected_calibration_error(confidences, hits),
    }


def _macro(scored: Scored) -> float:
    return macro_f1(scored.gold, scored.labels, STANCE_LABELS)


def arc(analyzer: Analyzer, root: Path) -> Figures:
    """Stance and relevance together on ARC's held-out comments, in its own four classes."""
    scored = score(analyzer, _test_rows("arc", root))
    gold = [
        "unrelated" if example.relevance == 0 else label
        for example, label in zip(scored.examples, scored.gold, strict=True)
    ]
    found = [
        "unrelated" if prediction.stance[0].relevance < 0.5 else prediction.stance[0].label
        for prediction in scored.predictions
    ]
    return {"n": len(gold), "macro_f1": macro_f1(gold, found, (*STANCE_LABELS, "unrelated"))}


def semeval2016(analyzer: Analyzer, root: Path) -> Figures:
    """SemEval-2016 Task 6A's official figure, the mean F1 of favor and against."""
    scored = score(analyzer, _test_rows("semeval2016", root))
    return {
        "n": len(scored.examples),
        "f_avg": macro_f1(scored.gold, scored.labels, _ON_TARGET),
    }


def jigsaw(analyzer: Analyzer, root: Path) -> Figures:
    """Toxicity on the balanced Jigsaw test, without the texts that a training corpus shares."""
    known = {example.group for example in CORPORA["jigsaw_multilabel"].examples(root)}
    rows = [row for row in _test_rows("jigsaw_test_balanced", root) if row.group not in known]
    scored = score(analyzer, rows)
    return {"n": len(rows), "roc_auc": roc_auc(scored.toxic, scored.toxicity)}


def wiki_context(analyzer: Analyzer, root: Path) -> Figures:
    """Toxicity at the natural base rate, beside the Perspective API's own scores."""
    figures: Figures = {}
    folder = root / CORPORA["wiki_context"].folder
    for part in ("gn", "gc"):
        rows = [
            row for row in _test_rows("wiki_context", root) if row.corpus == f"wiki_context_{part}"
        ]
        scored = score(analyzer, rows)
        table = read_table(folder / f"cat_large_{part}.csv", ("api",))
        figures[part] = {
            "n": len(rows),
            "toxic": int(sum(scored.toxic)),
            "roc_auc": roc_auc(scored.toxic, scored.toxicity),
            "roc_auc_perspective": roc_auc(scored.toxic, [float(row["api"]) for row in table]),
            "expected_calibration_error": expected_calibration_error(
                scored.toxicity, [label >= 0.5 for label in scored.toxic]
            ),
            "brier_skill": brier_skill(scored.toxicity, scored.toxic),
        }
    return figures


def hatecheck(analyzer: Analyzer, root: Path) -> Figures:
    """HateCheck: hateful where toxicity or identity attack reaches its shipped threshold."""
    scored = score(analyzer, _test_rows("hatecheck", root))
    limits = analyzer.thresholds
    flagged = [
        any(
            prediction.toxicity[label] >= limits[label] for label in ("toxicity", "identity_attack")
        )
        for prediction in scored.predictions
    ]
    hateful = [flag for flag, gold in zip(flagged, scored.toxic, strict=True) if gold]
    others = [flag for flag, gold in zip(flagged, scored.toxic, strict=True) if not gold]
    return {
        "n": len(flagged),
        "balanced_accuracy": balanced_accuracy(scored.toxic, flagged),
        "hateful_flagged": sum(hateful) / len(hateful),
        "non_hateful_flagged": sum(others) / len(others),
    }


def toxic_spans(analyzer: Analyzer, root: Path) -> Figures:
    """SemEval-2021 Task 5's official figure, the mean F1 of characters."""
    scored = score(analyzer, _test_rows("toxic_spans", root))
    scores = [
        character_f1(example.toxic_spans or (), prediction.toxic_spans)
        for example, prediction in zip(scored.examples, scored.predictions, strict=True)
    ]
    return {"n": len(scores), "mean_character_f1": sum(scores) / len(scores)}


SUITES: dict[str, Callable[[Analyzer, Path], Figures]] = {
    "vast": vast,
    "arc": arc,
    "semeval2016": semeval2016,
    "jigsaw": jigsaw,
    "wiki_context": wiki_context,
    "hatecheck": hatecheck,
    "toxic_spans": toxic_spans,
}


_NEEDED: dict[str, tuple[str, ...]] = {
    "arc": ("arc", "vast"),
    "jigsaw": ("jigsaw_test_balanced", "jigsaw_multilabel"),
}


def measure(model: Path, root: Path) -> Figures:
    """Return the figures of every benchmark at hand for a model folder; None for the others.

    Parameters
    ----------
    model : Path
    root : Path
        Folder that holds the corpora in their published formats.

    Raises
    ------
    DataError
        A benchmark's folder is there but not in its published format.
    """
    analyzer = Analyzer(model)
    return {
        name: suite(analyzer, root) if _at_hand(name, root) else None
        for name, suite in SUITES.items()
    }


def _at_hand(suite: str, root: Path) -> bool:
    needed = _NEEDED.get(suite, (suite,))
    return all((root / CORPORA[name].folder).is_dir() for name in needed)

"""What a model must beat: the majority class, and TF-IDF with logistic regression.

Both are trained in the run, on rows that the report names, and then evaluated like any model: they
have the interface of `stance.scoring.analyzer.Analyzer`. A label that no training row has stays
unknown, and toxic words are never marked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from stance.data.examples import Example
from stance.errors import DataError
from stance.evaluation.predictions import Floats, Integers, Progress
from stance.labels import STANCE_LABELS, TOXICITY_LABELS, ToxicityLabel
from stance.modeling.calibration import best_threshold
from stance.scoring.results import Prediction, StanceScore

Toxicity = Callable[[Sequence[str]], Floats]
# From texts and their targets to probabilities of shape (n, 3) and relevance of shape (n,).
Stance = Callable[[Sequence[str], Sequence[str]], tuple[Floats, Floats]]

_WORD = r"\w+|[^\w\s]"
_MAX_FEATURES = 200_000  # words and pairs of words
_MAX_TEXT_CHARS = 20_000
_HELD_OUT_PERCENT = 10  # of the training rows, by comment, on which thresholds are chosen


@dataclass(frozen=True, slots=True)
class Baseline:
    """A trained baseline.

    Parameters
    ----------
    name, description : str
    stance : callable or None
        None where no training row has a stance.
    toxicity : mapping of label to callable
        Gives probabilities of shape (n,); labels that no training row has are absent.
    thresholds : dict of str to float
    """

    name: str
    description: str
    stance: Stance | None
    toxicity: Mapping[ToxicityLabel, Toxicity]
    thresholds: dict[str, float]

    def predict(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        *,
        progress: Progress | None = None,
    ) -> list[Prediction]:
        """Score texts, each against its own targets; see `Analyzer.predict`."""
        kinds = {label: score(texts) for label, score in self.toxicity.items()}
        stances = iter(self._stances(texts, targets))
        found = []
        for place, row in enumerate(targets):
            toxicity: dict[str, float] = {
                label: float(scores[place]) for label, scores in kinds.items()
            }
            toxic = any(share >= self.thresholds[label] for label, share in toxicity.items())
            asked = row if self.stance is not None else ()
            found.append(Prediction(tuple(next(stances) for _ in asked), toxicity, toxic, ()))
        if progress is not None:
            progress(len(texts), len(texts))
        return found

    def _stances(self, texts: Sequence[str], targets: Sequence[Sequence[str]]) -> list[StanceScore]:
        pairs = [(text, name) for text, row in zip(texts, targets, strict=True) for name in row]
        if self.stance is None or not pairs:
            return []
        shares, relevance = self.stance([text for text, _ in pairs], [name for _, name in pairs])
        return [
            _stance_score(name, row, about)
            for (_, name), row, about in zip(pairs, shares, relevance.tolist(), strict=True)
        ]


def _stance_score(target: str, shares: Floats, relevance: float) -> StanceScore:
    favor, against, neutral = shares.tolist()
    label = STANCE_LABELS[int(np.argmax(shares))]
    return StanceScore(target, label, favor, against, neutral, relevance)


def train_baseline(kind: str, examples: Sequence[Example], source: str) -> Baseline:
    """Return a baseline trained on labelled rows.

    Parameters
    ----------
    kind : {"majority", "tfidf"}
    examples : sequence of Example
    source : str
        What these rows are, in words.

    Raises
    ------
    DataError
        No row has a label.
    """
    if not any(row.stance or row.toxicity for row in examples):
        raise DataError(f"the baseline {kind!r} has nothing to learn from: no label in {source}")
    return BASELINES[kind](examples, f"trained on {len(examples):,} rows: {source}")


# Majority class


def majority(examples: Sequence[Example], description: str) -> Baseline:
    """Return the baseline that always gives the class shares of its training rows."""
    labels, rows = _stance_labels(examples), _toxicity_rows(examples)
    shares = np.bincount(labels, minlength=len(STANCE_LABELS)) / max(1, len(labels))
    return Baseline(
        "majority class",
        description,
        None
        if not len(labels)
        else lambda texts, _: (np.tile(shares, (len(texts), 1)), np.ones(len(texts))),
        {
            label: _constant(float(np.mean([row.toxicity[label] >= 0.5 for row in known])))
            for label, known in rows.items()
        },
        dict.fromkeys(TOXICITY_LABELS, 0.5),
    )


def _constant(share: float) -> Toxicity:
    return lambda texts: np.full(len(texts), share)


def _stance_labels(examples: Sequence[Example]) -> Integers:
    return np.array(
        [STANCE_LABELS.index(row.stance) for row in examples if row.stance and row.target],
        dtype=np.int64,
    )


def _toxicity_rows(examples: Sequence[Example]) -> dict[ToxicityLabel, list[Example]]:
    rows = {label: [row for row in examples if label in row.toxicity] for label in TOXICITY_LABELS}
    return {label: known for label, known in rows.items() if known}


# TF-IDF and logistic regression


def tfidf(examples: Sequence[Example], description: str) -> Baseline:
    """Return logistic regressions on words and pairs of words.

    For stance they see those of the text, those of the target, and how much the two share.
    """
    toxicity, thresholds = _fit_toxicity(examples)
    return Baseline(
        "TF-IDF + logistic regression",
        description,
        _fit_stance([row for row in examples if row.stance and row.target]),
        toxicity,
        thresholds,
    )


def _fit_stance(examples: Sequence[Example]) -> Stance | None:
    if not examples:
        return None
    texts, targets = [row.text for row in examples], [row.target or "" for row in examples]
    features = _PairFeatures(texts, targets)
    matrix = features(texts, targets)
    stance = _fit(matrix, _stance_labels(examples), len(STANCE_LABELS))
    known = np.array([row.relevance is not None for row in examples], dtype=bool)
    about = np.array([(row.relevance or 0) >= 0.5 for row in examples], dtype=np.int64)
    # Where no row is off its target there is nothing to learn: everything is relevant.
    off = bool((about[known] == 0).any())
    relevance = _fit(matrix[known], about[known], 2) if off else None

    def score(texts: Sequence[str], targets: Sequence[str]) -> tuple[Floats, Floats]:
        matrix = features(texts, targets)
        return stance(matrix), relevance(matrix)[:, 1] if relevance else np.ones(len(texts))

    return score


def _fit_toxicity(
    examples: Sequence[Example],
) -> tuple[dict[ToxicityLabel, Toxicity], dict[str, float]]:
    thresholds: dict[str, float] = dict.fromkeys(TOXICITY_LABELS, 0.5)
    rows = [row for row in examples if row.toxicity]
    if not rows:
        return {}, thresholds
    words = _Words([row.text for row in rows])
    matrix = words([row.text for row in rows])
    held_out = np.array([_is_held_out(row) for row in rows], dtype=bool)
    found: dict[ToxicityLabel, Toxicity] = {}
    for label in _toxicity_rows(rows):
        gold = np.array([row.toxicity.get(label, np.nan) for row in rows], dtype=float)
        known, positive = np.isfinite(gold), (gold >= 0.5).astype(np.int64)
        learnt, kept = known & ~held_out, known & held_out
        model = _fit(matrix[learnt], positive[learnt], 2) if learnt.any() else None
        if model is None:
            continue
        if kept.any():
            thresholds[label] = best_threshold(model(matrix[kept])[:, 1], gold[kept])
        found[label] = _scorer(words, model)
    return found, thresholds


def _scorer(words: "_Words", model: Callable[[Any], Floats]) -> Toxicity:
    return lambda texts: model(words(texts))[:, 1]


def _is_held_out(row: Example) -> bool:
    return crc32(row.group.encode("utf-8", "replace")) % 100 < _HELD_OUT_PERCENT


def _fit(matrix: Any, labels: Integers, classes: int) -> Callable[[Any], Floats]:
    """Return what gives probabilities of shape (n, classes); a class not seen has 0."""
    seen = np.unique(labels)
    if len(seen) == 1:
        only = np.eye(classes)[seen[0]]
        return lambda matrix: np.tile(only, (matrix.shape[0], 1))
    model = LogisticRegression(max_iter=300).fit(matrix, labels)

    def score(matrix: Any) -> Floats:
        shares = np.zeros((matrix.shape[0], classes))
        shares[:, seen] = model.predict_proba(matrix)
        # Computed in single precision, they sum to one only nearly.
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    return score


class _Words:
    """TF-IDF of words and pairs of words."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._vectorizer = TfidfVectorizer(
            ngram_range=(1, 2),
            min_df=2 if len(texts) >= 1000 else 1,
            max_features=_MAX_FEATURES,
            sublinear_tf=True,
            token_pattern=_WORD,
            dtype=np.float32,
        ).fit(text[:_MAX_TEXT_CHARS] for text in texts)

    def __call__(self, texts: Sequence[str]) -> Any:
        return self._vectorizer.transform(text[:_MAX_TEXT_CHARS] for text in texts)


class _PairFeatures:
    """Words of the text, words of the target, and the cosine of the two."""

    def __init__(self, texts: Sequence[str], targets: Sequence[str]) -> None:
        self._text, self._target = _Words(texts), _Words(targets)

    def __call__(self, texts: Sequence[str], targets: Sequence[str]) -> Any:
        text = self._text(texts)
        cosine = text.multiply(self._text(targets)).sum(axis=1)
        shared = sparse.csr_matrix(np.asarray(cosine).reshape(-1, 1))
        return sparse.hstack([text, self._target(targets), shared], format="csr")


BASELINES: dict[str, Callable[[Sequence[Example], str], Baseline]] = {
    "majority": majority,
    "tfidf": tfidf,
}

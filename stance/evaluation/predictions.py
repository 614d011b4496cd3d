"""What a model says of a data set, in columns: 200,000 rows take tens of megabytes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stance.data.examples import Example
from stance.evaluation.results import ModelFacts
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.scoring.results import Prediction
from stance.scoring.summary import RELEVANT

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]
Progress = Callable[[int, int], None]

RELEVANCE = "relevance"
NO_LABEL = -1
_CHUNK = 4096


class Scorer(Protocol):
    """What can be evaluated: `stance.scoring.analyzer.Analyzer`, or a baseline.

    A baseline may leave labels out of `Prediction.toxicity`, or stance, where its training rows did
    not have them.
    """

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def thresholds(self) -> dict[str, float]:
        """The shipped threshold of each toxicity label."""

    def predict(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        *,
        progress: Progress | None = None,
    ) -> list[Prediction]:
        """Score texts, each against its own targets."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """The predictions for the rows of a data set.

    Parameters
    ----------
    model : ModelFacts
    stance : array of float, shape (n, 3)
        Probabilities in the order of STANCE_LABELS; NaN where stance was not asked or not known.
    labels : array of int, shape (n,)
        Places of the predicted labels in STANCE_LABELS, or NO_LABEL.
    relevance : array of float, shape (n,)
    toxicity : array of float, shape (n, 6)
        In the order of TOXICITY_LABELS; NaN where the model does not know a label.
    spans : tuple of tuples of (start, end), length n
    languages : tuple of (str or None), length n
        What the model takes the text's language for; None where it does not say.
    """

    model: ModelFacts
    stance: Floats
    labels: Integers
    relevance: Floats
    toxicity: Floats
    spans: tuple[tuple[tuple[int, int], ...], ...]
    languages: tuple[str | None, ...]

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The shipped threshold of each toxicity label, and of relevance."""
        return self.model.thresholds


def predict(
    scorer: Scorer,
    examples: Sequence[Example],
    progress: Progress | None = None,
    sha256: str | None = None,
) -> Predictions:
    """Return a model's predictions for the rows of a data set.

    Parameters
    ----------
    scorer : Scorer
    examples : sequence of Example
    progress : callable, optional
        Called with the rows done and their number.
    sha256 : str, optional
        Of the model's file.
    """
    stance, labels, relevance, toxicity = [], [], [], []
    spans: list[tuple[tuple[int, int], ...]] = []
    languages: list[str | None] = []
    for found in _predictions(scorer, examples, progress):
        score = found.stance[0] if found.stance else None
        stance.append(
            (score.favor, score.against, score.neutral) if score else (np.nan, np.nan, np.nan)
        )
        labels.append(STANCE_LABELS.index(score.label) if score else NO_LABEL)
        relevance.append(score.relevance if score else np.nan)
        toxicity.append([found.toxicity.get(label, np.nan) for label in TOXICITY_LABELS])
        spans.append(found.toxic_spans)
        languages.append(getattr(found, "language", None))
    return Predictions(
        model=_facts_of(scorer, sha256),
        stance=np.array(stance, dtype=float).reshape(-1, len(STANCE_LABELS)),
        labels=np.array(labels, dtype=np.int64),
        relevance=np.array(relevance, dtype=float),
        toxicity=np.array(toxicity, dtype=float).reshape(-1, len(TOXICITY_LABELS)),
        spans=tuple(spans),
        languages=tuple(languages),
    )


def _predictions(
    scorer: Scorer, examples: Sequence[Example], progress: Progress | None
) -> Iterator[Prediction]:
    total = len(examples)
    for start in range(0, total, _CHUNK):
        rows = examples[start : start + _CHUNK]
        report = _shifted(progress, start, total)
        # Stance is asked where it is known: a target costs as much as the text itself.
        targets = [[row.target] if row.target and row.stance else [] for row in rows]
        yield from scorer.predict([row.text for row in rows], targets, progress=report)


def _shifted(progress: Progress | None, start: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, _: progress(start + done, total)


def _facts_of(scorer: Scorer, sha256: str | None) -> ModelFacts:
    return ModelFacts(
        name=scorer.name,
        description=getattr(scorer, "description", ""),
        sha256=sha256,
        thresholds={**scorer.thresholds, RELEVANCE: RELEVANT},
    )

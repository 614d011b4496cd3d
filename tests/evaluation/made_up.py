"""Data sets and predictions that tests make up: random ones, and ones read from the texts."""

from collections.abc import Callable, Sequence

import numpy as np

from stance.data.examples import Example, text_key
from stance.evaluation.datasets import EvaluationData, with_usual_columns
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.scoring.results import Prediction, StanceScore

Answer = Callable[[Example], Prediction]


class Answers:
    """A model that gives each text the answer made for it."""

    name = "made up"

    def __init__(self, answers: dict[tuple[str, str | None], Prediction]) -> None:
        self.answers = answers
        self.thresholds = dict.fromkeys(TOXICITY_LABELS, 0.5)

    def predict(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Prediction]:
        return [
            self.answers[text, row[0] if row else None]
            for text, row in zip(texts, targets, strict=True)
        ]


def prediction(
    example: Example, shares: Sequence[float], toxicity: Sequence[float], relevance: float = 1.0
) -> Prediction:
    favor, against, neutral = shares
    label = STANCE_LABELS[int(np.argmax(shares))]
    asked = example.target is not None and example.stance is not None
    scores = (StanceScore(example.target or "", label, favor, against, neutral, relevance),)
    return Prediction(
        scores if asked else (),
        dict(zip(TOXICITY_LABELS, toxicity, strict=True)),
        max(toxicity) >= 0.5,
        ((0, 2),) if max(toxicity) >= 0.5 else (),
    )


def data_of(examples: Sequence[Example], **more: object) -> EvaluationData:
    groups = [text_key(row.text) for row in examples]
    return with_usual_columns(EvaluationData("made-up", "Made up", examples, groups, **more))  # type: ignore[arg-type]


def model_of(examples: Sequence[Example], answer: Answer) -> Answers:
    return Answers(
        {(row.text, row.target if row.stance else None): answer(row) for row in examples}
    )


def random_rows(count: int, seed: int = 0) -> tuple[list[Example], Answers]:
    """Return rows of everything there is, several to a comment, and a model better than chance."""
    random = np.random.default_rng(seed)
    examples: list[Example] = []
    answers: dict[tuple[str, str | None], Prediction] = {}
    words = ["gay", "muslim", "white", "tram", "car", "bus"]
    for number in range(count):
        text = f"comment {number // 2} on {words[number // 2 % len(words)]}s"
        stance = STANCE_LABELS[random.integers(3)] if random.random() < 0.8 else None
        toxic = {label: float(random.random() < 0.4) for label in TOXICITY_LABELS[:2]}
        row = Example(
            text,
            "made-up",
            "test",
            target=f"target {number % 2 + 2 * (number % 3)}",
            stance=stance,
            relevance=float(random.random() < 0.7) if stance == "neutral" else None,
            toxicity=toxic if random.random() < 0.8 or stance is None else {},
            toxic_spans=((0, int(random.integers(1, 8))),) if random.random() < 0.5 else None,
            seen_target=bool(number % 2),
        )
        shares = random.dirichlet([1, 1, 1])
        if stance is not None:
            shares = (shares + 0.4 * np.eye(3)[STANCE_LABELS.index(stance)]) / 1.4
        # Rounded, so that scores are tied.
        toxicity = [
            float(np.round(0.7 * random.random() + 0.3 * toxic.get(label, 0.0), 2))
            for label in TOXICITY_LABELS
        ]
        key = (text, row.target if stance else None)
        if key in answers:
            continue
        examples.append(row)
        answers[key] = prediction(row, shares.tolist(), toxicity, float(random.random()))
    return examples, Answers(answers)

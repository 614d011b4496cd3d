"""What scoring returns: plain frozen data, ready for tables, files and reports."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stance.labels import StanceLabel
from stance.thread import Comment, Thread

# Of a comment that is answered: about as much as the tokens of a target hold.
MAX_PARENT_CHARS = 500


@dataclass(frozen=True, slots=True)
class StanceScore:
    """The stance of one comment to one target.

    `favor`, `against` and `neutral` are probabilities that sum to one and `label` names the
    largest. Neutral includes off-target; `relevance`, the probability that the comment speaks
    about the target at all, says which kind of neutral it is.
    """

    target: str
    label: StanceLabel
    favor: float
    against: float
    neutral: float
    relevance: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a reply stands to the comment that it answers.

    `favor`, `against` and `neutral` are the probabilities that it agrees, disagrees, or does
    neither; they sum to one and `label` names the largest.
    """

    label: StanceLabel
    favor: float
    against: float
    neutral: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one text.

    Parameters
    ----------
    stance : tuple of StanceScore
        One for each target asked for, in that order.
    toxicity : dict of str to float
        Probability per toxicity label, in the order of `stance.labels.TOXICITY_LABELS`.
    toxic : bool
        Whether the text is flagged at the thresholds in force.
    toxic_spans : tuple of (start, end)
        Character offsets into the text, end exclusive, in order, never overlapping.
    reply : Agreement or None
        With the comment that the text answers; None where it answers none.
    language : str or None
        ISO 639-1 code of the text's language, None where it cannot be told.
    """

    stance: tuple[StanceScore, ...]
    toxicity: dict[str, float]
    toxic: bool
    toxic_spans: tuple[tuple[int, int], ...]
    reply: Agreement | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ScoredComment:
    """A comment with what the model says of it."""

    comment: Comment
    prediction: Prediction

    def to_dict(self, source: str, model: str) -> dict[str, Any]:
        """Return the row of one comment in `stance score` output."""
        comment, prediction = self.comment, self.prediction
        return {
            "source": source,
            "id": comment.id,
            "author": comment.author,
            "published": comment.published,
            "parent_id": comment.parent_id,
            "depth": comment.depth,
            "text": comment.text,
            **prediction_columns(prediction),
            "model": model,
        }


@dataclass(frozen=True, slots=True)
class ScoredThread:
    """A thread whose comments are scored against `targets` by `model`, which reads `languages`."""

    thread: Thread
    targets: tuple[str, ...]
    comments: tuple[ScoredComment, ...]
    model: str
    languages: tuple[str, ...] = ("en",)

    def rows(self) -> list[dict[str, Any]]:
        """Return one dict a comment, as written to JSON Lines."""
        return [comment.to_dict(self.thread.source, self.model) for comment in self.comments]


def is_unread(prediction: Prediction, languages: Collection[str]) -> bool:
    """Whether a comment is in a language that is none of these."""
    return prediction.language is not None and prediction.language not in languages


def prediction_columns(prediction: Prediction) -> dict[str, Any]:
    """Return the output columns that hold a prediction.

    Examples
    --------
    >>> list(prediction_columns(Prediction((), {"toxicity": 0.1}, False, ())))
    ['stance', 'reply', 'toxicity', 'toxic', 'toxic_spans', 'language']
    """
    return {
        "stance": [
            {
                "target": score.target,
                "label": score.label,
                "favor": score.favor,
                "against": score.against,
                "neutral": score.neutral,
                "relevance": score.relevance,
            }
            for score in prediction.stance
        ],
        "reply": None if prediction.reply is None else asdict(prediction.reply),
        "toxicity": prediction.toxicity,
        "toxic": prediction.toxic,
        "toxic_spans": [list(span) for span in prediction.toxic_spans],
        "language": prediction.language,
    }


def prediction_of_columns(columns: Mapping[str, Any]) -> Prediction:
    """Return the prediction that the columns of a row hold, the other way round.

    Parameters
    ----------
    columns : mapping
        As `prediction_columns` returns them, or as they come back from JSON.

    Examples
    --------
    >>> prediction = Prediction((), {"toxicity": 0.1}, False, ((0, 4),), None, "en")
    >>> prediction_of_columns(prediction_columns(prediction)) == prediction
    True
    """
    reply = columns["reply"]
    return Prediction(
        stance=tuple(StanceScore(**score) for score in columns["stance"]),
        toxicity=columns["toxicity"],
        toxic=columns["toxic"],
        toxic_spans=tuple((start, end) for start, end in columns["toxic_spans"]),
        reply=None if reply is None else Agreement(**reply),
        language=columns["language"],
    )

"""A labelled example: one text, perhaps a target, and whichever labels are known."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from stance.labels import StanceLabel, ToxicityLabel

Split = Literal["train", "dev", "test"]

_WORDS = re.compile(r"\w+")
_KEY_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Example:
    """One row of a labelled corpus; what a corpus does not label stays None or absent.

    Parameters
    ----------
    text : str
        The comment.
    corpus : str
        Name of the corpus that it is from.
    split : {"train", "dev", "test"}
    target : str or None
        What the stance is to; None for a row that is about the comment alone.
    stance : {"favor", "against", "neutral"} or None
    relevance : float or None
        1 where the comment speaks about the target, 0 where it does not.
    toxicity : mapping of toxicity label to float
        Share of raters, or 0 and 1; a label that is absent is unknown.
    toxic_spans : tuple of (start, end) or None
        Character offsets, end exclusive; empty where raters marked nothing, None where unknown.
    seen_target : bool or None
        Whether the target occurs in the corpus's own training split.
    """

    text: str
    corpus: str
    split: Split
    target: str | None = None
    stance: StanceLabel | None = None
    relevance: float | None = None
    toxicity: Mapping[ToxicityLabel, float] = field(default_factory=dict)
    toxic_spans: tuple[tuple[int, int], ...] | None = None
    seen_target: bool | None = None

    @property
    def group(self) -> str:
        """The key that rows of the same comment share: they stay in one split and one draw."""
        return text_key(self.text)

    @property
    def most_toxic(self) -> float:
        """The highest of its labels of toxicity, 0 where it has none."""
        return max(self.toxicity.values(), default=0.0)


def text_key(text: str) -> str:
    """Return what identifies a text across corpora: word characters, lower case, the first 120.

    A text without any is its own.

    Examples
    --------
    >>> text_key("Trams, now!") == text_key("trams now")
    True
    >>> text_key(" :-) ")
    ':-)'
    """
    return ("".join(_WORDS.findall(text.lower())) or text.strip())[:_KEY_LENGTH]

"""Words that messages share, counted nouns and names that were most likely meant; empty texts."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

_UNSEEN = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))  # categories: controls, formats, spaces
_LEAST_ALIKE = 0.7  # of a name to one that is suggested, 0 to 1


def count_words(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count and its noun.

    Examples
    --------
    >>> count_words(1, "row"), count_words(3006, "row"), count_words(2, "reply", "replies")
    ('1 row', '3,006 rows', '2 replies')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the question for the known name that is nearly this one, or None.

    Examples
    --------
    >>> did_you_mean("learnig_rate", ["learning_rate", "head_learning_rate"])
    'did you mean learning_rate?'
    >>> did_you_mean("url", ["text", "author"]) is None
    True
    """
    near = get_close_matches(name, list(known), n=1, cutoff=_LEAST_ALIKE)
    return f"did you mean {near[0]}?" if near else None


def is_empty(text: str) -> bool:
    r"""Tell whether a reader sees nothing of a text: spaces, control and format characters alone.

    Examples
    --------
    >>> is_empty(" \n"), is_empty("\u200b\u00ad"), is_empty("\u200bGood.")
    (True, True, False)
    """
    return all(unicodedata.category(sign) in _UNSEEN for sign in text)

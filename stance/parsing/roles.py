"""What the class, id and item property of an element say that it holds."""

import re
from functools import lru_cache

from lxml.html import HtmlElement

from stance.parsing import markup

AUTHOR, TIME, BODY, ACTION, HIDDEN, LIKE = 1, 2, 4, 8, 16, 32
_NOT_BODY = markup.ACTION_WORDS - {"reply"}
_DIGITS = re.compile(r"\d+")
_WORD_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])|[^0-9A-Za-zÀ-ÿ]+|(?<=[a-z])(?=\d)")


@lru_cache(maxsize=65536)
def words_of(name: str) -> frozenset[str]:
    """Return the words that a class name, id or item property is made of.

    Examples
    --------
    >>> sorted(words_of("comment-author commentTimeStamp"))
    ['author', 'comment', 'stamp', 'time']
    """
    return frozenset(word.lower() for word in _WORD_BOUNDARY.split(name[:400]) if word)


def _last_word(name: str) -> str:
    """Return what a class name ends in: "text" for comment-text, but not for text-small."""
    words = [word for word in _WORD_BOUNDARY.split(name[-40:]) if word]
    return words[-1].lower() if words else ""


@lru_cache(maxsize=65536)
def _roles_of(tag: str, kind: str, item: str) -> tuple[int, int]:
    """Return the roles that tag, class with id, and item property give, and the author's rank."""
    roles, rank = 0, 0
    if markup.HIDDEN_WORDS.intersection(kind.split()):
        roles |= HIDDEN
    for token in (*kind.split(), item):
        words = words_of(token)
        if _last_word(token) in markup.BODY_WORDS and not words & _NOT_BODY:
            roles |= BODY
        elif words & markup.ACTION_WORDS:
            roles |= ACTION
        if words & markup.LIKE_WORDS and not words & markup.DISLIKE_WORDS:
            roles |= LIKE
        if not words & markup.NOT_AUTHOR_WORDS:
            rank = max([rank, *(markup.AUTHOR_WORDS.get(word, 0) for word in words)])
        if words & markup.TIME_WORDS:
            roles |= TIME
    if rank < 4 and any(words_of(token) & markup.PICTURE_WORDS for token in kind.split()):
        rank = 0
    if tag in ("time", "abbr"):
        roles |= TIME
    if tag == "form":
        roles |= ACTION
    return roles | (AUTHOR if rank else 0), rank


def roles_of(element: HtmlElement) -> tuple[int, int]:
    """Return what an element's class, id and item property say that it holds."""
    kind = f"{element.get('class') or ''} {_DIGITS.sub('', element.get('id') or '')}"
    return _roles_of(element.tag, kind, element.get("itemprop") or "")


def own_number(element: HtmlElement) -> str | None:
    """Return the number in an element's id, which a comment keeps wherever it is shown."""
    return max(_DIGITS.findall(element.get("id") or ""), key=len, default=None)

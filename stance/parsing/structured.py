"""Comments that a page also states as schema.org data in JSON-LD.

Types read: `Comment`, `UserComments`, `Answer`, and what hangs on a `DiscussionForumPosting`,
an article or a question as `comment`, `suggestedAnswer` or `acceptedAnswer`
(https://schema.org/Comment). Microdata is read as any other markup, see `markup.FAMILIES`.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lxml import etree
from lxml.html import HtmlElement, document_fromstring

from stance.parsing.blocks import join_lines, read_lines
from stance.parsing.dates import parse_time
from stance.parsing.detect import replace_surrogates
from stance.parsing.selectors import strings
from stance.thread import Comment

LARGEST_BLOCK = 20_000_000  # characters of one JSON-LD block
_BLOCKS = etree.XPath("//script[@type='application/ld+json']/text()", smart_strings=False)
_ANSWERS = ("comment", "suggestedAnswer", "acceptedAnswer")
_TYPES = frozenset({"comment", "usercomments", "answer"})
_COUNT = re.compile(r"\d{1,12}")  # of more than 4,300 digits Python makes no number
_TAG = re.compile(r"<(?:p|br|div|a|blockquote|em|strong|i|b|span)\b|&(?:amp|lt|gt|quot|#\d{2,5});")


def read_json_ld(tree: HtmlElement) -> list[Comment]:
    """Return the comments in a page's JSON-LD, answers after what they answer.

    Examples
    --------
    >>> from lxml.html import fromstring
    >>> page = '''<html><script type="application/ld+json">{"@type": "Article", "comment":
    ... [{"@type": "Comment", "text": "At last!", "author": {"name": "Ada"}}]}</script></html>'''
    >>> [(comment.author, comment.text) for comment in read_json_ld(fromstring(page))]
    [('Ada', 'At last!')]
    """
    comments: list[Comment] = []
    for block in strings(_BLOCKS, tree):
        if "omment" not in block and "Answer" not in block:
            continue
        comments.extend(_comments_in(_load(block), len(comments)))
    return comments


def _load(block: str) -> Any:
    """Return what a block says; None where it is no JSON."""
    if len(block) > LARGEST_BLOCK:
        return None
    try:
        return json.loads(block.strip().rstrip(";"), strict=False)
    except (ValueError, RecursionError):
        return None


def _comments_in(data: Any, count: int) -> Iterator[Comment]:
    """Yield comments in document order, without recursion."""
    stack: list[tuple[Any, str | None, int]] = [(data, None, 0)]
    while stack:
        node, parent, depth = stack.pop()
        if isinstance(node, list):
            stack.extend((child, parent, depth) for child in reversed(node))
            continue
        if not isinstance(node, dict):
            continue
        kinds = node.get("@type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if any(isinstance(kind, str) and kind.lower() in _TYPES for kind in kinds):
            text = _plain(node.get("text") or node.get("commentText") or node.get("description"))
            if text:
                count += 1
                name = str(count)
                yield _comment(node, name, text, parent, depth)
                parent, depth = name, depth + 1
        elif parent is None:
            below = [child for key, child in node.items() if key not in _ANSWERS]
            stack.extend((child, None, 0) for child in reversed(below))
        answers = [node[key] for key in _ANSWERS if node.get(key)]
        stack.extend((answer, parent, depth) for answer in reversed(answers))


def _comment(node: dict[str, Any], name: str, text: str, parent: str | None, depth: int) -> Comment:
    author = node.get("author") or node.get("creator")
    author = author[0] if isinstance(author, list) and author else author
    if isinstance(author, dict):
        author = author.get("name") or author.get("alternateName")
    stated = node.get("dateCreated") or node.get("datePublished") or node.get("commentTime")
    stated = replace_surrogates(stated) if isinstance(stated, str) else None
    published = stated if stated and _is_iso(stated) else parse_time(stated or "")
    return Comment(
        id=name,
        text=text,
        author=_plain(author) or None,
        published=published,
        parent_id=parent,
        depth=depth,
        likes=_likes(node),
        published_text=None if published else stated,
    )


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _likes(node: dict[str, Any]) -> int | None:
    """Return `upvoteCount`, or the count of a LikeAction."""
    counts = node.get("interactionStatistic")
    counts = counts if isinstance(counts, list) else [counts]
    stated = [node.get("upvoteCount")] + [
        count.get("userInteractionCount")
        for count in counts
        if isinstance(count, dict) and "LikeAction" in str(count.get("interactionType"))
    ]
    for value in stated:
        if isinstance(value, int) or (isinstance(value, str) and _COUNT.fullmatch(value)):
            return int(value)
    return None


def _plain(value: Any) -> str:
    """Return a text without the markup that some sites leave in it."""
    if not isinstance(value, str):
        return ""
    text = replace_surrogates(value)
    if not _TAG.search(text):
        return text.strip()
    try:
        return join_lines(read_lines(document_fromstring(f"<div>{text}</div>")))
    except (etree.ParserError, ValueError):
        return text.strip()

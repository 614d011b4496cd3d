"""The article of a page, by trafilatura, once the comments are out of the tree."""

import logging
import re
from contextlib import suppress
from itertools import islice
from typing import Any

from lxml import etree
from lxml.html import HtmlElement

from stance.parsing.fields import Record
from stance.parsing.selectors import strings
from stance.thread import Article

LARGEST_READ = 30_000  # elements of a page, its comments out, that are searched for the article
LARGEST_COMPARED = 3_000  # elements; comparing extractors takes time quadratic in paragraphs
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:$|[T ]\d\d:\d\d)")
_DATES = tuple(
    etree.XPath(path, smart_strings=False)
    for path in (
        "//meta[@property='article:published_time']/@content",
        "//meta[@itemprop='datePublished' or @name='date' or @name='pubdate'"
        " or @name='publish-date' or @name='DC.date.issued' or @name='dcterms.created']/@content",
        "//time[@itemprop='datePublished' or @pubdate]/@datetime",
    )
)


def read_article(
    tree: HtmlElement, *, url: str | None = None, opening: Record | None = None
) -> Article | None:
    """Read title, author, date and body of what a page is about.

    Parameters
    ----------
    tree : HtmlElement
        The page without its comments.
    url : str, optional
    opening : Record, optional
        The opening post of a forum thread, which then is the article.
    """
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    about = _read_metadata(tree, url)
    if opening is not None:
        return Article(about.title, opening.author, opening.published, opening.text, about.url)
    huge = next(islice(tree.iter(), LARGEST_COMPARED, None), None) is not None
    document = trafilatura.bare_extraction(tree, include_comments=False, fast=huge)
    text = getattr(document, "text", None) or ""
    if not text and not about.title:
        return None
    text = "\n\n".join(line for line in text.split("\n") if line.strip())
    return Article(about.title, about.author, about.date, text, about.url)


def keep_beginning(tree: HtmlElement, count: int = LARGEST_READ) -> bool:
    """Drop what stands after so many elements of a tree; tell whether anything did.

    Examples
    --------
    >>> from lxml.html import fromstring, tostring
    >>> tree = fromstring("<ul><li><b>One</b></li><li>Two</li></ul>")
    >>> keep_beginning(tree, 3), tostring(tree)
    (True, b'<ul><li><b>One</b></li></ul>')
    """
    node = next(islice(tree.iter(), count - 1, None), None)
    after = next(islice(tree.iter(), count, None), None)
    if node is None or after is None:
        return False
    del node[:]
    while (above := node.getparent()) is not None and node is not tree:
        del above[above.index(node) + 1 :]
        node = above
    return True


def _read_metadata(tree: HtmlElement, url: str | None) -> Any:
    """Return trafilatura's metadata: what it would find, without the parts that nobody asks for."""
    from trafilatura import metadata

    about = metadata.examine_meta(tree)
    with suppress(Exception):  # other people's JSON, and its reader raises anything
        about = metadata.extract_meta_json(tree, about)
    about.title = about.title or metadata.extract_title(tree)
    about.author = about.author or metadata.extract_author(tree)
    about.url = url or about.url or metadata.extract_url(tree, None)
    about.date = _read_date(tree, about.url)
    return about


def _read_date(tree: HtmlElement, url: str | None) -> str | None:
    """Return when the article was published: as its markup says, else by htmldate."""
    for path in _DATES:
        for value in strings(path, tree):
            if _ISO.match(value.strip()):
                return value.strip()
    from htmldate import find_date

    try:
        return find_date(tree, url=url, extensive_search=False, original_date=True)
    except Exception:  # it reads whatever a page says
        return None

"""The article of a page, by trafilatura, once the comments are out of the tree."""

import logging

from lxml.html import HtmlElement

from stance.parsing.records import Record
from stance.thread import Article


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
    document = trafilatura.bare_extraction(
        tree, url=url, include_comments=False, with_metadata=True
    )
    if opening is not None:
        return Article(
            title=None if document is None else document.title,
            author=opening.author,
            published=opening.published,
            text=opening.text,
            url=url,
        )
    if document is None:
        return None
    text = "\n\n".join(line for line in (document.text or "").split("\n") if line.strip())
    return Article(document.title, document.author, document.date, text, document.url)

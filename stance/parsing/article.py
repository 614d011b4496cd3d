"""The article of a page, by trafilatura, once the comments are out of the tree."""

import logging

from lxml.html import HtmlElement

from stance.thread import Article


def read_article(tree: HtmlElement, *, url: str | None = None) -> Article | None:
    """Read title, author, date and body of what a page is about."""
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    document = trafilatura.bare_extraction(
        tree, url=url, include_comments=False, with_metadata=True
    )
    if document is None:
        return None
    text = "\n\n".join(line for line in (document.text or "").split("\n") if line.strip())
    return Article(document.title, document.author, document.date, text, document.url)

"""The article: what trafilatura reads once the comments are gone."""

from lxml.html import document_fromstring

from stance.parsing.article import read_article
from stance.parsing.html import parse_html

PARAGRAPHS = (
    "The council voted on Thursday to build a tram line to the east side of the town.",
    "Work is to begin in spring, and nine thousand people a day are to use the line.",
)
PAGE = (
    "<html><head><title>Trams</title>"
    "<meta property='article:published_time' content='2021-10-15T08:00:00+02:00'>"
    "<meta name='author' content='Frida Holm'></head><body><article><h1>Trams</h1>"
    f"<p>{PARAGRAPHS[0]}</p><p>{PARAGRAPHS[1]}</p></article></body></html>"
)


def test_title_author_time_and_paragraphs() -> None:
    article = read_article(document_fromstring(PAGE), url="https://courier.example/trams")
    assert article is not None
    assert article.title == "Trams"
    assert article.author == "Frida Holm"
    assert article.published == "2021-10-15T08:00:00+02:00"
    assert "\n\n".join(PARAGRAPHS) in article.text
    assert article.url == "https://courier.example/trams"


def test_nothing_leaks_into_the_article() -> None:
    comment = (
        "<ol class='comment-list'><li id='comment-1' class='comment even depth-1'><b class='fn'>Ada"
        "</b><div class='comment-content'><p>I for one shall take the tram every single day of my "
        "life, and so will all my neighbours on the hill.</p></div></li></ol>"
    )
    thread = parse_html(PAGE.replace("</article>", f"{comment}</article>"))
    assert len(thread.comments) == 1
    assert thread.article is not None
    assert "neighbours" not in thread.article.text
    assert PARAGRAPHS[1] in thread.article.text


def test_an_empty_page_has_no_article() -> None:
    assert read_article(document_fromstring("<html><body></body></html>")) is None

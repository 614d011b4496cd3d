"""A gate: invented pages in the markup of each family, read without a mistake."""

import json
from pathlib import Path

import pytest

from stance.parsing.html import parse_html

PAGES = Path(__file__).parent / "pages"
GOLD = json.loads((PAGES / "gold.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(GOLD))
def test_page(name: str) -> None:
    gold = GOLD[name]
    thread = parse_html((PAGES / f"{name}.html").read_text(encoding="utf-8"))
    assert [(c.author, c.text) for c in thread.comments] == [
        (c["author"], c["text"]) for c in gold["comments"]
    ]
    assert [(c.published or "")[:16] or None for c in thread.comments] == [
        c["published"] for c in gold["comments"]
    ]
    assert [c.depth for c in thread.comments] == [c["depth"] for c in gold["comments"]]
    if any(c["likes"] is not None for c in gold["comments"]):
        assert [c.likes for c in thread.comments] == [c["likes"] for c in gold["comments"]]
    assert thread.deleted == gold["deleted"]
    assert len(thread.notes) == gold["notes"]
    article = thread.article
    assert article is not None
    assert all(snippet in article.text for snippet in gold["article"])
    assert not any(c["text"].split("\n")[0] in article.text for c in gold["comments"])
    assert article.title is not None
    assert gold["title"] in article.title
    if gold["article_author"]:
        assert article.author == gold["article_author"]

"""The first two real page dumps that had to work, where they are at hand."""

import os
from pathlib import Path

import pytest

from stance.parsing import parse_bytes
from stance.thread import Thread


def read(prefix: str, change: str) -> Thread:
    shared = os.environ.get("STANCE_SHARED")
    found = sorted(Path(shared, "seeds").glob(f"{prefix}*")) if shared else []
    if not found:
        pytest.skip("STANCE_SHARED names no folder with the two page dumps")
    data = found[0].read_bytes()
    changes = {
        "as it is": data,
        "Windows line ends": data.replace(b"\n", b"\r\n"),
        "byte-order mark": b"\xef\xbb\xbf" + data,
        "trailing spaces": data.replace(b"\n", b"   \n"),
    }
    [thread] = parse_bytes(changes[change], source="seed")
    return thread


CHANGES = ["as it is", "Windows line ends", "byte-order mark", "trailing spaces"]


@pytest.mark.parametrize("change", CHANGES)
def test_a_page_without_comments_is_an_article_alone(change: str) -> None:
    thread = read("000", change)
    assert thread.comments == ()
    assert thread.article is not None
    assert thread.article.title is not None
    paragraphs = thread.article.text.split("\n\n")
    assert paragraphs[0].startswith("Berlin")
    assert not any(line in thread.article.text for line in ("Similar Posts", "Some media"))
    assert thread == read("000", "as it is")


@pytest.mark.parametrize("change", CHANGES)
def test_fifteen_comments_of_which_one_has_lost_its_author(change: str) -> None:
    thread = read("001", change)
    assert len(thread.comments) == 15
    assert [comment.author is None for comment in thread.comments].index(True) == 3
    assert sum(comment.author is None for comment in thread.comments) == 1
    assert {comment.depth for comment in thread.comments} == {0}
    assert thread.comments[0].published == "2021-10-15T17:35"
    assert thread.comments[3].published == "2021-10-15T21:47"
    assert [comment.text.count("\n\n") for comment in thread.comments] == [
        0, 3, 2, 3, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2,
    ]  # fmt: skip
    assert thread.article is not None
    assert thread.article.text.startswith("On October 7")
    assert thread.article.text.endswith("underestimated.")
    assert thread == read("001", "as it is")

"""Comments in JSON-LD."""

import json
from typing import Any

import pytest
from lxml.html import fromstring

from stance.parsing.structured import read_json_ld
from stance.thread import Comment


def page(data: Any) -> Any:
    text = data if isinstance(data, str) else json.dumps(data)
    return fromstring(f"<html><script type='application/ld+json'>{text}</script></html>")


def test_nested_comments_become_answers() -> None:
    answer = {"@type": "Comment", "text": "No.", "author": "Bo"}
    first = {
        "@type": ["Comment"],
        "text": "<p>Yes.</p><p>Now.</p>",
        "author": [{"name": "Ada"}],
        "dateCreated": "2021-10-15T17:35:00Z",
        "interactionStatistic": {
            "interactionType": "https://schema.org/LikeAction",
            "userInteractionCount": "4",
        },
        "comment": answer,
    }
    assert read_json_ld(page({"@graph": [{"@type": "Article", "comment": [first]}]})) == [
        Comment("1", "Yes.\n\nNow.", "Ada", "2021-10-15T17:35:00Z", likes=4),
        Comment("2", "No.", "Bo", parent_id="1", depth=1),
    ]


def test_answers_to_a_question() -> None:
    data = {
        "@type": "QAPage",
        "mainEntity": {
            "@type": "Question",
            "text": "Why?",
            "suggestedAnswer": [{"@type": "Answer", "text": "So.", "upvoteCount": 2}],
        },
    }
    assert [(c.text, c.likes) for c in read_json_ld(page(data))] == [("So.", 2)]


def test_the_opening_post_is_no_comment() -> None:
    assert read_json_ld(page({"@type": "DiscussionForumPosting", "text": "comment on this"})) == []


def test_no_json_is_no_comment() -> None:
    assert read_json_ld(page("{'comment': ")) == []
    assert read_json_ld(page("[" * 100_000 + '"comment"')) == []


def test_a_time_that_is_no_time_is_kept_as_text() -> None:
    (comment,) = read_json_ld(page({"@type": "Comment", "text": "Yes.", "dateCreated": "later"}))
    assert (comment.published, comment.published_text) == (None, "later")


def test_half_a_letter_is_replaced_wherever_it_stands() -> None:
    data = (
        r'{"@type": "Article", "comment": [{"@type": "Comment", '
        r'"text": "Bad \ud83d thing \ud83d\ude8b", '
        r'"author": {"name": "A\udc00da"}, "dateCreated": "some \ud83d day"}]}'
    )
    assert read_json_ld(page(data)) == [
        Comment("1", "Bad \ufffd thing \U0001f68b", "A\ufffdda", published_text="some \ufffd day")
    ]


@pytest.mark.parametrize(("stated", "likes"), [("12", 12), ("9" * 5000, None), ("many", None)])
def test_likes_that_are_no_count_are_left_out(stated: str, likes: int | None) -> None:
    data = {"@type": "Comment", "text": "Yes.", "upvoteCount": stated}
    assert read_json_ld(page(data)) == [Comment("1", "Yes.", likes=likes)]

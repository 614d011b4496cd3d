"""Threads with comments of which nothing can be seen."""

from typing import Any

import pytest

from stance.scoring.threads import parent_texts, score_thread
from stance.thread import Comment, Thread

UNSEEN = ["", " \n", "\u200b", "\u2060\u00ad", "\0", "\ufeff"]


@pytest.mark.parametrize("text", UNSEEN)
def test_a_comment_without_a_visible_text_is_counted_and_not_scored(
    fake_analyzer: Any, text: str
) -> None:
    comments = (Comment("1", "I love it"), Comment("2", text), Comment("3", "No", parent_id="2"))
    thread = Thread("page", "html", comments=comments, notes=("old",))
    scored = score_thread(thread, fake_analyzer, ["trams"])
    assert [item.comment.id for item in scored.comments] == ["1", "3"]
    assert scored.comments[1].prediction.reply is None
    assert [comment.id for comment in scored.thread.comments] == ["1", "3"]
    assert scored.thread.notes == (
        "old",
        "1 of 3 comments could not be scored: the text is empty",
    )


def test_a_visible_text_may_hold_format_characters(fake_analyzer: Any) -> None:
    thread = Thread("page", "html", comments=(Comment("1", "\u200bGood\u00ad."),))
    scored = score_thread(thread, fake_analyzer, [])
    assert scored.thread is thread
    assert len(scored.comments) == 1


@pytest.mark.parametrize("text", UNSEEN)
def test_nothing_answers_a_comment_without_a_text(text: str) -> None:
    comments = [Comment("1", text), Comment("2", "No", parent_id="1")]
    assert parent_texts(comments) == [None, None]

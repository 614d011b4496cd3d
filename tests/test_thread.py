import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.thread import Article, Comment, Thread

optional_text = st.none() | st.text(max_size=8)
articles = st.builds(
    Article, optional_text, optional_text, optional_text, st.text(max_size=8), optional_text
)
comments = st.builds(
    Comment,
    st.text(max_size=4),
    st.text(max_size=8),
    optional_text,
    optional_text,
    optional_text,
    st.integers(0, 9),
    st.none() | st.integers(-9, 9),
    optional_text,
)
threads = st.builds(
    Thread,
    st.text(max_size=8),
    st.sampled_from(["html", "text"]),
    st.none() | articles,
    st.lists(comments, max_size=4).map(tuple),
    st.integers(0, 9),
    st.lists(st.text(max_size=8), max_size=2).map(tuple),
)


@given(threads)
def test_a_thread_survives_json(thread: Thread) -> None:
    assert Thread.from_dict(json.loads(json.dumps(thread.to_dict()))) == thread


def test_what_is_optional_may_be_left_out() -> None:
    data = {"source": "-", "format": "text", "comments": [{"id": "1", "text": "Good."}]}
    assert Thread.from_dict(data) == Thread("-", "text", comments=(Comment("1", "Good."),))


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"source": None}, TypeError, "source is NoneType, expected str"),
        ({"format": 1}, TypeError, "format is int, expected str"),
        ({"deleted": "2"}, TypeError, "deleted is str, expected int"),
        ({"deleted": -2}, ValueError, "deleted is -2, expected at least 0"),
        ({"notes": "hm"}, TypeError, "notes is str, expected list | tuple"),
        ({"notes": [5]}, TypeError, "note is int, expected str"),
        ({"article": "Trams"}, TypeError, "article is str, expected Mapping"),
        ({"article": {"title": 7}}, TypeError, "article: title is int, expected str | None"),
        ({"article": {"text": None}}, TypeError, "article: text is NoneType, expected str"),
        ({"article": {"lead": "hm"}}, ValueError, "article: unknown name 'lead'"),
        ({"comments": None}, TypeError, "comments is NoneType, expected list | tuple"),
        ({"comments": 5}, TypeError, "comments is int, expected list | tuple"),
        ({"comments": [5]}, TypeError, "comment 1 is int, expected Mapping"),
    ],
)
def test_each_value_of_a_thread_is_checked(
    values: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        Thread.from_dict({"source": "-", "format": "text", "comments": [], **values})
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"text": 5}, TypeError, "text is int, expected str"),
        ({"id": 2}, TypeError, "id is int, expected str"),
        ({"author": 5}, TypeError, "author is int, expected str | None"),
        ({"published": 5.5}, TypeError, "published is float, expected str | None"),
        ({"parent_id": []}, TypeError, "parent_id is list, expected str | None"),
        ({"depth": True}, TypeError, "depth is bool, expected int"),
        ({"depth": None}, TypeError, "depth is NoneType, expected int"),
        ({"depth": -1}, ValueError, "depth is -1, expected at least 0"),
        ({"likes": "many"}, TypeError, "likes is str, expected int | None"),
        ({"x" * 999: "hm"}, ValueError, f"unknown name '{'x' * 40}'"),
    ],
)
def test_each_value_of_a_comment_is_checked(
    values: dict[str, Any], error: type[Exception], message: str
) -> None:
    comments = [{"id": "1", "text": "Good."}, {"id": "2", "text": "Bad.", **values}]
    with pytest.raises(error) as raised:
        Thread.from_dict({"source": "-", "format": "text", "comments": comments})
    assert str(raised.value) == f"comment 2: {message}"


def test_a_comment_needs_a_text() -> None:
    data = {"source": "-", "format": "text", "comments": [{"id": "1"}]}
    with pytest.raises(ValueError, match=r"^comment 1: text is missing$"):
        Thread.from_dict(data)


def test_the_columns_of_a_thread() -> None:
    thread = Thread("-", "text", Article("Trams"), (Comment("1", "Good."),))
    data = thread.to_dict()
    assert list(data) == ["source", "format", "article", "comments", "deleted", "notes"]
    assert list(data["article"]) == ["title", "author", "published", "text", "url"]
    assert list(data["comments"][0])[:7] == [
        *("id", "text", "author", "published", "parent_id", "depth", "likes"),
    ]

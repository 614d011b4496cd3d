import json

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


def test_the_columns_of_a_thread() -> None:
    thread = Thread("-", "text", Article("Trams"), (Comment("1", "Good."),))
    data = thread.to_dict()
    assert list(data) == ["source", "format", "article", "comments", "deleted", "notes"]
    assert list(data["article"]) == ["title", "author", "published", "text", "url"]
    assert list(data["comments"][0])[:7] == [
        *("id", "text", "author", "published", "parent_id", "depth", "likes"),
    ]

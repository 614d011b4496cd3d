"""Pages as a whole: who answers whom, what is no comment, and input that means harm."""

from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import assert_linear, within

from stance.parsing.html import parse_html
from stance.thread import Comment, Thread

ARTICLE = (
    "<article><h1>Trams</h1><p>The council voted on Thursday to build a tram line.</p></article>"
)


def wordpress(number: int, text: str, below: str = "", kind: str = "comment") -> str:
    return (
        f"<li id='comment-{number}' class='{kind} even depth-1'><b class='fn'>Ada {number}</b> "
        f"<time datetime='2021-10-15T17:35:00+02:00'>Friday</time>"
        f"<div class='comment-content'>{text}</div>{below}</li>"
    )


def listed(*comments: str) -> str:
    return f"{ARTICLE}<ol class='comment-list'>{''.join(comments)}</ol>"


def test_fields_of_a_comment() -> None:
    thread = parse_html(
        listed(wordpress(7, "<p>At last!<br>Well done.</p><p>When?</p>")), source="p"
    )
    assert thread.source == "p"
    assert thread.format == "html"
    assert thread.comments == (
        Comment(
            id="7",
            text="At last!\nWell done.\n\nWhen?",
            author="Ada 7",
            published="2021-10-15T17:35:00+02:00",
        ),
    )


def test_times_keep_their_offset_and_answers_their_parents() -> None:
    below = f"<ol class='children'>{wordpress(8, '<p>No.</p>').replace('depth-1', 'depth-2')}</ol>"
    first, second = parse_html(listed(wordpress(7, "<p>Yes.</p>", below))).comments
    assert (first.depth, first.parent_id) == (0, None)
    assert (second.depth, second.parent_id) == (1, "7")


def test_pingbacks_are_left_out() -> None:
    page = listed(
        wordpress(7, "<p>Yes.</p>"), wordpress(8, "<p>[…] trams […]</p>", kind="pingback")
    )
    assert [comment.id for comment in parse_html(page).comments] == ["7"]


def test_deleted_comments_are_counted_and_their_answers_kept() -> None:
    below = f"<ol class='children'>{wordpress(9, '<p>Why?</p>').replace('depth-1', 'depth-2')}</ol>"
    page = listed(
        wordpress(7, "<p>Yes.</p>"), wordpress(8, "<p>This comment has been removed.</p>", below)
    )
    thread = parse_html(page)
    assert [comment.text for comment in thread.comments] == ["Yes.", "Why?"]
    assert thread.deleted == 1
    assert thread.comments[1].parent_id is None


@pytest.mark.parametrize("mark", ["[flagged]", "[dead]", "[deleted]"])
def test_rows_that_moderators_took_away_are_counted_as_deleted(mark: str) -> None:
    def row(identity: int, body: str) -> str:
        return (
            f"<tr class='athing comtr' id='{identity}'><td class='ind' indent='0'></td>"
            f"<td><span class='comhead'><a class='hnuser' href='user?id=ada'>ada</a>"
            f"<span class='age' title='2021-10-15T17:35:00'>1 day ago</span></span>"
            f"<div class='comment'>{body}</div></td></tr>"
        )

    rows = row(1, "<div class='commtext'>Good trams run late.</div>") + row(2, mark)
    thread = parse_html(f"<html><body><table>{rows}</table></body></html>")
    assert [comment.text for comment in thread.comments] == ["Good trams run late."]
    assert thread.deleted == 1


@pytest.mark.parametrize("last", ["<p>[deleted]</p>", "<p><img src='cat.png'></p>"])
def test_a_comment_without_text_does_not_take_the_names_of_the_others(last: str) -> None:
    texts = [f"<p>Tram {n} is fine with me.</p>" for n in range(1, 10)]
    page = f"{ARTICLE}<ol class='comment-list'>" + "".join(
        f"<li id='comment-{n}' class='comment'><article class='comment-body'>"
        "<footer class='comment-meta'><div class='comment-author vcard'>"
        f"<b class='fn'>Ada {n}</b> <span class='says'>says:</span></div>"
        f"<div class='comment-metadata'><a href='#'><time>October 15, 2021 at 5:3{n % 10} pm"
        f"</time></a></div></footer><div class='comment-content'>{text}</div></article></li>"
        for n, text in enumerate([*texts, last], 1)
    )
    comments = parse_html(page).comments
    assert [comment.author for comment in comments] == [f"Ada {n}" for n in range(1, 10)]
    assert {comment.published for comment in comments[:2]} == {
        "2021-10-15T17:31",
        "2021-10-15T17:32",
    }


def test_relative_times_are_resolved_only_against_a_given_time() -> None:
    page = (
        f"{ARTICLE}<div class='comments'><div class='comment'><span class='author'>Ada</span>"
        "<span class='date'>3 hours ago</span><p class='text'>At last!</p></div></div>"
    )
    (comment,) = parse_html(page).comments
    assert (comment.published, comment.published_text) == (None, "3 hours ago")
    (comment,) = parse_html(page, now=datetime(2021, 10, 15, 17, 35)).comments
    assert (comment.published, comment.published_text) == ("2021-10-15T14:35", None)


def test_repeated_ids_stay_unique() -> None:
    comments = parse_html(listed(wordpress(7, "<p>Yes.</p>"), wordpress(7, "<p>No.</p>"))).comments
    assert len({comment.id for comment in comments}) == 2


def test_comments_hosted_elsewhere_are_named() -> None:
    thread = parse_html(f"{ARTICLE}<div id='disqus_thread'></div>")
    assert thread.comments == ()
    assert thread.notes == ("comments are hosted by Disqus and are not part of the saved page",)


def test_scripts_and_markup_in_comments_are_text_or_nothing() -> None:
    page = listed(wordpress(7, "<p>Hi<script>alert(1)</script> &lt;b&gt;there&lt;/b&gt;</p>"))
    assert parse_html(page).comments[0].text == "Hi <b>there</b>"


def test_other_scripts_and_emoji_stay_as_they_are() -> None:
    text = "مرحبا 👩‍👩‍👧 שלום 🙂"
    assert parse_html(listed(wordpress(7, f"<p>{text}</p>"))).comments[0].text == text


def test_control_characters_do_not_cut_a_page() -> None:
    page = listed(wordpress(7, "<p>be\x00fore</p>"), wordpress(8, "<p>aft\x1ber</p>"))
    assert [comment.text for comment in parse_html(page).comments] == ["be fore", "aft er"]


@pytest.mark.parametrize("page", ["", " ", "<", "<!-- -->", "<html></html>", "\x00", "\ud800"])
def test_next_to_nothing(page: str) -> None:
    assert parse_html(page).comments == ()


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 100_000 + "deep",
        "<div class='comment' id='comment-1'>" * 20_000,
        "<ul><li class='comment even depth-1'>" * 20_000,
        "<p>" + "1" * 1_000_000,
        "<p class='comment date'>" + " " * 300_000 + "15 October 2021",
        "<div class='" + "comment " * 50_000 + "'>x</div>",
    ],
    ids=["nested", "comments in comments", "unclosed", "digits", "spaces", "class"],
)
def test_hostile_shapes_take_bounded_time(page: str) -> None:
    within(10, lambda: parse_html(page))


@pytest.mark.parametrize(
    "piece",
    [
        "<p>{n} October 2021</p>",
        "<div class='c{n}'>word {n}</div>",
        "<p>Some words here to read, and more.</p>",
        "<p>a<b>c<i>",
        "<a href='/user/{n}'>Ada {n}</a> ",
        "<time datetime='2021-10-15T17:35:00'>x</time> ",
        "<div class='comment c{n}'><b class='author'>Ada</b>",
        "<script>x</script><p onclick='x()'>مرحبا 👩‍👩‍👧",
    ],
    ids=["dates", "classes", "paragraphs", "unclosed", "links", "times", "comments", "scripts"],
)
def test_time_is_linear_in_hostile_pieces(piece: str) -> None:
    def prepare(count: int) -> Callable[[], Thread]:
        page = ARTICLE + "".join(piece.format(n=n) for n in range(count))
        return lambda: parse_html(page)

    assert_linear(prepare)


def test_comments_within_comments_take_bounded_time() -> None:
    chain = "<div class='comment'><b class='author'>Ada</b><i class='date'>15 October 2021</i>"
    within(4, lambda: parse_html(ARTICLE + (chain * 200 + "</div>" * 200) * 10))


@pytest.mark.parametrize("name", ["author", "date", "likes"])
@pytest.mark.parametrize("depth", [200, 1_500])
def test_elements_within_elements_take_bounded_time(name: str, depth: int) -> None:
    text = "x " * 5_000 if depth > 1_000 else ""
    nested = f"<b class='{name}'>" * depth + text + "</b>" * depth
    page = f"{ARTICLE}<ol class='commentlist'><li class='comment'>{nested * (4_000 // depth)}"
    within(1.5, lambda: parse_html(page))


@pytest.mark.parametrize("value", ["", "=1", "='>'"])
def test_a_tag_of_many_attributes_takes_bounded_time(value: str) -> None:
    attributes = " ".join(f"a{n}{value}" for n in range(100_000))
    article = within(4, lambda: parse_html(f"<div {attributes}>x</div>{ARTICLE}")).article
    assert article is not None
    assert article.title == "Trams"


def test_of_a_page_without_end_the_beginning_is_searched_for_the_article() -> None:
    thread = parse_html(f"<body>{ARTICLE}{'<i>a</i>' * 30_000}<h1>Buses</h1>")
    assert thread.notes == (
        "beside its comments the page has more than 30,000 elements: "
        "only the first of them were searched for the article",
    )
    assert thread.article is not None
    assert thread.article.title == "Trams"


def test_a_huge_group_is_read_whole_though_it_is_judged_by_a_sample() -> None:
    page = ARTICLE + "".join(
        f"<div class='xk'><i class='n'><a href='/user/{n}'>Ada {n}</a></i> "
        f"<i class='w'>15 October 2021</i><p>Tram {n} is fine with me, thanks.</p></div>"
        for n in range(1_000)
    )
    assert len(parse_html(page).comments) == 1_000


def test_a_page_cut_for_its_depth_says_so() -> None:
    assert parse_html(f"{ARTICLE}{'<div>' * 3_000}deep").notes == (
        "the page nests elements more than 2,000 deep: what follows was not read",
    )
    assert parse_html(f"{ARTICLE}</p></x><b></div>").notes == ()


def test_time_is_linear_in_comments() -> None:
    def prepare(count: int) -> Callable[[], Thread]:
        page = listed(*(wordpress(n, f"<p>Tram {n} is fine.</p>") for n in range(count)))
        assert len(parse_html(page).comments) == count
        return lambda: parse_html(page)

    assert_linear(prepare, 500)


FRAGMENTS = st.sampled_from(
    [
        "<div class='comment'>",
        "<li id='comment-1' class='comment even depth-1'>",
        "</li>",
        "</div>",
        "<p>",
        "</p>",
        "<ol>",
        "<b class='fn'>Ada</b>",
        "<time datetime='2021-10-15'>",
        "</time>",
        "<blockquote>",
        "<table><tr><td>",
        "<dt>",
        "<dd>",
        "<article itemprop='comment' itemscope>",
        "<span class='date'>2 hours ago</span>",
        "<br>",
        "<script>{",
        "<noscript>",
        "<div class='post'>",
        "15 October 2021",
        "<h3>",
        "</h3>",
        "<a href='#comment-2'>x</a>",
        "<dl>",
        "&amp;",
        "&#0;",
        "<shreddit-comment depth='9'>",
        "<tr class='athing comtr'>",
        "<td indent='x'>",
        "<form>",
        "<aside>",
        "\x00",
        '<script type="application/ld+json">{"@type":"Comment","text":1}</script>',
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(FRAGMENTS | st.text(max_size=8), max_size=60).map("".join))
def test_nothing_raises(page: str) -> None:
    thread = parse_html(page)
    ids = [comment.id for comment in thread.comments]
    assert len(set(ids)) == len(ids)
    for comment in thread.comments:
        assert comment.text
        assert (comment.parent_id is None) == (comment.depth == 0)
        assert comment.parent_id is None or comment.parent_id in ids

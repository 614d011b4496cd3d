import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timing import assert_linear, within

from stance.errors import InputError
from stance.parsing.exports import html_to_text, parse_export
from stance.thread import Thread

WXR = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>Tram blog</title>
<item><title>Trams &amp; buses</title><link>https://trams.example/1</link>
 <dc:creator>ada</dc:creator><content:encoded><![CDATA[First.

<b>Second</b>.]]></content:encoded><wp:post_date>2021-10-14 08:00:00</wp:post_date>
 <wp:comment><wp:comment_id>7</wp:comment_id><wp:comment_author>Ben</wp:comment_author>
  <wp:comment_date>2021-10-15 17:35:00</wp:comment_date>
  <wp:comment_content><![CDATA[Too <em>loud</em>.<br>And slow.

Why?]]></wp:comment_content><wp:comment_approved>1</wp:comment_approved>
  <wp:comment_type></wp:comment_type><wp:comment_parent>0</wp:comment_parent></wp:comment>
 <wp:comment><wp:comment_id>8</wp:comment_id><wp:comment_author>Gone</wp:comment_author>
  <wp:comment_content>rude</wp:comment_content><wp:comment_approved>trash</wp:comment_approved>
  <wp:comment_parent>7</wp:comment_parent></wp:comment>
 <wp:comment><wp:comment_id>9</wp:comment_id><wp:comment_author>Cy</wp:comment_author>
  <wp:comment_content>I agree.</wp:comment_content><wp:comment_approved>1</wp:comment_approved>
  <wp:comment_parent>8</wp:comment_parent></wp:comment>
 <wp:comment><wp:comment_id>10</wp:comment_id><wp:comment_author>Other blog</wp:comment_author>
  <wp:comment_content>[...] trams [...]</wp:comment_content>
  <wp:comment_approved>1</wp:comment_approved><wp:comment_type>pingback</wp:comment_type>
 </wp:comment>
 <wp:comment><wp:comment_id>11</wp:comment_id><wp:comment_content>buy pills</wp:comment_content>
  <wp:comment_approved>spam</wp:comment_approved></wp:comment>
</item>
<item><title>Silent post</title></item>
<item><title>Third</title><wp:comment><wp:comment_content>Nice!</wp:comment_content></wp:comment>
</item>
</channel></rss>"""

DISQUS = """<?xml version="1.0" encoding="utf-8"?>
<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">
<thread dsq:id="1"><link>https://trams.example/1</link><title>Trams</title>
 <createdAt>2021-10-14T08:00:00Z</createdAt></thread>
<thread dsq:id="2"><title>Empty</title></thread>
<post dsq:id="11"><message><![CDATA[<p>One.</p><p>Two.</p>]]></message>
 <createdAt>2021-10-15T17:35:00Z</createdAt><isDeleted>false</isDeleted><isSpam>false</isSpam>
 <author><name>Ada</name></author><thread dsq:id="1"/></post>
<post dsq:id="12"><message>x</message><isDeleted>true</isDeleted><isSpam>false</isSpam>
 <thread dsq:id="1"/><parent dsq:id="11"/></post>
<post dsq:id="13"><message>y</message><isDeleted>false</isDeleted><isSpam>true</isSpam>
 <thread dsq:id="1"/></post>
<post dsq:id="14"><message><![CDATA[<p>Three.</p>]]></message><isDeleted>false</isDeleted>
 <isSpam>false</isSpam><author><username>ben</username></author>
 <thread dsq:id="1"/><parent dsq:id="12"/></post>
</disqus>"""


def read(text: str | bytes, kind: str) -> list[Thread]:
    data = text.encode() if isinstance(text, str) else text
    return list(parse_export(io.BytesIO(data), kind, source="export"))  # type: ignore[arg-type]


def rows(thread: Thread) -> list[tuple[str, str | None, str | None, int, str]]:
    return [(c.id, c.author, c.parent_id, c.depth, c.text) for c in thread.comments]


def test_a_wordpress_export_yields_a_thread_for_each_post_with_comments() -> None:
    first, third = read(WXR, "wxr")
    assert first.article is not None
    assert first.article.title == "Trams & buses"
    assert first.article.author == "ada"
    assert first.article.published == "2021-10-14T08:00:00"
    assert first.article.text == "First.\n\nSecond."
    assert first.article.url == "https://trams.example/1"
    assert rows(first) == [
        ("7", "Ben", None, 0, "Too loud.\nAnd slow.\n\nWhy?"),
        ("9", "Cy", "7", 1, "I agree."),
    ]
    assert first.comments[0].published == "2021-10-15T17:35:00"
    assert first.deleted == 1
    assert first.notes == ("2 pingbacks, unapproved or spam comments left out",)
    assert [comment.text for comment in third.comments] == ["Nice!"]


def test_a_wordpress_export_streams() -> None:
    body = WXR.replace("</channel></rss>", "<item><title>broken")
    threads = parse_export(io.BytesIO(body.encode()), "wxr", source="export")
    assert next(threads).comments[0].author == "Ben"
    with pytest.raises(InputError, match=r"^export: broken XML at line \d+; what stands before it"):
        list(threads)


@pytest.mark.parametrize("local", ["0000-00-00 00:00:00", "", "2021-10-15 17:35:00"])
def test_a_wordpress_comment_without_local_time_has_its_gmt(local: str) -> None:
    times = (
        f"<wp:comment_date>{local}</wp:comment_date>"
        "<wp:comment_date_gmt>2021-10-15 17:35:00</wp:comment_date_gmt>"
    )
    old = "<wp:comment_date>2021-10-15 17:35:00</wp:comment_date>"
    thread = read(WXR.replace(old, times), "wxr")[0]
    assert thread.comments[0].published == "2021-10-15T17:35:00"


def test_a_wordpress_export_without_comments_says_so() -> None:
    [thread] = read('<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel/></rss>', "wxr")
    assert (thread.comments, thread.notes) == ((), ("no comments in this export",))


def test_of_reddit_s_two_times_the_one_in_utc_counts() -> None:
    data = {"body": "Yes.", "created": 1634340900.0, "created_utc": 1634312100.0}
    [thread] = read(json.dumps([{"kind": "t1", "data": data}]), "reddit")
    assert thread.comments[0].published == "2021-10-15T15:35:00+00:00"


def test_control_characters_do_no_harm() -> None:
    assert read(WXR.replace("Too ", "Too \x08"), "wxr")[0].comments[0].text.startswith("Too loud")


def test_a_disqus_export_groups_posts_by_thread() -> None:
    [thread] = read(DISQUS, "disqus")
    assert thread.article is not None
    assert thread.article.title == "Trams"
    assert rows(thread) == [
        ("11", "Ada", None, 0, "One.\n\nTwo."),
        ("14", "ben", "11", 1, "Three."),
    ]
    assert thread.comments[0].published == "2021-10-15T17:35:00+00:00"
    assert thread.deleted == 1
    assert thread.notes == ("1 spam comments left out",)


@pytest.mark.parametrize("kind", ["wxr", "disqus"])
def test_an_entity_bomb_is_refused(kind: str) -> None:
    bomb = '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><rss><item>&b;</item></rss>'
    with pytest.raises(InputError) as caught:
        read(bomb, kind)
    assert str(caught.value) == "export: this XML declares entities, which no export does; refused"


def test_an_external_entity_is_refused() -> None:
    with pytest.raises(InputError):
        read('<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>', "wxr")


def test_reddit_listings() -> None:
    def comment(identity: str, parent: str, body: str, author: str, replies: object = "") -> object:
        data = {"id": identity, "parent_id": parent, "body": body, "author": author, "score": 3,
                "created_utc": 1634312100.0, "replies": replies}  # fmt: skip
        return {"kind": "t1", "data": data}

    def listing(*children: object) -> object:
        return {"kind": "Listing", "data": {"children": list(children)}}

    post = {"kind": "t3", "data": {"title": "Trams", "author": "ada", "selftext": "Yes &amp; no"}}
    more = {"kind": "more", "data": {"count": 4}}
    answer = comment("c", "t1_b", "Agreed.", "cy")
    removed = comment("b", "t1_a", "[removed]", "[deleted]", listing(answer))
    document = [
        listing(post),
        listing(comment("a", "t3_p", "A &gt; B", "ben", listing(removed)), more),
    ]
    [thread] = read(json.dumps(document), "reddit")
    assert thread.article is not None
    assert (thread.article.title, thread.article.text) == ("Trams", "Yes & no")
    assert rows(thread) == [("a", "ben", None, 0, "A > B"), ("c", "cy", "a", 1, "Agreed.")]
    assert thread.comments[0].published == "2021-10-15T15:35:00+00:00"
    assert thread.comments[0].likes == 3
    assert thread.deleted == 1
    assert thread.notes == ("4 more comments are not in this export",)


def test_youtube_comment_threads() -> None:
    def snippet(text: str, author: str) -> dict[str, object]:
        return {"textDisplay": text, "authorDisplayName": author, "likeCount": 2,
                "publishedAt": "2021-10-15T17:35:00Z"}  # fmt: skip

    item = {
        "snippet": {
            "topLevelComment": {"id": "a", "snippet": snippet("One<br>two &amp; three", "Ada")},
            "totalReplyCount": 3,
        },
        "replies": {"comments": [{"id": "b", "snippet": snippet("No.", "Ben")}]},
    }
    document = {"kind": "youtube#commentThreadListResponse", "items": [item]}
    [thread] = read(json.dumps(document), "youtube")
    assert rows(thread) == [("a", "Ada", None, 0, "One\ntwo & three"), ("b", "Ben", "a", 1, "No.")]
    assert thread.comments[0].likes == 2
    assert thread.notes == ("2 replies are not in this export",)


def test_hacker_news_trees_and_items() -> None:
    tree = {
        "id": 1, "title": "Trams", "author": "ada", "url": "https://trams.example", "story_id": 1,
        "type": "story", "created_at": "2021-10-15T17:35:00.000Z",
        "children": [
            {"id": 2, "type": "comment", "author": "ben", "parent_id": 1, "text": "One.<p>Two.",
             "children": [{"id": 3, "type": "comment", "author": "cy", "parent_id": 2,
                           "text": "No.", "children": []}]},
            {"id": 4, "type": "comment", "author": None, "text": None, "parent_id": 1},
        ],
    }  # fmt: skip
    [thread] = read(json.dumps(tree), "hackernews")
    assert thread.article is not None
    assert thread.article.title == "Trams"
    assert rows(thread) == [("2", "ben", None, 0, "One.\n\nTwo."), ("3", "cy", "2", 1, "No.")]
    assert thread.deleted == 1

    items = [
        {"by": "ben", "id": 2, "kids": [3], "parent": 1, "text": "One.", "time": 1634312100,
         "type": "comment"},
        {"by": "cy", "id": 3, "parent": 2, "text": "No.", "time": 1634312200, "type": "comment"},
        {"id": 5, "parent": 2, "deleted": True, "time": 1634312200, "type": "comment"},
    ]  # fmt: skip
    [thread] = read(json.dumps(items), "hackernews")
    assert rows(thread) == [("2", "ben", None, 0, "One."), ("3", "cy", "2", 1, "No.")]
    assert thread.deleted == 1


def test_schema_org_comments() -> None:
    document = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "WebSite"},
            {"@type": "NewsArticle", "headline": "Trams", "author": {"name": "Ada"},
             "comment": [{"@type": "Comment", "@id": "#1", "text": "Good &amp; cheap.",
                          "author": {"@type": "Person", "name": "Ben"}, "upvoteCount": 4,
                          "dateCreated": "2021-10-15T17:35:00+02:00",
                          "comment": {"@type": "Comment", "text": "No.", "author": "Cy"}}]},
        ],
    }  # fmt: skip
    [thread] = read(json.dumps(document), "jsonld")
    assert thread.article is not None
    assert (thread.article.title, thread.article.author) == ("Trams", "Ada")
    assert rows(thread) == [("#1", "Ben", None, 0, "Good & cheap."), ("2", "Cy", "#1", 1, "No.")]
    assert thread.comments[0].published == "2021-10-15T17:35:00+02:00"
    assert thread.comments[0].likes == 4


def test_json_lines_with_other_names_and_bad_lines() -> None:
    lines = [
        '{"id": 1, "body": "Good.", "username": "ada", "date": "2021-10-15 17:35", "score": 2}',
        "{broken",
        '{"id": 2, "reply_to": 1, "comment": "<b>No</b>.", "user": {"name": "Ben"}, '
        '"time": 1634312100}',
        '{"id": 3}',
        "[1]",
    ]
    [thread] = read("\r\n".join(lines), "jsonl")
    assert rows(thread) == [("1", "ada", None, 0, "Good."), ("2", "Ben", "1", 1, "<b>No</b>.")]
    assert [c.published for c in thread.comments] == [
        "2021-10-15T17:35",
        "2021-10-15T15:35:00+00:00",
    ]
    assert thread.comments[0].likes == 2
    assert thread.notes == (
        "2 of 4 lines left out: no JSON (first: line 2)",
        "1 of 3 lines left out: no text (first: 4)",
    )


def test_threads_as_printed_are_read_again() -> None:
    [thread] = read(json.dumps({"text": "Good.", "author": "Ada", "id": "x"}), "jsonl")
    printed = json.dumps(thread.to_dict())
    again = read(printed + "\n" + printed, "jsonl")
    assert [rows(item) for item in again] == [rows(thread), rows(thread)]


HALF = {
    "author": "A\udc00da",
    "text": "Bad \ud83d thing",
    "date": "some \ud83d day",
    "id": "\udfff",
}


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("json", [HALF]),
        ("json", {"article": {"title": "\ud800", "url": "\ud800"}, "comments": [HALF]}),
        ("jsonl", HALF),
        ("jsonld", {"@type": "Article", "headline": "\ud800", "comment": [HALF]}),
        ("hackernews", {"type": "story", "title": "\ud800", "children": [HALF]}),
        ("reddit", [{"kind": "t1", "data": HALF}]),
    ],
)
def test_half_a_letter_is_replaced_wherever_it_stands(kind: str, document: Any) -> None:
    [thread] = read(json.dumps(document), kind)
    assert [(comment.author, comment.text) for comment in thread.comments] == [
        ("A\ufffdda", "Bad \ufffd thing")
    ]
    assert "\\ud" not in ascii(thread.to_dict())


def test_csv_with_semicolons_quotes_and_utf_16() -> None:
    text = 'ID;Comment;Author;Date\n1;"Good;\n""very"" good";Ada;15.10.2021 17:35\n2;;Ben;\n'
    [thread] = read(text.encode("utf-16"), "csv")
    assert rows(thread) == [("1", "Ada", None, 0, 'Good;\n"very" good')]
    assert thread.comments[0].published == "2021-10-15T17:35"
    assert thread.notes == ("1 of 2 rows left out: no text (first: 4)",)


def test_csv_rows_that_cannot_be_read_are_left_out_with_the_reason_of_the_first() -> None:
    text = 'id,text\n1,Good.\n2,"Never closed\n3,Swallowed\n4,Too\n'
    [thread] = read(text, "csv")
    assert [comment.text for comment in thread.comments] == ["Good."]
    assert thread.notes == (
        "1 row left out (first: line 3: a quotation mark is never closed, so that the lines after "
        "it are taken for its text: close it, and double those that stand inside a text)",
    )
    assert thread.bad_rows == 1
    [thread] = read("id,text\n1,Good, but late\n2,Fine.\n", "csv")
    assert [comment.text for comment in thread.comments] == ["Fine."]
    assert thread.notes == ("1 row left out (first: line 2: 3 cells where the header has 2)",)


def test_rows_left_out_leave_the_count_of_deleted_comments() -> None:
    [thread] = read("id,text\n1,[deleted]\n2\n3,a,b\n4,Good.\n", "csv")
    assert (len(thread.comments), thread.deleted, thread.bad_rows) == (1, 1, 2)
    [thread] = read("id,text\n1,[deleted]\n2\n", "csv")
    assert (thread.comments, thread.deleted, thread.bad_rows) == ((), 1, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '1,"never closed\n2,another\n',
            "1 row left out (first: line 2: a quotation mark is never",
        ),
        ("1\n2,\n", "2 of 2 rows left out: no text (first: 2)"),
    ],
)
def test_csv_without_a_row_that_can_be_read_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        read(f"id,text\n{text}", "csv")
    assert str(caught.value).startswith(f"export: no row holds a comment; {reason}")


def test_csv_without_a_text_column_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        read("a,b\n1,2\n", "csv")
    assert str(caught.value) == (
        "export: no text column among 'a, b'; expected a first line that names a column text"
    )


def test_circles_and_repeated_ids_do_no_harm() -> None:
    lines = [
        {"id": "a", "parent_id": "b", "text": "1"},
        {"id": "b", "parent_id": "a", "text": "2"},
        {"id": "b", "parent_id": "b", "text": "3"},
    ]
    [thread] = read("\n".join(map(json.dumps, lines)), "jsonl")
    assert len({comment.id for comment in thread.comments}) == 3
    assert all(comment.depth >= 0 for comment in thread.comments)


def test_a_long_chain_of_answers_takes_linear_time() -> None:
    lines = [json.dumps({"id": n, "parent_id": n - 1, "text": "x"}) for n in range(1, 20_001)]
    [thread] = within(10, lambda: read("\n".join(lines), "jsonl"))
    assert thread.comments[-1].depth == 19_999


def test_answers_to_a_long_chain_left_out_take_linear_time() -> None:
    def prepare(count: int) -> Callable[[], None]:
        chain = [
            {"id": f"s{n}", "parent_id": f"s{n - 1}", "text": "[deleted]"} for n in range(count)
        ]
        answers = [
            {"id": f"a{n}", "parent_id": f"s{count - 1}", "text": "Yes."} for n in range(count)
        ]
        export = json.dumps(chain + answers).encode()

        def read_it() -> None:
            [thread] = parse_export(io.BytesIO(export), "json")
            assert [comment.depth for comment in thread.comments] == [0] * count

        return read_it

    assert_linear(prepare, 1_000)


def test_json_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(InputError):
        read("[" * 100_000, "json")
    with pytest.raises(InputError, match="JSON without comments in a known form"):
        read('{"a": 1}', "json")


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("a < b & c", "a < b & c"),
        ("<p>One</p><p>Two<br/>Three</p>", "One\n\nTwo\nThree"),
        ("<script>alert(1)</script>Hi<!-- no -->!", "Hi!"),
        ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
        ("", ""),
        ("<>", "<>"),
    ],
)
def test_html_becomes_text(markup: str, text: str) -> None:
    assert html_to_text(markup) == text


def test_deeply_nested_html_is_read_in_bounded_time() -> None:
    within(5, lambda: html_to_text("<div>" * 100_000 + "x"))


@given(st.text(max_size=200))
def test_any_html_becomes_text(markup: str) -> None:
    assert isinstance(html_to_text(markup), str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["text", "id", "parent_id", "kind", "data", "children", "comment", "items",
                         "replies", "author", "created_utc", "snippet", "comments", "article"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON, st.sampled_from(["reddit", "youtube", "hackernews", "jsonld", "json", "jsonl"]))
def test_any_json_is_read_or_refused(document: object, kind: str) -> None:
    message = ""
    try:
        assert all(isinstance(thread, Thread) for thread in read(json.dumps(document), kind))
    except InputError as error:
        message = str(error)
    assert "\n" not in message

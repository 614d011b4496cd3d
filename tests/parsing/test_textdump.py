import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import assert_linear, within

from stance.errors import InputError
from stance.evaluation.parsing_benchmark import benchmark_parsing
from stance.parsing.textdump import parse_textdump
from stance.thread import Thread

ARTICLE = """Harbour town brings back its trams

Ada Quill

The old trams are back on the streets of Harbour Town since Monday, to the joy of many people.

For eleven years the blue cars had stood in a shed by the river, and nobody knew whether they
would ever run again. Now the first line leads from the market to the beach.

The council wants to build a second line next year, said the mayor, if the money suffices.
"""


def by_author(thread: Thread) -> list[tuple[str | None, str | None, int, str]]:
    return [(c.author, c.published, c.depth, c.text) for c in thread.comments]


NUMBERED = (
    ARTICLE
    + """
Similar Posts

  1. Bram Otter

    October 15, 2021 at 5:35 pm

    At last! I have waited for this.

    And my children too.

  2. Cleo

    October 15, 2021 at 6:02 pm

    Too slow, too loud and too expensive.


    October 16, 2021 at 7:00 am

    My name was lost, my time was not.

  4. Dov

    October 17, 2021 at 8:00 am

    Nobody ever counted the passengers properly.

Leave a Reply

Your email address will not be published.
"""
)


@pytest.mark.parametrize("change", [str, lambda t: "\ufeff" + t.replace("\n", "  \r\n")])
def test_a_numbered_list_in_which_a_name_is_lost(change) -> None:  # type: ignore[no-untyped-def]
    thread = parse_textdump(change(NUMBERED))
    assert by_author(thread) == [
        ("Bram Otter", "2021-10-15T17:35", 0,
         "At last! I have waited for this.\n\nAnd my children too."),
        ("Cleo", "2021-10-15T18:02", 0, "Too slow, too loud and too expensive."),
        (None, "2021-10-16T07:00", 0, "My name was lost, my time was not."),
        ("Dov", "2021-10-17T08:00", 0, "Nobody ever counted the passengers properly."),
    ]  # fmt: skip
    assert [comment.id for comment in thread.comments] == ["1", "2", "3", "4"]
    assert thread.article is not None
    assert thread.article.title == "Harbour town brings back its trams"
    assert thread.article.text.startswith("The old trams are back")
    assert thread.article.text.endswith("if the money suffices.")


def test_an_article_without_comments_says_so() -> None:
    closing = "\nSome media, including videos, may only be available elsewhere.\n\nSimilar Posts\n"
    thread = parse_textdump(ARTICLE + closing)
    assert thread.comments == ()
    assert thread.notes == ("no comments found",)
    assert thread.article is not None
    assert thread.article.text.endswith("if the money suffices.")


SECTIONS = {
    "says, time below": """
3 Gedanken zu „Trams“

 1. Bram sagt:

    15. Oktober 2021 um 17:35

    Endlich! Darauf habe ich lange gewartet.

    Antworten

 2. Cleo sagt:

    15. Oktober 2021 um 18:02

    Zu langsam, zu laut und zu teuer.

    Antworten

 3. Dov sagt:

    17. Oktober 2021 um 08:00

    Niemand hat je die Fahrgäste gezählt.

    Antworten
""",
    "name on date": """
3 commentaires

Bram le 15 octobre 2021 à 17h35
Endlich! Darauf habe ich lange gewartet.
Répondre

Cleo le 15 octobre 2021 à 18h02
Zu langsam, zu laut und zu teuer.
Répondre

Dov le 17 octobre 2021 à 8h00
Niemand hat je die Fahrgäste gezählt.
Répondre
""",
    "footer": """
3 Comments

Endlich! Darauf habe ich lange gewartet.

Comment by Bram — 15 October 2021 @ 17:35

Zu langsam, zu laut und zu teuer.

Comment by Cleo — 15 October 2021 @ 18:02

Niemand hat je die Fahrgäste gezählt.

Comment by Dov — 17 October 2021 @ 08:00

Leave a comment
""",
    "name above, time below the text": """
Comments [3]

Bram

Endlich! Darauf habe ich lange gewartet.
Oct. 15 2021 05:35 PM
Vote up Vote down
Cleo

Zu langsam, zu laut und zu teuer.
Oct. 15 2021 06:02 PM
Vote up Vote down
Dov

Niemand hat je die Fahrgäste gezählt.
Oct. 17 2021 08:00 AM
Vote up Vote down

Leave a Comment
""",
    "html2text": """
## 3 responses to "Trams"

  1. ##### Bram

15 октября 2021 в 17:35 | Reply

Endlich! Darauf habe ich lange gewartet.

  2. ##### Cleo

15 октября 2021 в 18:02 | Reply

Zu langsam, zu laut und zu teuer.

  3. ##### Dov

17 октября 2021 в 8:00 | Reply

Niemand hat je die Fahrgäste gezählt.

### Leave a Reply
""",
    "glued": """
3 comments:

    1. BramOctober 15, 2021 at 5:35 PM
       Endlich! Darauf habe ich lange gewartet.
       ReplyDelete
    2. CleoOctober 15, 2021 at 6:02 PM
       Zu langsam, zu laut und zu teuer.
       ReplyDelete
    3. DovOctober 17, 2021 at 8:00 AM
       Niemand hat je die Fahrgäste gezählt.
       ReplyDelete

Add comment
""",
    "labels and counters": """
Readers' Comments (718)

  1. Bram

Party: Blue

Reply #1

Oct. 15, 2021 - 5:35 PM

Endlich! Darauf habe ich lange gewartet.

     * Reply
     * Report Abuse
  2. Cleo

Party: Green

Reply #2

Oct. 15, 2021 - 6:02 PM

Zu langsam, zu laut und zu teuer.

     * Reply
     * Report Abuse
  3. Dov

Party: NA

Reply #3

Oct. 17, 2021 - 8:00 AM

Niemand hat je die Fahrgäste gezählt.

     * Reply
     * Report Abuse
""",
}


@pytest.mark.parametrize("style", SECTIONS)
def test_styles_of_plain_text(style: str) -> None:
    thread = parse_textdump(ARTICLE + SECTIONS[style])
    assert [(c.author, c.published, c.text) for c in thread.comments] == [
        ("Bram", "2021-10-15T17:35", "Endlich! Darauf habe ich lange gewartet."),
        ("Cleo", "2021-10-15T18:02", "Zu langsam, zu laut und zu teuer."),
        ("Dov", "2021-10-17T08:00", "Niemand hat je die Fahrgäste gezählt."),
    ]
    assert thread.article is not None
    assert thread.article.text.endswith("if the money suffices.")


def test_relative_times_are_kept_in_words_or_resolved() -> None:
    text = ARTICLE + "\n2 Comments\n\nBram · 3 hours ago\n\nAt last!\n\nReply\n\n" \
        "Cleo · 2 days ago\n\nToo slow, too loud.\n\nReply\n"  # fmt: skip
    thread = parse_textdump(text)
    assert [(c.author, c.published, c.published_text) for c in thread.comments] == [
        ("Bram", None, "3 hours ago"),
        ("Cleo", None, "2 days ago"),
    ]
    thread = parse_textdump(text, now=datetime(2021, 10, 15, 17, 35))
    assert [c.published for c in thread.comments] == ["2021-10-15T14:35", "2021-10-13"]


def test_answers_are_nested_by_indentation() -> None:
    text = (
        ARTICLE
        + """
3 Comments

 1. Bram 15.10.2021 um 17:35
    Endlich! Darauf habe ich gewartet.
    Antworten
      □ Cleo 15.10.2021 um 18:02
        Zu langsam, zu laut und zu teuer.
        Antworten
 2. Dov 17.10.2021 um 08:00
    Niemand hat die Fahrgäste gezählt.
    Antworten
"""
    )
    thread = parse_textdump(text)
    assert [(c.author, c.depth, c.parent_id) for c in thread.comments] == [
        ("Bram", 0, None),
        ("Cleo", 1, "1"),
        ("Dov", 0, None),
    ]


def test_answers_are_nested_by_what_they_say() -> None:
    text = (
        ARTICLE
        + """
2 Comments

Bram

At last! I have waited for this for years.
Reply
Cleo
Reply to Bram

Too slow, too loud and too expensive.
Reply

Leave a Reply
"""
    )
    thread = parse_textdump(text)
    assert [(c.author, c.parent_id, c.text) for c in thread.comments] == [
        ("Bram", None, "At last! I have waited for this for years."),
        ("Cleo", "1", "Too slow, too loud and too expensive."),
    ]


def test_pingbacks_are_left_out_and_deleted_comments_counted() -> None:
    text = (
        ARTICLE
        + """
4 Comments

  1. Bram

    October 15, 2021 at 5:35 pm

    At last! I have waited for this.

  2. Pingback: Trams elsewhere | Another blog

  3. Cleo

    October 15, 2021 at 6:02 pm

    [deleted]

  4. Dov

    October 17, 2021 at 8:00 am

    Nobody ever counted the passengers.

Leave a Reply
"""
    )
    thread = parse_textdump(text)
    assert [comment.author for comment in thread.comments] == ["Bram", "Dov"]
    assert thread.comments[0].text == "At last! I have waited for this."
    assert thread.deleted == 1


def test_a_quoted_header_is_part_of_the_comment() -> None:
    text = (
        ARTICLE
        + """
Comments

  1. Bram

Reply #1

Oct. 15, 2021 - 5:35 PM

At last! I have waited for this.

  2. Cleo

Reply #2

Oct. 15, 2021 - 6:02 PM

> Bram: Oct. 15, 2021 - 5:35 PM
> At last!

Not for me, I take the bus.

  3. Dov

Reply #3

Oct. 16, 2021 - 6:02 PM

Nor for me, I walk to work.
"""
    )
    thread = parse_textdump(text)
    assert [comment.author for comment in thread.comments] == ["Bram", "Cleo", "Dov"]
    assert "Not for me, I take the bus." in thread.comments[1].text


def test_lines_that_a_renderer_wrapped_are_joined() -> None:
    long = (
        "We have waited for these trams for many years and now that they are here at last nobody "
    )
    lines = "\n".join(f"    {long}" for _ in range(6))
    text = f"2 Comments\n\n 1. Bram 15.10.2021 um 17:35\n\n{lines}\n    goes.\n\n" \
        f" 2. Cleo 15.10.2021 um 18:02\n\n{lines}\n    stays.\n"  # fmt: skip
    thread = parse_textdump(ARTICLE + "\n" + text)
    assert thread.comments[0].text == (long * 6 + "goes.")


@pytest.mark.parametrize(
    "tail",
    [
        "Recent Comments\n\nBram on Trams\n\nCleo on Ships and boats\n\nDov on Trams\n",
        "Latest news\n\n15.10.2021 Mayor resigns after long debate about money\n\n"
        "14.10.2021 Beach closed because of a storm that nobody expected\n\n"
        "13.10.2021 School opens again after the holidays were prolonged\n",
        "Live ticker\n\n17:35 The first tram leaves the depot now.\n\n"
        "17:50 The tram has reached the market square.\n\n18:05 The mayor speaks to the crowd.\n",
        "0 Comments\n\nLeave a Reply\n\nYour email address will not be published.\n",
        "Comments are closed.\n\nRelated\n\nShips return\nOctober 15, 2021\nIn \"News\"\n\n"
        "Boats return\nOctober 16, 2021\nIn \"News\"\n",
        "He said: nobody knew it. She said: everybody knew it. They wrote: who cares?\n",
    ],
)  # fmt: skip
def test_what_only_looks_like_comments(tail: str) -> None:
    assert parse_textdump(ARTICLE + "\n" + tail).comments == ()


def test_comments_hosted_elsewhere_are_worth_a_word() -> None:
    tail = "\nPlease enable JavaScript to view the comments powered by Disqus.\n"
    thread = parse_textdump(ARTICLE + tail)
    assert thread.notes == ("no comments: they are hosted elsewhere (Disqus)",)


@pytest.mark.parametrize(
    "between",
    ["2 more replies", "Show 2 more replies", "View 3 replies", "Advertisement", "Sponsored"],
)
def test_a_button_or_an_advert_between_comments_parts_nothing(between: str) -> None:
    comments = [
        f"Reader {who}\n\nOctober 15, 2021 at 5:3{minute} pm\n\nI find that {who} is right.\n"
        for minute, who in enumerate("ABCDE")
    ]
    parts = [*comments[:2], f"{between}\n", *comments[2:]]
    thread = parse_textdump(f"{ARTICLE}\n5 Comments\n\n" + "\n".join(parts))
    assert [comment.author for comment in thread.comments] == [f"Reader {who}" for who in "ABCDE"]
    assert thread.comments[1].text == "I find that B is right."


def test_what_follows_an_advert_below_all_comments_is_none_of_them() -> None:
    posts = [
        f"Reader {who}\n\nOctober 15, 2021 at 5:35 pm\n\nI side with {who}.\n" for who in "ABCD"
    ]
    page = f"{ARTICLE}\n2 Comments\n\n" + "\n".join([*posts[:2], "Advertisement\n", *posts[2:]])
    assert [c.author for c in parse_textdump(page).comments] == ["Reader A", "Reader B"]


def test_a_page_of_five_thousand_comments() -> None:
    body = "".join(
        f"  {n}. Reader {n}\n\n    October 15, 2021 at 5:35 pm\n\n    So says number {n}.\n\n"
        for n in range(1, 5_001)
    )
    page = ARTICLE + "\n5000 Comments\n\n" + body + "Leave a Reply\n"
    thread = within(15, lambda: parse_textdump(page))
    assert len(thread.comments) == 5_000
    assert thread.comments[-1].author == "Reader 5000"
    assert {comment.depth for comment in thread.comments} == {0}


@pytest.mark.parametrize(
    "piece",
    [
        "Ada says:\n",
        "October 15, 2021\n",
        "1. ",
        "Reply\n",
        "2 Comments\n",
        " ",
        "[x](",
        "((",
        "Ada: ",
    ],
)
def test_hostile_text_takes_bounded_time(piece: str) -> None:
    within(10, lambda: parse_textdump(piece * (50_000 // len(piece))))


@pytest.mark.parametrize(
    "piece",
    ["{n} hours ago\n", "#{n}\n", "a{n}\n\n", "October 15, 2021 Ada {n}\n", "Ada {n} says: Yes.\n"],
)
def test_time_is_linear_in_hostile_lines(piece: str) -> None:
    def prepare(count: int) -> Callable[[], Thread]:
        text = "".join(piece.format(n=n) for n in range(count))
        return lambda: parse_textdump(text)

    assert_linear(prepare)


def test_a_section_for_every_comment_takes_bounded_time() -> None:
    text = "".join(
        f"Leave a reply {_word(n)}\n{_word(n)} on October 15, 2021 at 5:35 pm\nSome text.\n"
        for n in range(25_000)
    )
    within(8, lambda: parse_textdump(text))


def _word(number: int) -> str:
    """Return a word that no other number has."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number)) + "x"


def test_more_lines_than_a_page_has_are_refused_at_once() -> None:
    def refused() -> str:
        with pytest.raises(InputError) as error:
            parse_textdump("a\n\n" * 250_001, source="dump.txt")
        return str(error.value)

    assert within(4, refused) == (
        "dump.txt: more than 250,000 lines; expected a single page "
        "(split it, or give the comments as JSON Lines, which stream)"
    )


def test_deep_indentation_takes_bounded_time() -> None:
    text = "".join(
        f"{' ' * n}{n}. Ada 15.10.2021 17:35\n{' ' * n}Some words here.\n" for n in range(900)
    )
    within(10, lambda: parse_textdump("900 Comments\n\n" + text))


LINES = st.sampled_from(
    ["2 Comments", "Ada", "  1. Ada", "Ada says:", "October 15, 2021 at 5:35 pm", "3 hours ago", "",
     "    Some running text, which says a lot.", "Reply", "Leave a Reply", "> quoted", "## heading",
     "Comment by Ada — 15.10.2021", "Pingback: x", "[deleted]", "Related", "#3", "…", "* Reply",
     "\t"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(LINES | st.text(max_size=30), max_size=40))
def test_any_text_gives_a_sound_thread(lines: list[str]) -> None:
    thread = parse_textdump("\n".join(lines))
    assert Thread.from_dict(thread.to_dict()) == thread
    ids = [comment.id for comment in thread.comments]
    assert len(set(ids)) == len(ids)
    depths = {comment.id: comment.depth for comment in thread.comments}
    for comment in thread.comments:
        assert comment.text.strip()
        assert comment.published is None or datetime.fromisoformat(comment.published)
        if comment.parent_id is None:
            assert comment.depth == 0
        else:
            assert comment.depth == depths[comment.parent_id] + 1


SHARED = os.environ.get("STANCE_SHARED")
needs_shared = pytest.mark.skipif(SHARED is None, reason="STANCE_SHARED names no folder of pages")


@needs_shared
def test_real_dumps_keep_their_floors() -> None:
    result = benchmark_parsing(Path(str(SHARED), "pages"), gold="text/gold.jsonl", compare=False)
    figures = result.figures()
    assert figures["comment F1"] >= 0.93
    assert figures["author"] >= 0.94
    assert figures["false alarms"] == 0
    assert figures["body leak"] == 0


@pytest.mark.parametrize(
    "mark",
    ["", " (edited)", " • Edited", " - edited", " edited", " [edited]", " (bearbeitet)",
     " (modifié)", " · editado", " (изменено)", "（編集済み）"],
)  # fmt: skip
@pytest.mark.parametrize("time", ["1 year ago", "a day ago", "October 15, 2021"])
def test_a_mark_of_editing_is_no_name(mark: str, time: str) -> None:
    comments = "".join(
        f"@{name}\n{time}{mark}\n{text}\n\nReply\n\n"
        for name, text in (
            ("ada", "At last! I have waited for this for years."),
            ("ben", "Too slow, too loud and too expensive."),
            ("cy", "Nobody asked those who live beside the rails."),
        )
    )
    thread = parse_textdump(f"{ARTICLE}\n3 Comments\n\n{comments}")
    assert [comment.author for comment in thread.comments] == ["ada", "ben", "cy"]
    assert thread.comments[1].text == "Too slow, too loud and too expensive."


def test_a_mark_of_editing_beside_one_of_the_times_is_no_name() -> None:
    thread = parse_textdump(
        f"{ARTICLE}\n2 Comments\n\n@ada\n2 years ago\nAt last! I have waited for this.\n\nReply\n\n"
        "@cy\n1 year ago (edited)\nToo slow, too loud and too expensive.\n\nReply\n"
    )
    assert [comment.author for comment in thread.comments] == ["ada", "cy"]

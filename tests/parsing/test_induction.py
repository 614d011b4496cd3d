"""What makes records believable, in markup of no platform."""

import pytest

from stance.parsing.html import parse_html

ARTICLE = (
    "<article><h1>Trams</h1><p>The council voted on Thursday to build a tram line.</p></article>"
)
PEOPLE = ("Ada", "Bo", "Cleo", "Dan")


def page(record: str, holder: str = "<div class='x'>{}</div>") -> str:
    rows = "".join(record.format(n=n, who=who) for n, who in enumerate(PEOPLE, 1))
    return ARTICLE + holder.format(rows)


UNNAMED = (
    "<div class='q'><a class='w' href='/people/{who}'>{who}</a> <i>{n} October 2021, 17:35</i>"
    "<p>For my part I find that number {n} is the right line.</p></div>"
)


def test_unnamed_markup_is_believed_when_people_speak() -> None:
    comments = parse_html(page(UNNAMED)).comments
    assert [c.author for c in comments] == list(PEOPLE)
    assert comments[2].text == "For my part I find that number 3 is the right line."
    assert comments[2].published == "2021-10-03T17:35"


@pytest.mark.parametrize(
    "holder",
    [
        "<aside>{}</aside>",
        "<div class='sidebar'>{}</div>",
        "<div class='related'>{}</div>",
        "<div class='live-ticker'>{}</div>",
    ],
)
def test_what_stands_beside_the_page_is_not(holder: str) -> None:
    assert parse_html(page(UNNAMED, holder)).comments == ()


def test_headlines_that_lead_away_are_teasers() -> None:
    teaser = (
        "<div class='q'><h3><a href='/{n}/'>Line {n} opens at the end of May</a></h3><b>{who}</b> "
        "<i>{n} October 2021</i><p>For my part I find that number {n} is the right line.</p></div>"
    )
    assert parse_html(page(teaser)).comments == ()


def test_a_list_of_dates_is_no_thread() -> None:
    assert parse_html(page("<p>{n} October 2021, 17:35</p>")).comments == ()


def test_one_record_needs_a_name_that_says_comment() -> None:
    record = UNNAMED.format(n=1, who="Ada")
    assert parse_html(ARTICLE + record).comments == ()
    named = f"{ARTICLE}<div class='comment'>{record}</div>"
    assert [c.author for c in parse_html(named).comments] == ["Ada"]


def answered(who: str, *answers: str) -> str:
    below = f"<div class='c-kids'>{''.join(answers)}</div>" if answers else ""
    return (
        f"<div class='c-item'><div class='c-head'><span class='c-user'>{who}</span> · "
        "<span class='c-when'>Oct 15, 2021</span></div>"
        f"<div class='c-txt'>For my part, says {who}, I find that this is the right line.</div>"
        f"<div class='c-foot'><a href='#'>Answer</a></div>{below}</div>"
    )


@pytest.mark.parametrize(
    ("comments", "expected"),
    [
        (
            (answered("Ada", answered("Ben")), answered("Cy"), answered("Dee")),
            [("Ada", 0), ("Ben", 1), ("Cy", 0), ("Dee", 0)],
        ),
        (
            (answered("Ada", answered("Ben", answered("Cy"))),),
            [("Ada", 0), ("Ben", 1), ("Cy", 2)],
        ),
        (
            (answered("Ada", answered("Ben"), answered("Cy")), answered("Dee", answered("Eve"))),
            [("Ada", 0), ("Ben", 1), ("Cy", 1), ("Dee", 0), ("Eve", 1)],
        ),
    ],
    ids=["one answer", "chain", "several"],
)
def test_answers_within_the_comment_that_they_answer(
    comments: tuple[str, ...], expected: list[tuple[str, int]]
) -> None:
    found = parse_html(f"{ARTICLE}<section id='comments'>{''.join(comments)}</section>").comments
    assert [(comment.author, comment.depth) for comment in found] == expected
    assert all(f"says {comment.author}" in comment.text for comment in found)

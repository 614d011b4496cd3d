import base64
import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from lxml import html
from timing import within

from stance.reporting.thread import MAX_LISTED, MAX_MAPPED, MAX_NAMED, render_threads
from stance.thread import Article, Comment, Thread

ATTACKS = [
    "<script>alert(1)</script>",
    "</style><style>body{display:none}</style>",
    "</script><script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<a href='javascript:alert(1)'>x</a>",
    "<!-- <script>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; & &amp;",
    "\u2028\u2029\x00\x1b[31m\u202eevil",
]


def thread(*texts: str, **changes: Any) -> Thread:
    comments = tuple(
        Comment(
            id=f"id-{n}",
            text=text,
            author=("Ann", "Bo", None)[n % 3],
            published=f"2026-03-{1 + n % 9:02}T10:00",
            parent_id=f"id-{n - 1}" if n % 2 == 0 else None,
            depth=1 - n % 2,
        )
        for n, text in enumerate(texts, 1)
    )
    page = Thread("page.txt", "text", Article("A tram", "Nora", "2026-03-01"), comments)
    return replace(page, **changes)


def render(fake_analyzer: Any, *threads: Thread, targets: tuple[str, ...] = ("trams",)) -> Any:
    page = render_threads([fake_analyzer.score(item, targets) for item in threads])
    return html.document_fromstring(page)


def words(node: Any) -> str:
    return " ".join(" ".join(node.itertext()).split())


@pytest.fixture
def report(fake_analyzer: Any) -> Any:
    return render(
        fake_analyzer,
        thread("I love trams.", "I hate trams, you idiot!", "Hm.", "trams, well"),
        targets=("trams", "buses"),
    )


# What it shows


def test_the_thread_as_a_whole(report: Any) -> None:
    assert words(report.cssselect("h1")[0]) == "A tram"
    assert [words(card) for card in report.cssselect(".cards > div")] == [
        "Comments 4",
        "Authors 2",
        "Flagged as toxic 1 25% (5–70)",
        "Replies 2 0 agree, 0 disagree",
        "Most contested trams 1 in favor, 1 against",
    ]
    rows = [words(row) for row in report.cssselect(".targets tbody tr")]
    assert rows == [
        "trams most contested 1 25% (5–70) 1 25% (5–70) 2 50% (15–85) 1 25% (5–70)",
        "buses 1 25% (5–70) 1 25% (5–70) 2 50% (15–85) 2 50% (15–85)",
    ]


def test_bars_add_up(report: Any) -> None:
    bars = report.cssselect("svg.bar")
    # Targets, authors by targets, comments by targets, replies.
    assert len(bars) == 2 + 3 * 2 + 4 * 2 + 2
    for bar in bars:
        assert sum(float(part.get("width")) for part in bar) == pytest.approx(100, abs=0.05)
    first = [(part.get("class"), part.get("x"), part.get("width")) for part in bars[0]]
    assert first == [
        ("favor", "0.0", "25.0"),
        ("neutral", "25.0", "25.0"),
        ("off", "50.0", "25.0"),
        ("against", "75.0", "25.0"),
    ]


def test_the_map_has_a_cell_for_each_comment_and_target(report: Any) -> None:
    header, *rows = report.cssselect(".map tr")
    assert [link.get("href") for link in header.cssselect("a")] == [
        f"#t1-c{n}" for n in range(1, 5)
    ]
    assert [[cell.text or "" for cell in row.cssselect("td")] for row in rows] == [
        ["+", "−", "", "·"],
        ["+", "−", "", ""],
        ["", "!", "", ""],
    ]


def test_time_and_authors(report: Any) -> None:
    assert len(report.cssselect("figure")) == 3
    first = report.cssselect("figure")[0]
    rows = [words(row) for row in first.cssselect("tbody tr")]
    assert rows == [
        "2026-03-02 0 1 10%",
        "2026-03-03 1 0 90%",
        "2026-03-04 0 1 10%",
        "2026-03-05 0 1 10%",
    ]
    authors = [words(row) for row in report.cssselect(".authors tbody tr")]
    assert authors == [
        "Bo 2 0 10% +1 ·1 +1 ·1",
        "no name 1 1 90% −1 −1",
        "Ann 1 0 10% ·1 ·1",
    ]


def test_a_day_without_comments_has_no_mean(fake_analyzer: Any) -> None:
    page = thread("I love trams.", "You idiot!")
    times = ("2026-03-01T10:00", "2026-03-03T10:00")
    comments = tuple(
        replace(comment, published=time) for comment, time in zip(page.comments, times, strict=True)
    )
    first = render(fake_analyzer, replace(page, comments=comments)).cssselect("figure")[0]
    rows = [words(row) for row in first.cssselect("tbody tr")]
    assert rows == ["2026-03-01 0 1 10%", "2026-03-02 0 0 –", "2026-03-03 1 0 90%"]


def test_comments_in_their_thread(report: Any) -> None:
    items = report.cssselect(".comments > li")
    assert [(item.get("id"), item.get("class")) for item in items] == [
        ("t1-c1", "d0"),
        ("t1-c2", "d1 flagged"),
        ("t1-c3", "d0"),
        ("t1-c4", "d1"),
    ]
    assert words(items[0]) == (
        "#1 Bo 2026-03-02 10:00 I love trams. trams in favor 80% buses in favor 80% "
        "toxicity 10%, insult 10%"
    )
    assert [link.get("href") for link in items[1].cssselect(".head a")] == ["#t1-c2", "#t1-c1"]


def test_replies_stand_by_their_comments(fake_analyzer: Any) -> None:
    texts = ("Trams!", "You are wrong.", "Trams?", "right", "Trams.", "Hm.")
    report = render(fake_analyzer, thread(*texts), targets=())
    scores = [words(item.cssselect(".scores")[0]) for item in report.cssselect(".comments > li")]
    assert scores == [
        "toxicity 10%, insult 10%",
        "disagrees with Bo 70% toxicity 10%, insult 10%",
        "toxicity 10%, insult 10%",
        "agrees with Ann 70% toxicity 10%, insult 10%",
        "toxicity 10%, insult 10%",
        "neither agrees nor disagrees with the comment it answers 70% toxicity 10%, insult 10%",
    ]
    kinds = [item.get("class") for item in report.cssselect(".scores li")]
    assert kinds == [
        *("quiet", "against", "quiet", "quiet", "favor", "quiet"),
        *("quiet", "neutral", "quiet"),
    ]
    assert "Replies 3 1 agree, 1 disagree" in words(report.cssselect(".cards")[0])
    scored = fake_analyzer.score(thread(*texts), (), replies=False)
    assert "agree" not in words(html.document_fromstring(render_threads([scored])).find(".//main"))


def test_comments_in_other_languages_are_marked(fake_analyzer: Any) -> None:
    page = thread("Das ist nicht gut.", "This is not good.", "Hm.", "Das ist nicht gut.")
    report = render(fake_analyzer, page)
    assert [words(note) for note in report.cssselect(".note")] == [
        "2 of 4 comments are not in English (German 2): do not rely on their scores"
    ]
    items = report.cssselect(".comments > li")
    badges = [[words(badge) for badge in item.cssselect(".head .badge")] for item in items]
    marked = ["in German: scores not reliable"]
    assert badges == [marked, [], [], marked]
    assert [text.get("lang") for text in report.cssselect(".text")] == ["de", None, None, "de"]
    scored = replace(fake_analyzer.score(page, ()), languages=("en", "de"))
    read = html.document_fromstring(render_threads([scored]))
    assert read.cssselect(".note, .badge") == []
    assert read.cssselect(".text")[0].get("lang") == "de"


def test_toxic_text_is_hidden_until_asked_for(report: Any) -> None:
    (details,) = report.cssselect("details.hidden-text")
    assert details.get("open") is None
    assert details.cssselect(".text")[0].text_content() == "I hate trams, you idiot!"
    assert [mark.text for mark in report.cssselect("mark")] == ["idiot"]


def test_links_and_labels_lead_somewhere(report: Any) -> None:
    ids = [node.get("id") for node in report.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    for link in report.cssselect("a"):
        assert link.get("href")[1:] in ids
    for node in report.cssselect("[aria-labelledby]"):
        assert node.get("aria-labelledby") in ids
    for control in report.cssselect("select, input"):
        assert control.getparent().tag == "label"
    assert all(button.text for button in report.cssselect("button"))
    levels = [int(node.tag[1]) for node in report.cssselect("h1, h2, h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_several_threads_and_none(fake_analyzer: Any) -> None:
    two = render(fake_analyzer, thread("I love trams."), thread("Hm.", source="other.txt"))
    assert [link.get("href") for link in two.cssselect("header nav a")] == ["#t1", "#t2"]
    assert [words(node) for node in two.cssselect("h1, h2")][:3] == [
        "2 threads",
        "A tram",
        "A tram",
    ]
    assert len(two.cssselect(".exports button")) == 2
    assert "No page had comments." in words(render(fake_analyzer))


def test_what_the_page_exports_is_what_the_command_writes(fake_analyzer: Any) -> None:
    texts = ["I love trams.", "</script>&\u2028 half \ud83d"[:-1], *ATTACKS]
    scored = fake_analyzer.score(thread(*texts), ["trams"])
    page = html.document_fromstring(render_threads([scored]))
    (data,) = page.cssselect("script#data")
    (thread_data,) = json.loads(data.text)
    assert thread_data["targets"] == ["trams"]
    assert thread_data["rows"] == json.loads(json.dumps(scored.rows()))


def test_a_page_without_times_targets_or_article(fake_analyzer: Any) -> None:
    bare = Thread("-", "rows", comments=(Comment("1", "Hm."),), notes=("hosted elsewhere",))
    report = render(fake_analyzer, bare, targets=())
    assert words(report.cssselect("h1")[0]) == "-"
    assert report.cssselect("figure, .map, .targets") == []
    assert words(report.cssselect(".note")[0]) == "hosted elsewhere"


def test_much_is_cut_with_a_word_about_it(fake_analyzer: Any) -> None:
    names = tuple(f"target {n}" for n in range(15))
    report = render(fake_analyzer, thread(*["Hm."] * (MAX_MAPPED + 5)), targets=names)
    assert len(report.cssselect(".map thead a")) == MAX_MAPPED
    assert f"The first {MAX_MAPPED} comments." in words(report)
    assert "3 further targets are shown with their comments alone." in words(report)
    assert len(report.cssselect(".comments > li")) == MAX_MAPPED + 5


def test_long_threads_leave_most_comments_to_the_script(fake_analyzer: Any) -> None:
    report = render(fake_analyzer, thread(*["Hm."] * (MAX_LISTED + 2)))
    listed = [item.get("id") for item in report.cssselect(".comments > li")]
    assert listed == [f"t1-c{n}" for n in range(1, MAX_LISTED + 1)]
    further = [item.get("id") for item in report.cssselect("template.further > li")]
    assert further == [f"t1-c{MAX_LISTED + 1}", f"t1-c{MAX_LISTED + 2}"]
    (note,) = report.cssselect("noscript")
    assert f"The first {MAX_LISTED} comments." in words(note)


def test_authors_to_filter_by(fake_analyzer: Any) -> None:
    report = render(fake_analyzer, thread("I love trams.", "Trams!", "Hm.", "Trams?"))
    (select,) = report.cssselect("[data-tool=author]")
    assert [(option.get("value"), option.text) for option in select] == [
        ("", "any"),
        ("2", "Ann (1)"),
        ("0", "Bo (2)"),
        ("1", "no name (1)"),
    ]
    named = report.cssselect(".authors [data-author]")
    assert [(node.get("data-author"), words(node)) for node in named] == [
        ("0", "Bo"),
        ("1", "no name"),
        ("2", "Ann"),
    ]
    alone = render(fake_analyzer, thread("I love trams."))
    assert alone.cssselect("[data-tool=author]") == []


def test_more_authors_than_the_filter_offers(fake_analyzer: Any) -> None:
    page = thread(*["Hm."] * (MAX_NAMED + 3))
    comments = tuple(replace(own, author=f"Reader {own.id}") for own in page.comments)
    report = render(fake_analyzer, replace(page, comments=comments))
    (select,) = report.cssselect("[data-tool=author]")
    assert len(select) == 1 + MAX_NAMED + 1
    assert (select[-1].text, select[-1].get("disabled")) == ("3 more: search for them", "disabled")


def test_a_report_that_was_asked_for_leads_back(fake_analyzer: Any) -> None:
    scored = fake_analyzer.score(thread("Hm."), ())
    asked = html.document_fromstring(render_threads([scored], back="/"))
    assert [link.get("href") for link in asked.cssselect("nav.back a")] == ["/"]
    assert html.document_fromstring(render_threads([scored])).cssselect("nav.back") == []


# Hostile text


@pytest.fixture
def hostile(fake_analyzer: Any) -> tuple[str, Any]:
    attack = " ".join(ATTACKS)
    comments = tuple(
        Comment(text, f"{text} idiot {text}", text, text, text, 10**9, None, text)
        for text in [*ATTACKS, attack]
    )
    article = Article(attack, attack, attack, attack, "javascript:alert(1)")
    page = Thread(attack, attack, article, comments, notes=(attack,))
    source = render_threads([fake_analyzer.score(page, ATTACKS)] * 2)
    return source, html.document_fromstring(source)


def test_hostile_text_makes_no_element(hostile: tuple[str, Any]) -> None:
    _, page = hostile
    assert [node.get("id") for node in page.cssselect("script")] == ["data", None]
    assert len(page.cssselect("style")) == 1
    assert page.cssselect("img, iframe, object, embed, base, form, link") == []
    assert all(node.get("onload") is None for node in page.cssselect("svg"))
    assert not list(page.iter(html.etree.Comment))
    assert "49" not in words(page.cssselect("h2")[0])


def test_hostile_text_makes_no_attribute(hostile: tuple[str, Any]) -> None:
    for node in hostile[1].iter():
        for name, value in node.attrib.items():
            assert not name.startswith("on")
            assert name != "style"
            if name in ("href", "src", "action", "formaction", "xlink:href"):
                assert value.startswith("#")


def test_hostile_text_is_read_as_it_is(hostile: tuple[str, Any]) -> None:
    texts = [node.text_content() for node in hostile[1].cssselect(".comments .text")]
    for attack, text in zip(ATTACKS[:-1], texts, strict=False):
        assert text == f"{attack} idiot {attack}"
    assert "⟨U+2028⟩⟨U+2029⟩␀␛[31m⟨U+202E⟩evil" in texts[len(ATTACKS) - 1]
    assert "\u202e" not in hostile[0].split('<script type="application/json"')[0]


def test_nothing_but_our_script_and_style_may_run(hostile: tuple[str, Any]) -> None:
    source, page = hostile
    policy = page.cssselect("meta[http-equiv]")[0].get("content")
    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed["default-src"] == "'none'"
    for name, pattern in (
        ("script-src", r"<script>(.*?)</script>"),
        ("style-src", r"<style>(.*?)</style>"),
    ):
        (text,) = re.findall(pattern, source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert allowed[name] == f"'sha256-{digest}'"
    # The policy comes before all that it governs.
    assert source.index("Content-Security-Policy") < source.index("<style>")


def test_only_web_addresses_become_links(fake_analyzer: Any) -> None:
    for url, links in (
        ("https://town.example/tram", ["https://town.example/tram"]),
        ("JavaScript:alert(1)", []),
        ("data:text/html,x", []),
        ("//town.example", []),
    ):
        page = render(fake_analyzer, thread("Hm.", article=Article("A", url=url)))
        assert [link.get("href") for link in page.cssselect("header a")] == links


def test_a_page_of_thousands(fake_analyzer: Any) -> None:
    scored = fake_analyzer.score(thread(*["I love trams, idiot."] * 5000), ["trams", "buses"])
    page = within(20, lambda: render_threads([scored]))
    assert len(page) < 20_000_000


def test_our_script_never_reads_text_as_markup_or_code(hostile: tuple[str, Any]) -> None:
    script = hostile[1].cssselect("script:not([id])")[0].text
    for way in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function("):
        assert way not in script
    for way in ("fetch(", "XMLHttpRequest", "sendBeacon", "import(", "http"):
        assert way not in script

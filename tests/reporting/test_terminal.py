import io
import time
from dataclasses import replace
from typing import Any

import pytest

from stance.labels import TOXICITY_LABELS
from stance.reporting import terminal
from stance.reporting.terminal import ProgressBar, make_console, print_thread
from stance.thread import Article, Comment, Thread

HOSTILE = "[red]I[/red] love \x1b[31mtrams\x1b[0m :smile: \u202eidiot\u202c"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def page(*texts: str, author: str | None = "Ann") -> Thread:
    comments = tuple(
        Comment(str(n), text, author, "2026-03-01T10:00", "1" if n > 1 else None, int(n > 1))
        for n, text in enumerate(texts, 1)
    )
    return Thread("page.txt", "text", Article("A tram"), comments)


def shown(scored: Any, stream: io.StringIO | None = None) -> str:
    stream = io.StringIO() if stream is None else stream
    print_thread(scored, make_console(stream))
    return stream.getvalue()


def test_the_whole_table(fake_analyzer: Any) -> None:
    scored = fake_analyzer.score(page("I love trams.", "I hate them, you idiot!"), ["trams"])
    assert [" ".join(line.split()) for line in shown(scored).splitlines()] == [
        "page.txt",
        "A tram",
        "2 comments, 1 author, 1 flagged as toxic: 50% (9–91)",
        "1 reply: 0% (0–79) agree with the comment they answer, 0% (0–79) disagree",
        "target favor against neutral off-target",
        "A trams 50% (9–91) 50% (9–91) 0% (0–66) 0% (0–66)",
        "# comment A toxic",
        "1 Ann 2026-03-01T10:00 favor 80% 10%",
        "I love trams.",
        "",
        "2 ↳ Ann to #1, neutral 70% 2026-03-01T10:00 against 80% 90%!",
        "I hate them, you idiot!",
        "",
        "– does not speak about the target; toxic: the highest of the six kinds of toxicity, "
        "! where flagged",
        "",
    ]


def test_the_toxic_column_is_what_its_legend_says(fake_analyzer: Any) -> None:
    assert len(TOXICITY_LABELS) == 6
    scored = fake_analyzer.score(page("I love trams."), [])
    (item,) = scored.comments
    for label in TOXICITY_LABELS:
        toxicity = {**item.prediction.toxicity, label: 0.43}
        prediction = replace(item.prediction, toxicity=toxicity)
        lines = shown(replace(scored, comments=(replace(item, prediction=prediction),)))
        byline, _, _, legend = lines.splitlines()[-5:-1]
        assert byline.split()[-1] == "43%"
        assert legend == "toxic: the highest of the six kinds of toxicity, ! where flagged"


def test_replies_and_other_languages_are_marked(fake_analyzer: Any) -> None:
    texts = ("Das ist nicht gut.", "This is wrong.", "That is right.", "Das ist nicht right.")
    lines = shown(fake_analyzer.score(page(*texts), [])).splitlines()
    assert lines[3:5] == [
        "3 replies: 67% (21–94) agree with the comment they answer, 33% (6–79) disagree",
        "2 of 4 comments are not in English (German 2): do not rely on their scores",
    ]
    bylines = [" ".join(line.split()) for line in lines if "Ann" in line]
    assert bylines == [
        "1 Ann 2026-03-01T10:00 German? 10%",
        "2 ↳ Ann to #1, disagrees 70% 2026-03-01T10:00 10%",
        "3 ↳ Ann to #1, agrees 70% 2026-03-01T10:00 10%",
        "4 ↳ Ann to #1, agrees 70% 2026-03-01T10:00 German? 10%",
    ]
    without = shown(fake_analyzer.score(page(*texts[1:3]), [], replies=False))
    assert "agree" not in without
    assert "rely" not in without


def test_hostile_text_is_shown_and_not_obeyed(fake_analyzer: Any) -> None:
    thread = page(HOSTILE, author="\x1b]0;owned\x07[link=x]")
    text = shown(fake_analyzer.score(thread, ["[blink]\x1b[2J"]))
    assert "[red]I[/red] love ␛[31mtrams␛[0m :smile: ⟨U+202E⟩idiot⟨U+202C⟩" in text
    assert "␛]0;owned␇[link=x]" in text
    assert "[blink]␛[2J" in text
    assert not set("\x1b\x07\u202e") & set(text)


def test_colours_on_a_terminal_alone(fake_analyzer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scored = fake_analyzer.score(page("I love trams, idiot"), ["trams"])
    assert "\x1b[" not in shown(scored)
    assert "\x1b[1mAnn" in shown(scored, Terminal())
    assert "\x1b[32mfavor" in shown(scored, Terminal())
    assert "\x1b[1;4;31midiot" in shown(scored, Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    without = shown(scored, Terminal())
    assert "\x1b[32m" not in without
    assert "31m" not in without


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("targets", [0, 1, 4, 30])
def test_every_width_holds_every_target(
    fake_analyzer: Any, monkeypatch: pytest.MonkeyPatch, width: int, targets: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    names = [f"target number {n}" for n in range(targets)]
    text = shown(fake_analyzer.score(page("I love " + "trams " * 30, "x" * 500), names))
    if width >= 60:
        assert max(map(len, text.splitlines())) <= width
    assert ("favor" in text) == (targets > 0)
    if targets > 12:
        assert "… and 18 more targets" in " ".join(text.split())


def test_no_score_is_cut_off(fake_analyzer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for width in range(30, 140):
        monkeypatch.setenv("COLUMNS", str(width))
        text = shown(fake_analyzer.score(page("I hate it"), ["a", "b", "c", "d"]))
        comment = text[text.index("Ann") :]
        assert "…" not in comment
        assert comment.count("against") == 4


def test_long_comments_are_cut_at_their_end(fake_analyzer: Any) -> None:
    text = shown(fake_analyzer.score(page("a" * 279 + "idiot"), []))
    assert text.count("a" * 50) >= 2
    assert "idi" not in text
    assert "i…" in text


def test_a_thread_of_thousands_is_printed_in_parts(fake_analyzer: Any) -> None:
    scored = fake_analyzer.score(page(*["I love trams."] * 450), ["trams"])
    text = shown(scored)
    assert text.count(" #  comment ") == 1
    assert text.count("I love trams.") == 450
    assert "\n450  ↳ Ann" in text


def test_no_comments(fake_analyzer: Any) -> None:
    assert "0 comments, 0 authors, 0 flagged as toxic: 0% (0–100)" in shown(
        fake_analyzer.score(page(), [])
    )


# Progress


def test_the_bar_waits_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: clock[0])
    stream = Terminal()
    with ProgressBar("page [red]\x1b", stream) as progress:
        progress(1, 100)
        clock[0] = 0.9
        progress(2, 100)
        assert stream.getvalue() == ""
        clock[0] = 1.1
        progress(3, 100)
    assert "page [red]␛" in stream.getvalue()
    assert "3/100" in stream.getvalue()


def test_no_bar_where_it_would_be_noise() -> None:
    for stream, done in ((io.StringIO(), 3), (Terminal(), 100)):
        with ProgressBar("page", stream, delay=-1) as progress:
            progress(done, 100)
        assert stream.getvalue() == ""


def test_a_total_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    with ProgressBar("rows", stream, delay=-1) as progress:
        progress(7, 0)
        time.sleep(0.01)
    assert "7/?" in stream.getvalue()

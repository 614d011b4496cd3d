import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httptools")

from browser import Seen, browser, faults, needs_browser

from stance.parsing import parse_bytes
from stance.scoring.rows import EXAMPLE_ROW, RECORD_KEYS
from stance.serving.page import PASTED
from stance.serving.settings import Settings
from stance.tables import csv_cell, write_rows

pytestmark = needs_browser
if not needs_browser.args[0]:
    from playwright.sync_api import Page, expect

EXAMPLE = (Path(__file__).parents[2] / "stance" / "example" / "page.txt").read_text("utf-8")
HOSTILE = (
    '<img src="http://elsewhere.example/x" onerror="alert(1)">',
    '<a href="javascript:alert(1)">idiot</a>',
    "</script><script>alert(1)</script>",
    "</template></ol><style>body{display:none}</style>",
    '"><svg onload=alert(1)> idiot',
    "=HYPERLINK(\"http://elsewhere.example\"), you 'idiot'",
)
SHARED = os.environ.get("STANCE_SHARED")


@pytest.fixture
def server(serve: Callable[..., Any]) -> Any:
    return serve()


@pytest.fixture
def tab(server: Any) -> "Iterator[tuple[Page, Seen]]":
    """An open page, of which nothing may be refused, fail, or leave this machine."""
    with browser(viewport={"width": 1280, "height": 900}) as (page, seen):
        page.goto(server.url)
        yield page, seen
        assert seen.messages == []
        assert {urlsplit(url).netloc for url in seen.requests if not url.startswith("blob:")} == {
            f"127.0.0.1:{server.port}"
        }


def ask(page: "Page", text: str, *targets: str) -> None:
    page.get_by_label("Paste its text").fill(text)
    page.get_by_label("Targets").fill("\n".join(targets))
    page.get_by_role("button", name="Make the report").click()
    page.wait_for_selector(".comments > li")


def numbers(page: "Page") -> list[int]:
    """Return the numbers of the comments that are shown, in their order."""
    links = page.locator(".comments > li .head > a:first-child").all_text_contents()
    return [int(link.removeprefix("#")) for link in links]


def choose(page: "Page", **choices: str) -> None:
    """Choose options of the filter by what they show; what is not named is reset."""
    page.get_by_role("button", name="Reset").click()
    for tool, option in choices.items():
        page.locator(f"select[data-tool={tool}]").select_option(label=option)


def exported(page: "Page", button: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_text("utf-8")


def hostile_file(path: Path) -> Path:
    comments = [
        {"id": str(n), "author": text, "text": f"{text} trams"} for n, text in enumerate(HOSTILE, 1)
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in comments), encoding="utf-8")
    return path


def test_from_a_pasted_text_to_a_filtered_export(tab: Any, fake_analyzer: Any) -> None:
    page, _ = tab
    ask(page, EXAMPLE, "Mayor Quill", "Main Street")
    expect(page.locator("h1")).to_have_text("Wendle Will Close Main Street to Cars From May")
    assert numbers(page) == list(range(1, 14))
    expect(page.get_by_role("status")).to_have_text("All 13 comments")
    assert page.locator(".targets tbody tr").count() == 2
    assert page.locator(".map tbody tr").count() == 3
    assert page.locator(".charts figure").count() == 3
    assert page.locator(".authors tbody tr").count() == 9

    (thread,) = parse_bytes(EXAMPLE.encode(), source=PASTED)
    rows = fake_analyzer.score(thread, ("Mayor Quill", "Main Street")).rows()
    gary = [n for n, row in enumerate(rows, 1) if row["author"] == "Gearbox Gary"]
    about = [n for n, row in enumerate(rows, 1) if row["stance"][0]["relevance"] > 0.5]
    choose(page, author="Gearbox Gary (3)")
    assert numbers(page) == gary
    expect(page.get_by_role("status")).to_have_text("3 of 13 comments match")
    assert json.loads(exported(page, "Export as JSON")) == [rows[n - 1] for n in gary]
    choose(page, target="Mayor Quill", stance="neutral, about it")
    assert numbers(page) == about
    choose(page, target="Mayor Quill", stance="not about it")
    assert numbers(page) == [n for n in range(1, 14) if n not in about]
    choose(page, sort="newest first")
    assert [rows[n - 1]["published"] for n in numbers(page)] == sorted(
        (row["published"] for row in rows), reverse=True
    )
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Search").fill("bicycle")
    assert numbers(page) == [n for n, row in enumerate(rows, 1) if "bicycle" in row["text"].lower()]
    page.get_by_label("Search").fill("no such word")
    assert numbers(page) == []
    expect(page.get_by_role("status")).to_have_text("0 of 13 comments match")

    page.get_by_role("link", name="← Another page").click()
    expect(page.get_by_role("button", name="Make the report")).to_be_visible()


def test_exports_hold_what_the_command_writes(tab: Any, fake_analyzer: Any, tmp_path: Path) -> None:
    page, _ = tab
    data = hostile_file(tmp_path / "comments.jsonl").read_bytes()
    page.get_by_label("choose a saved file").set_input_files(tmp_path / "comments.jsonl")
    page.get_by_label("Targets").fill("trams\nbuses")
    page.get_by_role("button", name="Make the report").click()
    page.wait_for_selector(".comments > li")
    (thread,) = parse_bytes(data, source="comments.jsonl")
    scored = fake_analyzer.score(thread, ("trams", "buses"))
    assert json.loads(exported(page, "Export as JSON")) == scored.rows()

    path = tmp_path / "scores.csv"
    with write_rows(path, example=EXAMPLE_ROW, record_keys=RECORD_KEYS) as add:
        for row in scored.rows():
            add(row)
    written = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
    found = list(csv.reader(io.StringIO(exported(page, "Export as CSV"))))
    assert found[0] == written[0]
    for own, other in zip(found[1:], written[1:], strict=True):
        assert list(map(_value, own)) == list(map(_value, other))
    assert csv_cell(scored.rows()[-1]["text"]) in {cell for row in found for cell in row}


def _value(cell: str) -> Any:
    """Return what a cell means: JavaScript writes 1.0 as 1, and true without a capital."""
    try:
        return json.loads(cell.replace("True", "true").replace("False", "false"))
    except ValueError:
        return cell


def test_hostile_comments_are_read_as_text(tab: Any, tmp_path: Path) -> None:
    page, seen = tab
    page.get_by_label("choose a saved file").set_input_files(hostile_file(tmp_path / "x.jsonl"))
    page.get_by_label("Targets").fill("\n".join(HOSTILE))
    page.get_by_role("button", name="Make the report").click()
    page.wait_for_selector(".comments > li")
    assert page.locator(".comments .text").all_text_contents() == [
        f"{text} trams" for text in HOSTILE
    ]
    assert page.locator("img, iframe, object, .comments a:not([href^='#'])").count() == 0
    assert page.locator("[onerror], [onload], [style]").count() == 0
    for attack in HOSTILE:
        choose(page, author=f"{attack} (1)", target=attack)
        assert page.locator(".comments b bdi").all_text_contents() == [attack]
    page.get_by_label("Search").fill("<script>")
    page.get_by_role("button", name="Show toxic words").click()
    page.get_by_role("link", name="← Another page").click()
    # Back in the form, what goes wrong repeats the input as text too.
    page.get_by_label("Paste its text").fill("".join(HOSTILE))
    page.get_by_label("Targets").fill("x" * 501 + HOSTILE[0])
    page.get_by_role("button", name="Make the report").click()
    expect(page.get_by_role("alert")).to_contain_text("This could not be scored")
    assert page.get_by_label("Paste its text").input_value() == "".join(HOSTILE)
    assert page.locator("img").count() == 0
    # Chromium notes an answer of 400 itself.
    assert len(seen.messages) == 1
    assert "status of 400" in seen.messages.pop()


def test_toxic_words_are_hidden_until_asked_for(tab: Any) -> None:
    page, _ = tab
    ask(page, EXAMPLE, "Main Street")
    flagged = page.locator(".flagged .text")
    assert flagged.count() == 1
    expect(flagged).not_to_be_visible()
    reveal = page.get_by_role("button", name="Show toxic words")
    reveal.press("Enter")
    expect(reveal).to_have_attribute("aria-pressed", "true")
    expect(flagged).to_be_visible()
    expect(flagged.locator("mark")).to_have_text("idiot")
    reveal.press(" ")
    expect(flagged).not_to_be_visible()
    page.locator(".flagged summary").press("Enter")
    expect(flagged).to_be_visible()


def test_numbers_and_names_lead_to_their_comments(tab: Any) -> None:
    page, _ = tab
    ask(page, EXAMPLE, "Mayor Quill", "Main Street")
    neutral = page.get_by_role("button", name="13: Neutral, Main Street")
    neutral.press("Enter")
    expect(page.locator("[data-tool=target]")).to_have_value("1")
    expect(page.locator("[data-tool=stance]")).to_have_value("neutral")
    assert len(numbers(page)) == 13
    assert page.evaluate("document.activeElement.textContent") == "Comments"
    page.get_by_role("button", name="Hattie Lowe: comments").click()
    expect(page.get_by_role("status")).to_have_text("3 of 13 comments match")
    # A link to a comment that the filter took out brings it back.
    page.get_by_role("link", name="Comment 2", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("All 13 comments")
    assert page.evaluate("document.activeElement.id") == "t1-c2"


def test_the_report_as_a_file_opens_without_the_server(tab: Any, tmp_path: Path) -> None:
    page, _ = tab
    page.get_by_label("Paste its text").fill(EXAMPLE)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save it as a file").click()
    expect(page.get_by_role("button", name="Make the report")).to_be_enabled()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    with page.context.browser.new_context(offline=True) as context:
        saved = context.new_page()
        saved.goto(file.as_uri())
        assert numbers(saved) == list(range(1, 14))
        expect(saved.get_by_role("status")).to_have_text("All 13 comments")
        assert saved.get_by_role("link", name="← Another page").count() == 0


def test_dropping_a_file_anywhere(tab: Any) -> None:
    page, _ = tab
    page.evaluate(
        """(text) => {
            const dropped = new DataTransfer();
            dropped.items.add(new File([text], "saved.txt"));
            for (const type of ["dragover", "drop"]) {
                const event = new DragEvent(type, {
                    dataTransfer: dropped, bubbles: true, cancelable: true });
                document.querySelector("h1").dispatchEvent(event);
            }
        }""",
        EXAMPLE,
    )
    page.get_by_role("button", name="Remove the file").click()
    assert page.evaluate("document.getElementById('file').files.length") == 0
    page.get_by_label("choose a saved file").set_input_files(
        {"name": "saved.txt", "mimeType": "text/plain", "buffer": EXAMPLE.encode()}
    )
    page.get_by_role("button", name="Make the report").click()
    page.wait_for_selector(".comments > li")
    assert len(numbers(page)) == 13
    page.go_back()
    expect(page.get_by_role("button", name="Make the report")).to_be_enabled()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_whole_zone_is_the_field(server: Any, width: int) -> None:
    with browser(viewport={"width": width, "height": 800}, java_script_enabled=False) as (page, _):
        page.goto(server.url)
        zone = page.locator(".zone").bounding_box()
        for words in (page.locator("label[for=file]"), page.locator("#file-hint")):
            box = words.bounding_box()
            assert zone["x"] < box["x"]
            assert zone["y"] < box["y"]
            assert box["x"] + box["width"] < zone["x"] + zone["width"]
            assert box["y"] + box["height"] < zone["y"] + zone["height"]
            with page.expect_file_chooser():
                # What lies there may take the click in place of the words.
                words.click(position={"x": 20, "y": box["height"] / 2}, force=True)
        button = page.locator("#file").bounding_box()  # its button comes first, the words below it
        assert page.locator("#file-hint").bounding_box()["y"] > button["y"] + 36


def test_nothing_can_be_dropped_on_a_phone(server: Any) -> None:
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    with browser(**phone) as (page, _):
        page.goto(server.url)
        expect(page.get_by_text("or choose a saved file")).to_be_visible()
        expect(page.get_by_text("or drop it here")).to_be_hidden()
        for button in page.get_by_role("button").all():
            assert button.bounding_box()["height"] >= 44


def test_a_file_that_is_too_large_is_not_sent(serve: Callable[..., Any], tmp_path: Path) -> None:
    server = serve(Settings(max_body=2 * 1024 * 1024))
    file = tmp_path / "page.html"
    file.write_bytes(bytes(3 * 1024 * 1024))
    with browser() as (page, seen):
        page.goto(server.url)
        field = page.get_by_label("choose a saved file")
        field.set_input_files(file)
        page.get_by_role("button", name="Make the report").click()
        message = "This file has 3.0 MB; expected at most 2 MB."
        assert field.evaluate("(field) => field.validationMessage") == message
        assert len(seen.requests) == 1


def test_without_script(server: Any) -> None:
    with browser(java_script_enabled=False) as (page, seen):
        page.goto(server.url)
        ask(page, EXAMPLE, "Main Street")
        assert numbers(page) == list(range(1, 14))
        assert page.locator(".tools").is_hidden()
        assert page.locator(".pager").is_hidden()
        page.locator(".flagged summary").click()
        expect(page.locator(".flagged .text")).to_be_visible()
        page.get_by_role("link", name="← Another page").click()
        page.get_by_role("button", name="Try it with an example").click()
        page.wait_for_selector(".comments > li")
        assert page.locator(".targets tbody tr").count() > 1
        assert seen.messages == []


def test_a_key_stays_in_the_address(serve: Callable[..., Any]) -> None:
    server = serve(Settings(api_keys=("k-1",)))
    with browser() as (page, _):
        page.goto(server.url)
        assert faults(page) == []
        page.get_by_label("API key").fill("k-1")
        page.get_by_role("button", name="Open the page").click()
        ask(page, EXAMPLE, "Main Street")
        assert len(numbers(page)) == 13
        page.get_by_role("link", name="← Another page").click()
        expect(page.get_by_role("button", name="Make the report")).to_be_visible()
        assert page.url == f"{server.url}/?key=k-1"


def test_nothing_of_others_may_run(server: Any) -> None:
    with browser() as (page, seen):
        page.goto(server.url)
        for code in (
            "Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'})",
            "Object.assign(document.createElement('script'), {src: '/healthz'})",
            "Object.assign(document.createElement('img'), {src: '/healthz'})",
            "Object.assign(document.createElement('style'), {textContent: '* {color: red}'})",
        ):
            page.evaluate(f"document.body.append({code})")
        page.evaluate("fetch('/healthz').catch(() => 0)")
        page.evaluate("document.body.setAttribute('style', 'color: red')")
        assert page.evaluate("window.ran") is None
        assert len(seen.messages) >= 6
        assert all("Content Security Policy" in message for message in seen.messages)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_everybody_can_read_it(server: Any, width: int, scheme: str) -> None:
    def check(page: "Page") -> None:
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    with browser(viewport={"width": width, "height": 800}, color_scheme=scheme) as (page, _):
        page.goto(server.url)
        check(page)
        page.get_by_role("button", name="Make the report").click()
        expect(page.get_by_role("alert")).to_be_focused()
        check(page)
        long = "x" * 300
        ask(page, EXAMPLE.replace("bicycle", long), "Main Street", long, "Mayor Quill")
        check(page)
        page.get_by_role("button", name="Show toxic words").click()
        for summary in page.locator("summary:visible").all():
            if summary.locator("xpath=..").get_attribute("open") is None:
                summary.click()
        check(page)


@pytest.mark.skipif(SHARED is None, reason="STANCE_SHARED is not set")
def test_a_real_page_and_the_embedded_model(serve: Callable[..., Any]) -> None:
    from stance import Analyzer

    (seed,) = (Path(SHARED or "") / "seeds").glob("001*.txt")
    server = serve(model=Analyzer())
    with browser() as (page, seen):
        page.goto(server.url)
        ask(page, seed.read_text("utf-8"), "NATO", "Russia")
        assert numbers(page) == list(range(1, 16))
        assert page.locator(".targets tbody svg").count() == 2
        assert page.locator(".map tbody td").count() == 3 * 15
        assert page.locator(".charts figure").count() == 3
        choose(page, target="NATO", stance="against")
        count = len(numbers(page))
        (against,) = page.get_by_role("button", name="Against, NATO").all_text_contents()
        assert 0 < count == int(against)
        assert len(json.loads(exported(page, "Export as JSON"))) == count
        assert faults(page) == []
        assert seen.messages == []

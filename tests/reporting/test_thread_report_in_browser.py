import time
from pathlib import Path
from typing import Any

import pytest
from browser import browser, faults, needs_browser, shades
from timing import RUNS

from stance.reporting.thread import render_threads
from stance.thread import Article, Comment, Thread

pytestmark = needs_browser


def long_thread(comments: int) -> Thread:
    """Return a thread in which every third comment is an answer, by 400 authors in 9 days."""
    words = ("I love trams.", "I hate trams, you idiot!", "Hm, trams.", "And the buses? " * 20)
    return Thread(
        "page.html",
        "html",
        Article("Trams for Wendle"),
        tuple(
            Comment(
                id=str(n),
                text=f"{words[n % 4]} No. {n}.",
                author=f"Reader {n % 400}",
                published=f"2026-03-{1 + n * 9 // (comments + 1):02}T10:00",
                parent_id=str(n - 1) if n % 3 == 2 else None,
                depth=int(n % 3 == 2),
            )
            for n in range(1, comments + 1)
        ),
    )


def write_report(path: Path, analyzer: Any, *threads: Thread) -> str:
    page = render_threads([analyzer.score(own, ("trams", "buses")) for own in threads])
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


def shown(page: Any) -> list[str]:
    return page.locator(".comments > li").evaluate_all("(items) => items.map((own) => own.id)")


@pytest.fixture
def report(tmp_path: Path, fake_analyzer: Any) -> str:
    return write_report(tmp_path / "report.html", fake_analyzer, long_thread(2_000))


def test_two_thousand_comments_open_and_filter_in_no_time(report: str) -> None:
    with browser() as (page, seen):
        start = time.monotonic()
        page.goto(report)
        assert time.monotonic() - start < 60
        status = page.get_by_role("status")
        assert status.text_content() == "All 2,000 comments, 1 to 100 on this page"
        assert shown(page) == [f"t1-c{n}" for n in range(1, 101)]
        for tool, choice, count in (
            ("search", "No. 7", 111),  # 7, 70 to 79, 700 to 799
            ("toxic", "yes", 500),
            ("stance", "favor", 500),
            ("author", "0", 5),
            ("sort", "newest", 2_000),
        ):
            spent = []
            for _ in range(RUNS):
                page.locator("[data-tool=reset]").click()
                # Until the browser has laid the comments out and painted them.
                spent += [
                    page.locator(f"[data-tool={tool}]").evaluate(
                        """(control, choice) => new Promise((done) => {
                            const start = performance.now();
                            control.value = choice;
                            control.dispatchEvent(new Event("input"));
                            requestAnimationFrame(() =>
                                setTimeout(() => done((performance.now() - start) / 1000)));
                        })""",
                        choice,
                    )
                ]
            assert min(spent) < 3
            assert status.text_content().startswith(
                f"{count} of 2,000 comments match" if count < 2_000 else "All 2,000 comments"
            )
            assert len(shown(page)) == min(count, 100)
        assert shown(page)[0] == "t1-c1779"  # the first of the last day
        assert seen.messages == []


def test_turning_pages_and_following_links(report: str) -> None:
    from playwright.sync_api import expect

    with browser() as (page, _):
        page.goto(f"{report}#t1-c1234")
        assert shown(page) == [f"t1-c{n}" for n in range(1201, 1301)]
        assert page.evaluate("document.activeElement.id") == "t1-c1234"
        assert page.locator(".pager span").text_content() == "Page 13 of 20"
        page.get_by_role("button", name="Next").click()
        assert shown(page)[0] == "t1-c1301"
        assert page.evaluate("document.activeElement.textContent") == "Comments"
        page.locator("[data-tool=search]").fill("No. 2000.")
        assert shown(page) == ["t1-c2000"]
        assert page.locator(".pager").is_hidden()
        page.locator("#t1-c2000").get_by_role("link", name="to #1999").click()
        # The browser tells the page of the new address after the click, in a task of its own.
        expect(page.locator(".comments > li").first).to_have_id("t1-c1901")
        assert page.get_by_role("button", name="Next").is_disabled()
        assert page.evaluate("document.activeElement.id") == "t1-c1999"
        assert page.locator("[data-tool=search]").input_value() == ""


def test_paper_has_all_that_match(report: str) -> None:
    with browser() as (page, _):
        page.goto(report)
        page.locator("[data-tool=stance]").select_option("favor")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert len(shown(page)) == 500
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert len(shown(page)) == 100


def test_each_thread_has_its_own_filter(tmp_path: Path, fake_analyzer: Any) -> None:
    file = tmp_path / "report.html"
    url = write_report(file, fake_analyzer, long_thread(4), long_thread(8))
    with browser() as (page, seen):
        page.goto(url)
        second = page.locator("#t2")
        second.locator("[data-tool=toxic]").select_option("yes")
        assert shown(page) == [*(f"t1-c{n}" for n in range(1, 5)), "t2-c1", "t2-c5"]
        with page.expect_download() as download:
            page.get_by_role("button", name="All comments as CSV").click()
        lines = Path(download.value.path()).read_text("utf-8").splitlines()
        assert len(lines) == 1 + 4 + 8
        assert faults(page) == []
        assert seen.messages == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_map_that_goes_on_says_so(tmp_path: Path, fake_analyzer: Any, scheme: str) -> None:
    url = write_report(tmp_path / "report.html", fake_analyzer, long_thread(20))
    with browser(color_scheme=scheme) as (page, _):
        found = {}
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(url)
            region = page.get_by_role("group", name="Map of comments and targets")
            for place in (0, 60, 9999):
                region.evaluate("(node, place) => node.scrollLeft = place", place)
                found[width, place] = shades(region)
        assert [found[390, place] for place in (0, 60, 9999)] == [
            (False, True),
            (True, True),
            (True, False),
        ]
        assert {found[1280, place] for place in (0, 60, 9999)} == {(False, False)}


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("replies", [True, False])
def test_no_tile_of_the_summary_is_left_over(
    tmp_path: Path, fake_analyzer: Any, targets: int, replies: bool
) -> None:
    scored = fake_analyzer.score(long_thread(20), ("trams", "buses")[:targets], replies=replies)
    file = tmp_path / "report.html"
    file.write_text(render_threads([scored]), encoding="utf-8")
    with browser() as (page, _):
        page.goto(file.as_uri())
        for width in (320, 390, 620, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            tiles = [tile.bounding_box() for tile in page.locator(".summary > div").all()]
            assert len(tiles) == 3 + replies + (targets > 1)
            lines: dict[float, list[Any]] = {}
            for tile in tiles:
                lines.setdefault(tile["y"], []).append(tile)
            if width < 480:
                assert len(lines) == len(tiles)
            ends = {
                (round(line[0]["x"]), round(line[-1]["x"] + line[-1]["width"]))
                for line in lines.values()
            }
            assert len(ends) == 1  # every line is full

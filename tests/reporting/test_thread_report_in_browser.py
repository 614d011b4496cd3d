import time
from pathlib import Path
from typing import Any

import pytest
from browser import browser, faults, needs_browser
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
        assert shown(page)[0] == "t1-c1901"
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

"""A headless Chromium, driven by Playwright, and what it did."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None or find_spec("playwright") is None, reason="needs Chromium and Playwright"
)
_PATIENCE = 60_000  # milliseconds: a busy machine is slow, not broken
_QUIET = ("--disable-background-networking", "--no-first-run", "--disable-dev-shm-usage")


@dataclass
class Seen:
    """What the pages did: words in the console, refusals and mistakes among them, and requests."""

    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def browser(**options: Any) -> "Iterator[tuple[Page, Seen]]":
    """Yield a tab of a fresh browser; `options` are those of Playwright's `new_context`."""
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        # Chromium's own sandbox is not for root, as which tests in a container run.
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, chromium_sandbox=False, args=_QUIET
        )
        try:
            context = chromium.new_context(**options)
            context.set_default_timeout(_PATIENCE)
            expect.set_options(timeout=_PATIENCE)
            seen = _watch(context)
            yield context.new_page(), seen
        finally:
            chromium.close()


def _watch(context: "BrowserContext") -> Seen:
    seen = Seen()
    context.on("console", lambda message: seen.messages.append(message.text))
    context.on("weberror", lambda error: seen.messages.append(str(error.error)))
    context.on("dialog", lambda dialog: (seen.messages.append(dialog.message), dialog.dismiss()))
    context.on("request", lambda request: seen.requests.append(request.url))
    return seen


def faults(page: "Page") -> list[str]:
    """Return the serious faults of accessibility that axe-core finds, each with its place."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    regions = page.locator(".scroll")
    # axe-core does not judge the contrast of words that stand on a gradient.
    regions.evaluate_all("(nodes) => nodes.forEach((node) => { node.style.background = 'none'; })")
    found = axe.run(page).response["violations"]
    regions.evaluate_all("(nodes) => nodes.forEach((node) => node.removeAttribute('style'))")
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def shades(region: "Locator") -> tuple[bool, bool]:
    """Return whether the left and the right edge of a region are shaded: there is more that way.

    The left edge is that of what scrolls, beside a first column that stays.
    """
    from matplotlib.image import imread

    held = region.evaluate(
        """(node) => {
            const stays = node.querySelector("thead th");
            const isHeld = stays && getComputedStyle(stays).position === "sticky";
            return isHeld ? stays.getBoundingClientRect().width + 2 : 0;
        }"""
    )
    line = imread(io.BytesIO(region.screenshot()))[2, :, :3]  # above the first line of text
    ground = line[len(line) // 2]
    left, right = (abs(line[place] - ground).max() > 0.05 for place in (int(held) + 2, -2))
    return bool(left), bool(right)

"""CSS selectors over a tree, compiled once, with `@attribute` for an attribute's value."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import cast

from cssselect import GenericTranslator
from lxml import etree
from lxml.html import HtmlElement

from stance.parsing.blocks import inline_text
from stance.parsing.markup import Family

_SELECTOR_NAMES = re.compile(r"[.#]([\w-]+)|(?:itemprop|itemtype|class|id)[*^$]?='([^']+)'")


@lru_cache(maxsize=2048)
def compile_selector(selector: str) -> tuple[etree.XPath | None, str]:
    """Return a compiled CSS selector and the attribute asked for, "" for the element itself."""
    css, _, attribute = selector.partition("@")
    if not css:
        return None, attribute
    return etree.XPath(GenericTranslator().css_to_xpath(css)), attribute


def select(element: HtmlElement, selector: str) -> list[HtmlElement]:
    """Return all that a CSS selector finds in an element, itself included."""
    path, _ = compile_selector(selector)
    return [element] if path is None else elements(path, element)


def first_value(element: HtmlElement, selectors: Iterable[str]) -> str | None:
    """Return the first non-empty text or attribute that the selectors find."""
    for selector in selectors:
        _, attribute = compile_selector(selector)
        for found in select(element, selector):
            value = found.get(attribute) if attribute else inline_text(found)
            if value and value.strip():
                return value.strip()
    return None


def without_idle(family: Family, names: str) -> Family:
    """Drop the selectors that cannot find anything among a page's class, id and item names."""

    def alive(selectors: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(s for s in selectors if all(name in names for name in _names_of(s)))

    return replace(
        family,
        record=", ".join(alive(tuple(family.record.split(", ")))),
        author=alive(family.author),
        time=alive(family.time),
        body=alive(family.body),
        likes=alive(family.likes),
        drop=alive(family.drop),
        deleted=alive(family.deleted),
        pingback=alive(family.pingback),
        reply_to=alive(family.reply_to),
    )


@lru_cache(maxsize=2048)
def _names_of(selector: str) -> tuple[str, ...]:
    """Return the class, id and item names that whatever a selector finds must have."""
    positive = selector.partition("@")[0].partition(":not")[0]
    return tuple(a or b for a, b in _SELECTOR_NAMES.findall(positive))


def elements(path: etree.XPath, element: HtmlElement) -> list[HtmlElement]:
    """Return what an XPath to elements finds."""
    return cast("list[HtmlElement]", path(element))


def strings(path: etree.XPath, element: HtmlElement) -> list[str]:
    """Return what an XPath to texts or attributes finds."""
    return cast("list[str]", path(element))

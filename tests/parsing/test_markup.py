"""The table of platforms is sound: every selector compiles, every name is known once."""

import re

import pytest

from stance.parsing import markup
from stance.parsing.markup import FAMILIES, Family
from stance.parsing.selectors import compile_selector


def selectors(family: Family) -> list[str]:
    single = [family.record, family.lead, family.opening if family.opening != "first" else ""]
    several = (
        family.author + family.time + family.body + family.likes + family.identity
        + family.reply_to + family.drop + family.deleted + family.pingback
        + tuple(selector for selector, _ in family.level)
    )  # fmt: skip
    return [selector for selector in (*single, *several) if selector]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_family(family: Family) -> None:
    assert family.hints
    assert family.record
    for selector in selectors(family):
        compile_selector(selector)
    re.compile(family.id_pattern)
    assert all(unit > 0 for _, unit in family.level)


def test_names_are_unique() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "words", "selector"), markup.HOSTED_ELSEWHERE)
def test_services(name: str, words: tuple[str, ...], selector: str) -> None:
    assert name
    compile_selector(selector)
    # A page that the selector finds holds one of the words, or the service is never looked for.
    for part in selector.split(","):
        assert any(word in part for word in words)


@pytest.mark.parametrize(
    "text",
    [
        "[deleted]",
        "[flagged]",
        "[dead]",
        "This comment has been removed by the author.",
        "Dieser Kommentar wurde vom Autor gelöscht.",
        "Ce commentaire a été supprimé",
    ],
)
def test_deleted_texts(text: str) -> None:
    assert re.fullmatch(markup.DELETED_TEXT, text, re.IGNORECASE)


@pytest.mark.parametrize(
    "text", ["I deleted my account.", "They removed the rails again.", "Dead", "flagged", "(dead)"]
)
def test_texts_about_deletion(text: str) -> None:
    assert not re.fullmatch(markup.DELETED_TEXT, text, re.IGNORECASE)

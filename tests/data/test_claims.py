"""Claims that are made from a name, and the name and side that are read from a claim."""

import re

import pytest

from stance.data.claims import AGAINST, FOR, Named, claim_about, is_plural, named_in


def test_no_claim_stands_on_both_sides_or_twice() -> None:
    assert len({*FOR, *AGAINST}) == len(FOR) + len(AGAINST)
    assert len(FOR) == len(AGAINST)  # a side is not told by how often it comes


@pytest.mark.parametrize("form", [*FOR, *AGAINST])
@pytest.mark.parametrize("name", ["honey", "bees", "a {name} in [brackets|or braces]"])
def test_every_form_names_the_thing_once_and_leaves_nothing_open(form: str, name: str) -> None:
    said = claim_about(name, form)
    assert said.lower().count(name.lower()) == 1
    rest = re.sub(re.escape(name), "", said, flags=re.IGNORECASE)
    assert not re.search(r"[\[\]{}|]", rest)
    assert said[0] == said[0].upper()


def test_both_sides_have_negated_claims() -> None:
    for side in (FOR, AGAINST):
        negated = [form for form in side if re.search(r"n't| not | never |no ", form)]
        assert 0.2 < len(negated) / len(side) < 0.5


@pytest.mark.parametrize(
    ("name", "plural"),
    [
        ("bees", True),
        ("taxes on honey", True),
        ("honey tax", False),
        ("the price of trams", False),
        ("politics", False),
        ("news", False),
        ("old people", True),
        ("bread and butter", True),
        ("diabetes", False),
        ("", False),
        ("the bus", False),
        ("a crisis", False),
        ("grass", False),
    ],
)
def test_a_name_is_taken_for_many_by_its_first_part(name: str, plural: bool) -> None:
    assert is_plural(name) == plural
    verb = "have" if plural else "has"
    assert claim_about(name, "{} [has|have] failed").split()[-2] == verb


@pytest.mark.parametrize(
    ("claim", "name", "is_for"),
    [
        ("We should ban honey bees", "honey bees", False),
        ("We should not ban honey bees.", "honey bees", True),
        ("Honey bees should be allowed", "Honey bees", True),
        ("Honey bees must never be allowed", "Honey bees", False),
        ("We don't need honey bees", "honey bees", False),
        ("We need honey bees", "honey bees", True),
        ("Mowing on Sundays should be a criminal offence", "Mowing on Sundays", False),
        ("Trams bring more harm than good", "Trams", False),
        ("The tram does more good than harm", "The tram", True),
        ("Abolish the town hall", "the town hall", False),
        ("This house would build trams", "trams", True),
        ("This house believes that mowing should be legal", "mowing", True),
        ("It is right that we should support the library", "the library", True),
    ],
)
def test_a_claim_tells_what_it_names_and_its_side(claim: str, name: str, is_for: bool) -> None:
    assert named_in(claim) == Named(name, is_for)


@pytest.mark.parametrize(
    "claim",
    [
        "Trams are late",
        "honey bees",
        "",
        "Ban bees to please him",  # what is banned is no thing
        "Ban honey from schools",
        "Ban it",
        "close friends",  # closes nothing
        "The government would ban honey",  # a guess, not a claim
        "We should subsidize honey",  # who disagrees may well like honey
        "Honey bees should be limited",
        "Trams do not do more harm than good",
        "Trams never should be banned",
        "I don't think honey should be banned",
        "I doubt it is right that honey should be banned",
        "No bees should be banned",
        "Neither bees nor wasps should be banned",
        "Who says honey should be banned?",
        "Bees are fine and wasps should be banned",
        "We should ban one two three four five six seven",
        "We should ban " + "honey " * 60,
    ],
)
def test_a_claim_of_another_form_names_nothing(claim: str) -> None:
    assert named_in(claim) is None


@pytest.mark.parametrize("name", ["the new tram", "honey bees"])
@pytest.mark.parametrize("form", [*FOR, *AGAINST])
def test_a_claim_that_was_made_is_read_on_its_own_side_or_not_at_all(form: str, name: str) -> None:
    found = named_in(claim_about(name, form))
    if found is not None:
        assert found.name.lower() == name
        assert found.is_for == (form in FOR)

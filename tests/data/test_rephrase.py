import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.data.claims import AGAINST, FOR, claim_about
from stance.data.examples import Example
from stance.data.rephrase import (
    _FALSE,
    _TRUE,
    OPPOSITE,
    contrary,
    rephrased,
    with_antonym,
    with_other_targets,
)


def draw(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a reproducible order, not a secret


def example(text: str, target: str, stance: str = "favor") -> Example:
    return Example(text, "made-up", "train", target=target, stance=stance, relevance=1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("claim", "opposite"),
    [
        ("Bees are useful", "Bees are not useful"),
        ("Bees are not useful", "Bees are useful"),
        ("Cats can't swim", "Cats can swim"),
        ("Trams won't come", "Trams will come"),
        ("Trams shouldn't come", "Trams should come"),
        ("We cannot wait", "We can wait"),
    ],
)
def test_the_contrary_negates_the_first_verb_or_takes_its_negation_back(
    claim: str, opposite: str
) -> None:
    assert contrary(claim) == opposite


def test_a_claim_without_a_known_verb_has_no_contrary() -> None:
    assert contrary("Honey for all") is None


@pytest.mark.parametrize(
    ("claim", "opposite"),
    [
        ("Bees are useful", "Bees are useless"),
        ("Trams should be banned", "Trams should be legalized"),
        ("Cheap wine hurts a good name", "Cheap wine helps a good name"),
        ("Voting is a right", None),
        ("Goodness is rare", None),
    ],
)
def test_an_antonym_stands_for_the_first_judging_word(claim: str, opposite: str | None) -> None:
    assert with_antonym(claim) == opposite


@given(st.integers(0, 10_000), st.sampled_from(["favor", "against", "neutral"]))
def test_a_label_turns_round_only_where_a_claim_does(seed: int, stance: str) -> None:
    after = rephrased(example("They sting", "Bees are useful", stance), draw(seed))
    said = [wording.format("bees are useful") for wording in _FALSE]
    contraries = {"Bees are not useful", "Bees are useless", *said}
    same = {wording.format("bees are useful") for wording in _TRUE}
    assert after.target in contraries | same
    assert after.stance == (OPPOSITE[stance] if after.target in contraries else stance)  # type: ignore[index]
    assert after.text == "They sting"


@given(st.integers(0, 10_000), st.sampled_from(["favor", "against", "neutral"]))
def test_a_label_turns_round_only_where_what_is_said_of_a_name_does(seed: int, stance: str) -> None:
    after = rephrased(example("They sting", "honey bees", stance), draw(seed))
    contraries = {claim_about("honey bees", form) for form in AGAINST}
    same = {claim_about("honey bees", form) for form in FOR}
    assert after.target in contraries | same
    assert after.stance == (OPPOSITE[stance] if after.target in contraries else stance)  # type: ignore[index]


@given(st.integers(0, 10_000), st.sampled_from(["favor", "against", "neutral"]))
def test_a_claim_that_names_a_thing_becomes_another_about_it(seed: int, stance: str) -> None:
    after = rephrased(example("They sting", "We should ban honey bees", stance), draw(seed))
    contraries = {claim_about("honey bees", form) for form in FOR}
    same = {claim_about("honey bees", form) for form in AGAINST}
    assert after.target in contraries | same
    assert after.stance == (OPPOSITE[stance] if after.target in contraries else stance)  # type: ignore[index]


def test_other_targets_share_no_word_with_the_text_or_its_own_targets() -> None:
    rows = [
        example("Honey is sweet", "honey bees"),
        example("Rails everywhere", "tram lines"),
        example("Tram lines and honey", "town hall"),
    ]
    seen = set()
    for seed in range(50):
        made = with_other_targets(rows, 1.0, draw(seed))
        seen |= {(row.text, row.target) for row in made}
        for row in made:
            assert (row.stance, row.relevance) == ("neutral", 0.0)
            assert (row.text, row.target) not in {
                ("Honey is sweet", "honey bees"),
                ("Rails everywhere", "tram lines"),
                ("Tram lines and honey", "honey bees"),
                ("Tram lines and honey", "tram lines"),
                ("Tram lines and honey", "town hall"),
            }
    # Whatever is allowed is made.
    assert seen == {
        ("Honey is sweet", "tram lines"),
        ("Honey is sweet", "town hall"),
        ("Rails everywhere", "honey bees"),
        ("Rails everywhere", "town hall"),
    }
    assert len(with_other_targets(rows, 0.0, draw(0))) == 0


def test_a_target_of_short_words_alone_is_looked_for_too() -> None:
    rows = [example("The EU should go, the EU is a mess", "Brexit"), example("Peas are nice", "EU")]
    made = [row for seed in range(20) for row in with_other_targets(rows, 1.0, draw(seed))]
    assert {(row.text, row.target) for row in made} == {("Peas are nice", "Brexit")}


@pytest.mark.parametrize("target", ["We can't have bees", "Not for bees", "Eating honey helps"])
def test_a_short_sentence_is_not_taken_for_a_name(target: str) -> None:
    wordings = {rephrased(example("They sting", target), draw(seed)).target for seed in range(200)}
    assert not any(str(wording).startswith(("Ban ", "Support for ")) for wording in wordings)

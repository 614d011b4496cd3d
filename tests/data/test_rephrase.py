import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.data.examples import Example
from stance.data.rephrase import OPPOSITE, contrary, rephrased, with_other_targets


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


@given(st.integers(0, 10_000), st.sampled_from(["favor", "against", "neutral"]))
def test_a_label_turns_round_only_where_the_target_does(seed: int, stance: str) -> None:
    before = example("They sting", "Bees are useful", stance)
    after = rephrased(before, draw(seed))
    turned = " not " in f" {after.target} " or "wrong" in (after.target or "")
    assert after.target != before.target
    assert after.stance == (OPPOSITE[before.stance] if turned else before.stance)  # type: ignore[index]
    assert after.text == before.text


@given(st.integers(0, 10_000))
def test_a_name_becomes_support_or_opposition(seed: int) -> None:
    after = rephrased(example("They sting", "honey bees"), draw(seed))
    contrary_words = ("Opposition", "bad", "harm", "Against")
    turned = any(word in (after.target or "") for word in contrary_words)
    assert "honey bees" in (after.target or "")
    assert after.stance == ("against" if turned else "favor")


def test_other_targets_share_no_word_with_the_text_or_its_own_targets() -> None:
    rows = [
        example("Honey is sweet", "honey bees"),
        example("Rails everywhere", "tram lines"),
        example("Tram lines and honey", "town hall"),
    ]
    for seed in range(50):
        made = with_other_targets(rows, 1.0, draw(seed))
        for row in made:
            assert (row.stance, row.relevance) == ("neutral", 0.0)
            assert (row.text, row.target) not in {
                ("Honey is sweet", "honey bees"),
                ("Rails everywhere", "tram lines"),
                ("Tram lines and honey", "honey bees"),
                ("Tram lines and honey", "tram lines"),
                ("Tram lines and honey", "town hall"),
            }
    assert len(with_other_targets(rows, 0.0, draw(0))) == 0

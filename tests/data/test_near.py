"""Which targets a text is put beside without a label."""

import random

import pytest

pytest.importorskip("sklearn", reason="training is not installed")
from hypothesis import given
from hypothesis import strategies as st

from stance.data.near import near_pairs


def _draw(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a reproducible order, not a secret


TEXTS = ["The trams are late again, and the trams are full.", "Bees are dying."]
TARGETS = ["trams", "late trams", "bees", "school uniforms", "the"]


def test_a_text_gets_targets_that_share_words_with_it() -> None:
    pairs = near_pairs(TEXTS, TARGETS, 5, (), _draw(1))
    assert set(pairs) == {
        (TEXTS[0], "trams"),
        (TEXTS[0], "late trams"),
        (TEXTS[1], "bees"),
    }


def test_pairs_that_are_known_are_not_given_again() -> None:
    known = {(TEXTS[0], "trams"), (TEXTS[1], "bees")}
    assert near_pairs(TEXTS, TARGETS, 5, known, _draw(1)) == [(TEXTS[0], "late trams")]


def test_no_text_stands_beside_itself() -> None:
    assert near_pairs(["Late trams."], ["late trams", "trams"], 2, (), _draw(1)) == [
        ("Late trams.", "trams")
    ]


def test_they_are_drawn_from_the_nearest() -> None:
    targets = [*(f"trams {number}" for number in range(4)), "trams and bees and many other things"]
    drawn = {
        target
        for seed in range(40)
        for _, target in near_pairs([TEXTS[0]], targets, 1, (), _draw(seed))
    }
    assert drawn == set(targets[:4])


@pytest.mark.parametrize("targets", [[], ["the", "of"], ["?!"]])
def test_no_target_with_a_word_that_says_anything_gives_no_pair(targets: list[str]) -> None:
    assert near_pairs(TEXTS, targets, 3, (), _draw(1)) == []


@given(
    st.lists(st.text(alphabet="ab ", max_size=12), unique=True, max_size=8),
    st.lists(st.sampled_from(["aa", "bb", "ab", "ba aa", "bb ab"]), unique=True, min_size=1),
    st.integers(1, 3),
    st.integers(),
)
def test_no_pair_comes_twice_and_no_text_gets_more_than_asked(
    texts: list[str], targets: list[str], count: int, seed: int
) -> None:
    pairs = near_pairs(texts, targets, count, (), _draw(seed))
    assert len(set(pairs)) == len(pairs)
    assert all(sum(text == first for first, _ in pairs) <= count for text in texts)
    assert pairs == near_pairs(texts, targets, count, (), _draw(seed))

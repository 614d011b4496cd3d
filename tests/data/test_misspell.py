import random

from hypothesis import given
from hypothesis import strategies as st

from stance.data.examples import Example
from stance.data.misspell import misspelt


def example(text: str) -> Example:
    return Example(text, "made-up", "train", toxicity={"toxicity": 1.0, "insult": 1.0})


def changed(text: str, seed: int) -> str:
    return misspelt(example(text), random.Random(seed)).text  # noqa: S311 - reproducible


def test_one_word_in_five_is_changed_and_its_labels_stay() -> None:
    text = "what an utterly useless council that nobody ever elected again"
    row = misspelt(example(text), random.Random(3))  # noqa: S311 - reproducible
    kept = [word for word in row.text.split() if word in text.split()]
    assert 7 <= len(kept) < 10
    assert row.toxicity == {"toxicity": 1.0, "insult": 1.0}


def test_every_kind_of_change_comes_up() -> None:
    found = {changed("idiot", seed) for seed in range(300)}
    for spelling in ("id1ot", "idi0t", "idoit", "idot", "id*ot", "i d i o t", "i.d.i.o.t"):
        assert spelling in found
    assert any("iii" in spelling for spelling in found)
    assert "idiot" not in found


@given(st.text(), st.integers(0, 5))
def test_any_text_comes_back_as_text_and_alike_for_a_seed(text: str, seed: int) -> None:
    assert changed(text, seed) == changed(text, seed)


def test_a_text_without_words_stays() -> None:
    assert changed("?! 12 ab", 1) == "?! 12 ab"

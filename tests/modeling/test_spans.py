from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stance.modeling.spans import character_f1, join_tokens

SPAN = st.tuples(st.integers(0, 30), st.integers(0, 10)).map(lambda pair: (pair[0], sum(pair)))


@given(st.lists(SPAN, max_size=12), st.text(min_size=41, max_size=41))
def test_joined_spans_are_in_order_apart_and_hold_what_was_marked(
    offsets: list[tuple[int, int]], text: str
) -> None:
    spans = join_tokens(offsets, text)
    assert all(start < end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    marked = {place for start, end in offsets for place in range(start, end)}
    joined = {place for start, end in spans for place in range(start, end)}
    assert marked <= joined
    assert all(text[place].isalnum() or not text[place].strip() for place in joined - marked)


def test_a_part_of_a_word_marks_the_whole_word() -> None:
    assert join_tokens([(6, 8)], "I was snarled at") == ((6, 13),)
    assert join_tokens([(0, 2)], "un-fair") == ((0, 2),)


def test_a_text_without_blanks_is_not_read_to_its_end_for_each_token() -> None:
    text = "x" * 100_000
    offsets = [(place, place + 1) for place in range(0, len(text), 1000)]
    assert all(end - start <= 129 for start, end in join_tokens(offsets, text))


def test_two_empty_sets_agree_and_one_does_not() -> None:
    assert character_f1([], []) == 1
    assert character_f1([(0, 3)], []) == 0
    assert character_f1([], [(0, 3)]) == 0

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stance.modeling.spans import character_f1, join_tokens

SPAN = st.tuples(st.integers(0, 30), st.integers(0, 10)).map(lambda pair: (pair[0], sum(pair)))


@given(st.lists(SPAN, max_size=12), st.text(min_size=41, max_size=41))
def test_joined_spans_are_in_order_and_apart(offsets: list[tuple[int, int]], text: str) -> None:
    spans = join_tokens(offsets, text)
    assert all(start < end for start, end in spans)
    assert all(one[1] < other[0] for one, other in pairwise(spans))
    marked = {place for start, end in offsets for place in range(start, end)}
    joined = {place for start, end in spans for place in range(start, end)}
    assert marked <= joined
    assert all(not text[place].strip() for place in joined - marked)


def test_two_empty_sets_agree_and_one_does_not() -> None:
    assert character_f1([], []) == 1
    assert character_f1([(0, 3)], []) == 0
    assert character_f1([], [(0, 3)]) == 0

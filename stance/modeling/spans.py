"""Toxic spans: from token decisions to character spans, and how well spans agree."""

from collections.abc import Iterable, Sequence

Spans = tuple[tuple[int, int], ...]

# Letters looked at on either side of a token: a text without blanks must not cost its square.
_LONGEST_WORD = 64


def join_tokens(offsets: Iterable[tuple[int, int]], text: str) -> Spans:
    """Return the spans of marked tokens, as whole words; those parted by blanks alone are one.

    Parameters
    ----------
    offsets : iterable of (start, end)
        Characters of each marked token, in any order.
    text : str

    Examples
    --------
    >>> join_tokens([(0, 2), (5, 6), (8, 9)], "abcd e, f")
    ((0, 6), (8, 9))
    """
    spans: list[tuple[int, int]] = []
    for first, last in sorted(set(offsets)):
        if last <= first:
            continue
        start, end = _whole_word(first, last, text)
        if spans and not text[spans[-1][1] : start].strip():
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return tuple(spans)


def _whole_word(start: int, end: int, text: str) -> tuple[int, int]:
    """Return the span, longer by the rest of a word that it is cut out of."""
    stop = max(0, start - _LONGEST_WORD), min(len(text), end + _LONGEST_WORD)
    while start > stop[0] and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while end < stop[1] and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def character_f1(gold: Sequence[tuple[int, int]], found: Sequence[tuple[int, int]]) -> float:
    """Return the F1 of the characters in two sets of spans; 1 where both are empty.

    References
    ----------
    SemEval-2021 Task 5, https://aclanthology.org/2021.semeval-1.6, section 4.

    Examples
    --------
    >>> character_f1([(0, 4)], [(2, 4)])
    0.6666666666666666
    """
    one = {place for start, end in gold for place in range(start, end)}
    other = {place for start, end in found for place in range(start, end)}
    if not one or not other:
        return float(one == other)
    return 2 * len(one & other) / (len(one) + len(other))

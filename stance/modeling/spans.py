"""Toxic spans: from token decisions to character spans, and how well spans agree."""

from collections.abc import Iterable, Sequence

Spans = tuple[tuple[int, int], ...]


def join_tokens(offsets: Iterable[tuple[int, int]], text: str) -> Spans:
    """Return the spans of marked tokens, those that touch or are parted by blanks alone made one.

    Parameters
    ----------
    offsets : iterable of (start, end)
        Characters of each marked token, in any order.
    text : str

    Examples
    --------
    >>> join_tokens([(0, 2), (2, 4), (5, 6), (8, 9)], "abcd e, f")
    ((0, 6), (8, 9))
    """
    spans: list[tuple[int, int]] = []
    for start, end in sorted(set(offsets)):
        if end <= start:
            continue
        if spans and not text[spans[-1][1] : start].strip():
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return tuple(spans)


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

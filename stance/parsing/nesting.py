"""Who answers whom, from the shape of the tree: nesting, levels, margins."""

import re
from collections import Counter
from collections.abc import Sequence

from lxml.html import HtmlElement

from stance.parsing.markup import Family
from stance.parsing.roles import words_of
from stance.parsing.selectors import first_value

_DIGITS = re.compile(r"\d+")
_LEVEL = re.compile(
    r"(?:^|[\s_-])(?:depth|level|lvl|indent|indentation|nesting|nested|ebene|niveau|nivel)"
    r"[-_]?(\d{1,2})(?![\w-])"
)
_MARGIN = re.compile(r"(?:margin|padding)-left:\s{0,3}(\d{1,4})(?:\.\d{1,4})?\s{0,2}(px|em|rem|%)")


def read_nesting(elements: Sequence[HtmlElement]) -> list[int | None]:
    """Return for each record the index of the record that it answers, by nesting alone.

    A record inside another answers it. So does one in a list that stands beside a single record
    (`<li><article/><ul>answers</ul></li>`, `<div comment/><div answers/>`).
    """
    index = {element: number for number, element in enumerate(elements)}
    bearing: dict[HtmlElement, list[HtmlElement]] = {}
    held: Counter[HtmlElement] = Counter()
    first: dict[HtmlElement, HtmlElement] = {}
    for element in elements:
        branch = element
        first.setdefault(branch, element)
        while (above := branch.getparent()) is not None:
            known = above in bearing
            bearing.setdefault(above, []).append(branch)
            first.setdefault(above, element)
            if known:
                break
            branch = above
    for element in reversed(elements):
        held[element] += 1
    for above in sorted(bearing, key=_DepthOf(), reverse=True):
        held[above] += sum(held[branch] for branch in bearing[above])
    heads: dict[HtmlElement, HtmlElement] = {}
    for branches in bearing.values():
        head = last = None
        for branch in branches:
            if head is None:
                head = last = branch
            elif _alike(branch, head, index):
                last = branch
            elif last is not None and (last in index or held[last] == 1):
                heads[branch] = first[last]
    parents: list[int | None] = []
    settled: dict[HtmlElement, int | None] = {}
    for element in elements:
        branch, path, parent = element, [], None
        while branch is not None:
            if branch in settled:
                parent = settled[branch]
                break
            path.append(branch)
            if branch in heads:
                parent = index[heads[branch]]
                break
            branch = branch.getparent()
            if branch in index:
                parent = index[branch]
                break
        for passed in path:
            settled[passed] = parent
        parents.append(parent)
    return parents


class _DepthOf:
    """Depth of elements in the tree, each ancestor counted once."""

    def __init__(self) -> None:
        self._known: dict[HtmlElement, int] = {}

    def __call__(self, element: HtmlElement) -> int:
        path, above = [], element
        while above is not None and above not in self._known:
            path.append(above)
            above = above.getparent()
        depth = self._known[above] if above is not None else 0
        for passed in reversed(path):
            depth += 1
            self._known[passed] = depth
        return depth


def _alike(one: HtmlElement, other: HtmlElement, records: dict[HtmlElement, int]) -> bool:
    """Tell whether two branches of one parent play the same part in it."""
    if one.tag != other.tag or (one in records) != (other in records):
        return False
    if one in records or one.tag in ("li", "tr", "dt", "dd"):
        return True
    mine = words_of(_DIGITS.sub("", one.get("class") or ""))
    theirs = words_of(_DIGITS.sub("", other.get("class") or ""))
    return len(mine & theirs) >= 0.34 * len(mine | theirs)


def read_level(element: HtmlElement, family: Family) -> int | None:
    """Return the depth that a record states as a number: in family fields, classes or margins."""
    for selector, unit in family.level:
        value = first_value(element, (selector,))
        if value and value.isdecimal():
            return int(value) // unit
    match = _LEVEL.search((element.get("class") or "").lower())
    return int(match[1]) if match else None


def read_margin(element: HtmlElement) -> int:
    """Return the left margin that an element's style sets, in no unit, 0 where it sets none."""
    match = _MARGIN.search(element.get("style") or "")
    return int(match[1]) if match else 0

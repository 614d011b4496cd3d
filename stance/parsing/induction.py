"""Record induction: comments in markup never seen before.

Times stand in every comment and are easy to tell in any language. Times that stand in the same
place of the same markup form a group; around each, the largest element that holds no other time of
its group is one record. A group is believed when its records name people, hold running text and
stand where a page says that its comments are.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, cast

from lxml import etree
from lxml.html import HtmlElement

from stance.parsing import markup
from stance.parsing.blocks import SILENT_TAGS, inline_text
from stance.parsing.dates import find_time, is_relative_time
from stance.parsing.fields import Record
from stance.parsing.people import LONGEST_NAME, leads_to_person
from stance.parsing.records import Group
from stance.parsing.roles import TIME, roles_of, words_of
from stance.parsing.selectors import strings

LONGEST_TIME_LINE = 120
LONGEST_ABOUT = 60  # characters beside the time in an element that only says who and when
MOST_ANCHORS = 60_000
MOST_GROUPS = 200
MOST_CANDIDATES = 4
LEAST_NESTS = 0.8  # share of the times around which stands an element of one kind

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_COMMENT_LINK = etree.XPath(".//a[contains(@href, '#')]/@href", smart_strings=False)
_PAGED = re.compile(r"(?:comment-page-\d{1,5}/?|\?.{0,400})$")
_VOLATILE = re.compile(r"\d+|\b(?:odd|even|alt|first|last|new|unread|active|bg1|bg2|row)\b")
_TEXT_NODES = etree.XPath(
    "//text()[string-length(.) < 400 and (translate(., '0123456789', '') != . or parent::time or "
    "contains(parent::*/@class, 'ime') or contains(parent::*/@class, 'ate') or "
    "contains(parent::*/@class, 'ago'))]"
)
_YEAR_OR_CLOCK = re.compile(r"(?:19|20)\d\d|\d[:.hH]\d\d")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Elements that may each hold one comment.

    Parameters
    ----------
    records : tuple of tuple of HtmlElement
        The elements of each record: one, or several in a row where nothing holds them together.
    named : int
        2 where class names around them say "comment", 1 where they say "post" or "reply", else 0.
    """

    records: tuple[tuple[HtmlElement, ...], ...]
    named: int


def find_candidates(tree: HtmlElement) -> list[Candidate]:
    """Return the groups of elements that look like records, likeliest first."""
    groups: defaultdict[tuple[str, ...], list[HtmlElement]] = defaultdict(list)
    for anchor in _find_anchors(tree):
        groups[_signature(anchor)].append(anchor)
    candidates = []
    for anchors in sorted(groups.values(), key=len, reverse=True)[:MOST_GROUPS]:
        units = _units(anchors)
        if not units or is_elsewhere(units[0]):
            continue
        candidates.append(Candidate(_rows(units, anchors), _naming(units)))
    candidates = [c for c in candidates if c.named or len(c.records) > 2]
    candidates.sort(key=lambda c: (c.named, len(c.records)), reverse=True)
    return candidates[:MOST_CANDIDATES]


def _find_anchors(tree: HtmlElement) -> list[HtmlElement]:
    """Return the elements that show a time, in document order."""
    anchors: dict[HtmlElement, None] = {}
    for text in _text_nodes(tree):
        stripped = text.strip()
        if not 2 <= len(stripped) <= LONGEST_TIME_LINE:
            continue
        element = text.getparent()
        if text.is_tail:
            element = element.getparent()
        if element is None or element.tag in SILENT_TAGS or element in anchors:
            continue
        timely = bool(roles_of(element)[0] & TIME)
        if not timely and len(stripped) > 40 and not _YEAR_OR_CLOCK.search(stripped):
            continue
        shown = find_time(stripped) is not None or (
            timely and (element.get("datetime") is not None or is_relative_time(stripped))
        )
        if not shown:
            continue
        anchors[element] = None
        if len(anchors) >= MOST_ANCHORS:
            break
    return list(anchors)


def _text_nodes(tree: HtmlElement) -> list[Any]:
    """Return short texts that may hold a time; each knows its parent element."""
    return cast("list[Any]", _TEXT_NODES(tree))


def _kind(element: HtmlElement) -> str:
    names = _VOLATILE.sub("", (element.get("class") or "").lower()[:200]).split()
    return f"{element.tag}.{names[0] if names else ''}"


def _signature(anchor: HtmlElement) -> tuple[str, ...]:
    """Return what tags and classes lead to an element."""
    kinds = [_kind(anchor)]
    above = anchor.getparent()
    while above is not None and len(kinds) < 3:
        kinds.append(_kind(above))
        above = above.getparent()
    return tuple(kinds)


def _units(anchors: Sequence[HtmlElement]) -> list[HtmlElement]:
    """Return around each anchor the largest element without another one."""
    if len(anchors) == 1:
        unit = _named_around(anchors[0])
        return [] if unit is None else [unit]
    held: Counter[HtmlElement] = Counter()
    first: dict[HtmlElement, HtmlElement] = {}
    for anchor in anchors:
        above: HtmlElement | None = anchor
        while above is not None:
            held[above] += 1
            first.setdefault(above, anchor)
            above = above.getparent()
    units = []
    for anchor in anchors:
        unit = anchor
        while (above := unit.getparent()) is not None and held[above] == 1:
            unit = above
        units.append(unit)
    if len({_kind(unit) for unit in units}) == 1:
        return units
    nests = _nests(anchors, first)
    if not any(held[nest] > 1 for nest in nests if nest is not None):
        return units
    return [unit if nest is None else nest for unit, nest in zip(units, nests, strict=True)]


def _nests(
    anchors: Sequence[HtmlElement], first: dict[HtmlElement, HtmlElement]
) -> list[HtmlElement | None]:
    """Return around each anchor the element of one kind that begins with it, answers included.

    The kind is the outermost that nearly all anchors have: of a record that holds its answers, the
    largest element with one time is no more than its header.
    """
    around = [_begun_by(anchor, first) for anchor in anchors]
    counts = Counter(kind for kinds in around for kind in kinds)
    common = {kind for kind, count in counts.items() if count >= LEAST_NESTS * len(anchors)}
    whole = next((kinds for kinds in reversed(around) if common <= kinds.keys()), around[0])
    outermost = next((kind for kind in reversed(whole) if kind in common), "")
    return [kinds.get(outermost) for kinds in around]


def _begun_by(anchor: HtmlElement, first: dict[HtmlElement, HtmlElement]) -> dict[str, HtmlElement]:
    """Return, from the inside out, the nearest element of each kind whose first anchor this is."""
    found: dict[str, HtmlElement] = {}
    above: HtmlElement | None = anchor
    while above is not None and first[above] is anchor:
        found.setdefault(_kind(above), above)
        above = above.getparent()
    return found


def _rows(
    units: Sequence[HtmlElement], anchors: Sequence[HtmlElement]
) -> tuple[tuple[HtmlElement, ...], ...]:
    """Return the elements of each record.

    Where the units say when and little else, the text stands in the elements between them: after
    each ("header") or, where nothing follows the last one, before each ("footer").
    """
    alone = tuple((unit,) for unit in units)
    parent = units[0].getparent()
    if len(units) < 2 or parent is None or any(u.getparent() is not parent for u in units):
        return alone
    spare = [len(inline_text(u)) - len(inline_text(a)) for u, a in zip(units, anchors, strict=True)]
    if sorted(spare)[len(spare) // 2] > LONGEST_ABOUT:
        return alone
    children = [child for child in parent if isinstance(child.tag, str)]
    places = {child: number for number, child in enumerate(children)}
    starts = [places[unit] for unit in units]
    if min(b - a for a, b in pairwise(starts)) < 2:
        return alone
    lead = _shared_lead(children, starts)
    after = sum(len(inline_text(child)) for child in children[starts[-1] + 1 :][:3])
    if after > 0:
        starts = [start - lead for start in starts]
        ends = [*starts[1:], min(len(children), 2 * starts[-1] - starts[-2])]
        return tuple(tuple(children[a:b]) for a, b in zip(starts, ends, strict=True))
    first = next((n for n, child in enumerate(children) if child.tag not in _HEADINGS), 0)
    begins = [first, *(start + 1 for start in starts[:-1])]
    return tuple(tuple(children[a : b + 1]) for a, b in zip(begins, starts, strict=True))


def _shared_lead(children: Sequence[HtmlElement], starts: Sequence[int]) -> int:
    """Return how many short elements of one kind stand before every unit: names over times."""
    lead = 0
    while lead < 2:
        before = [children[start - lead - 1] for start in starts if start > lead]
        kinds = {_kind(element) for element in before}
        short = all(0 < len(inline_text(element)) <= LONGEST_ABOUT for element in before)
        if len(before) < len(starts) or len(kinds) > 1 or not short:
            break
        lead += 1
    return lead


def _names(element: HtmlElement) -> frozenset[str]:
    return words_of(f"{element.get('class') or ''} {element.get('id') or ''}")


def _named_around(anchor: HtmlElement) -> HtmlElement | None:
    """Return the element around a lone time whose name says that it is a comment by someone."""
    size = len(inline_text(anchor))
    above = anchor.getparent()
    while above is not None and above.tag not in ("body", "html"):
        if _names(above) & markup.COMMENT_CORE:
            people = filter(_names_person, above.iterdescendants())
            names = [len(inline_text(person)) for person in people]
            if names and len(inline_text(above)) > size + min(max(names), LONGEST_NAME) + 5:
                return above
        above = above.getparent()
    return None


def _names_person(element: HtmlElement) -> bool:
    if element.tag == "a" and leads_to_person(element.get("href") or ""):
        return True
    return isinstance(element.tag, str) and roles_of(element)[1] >= 2


def _naming(units: Sequence[HtmlElement]) -> int:
    """Return how clearly the names of the units and of what holds them speak of comments."""
    best = 0
    for unit in (units[0], units[len(units) // 2]):
        above: HtmlElement | None = unit
        for _ in range(6):
            if above is None or above.tag in ("body", "html"):
                break
            names = _names(above)
            if names & markup.COMMENT_CORE:
                return 2
            if names & markup.COMMENT_WORDS:
                best = 1
            above = above.getparent()
        for inner in list(unit.iterdescendants())[:60]:
            if isinstance(inner.tag, str) and _names(inner) & markup.COMMENT_CORE:
                best = max(best, 1)
    return best


def is_elsewhere(unit: HtmlElement) -> bool:
    """Tell whether an element stands in a sidebar, a ticker or a list of teasers."""
    above: HtmlElement | None = unit
    while above is not None and above.tag not in ("body", "html"):
        if above.tag in ("aside", "nav"):
            return True
        names = f"{above.get('class') or ''} {above.get('id') or ''}"
        if any(map(_names_elsewhere, names.split())):
            return next(above.iter("h1"), None) is None
        above = above.getparent()
    return False


@lru_cache(maxsize=16384)
def _names_elsewhere(name: str) -> bool:
    words = words_of(name)
    if len(words) > 4:
        return False
    if words & markup.OFTEN_ELSEWHERE_WORDS and len(words) == 1:
        return True
    return bool(words & markup.ELSEWHERE_WORDS) and not words & {"content", "wrap", "with", "has"}


def is_believable(group: Group, candidate: Candidate) -> bool:
    """Tell whether induced records are readers' comments rather than teasers or tickers."""
    real = [r for r in group.records if r.lines and not r.deleted and not r.pingback]
    if not real:
        return False
    if are_from_elsewhere(real):
        return False
    authors = [r.author for r in real if r.author]
    if len(authors) < 0.5 * len(real) or _share(real, _is_teaser) >= 0.5:
        return False
    if _share(real, lambda r: _link_share(r) > 0.5) >= 0.5:
        return False
    if candidate.named == 2:
        return True
    headlines = sum(len(author.split()) > 5 for author in authors)
    if len(authors) < 0.75 * len(real) or headlines > 0.2 * len(real) or len(real) < 2:
        return False
    cut = _share(real, lambda r: r.text.endswith(("…", "...", "[…]", "[...]", "»")))
    if candidate.named == 1:
        return cut < 0.5
    return cut < 0.3 and len(real) > 2 and len(set(authors)) > 1


def are_from_elsewhere(records: Sequence[Record]) -> bool:
    """Tell whether records link to comments on several other pages, as "latest comments" do."""
    pages = []
    for record in records:
        for link in strings(_COMMENT_LINK, record.element):
            path, _, fragment = link.partition("#")
            if path and "comment" in fragment and "comment/" not in path:
                pages.append(_PAGED.sub("", path))
                break
    return len(set(pages)) > max(1, 0.5 * len(records))


def _share(records: Sequence[Record], test: Callable[[Record], bool]) -> float:
    return sum(map(test, records)) / len(records)


def _is_teaser(record: Record) -> bool:
    """Tell whether a record has a headline that leads to another page."""
    for heading in record.element.iter(*_HEADINGS):
        link = next(heading.iter("a"), None)
        if link is None and (above := heading.getparent()) is not None and above.tag == "a":
            link = above
        if link is None:
            continue
        text, address = inline_text(heading), link.get("href") or "#"
        if len(text) > 20 and "#" not in address and (record.author or "?") not in text:
            return True
        if record.author == text and len(text.split()) > 4 and "#" not in address:
            return True
    return False


def _link_share(record: Record) -> float:
    """Return the share of a record's text that is links."""
    text = record.text
    links = (inline_text(link) for link in record.element.iter("a"))
    return sum(len(link) for link in links if len(link) > 25 and link in text) / max(len(text), 1)

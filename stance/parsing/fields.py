"""The fields of one comment: who, when, what, how liked, in answer to whom."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from lxml.html import HtmlElement

from stance.parsing.blocks import (
    SILENT_TAGS,
    Line,
    Texts,
    inline_text,
    join_lines,
    read_lines,
)
from stance.parsing.dates import find_time, is_relative_time, parse_time
from stance.parsing.markup import Family
from stance.parsing.people import (
    LONGEST_NAME,
    NAME_EDGES,
    PREFIX,
    SAYS,
    UNLETTERED,
    clean_name,
    is_button,
    leads_to_person,
)
from stance.parsing.roles import ACTION, AUTHOR, BODY, HIDDEN, LIKE, TIME, own_number, roles_of
from stance.parsing.selectors import compile_selector, first_value, select

LONGEST_HEADER = 160  # characters of a line that still counts as "who and when"
MOST_BODIES = 200  # elements of one record that are looked at for its text
MOST_PEOPLE = 200  # for a name; as many of each tag that often holds one
MOST_TIMES = 200
MOST_IN_NAME = 20  # links and emphasis in an element that may name someone
_DIGITS = re.compile(r"\d+")
_COUNT = re.compile(r"[+\-−]?\d{1,3}(?:[.,]\d{3}){1,3}|[+\-−]?\d{1,9}")
_ORDINAL = re.compile(r"(?:#|no?\.|nr\.)?\s?\d{1,5}[.)]?", re.IGNORECASE)


@dataclass(slots=True)
class Record:
    """One comment as found in the tree, and then as read."""

    element: HtmlElement
    parent: int | None = None
    level: int | None = None
    key: str | None = None
    reply_to: str | None = None
    author: str | None = None
    published: str | None = None
    time_text: str | None = None
    likes: int | None = None
    lines: list[Line] = field(default_factory=list)
    pingback: bool = False
    deleted: bool = False

    @property
    def text(self) -> str:
        """The comment's paragraphs, parted by a blank line."""
        return join_lines(self.lines)


@dataclass(slots=True)
class _Parts:
    """What the classes of a record's elements say, in document order."""

    inline: Texts
    spaced: Texts
    people: list[tuple[int, HtmlElement]] = field(default_factory=list)
    times: list[HtmlElement] = field(default_factory=list)
    bodies: list[HtmlElement] = field(default_factory=list)
    actions: list[HtmlElement] = field(default_factory=list)
    hidden: list[HtmlElement] = field(default_factory=list)
    likes: list[HtmlElement] = field(default_factory=list)


def _sort_parts(holder: HtmlElement) -> _Parts:
    parts = _Parts(Texts(holder), Texts(holder, spaced=True))
    roots = set(holder)
    for element in holder.iterdescendants():
        if not isinstance(element.tag, str) or element.tag in SILENT_TAGS:
            continue
        roles, rank = roles_of(element)
        if not roles:
            continue
        if roles & TIME and len(parts.times) < MOST_TIMES:
            parts.times.append(element)
        if element in roots and element.tag != "dd":
            continue
        if roles & HIDDEN:
            parts.hidden.append(element)
        if roles & AUTHOR and len(parts.people) < MOST_PEOPLE:
            parts.people.append((rank, element))
        if roles & BODY:
            parts.bodies.append(element)
        elif roles & ACTION:
            parts.actions.append(element)
        if roles & LIKE:
            parts.likes.append(element)
    return parts


def read_fields(record: Record, family: Family, now: datetime | None) -> None:
    """Fill in author, time, likes and lines of a record from its detached element."""
    holder = record.element
    parts = _sort_parts(holder)
    record.pingback = any(select(holder, selector) for selector in family.pingback)
    record.deleted = any(select(holder, selector) for selector in family.deleted)
    record.key = first_value(holder[0], family.identity) or own_number(holder[0])
    body = _find_body(holder, family, parts)
    time_element = _read_time(record, family, parts, body, now)
    author_element = _read_author(record, family, parts, body)
    if body is not None and (record.author is None or record.time_text is None):
        _read_header_lines(record, read_lines(holder, {body, *parts.actions}), now)
    if record.time_text is None and record.published is None:
        _keep_odd_time(record, parts)
    record.likes = _read_likes(holder, family, parts)
    record.reply_to = _read_reply_to(holder, family)
    _read_body(record, family, parts, body, time_element, author_element, now)


def _keep_odd_time(record: Record, parts: _Parts) -> None:
    """Keep what stands where the time should, even where it cannot be read ("21:00")."""
    for element in parts.times:
        text = parts.inline.start(element)
        if len(text) <= 40 and any(c.isdigit() for c in text):
            record.time_text = text
            return


def _within(element: HtmlElement | None, outer: HtmlElement | None) -> bool:
    while outer is not None and element is not None:
        if element is outer:
            return True
        element = element.getparent()
    return False


def _lineage(element: HtmlElement | None) -> Iterator[HtmlElement]:
    """Yield an element and all that hold it, from the inside out."""
    while element is not None:
        yield element
        element = element.getparent()


def _find_body(holder: HtmlElement, family: Family, parts: _Parts) -> HtmlElement | None:
    """Return the element that holds the comment's text and nothing about it."""
    for selector in family.body:
        for found in select(holder, selector):
            if found is not holder and (len(found) or (found.text or "").strip()):
                return found
    names = [
        (rank, e) for rank, e in parts.people if rank >= 2 and parts.inline.size(e) <= LONGEST_NAME
    ]
    times = [e for e in parts.times if _shows_time(e, parts)]
    name = max(names, key=lambda pair: pair[0], default=(0, None))[1]
    strict = _longest_body(holder, parts, {*times, *(element for _, element in names)})
    loose = _longest_body(holder, parts, {name, *times[:1]})
    if loose is not None and (strict is None or _within(strict, loose)):
        return loose
    return strict if strict is not None else _longest_body(holder, parts, {name})


def _longest_body(
    holder: HtmlElement, parts: _Parts, about: Collection[HtmlElement | None]
) -> HtmlElement | None:
    """Return the longest element called a body that holds none of those about the comment."""
    best, longest = None, 0
    around = {above for inner in about for above in _lineage(inner)}
    actions = set(parts.actions[:50])
    for element in parts.bodies[:MOST_BODIES]:
        length = parts.inline.size(element)
        if length > longest and element not in around and actions.isdisjoint(_lineage(element)):
            best, longest = element, length
    if best is not None and longest < 40 and longest < 0.2 * parts.inline.size(holder):
        return None
    return best


def _shows_time(element: HtmlElement, parts: _Parts) -> bool:
    text = parts.spaced.start(element)
    return len(text) <= LONGEST_NAME and (
        element.tag == "time" or find_time(text) is not None or is_relative_time(text)
    )


def _read_author(
    record: Record, family: Family, parts: _Parts, body: HtmlElement | None
) -> HtmlElement | None:
    """Set who wrote a record; return the element that says so."""
    holder = record.element
    for selector in family.author:
        _, attribute = compile_selector(selector)
        for found in _select_in(holder, selector):
            value = found.get(attribute) if attribute else parts.inline.start(found)
            name = clean_name(value, exact=True) if value else None
            if name and not _is_time(name):
                record.author = name
                return None if attribute else found
    for element, exact in _ranked_people(holder, parts, body):
        name = clean_name(parts.inline.start(element), exact)
        if name and not is_button(name) and not _is_time(name):
            record.author = name
            return element
    return None


def _is_time(name: str) -> bool:
    return find_time(name) == (0, len(name))


def _select_in(holder: HtmlElement, selector: str) -> list[HtmlElement]:
    """Select in a record; an attribute alone is the record's own."""
    return [holder[0]] if selector.startswith("@") else select(holder, selector)


def _ranked_people(
    holder: HtmlElement, parts: _Parts, body: HtmlElement | None
) -> list[tuple[HtmlElement, bool]]:
    """Return the elements that may name the commenter, likeliest first.

    The second of each pair tells whether the element holds a name and nothing else.
    """
    people = [(rank, element) for rank, element in parts.people if not _within(element, body)]
    inner: dict[HtmlElement, int] = {}  # the best rank that each element holds
    for rank, element in people:
        for above in _lineage(element.getparent()):
            inner[above] = max(rank, inner.get(above, 0))
    outer = [(rank, element) for rank, element in people if inner.get(element, 0) < rank]
    candidates: list[tuple[HtmlElement, bool]] = []
    for rank, element in sorted(outer, key=lambda pair: -pair[0]):
        candidates.extend((name, True) for name in _leading_name(element, parts.inline))
        candidates.append((element, rank >= 3 and len(element) == 0))
    for tag in ("cite", "a", "b", "strong", "h3", "h4", "h5", "h6"):
        outside = (element for element in holder.iter(tag) if not _within(element, body))
        for element in islice(outside, MOST_PEOPLE):
            if tag == "a" and not leads_to_person(element.get("href") or ""):
                continue
            candidates.extend((name, False) for name in _leading_name(element, parts.inline))
            candidates.append((element, False))
    return candidates


def _leading_name(element: HtmlElement, texts: Texts) -> list[HtmlElement]:
    """Return a link or emphasis that an element's text begins with, "by" aside."""
    text = texts.start(element)
    for inner in islice(element.iter("a", "cite", "b", "strong"), MOST_IN_NAME):
        name = texts.start(inner)
        if not name or is_button(name) or inner is element:
            continue
        before = text.partition(name)[0]
        if not before or PREFIX.fullmatch(before + " "):
            return [inner]
        if inner.tag == "a" and leads_to_person(inner.get("href") or ""):
            return [inner]
    return []


def from_timestamp(text: str) -> str | None:
    """Read seconds or milliseconds since 1970, as times stand in data attributes.

    Examples
    --------
    >>> from_timestamp("1634319300")
    '2021-10-15T17:35:00+00:00'
    """
    if not (text.isdecimal() and len(text) in (9, 10, 13)):
        return None
    seconds = int(text) / (1000 if len(text) == 13 else 1)
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def _moment(text: str | None, now: datetime | None, day_first: bool | None = None) -> str | None:
    if not text or len(text) > LONGEST_HEADER or not any(c.isalnum() for c in text):
        return None
    text = text.strip()
    return from_timestamp(text) or parse_time(text, now=now, day_first=day_first)


_TIME_ATTRIBUTES = (
    "datetime",
    "data-datetime",
    "data-timestamp",
    "data-time",
    "data-utime",
    "data-date",
    "data-created",
    "content",
    "title",
)


def _read_time(
    record: Record, family: Family, parts: _Parts, body: HtmlElement | None, now: datetime | None
) -> HtmlElement | None:
    """Set when a record was written; return the element that says so."""
    holder = record.element
    shown: HtmlElement | None = None
    for selector in family.time:
        _, attribute = compile_selector(selector)
        for found in _select_in(holder, selector):
            if _within(found, body):
                continue
            value = found.get(attribute) if attribute else parts.spaced.start(found)
            moment = _moment(value, now)
            if moment is None and not attribute and value and find_time(value[:LONGEST_HEADER]):
                shown = found if shown is None else shown
            if moment:
                record.published = moment
                record.time_text = parts.spaced.start(found) or None
                return found
    times = sorted(parts.times, key=lambda element: _within(element, body))
    for element in times:
        for attribute in _TIME_ATTRIBUTES:
            moment = _moment(element.get(attribute), now)
            if moment and (attribute != "title" or "T" in moment or element.tag == "abbr"):
                record.published = moment
                record.time_text = parts.spaced.start(element) or None
                return element
    best: tuple[HtmlElement, str] | None = None
    for element in times:
        if element is body:
            continue
        text = parts.spaced.start(element)
        if not text or len(text) > LONGEST_HEADER:
            continue
        moment = _moment(text, now)
        if moment and (best is None or ("T" in moment and "T" not in best[1])):
            best = element, moment
        elif moment is None and shown is None and is_relative_time(text):
            shown = element
    if best is not None:
        element, moment = best
        if "T" not in moment:
            moment = _with_clock_beside(element, moment, parts.spaced, now)
        record.published, record.time_text = moment, parts.spaced.start(element)
        return element
    if shown is not None:
        record.time_text = parts.spaced.start(shown)
    return shown


def _with_clock_beside(
    element: HtmlElement, moment: str, texts: Texts, now: datetime | None
) -> str:
    """Return the time with the clock that stands in the next element or around this one."""
    above, beside = element.getparent(), element.getnext()
    around = [] if above is None else [texts.start(above)]
    if beside is not None:
        around.append(f"{texts.start(element)} {texts.start(beside)}")
    for text in around:
        if len(text) <= LONGEST_HEADER:
            fuller = _moment(text, now)
            if fuller and fuller.startswith(moment) and "T" in fuller:
                return fuller
    return moment


def _read_likes(holder: HtmlElement, family: Family, parts: _Parts) -> int | None:
    value = first_value(holder[0], family.likes) if family.likes else None
    texts = [value] if value else [parts.inline.start(element) for element in parts.likes[:8]]
    for text in texts:
        if text and len(text) <= 24 and (match := _COUNT.search(text)):
            return int(re.sub(r"[.,+]", "", match[0]).replace("−", "-"))
    return None


def _read_reply_to(holder: HtmlElement, family: Family) -> str | None:
    for selector in family.reply_to:
        for link in select(holder, selector):
            numbers: list[str] = _DIGITS.findall((link.get("href") or "").rpartition("#")[2])
            if numbers:
                return numbers[-1]
    return None


def _read_body(
    record: Record,
    family: Family,
    parts: _Parts,
    body: HtmlElement | None,
    time_element: HtmlElement | None,
    author_element: HtmlElement | None,
    now: datetime | None,
) -> None:
    """Set the lines of the comment itself; without a body element, what nothing else claims."""
    holder = record.element
    skipped = {found for selector in family.drop for found in select(holder, selector)}
    skipped.discard(body)
    skipped.update(parts.hidden)
    root = holder if body is None else body
    whole = max(1, parts.inline.size(root))
    timeless = record.time_text is None and record.published is None
    for element in parts.actions:
        size = parts.inline.size(element)
        if element is root or size > 0.5 * whole:
            continue
        if timeless and size <= LONGEST_HEADER and find_time(parts.inline.start(element)):
            continue
        skipped.add(element)
    marked: dict[HtmlElement, int] = {}
    for element, mark in ((author_element, AUTHOR), (time_element, TIME)):
        if element is not None and element is not root:
            above = element.getparent()
            about = above if _only_about(above, element, root) else element
            marked[about] = mark
            skipped.discard(element)
    for element in list(skipped):
        if any(_within(inner, element) for inner in marked):
            skipped.discard(element)
    lines = read_lines(root, skipped, marked)
    lines = [line for line in lines if not (line.marks and line.unmarked <= 60)]
    if body is None:
        marked_lines = read_lines(holder, skipped, marked)
        _read_header_lines(record, [line for line in marked_lines if line.marks], now)
        lines = _without_header(record, lines, now)
    record.lines = _without_buttons(lines)


def _only_about(outer: HtmlElement | None, element: HtmlElement, root: HtmlElement) -> bool:
    """Tell whether an element around a name or time says nothing more than a few words."""
    if outer is None or outer is root or outer.getparent() is root:
        return False
    return len(inline_text(outer)) <= len(inline_text(element)) + 40


def _without_buttons(lines: list[Line]) -> list[Line]:
    """Drop button lines at either end."""
    first, last = 0, len(lines)
    while last > first and is_button(lines[last - 1].text):
        last -= 1
    while first < last and is_button(lines[first].text):
        first += 1
    return lines[first:last]


def _without_header(record: Record, lines: list[Line], now: datetime | None) -> list[Line]:
    """Drop the lines at either end that say who and when, reading them where need be."""
    lines = _without_buttons(lines)
    if lines and PREFIX.match(lines[-1].text) and _is_header(record, lines[-1].text, now):
        _read_header_lines(record, lines[-1:], now)
    _read_header_lines(record, lines[:3], now)
    for _ in range(4):
        if len(lines) > 1 and (
            _is_header(record, lines[0].text, now) or _ORDINAL.fullmatch(lines[0].text)
        ):
            lines = _without_buttons(lines[1:])
        elif len(lines) > 1 and _is_header(record, lines[-1].text, now):
            _read_header_lines(record, lines[-1:], now)
            lines = _without_buttons(lines[:-1])
        else:
            break
    return lines


def _is_header(record: Record, text: str, now: datetime | None) -> bool:
    """Tell whether a line says who and when and nothing more."""
    if len(text) > LONGEST_HEADER:
        return False
    if record.author and len(text) < len(record.author) + 12 and record.author in text:
        return True
    span = find_time(text)
    if span is None:
        return False
    moment = _moment(text[span[0] : span[1]], now)
    if record.published and moment and not _may_be_same(moment, record.published):
        return False
    rest = text[: span[0]] + text[span[1] :]
    if record.author:
        rest = rest.replace(record.author, "")
    named = PREFIX.match(text) or SAYS.match(text)
    return len(UNLETTERED.sub("", rest)) <= (60 if named and record.author is None else 20)


def _may_be_same(one: str, other: str) -> bool:
    """Tell whether two times agree as far as both go."""
    shorter = min(len(one), len(other), 16)
    return one[:shorter] == other[:shorter]


def _read_header_lines(record: Record, lines: Sequence[Line], now: datetime | None) -> None:
    """Take name and time from lines that say who and when, where no element gave them."""
    before: str | None = None
    for line in lines:
        text = line.text
        if len(text) > LONGEST_HEADER:
            continue
        span = find_time(text)
        if span is None and is_button(text):
            continue
        said = SAYS.match(text)
        if record.author is None and said:
            record.author = clean_name(said[1])
        if span is None:
            before = text if before is None else before
            continue
        _read_header_time(record, text, span, now)
        if record.author is None:
            record.author = clean_name(text[: span[0]])
        if record.author is None and (by := PREFIX.match(text[span[1] :].strip(NAME_EDGES))):
            record.author = clean_name(text[span[1] :].strip(NAME_EDGES)[by.end() :])
        if record.author is None and before is not None and len(before) <= 40:
            record.author = clean_name(before)
        return


def _read_header_time(
    record: Record, text: str, span: tuple[int, int], now: datetime | None
) -> None:
    if record.published is not None and "T" in record.published:
        return
    moment = _moment(text[span[0] : span[1]], now)
    if moment and (record.published is None or moment.startswith(record.published)):
        record.published = moment
    if record.time_text is None:
        record.time_text = text[span[0] : span[1]]

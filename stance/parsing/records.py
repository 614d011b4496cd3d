"""Comments out of marked-up records: selection, who answers whom, and the fields of each."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache

from cssselect import GenericTranslator
from lxml import etree
from lxml.html import HtmlElement

from stance.parsing import markup
from stance.parsing.blocks import (
    SILENT_TAGS,
    Line,
    inline_text,
    join_lines,
    read_lines,
    spaced_text,
)
from stance.parsing.dates import find_time, guess_day_first, is_relative_time, parse_time
from stance.parsing.markup import Family

LONGEST_NAME = 80
LONGEST_HEADER = 160  # characters of a line that still counts as "who and when"

_NOT_BODY = markup.ACTION_WORDS - {"reply"}
AUTHOR, TIME, BODY, ACTION, HIDDEN, LIKE = 1, 2, 4, 8, 16, 32

_SELECTOR_NAMES = re.compile(r"[.#]([\w-]+)|(?:itemprop|itemtype|class|id)[*^$]?='([^']+)'")
_DIGITS = re.compile(r"\d+")
_WORD_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])|[^0-9A-Za-zÀ-ÿ]+|(?<=[a-z])(?=\d)")
_LEVEL = re.compile(
    r"(?:^|[\s_-])(?:depth|level|lvl|indent|indentation|nesting|nested|ebene|niveau|nivel)"
    r"[-_]?(\d{1,2})(?![\w-])"
)
_MARGIN = re.compile(r"(?:margin|padding)-left:\s{0,3}(\d{1,4})(?:\.\d{1,4})?\s{0,2}(px|em|rem|%)")
_COUNT = re.compile(r"[+\-−]?\d{1,3}(?:[.,]\d{3}){1,3}|[+\-−]?\d{1,9}")
_SUFFIX = re.compile(
    rf"(?<=.)(?:\s{{1,3}}{markup.AUTHOR_SUFFIX})?\s{{0,3}}[:,|–—·•»]{{0,3}}$", re.IGNORECASE
)
_PREFIX = re.compile(rf"^{markup.AUTHOR_PREFIX}\s{{0,2}}:?\s{{1,3}}", re.IGNORECASE)
_BY = re.compile(r"^(?:by|von|par|por)\s{1,3}:?\s{0,3}(?=\S)", re.IGNORECASE)
_BEFORE_TIME = re.compile(r"\s(?:on|at|am|um|le|el|il|em|den|op|on the)$", re.IGNORECASE)
_UNVERIFIED = re.compile(rf"\s{{0,3}}\((?:{markup.UNVERIFIED})\)", re.IGNORECASE)
_NUMBERED_REST = re.compile(r"\s[—–|·•@-]\s(?=\d)")
_NAME_EDGES = " \t|·•–—»«-,"
_SAYS = re.compile(
    rf"^(.{{1,60}}?)\s{{1,3}}{markup.AUTHOR_SUFFIX}\s{{0,2}}(?::|$|[,.]{{0,3}}$|on\b|at\b|am\b|le\b|el\b)",
    re.IGNORECASE,
)
_DELETED = re.compile(markup.DELETED_TEXT, re.IGNORECASE)
_ORDINAL = re.compile(r"(?:#|no?\.|nr\.)?\s?\d{1,5}[.)]?", re.IGNORECASE)
_UNLETTERED = re.compile(r"[\W\d_]+")


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
    nested_in: HtmlElement | None = None

    @property
    def text(self) -> str:
        return join_lines(self.lines)


# --- selectors -------------------------------------------------------------------------------


@lru_cache(maxsize=2048)
def compile_selector(selector: str) -> tuple[etree.XPath | None, str]:
    """Return a compiled CSS selector and the attribute asked for, "" for the element itself."""
    css, _, attribute = selector.partition("@")
    if not css:
        return None, attribute
    return etree.XPath(GenericTranslator().css_to_xpath(css)), attribute


def select(element: HtmlElement, selector: str) -> list[HtmlElement]:
    """Return all that a CSS selector finds in an element, itself included."""
    path, _ = compile_selector(selector)
    found: list[HtmlElement] = path(element) if path is not None else [element]
    return found


def first_value(element: HtmlElement, selectors: Iterable[str]) -> str | None:
    """Return the first non-empty text or attribute that the selectors find."""
    for selector in selectors:
        _, attribute = compile_selector(selector)
        for found in select(element, selector):
            value = found.get(attribute) if attribute else inline_text(found)
            if value and value.strip():
                return value.strip()
    return None


def without_idle(family: Family, names: str) -> Family:
    """Drop the selectors that cannot find anything among a page's class, id and item names."""

    def alive(selectors: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(s for s in selectors if all(name in names for name in _names_of(s)))

    return replace(
        family,
        record=", ".join(alive(tuple(family.record.split(", ")))),
        author=alive(family.author),
        time=alive(family.time),
        body=alive(family.body),
        likes=alive(family.likes),
        drop=alive(family.drop),
        deleted=alive(family.deleted),
        pingback=alive(family.pingback),
        reply_to=alive(family.reply_to),
    )


@lru_cache(maxsize=2048)
def _names_of(selector: str) -> tuple[str, ...]:
    """Return the class, id and item names that whatever a selector finds must have."""
    positive = selector.partition("@")[0].partition(":not")[0]
    return tuple(a or b for a, b in _SELECTOR_NAMES.findall(positive))


# --- what a class name says ------------------------------------------------------------------


@lru_cache(maxsize=65536)
def words_of(name: str) -> frozenset[str]:
    """Return the words that a class name, id or item property is made of.

    Examples
    --------
    >>> sorted(words_of("comment-author commentTimeStamp"))
    ['author', 'comment', 'stamp', 'time']
    """
    return frozenset(word.lower() for word in _WORD_BOUNDARY.split(name[:400]) if word)


def _last_word(name: str) -> str:
    """Return what a class name says that its element is: "text" for comment-text, not text-small."""
    words = [word for word in _WORD_BOUNDARY.split(name[-40:]) if word]
    return words[-1].lower() if words else ""


@lru_cache(maxsize=65536)
def _roles_of(tag: str, kind: str, item: str) -> tuple[int, int]:
    """Return the roles that tag, class with id, and item property give, and the author's rank."""
    roles, rank = 0, 0
    if markup.HIDDEN_WORDS.intersection(kind.split()):
        roles |= HIDDEN
    for token in (*kind.split(), item):
        words = words_of(token)
        if _last_word(token) in markup.BODY_WORDS and not words & _NOT_BODY:
            roles |= BODY
        elif words & markup.ACTION_WORDS:
            roles |= ACTION
        if words & markup.LIKE_WORDS and not words & markup.DISLIKE_WORDS:
            roles |= LIKE
        if not words & markup.NOT_AUTHOR_WORDS:
            rank = max([rank, *(markup.AUTHOR_WORDS.get(word, 0) for word in words)])
        if words & markup.TIME_WORDS:
            roles |= TIME
    if rank < 4 and any(words_of(token) & markup.PICTURE_WORDS for token in kind.split()):
        rank = 0
    if tag in ("time", "abbr"):
        roles |= TIME
    if tag == "form":
        roles |= ACTION
    return roles | (AUTHOR if rank else 0), rank


def roles_of(element: HtmlElement) -> tuple[int, int]:
    """Return what an element's class, id and item property say that it holds."""
    kind = f"{element.get('class') or ''} {_DIGITS.sub('', element.get('id') or '')}"
    return _roles_of(element.tag, kind, element.get("itemprop") or "")


def own_number(element: HtmlElement) -> str | None:
    """Return the number in an element's id, which a comment keeps wherever it is shown."""
    return max(_DIGITS.findall(element.get("id") or ""), key=len, default=None)


# --- selection -------------------------------------------------------------------------------


def find_records(tree: HtmlElement, family: Family) -> list[HtmlElement]:
    """Return the elements of a tree that are comments of this family, in order."""
    found = select(tree, family.record) if family.record else []
    if family.id_pattern:
        pattern = re.compile(family.id_pattern)
        found = [element for element in found if pattern.match(element.get("id") or "")]
    return without_doubles(found)


def without_doubles(elements: Sequence[HtmlElement]) -> list[HtmlElement]:
    """Drop what stands inside an element of the same number: both are the same comment."""
    chosen = set(elements)
    kept = []
    for element in elements:
        if element.tag == "dd":
            continue
        number, outer = own_number(element), element.getparent()
        while outer is not None and outer not in chosen:
            outer = outer.getparent()
        if outer is not None and number and number == own_number(outer):
            chosen.discard(element)
        else:
            kept.append(element)
    return kept


# --- who answers whom, from the shape of the tree --------------------------------------------


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
    for above, branches in bearing.items():
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


# --- taking records out of the tree ----------------------------------------------------------


def detach(
    elements: Sequence[HtmlElement], leads: Collection[HtmlElement] = ()
) -> list[HtmlElement]:
    """Take records out of their tree, each alone in a new element, without those inside it.

    A `dt` takes the `dd`s that follow it along, and each record one of `leads` right before it.
    """
    root = etree.Element("body")
    holders = []
    for element in reversed(elements):
        parts = [element]
        if leads and (before := element.getprevious()) is not None and before in leads:
            parts.append(before)
        if element.tag == "dt":
            beside = element.getnext()
            while beside is not None and beside.tag not in ("dt", "dl"):
                parts.append(beside)
                beside = beside.getnext()
        parent = element.getparent()
        holder = etree.SubElement(root, "div")
        for part in parts:
            if part.tail and parent is not None:
                _keep_tail(part, parent)
            holder.append(part)
        holders.append(holder)
    return holders[::-1]


def _keep_tail(element: HtmlElement, parent: HtmlElement) -> None:
    """Leave the text that follows an element where it stands."""
    before = element.getprevious()
    if before is not None:
        before.tail = f"{before.tail or ''} {element.tail}"
    else:
        parent.text = f"{parent.text or ''} {element.tail}"
    element.tail = None


# --- the fields of one record ----------------------------------------------------------------


@dataclass(slots=True)
class _Parts:
    """What the classes of a record's elements say, in document order."""

    people: list[tuple[int, HtmlElement]] = field(default_factory=list)
    times: list[HtmlElement] = field(default_factory=list)
    bodies: list[HtmlElement] = field(default_factory=list)
    actions: list[HtmlElement] = field(default_factory=list)
    hidden: list[HtmlElement] = field(default_factory=list)
    likes: list[HtmlElement] = field(default_factory=list)


def _sort_parts(holder: HtmlElement) -> _Parts:
    parts = _Parts()
    roots = set(holder)
    for element in holder.iterdescendants():
        if not isinstance(element.tag, str) or element.tag in SILENT_TAGS:
            continue
        roles, rank = roles_of(element)
        if not roles:
            continue
        if roles & TIME:
            parts.times.append(element)
        if element in roots and element.tag != "dd":
            continue
        if roles & HIDDEN:
            parts.hidden.append(element)
        if roles & AUTHOR:
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
        _keep_odd_time(record, parts.times)
    record.likes = _read_likes(holder, family, parts)
    record.reply_to = _read_reply_to(holder, family)
    _read_body(record, family, parts, body, time_element, author_element, now)


def _keep_odd_time(record: Record, times: Sequence[HtmlElement]) -> None:
    """Keep what stands where the time should, even where it cannot be read ("21:00")."""
    for element in times:
        text = inline_text(element)
        if len(text) <= 40 and any(c.isdigit() for c in text):
            record.time_text = text
            return


def _within(element: HtmlElement | None, outer: HtmlElement | None) -> bool:
    while outer is not None and element is not None:
        if element is outer:
            return True
        element = element.getparent()
    return False


def _find_body(holder: HtmlElement, family: Family, parts: _Parts) -> HtmlElement | None:
    """Return the element that holds the comment's text and nothing about it."""
    for selector in family.body:
        for found in select(holder, selector):
            if found is not holder and (len(found) or (found.text or "").strip()):
                return found
    names = [
        (rank, e) for rank, e in parts.people if rank >= 2 and len(inline_text(e)) <= LONGEST_NAME
    ]
    times = [e for e in parts.times if _shows_time(e)]
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
    for element in parts.bodies:
        length = len(inline_text(element))
        if (
            length > longest
            and not any(_within(inner, element) for inner in about)
            and not any(_within(element, action) for action in parts.actions[:50])
        ):
            best, longest = element, length
    if best is not None and longest < 40 and longest < 0.2 * len(inline_text(holder)):
        return None
    return best


def _shows_time(element: HtmlElement) -> bool:
    text = spaced_text(element)
    return len(text) <= LONGEST_NAME and (
        element.tag == "time" or find_time(text) is not None or is_relative_time(text)
    )


def _clean_name(text: str, exact: bool = False) -> str | None:
    """Return a name without the words around it ("Ada says:", "Posted by Ada").

    With `exact` the page marks the name as such, so that only "by" and "says" are taken off.
    """
    if exact:
        text = _BY.sub("", text)
    else:
        text = _PREFIX.sub("", text.strip(_NAME_EDGES))
        span = find_time(text) if _DIGITS.search(text) else None
        if span is not None and span[0] > 0:
            text = text[: span[0]].rstrip(_NAME_EDGES + "(@")
        text = _BEFORE_TIME.sub("", text)
        text = _NUMBERED_REST.split(text)[0]
    text = _UNVERIFIED.sub("", text)
    text = _SUFFIX.sub("", text).strip() if exact else _SUFFIX.sub("", text).strip(_NAME_EDGES)
    return text if 0 < len(text) <= LONGEST_NAME and not text.isspace() else None


def _read_author(
    record: Record, family: Family, parts: _Parts, body: HtmlElement | None
) -> HtmlElement | None:
    """Set who wrote a record; return the element that says so."""
    holder = record.element
    for selector in family.author:
        _, attribute = compile_selector(selector)
        for found in _select_in(holder, selector):
            value = found.get(attribute) if attribute else inline_text(found)
            name = _clean_name(value, exact=True) if value else None
            if name:
                record.author = name
                return None if attribute else found
    for element, exact in _ranked_people(holder, parts, body):
        name = _clean_name(inline_text(element), exact)
        if name and not _is_button(name) and find_time(name) != (0, len(name)):
            record.author = name
            return element
    return None


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
    outer = [
        (rank, element)
        for rank, element in people
        if not any(
            better >= rank and below is not element and _within(below, element)
            for better, below in people
        )
    ]
    candidates = []
    for rank, element in sorted(outer, key=lambda pair: -pair[0]):
        candidates.extend((inner, True) for inner in _leading_name(element))
        candidates.append((element, rank >= 3 and len(element) == 0))
    for tag in ("cite", "a", "b", "strong", "h3", "h4", "h5", "h6"):
        for element in holder.iter(tag):
            if _within(element, body):
                continue
            if tag == "a" and not _leads_to_person(element.get("href") or ""):
                continue
            candidates.extend((inner, False) for inner in _leading_name(element))
            candidates.append((element, False))
    return candidates


def _leading_name(element: HtmlElement) -> list[HtmlElement]:
    """Return a link or emphasis that an element's text begins with, "by" aside."""
    text = inline_text(element)
    for inner in element.iter("a", "cite", "b", "strong"):
        name = inline_text(inner)
        if not name or _is_button(name) or inner is element:
            continue
        before = text.partition(name)[0]
        if not before or _PREFIX.fullmatch(before + " "):
            return [inner]
        if inner.tag == "a" and _leads_to_person(inner.get("href") or ""):
            return [inner]
    return []


def _leads_to_person(link: str) -> bool:
    return any(path in link for path in markup.PROFILE_PATHS)


def _is_button(text: str) -> bool:
    return _UNLETTERED.sub(" ", text.lower()).strip() in markup.BUTTON_LINES


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
            value = found.get(attribute) if attribute else spaced_text(found)
            moment = _moment(value, now)
            if moment is None and not attribute and value and find_time(value[:LONGEST_HEADER]):
                shown = found if shown is None else shown
            if moment:
                record.published = moment
                record.time_text = spaced_text(found) or None
                return found
    times = sorted(parts.times, key=lambda element: _within(element, body))
    for element in times:
        for attribute in _TIME_ATTRIBUTES:
            moment = _moment(element.get(attribute), now)
            if moment and (attribute != "title" or "T" in moment or element.tag == "abbr"):
                record.published = moment
                record.time_text = spaced_text(element) or None
                return element
    best: tuple[HtmlElement, str] | None = None
    for element in times:
        if element is body:
            continue
        text = spaced_text(element)
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
            moment = _with_clock_beside(element, moment, now)
        record.published, record.time_text = moment, spaced_text(element)
        return element
    if shown is not None:
        record.time_text = spaced_text(shown)
    return shown


def _with_clock_beside(element: HtmlElement, moment: str, now: datetime | None) -> str:
    """Return the time with the clock that stands in the next element or around this one."""
    around = [element.getparent(), element.getnext()]
    texts = []
    if around[0] is not None:
        texts.append(spaced_text(around[0]))
    if around[1] is not None:
        texts.append(f"{spaced_text(element)} {spaced_text(around[1])}")
    for text in texts:
        if len(text) <= LONGEST_HEADER:
            fuller = _moment(text, now)
            if fuller and fuller.startswith(moment) and "T" in fuller:
                return fuller
    return moment


def _read_likes(holder: HtmlElement, family: Family, parts: _Parts) -> int | None:
    value = first_value(holder[0], family.likes) if family.likes else None
    texts = [value] if value else [inline_text(element) for element in parts.likes[:8]]
    for text in texts:
        if text and len(text) <= 24 and (match := _COUNT.search(text)):
            return int(re.sub(r"[.,+]", "", match[0]).replace("−", "-"))
    return None


def _read_reply_to(holder: HtmlElement, family: Family) -> str | None:
    for selector in family.reply_to:
        for link in select(holder, selector):
            numbers = _DIGITS.findall((link.get("href") or "").rpartition("#")[2])
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
    whole = max(1, len(inline_text(root)))
    timeless = record.time_text is None and record.published is None
    for element in parts.actions:
        text = inline_text(element)
        if element is root or len(text) > 0.5 * whole:
            continue
        if timeless and len(text) <= LONGEST_HEADER and find_time(text):
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
    while last > first and _is_button(lines[last - 1].text):
        last -= 1
    while first < last and _is_button(lines[first].text):
        first += 1
    return lines[first:last]


def _without_header(record: Record, lines: list[Line], now: datetime | None) -> list[Line]:
    """Drop the lines at either end that say who and when, reading them where need be."""
    lines = _without_buttons(lines)
    if lines and _PREFIX.match(lines[-1].text) and _is_header(record, lines[-1].text, now):
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
    named = _PREFIX.match(text) or _SAYS.match(text)
    return len(_UNLETTERED.sub("", rest)) <= (60 if named and record.author is None else 20)


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
        if span is None and _is_button(text):
            continue
        said = _SAYS.match(text)
        if record.author is None and said:
            record.author = _clean_name(said[1])
        if span is None:
            before = text if before is None else before
            continue
        _read_header_time(record, text, span, now)
        if record.author is None:
            record.author = _clean_name(text[: span[0]])
        if record.author is None and (by := _PREFIX.match(text[span[1] :].strip(_NAME_EDGES))):
            record.author = _clean_name(text[span[1] :].strip(_NAME_EDGES)[by.end() :])
        if record.author is None and before is not None and len(before) <= 40:
            record.author = _clean_name(before)
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


# --- a whole group ---------------------------------------------------------------------------


@dataclass(slots=True)
class Group:
    """The records that one family (or induction) found, read, and how well they read."""

    family: Family
    records: list[Record]
    tree: HtmlElement
    score: float = 0.0


def read_group(
    tree: HtmlElement,
    elements: Sequence[HtmlElement],
    family: Family,
    now: datetime | None = None,
) -> Group:
    """Read records out of a tree, which loses them.

    Parameters
    ----------
    tree : HtmlElement
        The whole page.
    elements : sequence of HtmlElement
        The records in document order.
    family : Family
    now : datetime, optional
        Reference for relative times.
    """
    parents = read_nesting(elements)
    levels = [read_level(element, family) for element in elements]
    margins = [read_margin(element) for element in elements]
    holders = detach(elements, set(select(tree, family.lead)) if family.lead else ())
    records = [
        Record(holder, parent, level)
        for holder, parent, level in zip(holders, parents, levels, strict=True)
    ]
    for record in records:
        read_fields(record, family, now)
    _settle_dates(records, now)
    _drop_repeated_lines(records)
    for record in records:
        text = record.text
        if not record.deleted and len(text) <= 200 and _DELETED.fullmatch(text):
            record.deleted = True
    _settle_parents(records, margins)
    group = Group(family, records, tree)
    group.score = _score(group)
    return group


def _settle_dates(records: list[Record], now: datetime | None) -> None:
    """Read numeric dates anew where other records of the page tell the order of day and month."""
    texts = [record.time_text for record in records if record.time_text]
    day_first = guess_day_first(texts)
    if day_first is None:
        return
    for record in records:
        if record.published and record.time_text and "/" in record.time_text:
            moment = parse_time(record.time_text, now=now, day_first=day_first)
            if (
                moment
                and moment[:4] == record.published[:4]
                and moment[10:] == record.published[10:]
            ):
                record.published = moment


def _drop_repeated_lines(records: list[Record]) -> None:
    """Drop lines that stand in most records: buttons and labels, in whatever language."""
    read = [record for record in records if record.lines]
    if len(read) < 4:
        return
    counts = Counter(
        text
        for record in read
        for text in {_fold_line(line.text, record.author) for line in record.lines}
    )
    common = {text for text, count in counts.items() if count >= max(4, 0.6 * len(read))}
    if not common:
        return
    for record in read:
        kept = [line for line in record.lines if _fold_line(line.text, record.author) not in common]
        if kept:
            record.lines = kept


def _fold_line(text: str, author: str | None) -> str:
    if author:
        text = text.replace(author, "@")
    return _DIGITS.sub("0", text.lower())[:80]


def _settle_parents(records: list[Record], margins: Sequence[int]) -> None:
    """Replace parents by those that levels, margins or reply links state, where nesting is flat."""
    levels = [record.level for record in records]
    if all(level is not None for level in levels) and len(set(levels)) > 1:
        _by_levels(records, [level or 0 for level in levels])
    elif all(record.parent is None for record in records):
        if len(set(margins)) > 1:
            _by_levels(records, margins)
        keys = {record.key: number for number, record in enumerate(records) if record.key}
        for number, record in enumerate(records):
            target = keys.get(record.reply_to) if record.reply_to else None
            if record.parent is None and target is not None and target < number:
                record.parent = target


def _by_levels(records: list[Record], levels: Sequence[int]) -> None:
    """Make each record answer the last one before it of a lower level."""
    open_records: list[int] = []
    for number, record in enumerate(records):
        while open_records and levels[open_records[-1]] >= levels[number]:
            open_records.pop()
        record.parent = open_records[-1] if open_records else None
        open_records.append(number)


def _score(group: Group) -> float:
    """Rate how whole the records are: text counts most, then who, then when."""
    real = [r for r in group.records if not r.pingback and not r.deleted]
    if not real:
        return 0.1 * len(group.records)
    return sum(
        (
            0.5
            + 0.25 * (r.author is not None)
            + 0.25 * (r.time_text is not None or r.published is not None)
        )
        for r in real
        if r.lines
    )

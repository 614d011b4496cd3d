"""The article and the comments of a plain-text page, whatever program rendered it.

Headers ("NAME says:", "NAME on DATE at TIME", a time under a name) are found first and grouped by
the form of their time: the comments of a page look alike. Each stretch of like headers is then
read as records and kept only with evidence that they are comments: a heading with a count, reply
buttons, numbering, the form for a new comment below. Whether a header stands above or below its
text is decided once a page.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, pairwise
from math import log2
from statistics import median

from stance.errors import InputError
from stance.parsing import phrases
from stance.parsing.dates import find_time, guess_day_first, is_relative_time, parse_time
from stance.parsing.phrases import fold
from stance.parsing.textarticle import read_article, read_title
from stance.parsing.textlines import (
    WRAP_SHARE,
    Break,
    Line,
    Page,
    count_words,
    is_advert,
    is_buttons,
    is_reply_button,
    is_running,
    join_lines,
    pattern_of,
    read_page,
)
from stance.thread import Article, Comment, Thread

MOST_LINES = 250_000  # that are not blank; 20,000 comments have some 160,000
LONGEST_HEADER = 180  # characters of a line that may be a header
LONGEST_NAME = 70
SHORTEST_ARTICLE = 40  # words above the first post of a forum page that are no article yet
ENOUGH_EVIDENCE = 2.0
ENOUGH_FOR_ONE = 2.5  # a single record may more easily be something else

_SAYS = phrases.folded_set(phrases.SAYS)
_AUXILIARIES = {"hat", "a", "ha", "has"}
_BADGES = phrases.folded_set(phrases.AUTHOR_BADGES)
_BY = phrases.phrase_pattern(phrases.BY_PREFIXES)
_COMMENT_BY = phrases.phrase_pattern(
    tuple(phrase for phrase in phrases.BY_PREFIXES if " " in phrase)
)
_ANSWER = phrases.phrase_pattern(phrases.ANSWER_PREFIXES)
_OTHER_TIME = phrases.phrase_pattern(phrases.OTHER_TIMES)
_EDITED = phrases.folded_set(phrases.EDITED)
_DELETED = phrases.folded_set(phrases.DELETED)
_PINGBACK = phrases.phrase_pattern(phrases.PINGBACKS)
_EDGES = " \t|·•●,;:–—-/()[]{}#@»«<>*~=↓↑.\"'“”„"
_TAIL_WORDS = {
    "on", "at", "am", "um", "le", "el", "il", "op", "den", "dnia", "om", "on:", "posted", "vom",
    "em", "the", "in", "a", "à", "kl", "of", "from", "date", "datum", "fecha", "data", "в", "o",
    "commented", "id",
}  # fmt: skip
_TIME_WORD = re.compile(r"(?<!\d)[^\W\d_]+")
_ORDINAL = re.compile(r"\d+(?:M|[^\W\d_]{1,3})?")
_HALF_DAY = re.compile(r"\b[ap]\.?m\b\.?|(?<=\d)[ap]m\b")
_NAME_START_NUMBER = re.compile(r"^#?\d{1,5}[.):]?\s{1,4}(?=\D)")
_IMAGES = re.compile(r"^\s*(?:[^\w\s\[(]\s)?(?:\[[\w-]{0,24}\]\s?){1,4}")  # as w3m prints them
_SEPARATORS = " \t|·•●,;:–—"
_DIGIT = re.compile(r"\d")
_CLOCK_ALONE = re.compile(r"\(?\d{1,2}[:.h]\d\d(?::\d\d)?\s?(?:[ap]\.?m\.?)?\)?", re.IGNORECASE)
_EXCERPT = re.compile(
    r"^(?:\[(?:\.{3}|…)\]|(?:\.{3}|…) ).{0,2000}(?:\[(?:\.{3}|…)\]|(?:\.{3}|…))$", re.DOTALL
)
_URL_LINE = re.compile(r"https?://([^/\s]{1,100})\S{0,400}")
_LINE = re.compile(r"\S[^\r\n\v\f\u0085\u2028\u2029]*")
_QUOTES = re.compile(r"[\"“”„«»]")


@dataclass(slots=True)
class _Header:
    """The line or lines that say who wrote a comment and when.

    `first` and `last` are line indices, both inclusive; `shape` is what the times of one page
    have in common; `rest` is comment text on the header's own line.
    """

    first: int
    last: int
    name: str | None
    time: str | None
    shape: str
    says: bool = False
    by: bool = False
    reply: bool = False
    ping: bool = False
    rest: str = ""


@dataclass(slots=True)
class _Record:
    """A comment in the making: its header, the lines of its text and what belongs to it."""

    header: _Header
    body: list[Line]
    reply: bool = False
    answers: str | None = None
    deleted: bool = False


@dataclass(slots=True)
class _Section:
    """A stretch of like headers between two breaks of the page."""

    headers: list[_Header]
    above: Break | None
    below: Break | None
    records: list[_Record]
    start: int
    evidence: float = 0.0


def parse_textdump(text: str, *, source: str = "-", now: datetime | None = None) -> Thread:
    """Read article and comments from the plain text of a page.

    Parameters
    ----------
    text : str
        As copied from a browser or rendered by w3m, lynx, html2text, inscriptis and the like.
    source : str
        Name for the result.
    now : datetime, optional
        When the text was saved; relative times are resolved against it.

    Returns
    -------
    Thread
        With no comments, and a note that says so, where the text shows none.

    Raises
    ------
    InputError
        If the text has more lines than a page has.

    Examples
    --------
    >>> thread = parse_textdump('''Trams return
    ...
    ... The old trams are back on the streets of the town since Monday, to the joy of many.
    ...
    ... 2 Comments
    ...
    ...   1. Ada
    ...
    ...     October 15, 2021 at 5:35 pm
    ...
    ...     At last! I have waited for this for years.
    ...
    ...   2. Ben
    ...
    ...     October 15, 2021 at 6:02 pm
    ...
    ...     Too slow, too loud and too expensive.
    ... ''')
    >>> [(comment.author, comment.published) for comment in thread.comments]
    [('Ada', '2021-10-15T17:35'), ('Ben', '2021-10-15T18:02')]
    """
    if next(islice(_LINE.finditer(text), MOST_LINES, None), None) is not None:
        raise InputError(
            f"{source}: more than {MOST_LINES:,} lines; expected a single page "
            "(split it, or give the comments as JSON Lines, which stream)"
        )
    page = read_page(text)
    section = _find_comments(page)
    notes: list[str] = []
    if section is None:
        article = read_article(page, len(page.lines), now)
        hosted = any("powered by disqus" in fold(line.text) for line in page.lines[-400:])
        notes.append(
            "no comments: they are hosted elsewhere (Disqus)" if hosted else "no comments found"
        )
        return Thread(source, "text", article, notes=tuple(notes))
    article = read_article(page, section.start, now)
    kept = [record for record in section.records if not record.deleted]
    if _is_forum(article, section) and len(kept) > 1:
        article = _opening_post(page, kept.pop(0), article, now)
    comments = _make_comments(page, kept, now)
    deleted = sum(record.deleted for record in section.records)
    return Thread(source, "text", article, tuple(comments), deleted, tuple(notes))


def _is_forum(article: Article | None, section: _Section) -> bool:
    """Tell a page of posts: no text stands above them, and no heading calls them comments."""
    headed = section.above is not None and section.above.kind == "comments"
    return not headed and (article is None or count_words(article.text) < SHORTEST_ARTICLE)


def _opening_post(
    page: Page, record: _Record, article: Article | None, now: datetime | None
) -> Article:
    """Return the first post of a forum page, which is what the others are about."""
    title = article.title if article is not None else None
    return Article(
        title=title or read_title(page, record.header.first),
        author=record.header.name,
        published=parse_time(record.header.time or "", now=now),
        text=join_lines(record.body, page.width),
    )


# Headers


def _find_headers(page: Page) -> list[_Header]:
    """Find every line that may be a comment's header, merging "NAME says" with a time below."""
    headers: list[_Header] = []
    headings = {item.index for item in page.breaks if item.kind == "comments"}
    for index, line in enumerate(page.lines):
        header = _read_header(index, line) if index not in headings else None
        if header is None or _is_within_text(page, index, header):
            continue
        before = headers[-1] if headers else None
        if before is not None and _belongs_to(before, header):
            before.last, before.time, before.shape = index, header.time, header.shape
            before.rest, before.reply = header.rest, header.reply
            continue
        headers.append(header)
    return headers


def _belongs_to(before: _Header, header: _Header) -> bool:
    """Tell whether a header is the time of the "NAME says" on the line above it."""
    open_ended = before.says and before.time is None and not before.rest
    is_time = header.time is not None and header.name is None
    return open_ended and is_time and before.last == header.first - 1


def _is_within_text(page: Page, index: int, header: _Header) -> bool:
    """Tell a line that goes on from a wrapped one, or a time under a label such as "Joined"."""
    line, before = page.lines[index], page.lines[index - 1]
    if not index or header.by or header.ping:
        return False
    if header.name is None and not header.says:
        return _OTHER_TIME.fullmatch(fold(before.text).strip(_EDGES)) is not None
    return bool(page.width) and not line.blanks and before.end >= WRAP_SHARE * page.width


def _read_header(index: int, line: Line) -> _Header | None:
    text = line.text
    too_long = len(text) > LONGEST_HEADER and not _SAYS_INLINE.match(text[:LONGEST_HEADER])
    if not text or too_long:
        return None
    if _PINGBACK.match(fold(text[:40])):
        return _Header(index, index, None, None, "ping", ping=True)
    short = text[:LONGEST_HEADER]
    if len(short) > 60 and not _DIGIT.search(short):  # a sentence, most often
        return _read_says(index, text)
    span = find_time(short)
    if span is None and len(short) <= 20 and is_relative_time(short):
        span = (0, len(short))
    if span is None:
        return _read_says(index, text)
    before, time, after = text[: span[0]], text[span[0] : span[1]], text[span[1] :]
    return _read_timed(index, before, time, after)


_SAYS_INLINE = re.compile(r"[^:]{1,90}:\s")


def _read_says(index: int, text: str) -> _Header | None:
    """Read "NAME says:" with or without the text on the same line."""
    head, colon, rest = text.partition(":")
    if not colon and len(text) > LONGEST_NAME + 20:
        return None
    name, said = _strip_verb(head)
    name = _clean_name(name)
    if not said or not name or not _is_name(name) or _QUOTES.search(name):
        return None
    if rest and not rest.startswith((" ", "\t")):
        return None
    return _Header(index, index, name, None, "says", says=True, rest=rest.strip())


def _strip_verb(head: str) -> tuple[str, bool]:
    """Take "says" and the like, with the words after it such as "on", from the end of `head`."""
    words = head.rstrip(_EDGES).split()
    while words and fold(words[-1]) in _TAIL_WORDS:
        words.pop()
    if len(words) < 2 or fold(words[-1].rstrip(",:")) not in _SAYS:
        return head, False
    words.pop()
    if len(words) > 1 and words[-1].casefold() in _AUXILIARIES:
        words.pop()
    return " ".join(words), True


def _read_timed(index: int, before: str, time: str, after: str) -> _Header | None:
    """Read a line that holds a time: a header if little else stands there."""
    folded = fold(before)
    if _OTHER_TIME.match(folded.strip(_EDGES)):
        return None
    by = _COMMENT_BY.search(folded) is not None
    name_before, says = _strip_verb(before)
    after_head, colon, rest = after.partition(":")
    said_after = fold(after_head.strip(_EDGES)) in _SAYS
    if said_after or (not after_head.strip(_EDGES) and colon):
        after, says = "", True
    else:
        rest = ""
    reply = is_reply_button(after) if after.strip(_EDGES) else False
    if is_buttons(after):
        after = ""
    name = _clean_name(name_before)
    tail = _clean_name(after)
    if name and tail and (len(tail) > 60 or len(tail.split()) > 8 or after.rstrip().endswith(".")):
        return None
    name = name or tail
    if name and not _is_name(name):
        return None
    relative = not any(character.isdigit() for character in time) or is_relative_time(time)
    shape = "relative" if relative else _shape_of(time)
    return _Header(index, index, name or None, time, shape, says, by, reply, rest=rest.strip())


def _shape_of(time: str) -> str:
    """Return what all times of one page have in common: the order of words and numbers."""
    text = _ORDINAL.sub("0", _TIME_WORD.sub("M", _HALF_DAY.sub("", fold(time))))
    return " ".join(re.sub(r"[^\w:/-]+", " ", text).split())


def _clean_name(text: str) -> str:
    """Take from the words around a time, or from a line above it, what is no name."""
    text = _trim_name(_IMAGES.sub("", text))
    folded = fold(text)
    match = _COMMENT_BY.search(folded) or _BY.match(folded)
    if match is not None and len(folded) == len(text):  # so that offsets agree
        text = _trim_name(text[match.end() :])
    text = _NAME_START_NUMBER.sub("", text)
    words = text.split()
    while len(words) > 1 and words[-1].islower() and fold(words[-1].strip(_EDGES)) in _TAIL_WORDS:
        words.pop()
    while len(words) > 1 and fold(words[-1].strip(_EDGES)) in _BADGES:
        words.pop()
    text = _trim_name(" ".join(words))
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    if not any(letter.isalpha() for letter in text) and (len(text) < 3 or not text.isalnum()):
        return ""
    if _CLOCK_ALONE.fullmatch(text) or fold(text) in _TAIL_WORDS or _is_edit_mark(text):
        return ""
    return "" if is_buttons(text) and len(text) > 3 else text


def _is_edit_mark(text: str) -> bool:
    return fold(text.strip(_EDGES + "（）")) in _EDITED


def _trim_name(text: str) -> str:
    """Strip separators; signs that may belong to a name stay where they touch it."""
    text = text.strip(_SEPARATORS).lstrip(" -–—~#@*>=]).↓↑")
    text = re.sub(r"(?<=\s)[-–—~*#(\[=/<>»↓↑]{1,4}$", "", text)
    if text.endswith(("(", "[")) or (text.endswith(")") and "(" not in text and " " not in text):
        text = text[:-1]
    return text.strip(_SEPARATORS)


def _is_name(text: str) -> bool:
    """Tell whether `text` may be a person's name: short, and no sentence."""
    words = text.split()
    if not words or len(words) > 9 or len(text) > LONGEST_NAME:
        return False
    ends_sentence = text.endswith((".", "!", "?", "…", ":")) and len(words) > 3
    return not ends_sentence and any(letter.isalnum() for letter in text)


# Sections


def _find_comments(page: Page) -> _Section | None:
    """Return the best stretch of records for which there is enough evidence."""
    headers = _find_headers(page)
    best: _Section | None = None
    best_score = 0.0
    for family in _families(headers):
        for section in _sections(page, family):
            _read_records(page, section)
            filled = [r for r in section.records if r.body and not r.deleted]
            if not filled:
                continue
            section.evidence = _weigh(page, section, filled)
            needed = ENOUGH_EVIDENCE if len(filled) > 1 else ENOUGH_FOR_ONE
            score = section.evidence + 2 * log2(len(filled))
            if section.evidence >= needed and score > best_score:
                best, best_score = section, score
    if best is None:
        best = _find_untimed(page)
    return best


def _families(headers: Sequence[_Header]) -> Iterator[list[_Header]]:
    """Yield the headers that look alike, with those of them that lost their time."""
    shapes: dict[str, list[_Header]] = {}
    for header in headers:
        shapes.setdefault(header.shape, []).append(header)
    pings = shapes.pop("ping", [])
    untimed = shapes.pop("says", [])
    for family in shapes.values():
        says = sum(header.says for header in family)
        extra = [h for h in untimed if not h.rest] if says * 2 > len(family) else []
        yield sorted(family + extra + pings, key=lambda header: header.first)
    if untimed:
        yield sorted(untimed + pings, key=lambda header: header.first)


def _sections(page: Page, family: Sequence[_Header]) -> Iterator[_Section]:
    """Split a family where a heading, a form or another section stands between two headers."""
    breaks, position = page.breaks, 0
    above: Break | None = None
    current: list[_Header] = []
    for header in family:
        passed: list[Break] = []
        while position < len(breaks) and breaks[position].index <= header.first:
            if not _stands_between(page, breaks[position], above, current):
                passed.append(breaks[position])
            position += 1
        if passed and any(item.index < header.first for item in passed):
            if any(not h.ping for h in current):
                yield _Section(current, above, passed[0], [], 0)
            current, above = [], _nearest_above(passed, above if not current else None)
        current.append(header)
    below = breaks[position] if position < len(breaks) else None
    if any(not h.ping for h in current):
        yield _Section(current, above, below, [], 0)


def _stands_between(
    page: Page, item: Break, above: Break | None, current: Sequence[_Header]
) -> bool:
    """Tell a break that parts nothing: a label, or an advert before all comments have come."""
    if item.kind == "comments":
        return not item.count and len(current) >= 3
    if above is None or above.kind != "comments" or not current:
        return False
    more = above.count is None or len(current) < above.count
    return more and is_advert(page.lines[item.index].text)


def _nearest_above(passed: Sequence[Break], before: Break | None) -> Break:
    """Return the comments heading among the breaks passed last, else the last of them.

    A form for a new comment often stands between the heading and the comments.
    """
    for item in reversed(passed):
        if item.kind == "comments":
            return item
        if item.kind == "section":
            return passed[-1]
    if before is not None and before.kind == "comments":
        return before
    return passed[-1]


# Records


def _read_records(page: Page, section: _Section) -> None:
    """Fill in the records of a section and where it starts."""
    lines, headers = page.lines, section.headers
    passed = bisect_left(page.breaks, headers[0].first, key=lambda item: item.index)
    floor = page.breaks[passed - 1].index + 1 if passed else 0
    ceiling = section.below.index if section.below is not None else len(lines)
    if _text_comes_first(page, section, floor, ceiling):
        records = _footer_records(page, headers, floor)
    else:
        records = _header_records(page, headers, floor, ceiling)
    section.start = records[0].header.first if records else headers[0].first
    if section.above is not None and section.above.kind == "comments":
        section.start = min(section.start, section.above.index)
    records = [record for record in records if not record.header.ping]
    records = _split_at_counters(page, records)
    _take_names_below(records)
    _strip_boilerplate(page, records)
    records = [record for record in records if not _is_excerpt(record)]
    section.records = [record for record in records if record.body or record.deleted]


def _is_excerpt(record: _Record) -> bool:
    """Tell a trackback by its text, an excerpt of the page that links here: "[…] … […]"."""
    text = " ".join(line.full for line in record.body)
    return len(text) < 2000 and _EXCERPT.match(text) is not None and text.startswith("[")


def _text_comes_first(page: Page, section: _Section, floor: int, ceiling: int) -> bool:
    """Decide once a page whether its headers stand below the text, as in "Comment by NAME"."""
    lines, headers = page.lines, [header for header in section.headers if not header.ping]
    numbered = sum(
        lines[h.first].number is not None or _is_marked_name(lines, h.first - 1, floor)
        for h in headers
    )
    titled = sum(_has_name_above(lines, h, floor) for h in headers)
    if max(numbered, titled) * 2 >= len(headers) or any(header.rest for header in headers):
        return False
    before = lines[floor : headers[0].first]
    after = lines[headers[-1].last + 1 : ceiling][:12]
    text_before = any(_is_text(page, line) for line in before[-12:])
    text_after = any(_is_text(page, line) for line in after)
    after_heading = section.above is not None and section.above.kind != "section"
    if after_heading and text_before != text_after:
        return text_before
    if not text_before:
        return False
    starts = [lines[h.last + 1] for h in headers if h.last + 1 < len(lines)]
    if sum(line.number is not None for line in starts) * 2 > len(headers):
        return True
    above = sum(lines[h.first].blanks for h in headers)
    below = sum(line.blanks for line in starts)
    return after_heading and above < below


def _has_name_above(lines: Sequence[Line], header: _Header, floor: int) -> bool:
    """Tell whether a nameless header stands below a line that may be a name and opens a block."""
    if header.name is not None or header.first - 1 < floor:
        return False
    line = lines[header.first - 1]
    return bool(line.blanks) and _opens_with_name(line)


def _is_text(page: Page, line: Line) -> bool:
    return is_running(line) and page.repeats[pattern_of(line.text)] < 3


def _is_marked_name(lines: Sequence[Line], index: int, floor: int) -> bool:
    if index < floor:
        return False
    line = lines[index]
    return line.marked and (not line.text or _is_name(line.text))


def _header_records(
    page: Page, headers: Sequence[_Header], floor: int, ceiling: int
) -> list[_Record]:
    """Read records whose header stands above the text."""
    lines = page.lines
    starts = _name_headers(page, headers, floor)
    records: list[_Record] = []
    for position, header in enumerate(starts):
        end = starts[position + 1].first if position + 1 < len(starts) else ceiling
        body = list(lines[header.last + 1 : end])
        if position + 1 == len(starts):
            body = _cut_at_end(body, records, closed=ceiling < len(lines) and len(body) < 25)
        if header.rest:
            body.insert(
                0, replace(lines[header.last], text=header.rest, full=header.rest, blanks=0)
            )
        records.append(_Record(header, body, reply=header.reply))
    return records


def _take_names_below(records: Sequence[_Record]) -> None:
    """Read names that stand below the time, as the first line of nearly every text."""
    nameless = [record for record in records if record.header.name is None]
    opened = [r for r in nameless if len(r.body) > 1 and _opens_with_name(r.body[0])]
    if len(nameless) < 3 or len(nameless) < 0.6 * len(records):
        return
    if len(opened) < 0.8 * len(nameless) or any(not r.body[1].blanks for r in opened):
        return
    for record in opened:
        record.header.name = _clean_name(record.body[0].text) or None
        record.body = record.body[1:]


def _split_at_counters(page: Page, records: list[_Record]) -> list[_Record]:
    """Split texts at the running number that stands above each comment, where a header was lost."""
    counters = [_counter(page.lines[record.header.first]) for record in records]
    known = sum(counter is not None for counter in counters)
    if known < 3 or known * 2 < len(records):
        return records
    split: list[_Record] = []
    for record in records:
        body, begin = record.body, 0
        current = record.header
        for position, line in enumerate(body):
            if position + 1 < len(body) and _counter(line) is not None and line.blanks:
                split.append(_Record(current, body[begin:position], reply=record.reply))
                first = record.header.last + 1 + position
                current = replace(current, first=first, last=first, name=None, time=None)
                begin = position + 1
        split.append(_Record(current, body[begin:], reply=record.reply))
    return split


def _counter(line: Line) -> int | None:
    """Return the number of a line that holds nothing else: "3", "#3", "1. 1"."""
    text = line.text.lstrip("#")
    if text.isdecimal() and len(text) < 6:
        return int(text)
    return None


def _name_headers(page: Page, headers: Sequence[_Header], floor: int) -> list[_Header]:
    """Find the names that stand on a line of their own above the time."""
    lines = page.lines
    bare = [header for header in headers if header.name is None and not header.ping]
    find = _best_finder(lines, bare, floor)
    titled = sum(_has_name_above(lines, header, floor) for header in bare)
    known = find is not _line_above or titled > 0.8 * len(bare)
    if known and len(bare) * 2 > len(headers):  # those with a name of their own are quotations
        headers = [header for header in headers if header.name is None or header.says]
    named = []
    previous_end = floor
    for header in _without_quotations(headers):
        header = replace(header)
        if header.name is None and not header.ping:
            index = find(lines, header, previous_end)
            if index is not None and index >= previous_end:
                line = lines[index]
                name = _clean_name(line.text)
                if name and _is_name(name) and (line.marked or not _ends_like_text(line)):
                    header.name, header.first = name, index
        if not header.ping:
            header.first = _extend_up(lines, header, previous_end)
        named.append(header)
        previous_end = header.last + 1
    return named


_Finder = Callable[[Sequence[Line], _Header, int], int | None]


def _best_finder(lines: Sequence[Line], bare: Sequence[_Header], floor: int) -> _Finder:
    """Decide once a page where the names of nameless headers stand."""
    for finder in (_marked_above, _doubled_above):
        if sum(finder(lines, header, floor) is not None for header in bare) * 2 >= len(bare):
            return finder
    return _line_above


def _line_above(lines: Sequence[Line], header: _Header, floor: int) -> int | None:
    return header.first - 1 if header.first - 1 >= floor else None


def _doubled_above(lines: Sequence[Line], header: _Header, floor: int) -> int | None:
    """Return the line, among those above a header, that stands there twice: portrait and name."""
    for index in range(header.first - 1, max(floor + 1, header.first - 20) - 1, -1):
        line = lines[index]
        if is_running(line):
            return None
        if line.text == lines[index - 1].text and _is_name(line.text) and len(line.text) > 1:
            return index
    return None


def _without_quotations(headers: Sequence[_Header]) -> Sequence[_Header]:
    """Leave out "NAME wrote: TIME" where most headers are built otherwise, as on forums."""
    by = sum(header.by for header in headers)
    says = sum(header.says for header in headers)
    if by >= 2 and says:
        return [header for header in headers if header.by or not header.says]
    return headers


def _marked_above(lines: Sequence[Line], header: _Header, floor: int) -> int | None:
    """Return the line with a list marker, at most four above a header, that may be its name."""
    for index in range(header.first - 1, max(floor, header.first - 5) - 1, -1):
        line = lines[index]
        named = any(letter.isalpha() for letter in line.text) and _is_name(line.text)
        if line.marked and named and not is_buttons(line.text):
            return index
        labelled = any(letter.isdigit() for letter in line.text)  # "Reply #3"
        if is_running(line) or len(line.text) > 40 or (is_reply_button(line.text) and not labelled):
            return None
    return None


def _ends_like_text(line: Line) -> bool:
    return len(line.text.split()) > 3 and line.text.endswith((".", "!", "?", "…"))


def _extend_up(lines: Sequence[Line], header: _Header, floor: int) -> int:
    """Move a header's first line up over list markers, counters and repetitions of the name."""
    first = header.first
    name = fold(header.name or "")
    while first - 1 >= floor:
        line = lines[first - 1]
        folded = fold(line.text)
        bare = line.text.isascii() and not any(letter.isalpha() for letter in folded)
        repeats = bool(name) and name in folded and len(folded) <= len(name) + 20
        placeholder = _IMAGES.fullmatch(line.text) is not None and folded not in _DELETED
        if not ((bare and len(folded) <= 8) or repeats or placeholder):
            break
        first -= 1
    return first


def _footer_records(page: Page, headers: Sequence[_Header], floor: int) -> list[_Record]:
    """Read records whose header stands below the text."""
    lines = page.lines
    blocks = []
    begin = floor
    for header in headers:
        blocks.append(list(lines[begin : header.first]))
        begin = header.last + 1
    blocks = [_drop_leading_buttons(page, block) for block in blocks]
    nameless = [block for block, header in zip(blocks, headers, strict=True) if header.name is None]
    names_first = sum(len(block) > 1 and _opens_with_name(block[0]) for block in nameless)
    records: list[_Record] = []
    for block, header in zip(blocks, headers, strict=True):
        header = replace(header, first=header.first - len(block))
        if header.name is None and names_first * 2 > len(nameless) and len(block) > 1:
            header.name = _clean_name(block[0].text) or None
            block = block[1:]
            while len(block) > 1 and header.name and fold(block[0].text) == fold(header.name):
                block = block[1:]
        records.append(_Record(header, block, reply=header.reply))
    return records


def _drop_leading_buttons(page: Page, block: list[Line]) -> list[Line]:
    start = 0
    while start < len(block) and (
        is_buttons(block[start].text) or page.repeats[pattern_of(block[start].text)] >= 3
    ):
        start += 1
    return block[start:]


def _opens_with_name(line: Line) -> bool:
    return len(line.text.split()) <= 6 and _is_name(line.text) and not _ends_like_text(line)


def _cut_at_end(body: list[Line], records: Sequence[_Record], *, closed: bool) -> list[Line]:
    """Cut the last record where the page goes on: a heading, lesser indentation, a menu.

    `closed` says that a known line such as "Leave a reply" already ends it.
    """
    if not body:
        return body
    deepest_gap = max((line.blanks for r in records for line in r.body), default=2)
    indents = [line.indent for record in records for line in record.body]
    least = min(indents, default=0)
    has_headings = any(line.level for record in records for line in record.body)
    for position, line in enumerate(body):
        if not position:
            continue
        gap = line.blanks > max(2, deepest_gap)
        heading = line.level and not has_headings
        outdented = indents and line.indent < least and line.blanks
        if gap or heading or outdented:
            return body[:position]
    return body if closed else _cut_menu(body)


def _cut_menu(body: list[Line]) -> list[Line]:
    """Cut at the first of four lines in a row that are no running text: a menu."""
    run = 0
    for position, line in enumerate(body):
        run = 0 if is_running(line) or not position else run + 1
        if run >= 4:
            return body[: position - run + 1]
    return body


# What is not the comment's own words


def _strip_boilerplate(page: Page, records: list[_Record]) -> None:
    """Take button lines and what repeats in most records from the edges of their texts."""
    names = [fold(record.header.name or "") for record in records]
    patterns: Counter[str] = Counter()
    for position, record in enumerate(records):
        patterns.update({_pattern(line, names, position) for line in record.body})
    often = {
        pattern
        for pattern, count in patterns.items()
        if count >= 3 and count >= 0.3 * len(records) and not pattern.endswith(":")
    }
    mostly = {
        pattern
        for pattern in often
        if patterns[pattern] >= 0.6 * len(records) and any(c.isalpha() for c in pattern)
    }
    for position, record in enumerate(records):
        _strip_record(record, names, position, often, mostly, position + 1 == len(records))


def _pattern(line: Line, names: Sequence[str], position: int) -> str:
    """Return a line without what differs from record to record: numbers and names."""
    if (url := _URL_LINE.fullmatch(line.text)) is not None:
        return f"url {url[1]}"
    folded = fold(line.text[:LONGEST_HEADER])
    for name in names[position : position + 2]:
        if len(name) > 1:
            folded = folded.replace(name, "{name}")
    label, colon, value = folded.partition(":")
    if colon and len(label) <= 20 and len(value) <= 30 and value.strip():
        return pattern_of(label) + ": …"
    return pattern_of(folded)


def _strip_record(
    record: _Record,
    names: Sequence[str],
    position: int,
    often: set[str],
    mostly: set[str],
    is_last: bool,
) -> None:
    body = record.body
    edge = [
        is_buttons(line.text) or is_advert(line.text) or _pattern(line, names, position) in often
        for line in body
    ]
    record.reply = record.reply or any(
        is_reply_button(line.text) for line, drop in zip(body, edge, strict=True) if drop
    )
    start, end = 0, len(body)
    while start < end and (edge[start] or _is_header_rest(record, body[start])):
        start += 1
    for index in range(start + 1, end):
        repeated = _pattern(body[index], names, position) in mostly
        if repeated and (is_last or not _goes_on(body, edge, index)):
            end = index
            break
    while end > start and (
        edge[end - 1] or _is_pagination(body[end - 1]) or _is_answer_line(record, body[end - 1])
    ):
        end -= 1
    record.body = body[start:end]
    text = fold(" ".join(line.text for line in record.body[:2]))
    record.deleted = len(record.body) <= 2 and text.strip(" .!") in _DELETED
    if not record.body:
        record.body = [line for line in body if _is_emoji(line.text)][:1]


def _is_emoji(text: str) -> bool:
    return len(text) <= 12 and any(unicodedata.category(sign) == "So" for sign in text)


def _goes_on(body: Sequence[Line], edge: Sequence[bool], index: int) -> bool:
    """Tell whether most of what follows a repeated line is text again."""
    rest = range(index + 1, len(body))
    return sum(is_running(body[i]) and not edge[i] for i in rest) > len(rest) / 2 + 1


def _is_header_rest(record: _Record, line: Line) -> bool:
    """Tell whether a line above the text still belongs to the header; note whom it answers."""
    if _is_answer_line(record, line):
        return True
    folded = fold(line.text)
    return folded.strip(_EDGES) in _BADGES or (
        bool(record.header.name) and folded == fold(record.header.name or "")
    )


def _is_answer_line(record: _Record, line: Line) -> bool:
    """Tell a line such as "In reply to TITLE by NAME"; note the name."""
    folded = fold(line.text)
    match = _ANSWER.match(folded)
    if match is None or len(folded) > LONGEST_HEADER:
        return False
    name = folded[match.end() :].rpartition(" by ")[2]
    record.answers = name.removesuffix("(not verified)").strip(_EDGES) or None
    return True


def _is_pagination(line: Line) -> bool:
    """Tell a line of page numbers and arrows below the last comment."""
    return not any(letter.isalpha() for letter in line.text) and line.text.isascii()


# Evidence


def _weigh(page: Page, section: _Section, filled: Sequence[_Record]) -> float:
    """Return the evidence that records are comments: 2 and more is enough for several of them."""
    count = len(filled)
    named = sum(record.header.name is not None for record in filled) / count
    words = sum(count_words(line.text) for record in filled for line in record.body) / count
    evidence = 0.0
    evidence += _weigh_above(page, section, count)
    evidence += 2.0 if sum(record.reply for record in filled) * 2 >= count else 0.0
    phrased = sum(r.header.says or r.header.by for r in filled) * 2 >= count
    evidence += 1.5 if phrased and count > 1 else 0.0  # "Written by NAME on DATE" is a byline
    evidence += 1.0 if section.below is not None and section.below.kind == "form" else 0.0
    evidence += 1.0 if _is_numbered(page, filled) else 0.0
    evidence += 0.5 if "0:0" in filled[0].header.shape and named > 0.5 else 0.0
    evidence += 1.5 if _is_conversation(filled) else 0.0
    evidence -= 1.5 if named < 0.4 else 0.0
    names = {record.header.name for record in filled}
    evidence -= 2.0 if count > 1 and len(names) == 1 and named == 1 else 0.0
    evidence -= 1.0 if words < 5 and count > 2 else 0.0
    evidence -= 2.0 if _is_reported_speech(section, filled) else 0.0
    return evidence


def _is_reported_speech(section: _Section, filled: Sequence[_Record]) -> bool:
    """Tell "NAME said" within an article: neither times nor a comments heading."""
    headed = section.above is not None and section.above.kind == "comments"
    return all(record.header.time is None for record in filled) and not headed


def _is_conversation(filled: Sequence[_Record]) -> bool:
    """Tell whether several people with short names wrote running text."""
    names = [record.header.name or "" for record in filled]
    short = sum(0 < len(name.split()) <= 3 for name in names)
    running = sum(any(is_running(line) for line in record.body) for record in filled)
    return len(set(names)) >= 3 and min(short, running) >= 0.75 * len(filled)


def _weigh_above(page: Page, section: _Section, count: int) -> float:
    """Weigh the heading above the first record."""
    above = section.above
    if above is None:
        return 0.0
    if above.kind == "section":
        heading = fold(page.lines[above.index].text)
        is_list = any(stem in heading for stem in phrases.LIST_STEMS)
        return -2.0 if is_list and section.start - above.index <= 6 else 0.0
    if above.kind == "form":
        return 1.0
    if above.count == 0:
        return -2.0
    if above.count is not None and 0.5 * above.count <= count <= 1.3 * above.count + 1:
        return 3.0
    return 2.0


def _is_numbered(page: Page, filled: Sequence[_Record]) -> bool:
    """Tell whether at least half of three and more records carry the numbers of one list."""
    numbers = [page.lines[record.header.first].number for record in filled]
    rising = [number for number in numbers if number is not None]
    return len(filled) >= 3 and len(set(rising)) * 2 >= len(filled)


# Comments without a time


def _find_untimed(page: Page) -> _Section | None:
    """Read the comments below a heading that have neither time nor "says": names and buttons."""
    for position, item in enumerate(page.breaks):
        if item.kind != "comments" or item.count == 0:
            continue
        below = page.breaks[position + 1] if position + 1 < len(page.breaks) else None
        end = below.index if below is not None else len(page.lines)
        if position and item.index - page.breaks[position - 1].index <= 3 and item.count is None:
            item = replace(item, count=page.breaks[position - 1].count)
        section = _Section([], item, below, [], item.index)
        section.records = _untimed_records(page, item.index + 1, end)[: item.count]
        count = len(section.records)
        if count and (item.count == count or (count > 1 and item.count is None)):
            return section
    return None


def _untimed_records(page: Page, start: int, end: int) -> list[_Record]:
    """Split lines at reply buttons or at the numbers of a list; each part opens with a name."""
    lines = page.lines[start:end]
    replies = [i for i, line in enumerate(lines) if line.text and is_reply_button(line.text)]
    numbers = [i for i, line in enumerate(lines) if line.number is not None]
    if replies:
        bounds = [0, *[i + 1 for i in replies]]
    elif len(numbers) > 1 and [lines[i].number for i in numbers] == list(
        range(1, len(numbers) + 1)
    ):
        bounds = [*numbers, len(lines)]
    else:
        return []
    records: list[_Record] = []
    for first, last in pairwise(bounds):
        block = [line for line in lines[first:last] if line.text and not is_buttons(line.text)]
        if len(block) < 2 or not _opens_with_name(block[0]):
            return []
        header = _Header(start + first, start + first, _clean_name(block[0].text), None, "")
        record = _Record(header, block[1:], reply=bool(replies))
        while len(record.body) > 1 and _is_header_rest(record, record.body[0]):
            record.body.pop(0)
        if not any(is_running(line) for line in record.body):
            return []
        records.append(record)
    return records


# Comments


def _make_comments(
    page: Page, records: Sequence[_Record], now: datetime | None
) -> Iterator[Comment]:
    """Turn records into comments, with depth and parent from indentation or "in reply to"."""
    day_first = guess_day_first(record.header.time or "" for record in records)
    indents = _indents(page, records)
    stack: list[tuple[int, str, int]] = []  # indent, id, depth of the comments that are open
    by_author: dict[str, tuple[str, int]] = {}
    for number, (record, indent) in enumerate(zip(records, indents, strict=True), 1):
        while stack and stack[-1][0] > indent - 2:
            stack.pop()
        parent, depth = (stack[-1][1], stack[-1][2] + 1) if stack else (None, 0)
        if parent is None and record.answers in by_author:
            parent, depth = by_author[record.answers][0], by_author[record.answers][1] + 1
        identity, header = str(number), record.header
        stack.append((indent, identity, depth))
        if header.name:
            by_author[fold(header.name)] = (identity, depth)
        time = header.time.strip() if header.time else None
        published = parse_time(time, now=now, day_first=day_first) if time else None
        yield Comment(
            id=identity,
            text=join_lines(record.body, page.width),
            author=header.name,
            published=published,
            parent_id=parent,
            depth=depth,
            published_text=time if published is None else None,
        )


def _indents(page: Page, records: Sequence[_Record]) -> list[int]:
    """Return where each record's header begins; where its name was lost, where it would have."""
    lines = page.lines
    offsets = [
        lines[r.header.last].indent - lines[r.header.first].indent
        for r in records
        if r.header.first < r.header.last
    ]
    usual = int(median(offsets)) if len(offsets) * 2 > len(records) else 0
    found = []
    for record in records:
        header = record.header
        indent = lines[header.first].indent
        if header.first == header.last and usual:
            indent -= usual
        found.append(max(0, indent))
    return found

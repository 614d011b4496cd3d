"""Article and comments out of a saved HTML page."""

import copy
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from stance.parsing.article import LARGEST_READ, keep_beginning, read_article
from stance.parsing.blocks import inline_text
from stance.parsing.fields import Record
from stance.parsing.induction import (
    Candidate,
    are_from_elsewhere,
    find_candidates,
    is_believable,
    is_elsewhere,
)
from stance.parsing.markup import FAMILIES, HOSTED_ELSEWHERE, INDUCED
from stance.parsing.records import Group, find_records, read_group
from stance.parsing.selectors import elements, select, strings, without_idle
from stance.parsing.structured import read_json_ld
from stance.thread import Comment, Thread

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_FORUM = re.compile(
    r"//(?:forum|forums|community|discuss|board|boards)\.|[/.](?:forum|forums|foren|foro|foros|forumet|"
    r"viewtopic|showthread|threads?|topics?|topic|t|discussion|discussions|board)[/.?-]",
    re.IGNORECASE,
)
_FORUM_SCRIPT = re.compile(r"(?:posting|newreply|showpost|viewtopic|showthread)\.php")
_NAMES = tuple(  # one path each: a union of attributes takes quadratic time
    etree.XPath(f"//@{name}", smart_strings=False)
    for name in ("class", "id", "component", "typeof", "itemtype", "itemprop")
)
_LINKS = etree.XPath(".//@href", smart_strings=False)
_COMPONENTS = etree.XPath("//*[contains(name(), '-')]")
LARGEST_UNSAMPLED = 400  # induced records; of more, so many are looked at before all are read
WHOLE = 0.8  # mean score of a family's records below which induction may do better
WHOLE_ENOUGH = 0.97  # mean score from which no other family is tried
_POST_NUMBER = re.compile(r"#\s?(\d{1,6})")
_TOO_DEEP = "the page nests elements more than 2,000 deep: what follows was not read"
# One class for every tag: asking Python for the class of each element is a tenth of all time.
_ONE_CLASS = etree.ElementDefaultClassLookup(element=HtmlElement)
_TOO_LONG = (
    f"beside its comments the page has more than {LARGEST_READ:,} elements: "
    "only the first of them were searched for the article"
)
LARGEST_UNCHECKED = 128 * 1024  # characters of a page whose attributes need not be counted
MOST_ATTRIBUTES = 1_000  # of one tag: the parser compares each with all before it
_ATTRIBUTE = r"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>]*+))?+"""
_LONG_TAG = re.compile(
    rf"(<[a-zA-Z][^\s/>]*+(?:{_ATTRIBUTE}){{0,{MOST_ATTRIBUTES}}}+)(?:{_ATTRIBUTE})*+"
)
_EMPTY_PAGE = "<html><body></body></html>"


def parse_html(
    markup: str, *, source: str = "-", url: str | None = None, now: datetime | None = None
) -> Thread:
    """Read the article and the comments of a page.

    Parameters
    ----------
    markup : str
        HTML, however broken.
    source : str
        Path or name of the page, passed on.
    url : str, optional
        Where the page was saved from, if known.
    now : datetime, optional
        Reference for relative times ("3 hours ago").

    Returns
    -------
    Thread
        Of format "html".

    Examples
    --------
    >>> page = '''<article><h1>Trams</h1><p>The city plans a new line.</p></article>
    ... <ol class="commentlist"><li class="comment even depth-1" id="comment-7"><cite class="fn">
    ... Ada</cite> <time datetime="2021-10-15T17:35:00">Friday</time><p>At last!</p></li></ol>'''
    >>> thread = parse_html(page)
    >>> thread.comments
    (Comment(id='7', text='At last!', author='Ada', published='2021-10-15T17:35:00', ...),)
    """
    tree, notes = read_tree(markup)
    stated = read_json_ld(tree)
    group = find_comments(tree, now)
    if group is None:
        notes += () if stated else note_hosted(tree, markup)
        notes += note_cut(tree)
        return Thread(source, "html", read_article(tree, url=url), tuple(stated), 0, notes)
    opening = take_opening(group)
    notes += note_cut(group.tree)
    article = read_article(group.tree, url=url, opening=opening)
    deleted = sum(record.deleted for record in group.records)
    shown = to_comments(group.records)
    comments = tuple(stated) if len(stated) > len(shown) else shown
    return Thread(source, "html", article, comments, deleted, notes)


def note_cut(tree: HtmlElement) -> tuple[str, ...]:
    """Keep of a tree what is searched for the article; return a line where that is not all."""
    return (_TOO_LONG,) if keep_beginning(tree) else ()


def note_hosted(tree: HtmlElement, markup: str) -> tuple[str, ...]:
    """Return a line for each service that keeps the page's comments, which the page then lacks."""
    return tuple(
        f"comments are hosted by {name} and are not part of the saved page"
        for name, words, selector in HOSTED_ELSEWHERE
        if any(word in markup for word in words) and select(tree, selector)
    )


def take_opening(group: Group) -> Record | None:
    """Take the opening post of a forum thread out of a group: it is the article."""
    opening = group.family.opening
    if group.family is INDUCED and _is_forum(group):
        opening = "first"
    if not opening:
        return None
    if opening == "first":
        first = group.records[0]
        if first.deleted or is_later_page(group.records):
            return None
        group.records.pop(0)
        for record in group.records:
            if record.parent is not None:
                record.parent = record.parent - 1 if record.parent > 0 else None
        return first
    found = select(group.tree, opening)
    if not found:
        return None
    post = document_fromstring(_EMPTY_PAGE)
    post.append(copy.deepcopy(found[0]))
    return read_group(post, [post[-1]], replace(group.family, pingback=(), deleted=())).records[0]


def _is_forum(group: Group) -> bool:
    """Tell from the address of a page, or of its first post, whether it is a forum thread."""
    links = select(group.tree, "link[rel='canonical'], meta[property='og:url']")
    addresses = [link.get("href") or link.get("content") or "" for link in links]
    for link in strings(_LINKS, group.records[0].element):
        if "#" in link:
            addresses.append(link)
        elif _FORUM_SCRIPT.search(link):
            return True
    return any(map(_FORUM.search, addresses))


def is_later_page(records: Sequence[Record]) -> bool:
    """Tell from the numbers beside its posts whether a page continues a thread."""
    first = post_number(records[0])
    if first is None or first == 1 or first % 5 != 1:
        return False
    return len(records) == 1 or post_number(records[1]) == first + 1


def post_number(record: Record) -> int | None:
    """Return the number that a forum shows beside a post ("#21")."""
    for element in record.element.iter("a", "span", "li", "strong"):
        if match := _POST_NUMBER.fullmatch(inline_text(element)[:12]):
            return int(match[1])
    return None


def read_tree(markup: str) -> tuple[HtmlElement, tuple[str, ...]]:
    """Parse markup of any quality into a tree; say so where the parser gave up on its depth."""
    parser = HTMLParser(
        remove_comments=True, remove_pis=True, encoding="utf-8", huge_tree=True, no_network=True
    )
    parser.set_element_class_lookup(_ONE_CLASS)
    if len(markup) > LARGEST_UNCHECKED:
        markup = _LONG_TAG.sub(r"\1", markup)
    data = _UNPRINTABLE.sub(" ", markup).encode("utf-8")
    try:
        tree = document_fromstring(data, parser=parser)
    except etree.ParserError:
        return document_fromstring(_EMPTY_PAGE, parser=parser), ()
    last = parser.error_log.last_error
    return tree, (_TOO_DEEP,) if last is not None and last.level_name == "FATAL" else ()


def find_comments(tree: HtmlElement, now: datetime | None) -> Group | None:
    """Return the records that read best: of a known family, else induced."""
    best: Group | None = None
    page: HtmlElement | None = None
    names = _names_in(tree)
    for family in FAMILIES:
        if not any(hint in names for hint in family.hints):
            continue
        family = without_idle(family, names)
        if not family.record:
            continue
        page = copy.deepcopy(tree) if page is None else page
        found = find_records(page, family)
        if not found:
            continue
        found = [element for element in found if not is_elsewhere(element)] or found
        group = read_group(page, found, family, now)
        page = None
        if are_from_elsewhere(group.records):
            continue
        if best is None or group.score > best.score + 0.01:
            best = group
        if 0 < WHOLE_ENOUGH * _count_real(best) <= best.score:
            return best
    if best is None or best.score < WHOLE * len(best.records):
        induced = induce_comments(tree, now)
        if induced is not None and (best is None or induced.score > best.score):
            best = induced
    return best if best is not None and best.score > 0 else None


def _count_real(group: Group) -> int:
    """Count the records that should hold a text and its author."""
    return sum(not record.deleted and not record.pingback for record in group.records)


def _names_in(tree: HtmlElement) -> str:
    """Return each class, id, component and tag name of a page once."""
    names = {element.tag for element in elements(_COMPONENTS, tree)}
    for path in _NAMES:
        names.update(strings(path, tree))
    return "\n".join(names)


def induce_comments(tree: HtmlElement, now: datetime | None) -> Group | None:
    """Find comments in markup of no known family."""
    best: Group | None = None
    candidates = find_candidates(tree)
    if not candidates:
        return None
    order = {element: number for number, element in enumerate(tree.iter())}
    for candidate in candidates:
        if len(candidate.records) > LARGEST_UNSAMPLED:
            sample = replace(candidate, records=_evenly(candidate.records, LARGEST_UNSAMPLED))
            if not is_believable(_read_candidate(tree, sample, order, now), sample):
                continue
        group = _read_candidate(tree, candidate, order, now)
        if is_believable(group, candidate) and (best is None or group.score > best.score):
            best = group
    return best


def _evenly(
    records: tuple[tuple[HtmlElement, ...], ...], count: int
) -> tuple[tuple[HtmlElement, ...], ...]:
    return tuple(records[number * len(records) // count] for number in range(count))


def _read_candidate(
    tree: HtmlElement, candidate: Candidate, order: dict[HtmlElement, int], now: datetime | None
) -> Group:
    """Read a candidate's records out of a copy of the page."""
    page = copy.deepcopy(tree)
    copies = list(page.iter())
    found = [_held_together([copies[order[part]] for part in parts]) for parts in candidate.records]
    return read_group(page, found, INDUCED, now)


def _held_together(parts: Sequence[HtmlElement]) -> HtmlElement:
    """Return one element that holds all parts, in their place."""
    if len(parts) == 1:
        return parts[0]
    holder = parts[0].makeelement("div")
    parts[0].addprevious(holder)
    for part in parts:
        holder.append(part)
    return holder


def to_comments(records: Sequence[Record]) -> tuple[Comment, ...]:
    """Return numbered comments; leave out what is no comment."""
    shown = [
        record for record in records if record.lines and not record.pingback and not record.deleted
    ]
    ids: dict[int, str] = {}
    used: set[str] = set()
    depths: dict[int, int] = {}
    above: dict[int, int | None] = {}  # of each record left out, the nearest one above it
    where = {id(record): number for number, record in enumerate(records)}
    comments = []
    for order, record in enumerate(shown, 1):
        number = where[id(record)]
        name = record.key or str(order)
        if name in used:
            name = f"{name}-{order}"
        used.add(name)
        ids[number] = name
        passed, parent = [], record.parent
        while parent is not None and parent not in ids:
            passed.append(parent)
            parent = above[parent] if parent in above else records[parent].parent
        above.update(dict.fromkeys(passed, parent))
        depths[number] = 0 if parent is None else depths[parent] + 1
        comments.append(
            Comment(
                id=name,
                text=record.text,
                author=record.author,
                published=record.published,
                parent_id=None if parent is None else ids[parent],
                depth=depths[number],
                likes=record.likes,
                published_text=None if record.published else record.time_text,
            )
        )
    return tuple(comments)

"""Groups of records: found in a tree, taken out of it, read, and rated."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree
from lxml.html import HtmlElement

from stance.parsing import markup
from stance.parsing.dates import guess_day_first, parse_time
from stance.parsing.fields import Record, read_fields
from stance.parsing.markup import Family
from stance.parsing.nesting import read_level, read_margin, read_nesting
from stance.parsing.roles import own_number
from stance.parsing.selectors import select

_DIGITS = re.compile(r"\d+")
_DELETED = re.compile(markup.DELETED_TEXT, re.IGNORECASE)


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

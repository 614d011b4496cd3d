"""The article of a plain-text page: its title, author, date and running text."""

import re
from collections.abc import Sequence
from datetime import datetime

from stance.parsing import phrases
from stance.parsing.dates import find_time, parse_time
from stance.parsing.phrases import fold
from stance.parsing.textlines import Line, Page, count_words, is_buttons, join_lines
from stance.thread import Article

_CREDITS = phrases.phrase_pattern(phrases.CREDITS)
_BY_WORD = (
    r"[Ww]ritten [Bb]y|[Pp]osted [Bb]y|[Pp]ublished [Bb]y|[Bb]y|BY|[Vv]on|[Pp]ar|[Pp]or|[Dd]oor|"
    r"[Tt]ext:|[Aa]uthor:|[Aa]utor(?:in)?:|[Aa]uteur ?:|[Аа]втор:"
)
_NAME = r"[^\W\d_][\w'’.-]{0,30}"
_BY = re.compile(
    rf"(?:^|[\s|·•(])(?:{_BY_WORD})\s{{1,3}}(?P<name>{_NAME}"
    r"(?:\s(?:(?:von|van|de|del|da|di|der|den|le|la)\s){0,2}[^\W\d_a-zа-я][\w'’.-]{0,30}){0,3})"
)
_WRITTEN_BY = re.compile(
    r"^(?:written by|about the author|uber den autor|a propos de l'auteur)\W*$"
)
_BIO = re.compile(
    r"^(?P<name>(?:[^\W\d_a-z][\w'’.-]{0,30}\s){1,3}[^\W\d_a-z][\w'’-]{0,30})"
    r"(?:,\s[^,]{1,60}){0,2},?\s(?:is|was|ist|est|es|è|é|jest|works|writes|lives|has)\s"
)
_SENTENCE_END = (".", "!", "?", "…", "。", "”", '"', "»", ":")
TITLE_REACH = 14  # lines above the text in which its title may stand


def read_article(page: Page, end: int, now: datetime | None) -> Article | None:
    """Read the article from the lines before `end`, where the comments begin.

    Returns
    -------
    Article or None
        None where those lines hold no running text.
    """
    blocks = _blocks(page, end)
    stretch = _densest(page, blocks)
    if stretch is None:
        return None
    first, last = stretch
    start = blocks[first][0]
    title, title_index = _find_title(page, start, end, blocks[first : last + 1])
    author = _find_author(page, title_index, start, blocks[last][1], end)
    kept = _trim(page, blocks[first : last + 1], author)
    published = _find_date(page, title_index if title_index is not None else start, start, now)
    text = "\n\n".join(join_lines(page.lines[a:b], page.width) for a, b in kept)
    return Article(title, author, published, text)


def read_title(page: Page, end: int) -> str | None:
    """Return the likeliest title among the lines before `end`, where no article text stands."""
    return _find_title(page, end, end, ())[0]


def _blocks(page: Page, end: int) -> list[tuple[int, int]]:
    """Return the paragraphs before `end` as line ranges: lines between blank lines."""
    blocks: list[tuple[int, int]] = []
    stops = {item.index for item in page.breaks}
    for index, line in enumerate(page.lines[:end]):
        parted = line.blanks or line.level or line.marked or index in stops
        if blocks and not parted and (index - 1) not in stops:
            blocks[-1] = (blocks[-1][0], index + 1)
        else:
            blocks.append((index, index + 1))
    return blocks


def _densest(page: Page, blocks: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Return the stretch of blocks with most running text: the maximum sum of their worth."""
    best = 0.0
    best_range: tuple[int, int] | None = None
    total, begin = 0.0, 0
    stops = {item.index for item in page.breaks if item.kind != "comments"}
    for position, block in enumerate(blocks):
        worth = -12.0 if block[0] in stops else _worth(page.lines[slice(*block)])
        if total <= 0:
            total, begin = 0.0, position
        total += worth
        if worth > 0 and total > best:
            best, best_range = total, (begin, position)
    return best_range


def _worth(lines: Sequence[Line]) -> float:
    """Return the words of a running paragraph, less than nothing for menus and captions."""
    text = " ".join(line.text for line in lines)
    count = count_words(text)
    ends = text.rstrip("*)] ").endswith(_SENTENCE_END)
    if count >= 20 or (count >= 8 and ends):
        return float(min(count, 80))
    if count >= 4 and ends:
        return float(count) / 2
    return -4.0 if not is_buttons(text) else -6.0


def _find_title(
    page: Page, start: int, end: int, body: Sequence[tuple[int, int]]
) -> tuple[str | None, int | None]:
    """Return the title and its line: the likeliest of the short lines above the text."""
    words = {
        word
        for a, b in body
        for line in page.lines[a:b]
        for word in fold(line.text).split()
        if len(word) > 3
    }
    headings = " ".join(
        fold(page.lines[item.index].text) for item in page.breaks if item.kind == "comments"
    )
    best, best_score, best_index = None, 0.0, None
    for index in [*range(min(3, start)), *range(max(3, start - 60), start)]:
        line = page.lines[index]
        if not 1 <= count_words(line.text) <= 30 or len(line.text) > 250:
            continue
        score = _title_score(page, line, start - index, words, headings)
        if score > best_score:
            best, best_score, best_index = line.text, score, index
    return best, best_index


def _title_score(page: Page, line: Line, distance: int, words: set[str], headings: str) -> float:
    folded = fold(line.text)
    if is_buttons(line.text) or _CREDITS.match(folded) or line.text.endswith((",", ";")):
        return 0.0
    if find_time(line.text) is not None and count_words(line.text) < 10:
        return 0.0
    own = [word for word in folded.split() if len(word) > 3]
    shared = sum(word in words for word in own)
    score = min(count_words(line.text), 12) / 2 + 2.0 * shared - 0.15 * distance
    score += 12.0 if len(folded) > 8 and folded in headings else 0.0
    score += {1: 8.0, 2: 3.0}.get(line.level, 0.0)
    score += 3.0 if not line.marked else 0.0
    score -= 4.0 if line.text.endswith((".", "?", ":")) else 0.0
    return score if own else score / 3


def _find_author(
    page: Page, title_index: int | None, start: int, last: int, end: int
) -> str | None:
    """Return who wrote the text: from a byline around its title, or the biography below it."""
    top = max(0, (title_index if title_index is not None else start) - 2)
    for line in page.lines[top:start]:
        if len(line.text) <= 120 and (match := _BY.search(line.text)) is not None:
            return match["name"].strip(" .-")
    for index in range(max(start, last - 4), min(end, last + 12)):
        text = page.lines[index].text
        if _WRITTEN_BY.match(fold(text)) and index + 1 < end:
            after = page.lines[index + 1].text
            bio = _BIO.match(after[:200])
            if bio is not None:
                return bio["name"]
            return after if count_words(after) <= 5 else None
        if (match := re.match(r"(?:[Pp]osted|[Ww]ritten) by:? ", text)) and len(text) <= 120:
            found = _BY.search(text)
            return found["name"].strip(" .-") if found else None
    return None


def _find_date(page: Page, top: int, start: int, now: datetime | None) -> str | None:
    """Return the first time that stands in a short line between title and text, or near them."""
    for index in [*range(top, start), *range(max(0, top - 4), top)]:
        text = page.lines[index].text
        if len(text) <= 160 and (span := find_time(text)) is not None:
            return parse_time(text[span[0] : span[1]], now=now)
    return None


def _trim(
    page: Page, blocks: Sequence[tuple[int, int]], author: str | None
) -> Sequence[tuple[int, int]]:
    """Take biography and boilerplate from the end of the text, captions from its beginning."""
    stops = {item.index for item in page.breaks if item.kind != "comments"}
    half = sum(b - a for a, b in blocks) // 3
    seen = 0
    for position, (a, b) in enumerate(blocks):
        if a in stops and seen >= half and position:
            blocks = blocks[:position]
            break
        seen += b - a
    while len(blocks) > 1 and _is_closing(page.lines[blocks[-1][0]], author):
        blocks = blocks[:-1]
    while len(blocks) > 1 and _is_caption(page.lines[slice(*blocks[0])]):
        blocks = blocks[1:]
    return blocks


def _is_caption(lines: Sequence[Line]) -> bool:
    """Tell a caption or credit above the text, or a menu."""
    words = sum(count_words(line.text) for line in lines)
    credited = any(_CREDITS.match(fold(line.text[:60])) is not None for line in lines)
    return _worth(lines) <= 0 or (credited and words < 25)


def _is_closing(line: Line, author: str | None) -> bool:
    """Tell a biography or a short line without a sentence at the end of an article."""
    bio = _BIO.match(line.text[:200])
    if bio is not None and (author is None or fold(bio["name"]) == fold(author)):
        return True
    if author and fold(line.text).startswith(fold(author)):
        return True
    return _worth([line]) < 0 and not line.text.endswith(_SENTENCE_END)

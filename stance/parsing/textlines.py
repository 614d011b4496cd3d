"""The lines of a plain-text page: their indentation, list markers and kind."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from stance.parsing import phrases
from stance.parsing.dates import find_time
from stance.parsing.phrases import fold

_LINE_ENDS = re.compile(r"\r\n?|[\v\f\u0085\u2028\u2029]")
_INVISIBLE = re.compile("[\ufeff\u200b\u200e\u200f\u2060\u202a-\u202e\u2066-\u2069\0]")
_SPACES = re.compile("[\u00a0\u2007\u202f\u2009\u3000]")
_MARKDOWN_HEADING = re.compile(r"^[ ]{0,12}(?:[\d*+.]{1,4}[ ])?[ ]?#{1,6}[ ]\S", re.MULTILINE)
_MARKDOWN_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!>|])")
_MARKDOWN_LINK = re.compile(
    r"!?\[([^\[\]\n]{0,300})\]\([^()\s]{0,1000}(?:[ ]\"[^\"\n]{0,200}\")?\)"
)
_LYNX_REFERENCES = re.compile(r"^References\n{1,2}[ ]{1,3}1\. \S{1,20}:", re.MULTILINE)
_LYNX_LINK = re.compile(r"\[\d{1,4}\](?=\S)")
_LYNX_BUTTON = re.compile(r"^\(BUTTON\)\s?")
_PLACEHOLDER = re.compile(
    r"^(?:(?:\[[\w:.,… -]{0,40}\][ ]?){1,12}|\[[ _]{3,200}\]|_{4,300}|-{4,300}|={4,300}|\*{3,300})$"
)
_FIELD = re.compile(r"\[[ _]{3,}\]?|_{5,}")  # of a form
_NUMBER = re.compile(r"(\d{1,5})[.)](?:\s{1,8}|$)")
_BULLET = re.compile(r"(?:[*+•●○◦□■▪‣]|[o–-](?=[ ]{1,3}\S))(?:\s{1,8}|$)")
_HEADING = re.compile(r"(#{1,6})(?:\s{1,4}|$)")
_WORDS = re.compile(r"\w+")
_LETTERS = re.compile(r"[^\W\d_]+")
_GLUED = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])")  # "ReplyDelete": two links without a space
_TOKENS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+")
_DIGITS = re.compile(r"\d+")

_BUTTON_WORDS = phrases.folded_set(phrases.BUTTON_WORDS)
_REPLY_WORDS = phrases.folded_set(phrases.REPLY_WORDS)
_NOUNS = phrases.folded_set(phrases.COMMENT_NOUNS)
_WEAK_NOUNS = phrases.folded_set(phrases.WEAK_NOUNS)
_FILLERS = phrases.folded_set(phrases.COMMENT_FILLERS)
_FORMS = phrases.phrase_pattern(phrases.COMMENT_FORMS)
_SECTION_LINES = phrases.folded_set(phrases.OTHER_SECTIONS)
_ADVERTS = phrases.folded_set(phrases.ADVERTS)
_SECTION_STARTS = phrases.phrase_pattern(
    tuple(phrase for phrase in phrases.OTHER_SECTIONS if " " in phrase)
)
_NONE_WORDS = {"no", "keine", "aucun", "sin", "nessun", "sem", "geen", "brak", "нет", "0"}
_MORE_WORDS = {"more", "load", "show", "view", "hide"}
_COUNT_WORDS = {"one", "ein", "eine", "un", "una", "uno", "um", "een"}
LONGEST_HEADING = 120  # characters
WRAP_SHARE = 0.78  # of the page's width: a line that long was broken by the renderer


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank.

    Parameters
    ----------
    text : str
        Without indentation and list marker.
    full : str
        With its marker, but without indentation and Markdown heading signs.
    indent : int
        Columns before the first character, marker included.
    number : int or None
        Of a numbered list.
    marked : bool
        Whether a number, bullet or heading sign stands before the text.
    level : int
        Of a Markdown heading, 0 for none.
    blanks : int
        Blank lines directly above.
    end : int
        Column after the last character.
    """

    text: str
    full: str
    indent: int = 0
    number: int | None = None
    marked: bool = False
    level: int = 0
    blanks: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Break:
    """A line that parts the page: a comments heading, a comment form, another section."""

    index: int
    kind: str  # "comments", "form" or "section"
    count: int | None = None  # as a comments heading declares it


@dataclass(slots=True)
class Page:
    """The lines of a page with what is known of them."""

    lines: list[Line]
    width: int  # at which the renderer broke lines; 0 where it did not
    breaks: list[Break] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)


def read_page(text: str) -> Page:
    """Split a plain-text page into lines, taking out what its renderer put in."""
    lines = list(_read_lines(_clean(text)))
    page = Page(lines, _wrap_width(lines))
    page.repeats = Counter(pattern_of(line.text) for line in lines if len(line.text) <= 200)
    page.breaks = _find_breaks(page)
    return page


def join_lines(lines: Sequence[Line], width: int) -> str:
    """Return running text: wrapped lines joined, paragraphs parted by a blank line."""
    parts: list[str] = []
    for position, line in enumerate(lines):
        if position:
            before = lines[position - 1]
            wrapped = width and before.end >= WRAP_SHARE * width and not line.marked
            parts.append("\n\n" if line.blanks else " " if wrapped else "\n")
        parts.append(line.full)
    return "".join(parts).strip()


def count_words(text: str) -> int:
    """Count words; a text in a script without spaces counts a word for two letters.

    Examples
    --------
    >>> count_words("Trams are back."), count_words("路面電車は良い")
    (3, 4)
    """
    words = _WORDS.findall(text)
    return sum(1 if word.isascii() or word < "\u2e80" else (len(word) + 1) // 2 for word in words)


def pattern_of(text: str) -> str:
    """Return what two lines have in common that differ in their numbers alone."""
    return _DIGITS.sub("0", text.casefold())


def is_buttons(text: str) -> bool:
    """Tell whether a line consists of nothing but what buttons and links below a comment say."""
    return len(text) <= LONGEST_HEADING and _is_buttons(text)


@lru_cache(maxsize=4096)
def _is_buttons(text: str) -> bool:
    words = _LETTERS.findall(fold(_GLUED.sub(" ", text)))
    known = sum(word in _BUTTON_WORDS for word in words)
    return known > 0 and known == sum(len(word) > 1 or word in _BUTTON_WORDS for word in words)


def is_reply_button(text: str) -> bool:
    """Tell whether a line of buttons offers to reply."""
    return len(text) <= LONGEST_HEADING and _is_reply_button(text)


@lru_cache(maxsize=4096)
def _is_reply_button(text: str) -> bool:
    words = _LETTERS.findall(fold(_GLUED.sub(" ", text)))
    return any(word in _REPLY_WORDS for word in words) and is_buttons(text)


def is_advert(text: str) -> bool:
    """Tell whether a line says that an advertisement stood there, and nothing else."""
    return len(text) <= LONGEST_HEADING and fold(text) in _ADVERTS


def is_running(line: Line) -> bool:
    """Tell whether a line reads like part of a sentence, not like a name or a menu entry."""
    return (_is_running if len(line.text) > 400 else _is_running_short)(line.text)


def _is_running(text: str) -> bool:
    count = count_words(text)
    ends = text.rstrip("\"'”’»)* ").endswith((".", "!", "?", "…", "。", "！", "？", ":", ";"))
    return (count >= 8 or (ends and count >= 4)) and not is_buttons(text)


_is_running_short = lru_cache(maxsize=4096)(_is_running)  # neighbouring headers ask the same


def _clean(text: str) -> str:
    text = _SPACES.sub(" ", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text)))
    if _MARKDOWN_HEADING.search(text):
        text = _MARKDOWN_ESCAPE.sub(r"\1", _MARKDOWN_LINK.sub(r"\1", text))
    references = _LYNX_REFERENCES.search(text)
    if references is not None:
        text = _LYNX_LINK.sub("", text[: references.start()])
    return text


def _read_lines(text: str) -> list[Line]:
    lines: list[Line] = []
    blanks = 0
    for raw in text.split("\n"):
        expanded = raw.expandtabs(8).rstrip() if "\t" in raw else raw.rstrip()
        body = expanded.lstrip()
        if not body or _is_placeholder(body):
            blanks += 1
            continue
        lines.append(_read_line(body, len(expanded) - len(body), blanks))
        blanks = 0
    return lines


def _read_line(body: str, indent: int, blanks: int) -> Line:
    text, full, number, level, marked = body, body, None, 0, False
    for _ in range(3):  # "  2. ##### Ada"
        if match := _HEADING.match(text):
            level = len(match[1])
            full = full.replace(match[0], "", 1)
        elif (match := _NUMBER.match(text)) and number is None and not _begins_with_date(text):
            number = int(match[1])
        elif not (match := _BULLET.match(text)):
            break
        marked = True
        text = text[match.end() :]
    text = _LYNX_BUTTON.sub("", text).strip()
    if marked and _is_placeholder(text):
        text = ""
    return Line(text, full.strip(), indent, number, marked, level, blanks, indent + len(body))


def _is_placeholder(text: str) -> bool:
    """Tell what a renderer prints for an image, an input field or a rule."""
    return _PLACEHOLDER.match(text) is not None and text.lower() not in ("[deleted]", "[removed]")


def _begins_with_date(text: str) -> bool:
    """Tell "11. Dezember 2012" from an eleventh entry."""
    span = find_time(text[:60])
    return span is not None and span[0] == 0


def _wrap_width(lines: Sequence[Line]) -> int:
    """Return the column at which the renderer broke lines, 0 where it did not."""
    ends = sorted(line.end for line in lines if line.end > 60)
    if not ends or ends[-1] > 250:
        longest = sum(end > 250 for end in ends)
        if not ends or longest > len(ends) // 200:
            return 0
    width = ends[min(len(ends) - 1, len(ends) * 98 // 100)]
    near = sum(end > 0.85 * width for end in ends)
    return width if width <= 250 and near >= 5 and near > 0.3 * len(ends) else 0


def _find_breaks(page: Page) -> list[Break]:
    breaks = []
    for index, line in enumerate(page.lines):
        before = page.lines[index - 1] if index else line
        wrapped = page.width and not line.blanks and before.end >= WRAP_SHARE * page.width
        if len(line.text) <= LONGEST_HEADING and line.text and not wrapped:
            found = _read_break(line, page.repeats)
            if found is not None:
                breaks.append(Break(index, *found))
    return breaks


def _read_break(line: Line, repeats: Counter[str]) -> tuple[str, int | None] | None:
    folded = fold(line.text).strip("±{}[]()*#|»«<>·•:=- ")
    if not folded or repeats[pattern_of(line.text)] >= 3:  # a button of every comment
        return None
    if _FORMS.match(folded) or _FIELD.search(line.text):
        return "form", None
    if folded in _SECTION_LINES or _SECTION_STARTS.match(folded):
        return "section", None
    return _read_comments_heading(folded)


def _read_comments_heading(folded: str) -> tuple[str, int | None] | None:
    """Read "15 Comments", "Kommentare (3)", "3 Gedanken zu „…“"."""
    tokens = _TOKENS.findall(folded)
    noun = next((position for position, token in enumerate(tokens) if token in _NOUNS), None)
    if noun is None or noun > 4 or len(tokens) > 24 or _is_more_button(tokens, noun):
        return None
    count = _count_beside(tokens, noun)
    rest = [t for t in tokens if t not in _NOUNS and t not in _FILLERS and not t.isdigit()]
    if noun == 1 and tokens[0] in _NONE_WORDS and len(tokens) <= 6:
        return "comments", 0
    if not rest and (count is not None or tokens[noun] not in _WEAK_NOUNS):
        return "comments", count
    if count is not None and not set(tokens[:noun]) & set(rest) and find_time(folded) is None:
        return "comments", count  # "3 thoughts on TITLE"
    return None


def _is_more_button(tokens: Sequence[str], noun: int) -> bool:
    """Tell "Show 2 more replies", a button between comments, from the heading "2 replies"."""
    return tokens[noun] == "replies" and not _MORE_WORDS.isdisjoint(tokens)


def _count_beside(tokens: Sequence[str], noun: int) -> int | None:
    """Return the number that stands at most two words before a noun or directly after it."""
    for token in [*reversed(tokens[max(0, noun - 2) : noun]), *tokens[noun + 1 : noun + 2]]:
        if token.isdigit() and len(token) < 7:
            return int(token)
        if token in _COUNT_WORDS:
            return 1
    return None

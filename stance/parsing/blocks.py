"""The visible text of an element as lines: paragraphs, line breaks, and what was marked in them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree
from lxml.html import HtmlElement

LONGEST_START = 200  # characters of an element's text that tell a name, a time or a count
_SPACES = re.compile(r"\s+")
_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufe0f\ufeff\u00ad]{1,400}")


def _tags(text: str) -> frozenset[str]:
    return frozenset(text.split())


PARAGRAPH_TAGS = _tags("p blockquote ul ol dl pre table h1 h2 h3 h4 h5 h6 hr figure aside details")
LINE_TAGS = _tags(
    "div li tr dt dd section article header footer main address fieldset form nav center "
    "summary figcaption option caption thead tbody tfoot body html legend"
)
SILENT_TAGS = _tags(
    "script style noscript template head title meta link button input select textarea option "
    "svg iframe object embed audio video canvas map math progress dialog"
)


@dataclass(slots=True)
class Line:
    """One line of text.

    Parameters
    ----------
    text : str
    gap : int
        Line ends before it: 1 for a new line, 2 for a new paragraph.
    marks : int
        Bitwise or of the marks of the elements that wrote into it.
    unmarked : int
        Characters that no marked element wrote.
    """

    text: str
    gap: int
    marks: int = 0
    unmarked: int = 0


class _Writer:
    """Collects text and breaks into lines."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._pieces: list[str] = []
        self._gap = 2
        self._marks = 0
        self._unmarked = 0
        self._breaks = 0

    def text(self, text: str, mark: int, preformatted: bool) -> None:
        if preformatted:
            first, *others = text.split("\n")
            self._write(first, mark)
            for other in others:
                self.line_break()
                self._write(other, mark)
        else:
            self._write(text, mark)

    def _write(self, text: str, mark: int) -> None:
        if text.isspace():
            self._pieces.append(" ")
            return
        self._pieces.append(text)
        if mark:
            self._marks |= mark
        else:
            self._unmarked += len(text.strip())

    def tag(self, tag: str, closing: bool = False) -> None:
        if tag == "br":
            if not closing:
                self.line_break()
        elif tag in PARAGRAPH_TAGS:
            self.block(2)
        elif tag in LINE_TAGS:
            self.block(1)
        elif tag in ("td", "th"):
            self._pieces.append(" ")

    def line_break(self) -> None:
        self.block(1)
        self._breaks += 1
        if self._breaks > 1:
            self._gap = 2

    def block(self, gap: int) -> None:
        text = " ".join("".join(self._pieces).split())
        if text and not _INVISIBLE.fullmatch(text):
            self.lines.append(Line(text, self._gap, self._marks, self._unmarked))
            self._gap = 1
            self._breaks = 0
        self._gap = max(self._gap, gap)
        self._pieces, self._marks, self._unmarked = [], 0, 0


def read_lines(
    root: HtmlElement,
    skipped: frozenset[HtmlElement] | set[HtmlElement] = frozenset(),
    marked: Mapping[HtmlElement, int] | None = None,
) -> list[Line]:
    """Return the lines of an element.

    Parameters
    ----------
    root : HtmlElement
    skipped : set of HtmlElement
        Left out with all they hold.
    marked : mapping of HtmlElement to int, optional
        Marks for the lines that these write into.

    Examples
    --------
    >>> from lxml.html import fromstring
    >>> [line.text for line in read_lines(fromstring("<div>One<br>two<p>Three</p></div>"))]
    ['One', 'two', 'Three']
    """
    marked = marked or {}
    writer = _Writer()
    marks = [0]
    preformatted = 0
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, element in walker:
        tag = element.tag
        silent = tag in SILENT_TAGS or element in skipped
        if event == "start":
            marks.append(marks[-1] | marked.get(element, 0))
            if silent:
                walker.skip_subtree()
                continue
            preformatted += tag == "pre"
            writer.tag(tag)
            if tag == "img":
                writer.text(_emoji(element), marks[-1], False)
            if element.text:
                writer.text(element.text, marks[-1], preformatted > 0)
        else:
            marks.pop()
            if not silent:
                preformatted -= tag == "pre"
                writer.tag(tag, closing=True)
            if element is not root and element.tail:
                writer.text(element.tail, marks[-1], preformatted > 0)
    writer.block(1)
    return writer.lines


def _emoji(image: HtmlElement) -> str:
    """Return what an emoji drawn as an image stands for."""
    kind = (image.get("class") or "").lower()
    drawn = image.get("alt") or ""
    if ("emoji" in kind or "smil" in kind) and not any(c.isalpha() and c.isascii() for c in drawn):
        return f" {drawn} "
    return " "


def join_lines(lines: list[Line]) -> str:
    r"""Join lines into a text whose paragraphs are parted by a blank line.

    Examples
    --------
    >>> join_lines([Line("One", 2), Line("two", 1), Line("Three", 2)])
    'One\ntwo\n\nThree'
    """
    parts: list[str] = []
    for line in lines:
        if parts:
            parts.append("\n\n" if line.gap > 1 else "\n")
        parts.append(line.text)
    return "".join(parts)


def inline_text(element: HtmlElement) -> str:
    """Return all text of an element on one line.

    Examples
    --------
    >>> from lxml.html import fromstring
    >>> inline_text(fromstring("<p> a <b>b</b> </p>"))
    'a b'
    """
    return " ".join("".join(element.itertext()).split())


def spaced_text(element: HtmlElement) -> str:
    """Return all text of an element on one line, a space between its parts.

    Examples
    --------
    >>> from lxml.html import fromstring
    >>> spaced_text(fromstring("<p><i>15.10.21</i><i>17:35</i></p>"))
    '15.10.21 17:35'
    """
    return " ".join(" ".join(element.itertext()).split())


@dataclass(frozen=True, slots=True)
class _Gist:
    """How the text of an element starts and how long it is, its white space single."""

    start: str = ""
    length: int = 0
    spaced: bool = False  # ends with a space

    def __add__(self, other: "_Gist") -> "_Gist":
        doubled = self.spaced and other.start.startswith(" ")
        start = self.start
        if len(start) < LONGEST_START:
            start = (start + other.start[doubled:])[:LONGEST_START]
        spaced = other.spaced if other.length else self.spaced
        return _Gist(start, self.length + other.length - doubled, spaced)


class Texts:
    """How the texts of all elements of a tree start, and how long they are.

    They are gathered in one pass: to ask each of many nested elements for its text takes quadratic
    time.

    Parameters
    ----------
    root : HtmlElement
        Must stay as it is.
    spaced : bool
        Whether a space stands between the parts, as in `spaced_text`.

    Examples
    --------
    >>> from lxml.html import fromstring
    >>> paragraph = fromstring("<p> a <b>b</b> </p>")
    >>> Texts(paragraph).start(paragraph), Texts(paragraph).size(paragraph)
    ('a b', 3)
    """

    def __init__(self, root: HtmlElement, *, spaced: bool = False) -> None:
        self._root = root
        self._margin = " " if spaced else ""
        self._gists: dict[HtmlElement, _Gist] = {}

    def start(self, element: HtmlElement) -> str:
        """Return the first characters of an element's text, of a short one all."""
        return self._gist(element).start.strip()

    def size(self, element: HtmlElement) -> int:
        """Return the length of an element's text."""
        gist = self._gist(element)
        edges = gist.start.startswith(" ") + (gist.spaced and gist.length > 1)
        return gist.length - edges

    def _gist(self, element: HtmlElement) -> _Gist:
        if not self._gists:
            for inner in reversed(list(self._root.iter())):  # what an element holds comes first
                self._gists[inner] = sum(self._parts(inner), _Gist())
        return self._gists[element]

    def _parts(self, element: HtmlElement) -> Iterator[_Gist]:
        yield self._read(element.text)
        for child in element:
            yield self._gists[child]
            yield self._read(child.tail)

    def _read(self, text: str | None) -> _Gist:
        if not text:
            return _Gist()
        text = _SPACES.sub(" ", f"{self._margin}{text}{self._margin}")
        return _Gist(text[:LONGEST_START], len(text), text.endswith(" "))

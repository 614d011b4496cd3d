"""Make the characters visible that a screen would obey instead of show.

Comments, names of authors, file names and error messages are other people's text. On a terminal
an escape sequence can move the cursor, retitle the window or hide what follows, and bidirectional
controls can make text read otherwise than it is stored (Boucher and Anderson 2021, "Trojan
Source").
"""

import re
from collections.abc import Iterable

# C0 and C1 controls but tab and line feed, half surrogate pairs, bidirectional and invisible
# format controls, line separators, and the tag characters that can carry a hidden text.
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def make_visible(text: str) -> str:
    r"""Return a text with each control character replaced by a sign for it.

    Tab and line feed stay. Joiners stay too: emoji and many scripts need them.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> make_visible("red \x1b[31m, bell \x07, turned \u202e")
    'red ␛[31m, bell ␇, turned ⟨U+202E⟩'
    """
    return _OBEYED.sub(_sign, text)


def make_line(text: str) -> str:
    r"""Return a text in one visible line: runs of white space become one space.

    Examples
    --------
    >>> make_line("no such file: 'a\nb\x1b'")
    "no such file: 'a b␛'"
    """
    return make_visible(" ".join(text.split()))


def cut_at_spans(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[str, bool]]:
    r"""Return the parts of a text and whether each is a span, control characters made visible.

    Parameters
    ----------
    text : str
    spans : iterable of (start, end)
        Characters of `text`, end exclusive; in rising order and apart from each other.

    Examples
    --------
    >>> cut_at_spans("you idiot\x07", [(4, 9)])
    [('you ', False), ('idiot', True), ('␇', False)]
    """
    segments, end = [], 0
    for start, stop in spans:
        segments += [(text[end:start], False), (text[start:stop], True)]
        end = stop
    segments.append((text[end:], False))
    return [(make_visible(part), is_span) for part, is_span in segments if part]


def _sign(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode's pictures of the control characters
    return "\u2421" if code == 0x7F else f"⟨U+{code:04X}⟩"

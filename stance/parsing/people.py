"""Names of people, without the words that stand around them."""

import re

from stance.parsing import markup
from stance.parsing.dates import find_time

LONGEST_NAME = 80
_SUFFIX = re.compile(
    rf"(?<=.)(?:\s{{1,3}}{markup.AUTHOR_SUFFIX})?\s{{0,3}}[:,|–—·•»]{{0,3}}$", re.IGNORECASE
)
PREFIX = re.compile(rf"^{markup.AUTHOR_PREFIX}\s{{0,2}}:?\s{{1,3}}", re.IGNORECASE)
_BY = re.compile(r"^(?:by|von|par|por)\s{1,3}:?\s{0,3}(?=\S)", re.IGNORECASE)
_BEFORE_TIME = re.compile(r"\s(?:on|at|am|um|le|el|il|em|den|op|on the)$", re.IGNORECASE)
_UNVERIFIED = re.compile(rf"\s{{0,3}}\((?:{markup.UNVERIFIED})\)", re.IGNORECASE)
_NUMBERED_REST = re.compile(r"\s[—–|·•@-]\s(?=\d)")
NAME_EDGES = " \t|·•–—»«-,"
SAYS = re.compile(
    rf"^(.{{1,60}}?)\s{{1,3}}{markup.AUTHOR_SUFFIX}\s{{0,2}}"
    r"(?::|$|[,.]{0,3}$|on\b|at\b|am\b|le\b|el\b)",
    re.IGNORECASE,
)
UNLETTERED = re.compile(r"[\W\d_]+")
_DIGITS = re.compile(r"\d+")


def clean_name(text: str, exact: bool = False) -> str | None:
    """Return a name without the words around it ("Ada says:", "Posted by Ada").

    With `exact` the page marks the name as such, so that only "by" and "says" are taken off.
    """
    if exact:
        text = _BY.sub("", text)
    else:
        text = PREFIX.sub("", text.strip(NAME_EDGES))
        span = find_time(text) if _DIGITS.search(text) else None
        if span is not None and span[0] > 0:
            text = text[: span[0]].rstrip(NAME_EDGES + "(@")
        text = _BEFORE_TIME.sub("", text)
        text = _NUMBERED_REST.split(text)[0]
        if not any(map(str.isalpha, text)):
            return None
    text = _UNVERIFIED.sub("", text)
    text = _SUFFIX.sub("", text).strip() if exact else _SUFFIX.sub("", text).strip(NAME_EDGES)
    return text if 0 < len(text) <= LONGEST_NAME and not text.isspace() else None


def leads_to_person(link: str) -> bool:
    """Tell whether a link leads to a profile."""
    return any(path in link for path in markup.PROFILE_PATHS)


def is_button(text: str) -> bool:
    """Tell whether a line is the label of a button or of a time."""
    return UNLETTERED.sub(" ", text.lower()).strip() in markup.BUTTON_LINES

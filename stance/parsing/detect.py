"""Which kind of input is this, and in which encoding: decided from its first bytes and its name."""

import codecs
import re
from typing import Literal

from stance.errors import InputError

Format = Literal[
    "html",
    "mhtml",
    "text",
    "wxr",
    "disqus",
    "reddit",
    "youtube",
    "hackernews",
    "jsonld",
    "json",
    "jsonl",
    "csv",
]

HEAD_BYTES = 64 * 1024  # enough to tell the formats apart
LATEST_START = 4000  # characters before a page's markup, such as a program's warnings
FEWEST_TAGS = 3  # of such a page
EXPECTED = (
    "a saved page (HTML or plain text), a WordPress or Disqus export, JSON, JSON Lines or CSV"
)

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"{\\rtf", "a rich-text document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "an image or sound file"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file"),
    (b"\x00\x00\x00\x18ftyp", "a film"),
    (b"\x00\x00\x00 ftyp", "a film"),
    (b"\x1aE\xdf\xa3", "a film"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"(\xb5/\xfd", "a zstd archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"bplist", "a Safari web archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)
_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,80}encoding=["']([\w.:-]{1,40})|<meta[^>]{0,200}charset=["']?\s?([\w.:-]{1,40})""",
    re.IGNORECASE,
)
# Encodings of text that no page is written in: those of domain names, of program text, of none.
_NO_PAGE_ENCODINGS = frozenset(
    ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "utf-7")
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b\b")) + b"\x7f"

_MARKUP_START = re.compile(r"<[a-zA-Z!?/]")  # and not "< Back" or "<3"
_PAGE_START = re.compile(r"<(?:!doctype html|html)[\s>]", re.IGNORECASE)
_TAG = re.compile(r"</?(?:div|p|span|a|ul|ol|li|table|tr|td|br|h[1-6]|article|section)[\s/>]", re.I)
_PAGE_TAG = re.compile(rf"</?(?:head|body|title|meta|link|script|style)[\s/>]|{_TAG.pattern}", re.I)
_MHTML = re.compile(
    r"^(?:From|MIME-Version|Content-Type|Subject|Snapshot-Content-Location|Date):", re.I
)
_SURROGATE = re.compile("[\ud800-\udfff]")
# Brackets with something of JSON within, or with nothing within and nothing but JSON after them.
_JSON_START = re.compile(r"[\[{]\s*(?:[\[{\"]|$)|\[\s*\]\s*$|\{\s*\}\s*(?:\{|$)")
_TEXT_COLUMN = re.compile(
    r"""["']?(?:text|comment|comment_text|body|content|message)["']?""", re.IGNORECASE
)


def decode(data: bytes, *, source: str = "-", charset: str | None = None) -> str:
    r"""Decode the bytes of a page, whatever encoding they are in.

    A byte-order mark decides; then valid UTF-8; then `charset`, which the page came with; then
    what the page declares; then UTF-16 by its zero bytes; then a guess for text that is mostly
    not ASCII; then Windows-1252.

    Raises
    ------
    InputError
        If `data` is no text: a PDF, an image, an archive, binary junk.

    Examples
    --------
    >>> decode("Grüße".encode("cp1252")), decode("Grüße".encode("utf-16"))
    ('Grüße', 'Grüße')
    """
    refuse_binary(data[:HEAD_BYTES], source=source)
    text = data.decode(detect_encoding(data, charset), errors="replace")
    return text.removeprefix("\ufeff").replace("\0", "")


def detect_encoding(data: bytes, charset: str | None = None) -> str:
    """Tell the encoding of a text, or of its head, as `decode` describes.

    Examples
    --------
    >>> detect_encoding("Grüße".encode()), detect_encoding("Grüße".encode("latin-1"))
    ('utf-8', 'cp1252')
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    return _wide_encoding(data[:4096]) or _narrow_encoding(data, charset)


def refuse_binary(head: bytes, *, source: str) -> None:
    """Raise InputError, naming what was found, where the first bytes are those of no text."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            raise InputError(f"{source}: this is {name}; expected {EXPECTED}")
    if head.startswith(tuple(mark for mark, _ in _BOMS)) or _wide_encoding(head[:4096]):
        return
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > max(8, len(head) // 100):
        raise InputError(f"{source}: this is binary data; expected {EXPECTED}")


def replace_surrogates(text: str) -> str:
    r"""Put a replacement character for each half of a letter, as JSON may state one.

    No encoding can write such a half.

    Examples
    --------
    >>> replace_surrogates("bad \ud83d thing") == "bad \ufffd thing"
    True
    """
    return _SURROGATE.sub("\ufffd", text)


def _wide_encoding(head: bytes) -> str | None:
    """Tell UTF-16 without a mark by where its zero bytes stand."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if half >= 2 and odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if half >= 2 and even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _narrow_encoding(data: bytes, charset: str | None) -> str:
    declared = _page_encoding(charset or "") or _declared_encoding(data[:4096])
    if declared == "iso2022_jp":  # pure ASCII bytes, hence valid UTF-8 too
        return declared
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end == len(data) and error.reason == "unexpected end of data":
            return "utf-8"  # a head, cut within a letter
    else:
        return "utf-8"
    if declared not in (None, "utf-8"):
        return "cp1252" if declared == "iso8859-1" else declared
    high = len(data) - len(data.translate(None, bytes(range(128, 256))))
    if data.decode("utf-8", errors="replace").count("\ufffd") * 20 < high:
        return "utf-8"  # with a few broken places
    return _guess_encoding(data, high)


def _declared_encoding(head: bytes) -> str | None:
    match = _DECLARED.search(head)
    if match is None:
        return None
    return _page_encoding((match[1] or match[2]).decode("ascii"))


def _page_encoding(name: str) -> str | None:
    """Return Python's name of a declared encoding; None where it can be none of this page."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):  # ValueError: a zero byte in the name
        return None
    if not codec._is_text_encoding or codec.name in _NO_PAGE_ENCODINGS:  # as "hex", "base64"
        return None
    # The declaration was found as ASCII, so in UTF-16 or EBCDIC the page cannot be.
    reads_ascii = b"<meta>".decode(codec.name, errors="replace") == "<meta>"
    return codec.name if reads_ascii else None


def _guess_encoding(data: bytes, high: int) -> str:
    """Return Windows-1252, or a guess where the letters are mostly not ASCII."""
    if high * 5 < len(data) or len(data) < 100:
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(data[:HEAD_BYTES]).best()
    return "cp1252" if best is None else best.encoding


def detect_format(head: str, name: str, *, source: str = "-") -> Format:
    """Tell which kind of input begins with `head`.

    Parameters
    ----------
    head : str
        Its first characters, some 64,000 of them.
    name : str
        File name, whose ending decides where the content alone does not; "-" for none.

    Raises
    ------
    InputError
        If it is a kind of XML that holds no thread, such as an RSS feed.

    Examples
    --------
    >>> detect_format("<!DOCTYPE html><title>Trams</title>", "page")
    'html'
    >>> detect_format('{"text": "Good."}', "comments.jsonl")
    'jsonl'
    >>> detect_format("Trams are back", "page.txt")
    'text'
    """
    start = head.lstrip("\ufeff \t\r\n")
    ending = name.lower().removesuffix(".gz").rpartition(".")[2]
    if _MARKUP_START.match(start):
        return _detect_markup(start, source)
    if ending in ("jsonl", "ndjson"):
        return "jsonl"
    if start.startswith(("{", "[")) and (found := _detect_json(start, ending)) is not None:
        return found
    if ending in ("csv", "tsv") or (ending not in ("txt", "text", "md") and _is_csv(start)):
        return "csv"
    if _MHTML.match(start) and "multipart/related" in start[:4000]:
        return "mhtml"
    return "html" if _is_html(head) else "text"


def _is_html(head: str) -> bool:
    """Tell markup after other words from a text that speaks of one tag or the other."""
    if len(_TAG.findall(head)) > len(head) / 400 + 10:
        return True
    begins = _PAGE_START.search(head[:LATEST_START]) is not None
    return begins and len(_PAGE_TAG.findall(head)) >= FEWEST_TAGS


def _detect_markup(start: str, source: str) -> Format:
    if "<disqus" in start[:4000]:
        return "disqus"
    if "<rss" in start[:4000]:
        if "wordpress.org/export" in start:
            return "wxr"
        raise InputError(f"{source}: this is an RSS feed; expected {EXPECTED}")
    if "<feed" in start[:1000] and "w3.org/2005/Atom" in start[:4000]:
        raise InputError(f"{source}: this is an Atom feed; expected {EXPECTED}")
    return "html"


def _detect_json(start: str, ending: str) -> Format | None:
    """Tell the JSON formats apart by their tell-tale keys; None where it is no JSON."""
    if not _JSON_START.match(start):
        return None
    if "youtube#comment" in start:
        return "youtube"
    if re.search(r'"kind"\s?:\s?"(?:Listing|t1|t3|more)"', start):
        return "reddit"
    if re.search(r'"@(?:context|type|graph)"\s?:', start):
        return "jsonld"
    lines = start.split("\n", 2)
    first = lines[0].strip()
    if ending != "json" and first.startswith("{") and first.endswith("}"):
        second = lines[1].strip() if len(lines) > 1 else ""
        if second.startswith("{") or not (second or start[len(lines[0]) :].strip()):
            return "hackernews" if not second and _is_hacker_news(start) else "jsonl"
    return "hackernews" if _is_hacker_news(start) else "json"


def _is_hacker_news(start: str) -> bool:
    algolia = '"story_id"' in start and '"children"' in start
    firebase = '"by"' in start and ('"kids"' in start or '"parent"' in start) and '"type"' in start
    return algolia or firebase or '"_highlightResult"' in start


def _is_csv(start: str) -> bool:
    """Tell whether the first line is a header with a column of text and at least one more."""
    first = start.split("\n", 1)[0].strip()
    for delimiter in (",", "\t", ";"):
        cells = [cell.strip() for cell in first.split(delimiter)]
        plain = all(re.fullmatch(r"[\"']?[\w .-]{1,40}[\"']?", cell) for cell in cells)
        if len(cells) > 1 and plain and any(_TEXT_COLUMN.fullmatch(cell) for cell in cells):
            return True
    return False

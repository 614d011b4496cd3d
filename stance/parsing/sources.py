"""The front door of parsing: a path, standard input or bytes, to threads."""

import codecs
import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from stance.errors import InputError
from stance.parsing.detect import (
    EXPECTED,
    HEAD_BYTES,
    Format,
    decode,
    detect_encoding,
    detect_format,
    refuse_binary,
)
from stance.thread import Thread

if TYPE_CHECKING:
    from email.message import Message

LARGEST_PAGE = 32 * 1024 * 1024  # bytes of HTML; some 30,000 comments
LARGEST_DUMP = 16 * 1024 * 1024  # bytes of plain text
MOST_FRAMES = 50  # of a page saved as MHTML that are searched for comments, itself among them
HOSTED = "comments are hosted by "  # how the note on comments that a page lacks begins
PAGE_ENDINGS = (
    ".html", ".htm", ".xhtml", ".mhtml", ".mht", ".txt", ".text", ".md",
    ".xml", ".json", ".jsonl", ".ndjson", ".csv", ".tsv",
)  # fmt: skip


def parse(source: str | os.PathLike[str], *, now: datetime | None = None) -> Thread:
    """Read the one thread of a page.

    Parameters
    ----------
    source : path or str
        A saved page, a plain-text dump of one, or an export; "-" for standard input.
    now : datetime, optional
        When the page was saved: what "3 hours ago" counts from. Without it such times stay None.

    Raises
    ------
    InputError
        If there is no such file, if it holds no page, or if it is an export of several threads.

    Examples
    --------
    >>> parse("no-such-page.html")
    Traceback (most recent call last):
    stance.errors.InputError: no-such-page.html: no such file
    """
    threads = list(islice(parse_threads(source, now=now), 2))
    if len(threads) > 1:
        raise InputError(f"{source}: this export holds several threads; use parse_threads")
    return threads[0]


def parse_threads(
    source: str | os.PathLike[str], *, now: datetime | None = None
) -> Iterator[Thread]:
    """Read every thread of a page or export, one at a time: exports stream.

    Parameters and errors are those of `parse`. A page yields one thread; a WordPress or Disqus
    export yields one for each post that has comments.
    """
    name = os.fspath(source)
    _refuse_no_name(name)
    if name == "-":
        yield from parse_stream(sys.stdin.buffer, name, now)
        return
    if Path(name).is_dir():
        raise InputError(f"{name}: this is a folder; expected a file (find_sources lists a folder)")
    try:
        with Path(name).open("rb") as stream:
            yield from parse_stream(stream, name, now)
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{name}: cannot be read ({reason})") from None


def parse_bytes(data: bytes, *, source: str, now: datetime | None = None) -> Iterator[Thread]:
    r"""Read every thread of a page or export that is in memory.

    `source` names it in results and messages, and its ending helps to tell the format.

    Examples
    --------
    >>> [thread] = parse_bytes(b"text,author\nGood.,Ada\n", source="comments.csv")
    >>> thread.comments[0].author
    'Ada'
    """
    return parse_stream(io.BytesIO(data), source, now)


def find_sources(paths: Iterable[str], endings: tuple[str, ...] = PAGE_ENDINGS) -> list[str]:
    """Expand each folder into the pages that lie directly in it, in sorted order.

    Files with none of these endings (`.gz` after them aside), and hidden files, are skipped in
    folders; whatever is named itself is kept.

    Raises
    ------
    InputError
        If a folder holds no page, or a path is empty.
    """
    sources: list[str] = []
    for path in paths:
        _refuse_no_name(path)
        if path == "-" or not Path(path).is_dir():
            sources.append(path)
            continue
        try:
            entries = sorted(Path(path).iterdir())
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        pages = [str(entry) for entry in entries if _is_page(entry, endings)]
        if not pages:
            listed = ", ".join(dict.fromkeys(endings))
            raise InputError(f"{path}: no page in this folder; expected {listed}")
        sources.extend(pages)
    return sources


def _refuse_no_name(path: str) -> None:
    """Refuse an empty name, which paths take for the current folder."""
    if not path:
        raise InputError(
            "'': an empty name; expected a file, a folder, or - for standard input (a variable of "
            "the shell may be empty)"
        )


def _is_page(entry: Path, endings: tuple[str, ...]) -> bool:
    name = entry.name.lower().removesuffix(".gz")
    return not name.startswith(".") and name.endswith(endings) and entry.is_file()


def parse_stream(stream: BinaryIO, source: str, now: datetime | None) -> Iterator[Thread]:
    """Read every thread of a page or export that is open, as `parse_threads` does of a path."""
    kind, whole = recognise(stream, source)
    try:
        yield from _parse_as(kind, whole, source, now)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{source}: a broken gzip archive; expected {EXPECTED}") from None


def recognise(stream: BinaryIO, source: str) -> tuple[Format, BinaryIO]:
    """Tell the format of a page or export, and return it unpacked, from its beginning.

    Raises
    ------
    InputError
        It is empty, binary or broken, or XML that holds no thread.
    """
    head = stream.read(HEAD_BYTES)
    whole = rejoined(head, stream)
    if head.startswith(b"\x1f\x8b"):
        whole = gzip.GzipFile(fileobj=whole)  # type: ignore[assignment]
        try:
            head = whole.read(HEAD_BYTES)
        except (OSError, EOFError, zlib.error):
            raise InputError(f"{source}: a broken gzip archive; expected {EXPECTED}") from None
        whole = rejoined(head, whole)
    refuse_binary(head, source=source)
    text_head = decode(head, source=source)
    if not text_head.strip("\ufeff \t\r\n\f\0"):
        raise InputError(f"{source}: this file is empty; expected {EXPECTED}")
    return detect_format(text_head, source, source=source), whole


def _parse_as(
    kind: Format, stream: BinaryIO, source: str, now: datetime | None
) -> Iterator[Thread]:
    if kind == "text":
        from stance.parsing.textdump import parse_textdump

        yield parse_textdump(_read_page(stream, source, LARGEST_DUMP), source=source, now=now)
    elif kind == "html":
        from stance.parsing.html import parse_html

        yield parse_html(_read_page(stream, source, LARGEST_PAGE), source=source, now=now)
    elif kind == "mhtml":
        yield _read_mhtml(_read_bytes(stream, source, LARGEST_PAGE), source, now)
    else:
        from stance.parsing.exports import parse_export

        yield from parse_export(stream, kind, source=source, now=now)


def _read_page(stream: BinaryIO, source: str, largest: int) -> str:
    return decode(_read_bytes(stream, source, largest), source=source)


def _read_bytes(stream: BinaryIO, source: str, largest: int) -> bytes:
    data = stream.read(largest + 1)
    if len(data) > largest:
        raise InputError(
            f"{source}: larger than {largest // 2**20} MB; expected a single page "
            "(split it, or give the comments as JSON Lines, which stream)"
        )
    return data


def _read_mhtml(data: bytes, source: str, now: datetime | None) -> Thread:
    """Read a page that a browser saved as one file, each frame of it a part of its own."""
    from stance.parsing.html import parse_html

    parts, saved = _html_parts(data, source)
    now = now or saved
    thread = parse_html(_decode_part(parts[0], source), source=source, now=now)
    for part in parts[1:MOST_FRAMES] if not thread.comments else ():
        try:
            frame = parse_html(_decode_part(part, source), source=source, now=now)
        except InputError:  # a frame that is no text costs nothing else
            continue
        if frame.comments:
            notes = tuple(note for note in thread.notes if not note.startswith(HOSTED))
            return replace(frame, article=thread.article, notes=(*notes, *frame.notes))
    return thread


def _html_parts(data: bytes, source: str) -> tuple[list["Message"], datetime | None]:
    """Return the HTML parts of an MHTML file, of which there is one at least, and its date."""
    import email
    import email.policy

    if detect_encoding(data).startswith(("utf-16", "utf-32")):
        data = decode(data, source=source).encode()
    data = data.removeprefix(codecs.BOM_UTF8).lstrip()
    try:  # as bytes, for a part may be 8-bit, in an encoding of its own
        message = email.message_from_bytes(data, policy=email.policy.compat32)
        parts = [part for part in message.walk() if part.get_content_type() == "text/html"]
    except RecursionError:
        raise InputError(f"{source}: MHTML nested too deeply; expected {EXPECTED}") from None
    if not parts:
        raise InputError(f"{source}: an MHTML file without an HTML part; expected {EXPECTED}")
    return parts, _saved_at(message["Date"])


def _decode_part(part: "Message", source: str) -> str:
    """Return the text of a part, in the encoding that its header names where it can be."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return decode(payload, source=source, charset=part.get_content_charset())


def _saved_at(date: object) -> datetime | None:
    """Return the time of a Date header, which relative times on the page count from."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(str(date))
    except (ValueError, TypeError, OverflowError):
        return None


def rejoined(head: bytes, rest: BinaryIO) -> BinaryIO:
    """Return a stream whose head was already read, from its beginning again."""
    return io.BufferedReader(_Rejoined(head, rest))


class _Rejoined(io.RawIOBase):
    """A stream whose head was already read, from its beginning again."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = memoryview(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        source = self._head if self._head else memoryview(self._rest.read(len(buffer)))
        count = min(len(buffer), len(source))
        buffer[:count] = source[:count]
        if self._head:
            self._head = self._head[count:]
        return count

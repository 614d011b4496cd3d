"""Comments alone or a page: told by the first bytes where the name does not say it."""

import io
import json
from collections.abc import Iterator
from typing import BinaryIO

from stance.errors import InputError
from stance.parsing.detect import HEAD_BYTES, decode
from stance.parsing.exports import load_json
from stance.parsing.sources import PAGE_ENDINGS, recognise
from stance.tables import Row, read_row_stream, row_ending, sniff_ending

LIST_ENDING = ".json"  # of one JSON document: a list of rows
_SERVICES = ("reddit", "youtube", "hackernews", "jsonld")  # whose exports are JSON documents


def sniff_rows(head: bytes, name: str) -> str | None:
    r"""Tell which ending a table with these first bytes has, None for a page or an export.

    Parameters
    ----------
    head : bytes
        As many as `stance.parsing.detect.HEAD_BYTES`, or all there are.
    name : str
        What it is called; "-" for standard input.

    Examples
    --------
    >>> sniff_rows(b"id,text\n1,Good.\n", "/dev/fd/63"), sniff_rows(b"<html>", "page")
    ('.csv', None)
    >>> sniff_rows(b'[{"text": "Good.", "target": "trams"}]', "comments.json")
    '.json'
    """
    ending = sniff_ending(head)
    if ending is None:
        return LIST_ENDING if _is_targeted_list(head) else None
    if ending == ".parquet":
        return ending
    first = _first_values(head, ending, name)
    is_page = _is_document(head, name, first) if ".jsonl" in ending else _is_prose(name, first)
    return None if is_page else ending


def read_json_list(stream: BinaryIO, name: str) -> Iterator[Row]:
    """Yield the entries of a JSON list as rows, numbered from 1.

    Raises
    ------
    InputError
        It is broken, too large or no list.
    """
    entries = load_json(stream, name)
    if not isinstance(entries, list):
        raise InputError(f"{name}: expected a JSON list of objects with a text")
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, dict):
            yield Row(number, entry)
        else:
            yield Row(number, error="expected a JSON object in the list")


def holds_thread(row: Row) -> bool:
    """Whether a row is a whole thread, as `stance parse` prints it."""
    return "text" not in row.values and isinstance(row.values.get("comments"), list)


def _first_values(head: bytes, ending: str, name: str) -> dict[str, object]:
    """Return the first row that can be read of a head, which may end anywhere."""
    try:
        rows = read_row_stream(io.BytesIO(head), ending, name)
        return next((row.values for row in rows if row.values), {})
    except InputError:
        return {}


def _is_document(head: bytes, name: str, first: dict[str, object]) -> bool:
    """Tell whether JSON with a text is an export of a service, or one object with its comments."""
    try:
        kind, stream = recognise(io.BytesIO(head), name)
        text = decode(stream.read(HEAD_BYTES), source=name)
    except (InputError, EOFError):
        return False  # such as rows packed by zstd, which no page is
    if "\n" in text.strip():
        return False
    is_called_one = row_ending(name, (LIST_ENDING, f"{LIST_ENDING}.gz")) is not None
    return kind in _SERVICES or is_called_one or isinstance(first.get("comments"), list)


def _is_prose(name: str, first: dict[str, object]) -> bool:
    """Tell whether a page or a text begins with the word "text", and no table does."""
    if row_ending(name, tuple(f"{end}{gz}" for end in PAGE_ENDINGS for gz in ("", ".gz"))) is None:
        return False
    return len(first) < 2 or not all(column.isidentifier() for column in first)


def _is_targeted_list(head: bytes) -> bool:
    """Tell whether this is a JSON list of rows with targets; without them it is an export."""
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if not text.startswith("["):
        return False
    try:
        first, _ = json.JSONDecoder().raw_decode(text[1:].lstrip())
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and {"text", "target"} <= first.keys()

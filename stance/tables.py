"""Rows in and out, streaming: JSON Lines, CSV and Parquet by the file's ending.

JSON Lines and CSV may be compressed with gzip (`.jsonl.gz`, `.csv.gz`) or zstd (`.jsonl.zst`,
`.csv.zst`). What is written appears whole or not at all: rows go to a temporary file in the same
folder, which takes the place of the target at the end and is removed on an error or an interrupt.

CSV holds flat cells only, so

- a record becomes one column a field, `toxicity.insult`;
- a list becomes JSON in one cell;
- a list of records that name the same things in every row also becomes one column a name and
  field, `stance.NATO.favor` (see `write_rows`, `record_keys`);
- a text that a spreadsheet would run as a formula (it begins with `=`, `+`, `-`, `@`, a tab or a
  line break) gets an apostrophe before it; numbers such as `-5` are left alone.
"""

import base64
import contextlib
import csv
import gzip
import io
import itertools
import json
import os
import re
import secrets
import stat
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, AnyStr, cast

from stance.errors import InputError, OutputError
from stance.folders import why_missing

ROW_ENDINGS = (
    *(".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"),
    *(".jsonl.gz", ".ndjson.gz", ".csv.gz", ".tsv.gz"),
    *(".jsonl.zst", ".ndjson.zst", ".csv.zst", ".tsv.zst"),
)
WRITTEN_ENDINGS = (
    *(".jsonl", ".csv", ".parquet", ".jsonl.gz", ".csv.gz", ".jsonl.zst", ".csv.zst"),
)

MAX_ROW_CHARS = 16 * 2**20  # a longer line or cell is a bad row, not a full memory
CHUNK_ROWS = 1024
PARQUET_GROUP_ROWS = 16 * CHUNK_ROWS
_MAX_LEVELS = 20  # of lists and records in a Parquet column: readers refuse a file with many more
HEAD_BYTES = 64 * 1024  # of a stream of rows without a name: enough to tell what it is
_INT64 = 2**63
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"

_FORMULA_START = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_DELIMITER_NOTE = re.compile(r'"?sep=.?"?', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_JSON_KEY = re.compile(r'[\s,]*"((?:[^"\\]|\\.)*)"\s*:\s*')
_SURROGATE = re.compile("[\ud800-\udfff]")
# The error of a CSV row that took further lines for its own.
UNCLOSED = (
    "a quotation mark is never closed, so that the lines after it are taken for its text: close "
    "it, and double those that stand inside a text"
)
_SAVE_AGAIN = "copy or download it again, or correct the ending of its name"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file, or the reason why it could not be read.

    Parameters
    ----------
    number : int
        Its line in the file from 1 (JSON Lines, CSV), or its row from 1 (Parquet).
    values : dict
        Column to value; CSV values are strings, or None for a cell left out at the end of a row.
    error : str or None
        What is wrong with the row; `values` is then empty, or has None in every column.
    """

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


def row_ending(path: str | os.PathLike[str], endings: Sequence[str] = ROW_ENDINGS) -> str | None:
    """Return which of `endings` the path has, in any case, or None.

    Examples
    --------
    >>> row_ending("comments.CSV.gz")
    '.csv.gz'
    >>> row_ending("page.html") is None
    True
    """
    name = Path(path).name.lower()
    return max((end for end in endings if name.endswith(end)), key=len, default=None)


# Reading


def read_rows(
    path: str | os.PathLike[str],
    *,
    ending: str | None = None,
    keep_nan: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Iterator[Row]:
    r"""Yield the rows of a file one by one, bad rows among them with their reason.

    Text is UTF-8, or UTF-16 with a byte-order mark; a line that is neither is read as cp1252.
    The delimiter of a CSV file is the one of comma, semicolon and tab that its header holds most.

    Parameters
    ----------
    path : path-like
        Its ending, one of `ROW_ENDINGS`, says what it is.
    ending : str, optional
        What it is, where its name does not say so.
    keep_nan : bool
        Whether NaN and the infinities, which some write into JSON Lines, come as such and not as
        None.
    progress : callable, optional
        Called now and then with the share of the file that has been read.

    Yields
    ------
    Row
        In the order of the file. Blank lines are skipped.

    Raises
    ------
    InputError
        The file cannot be read at all: missing, empty, of an unknown ending, damaged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "comments.jsonl")
    ...     _ = path.write_text('{"text": "Good."}\n{"text": \n')
    ...     for row in read_rows(path):
    ...         print(row.number, row.values, row.error)
    1 {'text': 'Good.'} None
    2 {} not JSON: Expecting value at character 9
    """
    path = Path(path)
    ending = ending or row_ending(path)
    if ending is None:
        raise InputError(f"{path}: no file of rows; expected {_listed(ROW_ENDINGS)}")
    with _input_errors(path), path.open("rb") as stream:
        rows = read_row_stream(stream, ending, str(path), keep_nan=keep_nan)
        if progress is None or not stream.seekable():  # such as a named pipe
            yield from rows
            return
        size = path.stat().st_size
        for row in rows:
            yield row
            if row.number % CHUNK_ROWS == 0:
                progress(stream.tell() / size)


def read_row_stream(
    stream: IO[bytes], ending: str, name: str, *, keep_nan: bool = False
) -> Iterator[Row]:
    r"""Yield the rows of an open file, as `read_rows` does of a path.

    Parameters
    ----------
    stream : binary file
        For Parquet one that can seek.
    ending : str
        One of `ROW_ENDINGS`: what it holds.
    name : str
        Names it in messages.
    keep_nan : bool
        As for `read_rows`.

    Examples
    --------
    >>> list(read_row_stream(io.BytesIO(b"text\nGood.\n"), ".csv", "-"))
    [Row(number=2, values={'text': 'Good.'}, error=None)]
    """
    with _input_errors(name):
        if ending == ".parquet":
            yield from _read_parquet(stream, name)
            return
        lines = _decoded_lines(_decompressed(stream, ending))
        first = next(lines, None)
        if first is None:
            raise _empty(name, ending)
        lines = itertools.chain([first], lines)
        if _is_csv(ending):
            yield from read_csv(lines, name)[1]
        else:
            yield from _read_json_lines(lines, float if keep_nan else _nothing)


def sniff_ending(head: bytes) -> str | None:
    r"""Tell from its first bytes which rows with a column `text` a stream holds, or None.

    Some JSON lines may be broken or without a text, the first one too.

    Examples
    --------
    >>> sniff_ending(b'{"text": "Good."}\n'), sniff_ending(b"id;text\n1;Good.\n")
    ('.jsonl', '.csv')
    >>> sniff_ending(gzip.compress(b"text\nGood.\n"))
    '.csv.gz'
    >>> sniff_ending(b"<html>") is None
    True
    """
    if head.startswith(_PARQUET):
        return ".parquet"
    packed = ".gz" if head.startswith(_GZIP) else ".zst" if head.startswith(_ZSTD) else ""
    lines = list(_decoded_lines(io.BytesIO(_unpacked(head, packed))))
    if _are_json_rows([line.strip() for line in lines if line.strip()]):
        return f".jsonl{packed}"
    _, first = _skip_to_header(iter(lines))
    return f".csv{packed}" if _is_csv_header(first) else None


def _unpacked(head: bytes, packed: str) -> bytes:
    """Return the head of what a compressed head holds; it may end anywhere."""
    stream = cast("io.BufferedReader", _decompressed(io.BytesIO(head), packed))
    parts: list[bytes] = []
    with contextlib.suppress(OSError, EOFError, zlib.error):
        while sum(map(len, parts)) < HEAD_BYTES and (part := stream.read1(HEAD_BYTES)):
            parts.append(part)
    return b"".join(parts)


def _are_json_rows(lines: Sequence[str]) -> bool:
    """Tell whether lines, the last of them perhaps cut, are rows with a column `text`.

    A few may be broken; a page or a JSON document may hold such a line too, but not mostly.
    """
    if not lines or lines[0].startswith(("[", "<")) or lines[0].endswith(("[", "{", ",")):
        return False
    rows = [_parse_json_row(1, line, _nothing).values for line in lines if line.startswith("{")]
    read = [values for values in rows if values]
    if any("text" in values for values in read):
        return 2 * len(read) > len(lines) - 1
    return _ends_in_text(lines[0])


def _ends_in_text(line: str) -> bool:
    """Tell whether a JSON object is cut in one of its own texts, with a key `text` before that."""
    decoder = json.JSONDecoder()
    keys = set()
    place = 1 if line.startswith("{") else len(line)
    while key := _JSON_KEY.match(line, place):
        keys.add(key[1])
        place = key.end()
        try:
            _, place = decoder.raw_decode(line, place)
        except (ValueError, RecursionError):
            return "text" in keys and line.startswith('"', place)
    return False


def _is_csv_header(line: str) -> bool:
    try:
        header = next(csv.reader([line], delimiter=max(",;\t", key=line.count)), [])
    except csv.Error:
        return False
    # Alone, a name in other letters is told to be wrong; with others, it makes an export.
    return "text" in header or [name.strip().lower() for name in header] == ["text"]


def _decompressed(stream: IO[bytes], ending: str) -> IO[bytes]:
    if ending.endswith(".gz"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
    if ending.endswith(".zst"):
        import pyarrow as pa

        return io.BufferedReader(pa.CompressedInputStream(stream, "zstd"))
    return stream


@contextlib.contextmanager
def _input_errors(path: Path | str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: this is a folder; expected a file") from error
    except (OSError, EOFError, zlib.error) as error:
        # The system gives its errors a number; others come from what is in the file.
        mend = "" if getattr(error, "errno", None) else f"; {_SAVE_AGAIN}"
        raise InputError(f"{path}: cannot be read ({_reason(error)}){mend}") from error


def _is_csv(ending: str) -> bool:
    return ending.startswith((".csv", ".tsv"))  # the header tells the delimiter of both


def _empty(name: str, ending: str) -> InputError:
    rows = "a header and a line for each row" if _is_csv(ending) else "a JSON object on each line"
    return InputError(f"{name}: empty; expected rows: {rows}")


def _decoded_lines(stream: IO[bytes]) -> Iterator[str]:
    """Yield lines with their ends; one that is too long comes cut, with no line end."""
    mark = stream.read(2)
    if mark in (b"\xff\xfe", b"\xfe\xff"):
        codec = "utf-16-le" if mark == b"\xff\xfe" else "utf-16-be"
        text = io.TextIOWrapper(stream, codec, errors="replace", newline="")
        yield from _bounded_lines(text.readline)
        return
    mark += stream.readline(MAX_ROW_CHARS)
    # Two lines where the first is blank: the mark was looked for beyond its end.
    *lines, rest = mark.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    yield from (_decode(line + b"\n") for line in lines)
    if rest:
        yield _decode(rest)
    yield from map(_decode, _bounded_lines(stream.readline))


def _bounded_lines(readline: Callable[[int], AnyStr]) -> Iterator[AnyStr]:
    while line := readline(MAX_ROW_CHARS):
        yield line


def _decode(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def _nothing(_: str) -> None:
    """Stand for NaN and the infinities: they are not JSON, and would spoil what is written."""


def _read_json_lines(lines: Iterator[str], constant: Callable[[str], Any]) -> Iterator[Row]:
    number, too_long = 0, False
    for line in lines:
        if too_long:  # the rest of a line that was cut
            too_long = not line.endswith("\n")
            continue
        number += 1
        if len(line) >= MAX_ROW_CHARS and not line.endswith("\n"):
            too_long = True
            yield Row(number, error=f"longer than {MAX_ROW_CHARS:,} characters")
        elif line.strip():
            yield _parse_json_row(number, line, constant)


def _parse_json_row(number: int, line: str, constant: Callable[[str], Any]) -> Row:
    try:
        values = json.loads(line.rstrip(), parse_constant=constant)
    except json.JSONDecodeError as error:
        return Row(number, error=f"not JSON: {error.msg} at character {error.colno}")
    except (ValueError, RecursionError) as error:
        return Row(number, error=f"not JSON that can be read: {_reason(error)}")
    if not isinstance(values, dict):
        kind = {list: "a list", str: "a string", type(None): "null"}.get(type(values), "a number")
        return Row(number, error=f"expected a JSON object, found {kind}")
    return Row(number, values)


@dataclass(slots=True)
class _RecordLines:
    """Lines on their way to the CSV reader, which takes several where a quotation mark is open."""

    lines: Iterator[str]
    record: list[str] = field(default_factory=list)  # those of the present row
    ended: bool = False  # whether the reader wanted one more than there are

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.record.append(line)
            yield line
        self.ended = True


def read_csv(lines: Iterator[str], name: str) -> tuple[list[str], Iterator[Row]]:
    r"""Return the header of a CSV table, and what gives its rows, good and bad.

    Parameters
    ----------
    lines : iterator of str
    name : str
        What messages call the table.

    Raises
    ------
    InputError
        It is empty, or has no header that can be read.

    Examples
    --------
    >>> header, rows = read_csv(iter(["text;author\n", "So what?;Ada\n"]), "comments.csv")
    >>> header, next(rows).values
    (['text', 'author'], {'text': 'So what?', 'author': 'Ada'})
    """
    csv.field_size_limit(MAX_ROW_CHARS)
    above, first = _skip_to_header(lines)
    if not first:
        raise _empty(name, ".csv")
    delimiter = max(",;\t", key=first.count)
    taken = _RecordLines(itertools.chain([first], lines))
    reader = csv.reader(taken, delimiter=delimiter)
    header = _header(reader, taken, name)
    return header, _csv_rows(reader, taken, header, delimiter, above)


def _csv_rows(
    reader: Any, taken: _RecordLines, header: Sequence[str], delimiter: str, above: int
) -> Iterator[Row]:
    while True:
        number = above + reader.line_num + 1
        taken.record.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if len(taken.record) > 1:
                yield Row(number, dict.fromkeys(header), UNCLOSED)
            else:
                yield Row(number, error=f"not CSV: {error}")
            continue
        if taken.ended or _is_unclosed(taken.record, cells, len(header), delimiter):
            yield Row(number, dict.fromkeys(header), UNCLOSED)
        elif len(cells) > len(header):
            message = f"{len(cells)} cells where the header has {len(header)}"
            yield Row(number, error=message)
        elif any(cells):
            yield Row(number, dict(itertools.zip_longest(header, cells)))


def _header(reader: Iterator[list[str]], taken: _RecordLines, name: str) -> list[str]:
    try:
        header = _distinct(next(reader))
    except (csv.Error, StopIteration) as error:
        raise InputError(
            f"{name}: no header row that can be read; expected a table as text, the names of its "
            "columns in the first line: save it as CSV UTF-8"
        ) from error
    if taken.ended:
        raise InputError(f"{name}: no header row that can be read: {UNCLOSED}")
    return header


def _is_unclosed(record: Sequence[str], cells: Sequence[str], width: int, delimiter: str) -> bool:
    """Tell whether a row of several lines has taken other rows for the text of a cell."""
    if len(record) == 1:
        return False
    if len(cells) < width and _holds_rows(cells[-1].split("\n")[1:], width, ",;\t"):
        return True
    return _holds_rows(record[1:], width, delimiter) and not _is_strict(record, delimiter)


def _holds_rows(lines: Iterable[str], width: int, delimiters: str) -> bool:
    return any(line.count(sign) >= width - 1 for line in lines for sign in delimiters)


def _is_strict(record: Sequence[str], delimiter: str) -> bool:
    """Tell whether nothing but a delimiter follows each closing quotation mark."""
    try:
        list(csv.reader(record, delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


def _skip_to_header(lines: Iterator[str]) -> tuple[int, str]:
    """Return how many lines stand above the header, and the header.

    Those are blank, or the line in which Excel notes the delimiter.
    """
    above, line = 0, next(lines, "")
    while line and (not line.strip() or (above == 0 and _DELIMITER_NOTE.fullmatch(line.strip()))):
        above, line = above + 1, next(lines, "")
    return above, line


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names with a number after one that repeats: no column hides another.

    >>> _distinct(["text", "note", "note", "note.2"])
    ['text', 'note', 'note.3', 'note.2']
    """
    taken = set(names)
    counts: dict[str, int] = {}
    result = []
    for name in names:
        count = counts.get(name, 0) + 1
        while count > 1 and f"{name}.{count}" in taken:
            count += 1
        counts[name] = count
        result.append(name if count == 1 else f"{name}.{count}")
        taken.add(result[-1])
    return result


def _read_parquet(stream: IO[bytes], name: str) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(stream) as table:
            names = _distinct(table.schema_arrow.names)
            number = 0
            for batch in table.iter_batches(batch_size=CHUNK_ROWS):
                cells = map(_python_values, batch.columns)
                columns = dict(zip(names, cells, strict=True))
                for place in range(batch.num_rows):
                    number += 1
                    yield Row(number, {key: values[place] for key, values in columns.items()})
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: no Parquet file that can be read; {_SAVE_AGAIN}") from error


# What Arrow raises where Python has no such value: a year beyond 9999, a part of a microsecond
# (where pandas is not installed), a zone that is not known, a record with the same name twice.
_NO_SUCH_VALUE = (ArithmeticError, LookupError, ValueError)


def _python_values(column: Any) -> list[Any]:
    try:
        return cast("list[Any]", column.to_pylist())
    except _NO_SUCH_VALUE:
        return [_python_value(cell) for cell in column]


def _python_value(cell: Any) -> Any:
    """Return what a cell holds, with text for each time in it that Python's types cannot hold."""
    import pyarrow as pa

    with contextlib.suppress(*_NO_SUCH_VALUE):
        return cell.as_py()
    if isinstance(cell, pa.MapScalar):
        return [(_python_value(entry[0]), _python_value(entry[1])) for entry in cell.values]
    if isinstance(cell, pa.ListScalar):
        return [_python_value(item) for item in cell.values]
    if isinstance(cell, pa.StructScalar):
        names = _distinct([part.name for part in cell.type])
        return {name: _python_value(cell[place]) for place, name in enumerate(names)}
    return _arrow_text(cell)


def _arrow_text(cell: Any) -> str:
    import pyarrow as pa

    kind = cell.type
    if pa.types.is_duration(kind):
        return f"{cell.value} {kind.unit}"
    if pa.types.is_timestamp(kind) and kind.tz:  # in UTC, for which no zone needs to be known
        return f"{_arrow_text(cell.cast(pa.timestamp(kind.unit)))}+00:00"
    return cast("str", cell.cast(pa.string()).as_py())


# Writing


def check_output(path: str | os.PathLike[str], endings: Sequence[str] = WRITTEN_ENDINGS) -> str:
    """Return the ending of a path to write to, after checking that it can be written.

    Parameters
    ----------
    path : path-like
    endings : sequence of str
        Which endings are allowed, lower-case.

    Raises
    ------
    OutputError
        Unknown ending, a folder or device in its place, a folder that is missing or read-only.

    Examples
    --------
    >>> check_output("scores.txt")
    Traceback (most recent call last):
    stance.errors.OutputError: cannot write scores.txt: unknown ending, expected \
.jsonl, .csv, .parquet, .jsonl.gz, .csv.gz, .jsonl.zst or .csv.zst
    """
    path = Path(path)
    problem = f"cannot write {path}"
    ending = row_ending(path, endings)
    if path.is_dir():
        raise OutputError(f"{problem}: it is a folder; name a file in it")
    if ending is None:
        raise OutputError(f"{problem}: unknown ending, expected {_listed(endings)}")
    if path.exists() and not path.is_file():
        raise OutputError(f"{problem}: it is not a regular file")
    missing = why_missing(path.parent) or why_missing(path.resolve().parent)  # of a link
    if missing is not None:
        raise OutputError(f"{problem}: {missing}")
    if not os.access(path.resolve().parent, os.W_OK | os.X_OK):
        raise OutputError(f"{problem}: the folder {path.parent} is not writable")
    return ending


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` when the block ends without an exception.

    Parameters
    ----------
    path : path-like
        A link is followed; the permissions of a file that is replaced are kept.

    Yields
    ------
    file
        Binary; its `name` is a temporary path in the folder of `path`.

    Raises
    ------
    OutputError
        The file cannot be created, written or renamed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_file(Path(folder, "report.html")) as stream:
    ...         _ = stream.write(b"<p>Done")
    ...     os.listdir(folder)
    ['report.html']
    """
    final = Path(path).resolve()
    temporary = final.with_name(f".stance-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if final.exists():
            temporary.chmod(stat.S_IMODE(final.stat().st_mode))
        temporary.replace(final)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {_reason(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def write_rows(
    path: str | os.PathLike[str],
    *,
    example: Mapping[str, Any] | None = None,
    record_keys: Mapping[str, str] | None = None,
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Open a table for writing and yield the function that adds a row to it.

    Rows may differ in their columns: the table has them all, in the order of their first
    appearance. So rows of CSV and Parquet wait in an unnamed temporary file until the end, and
    memory stays constant.

    Parameters
    ----------
    path : path-like
        One of `WRITTEN_ENDINGS`.
    example : mapping, optional
        A complete row. Its columns come first, and give Parquet columns their types even where
        all rows leave them empty. It is not written.
    record_keys : mapping of str to str, optional
        For columns that hold a list of records, the field that names a record. In CSV such a
        column is JSON, and where all rows name the same records, one column a name and field too.

    Yields
    ------
    function of one mapping

    Raises
    ------
    OutputError
        As for `check_output`, and where writing fails, such as on a full disk.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with write_rows(Path(folder, "a.csv"), record_keys={"stance": "target"}) as add:
    ...         add({"text": "=1+1", "stance": [{"target": "NATO", "label": "favor"}]})
    ...     print(Path(folder, "a.csv").read_text(), end="")
    text,stance,stance.NATO.label
    '=1+1,"[{""target"": ""NATO"", ""label"": ""favor""}]",favor
    """
    ending = check_output(path)
    with atomic_file(path) as stream:
        if ending.startswith(".jsonl"):
            with _compressed(stream, ending) as lines:
                yield lambda row: _write(lines, json_bytes(row))
            return
        with tempfile.TemporaryFile(dir=Path(stream.name).parent) as waiting:
            yield lambda row: _write(waiting, json_bytes(row))
            _write_table(stream, ending, lambda: _from_start(waiting), example, record_keys)


def join_rows(
    path: str | os.PathLike[str],
    lines: Callable[[], Iterator[bytes]],
    *,
    example: Mapping[str, Any] | None = None,
    record_keys: Mapping[str, str] | None = None,
) -> None:
    r"""Write a table of rows that stand as JSON lines elsewhere, as `write_rows` would.

    Parameters
    ----------
    path, example, record_keys
        As for `write_rows`.
    lines : callable
        Returns the lines from the first one on, each with its line end; called as often as needed.

    Raises
    ------
    OutputError
        As for `write_rows`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     join_rows(Path(folder, "a.csv"), lambda: iter([b'{"a": 1}\n', b'{"a": 2, "b": 3}\n']))
    ...     print(Path(folder, "a.csv").read_text(), end="")
    a,b
    1,
    2,3
    """
    ending = check_output(path)
    with atomic_file(path) as stream:
        if ending.startswith(".jsonl"):
            with _compressed(stream, ending) as packed:
                packed.writelines(lines())
        else:
            _write_table(stream, ending, lines, example, record_keys)


def _write_table(
    stream: IO[bytes],
    ending: str,
    lines: Callable[[], Iterator[bytes]],
    example: Mapping[str, Any] | None,
    record_keys: Mapping[str, str] | None,
) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        return map(json.loads, lines())

    if ending == ".parquet":
        _write_parquet(rows, stream, example or {})
    else:
        with _compressed(stream, ending) as cells:
            _write_csv(rows, cells, example or {}, _RecordNames(record_keys or {}))


def _write(stream: IO[bytes], line: bytes) -> None:
    stream.write(line)


def _from_start(waiting: IO[bytes]) -> Iterator[bytes]:
    waiting.seek(0)
    return iter(waiting)


@contextlib.contextmanager
def _compressed(stream: IO[bytes], ending: str) -> Iterator[IO[bytes]]:
    if ending.endswith(".gz"):
        # No name and no time in the header: the same rows give the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
    elif ending.endswith(".zst"):
        import pyarrow as pa

        # Closing the compressor closes what it writes to, and that is still needed.
        with (
            os.fdopen(os.dup(stream.fileno()), "wb") as twin,
            io.BufferedWriter(pa.CompressedOutputStream(twin, "zstd"), 2**18) as packed,
        ):
            yield packed
    else:
        yield stream


def json_line(row: Mapping[str, Any]) -> bytes:
    r"""Return a row as one line of JSON in UTF-8.

    Half a surrogate pair, which UTF-8 cannot hold, makes the line escape all that is not ASCII.
    Bytes become base64, and all else that JSON has no type for, such as a date, its text.

    Examples
    --------
    >>> json_line({"text": "caf\u00e9"}) == '{"text": "caf\u00e9"}\n'.encode()
    True
    >>> json_line({"text": "\ud83d"})
    b'{"text": "\\ud83d"}\n'
    >>> json_line({"hash": b"\xff"})
    b'{"hash": "/w=="}\n'
    """
    text = json.dumps(row, ensure_ascii=False, allow_nan=False, default=_json_text)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(row, allow_nan=False, default=_json_text).encode() + b"\n"


def _json_text(value: object) -> str:
    """Return a value that JSON has no type for as text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def json_bytes(row: Mapping[str, Any]) -> bytes:
    r"""Return a row as `json_line` does, with null for NaN and the infinities.

    Examples
    --------
    >>> json_bytes({"votes": float("nan")})
    b'{"votes": null}\n'
    """
    try:
        return json_line(row)
    except ValueError:  # JSON has none of these
        return json_line(_without_nan(dict(row)))


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return value


Rows = Callable[[], Iterator[dict[str, Any]]]  # all rows, from the first one on


# CSV


@dataclass(slots=True)
class _RecordNames:
    """Which records each column of record lists holds, while they are the same in every row."""

    keys: Mapping[str, str]
    names: dict[str, tuple[str, ...] | None] = field(default_factory=dict)

    def see(self, row: Mapping[str, Any]) -> None:
        for column, key in self.keys.items():
            if records := row.get(column):
                names = tuple(str(record[key]) for record in records)
                known = self.names.setdefault(column, names)
                self.names[column] = names if known == names else None


def _write_csv(
    rows: Rows, stream: IO[bytes], example: Mapping[str, Any], record_names: _RecordNames
) -> None:
    # The first pass finds which records there are, the second their fields, the third writes.
    for row in rows():
        record_names.see(row)
    fields: dict[str, dict[str, None]] = {}
    for column, value in example.items():
        fields[column] = dict.fromkeys(_flat(column, value, _RecordNames({})))
    for row in rows():
        for column, value in row.items():
            fields.setdefault(column, {}).update(dict.fromkeys(_flat(column, value, record_names)))
    places = [(column, name) for column in fields for name in fields[column] or (column,)]
    text = io.TextIOWrapper(stream, "utf-8", errors="replace", newline="", write_through=True)
    writer = csv.writer(_LineFeeds(text), lineterminator="\r\n")
    # A column "a.b" and the field "b" of a column "a" are two.
    writer.writerow(_distinct([csv_cell(name) for _, name in places]))
    for row in rows():
        cells = {
            (column, name): cell
            for column, value in row.items()
            for name, cell in _flat(column, value, record_names).items()
        }
        writer.writerow(csv_cell(cells.get(place)) for place in places)
    text.flush()
    text.detach()


@dataclass(slots=True)
class _LineFeeds:
    r"""Takes rows that end in "\r\n" from a CSV writer, and ends them in "\n".

    So Python 3.11 quotes a cell with "\r" too: it looks for the signs of its own row end alone.
    """

    text: IO[str]

    def write(self, row: str) -> int:
        return self.text.write(row.removesuffix("\r\n") + "\n")


def _flat(column: str, value: Any, record_names: _RecordNames) -> dict[str, Any]:
    """Return the cells that one value fills, by column name: none for None."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return _flat_record(column, value)
    cells = {column: value}
    if record_names.names.get(column):
        key = record_names.keys[column]
        for record in value:
            rest = {name: item for name, item in record.items() if name != key}
            cells |= _flat_record(f"{column}.{record[key]}", rest)
    return cells


def _flat_record(prefix: str, record: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": value for name, value in record.items()}


def csv_cell(value: Any) -> Any:
    """Return a value as a CSV cell that no spreadsheet runs.

    Examples
    --------
    >>> [csv_cell(value) for value in ("=1+1", "-5", "- well", -0.5, [1, 2], True, None)]
    ["'=1+1", '-5', "'- well", -0.5, '[1, 2]', 'true', None]
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, str) and _FORMULA_START.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


# Parquet


def _write_parquet(rows: Rows, stream: IO[bytes], example: Mapping[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[str, Any] = dict.fromkeys(example)
    for chunk in itertools.chain([[dict(example)]] if example else [], _chunks(rows())):
        for column in dict.fromkeys(itertools.chain.from_iterable(chunk)):
            known = types.get(column)
            types[column] = _joined_type(known, [row.get(column) for row in chunk])
    while True:
        schema = pa.schema([(column, kind or pa.string()) for column, kind in types.items()])
        try:
            with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
                tables = (_arrow_table(chunk, schema) for chunk in _chunks(rows()))
                while group := list(itertools.islice(tables, PARQUET_GROUP_ROWS // CHUNK_ROWS)):
                    writer.write_table(pa.concat_tables(group), row_group_size=PARQUET_GROUP_ROWS)
            return
        except _MisfitError as misfit:  # values of several kinds: begin again with it as text
            types[misfit.column] = pa.string()
            stream.seek(0)
            stream.truncate()


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while chunk := list(itertools.islice(rows, CHUNK_ROWS)):
        yield [{_clean(name): _clean_cell(value) for name, value in row.items()} for row in chunk]


def _joined_type(known: Any, values: Sequence[Any]) -> Any:
    """Return the Arrow type that holds what `known` holds and the values; text where none does."""
    import pyarrow as pa

    try:
        found = pa.infer_type(values)
        if pa.types.is_null(found):
            return known
        if not _is_storable(found):
            return pa.string()
        if known is None:
            return found
        parts = [pa.schema([("value", kind)]) for kind in (known, found)]
        return pa.unify_schemas(parts, promote_options="permissive").field("value").type
    except (pa.ArrowException, OverflowError):
        return pa.string()


def _is_storable(kind: Any, levels: int = _MAX_LEVELS) -> bool:
    """Whether Parquet has a place for a type: no record without fields, and not nested too deep."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        return levels > 0 and _is_storable(kind.value_type, levels - 1)
    if pa.types.is_struct(kind):
        parts = [part.type for part in kind] if levels > 0 else []
        return bool(parts) and all(_is_storable(part, levels - 1) for part in parts)
    return True


@dataclass(slots=True)
class _MisfitError(Exception):
    """A column holds a value that its type cannot."""

    column: str


def _arrow_table(rows: Sequence[Mapping[str, Any]], schema: Any) -> Any:
    import pyarrow as pa

    arrays = []
    for part in schema:
        values = [row.get(part.name) for row in rows]
        if pa.types.is_string(part.type):
            values = [_as_text(value) for value in values]
        try:
            arrays.append(pa.array(values, type=part.type))
        except (pa.ArrowException, OverflowError) as error:
            raise _MisfitError(part.name) from error
    return pa.Table.from_arrays(arrays, schema=schema)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _clean_cell(value: Any) -> Any:
    try:
        return _clean(value)
    except RecursionError:  # far deeper than what is storable: text it would become in any case
        return _clean(_as_text(value))


def _clean(value: Any) -> Any:
    """Replace what Arrow cannot hold: half surrogate pairs, and integers beyond 64 bits."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return str(value)
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def _listed(endings: Sequence[str]) -> str:
    return " or ".join(part for part in (", ".join(endings[:-1]), endings[-1]) if part)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__

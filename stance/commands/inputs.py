"""The pages and files that a command goes through one by one."""

import contextlib
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from stance.commands.common import DONE, FAILED, PARTLY, is_same_file, say
from stance.errors import InputError
from stance.words import count_words

if TYPE_CHECKING:
    from stance.tables import Row
    from stance.thread import Thread


_MAX_AHEAD = 1000  # rows of a stream that wait while one is looked for that can be read


class Inputs:
    """The sources named by paths, and how many of them failed.

    Parameters
    ----------
    paths : sequence of str
        Files, folders, or - for standard input.
    output : str, optional
        What the run writes: where it lies in one of the folders it is none of their pages.
    tables : bool
        Whether all tables count in folders, or only those that are read as a page is.
    """

    def __init__(
        self, paths: Sequence[str], output: str | None = None, *, tables: bool = False
    ) -> None:
        self._paths = paths
        self._output = output
        self._tables = tables
        self.tried = 0
        self.failed = 0
        self.kept = 0  # of those that failed: they gave comments before
        self.unscored = 0  # further ones, of whose rows none could be scored
        self.bad_rows = 0

    def found(self) -> Iterator[str | InputError]:
        """Yield each source, or why a path has none."""
        from stance.parsing.sources import PAGE_ENDINGS, find_sources
        from stance.tables import ROW_ENDINGS

        endings = (*PAGE_ENDINGS, *ROW_ENDINGS) if self._tables else PAGE_ENDINGS
        for path in self._paths:
            found: list[str] = []
            try:
                found = find_sources([path], endings)
            except InputError as error:
                self.tried += 1
                yield error
            for source in found:
                # What an earlier run wrote into a folder is none of its pages.
                if source == path or not is_same_file(source, self._output):
                    self.tried += 1
                    yield source

    def __iter__(self) -> Iterator[str]:
        """Yield each source, having said why a path has none."""
        for source in self.found():
            if isinstance(source, InputError):
                self.fail(source)
            else:
                yield source

    @contextlib.contextmanager
    def attempt(self, kept: Callable[[], int] = lambda: 0) -> Iterator[None]:
        """Say what is wrong with one input, of which so much is kept, and go on with the next."""
        try:
            yield
        except InputError as error:
            self.fail(error, kept())

    def fail(self, error: InputError, kept: int = 0) -> None:
        """Count a failure and say it, and how many comments came before it."""
        self.failed += 1
        self.kept += kept > 0
        before = f"; kept what came before: {count_words(kept, 'comment')}" if kept else ""
        say(f"{error}{before}")

    def exit_code(self) -> int:
        """Return the exit code, after a line that counts the failures.

        Raises
        ------
        InputError
            None of several inputs gave anything.
        SystemExit
            The only input gave nothing; what is wrong with it has been said.
        """
        nothing = self.failed - self.kept + self.unscored
        if nothing == self.tried == 1:
            raise SystemExit(FAILED)
        if nothing == self.tried:
            done = "scored" if self.unscored else "read"
            raise InputError(f"none of {self.tried:,} inputs could be {done}")
        if self.failed and self.tried > 1:
            say(f"{self.failed:,} of {self.tried:,} inputs failed")
        return PARTLY if self.failed or self.bad_rows else DONE


def say_what_is_missing(thread: "Thread") -> None:
    """Say that a thread has no comments, and what its parser noted."""
    if not thread.comments and not any("no comment" in note for note in thread.notes):
        say(f"{thread.source}: no comments found")
    for note in thread.notes:
        say(f"{thread.source}: {note}")


@dataclass(frozen=True, slots=True)
class Source:
    """One input and what it holds.

    Parameters
    ----------
    name : str
    kind : "page", "threads" or "rows"
        A page or export; what `stance parse` printed; or comments alone.
    rows : callable
        Yields its rows, and calls what it is given with the share that has been read.
    threads : callable
        Yields the threads of a page, with its time as `now`.
    """

    name: str
    kind: Literal["page", "threads", "rows"]
    rows: "Callable[[Callable[[float], None]], Iterator[Row]]"
    threads: "Callable[[datetime | None], Iterator[Thread]]"


def open_source(name: str) -> Source:
    """Tell what a path or standard input (-) holds: by its name, else by its first bytes.

    Raises
    ------
    InputError
        It cannot be read.
    """
    from stance.tables import row_ending

    if name == "-":
        # Of its own: Python's would be in use by another thread when an interrupt ends all.
        return _stream_source(name, cast("BinaryIO", open(0, "rb", closefd=False)))
    if _is_stream(name):
        return _stream_source(name, _opened(name), row_ending(name))
    return _file_source(name)


def _file_source(name: str) -> Source:
    from stance.commands.sniffing import LIST_ENDING, holds_thread, sniff_rows
    from stance.parsing import parse_threads
    from stance.tables import read_rows, row_ending

    ending = row_ending(name)
    kind: Literal["page", "threads", "rows"] = "rows"
    if ending is not None:
        first = next((row for row in read_rows(name) if row.error is None), None)
        kind = "threads" if first is not None and holds_thread(first) else "rows"
    else:
        ending = sniff_rows(_head(name), name)
        kind = "page" if ending is None else "rows"

    def rows(progress: Callable[[float], None]) -> "Iterator[Row]":
        if ending == LIST_ENDING:
            return _listed_rows(name)
        return read_rows(name, ending=ending, progress=progress)

    return Source(name, kind, rows, lambda now: parse_threads(name, now=now))


def _listed_rows(name: str) -> "Iterator[Row]":
    from stance.commands.sniffing import read_json_list

    with _opened(name) as stream:
        yield from read_json_list(stream, name)


def _stream_source(name: str, stream: BinaryIO, ending: str | None = None) -> Source:
    """Tell what a stream holds, which can be read only once."""
    from stance.commands.sniffing import LIST_ENDING, holds_thread, read_json_list, sniff_rows
    from stance.parsing.sources import parse_stream, rejoined
    from stance.tables import HEAD_BYTES, read_row_stream

    is_named = ending is not None
    if ending is None:
        head = stream.read(HEAD_BYTES)
        stream, ending = rejoined(head, stream), sniff_rows(head, name)
    if ending is None:
        return Source(name, "page", lambda _: iter(()), lambda now: parse_stream(stream, name, now))
    if ending == LIST_ENDING:
        rows = read_json_list(stream, name)
    else:
        seekable = _on_disk(stream) if ending == ".parquet" else stream
        rows = read_row_stream(seekable, ending, name)
    # Those that the first bytes tell have a text; others may be threads.
    ahead = list(islice(_until_good(rows), _MAX_AHEAD)) if is_named else []
    is_threads = bool(ahead) and holds_thread(ahead[-1])
    return Source(
        name,
        "threads" if is_threads else "rows",
        lambda _: chain(ahead, rows),
        lambda _: iter(()),
    )


def _until_good(rows: "Iterator[Row]") -> "Iterator[Row]":
    """Yield rows up to the first one that could be read."""
    for row in rows:
        yield row
        if row.error is None:
            return


def _is_stream(name: str) -> bool:
    """Whether a path can be read only once, as a named pipe can."""
    try:
        return not stat.S_ISREG(Path(name).stat().st_mode)
    except (OSError, ValueError):
        return False  # whoever opens it says why


def _opened(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from None


def _head(name: str) -> bytes:
    """Return the first bytes of a file, none where it cannot be read: that is said later."""
    from stance.tables import HEAD_BYTES

    try:
        with Path(name).open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except (OSError, ValueError):
        return b""


def _on_disk(stream: BinaryIO) -> BinaryIO:
    """Return what a stream holds as a file that can seek."""
    file = tempfile.TemporaryFile()  # noqa: SIM115
    shutil.copyfileobj(stream, file)
    file.seek(0)
    return cast("BinaryIO", file)


def thread_of(row: "Row") -> "Thread":
    """Return the thread on a line that `stance parse` printed.

    Raises
    ------
    TypeError, ValueError
        It is none.
    """
    from stance.thread import Thread

    if row.error is not None:
        raise ValueError(row.error)
    return Thread.from_dict(row.values)


def sizes(paths: Sequence[str]) -> list[tuple[str, int | None]]:
    """Return all sources that paths name, with their bytes where these are known."""
    inputs = Inputs(paths, tables=True)
    names = [name for name in inputs.found() if isinstance(name, str)]
    return [(name, _size(name)) for name in names]


def _size(name: str) -> int | None:
    try:
        return Path(name).stat().st_size if Path(name).is_file() else None
    except (OSError, ValueError):
        return None

"""What `stance score` says of its inputs, whatever it writes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stance.commands.common import say
from stance.errors import InputError
from stance.words import count_words

if TYPE_CHECKING:
    from stance.scoring.rows import RowCounts
    from stance.tables import Row

MAX_RENAMED_SAID = 3  # one by one; more of them in one line
MAX_COLUMNS_SAID = 10  # of a file without a text
# What is read of a row beside what comes back unchanged.
READ_COLUMNS = ("text", "target", "id", "parent_id", "author", "published", "depth", "source")
MAX_BAD_LINES_SAID = 10  # of one file; all are counted


def say_bad_line(source: str, row: "Row", error: Exception, count: int) -> None:
    """Say what is wrong with the `count`th bad line of a file of threads."""
    if count <= MAX_BAD_LINES_SAID:
        say(f"{source}: line {row.number}: {error}")


def say_bad_lines(source: str, bad: int, lines: int) -> None:
    """Say how many lines of a file of threads are bad.

    Raises
    ------
    InputError
        All of them.
    """
    if bad == lines:
        raise InputError(f"{source}: none of its lines is a thread as stance parse prints it")
    if bad:
        say(f"{source}: {bad:,} of {count_words(lines, 'line')} could not be scored")


def no_row(source: str, counts: "RowCounts") -> InputError:
    """Return the error of a file none of whose rows could be scored."""
    if not counts.rows:
        return InputError(f"{source}: no rows")
    problem = f"{source}: none of its rows could be scored ({counts.first_error})"
    if "text" in counts.columns:
        return InputError(problem)
    found = ", ".join(map(_shown_name, counts.columns[:MAX_COLUMNS_SAID]))
    found = (found or "none that can be read") + _renaming(counts.columns)
    return InputError(f"{problem}; expected a column 'text' with the comment, found {found}")


def _shown_name(column: str) -> str:
    """Return the name of a column, in quotation marks where it holds what is not seen."""
    return column if column.isprintable() and column == column.strip() else repr(column)


def _renaming(columns: Sequence[str]) -> str:
    """Return how to mend the names of columns that are nearly those that are read, or ""."""
    meant = {column: _plain_name(column) for column in columns}
    if "text" not in meant.values():
        return ""
    nearly = {
        column: name
        for column, name in meant.items()
        if column != name and name in READ_COLUMNS and name not in columns
    }
    return "; rename " + ", ".join(f"{column!r} to {name!r}" for column, name in nearly.items())


def _plain_name(column: str) -> str:
    return "".join(filter(str.isprintable, column)).strip().lower()


def say_rows(source: str, counts: "RowCounts") -> None:
    """Say what is special about the rows of a file, but for unread ones."""
    _say_renamed(source, counts.renamed)
    if counts.untargeted:
        rows = count_words(counts.untargeted, "row")
        say(f"{source}: {rows} without a target: toxicity alone")
    if counts.orphans:
        say(
            f"{source}: rows whose parent is not in the file, or too far after them, get no reply: "
            f"{counts.orphans:,}"
        )
    if counts.bad:
        rows = count_words(counts.rows, "row")
        say(f"{source}: {counts.bad:,} of {rows} could not be scored ({counts.first_error})")


def _say_renamed(source: str, renamed: Mapping[str, str]) -> None:
    if len(renamed) > MAX_RENAMED_SAID:
        new = ", ".join(map(repr, renamed.values()))
        say(f"{source}: {len(renamed)} columns are called like output columns; yours are now {new}")
        return
    for old, new in renamed.items():
        say(f"{source}: the column {old!r} is an output column; yours is now {new!r}")


def say_unread(
    unread: Mapping[str, int], comments: int, languages: Sequence[str], source: str
) -> None:
    """Warn of comments in languages that the model does not read, if there are any."""
    if unread:
        from stance.scoring import language

        say(f"{source}: {language.say_unread(unread, comments, languages)}")


def say_written(path: str, comments: int, inputs: int) -> None:
    """Say what is in a file that was written."""
    say(f"{path}: {count_words(comments, 'comment')} of {count_words(inputs, 'input')}")

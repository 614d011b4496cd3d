"""Comments alone: rows with a `text` column in, the same rows with scores out.

A row comes out with the columns that `stance score` writes for a page, and its own further columns
unchanged between them. What the row itself says of a comment (`COMMENT_COLUMNS`) is kept as it is;
where it says nothing, `id` is its line number as text and `depth` is 0. A column whose name the
scores need, or get in a table of flat cells (`toxicity.insult`), is renamed to `input_NAME`.

A row's own `target` column (a text; in JSON Lines a list of texts too) is scored beside the targets
that are asked for, and before them. A row without any target gets toxicity alone.

A row whose `parent_id` is the `id` of another one gets its `reply` to that. The other may stand
anywhere before it in the file, or soon after it, among the rows that are read together
(`CHUNK_ROWS`); where the file has a column `source`, as one of scores has, an id counts within its
source.
"""

import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

from stance.errors import InputError
from stance.labels import TOXICITY_LABELS
from stance.scoring.results import (
    MAX_PARENT_CHARS,
    Agreement,
    Prediction,
    ScoredComment,
    ScoredThread,
    StanceScore,
    is_unread,
    prediction_columns,
)
from stance.tables import Row
from stance.thread import Comment, Thread
from stance.words import is_empty

if TYPE_CHECKING:
    import sqlite3

COMMENT_COLUMNS = ("id", "author", "published", "parent_id", "depth", "text")
SCORE_COLUMNS = (
    *("source", "stance", "reply", "toxicity", "toxic", "toxic_spans", "language"),
    *("model", "error"),
)
_FLAT_STARTS = ("stance.", "reply.", "toxicity.")  # of columns such as `reply.label` in CSV

# A complete row: tables take their first columns and the types of nested values from it.
EXAMPLE_ROW: dict[str, Any] = {
    "source": "page.txt",
    "id": "1",
    "author": "Ann",
    "published": "2026-01-01T12:00",
    "parent_id": "1",
    "depth": 0,
    "text": "Good.",
    **prediction_columns(
        Prediction(
            (StanceScore("trams", "favor", 1.0, 0.0, 0.0, 1.0),),
            dict.fromkeys(TOXICITY_LABELS, 0.0),
            False,
            ((0, 4),),
            Agreement("favor", 1.0, 0.0, 0.0),
            "en",
        )
    ),
    "model": "model 1.0",
}
# The column of record lists, and the field that names a record (see `stance.tables.write_rows`).
RECORD_KEYS = {"stance": "target"}

EMPTY_TEXT = "the text is empty"  # what is wrong with a comment of which nothing is seen
CHUNK_ROWS = 512
MAX_TEXT_CHARS = 1_000_000  # a longer text is no comment, and would take minutes and memory
MAX_IN_MEMORY = 2048  # beginnings of comments that wait for replies; older ones wait on the disk
# How pandas writes whole numbers in a column with gaps, such as that of the parents.
_WHOLE_FLOAT = re.compile(r"-?\d+\.0")
_NO_IDS = ("0", "-1", "None", "null", "nan")  # how tables write that there is no parent


class Predictor(Protocol):
    """What scores texts, such as `stance.scoring.analyzer.Analyzer`."""

    @property
    def name(self) -> str:
        """Name and version of the model."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of what it reads."""
        ...

    def predict(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        *,
        parents: Sequence[str | None] | None = None,
        threshold: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Prediction]:
        """Score each text against its own targets, and as a reply to its parent."""
        ...


@dataclass(slots=True)
class RowCounts:
    """What has come by so far, for those who tell the user.

    Parameters
    ----------
    rows : int
        All rows, bad ones among them.
    bad : int
        Rows that came out with an `error`.
    first_error : str or None
        That of the first of them, in which its line number stands.
    untargeted : int
        Rows that were scored for toxicity alone.
    orphans : int
        Rows with a parent that was not found.
    unread : Counter of str
        Rows in languages that the model does not read, by ISO 639-1 code.
    renamed : dict of str to str
        Input columns that had to make room, to their new names.
    columns : tuple of str
        Those of the first row that could be read.
    """

    rows: int = 0
    bad: int = 0
    first_error: str | None = None
    untargeted: int = 0
    orphans: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    renamed: dict[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


Key = tuple[str, str]  # the source that a row names, and an id in it


@dataclass(frozen=True, slots=True)
class CommentRow:
    """One row, ready to be scored.

    Parameters
    ----------
    columns : dict
        Its output columns but for the scores.
    targets : tuple of str
    error : str or None
        What is wrong with it.
    key, parent : (source, id) or None
        Of the row itself, and of the comment that it answers, where it gives an id for them.
    """

    columns: dict[str, Any]
    targets: tuple[str, ...] = ()
    error: str | None = None
    key: Key | None = None
    parent: Key | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A row to be scored, and the text that it answers, if any."""

    row: CommentRow
    parent: str | None = None


def score_rows(
    rows: Iterable[Row],
    analyzer: Predictor,
    source: str,
    *,
    targets: Sequence[str] = (),
    threshold: float | None = None,
    replies: bool = True,
    counts: RowCounts | None = None,
) -> Iterator[tuple[dict[str, Any], Prediction | None]]:
    """Yield each row with its scores, in order, in constant memory.

    A row without text or that could not be read comes back with `error`, in which its line number
    stands, and no scores.

    Parameters
    ----------
    rows : iterable of Row
        Such as `stance.tables.read_rows` yields.
    analyzer : Predictor
    source : str
        Name of the file, for the `source` column.
    targets : sequence of str
        Scored for every row, after the row's own.
    threshold : float, optional
        As for `Analyzer.predict`.
    replies : bool
        Whether to say of each reply how it stands to the comment that it answers.
    counts : RowCounts, optional
        Brought up to date with each row.

    Yields
    ------
    tuple of dict and (Prediction or None)
        The row as it is written, and what the model said of it.
    """
    counts = RowCounts() if counts is None else counts
    for chunk in prepare_rows(rows, source, targets=targets, replies=replies, counts=counts):
        predictions = predict_questions(chunk, analyzer, threshold)
        for question, prediction in zip(chunk, predictions, strict=True):
            if prediction is not None and is_unread(prediction, analyzer.languages):
                counts.unread[prediction.language or ""] += 1
            yield output_row(question.row, prediction, analyzer.name), prediction


def predict_questions(
    questions: Sequence[Question], predictor: Predictor, threshold: float | None
) -> list[Prediction | None]:
    """Return what the model says of each question, None for a bad row."""
    good = [question for question in questions if question.row.error is None]
    if not good:
        return [None] * len(questions)
    predictions = iter(
        predictor.predict(
            [question.row.columns["text"] for question in good],
            [question.row.targets for question in good],
            parents=[question.parent for question in good],
            threshold=threshold,
        )
    )
    return [None if item.row.error is not None else next(predictions) for item in questions]


def prepare_rows(
    rows: Iterable[Row],
    source: str,
    *,
    targets: Sequence[str] = (),
    replies: bool = True,
    counts: RowCounts,
) -> Iterator[list[Question]]:
    """Yield what is to be asked of the model, `CHUNK_ROWS` rows at a time, in order.

    Parameters
    ----------
    rows, source, targets, replies
        As for `score_rows`.
    counts : RowCounts
        Brought up to date with each chunk, but for `unread`, which the model tells.
    """
    parent_texts = _ParentTexts()
    for chunk in _chunks(rows):
        counts.columns = counts.columns or next(
            (tuple(row.values) for row in chunk if row.values), ()
        )
        prepared = [prepare_row(row, source, targets, counts.renamed) for row in chunk]
        good = [row for row in prepared if row.error is None]
        parents = iter(parent_texts.parents(good) if replies else [None] * len(good))
        counts.orphans = parent_texts.orphans
        counts.rows += len(prepared)
        counts.bad += len(prepared) - len(good)
        counts.first_error = counts.first_error or next(
            (row.error for row in prepared if row.error is not None), None
        )
        counts.untargeted += sum(not row.targets for row in good)
        yield [Question(row, None if row.error is not None else next(parents)) for row in prepared]


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield rows in chunks; where reading them fails, what was read before comes first."""
    chunk: list[Row] = []
    try:
        for row in rows:
            chunk.append(row)
            if len(chunk) == CHUNK_ROWS:
                yield chunk
                chunk = []
    except InputError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def prepare_row(
    row: Row, source: str, targets: Sequence[str], renamed: dict[str, str]
) -> CommentRow:
    """Return a row with output columns, its targets, and what is wrong with it, if anything.

    Examples
    --------
    >>> row = Row(2, {"text": "Good.", "target": "trams", "toxic": "no"})
    >>> prepared = prepare_row(row, "a.csv", ["buses"], renamed := {})
    >>> prepared.targets, prepared.columns["input_toxic"], renamed
    (('trams', 'buses'), 'no', {'toxic': 'input_toxic'})
    """
    columns: dict[str, Any] = {"source": source} | dict.fromkeys(COMMENT_COLUMNS)
    columns |= {"id": str(row.number), "depth": 0}
    for name, value in row.values.items():
        if name not in COMMENT_COLUMNS:
            columns[_free_name(name, row.values, renamed)] = value
        elif value is not None and value != "":
            columns[name] = value
    error = row.error or _text_problem(columns["text"])
    own: tuple[str, ...] = ()
    if error is None:
        own, error = _own_targets(row.values.get("target"))
    if error is not None:
        return CommentRow(columns, error=f"line {row.number}: {error}")
    key, parent = _key(row.values, "id"), _key(row.values, "parent_id")
    return CommentRow(
        columns,
        tuple(dict.fromkeys((*own, *targets))),
        key=key,
        parent=None if parent == key else parent,
    )


def _key(values: Mapping[str, Any], column: str) -> Key | None:
    """Return the id in a column; Reddit's parents are comments with "t1_", posts with "t3_"."""
    value = values.get(column)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    name = "" if value is None else str(value).strip().removeprefix("t1_")
    if _WHOLE_FLOAT.fullmatch(name):
        name = name.removesuffix(".0")
    return (str(values.get("source", "")), name) if name and not name.startswith("t3_") else None


class _ParentTexts:
    """The beginnings of all comments of a file, for those that answer them.

    The last `MAX_IN_MEMORY` stand in memory, older ones in a temporary file.
    """

    def __init__(self) -> None:
        self._recent: OrderedDict[Key, str] = OrderedDict()
        self._older: sqlite3.Connection | None = None
        self.orphans = 0

    def parents(self, rows: Sequence[CommentRow]) -> list[str | None]:
        """Remember rows, and return the comment that each of them answers, where it is known."""
        for row in rows:
            if row.key is not None:
                self._recent[row.key] = row.columns["text"][:MAX_PARENT_CHARS]
                self._recent.move_to_end(row.key)
        parents = [None if row.parent is None else self._text(row.parent) for row in rows]
        self.orphans += sum(
            row.parent is not None and parent is None and row.parent[1] not in _NO_IDS
            for row, parent in zip(rows, parents, strict=True)
        )
        if len(self._recent) > MAX_IN_MEMORY:
            self._put_away(len(self._recent) - MAX_IN_MEMORY)
        return parents

    def _text(self, key: Key) -> str | None:
        text = self._recent.get(key)
        if text is None and self._older is not None:
            found = self._older.execute("SELECT text FROM texts WHERE key = ?", (_key_bytes(key),))
            text = next((_from_bytes(row[0]) for row in found), None)
        return text

    def _put_away(self, count: int) -> None:
        if self._older is None:
            import sqlite3

            # No name: a file that nobody else sees and that goes with the connection.
            self._older = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._older.execute("PRAGMA journal_mode = OFF")
            self._older.execute("CREATE TABLE texts (key BLOB PRIMARY KEY, text BLOB)")
        oldest = [self._recent.popitem(last=False) for _ in range(count)]
        self._older.execute("BEGIN")
        self._older.executemany(
            "INSERT OR REPLACE INTO texts VALUES (?, ?)",
            ((_key_bytes(key), _to_bytes(text)) for key, text in oldest),
        )
        self._older.execute("COMMIT")


def _key_bytes(key: Key) -> bytes:
    return blake2b(_to_bytes(f"{len(key[0])} {key[0]}{key[1]}"), digest_size=16).digest()


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _from_bytes(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _free_name(name: str, taken: Iterable[str], renamed: dict[str, str]) -> str:
    if name not in SCORE_COLUMNS and not name.startswith(_FLAT_STARTS):
        return name
    free = f"input_{name}"
    while free in taken:
        free = f"input_{free}"
    renamed[name] = free
    return free


def _text_problem(text: Any) -> str | None:
    if text is None:
        return "no text"
    if not isinstance(text, str):
        return "the text is not a string"
    if len(text) > MAX_TEXT_CHARS:
        return f"the text has {len(text):,} characters, expected at most {MAX_TEXT_CHARS:,}"
    return EMPTY_TEXT if is_empty(text) else None


def _own_targets(target: Any) -> tuple[tuple[str, ...], str | None]:
    listed = target if isinstance(target, list) else [target]
    if not all(item is None or isinstance(item, str) for item in listed):
        return (), "the target is not a string"
    return tuple(item.strip() for item in listed if item and item.strip()), None


def output_row(row: CommentRow, prediction: Prediction | None, model: str) -> dict[str, Any]:
    """Return the columns of a row as they are written, without scores for a bad one."""
    scores: dict[str, Any] = (
        dict.fromkeys(("stance", "reply", "toxicity", "toxic", "toxic_spans", "language"))
        if prediction is None
        else prediction_columns(prediction)
    )
    error = {} if row.error is None else {"error": row.error}
    return row.columns | scores | {"model": model} | error


def thread_of_rows(
    scored: Iterable[tuple[Mapping[str, Any], Prediction | None]],
    source: str,
    model: str,
    languages: tuple[str, ...] = ("en",),
) -> ScoredThread:
    """Gather what `score_rows` yields in one thread, for a report; bad rows are left out.

    Parameters
    ----------
    scored : iterable of tuple
    source, model : str
        Names of the file and the model.
    languages : tuple of str
        ISO 639-1 codes of what the model reads.

    Returns
    -------
    ScoredThread
        Its targets are those of all rows, in the order of their first appearance.
    """
    comments = tuple(
        ScoredComment(_comment(row), prediction)
        for row, prediction in scored
        if prediction is not None
    )
    targets = {score.target: None for item in comments for score in item.prediction.stance}
    thread = Thread(source, "rows", comments=tuple(item.comment for item in comments))
    return ScoredThread(thread, tuple(targets), comments, model, languages)


def _comment(row: Mapping[str, Any]) -> Comment:
    depth = str(row["depth"])
    # More than four digits is no depth.
    is_number = depth.isascii() and depth.isdigit() and len(depth) <= 4
    return Comment(
        id=str(row["id"]),
        text=row["text"],
        author=_optional_text(row["author"]),
        published=_optional_text(row["published"]),
        parent_id=_optional_text(row["parent_id"]),
        depth=int(depth) if is_number else 0,
    )


def _optional_text(value: Any) -> str | None:
    return None if value is None else str(value)

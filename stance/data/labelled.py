"""Users' own labelled comments: a table, or a Hugging Face dataset, with these columns.

================  ================================================================================
text              the comment; the one column that must be there
target            what the stance is to: a name or a claim
stance            favor, against or neutral
toxicity labels   toxicity, severe_toxicity, obscene, threat, insult, identity_attack: each 0 or 1,
                  or the share of raters who chose it
parent            the comment that this one answers; it is the target of a row that has none
group             rows of one group stay together; without it, rows of the same text do
split             train, dev or test
================  ================================================================================

An empty cell (null in JSON Lines and Parquet) is a label that nobody gave: a row may carry stance
alone or toxicity alone. Other names are mapped, never guessed: a label that is not listed above is
an error that shows the mapping to give. Further columns are kept where they are asked for.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, get_args

from stance.data.examples import Example, Split, text_key
from stance.data.mending import (
    ending_hint,
    label_hint,
    like_column,
    looks_like_a_row,
    map_columns,
    misread,
    refuse_disguised,
    repeated_column,
)
from stance.errors import DataError, InputError, MissingExtraError
from stance.labels import STANCE_LABELS, TOXICITY_LABELS, StanceLabel, ToxicityLabel
from stance.tables import ROW_ENDINGS, UNCLOSED, Row, read_rows, row_ending
from stance.words import count_words

COLUMNS = ("text", "target", "stance", *TOXICITY_LABELS, "parent", "group", "split")
LABEL_COLUMNS = ("stance", *TOXICITY_LABELS)
SPLITS: tuple[Split, ...] = get_args(Split)

MAX_TEXT_CHARS = 1_000_000
_MAX_EXTRA_CHARS = 200
_MAX_SHOWN = 5
_TEXT_ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson")
_NO_TARGET = "a stance and nothing that it is to: neither target nor parent"
_MAX_KINDS = 100  # of labels that are not allowed

_SHARES = {"true": 1.0, "false": 0.0}
_SPLIT_NAMES: dict[str, Split] = {
    **{name: name for name in SPLITS},
    **dict.fromkeys(("validation", "valid", "val"), "dev"),
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


@dataclass(frozen=True, slots=True)
class Names:
    """How the columns and labels of a data set are called there.

    Parameters
    ----------
    columns : mapping of str to str
        From a column of ours to the one that holds it: ``{"text": "comment_body"}``.
    labels : mapping of str to mapping of str to str
        By column of ours, from their label to ours: ``{"stance": {"pro": "favor"}}``.
    section : str
        Of the training configuration where they stand, for messages; "" where they are arguments.

    Raises
    ------
    DataError
        A column or a label of ours does not exist.

    Examples
    --------
    >>> Names.parse(["text=comment_body"], ["stance.pro=favor"])
    Names(columns={'text': 'comment_body'}, labels={'stance': {'pro': 'favor'}})
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    section: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for column in self.columns:
            _check_known(column, COLUMNS, "column")
        for column, labels in self.labels.items():
            _check_known(column, (*LABEL_COLUMNS, "split"), "column of labels")
            for theirs, ours in labels.items():
                if read_label(column, ours) is None:
                    raise DataError(
                        f"{column}.{theirs}={ours}: {ours!r} is no label; "
                        f"expected {_allowed(column)}"
                    )

    @classmethod
    def parse(cls, columns: Iterable[str] = (), labels: Iterable[str] = ()) -> Self:
        """Return the names of arguments such as "text=comment_body" and "stance.pro=favor"."""
        by_column: dict[str, dict[str, str]] = {}
        for argument in labels:
            theirs, ours = _pair(
                argument, "COLUMN.THEIRS=OURS, such as stance.pro=favor", last=True
            )
            column, dot, label = theirs.partition(".")
            if not dot or not label:
                raise DataError(
                    f"{argument!r}: expected COLUMN.THEIRS=OURS, such as stance.pro=favor"
                )
            by_column.setdefault(column, {})[label] = ours
        return cls(
            dict(_pair(argument, "OURS=THEIRS, such as text=comment") for argument in columns),
            by_column,
        )

    def of(self, column: str) -> str:
        """Return what a column of ours is called there."""
        return self.columns.get(column, column)

    def ours(self, column: str, value: str) -> str:
        """Return our label for one of theirs, or theirs where none is mapped."""
        return self.labels.get(column, {}).get(value, value)


def _pair(argument: str, expected: str, *, last: bool = False) -> tuple[str, str]:
    left, equals, right = argument.rpartition("=") if last else argument.partition("=")
    if not (left and equals and right):
        raise DataError(f"{argument!r}: expected {expected}")
    return left, right


def _check_known(name: str, known: Sequence[str], kind: str) -> None:
    if name not in known:
        raise DataError(f"{name!r} is no {kind} of ours; expected one of {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One labelled comment.

    Parameters
    ----------
    number : int
        Its line in the file (CSV, JSON Lines), or its row from 1.
    text : str
    target : str or None
        The parent's text where the row has a parent and no target of its own.
    stance : {"favor", "against", "neutral"} or None
    toxicity : mapping of toxicity label to float
        Share of raters, or 0 and 1; a label that is absent is unknown.
    parent : str or None
    group : str
        The data's own, or a key that rows of the same text share.
    split : {"train", "dev", "test"} or None
    extras : mapping of str to str
        Further columns that were asked for, as text; empty ones are absent.
    """

    number: int
    text: str
    target: str | None
    stance: StanceLabel | None
    toxicity: Mapping[ToxicityLabel, float]
    parent: str | None
    group: str
    split: Split | None
    extras: Mapping[str, str]

    def example(self, corpus: str) -> Example:
        """Return the row as training and evaluation take it; without a split it is for testing."""
        return Example(
            text=self.text,
            corpus=corpus,
            split=self.split or "test",
            target=self.target,
            stance=self.stance,
            toxicity=self.toxicity,
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with some rows, which were left out.

    Parameters
    ----------
    reason : str
    count : int
    rows : tuple of str
        Where the first few stand, and what was found there.
    unlabelled : bool
        Nothing is wrong with them: nobody labelled them.
    mend : str
        What to do about it; "" where the reason says it.
    wrong_label : bool
        They hold a label that is not allowed.
    """

    reason: str
    count: int
    rows: tuple[str, ...]
    unlabelled: bool = False
    mend: str = field(default="", compare=False)
    wrong_label: bool = field(default=False, compare=False)

    def in_words(self) -> str:
        """Return how many rows were left out and why, with the first of them."""
        return f"{count_words(self.count, 'row')} left out: {self.reason} ({self.rows[0]})"


@dataclass(frozen=True, slots=True)
class LabelledData:
    """The rows of a labelled data set.

    Parameters
    ----------
    name : str
        File name, or name of the dataset.
    rows : list of LabelledRow
    problems : tuple of Problem
    columns : tuple of str
        All that are there, by their own names.
    notes : tuple of str
        What a user should know, such as a column whose name is almost one of ours.
    has_groups : bool
        Whether a column says which rows belong together.
    """

    name: str
    rows: list[LabelledRow]
    problems: tuple[Problem, ...]
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    has_groups: bool = False


def read_labelled(
    source: str | Path,
    names: Names | None = None,
    *,
    extras: Collection[str] = (),
    optional: Collection[str] = (),
    strict: bool = True,
) -> LabelledData:
    r"""Read labelled comments.

    Parameters
    ----------
    source : str or Path
        A table (`stance.tables.ROW_ENDINGS`), a folder that `datasets` saved, or, where neither is
        there, a data set's name OWNER/NAME on the Hugging Face hub, which needs a network.
    names : Names, optional
        Where columns or labels are called otherwise.
    extras : collection of str
        Further columns to keep, by their own names.
    optional : collection of str
        Further columns to keep where they are there.
    strict : bool
        Whether a label that is not allowed is an error; otherwise its row is left out and counted.
        Rows that cannot be read or used at all are left out and counted either way.

    Raises
    ------
    InputError
        There is no such file, or it cannot be read.
    DataError
        A column is missing, a label is not allowed, or no row can be used.
    MissingExtraError
        A dataset is asked for and the package `datasets` is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels.csv")
    ...     _ = path.write_text("text,target,stance\nMore trams!,trams,pro\n")
    ...     data = read_labelled(path, Names.parse(labels=["stance.pro=favor"]))
    >>> data.rows[0].stance
    'favor'
    """
    rows: list[LabelledRow] = []
    data = scan_labelled(
        source, rows.append, names, extras=extras, optional=optional, strict=strict
    )
    return replace(data, rows=rows)


def scan_labelled(
    source: str | Path,
    take: Callable[[LabelledRow], None],
    names: Names | None = None,
    *,
    extras: Collection[str] = (),
    optional: Collection[str] = (),
    strict: bool = True,
) -> LabelledData:
    """Read labelled comments as `read_labelled` does, in constant memory.

    Parameters
    ----------
    source, names, extras, optional, strict
        As for `read_labelled`, whose errors are raised too.
    take : callable of one LabelledRow
        Gets each usable row as it is read, those before an error too.

    Returns
    -------
    LabelledData
        Without its rows.
    """
    names = names or Names()
    ending = None if _is_dataset(source) else row_ending(source)
    reading = _Reading(names, tuple(extras), tuple(optional), take, ending or "")
    place = "row" if ending in (None, ".parquet") else "line"
    for row in raw_rows(source, _wanted(names, (*extras, *optional))):
        reading.take(row, place)
    return reading.result(_name(source), str(source), strict=strict)


def _wanted(names: Names, extras: Collection[str]) -> tuple[str, ...]:
    """Return which columns matter, by their own names."""
    return (*(names.of(column) for column in COLUMNS), *extras)


# Where rows come from


def _name(source: str | Path) -> str:
    return Path(source).name or str(source)


def _is_dataset(source: str | Path) -> bool:
    return row_ending(source) is None


def raw_rows(source: str | Path, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of labelled data as they are there, those columns at least.

    Raises
    ------
    InputError
        As for `read_labelled`.
    """
    path = Path(source)
    if path.is_dir():
        return _dataset_rows(_load_folder(path), columns)
    if not _is_dataset(source):
        if row_ending(source) in _TEXT_ENDINGS:
            refuse_disguised(path)
        return read_rows(path, keep_nan=True)
    if path.exists():
        raise InputError(
            f"{source}: expected labelled rows as {', '.join(ROW_ENDINGS)}, or a "
            f"dataset folder{ending_hint(path)}"
        )
    if _HUB_NAME.fullmatch(str(source)) and not path.parent.exists():
        return _dataset_rows(_load_from_hub(str(source)), columns)
    raise InputError(f"{source}: no such file or folder")


def _load_folder(folder: Path) -> Any:
    datasets = _datasets()
    if not any((folder / name).is_file() for name in ("dataset_dict.json", "state.json")):
        tables = sorted(path.name for path in folder.iterdir() if row_ending(path))[:_MAX_SHOWN]
        hint = f"; name a file in it, such as {folder / tables[0]}" if tables else ""
        raise InputError(
            f"{folder}: no dataset that Hugging Face datasets saved with save_to_disk{hint}"
        )
    try:
        return datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: the dataset cannot be read ({_one_line(error)})") from None


def _load_from_hub(name: str) -> Any:
    datasets = _datasets()
    try:
        return datasets.load_dataset(name)
    except Exception as error:  # the hub's client raises errors of many packages
        raise InputError(
            f"{name}: there is no such file, and no such dataset could be loaded from the Hugging "
            f"Face hub ({_one_line(error)})"
        ) from None


def _datasets() -> Any:
    try:
        import datasets
    except ImportError:
        raise MissingExtraError("reading a dataset", "evaluate", "datasets") from None
    return datasets


def _dataset_rows(loaded: Any, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of a dataset, or of its splits with their names in the column `split`."""
    number = 0
    parts = loaded.items() if hasattr(loaded, "items") else [(None, loaded)]
    for split, part in parts:
        wanted = [name for name in part.column_names if name in columns]
        codes = {
            name: kind for name, kind in part.features.items() if hasattr(kind, "int2str")
        }  # class labels, kept as numbers
        others = dict.fromkeys(part.column_names)
        for values in part.select_columns(wanted):
            number += 1
            for name in wanted:
                if name in codes and values[name] is not None and values[name] >= 0:
                    values[name] = codes[name].int2str(values[name])
            if split is not None and "split" not in wanted:
                values["split"] = split
            yield Row(number, {**others, **values})


def _one_line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]


# From rows to labelled rows


class _RowError(ValueError):
    """A row cannot be used."""


@dataclass(slots=True)
class _Kind:
    """Rows that share a reason for being left out."""

    count: int = 0
    first: list[str] = field(default_factory=list)


class _Reading:
    """Takes rows one by one and keeps account of what is wrong with them."""

    def __init__(
        self,
        names: Names,
        extras: tuple[str, ...],
        optional: tuple[str, ...],
        keep: Callable[[LabelledRow], None],
        ending: str,
    ) -> None:
        self._keep = keep
        self._is_csv = ending.startswith(".csv")
        self._kept = 0
        self._names = names
        self._extras = extras
        self._further_columns = tuple(dict.fromkeys((*extras, *optional)))
        self._columns: dict[str, None] = {}
        self._unusable: dict[str, _Kind] = {}
        self._unlabelled: dict[str, _Kind] = {}
        # By column and what was found there: where, and how often.
        self._wrong: dict[tuple[str, str], _Kind] = {}
        self._mapped: set[tuple[str, str]] = set()

    def take(self, row: Row, place: str) -> None:
        """Keep a row, or the reason why it cannot be used."""
        where = f"{place} {row.number}"
        self._columns.update(dict.fromkeys(row.values))
        if row.error == UNCLOSED:
            _count(self._unusable, UNCLOSED, where)
            return
        if row.error is not None:
            _count(self._unusable, "cannot be read", f"{where}: {row.error}")
            return
        if self._is_csv and (reason := misread(row.values)) is not None:
            _count(self._unusable, reason, where)
            return
        labels = self._labels(row, where)
        if labels is None:
            return
        try:
            found = self._labelled(row, labels)
        except _RowError as error:
            _count(self._unusable, str(error), where)
            return
        if found.stance is None and not found.toxicity:
            _count(self._unlabelled, "no label", where)
        else:
            self._kept += 1
            self._keep(found)

    def _labels(self, row: Row, where: str) -> dict[str, Any] | None:
        """Return the labels of a row; None where one is not allowed."""
        labels: dict[str, Any] = {}
        for column in (*LABEL_COLUMNS, "split"):
            value = row.values.get(self._names.of(column))
            if value is None or (isinstance(value, str) and not value.strip()):
                continue
            theirs = str(value).strip()
            label = read_label(column, self._names.ours(column, theirs))
            if label is None:
                self._count_wrong(column, str(value), where)
                return None
            labels[column] = label
            if theirs in self._names.labels.get(column, {}):
                self._mapped.add((column, theirs))
        return labels

    def _count_wrong(self, column: str, value: str, where: str) -> None:
        if (column, value) not in self._wrong and len(self._wrong) >= _MAX_KINDS:
            value = "another value"
        _count(self._wrong, (column, value), where)

    def _labelled(self, row: Row, labels: Mapping[str, Any]) -> LabelledRow:
        text = self._text(row, "text")
        if text is None:
            raise _RowError("no text")
        if len(text) > MAX_TEXT_CHARS:
            raise _RowError(f"a text of more than {MAX_TEXT_CHARS:,} characters")
        parent = self._text(row, "parent")
        target = self._text(row, "target") or parent
        if labels.get("stance") is not None and target is None:
            raise _RowError(_NO_TARGET)
        return LabelledRow(
            number=row.number,
            text=text,
            target=target,
            stance=labels.get("stance"),
            toxicity={name: labels[name] for name in TOXICITY_LABELS if name in labels},
            parent=parent,
            group=self._text(row, "group") or text_key(text),
            split=labels.get("split"),
            extras=self._further(row),
        )

    def _text(self, row: Row, column: str) -> str | None:
        return _as_text(row.values.get(self._names.of(column)))

    def _further(self, row: Row) -> dict[str, str]:
        texts = {name: _as_text(row.values.get(name)) for name in self._further_columns}
        return {name: text.strip()[:_MAX_EXTRA_CHARS] for name, text in texts.items() if text}

    def result(self, name: str, source: str, *, strict: bool) -> LabelledData:
        """Return what was read.

        Raises
        ------
        DataError
            A column is missing, a label is not allowed, or no row can be used.
        """
        self._check_columns(source)
        if strict and self._wrong:
            raise DataError(f"{source}: {self._wrong_labels()}")
        problems = tuple(self._problems())
        if not self._kept:
            found = "; ".join(f"{problem.reason} ({problem.count:,})" for problem in problems)
            mend = next((f"; {problem.mend}" for problem in problems if problem.mend), "")
            raise DataError(f"{source}: none of its rows can be used: {found}{mend}")
        return LabelledData(
            name,
            [],
            problems,
            tuple(self._columns),
            tuple(self._notes()),
            has_groups=self._names.of("group") in self._columns,
        )

    def _check_columns(self, source: str) -> None:
        found = ", ".join(list(self._columns)[:30]) or "none"
        mapped = [theirs for theirs in self._names.columns.values() if theirs not in self._columns]
        absent = [name for name in (*mapped, *self._extras) if name not in self._columns]
        if absent:
            raise DataError(f"{source}: no column {absent[0]!r}; found {found}")
        twice = repeated_column(self._columns, map(self._names.of, COLUMNS)) if self._is_csv else ""
        if twice:
            raise DataError(
                f"{source}: the column {twice!r} stands twice (or there is one called "
                f"{twice + '.2'!r}); found {found}; rename or remove one"
            )
        has_text = self._names.of("text") in self._columns
        has_labels = any(self._names.of(column) in self._columns for column in LABEL_COLUMNS)
        if has_text and has_labels:
            return
        if not self._columns or looks_like_a_row(self._columns):
            raise DataError(f"{source}: {self._no_header(found)}")
        missing = (
            "no column of labels; found "
            f"{found}; expected stance or one of {', '.join(TOXICITY_LABELS)}"
            if has_text
            else f"no column 'text' with the comment; found {found}"
        )
        raise DataError(f"{source}: {missing}; {self._mapping(has_text, has_labels)}")

    def _no_header(self, found: str) -> str:
        """Return what is wrong with a file none of whose rows could be read, or without header."""
        if self._columns:
            return (
                f"its first line looks like a comment, found {found}; expected a header; put a "
                "line such as text,target,stance above it"
            )
        if not self._unusable:
            return "a header and no rows; expected one comment a row"
        first = self._unusable["cannot be read"]
        return f"none of its rows can be read ({first.first[0]}); {self._mends()['cannot be read']}"

    def _mapping(self, has_text: bool, has_labels: bool) -> str:
        """Return what maps every column whose name is almost one of ours."""
        like = {column: name for column in COLUMNS if (name := self._like(column))}
        if not has_text:
            like = {"text": "NAME", **like}
        if not has_labels and not any(column in like for column in LABEL_COLUMNS):
            like["stance"] = "NAME"
        return map_columns(like, self._names.section)

    def _like(self, column: str) -> str | None:
        """Return the column whose name is almost that of a column of ours which is missing."""
        taken = {self._names.of(name) for name in COLUMNS}
        if column in self._names.columns or column in self._columns:
            return None
        return like_column(column, (name for name in self._columns if name not in taken))

    def _mends(self) -> dict[str, str]:
        return {
            "cannot be read": (
                "columns are separated by commas, semicolons or tabs; put a text that holds them "
                "or line breaks in quotation marks"
                if self._is_csv
                else "write one JSON object a line"
            ),
            "no text": "write their text or delete them",
            _NO_TARGET: "say in a column 'target' what the stance is to",
            "no label": "label them or delete them; nothing is learnt from them",
        }

    def _notes(self) -> Iterator[str]:
        for column in COLUMNS:
            like = self._like(column)
            if like is not None and like not in self._further_columns:
                yield (
                    f"the column {like!r} is not used; if it holds {column}, "
                    f"{map_columns({column: like}, self._names.section)}"
                )
        for column, labels in self._names.labels.items():
            for label in labels:
                if (column, label) not in self._mapped:
                    yield f"no row has the mapped label {label!r} in {self._names.of(column)!r}"

    def _wrong_labels(self) -> str:
        ((column, value), first), *others = self._wrong.items()
        message = (
            f"{first.first[0]}, column {self._names.of(column)!r}: found {_short(value)}; "
            f"expected {_allowed(column)}, or nothing where unlabelled; "
            f"{label_hint(column, value, self._names.section)}"
        )
        rows = sum(kind.count for kind in self._wrong.values())
        if rows == 1:
            return message
        more = ", ".join(
            f"{_short(found)} in {self._names.of(where)!r} ({kind.count:,}, first {kind.first[0]})"
            for (where, found), kind in others[:_MAX_SHOWN]
        )
        return f"{message}; {rows:,} rows have such labels" + (f", also {more}" if more else "")

    def _problems(self) -> Iterator[Problem]:
        mends = self._mends()
        for reason, kind in self._unusable.items():
            yield Problem(reason, kind.count, tuple(kind.first), mend=mends.get(reason, ""))
        for (column, value), kind in self._wrong.items():
            reason = f"{self._names.of(column)} is {_short(value)}, expected {_allowed(column)}"
            mend = label_hint(column, value, self._names.section)
            first = tuple(kind.first)
            yield Problem(reason, kind.count, first, mend=mend, wrong_label=True)
        for reason, kind in self._unlabelled.items():
            first = tuple(kind.first)
            yield Problem(reason, kind.count, first, unlabelled=True, mend=mends[reason])


def _as_text(value: Any) -> str | None:
    """Return what a cell says, as valid Unicode; None where it is empty, NaN or nested."""
    if value is None or isinstance(value, (list, dict, bytes)) or value != value:
        return None
    text = _SURROGATE.sub("\ufffd", str(value))
    return text if text.strip() else None


def _count(kinds: dict[Any, _Kind], key: Any, where: str) -> None:
    kind = kinds.setdefault(key, _Kind())
    kind.count += 1
    if kind.count <= _MAX_SHOWN:
        kind.first.append(where)


# Labels


def read_label(column: str, value: str) -> StanceLabel | Split | float | None:
    """Return what a label of a column of ours says, or None where it is not allowed."""
    low = value.lower()
    if column == "stance":
        return next((label for label in STANCE_LABELS if label == low), None)
    if column == "split":
        return _SPLIT_NAMES.get(low)
    try:
        share = _SHARES[low] if low in _SHARES else float(low)
    except ValueError:
        return None
    return share if math.isfinite(share) and 0 <= share <= 1 else None


def _allowed(column: str) -> str:
    if column == "stance":
        return "favor, against or neutral"
    if column == "split":
        return "train, dev or test"
    return "0, 1 or a share of raters between them"


def _short(value: str) -> str:
    return repr(value if len(value) <= 40 else f"{value[:40]}…")

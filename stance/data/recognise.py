"""What the columns and labels of a table most likely mean, to be looked over by its author."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stance.data.labelled import (
    COLUMNS,
    LABEL_COLUMNS,
    LabelledRow,
    Names,
    Problem,
    raw_rows,
    read_label,
    scan_labelled,
)
from stance.data.mending import like_column, meaning
from stance.data.splitting import group_keys

_MAX_KINDS = 100  # of labels of a column
_MAX_CHARS = 40  # of a label that is mapped; a longer one is a text


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a table holds.

    Parameters
    ----------
    names : Names
        From our columns and labels to those that most likely mean them.
    unknown : mapping of str to mapping of str to int
        By column of ours, labels that are not known, and in how many rows they stand.
    rows : int
        That can be used with these names.
    units : int
        Groups of rows that stay together.
    heads : mapping of str to mapping of str to int
        By column of labels, the rows of each class: favor, against, neutral; "0" and "1".
    splits : mapping of str to int
        Rows by the split that they name; empty where they name none.
    problems : tuple of Problem
        Rows that cannot be used.
    unused : tuple of str
        Columns that mean none of ours, by their own names.
    """

    names: Names
    unknown: Mapping[str, Mapping[str, int]]
    rows: int
    units: int
    heads: Mapping[str, Mapping[str, int]]
    splits: Mapping[str, int]
    problems: tuple[Problem, ...]
    unused: tuple[str, ...]


def recognise(source: str | Path) -> Recognised:
    r"""Look through a table for columns and labels that mean ours.

    Parameters
    ----------
    source : str or Path
        As for `stance.data.labelled.read_labelled`.

    Raises
    ------
    InputError, DataError
        It cannot be read, has no column for the text or none of labels, or no usable row.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels.csv")
    ...     _ = path.write_text("comment,topic,position\nMore trams!,trams,pro\nHm,trams,maybe\n")
    ...     found = recognise(path)
    >>> found.names.columns["text"], found.names.labels, found.unknown
    ('comment', {'stance': {'pro': 'favor'}}, {'stance': {'maybe': 1}})
    """
    there = _columns_there(source)
    columns = _columns(there)
    labels, unknown = _labels(source, columns)
    names = Names(columns, labels)
    kept: list[tuple[str, str]] = []
    heads: dict[str, Counter[str]] = {}
    splits: Counter[str] = Counter()

    def take(row: LabelledRow) -> None:
        kept.append((row.group, row.text))
        if row.stance is not None:
            heads.setdefault("stance", Counter())[row.stance] += 1
        for label, share in row.toxicity.items():
            heads.setdefault(label, Counter())[str(int(share >= 0.5))] += 1
        if row.split is not None:
            splits[row.split] += 1

    data = scan_labelled(source, take, names, strict=False)
    units = len(set(group_keys(kept)))
    used = {names.of(column) for column in COLUMNS}
    unused = tuple(name for name in there if name not in used)
    return Recognised(names, unknown, len(kept), units, heads, splits, data.problems, unused)


def _columns_there(source: str | Path) -> tuple[str, ...]:
    there: dict[str, None] = {}
    for row in raw_rows(source, COLUMNS):
        there.update(dict.fromkeys(row.values))
    return tuple(there)


def _columns(there: Sequence[str]) -> dict[str, str]:
    """Return which columns have another name than ours, by ours."""
    found: dict[str, str] = {}
    for column in COLUMNS:
        taken = {*found.values(), *COLUMNS}
        if column not in there:
            like = like_column(column, (name for name in there if name not in taken))
            if like is not None:
                found[column] = like
    return found


def _labels(
    source: str | Path, columns: Mapping[str, str]
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, int]]]:
    """Return the labels that mean ours, and those that nobody knows, by column of ours."""
    names = Names(columns)
    own = {column: names.of(column) for column in (*LABEL_COLUMNS, "split")}
    counted: dict[str, Counter[str]] = {column: Counter() for column in own}
    for row in raw_rows(source, tuple(own.values())):
        for column, name in own.items():
            value = row.values.get(name)
            label = "" if value is None else str(value).strip()
            counts = counted[column]
            if label and (label in counts or len(counts) < _MAX_KINDS):
                counts[label] += 1
    labels: dict[str, dict[str, str]] = {}
    unknown: dict[str, dict[str, int]] = {}
    for column, counts in counted.items():
        for label, count in counts.items():
            if read_label(column, label) is not None:
                continue
            ours = meaning(column, label) if len(label) <= _MAX_CHARS else None
            if ours is not None:
                labels.setdefault(column, {})[label] = ours
            else:
                unknown.setdefault(column, {})[label] = count
    return labels, unknown

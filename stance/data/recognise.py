"""What the columns and labels of a table most likely mean, to be looked over by its author."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from stance.data.mending import is_vague, like_column, meaning, name_words, same_column
from stance.data.splitting import group_keys
from stance.errors import DataError

_MAX_KINDS = 100  # of labels of a column
_MAX_NAMED = 5
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
    groups : tuple of int
        How many rows each group has that stays together, of those that splits are drawn from.
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
    groups: tuple[int, ...]
    heads: Mapping[str, Mapping[str, int]]
    splits: Mapping[str, int]
    problems: tuple[Problem, ...]
    unused: tuple[str, ...]


def recognise(source: str | Path, tell: Callable[[Names], None] | None = None) -> Recognised:
    r"""Look through a table for columns and labels that mean ours.

    Parameters
    ----------
    source : str or Path
        As for `stance.data.labelled.read_labelled`.
    tell : callable, optional
        Called with the names before the rows are read by them, so that an error can be understood.

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
    columns = _with_vague_settled(source, there, _columns(there))
    labels, unknown = _labels(source, columns)
    names = Names(columns, labels)
    if tell is not None:
        tell(names)
    _check_can_tell(source, there, columns)
    rows = 0
    divided: list[tuple[str, str]] = []
    heads: dict[str, Counter[str]] = {}
    splits: Counter[str] = Counter()

    def take(row: LabelledRow) -> None:
        nonlocal rows
        rows += 1
        if row.split in (None, "train"):
            divided.append((row.group, row.text))
        if row.stance is not None:
            heads.setdefault("stance", Counter())[row.stance] += 1
        for label, share in row.toxicity.items():
            heads.setdefault(label, Counter())[str(int(share >= 0.5))] += 1
        if row.split is not None:
            splits[row.split] += 1

    data = scan_labelled(source, take, names, strict=False)
    groups = tuple(Counter(group_keys(divided)).values()) if divided else ()
    used = {names.of(column) for column in COLUMNS}
    unused = tuple(name for name in there if name not in used)
    return Recognised(names, unknown, rows, groups, heads, splits, data.problems, unused)


def _columns_there(source: str | Path) -> tuple[str, ...]:
    there: dict[str, None] = {}
    for row in raw_rows(source, COLUMNS):
        there.update(dict.fromkeys(row.values))
    return tuple(there)


def _columns(there: Sequence[str]) -> dict[str, str]:
    """Return which columns have another name than ours, by ours: first those with a usual name."""
    found: dict[str, str] = {}
    for match in (same_column, like_column):
        for column in COLUMNS:
            if column in there or column in found:
                continue
            taken = {*found.values(), *COLUMNS}
            free = (name for name in there if name not in taken)
            like = match(column, (name for name in free if _is_free(column, name, there, found)))
            if like is not None:
                found[column] = like
    return found


def _is_free(column: str, name: str, there: Sequence[str], found: Mapping[str, str]) -> bool:
    """Tell whether a name holds no other column's that has been found: target_group no group."""
    others = set(name_words(name)).intersection(COLUMNS) - {*name_words(column), column, "text"}
    return not any(other in there or other in found for other in others)


def _with_vague_settled(
    source: str | Path, there: Sequence[str], columns: Mapping[str, str]
) -> dict[str, str]:
    """Return the columns without a vague one for stance, where nothing says what the stance is to.

    It is taken for toxicity where its labels say no more than yes and no.
    """
    if _is_stance_possible(there, columns):
        return dict(columns)
    others = {column: name for column, name in columns.items() if column != "stance"}
    has_toxicity = "toxicity" in there or "toxicity" in columns
    if not has_toxicity and _says_yes_or_no(source, columns["stance"]):
        others["toxicity"] = columns["stance"]
    return others


def _is_stance_possible(there: Sequence[str], columns: Mapping[str, str]) -> bool:
    """Tell whether a column says what a stance is to, or that for stance is named so clearly."""
    has_target = any(column in there or column in columns for column in ("target", "parent"))
    return has_target or not is_vague("stance", columns.get("stance", ""))


def _says_yes_or_no(source: str | Path, name: str) -> bool:
    """Tell whether all labels of a column, of which there are some, mean that a text is toxic."""
    values = set(_values(source, name))
    return bool(values) and all(
        read_label("toxicity", value) in (0, 1) or meaning("toxicity", value) is not None
        for value in values
    )


def _values(source: str | Path, name: str) -> Iterator[str]:
    """Yield what stands in a column, but for empty cells."""
    for row in raw_rows(source, (name,)):
        value = row.values.get(name)
        label = "" if value is None else str(value).strip()
        if label:
            yield label


def _check_can_tell(source: str | Path, there: Sequence[str], columns: Mapping[str, str]) -> None:
    """Refuse a table whose one column of labels has a name that says too little.

    Raises
    ------
    DataError
        It may hold a stance to something that is not there, or anything else.
    """
    if any(column in there or column in columns for column in LABEL_COLUMNS):
        return
    vague = next((name for name in there if is_vague("stance", name)), None)
    if vague is not None and ("text" in there or "text" in columns):
        kinds = ", ".join(map(repr, list(dict.fromkeys(_values(source, vague)))[:_MAX_NAMED]))
        raise DataError(
            f"{source}: the column {vague!r} may hold anything, found {kinds or 'nothing'}; for "
            "toxicity write 0 and 1 there; for stance add a column 'target' that says to what"
        )


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

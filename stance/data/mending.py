"""What is most likely wrong with a labelled file, and how to mend it: words for error messages."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from stance.errors import InputError
from stance.labels import STANCE_LABELS

# What others call our columns. Only ever suggested: a column is never taken for another.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "text": ("comment", "body", "content", "message", "post", "tweet", "sentence"),
    "target": ("topic", "claim", "about", "entity", "headline", "question"),
    "stance": ("position", "opinion", "attitude", "side"),
    "toxicity": ("toxic", "offensive", "hateful", "abusive"),
    "parent": ("reply_to", "context", "answers"),
    "split": ("set", "subset", "fold", "partition"),
}

# Names that say little: taken where no other column will do.
_VAGUE = {"stance": "label"}

_OTHER_LABELS: dict[str, dict[str, str]] = {
    column: {name: ours for ours, names in meanings.items() for name in names.split()}
    for column, meanings in {
        "stance": {
            "favor": "favour pro for support supports positive agree yes 1 +1 +",
            "against": "con contra anti oppose opposes negative disagree no -1 -",
            "neutral": "none neither unrelated undecided mixed 0",
        },
        "split": {
            "train": "training learn",
            "dev": "development tune tuning",
            "test": "testing eval evaluation",
        },
        "toxicity": {
            "1": "yes y t toxic hateful offensive abusive hate bad x",
            "0": "no n f clean ok fine harmless nontoxic non-toxic not_toxic normal neither",
        },
    }.items()
}
_NOBODY_SAID = frozenset(("nan", "na", "n/a", "null", "-", "--", "?", "unknown", "inf", "-inf"))
_DECIMAL_COMMA = re.compile(r"\d*,\d+")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")
_PLAIN = re.compile(r"[\w.+-]+")
_SEPARATORS = ",;\t|"
_MAX_SHOWN = 40

# How files begin that bear a wrong name, and what to do with them.
_SIGNATURES = (
    (b"PK\x03\x04", "a spreadsheet (.xlsx, .ods) or another zip archive", "save it as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet (.xls)", "save it as CSV UTF-8"),
    (b"PAR1", "a Parquet file", "let its name end in .parquet"),
    (b"\x1f\x8b", "compressed by gzip", "let its name end in .gz too"),
    (b"%PDF", "a PDF", "export the table as CSV"),
)
_ENDINGS = {
    ".xlsx": "a spreadsheet: save it there as CSV UTF-8",
    ".xls": "a spreadsheet: save it there as CSV UTF-8",
    ".ods": "a spreadsheet: save it there as CSV UTF-8",
    ".txt": "if it is a table with a header, let its name end in .csv",
    ".json": "write one JSON object a line and let its name end in .jsonl",
    ".zip": "unpack it first",
}


def refuse_disguised(path: Path) -> None:
    """Refuse a file of rows as text whose first bytes say that it is something else.

    Raises
    ------
    InputError
        Such as a spreadsheet that was renamed to .csv.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError:
        return  # whoever reads the rows says why
    for signature, what, mend in _SIGNATURES:
        if start.startswith(signature):
            raise InputError(f"{path}: found {what}, expected a table as text; {mend}")


def ending_hint(path: Path) -> str:
    """Return how to turn a file with an ending that is not read into one that is, or "".

    Examples
    --------
    >>> ending_hint(Path("labels.xlsx"))
    '; this is a spreadsheet: save it there as CSV UTF-8'
    """
    hint = _ENDINGS.get(path.suffix.lower(), "")
    return f"; {'this is ' if hint.startswith('a ') else ''}{hint}" if hint else ""


def label_hint(column: str, value: str, section: str = "") -> str:
    """Return how to mend a label that is not allowed.

    Parameters
    ----------
    column : str
        A column of ours.
    value : str
        What was found there.
    section : str
        Of the training configuration where labels are mapped; "" where arguments do it.

    Examples
    --------
    >>> label_hint("stance", "contra")
    'map it with --label stance.contra=against'
    >>> label_hint("stance", "contra", "data.comments")
    'map it in the configuration with data.comments.labels: {stance: {contra: against}}'
    >>> label_hint("toxicity", "3")
    'divide a rating by the highest that there is, or map it with --label toxicity.3=1 (or =0)'
    >>> label_hint("toxicity", "NaN")
    'leave the cell empty where nobody labelled it'
    """
    low = value.strip().lower()
    if low in _NOBODY_SAID and not (column == "stance" and low in _OTHER_LABELS["stance"]):
        return "leave the cell empty where nobody labelled it"
    meant = meaning(column, value)
    if column in ("stance", "split"):
        return _map_label(column, value, _others(column), meant, section)
    if _DECIMAL_COMMA.fullmatch(low):
        return f"write it with a point: {low.replace(',', '.')}"
    if percent := _PERCENT.fullmatch(low):
        return f"write it as a share: {float(percent[1]) / 100:g}"
    mapping = _map_label(column, value, ("1", "0"), meant, section)
    if _is_number(low):
        return f"divide a rating by the highest that there is, or {mapping}"
    return mapping


def meaning(column: str, value: str) -> str | None:
    """Return our label for what others write in a column of ours, or None where it is not known.

    Examples
    --------
    >>> meaning("stance", "Pro"), meaning("insult", "clean"), meaning("stance", "perhaps")
    ('favor', '0', None)
    """
    kind = column if column in ("stance", "split") else "toxicity"
    return _OTHER_LABELS[kind].get(value.strip().lower())


def _others(column: str) -> tuple[str, ...]:
    return STANCE_LABELS if column == "stance" else ("train", "dev", "test")


def _map_label(
    column: str, value: str, ours: Iterable[str], meant: str | None, section: str
) -> str:
    first, *others = [meant] if meant is not None else ours
    if section:
        mapping = in_yaml({column: {value.strip()[:_MAX_SHOWN]: first}})
        rest = f" (or {', '.join(others)})" if others else ""
        return f"map it in the configuration with {section}.labels: {mapping}{rest}"
    rest = f" (or {', '.join(f'={other}' for other in others)})" if others else ""
    return f"map it with --label {column}.{as_argument(value)}={first}{rest}"


def map_columns(columns: Mapping[str, str], section: str = "") -> str:
    """Return what maps columns of ours to those that hold them.

    Examples
    --------
    >>> map_columns({"text": "body"})
    'map it with --column text=body'
    >>> map_columns({"text": "body", "stance": "side"}, "data.comments")
    'map them in the configuration with data.comments.columns: {text: body, stance: side}'
    """
    them = "it" if len(columns) == 1 else "them"
    if section:
        return f"map {them} in the configuration with {section}.columns: {in_yaml(columns)}"
    arguments = (f"--column {ours}={as_argument(theirs)}" for ours, theirs in columns.items())
    return f"map {them} with {' '.join(arguments)}"


def in_yaml(value: Any) -> str:
    """Return a value as YAML on one line.

    Examples
    --------
    >>> in_yaml({"text": "body"}), in_yaml("yes"), in_yaml(3)
    ('{text: body}', "'yes'", '3')
    """
    import yaml

    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    return text.removesuffix("\n").removesuffix("\n...").strip()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def as_argument(value: str) -> str:
    """Return a name or label as a shell takes it, cut where it is long.

    Examples
    --------
    >>> as_argument("pro"), as_argument("in favor")
    ('pro', "'in favor'")
    """
    short = value[:_MAX_SHOWN]
    return short if _PLAIN.fullmatch(short) else repr(short)


def repeated_column(columns: Iterable[str], wanted: Iterable[str]) -> str | None:
    """Return a wanted column that stands twice in a CSV header; its reader numbers the second."""
    there = set(columns)
    return next((name for name in wanted if name in there and f"{name}.2" in there), None)


def same_column(column: str, free: Iterable[str]) -> str | None:
    """Return the name of a column of ours, in any case, or one that others give it.

    Parameters
    ----------
    column : str
        A column of ours.
    free : iterable of str
        Names that are no other column of ours.

    Examples
    --------
    >>> same_column("target", ["target_group", "Topic"]), same_column("target", ["target_group"])
    ('Topic', None)
    """
    by_name = {name.strip().lower(): name for name in free}
    known = (column, *OTHER_NAMES.get(column, ()))
    return next((by_name[name] for name in known if name in by_name), None)


def like_column(column: str, free: Iterable[str]) -> str | None:
    """Return the name that most likely means a column of ours: the same, one that holds it, alike.

    Parameters
    ----------
    column : str
        A column of ours.
    free : iterable of str
        Names that are no other column of ours.

    Examples
    --------
    >>> like_column("text", ["id", "comment_text"]), like_column("stance", ["id", "position"])
    ('comment_text', 'position')
    """
    by_name = {name.strip().lower(): name for name in free}
    same = same_column(column, by_name.values())
    if same is not None:
        return same
    for name, own in by_name.items():
        if column in name_words(name):
            return own
    close = get_close_matches(column, by_name, n=1, cutoff=0.8)
    if close:
        return by_name[close[0]]
    return by_name.get(_VAGUE.get(column, ""))


def is_vague(column: str, name: str) -> bool:
    """Tell whether a name says little, so that what is there has to say whether it is our column.

    Examples
    --------
    >>> is_vague("stance", "Label"), is_vague("stance", "position")
    (True, False)
    """
    return name.strip().lower() == _VAGUE.get(column)


def name_words(name: str) -> list[str]:
    """Return the words of a column's name.

    Examples
    --------
    >>> name_words("Comment_Text")
    ['comment', 'text']
    """
    return re.split(r"[\W_]+", name.strip().lower())


def looks_like_a_row(columns: Iterable[str]) -> bool:
    """Tell whether a header holds labels: the file then has none, and begins with a comment."""
    labels = {*STANCE_LABELS, "0", "1", "favour"}
    return any(name.strip().lower() in labels for name in columns)


def misread(values: Mapping[str, Any]) -> str | None:
    """Return why a CSV row cannot be what its author meant, or None.

    Parameters
    ----------
    values : mapping
        Cells by column; None for those that the row lacks at its end.

    Examples
    --------
    >>> misread({"text": "More trams!;trams;favor", "target": None, "stance": None})
    "its cells are separated by ';', those of the header otherwise: separate all lines alike"
    """
    cells = list(values.values())
    if not cells or cells[-1] is not None:
        return None
    given = [cell for cell in cells if cell is not None]
    if len(given) == 1 and isinstance(given[0], str):
        for sign in _SEPARATORS:
            if given[0].count(sign) == len(cells) - 1:
                return (
                    f"its cells are separated by {sign!r}, those of the header otherwise: "
                    "separate all lines alike"
                )
    return None

"""Reading the files of published corpora: CSV dialects, encodings, missing files."""

import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from stance.errors import DataError

_T = TypeVar("_T")

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


def read_table(
    path: Path,
    columns: tuple[str, ...],
    *,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
    errors: str = "strict",
) -> Iterator[dict[str, str]]:
    """Yield the rows of a delimited file with a header.

    Parameters
    ----------
    path : Path
    columns : tuple of str
        Columns that must be there.

    Raises
    ------
    DataError
        The file is missing, lacks a column, or is not in the encoding of the published corpus.
    """
    try:
        with path.open(encoding=encoding, errors=errors, newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            found = reader.fieldnames or []
            missing = [name for name in columns if name not in found]
            if missing:
                raise DataError(
                    f"{path}: the columns {found} lack {missing}; expected the corpus in the "
                    "file format that its authors publish"
                )
            yield from reader
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file; expected the corpus in the file format that its authors "
            "publish, in the folder named after it under the data root"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not {encoding} ({error.reason} at byte {error.start})") from None


def lookup(table: Mapping[str, _T], value: str, path: Path, column: str) -> _T:
    """Return `table[value]`, or raise a DataError that lists what is allowed."""
    try:
        return table[value]
    except KeyError:
        raise DataError(f"{path}: {column} is {value!r}; expected one of {sorted(table)}") from None

"""A user's own labelled file as a corpus: read, divided into splits, kept for the next run.

Toxicity and toxic spans are read from the comment alone, stance from the comment beside its target;
so a row with a target becomes two examples. One that carries no label of its own is there for the
soft targets of a starting model: see `stance.training.soft`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stance.data.corpora import Corpus
from stance.data.examples import Example, Split
from stance.data.labelled import SPLITS, LabelledRow, Names, Problem, read_labelled
from stance.data.splitting import with_splits
from stance.errors import DataError, InputError

# The name of the labelled comments that ship with stance.
EXAMPLE = "example"
EXAMPLE_FILE = Path(__file__).parent.parent / "example" / "labelled.csv"
LICENCE = "of your data"
# Further columns, by which an evaluation slices.
_KEPT_COLUMNS = ("language", "source")


@dataclass(frozen=True, slots=True)
class OwnFile:
    """Where a user's labelled comments are, and how they are to be divided.

    Parameters
    ----------
    name : str
        What mixes call it.
    file : str
        As for `stance.data.labelled.read_labelled`; "example" for the one that ships with stance.
    names : Names
    dev, test : float
        About how large these splits are where the file does not name them, as a share of its rows.
    """

    name: str
    file: str
    names: Names
    dev: float
    test: float


@dataclass(frozen=True, slots=True)
class OwnData:
    """A user's labelled comments, each in a split.

    Parameters
    ----------
    name : str
        What mixes call it.
    file : str
        Name of the file.
    rows : list of LabelledRow
    drawn : tuple of str
        Splits that the file did not name.
    problems : tuple of Problem
        Rows that were left out.
    notes : tuple of str
    has_groups : bool
        Whether the file says which rows belong together.
    """

    name: str
    file: str
    rows: list[LabelledRow]
    drawn: tuple[Split, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    has_groups: bool = False

    def counts(self) -> dict[str, int]:
        """Return the rows of each split."""
        counts = Counter(row.split for row in self.rows)
        return {split: counts[split] for split in SPLITS}

    def to_dict(self) -> dict[str, Any]:
        """Return for `metrics.json` which rows these are."""
        return {
            "file": self.file,
            "rows": self.counts(),
            "left_out": sum(each.count for each in self.problems if not each.unlabelled),
            "drawn_splits": list(self.drawn),
            "sha256": hashlib.sha256(self.to_json_lines()).hexdigest(),
        }

    def corpus(self) -> Corpus:
        """Return the rows as one of the corpora that mixes are drawn from."""
        return Corpus(None, lambda _: self.examples(), LICENCE)

    def examples(self) -> Iterator[Example]:
        """Yield what training and calibration take of each row."""
        for row in self.rows:
            split = row.split or "train"
            if row.target is not None:
                yield Example(
                    row.text,
                    self.name,
                    split,
                    target=row.target,
                    stance=row.stance,
                    relevance=1.0 if row.stance in ("favor", "against") else None,
                )
            yield Example(row.text, self.name, split, toxicity=row.toxicity)

    def to_json_lines(self) -> bytes:
        """Return the rows with their splits, in the columns that stance reads."""
        lines = (json.dumps(self._record(row), ensure_ascii=False) for row in self.rows)
        return "".join(f"{line}\n" for line in lines).encode()

    def _record(self, row: LabelledRow) -> dict[str, object]:
        record: dict[str, object] = {
            "text": row.text,
            "target": None if row.target == row.parent else row.target,
            "stance": row.stance,
            **dict(row.toxicity.items()),
            "parent": row.parent,
            "group": row.group if self.has_groups else None,
            "split": row.split,
            **row.extras,
        }
        return {name: value for name, value in record.items() if value is not None}


def read_own(own: OwnFile, seed: int) -> OwnData:
    """Read a user's labelled comments and draw the splits that their file does not name.

    Parameters
    ----------
    own : OwnFile
    seed : int
        Of the draw.

    Raises
    ------
    InputError, DataError
        As for `stance.data.labelled.read_labelled` and `stance.data.splitting.with_splits`.
    """
    source = EXAMPLE_FILE if own.file == EXAMPLE else Path(own.file)
    try:
        data = read_labelled(str(source), own.names, optional=_KEPT_COLUMNS)
    except InputError as error:
        if source.exists() or source.is_absolute():
            raise
        raise InputError(
            f"{error}; a path counts from the folder that stance is run in, {Path.cwd()}"
        ) from None
    named = {row.split for row in data.rows}
    try:
        rows = with_splits(data.rows, {"dev": own.dev, "test": own.test}, seed, own.file)
    except DataError as error:
        raise DataError(f"{error}{_left_out(data.problems)}") from None
    found = {row.split for row in rows}
    drawn = tuple(split for split in SPLITS[1:] if split in found - named)
    return OwnData(
        own.name, data.name, rows, drawn, data.problems, data.notes, has_groups=data.has_groups
    )


def _left_out(problems: Sequence[Problem]) -> str:
    """Return what was left out of data that turned out too small, which may be why."""
    return "".join(
        f"; left out: {each.count:,} with {each.reason} ({each.rows[0]})" for each in problems
    )

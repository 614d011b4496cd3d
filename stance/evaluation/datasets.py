"""What a model is evaluated on: rows with their labels, units, slices and what to know of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from stance.data.examples import Example, text_key
from stance.data.labelled import LabelledData, LabelledRow, Names, read_labelled
from stance.errors import DataError
from stance.evaluation.results import Published, Skipped

Column = Sequence[str | None]
TrainRows = Callable[[], list[Example]]

OWN_COLUMNS = ("language", "source")  # of a labelled file, sliced by where they are there
_LENGTHS = ((50, "up to 50"), (150, "51 to 150"), (500, "151 to 500"), (1500, "501 to 1,500"))
LENGTHS = (*(name for _, name in _LENGTHS), "over 1,500")


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """The rows of one data set.

    Parameters
    ----------
    name : str
        A word for it, such as "vast", or the file's name.
    title : str
        The data in words.
    examples : sequence of Example, length n
    groups : sequence of str, length n
        The unit that each row belongs to; rows of one unit are drawn together.
    unit : str
        What a unit is.
    lines : sequence of int
        Where each row stands in its file; empty for a benchmark.
    split : str or None
    columns : mapping of str to sequence of (str or None), length n
        What the rows can be sliced by.
    asked : tuple of str
        Columns that the user asked to slice by, which are compared as groups too.
    identity : str or None
        Column that names the group that a text speaks of; None to look for identity terms.
    functions : str or None
        Column that names the functional test that a row belongs to.
    scores_of_others : mapping of str to sequence of float
        By system, its toxicity scores for these rows.
    headlines : tuple of str
        Figures for the top of the page; empty for the usual ones.
    published : mapping of str to tuple of Published
        By figure, what others reach.
    training_rows : callable or None
        Gives the data's own rows for training baselines.
    training_source : str
        What those are, in words.
    skipped : tuple of Skipped
    notes : tuple of str
    """

    name: str
    title: str
    examples: Sequence[Example]
    groups: Sequence[str]
    unit: str = "comment"
    lines: Sequence[int] = ()
    split: str | None = None
    columns: Mapping[str, Column] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    identity: str | None = None
    functions: str | None = None
    scores_of_others: Mapping[str, Sequence[float]] = field(default_factory=dict)
    headlines: tuple[str, ...] = ()
    published: Mapping[str, tuple[Published, ...]] = field(default_factory=dict)
    training_rows: TrainRows | None = None
    training_source: str = ""
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


def with_usual_columns(data: EvaluationData) -> EvaluationData:
    """Return data that can be sliced by target, side, length and whatever else its rows tell."""
    usual: dict[str, Column] = {}
    if any(example.stance for example in data.examples):
        usual["target"] = [row.target if row.stance else None for row in data.examples]
        usual["on_target"] = [_on_target(row) for row in data.examples]
        if any(row.seen_target is not None for row in data.examples):
            usual["seen_target"] = [_seen_target(row) for row in data.examples]
    usual["length"] = [_length(row.text) for row in data.examples]
    return replace(data, columns={**usual, **data.columns})


def _on_target(row: Example) -> str | None:
    if row.stance is None:
        return None
    if row.stance != "neutral":
        return "takes a side"
    if row.relevance is None:
        return "neutral"
    return "neutral about the target" if row.relevance >= 0.5 else "not about the target"


def _seen_target(row: Example) -> str | None:
    if row.seen_target is None or row.stance is None:
        return None
    return "in training" if row.seen_target else "not in training"


def _length(text: str) -> str:
    return next((name for limit, name in _LENGTHS if len(text) <= limit), LENGTHS[-1])


def slice_columns(data: EvaluationData, asked: Collection[str]) -> EvaluationData:
    """Return data whose columns that a user asked for are marked so, where it has them."""
    return replace(data, asked=tuple(name for name in asked if name in data.columns))


def sampled(data: EvaluationData, rows: int, seed: int) -> EvaluationData:
    """Return data of at most so many rows, drawn at random, in their order."""
    if len(data.examples) <= rows:
        return data
    draw = np.random.default_rng(seed)
    places = np.sort(draw.choice(len(data.examples), rows, replace=False)).tolist()

    def drawn(values: Sequence[Any]) -> list[Any]:
        return [values[place] for place in places] if values else []

    return replace(
        data,
        examples=drawn(data.examples),
        groups=drawn(data.groups),
        lines=drawn(data.lines),
        columns={name: drawn(values) for name, values in data.columns.items()},
        scores_of_others={name: drawn(values) for name, values in data.scores_of_others.items()},
        notes=(*data.notes, f"A random {rows:,} of its {len(data.examples):,} rows."),
    )


# Labelled files


def labelled_data(
    source: str | Path,
    names: Names | None = None,
    *,
    split: str | None = None,
    slices: Collection[str] = (),
) -> EvaluationData:
    """Return the rows of a user's labelled data.

    Parameters
    ----------
    source : str or Path
        As for `stance.data.labelled.read_labelled`.
    names : Names, optional
    split : str, optional
        Which split; None takes the test split where the data names splits, else all; "all" all.
    slices : collection of str
        Further columns to slice by.

    Raises
    ------
    InputError, DataError
        As for `read_labelled`, and where no row is of that split.
    """
    usual = {"target", "on_target", "seen_target", "length"}
    extras = [name for name in slices if name not in usual]
    data = read_labelled(source, names, extras=extras, optional=OWN_COLUMNS)
    rows, chosen = _of_split(data, split)
    training = [row for row in data.rows if row.split == "train"] if chosen != "train" else []
    notes = list(data.notes)
    if any(row.stance and row.target == row.parent for row in rows):
        notes.append("Rows without a target of their own are judged by their stance to the parent.")
    columns = {
        name: [row.extras.get(name) for row in rows]
        for name in dict.fromkeys((*extras, *OWN_COLUMNS))
    }
    found = EvaluationData(
        name=data.name,
        title=data.name,
        examples=_examples(rows, training, data.name),
        groups=[row.group for row in rows],
        unit="group" if data.has_groups else "comment",
        lines=[row.number for row in rows],
        split=chosen,
        columns={name: values for name, values in columns.items() if any(values)},
        training_rows=(lambda: _training(training, rows, data.name)) if training else None,
        training_source=f"the train rows of {data.name}",
        skipped=tuple(
            Skipped(problem.reason, problem.count, problem.rows, problem.unlabelled)
            for problem in data.problems
        ),
        notes=tuple(notes),
    )
    return slice_columns(with_usual_columns(found), slices)


def _of_split(data: LabelledData, split: str | None) -> tuple[list[LabelledRow], str | None]:
    named = sorted({row.split for row in data.rows if row.split})
    if split == "all" or (split is None and not named):
        return data.rows, None
    wanted = split or "test"
    rows = [row for row in data.rows if row.split == wanted]
    if not rows:
        counts = ", ".join(
            f"{name} ({sum(row.split == name for row in data.rows):,})" for name in named
        )
        raise DataError(
            f"{data.name}: no row of the split {wanted!r}; found {counts or 'no column split'}; "
            "name one with --split, or all"
        )
    return rows, wanted


def _examples(
    rows: Sequence[LabelledRow], training: Sequence[LabelledRow], name: str
) -> list[Example]:
    if not any(row.stance for row in training):
        return [row.example(name) for row in rows]
    seen = {row.target for row in training if row.stance}
    return [
        replace(row.example(name), seen_target=row.target in seen if row.target else None)
        for row in rows
    ]


def _training(
    training: Sequence[LabelledRow], rows: Sequence[LabelledRow], name: str
) -> list[Example]:
    """Return training rows, without those whose comment is evaluated too."""
    groups, texts = {row.group for row in rows}, {text_key(row.text) for row in rows}
    return [
        row.example(name)
        for row in training
        if row.group not in groups and text_key(row.text) not in texts
    ]

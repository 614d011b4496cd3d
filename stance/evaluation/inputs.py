"""What the arguments of `stance evaluate` name: data sets, models, rows to train baselines on."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stance.data.corpora import CORPORA
from stance.data.examples import Example
from stance.data.labelled import Names, read_labelled
from stance.data.mix import check_trainable
from stance.errors import DataError, InputError
from stance.evaluation.baselines import BASELINES
from stance.evaluation.datasets import EvaluationData, labelled_data, slice_columns
from stance.evaluation.evaluate import Contender, trained_contender
from stance.evaluation.suites import BENCHMARKS, load_benchmark
from stance.evaluation.table import slug
from stance.modeling.runtime import FILE_NAME
from stance.scoring.analyzer import DEFAULT_MODEL, Analyzer
from stance.tables import row_ending


def load_data_sets(
    sources: Sequence[str],
    *,
    root: Path | None = None,
    names: Names | None = None,
    split: str | None = None,
    slices: Sequence[str] = (),
) -> list[EvaluationData]:
    """Return the data sets that arguments name, each with a name of its own.

    Parameters
    ----------
    sources : sequence of str
        Benchmarks ("vast", or "vast=FOLDER"), or what `stance.data.labelled.read_labelled` takes.
    root : Path, optional
        Folder that holds the corpora.
    names : Names, optional
        Of the columns and labels of labelled data.
    split : str, optional
        Which split; see `labelled_data` and `load_benchmark`.
    slices : sequence of str
        Further columns to slice by.

    Raises
    ------
    InputError, DataError
        A data set is not there, cannot be used, or no data set has a column to slice by.
    """
    found: list[EvaluationData] = []
    for source in sources:
        name, equals, folder = source.partition("=")
        if name in BENCHMARKS:
            own = Path(folder) if equals else None
            loaded = load_benchmark(name, root=root, folder=own, split=split)
            found += [slice_columns(data, slices) for data in loaded]
        else:
            found.append(_labelled(source, names, split, slices))
    for column in slices:
        if not any(column in data.columns for data in found):
            columns = sorted({name for data in found for name in data.columns})
            raise DataError(f"no data set has the column {column!r}; found {', '.join(columns)}")
    return _with_own_names(found)


def _labelled(
    source: str, names: Names | None, split: str | None, slices: Sequence[str]
) -> EvaluationData:
    try:
        return labelled_data(source, names, split=split, slices=slices)
    except InputError as error:
        if row_ending(source) or Path(source).exists():
            raise
        raise InputError(f"{error}; the benchmarks are {', '.join(BENCHMARKS)}") from None


def _with_own_names(data_sets: Sequence[EvaluationData]) -> list[EvaluationData]:
    seen: Counter[str] = Counter()
    named = []
    for data in data_sets:
        seen[data.name] += 1
        again = seen[data.name] > 1
        named.append(replace(data, name=f"{data.name} ({seen[data.name]})") if again else data)
    return named


def load_contender(
    name: str | None,
    *,
    training: tuple[list[Example], str] | None = None,
    threads: int | None = None,
) -> Contender:
    """Return the model that an argument names.

    Parameters
    ----------
    name : str or None
        A model folder, a baseline ("majority", "tfidf"), or None for the model that is built in.
    training : (rows, what they are), optional
        What a baseline is trained on; None takes the train rows of each data set.
    threads : int, optional
        Threads of a model.

    Raises
    ------
    ModelError
        The folder is no model.
    """
    if name in BASELINES:
        rows, source = training or (None, "")
        return trained_contender(str(name), rows, source)
    analyzer = Analyzer(name, threads=threads)
    file = (DEFAULT_MODEL if name is None else Path(name)) / FILE_NAME
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Contender(slug(analyzer.name), lambda _: analyzer, digest)


def load_contenders(
    names: Sequence[str],
    *,
    training: tuple[list[Example], str] | None = None,
    threads: int | None = None,
) -> list[Contender]:
    """Return the models to compare with, each with a key of its own; see `load_contender`."""
    seen: Counter[str] = Counter()
    found = []
    for name in dict.fromkeys(names):
        contender = load_contender(name, training=training, threads=threads)
        seen[contender.key] += 1
        number = seen[contender.key]
        found.append(
            replace(contender, key=f"{contender.key}_{number}") if number > 1 else contender
        )
    return found


def training_rows(
    source: str, *, root: Path | None = None, names: Names | None = None
) -> tuple[list[Example], str]:
    """Return the rows that baselines are to be trained on, and what they are in words.

    Parameters
    ----------
    source : str
        A corpus of `stance.data.corpora.CORPORA`, or labelled data: its train rows, or all of them
        where it names no splits.
    root : Path, optional
        Folder that holds the corpora.
    names : Names, optional
        Of the columns and labels of labelled data.

    Raises
    ------
    InputError, DataError
        It is not there, cannot be used, or is a benchmark.
    """
    if source in CORPORA:
        check_trainable(source)
        if root is None:
            raise DataError(
                f"where is the corpus {source!r}? Name the folder that holds the corpora with "
                "--data-root or in the environment variable STANCE_DATA"
            )
        rows = [row for row in CORPORA[source].examples(root) if row.split == "train"]
        return rows, f"the train rows of {source}"
    data = read_labelled(source, names)
    if not any(row.split for row in data.rows):
        return [row.example(data.name) for row in data.rows], data.name
    rows = [row.example(data.name) for row in data.rows if row.split == "train"]
    return rows, f"the train rows of {data.name}"

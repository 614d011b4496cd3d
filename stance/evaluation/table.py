"""The rows behind the figures: `predictions.parquet`, from which each can be recomputed.

==============================  ==================================================================
data, row, line                 the data set, the row in it from 0, and its line in the user's file
text, target, group             the comment, what the stance is to, and the unit of the bootstrap
gold_stance, gold_relevance,    what is known: null where it is not; shares of raters count as yes
gold_toxicity …,                from one half on
gold_toxic_spans
slice_…                         the columns that the report slices by
stance, favor, against,         what the model says: null where it was not asked, or does not know
neutral, relevance,
toxicity …, toxic_spans
tfidf_stance …                  the same of each model that it is compared with
perspective_api_toxicity        scores that came with the data
==============================  ==================================================================
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stance.evaluation.datasets import EvaluationData
from stance.evaluation.predictions import Floats, Predictions
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.tables import atomic_file

_SPANS = pa.list_(pa.list_(pa.int64()))


def prediction_table(data: EvaluationData, predictions: Mapping[str, Predictions]) -> pa.Table:
    """Return the rows of a data set with what each model says of them.

    Parameters
    ----------
    data : EvaluationData
    predictions : mapping of str to Predictions
        By prefix of their columns, which is empty for the model that is evaluated.
    """
    rows = data.examples
    columns: dict[str, Any] = {
        "data": pa.array([data.name] * len(rows), pa.string()),
        "row": pa.array(range(len(rows)), pa.int64()),
        "line": pa.array(data.lines, pa.int64()) if data.lines else pa.nulls(len(rows), pa.int64()),
        "text": pa.array([row.text for row in rows], pa.string()),
        "target": pa.array([row.target for row in rows], pa.string()),
        "group": pa.array(data.groups, pa.string()),
        "gold_stance": pa.array([row.stance for row in rows], pa.string()),
        "gold_relevance": pa.array([row.relevance for row in rows], pa.float64()),
    }
    for label in TOXICITY_LABELS:
        columns[f"gold_{label}"] = pa.array([row.toxicity.get(label) for row in rows], pa.float64())
    columns["gold_toxic_spans"] = pa.array([row.toxic_spans for row in rows], _SPANS)
    for name, values in data.columns.items():
        columns[f"slice_{name}"] = pa.array(values, pa.string())
    for prefix, found in predictions.items():
        columns |= {f"{prefix}{name}": column for name, column in _predicted(found).items()}
    for system, scores in data.scores_of_others.items():
        columns[f"{slug(system)}_toxicity"] = pa.array(scores, pa.float64())
    return pa.table(columns)


def _predicted(found: Predictions) -> dict[str, Any]:
    labels: Sequence[str | None] = (*STANCE_LABELS, None)  # the last for NO_LABEL
    columns = {"stance": pa.array([labels[place] for place in found.labels], pa.string())}
    for place, name in enumerate(STANCE_LABELS):
        columns[name] = _numbers(found.stance[:, place])
    columns["relevance"] = _numbers(found.relevance)
    for place, kind in enumerate(TOXICITY_LABELS):
        columns[kind] = _numbers(found.toxicity[:, place])
    columns["toxic_spans"] = pa.array(found.spans, _SPANS)
    return columns


def _numbers(values: Floats) -> Any:
    return pa.array(np.ascontiguousarray(values), pa.float64(), from_pandas=True)  # NaN to null


def slug(name: str) -> str:
    """Return a name as the beginning of a column's.

    Examples
    --------
    >>> slug("Perspective API")
    'perspective_api'
    """
    return "_".join(re.findall(r"[^\W_]+", name.lower())) or "other"


def write_predictions(tables: Sequence[pa.Table], path: Path) -> None:
    """Write the rows of all data sets into one Parquet file.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    whole = pa.concat_tables(tables, promote_options="default")
    with atomic_file(path) as stream:
        pq.write_table(whole, stream, compression="zstd")

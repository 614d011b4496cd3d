"""`stance init-config`: the shipped configuration for one's own data, fitted to a file."""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stance.data.mending import in_yaml
from stance.data.recognise import Recognised
from stance.data.splitting import MOST_HELD_OUT, least_share
from stance.labels import TOXICITY_LABELS
from stance.training.config import located
from stance.words import count_words

TEMPLATE = "finetune"
# Rows of own data up to which so many epochs are trained: a smaller file is read more often.
_EPOCHS = ((500, 8), (2_000, 5), (10_000, 3))
_MOST_EPOCHS_OF_MANY = 2
_SMALL = 500  # rows up to which steps are of fewer rows, so that there are some steps at all
_MEASUREMENTS = 2  # of an epoch
_SHARE = 0.15  # of a drawn split, as in the template, where there are rows enough
_MAX_UNKNOWN = 10


def make_config(source: str, found: Recognised) -> str:
    """Return the text of a training configuration for labelled data.

    Parameters
    ----------
    source : str
        The file, as it is to be written into the configuration.
    found : Recognised
        What it holds.
    """
    text = located(TEMPLATE).read_text(encoding="utf-8")
    name = _name(source)
    for key, value in _values(source, name, found).items():
        text = _with_value(text, key, value)
    heading = "".join(f"# {line}\n" for line in _heading(source, found))
    return f"{heading}#\n{text[text.index('# Paths count') :]}"


def _name(source: str) -> str:
    """Return the file's name as a model may be called."""
    stem = Path(source).name.split(".")[0].lower()
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-") or "my-model"


def _values(source: str, name: str, found: Recognised) -> dict[str, Any]:
    share = _held_out(found)
    train = max(1, round(found.rows * _train_share(found, share)))
    batch = 16 if train <= _SMALL else 32
    # A row with a target is read as a pair too; for a file of both kinds this is nearly so.
    steps = math.ceil(train * (2 if "stance" in found.heads else 1) / batch)
    every = max(5, math.ceil(steps / _MEASUREMENTS))
    return {
        "name": name,
        "output": f"runs/{name}",
        "file": source,
        "columns": dict(found.names.columns),
        "labels": {column: dict(labels) for column, labels in found.names.labels.items()},
        "dev": share,
        "test": share,
        "batch_size": batch,
        "save_steps": every,
        "epochs": next((n for rows, n in _EPOCHS if train <= rows), _MOST_EPOCHS_OF_MANY),
        "metric": "stance_macro_f1" if "stance" in found.heads else "toxicity_roc_auc",
        "every": every,
    }


def _held_out(found: Recognised) -> float:
    """Return the share of a drawn split: a small file needs a larger one."""
    return max(_SHARE, min(least_share(found.splits.get("train", found.rows)), MOST_HELD_OUT))


def _train_share(found: Recognised, drawn: float) -> float:
    if found.splits:
        named = found.splits.get("train", 0) / sum(found.splits.values())
        return named if "dev" in found.splits else named * (1 - drawn)
    return 1 - 2 * drawn


def _with_value(text: str, key: str, value: Any) -> str:
    """Return YAML with the value of the first option of that name replaced, its comment kept."""
    line = re.compile(rf"^( *(?:- )?{key}:) +([^\n#]*?)( *)(#.*)?$", re.MULTILINE)
    match = line.search(text)
    if match is None:
        raise ValueError(f"the shipped configuration has no option {key}")
    written = f"{match[1]} {in_yaml(value)}"
    if match[4]:
        column = match.start(4) - match.start()
        written = f"{written:<{column - 1}} {match[4]}"
    return text[: match.start()] + written + text[match.end() :]


def _heading(source: str, found: Recognised) -> Iterator[str]:
    name = _plain(Path(source).name)
    yield f"Fitted to {name}: {count_words(found.rows, 'usable row')}; {_listed(found.heads)}."
    kept = [label for label in ("stance", *TOXICITY_LABELS) if label not in found.heads]
    if kept:
        yield f"Not labelled, and kept as they are: {', '.join(kept)}."
    if found.splits:
        splits = ", ".join(f"{name} {count:,}" for name, count in found.splits.items())
        lacking = [name for name in ("dev", "test") if name not in found.splits]
        drawn = f"; {' and '.join(lacking)} will be drawn from train" if lacking else ""
        yield f"Its own splits are used: {splits}{drawn}."
    for column, labels in found.unknown.items():
        for label, count in list(labels.items())[:_MAX_UNKNOWN]:
            yield (
                f"UNKNOWN: {column} is {_plain(label)!r} in {count_words(count, 'row')}: map it "
                "under labels or mend it, else training refuses it."
            )
    if found.unused:
        names = list_unused(found)
        yield f"Columns that are not used: {names}. Map one under columns if it should be."


def list_unused(found: Recognised) -> str:
    """Return the columns that mean none of ours; of many, the first and how many more."""
    names = ", ".join(_plain(name) for name in found.unused[:_MAX_UNKNOWN])
    more = len(found.unused) - _MAX_UNKNOWN
    return f"{names} and {more:,} more" if more > 0 else names


def _listed(heads: Mapping[str, Mapping[str, int]]) -> str:
    return "; ".join(
        f"{column} ({', '.join(f'{name} {count:,}' for name, count in counts.items())})"
        for column, counts in heads.items()
    )


def _plain(text: str) -> str:
    """Return a text on one line that is safe in a YAML comment."""
    short = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return " ".join(short[:60].split())

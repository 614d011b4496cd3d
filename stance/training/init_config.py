"""`stance init-config`: the shipped configuration for one's own data, fitted to a file."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from stance.data.examples import Example
from stance.data.mending import in_yaml
from stance.data.recognise import Recognised
from stance.data.splitting import held_out_share
from stance.errors import ConfigError, StanceError
from stance.labels import TOXICITY_LABELS
from stance.training.config import TrainConfig, located
from stance.training.rows import open_sources, stage_rows
from stance.words import count_words

TEMPLATE = "finetune"
# Rows of own data up to which so many epochs are trained: a smaller file is read more often.
_EPOCHS = ((500, 8), (2_000, 5), (10_000, 3))
_MOST_EPOCHS_OF_MANY = 2
_SMALL = 500  # rows up to which steps are of fewer rows, so that there are some steps at all
_MEASUREMENTS = 2  # of an epoch
_SHARE = 0.15  # of a drawn split, as in the template, where there are rows enough
_MAX_UNKNOWN = 10
# Dev rows of a class from which on its figure is worth stopping by.
_ENOUGH = 5
# What a stage may stop by, the first that can be measured, and the labels that it is measured on.
_METRICS = {"stance_macro_f1": ("stance",), "toxicity_roc_auc": TOXICITY_LABELS}
_NOTHING_TO_STOP_BY = (
    "the dev rows have no two different labels to stop early by; label more comments that differ, "
    "or take early_stopping out of the configuration"
)
_Heads = Mapping[str, Mapping[str, int]]  # rows of each class, by column of labels


@dataclass(frozen=True, slots=True)
class FittedConfig:
    """A training configuration.

    Parameters
    ----------
    text : str
    hindrance : str
        Why `stance train` would refuse the data, "" where it would not.
    """

    text: str
    hindrance: str = ""


def check_can_be_named(source: str) -> None:
    """Refuse a file that no configuration can name.

    Raises
    ------
    ConfigError
        Its path has a $, which is taken for an environment variable.
    """
    if "$" in source:
        raise ConfigError(
            f"{source}: in a configuration $ stands for an environment variable; rename the file "
            "or its folder, or go into that folder and name the file alone"
        )


def fit_config(source: str, found: Recognised) -> FittedConfig:
    """Return a training configuration for labelled data.

    Parameters
    ----------
    source : str
        The file, as it is to be written into the configuration.
    found : Recognised
        What it holds.
    """
    text = _filled(source, found)
    if found.unknown:
        return FittedConfig(text)  # the labels are to be mapped first, and are said
    try:
        dev = _dev_heads(text)
    except StanceError as error:
        return FittedConfig(text, str(error))
    metric = _metric(dev)
    if metric is None:
        return FittedConfig(text, _NOTHING_TO_STOP_BY)
    return FittedConfig(_with_value(text, "metric", metric))


def _filled(source: str, found: Recognised) -> str:
    """Return the shipped configuration with the values and a heading for a file."""
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
    share = held_out_share(found.groups, _SHARE)
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
        "metric": _metric(found.heads) or _usual_metric(found),
        "every": every,
    }


def _metric(heads: _Heads) -> str | None:
    """Return what to stop by: the first metric whose classes have enough rows, else any at all."""
    for least in (_ENOUGH, 1):
        for metric, columns in _METRICS.items():
            if any(_can_tell(heads.get(column, {}), least) for column in columns):
                return metric
    return None


def _usual_metric(found: Recognised) -> str:
    return "stance_macro_f1" if "stance" in found.heads else "toxicity_roc_auc"


def _can_tell(counts: Mapping[str, int], least: int) -> bool:
    """Tell whether two classes have so many rows."""
    return sum(count >= least for count in counts.values()) > 1


def _dev_heads(text: str) -> _Heads:
    """Return the classes of the dev rows that training with a configuration would have.

    Raises
    ------
    StanceError
        Training would refuse the data.
    """
    content = yaml.safe_load(text)
    config = TrainConfig.model_validate(content, context={"own": list(content["data"])})
    [stage] = config.stages
    # The benchmarks cost minutes to read, and take few rows away.
    sources = replace(open_sources(config), root=None)
    return _heads(stage_rows(config, stage, config.seed + 1, sources, soft=True).dev)


def _heads(examples: Iterable[Example]) -> _Heads:
    heads: dict[str, Counter[str]] = {}
    for example in examples:
        if example.stance is not None:
            heads.setdefault("stance", Counter())[example.stance] += 1
        for label, share in example.toxicity.items():
            heads.setdefault(label, Counter())[str(int(share >= 0.5))] += 1
    return heads


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

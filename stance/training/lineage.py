"""What the records of models (`metrics.json`) say of the stages that they came about in."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stance.errors import ConfigError
from stance.training.config import TEACHER_OPTIONS

Record = dict[str, Any]


def record_of(folder: str | Path, option: str) -> Record:
    """Return a model folder's `metrics.json`; nothing where there is none.

    Parameters
    ----------
    folder : path
    option : str
        What names the folder in the configuration, for the error's message.

    Raises
    ------
    ConfigError
        It cannot be read.
    """
    path = Path(folder) / "metrics.json"
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise ConfigError(
            f"{option}: {path} is not JSON ({error}); bring it back as stance train wrote it, or "
            "remove it"
        ) from None
    return record


def stages_of(record: Mapping[str, Any]) -> list[Record]:
    """Return the stages of a model, then those of models it is averaged with or started from."""
    others = [stage for other in record.get("averaged_with", []) for stage in other["stages"]]
    stages = [*record.get("stages", []), *others, *record.get("stages_before", [])]
    # The first releases wrote stages without runs.
    return [stage for stage in stages if "runs" in stage]


def teachers_of(run: Mapping[str, Any]) -> list[Record]:
    """Return what the record of a run, which names them as the options do, says of its teachers."""
    return [run[option] for option in TEACHER_OPTIONS.values() if option in run]


def with_teachers(stages: Iterable[Record], known: Iterable[Record] = ()) -> list[Record]:
    """Return stages, each once, and after each those of its teachers and of theirs.

    Parameters
    ----------
    stages : iterable of dict
    known : iterable of dict
        Stages that are left out.

    Examples
    --------
    >>> taught = {"name": "b", "runs": [{"teacher": {"stages": [{"name": "a", "runs": []}]}}]}
    >>> [stage["name"] for stage in with_teachers([taught, {"name": "a", "runs": []}])]
    ['b', 'a']
    """
    seen = {_key(stage) for stage in known}
    found = []
    waiting = [*stages]
    while waiting:
        stage = waiting.pop(0)
        if _key(stage) in seen:
            continue
        seen.add(_key(stage))
        found.append(stage)
        teachers = [teacher for run in stage["runs"] for teacher in teachers_of(run)]
        waiting = [*(each for teacher in teachers for each in teacher.get("stages", ())), *waiting]
    return found


def _key(stage: Record) -> str:
    return json.dumps(stage, sort_keys=True)


def learnt_heads(record: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the heads that a model, or one that it came from, learnt; None where it does not say.

    Those are "stance", "relevance", "spans" and labels of toxicity.
    """
    started = record.get("starting_model", "some") is not None
    if "stages" not in record or (started and not record.get("stages_before")):
        return None
    lineage = with_teachers(stages_of(record))
    runs = [run for stage in lineage for run in stage["runs"]]
    is_whole = all("runs" in stage for stage in record["stages"])
    if not is_whole or not all("labelled" in run for run in runs):
        return None
    learnt: set[str] = set()
    for run in runs:
        learnt |= run["labelled"].keys() - set(run.get("constant_labels", ()))
        for teacher in teachers_of(run):
            learnt |= set(teacher.get("heads", ("stance", "relevance")))
    # Earlier releases did not write which labels are the same in all rows: held-out rows tell.
    is_told = all("constant_labels" in run for run in runs)
    if not is_told and record.get("calibrated_on", {}).get("relevance") == 0:
        learnt.discard("relevance")
    return frozenset(learnt)

"""What commands share: exit codes, messages, and loading a model."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stance.errors import MissingExtraError, OutputError
from stance.reporting.visible import make_line

if TYPE_CHECKING:
    from stance.modeling.runtime import Device
    from stance.scoring.analyzer import Analyzer

DONE, PARTLY, FAILED, NOT_MET = 0, 1, 2, 3


def say(message: str) -> None:
    """Print a message on standard error, on one line on which nothing is invisible."""
    print(f"stance: {make_line(message)}", file=sys.stderr, flush=True)


def need_extra(task: str, extra: str, packages: Sequence[str]) -> None:
    """Refuse a task whose optional packages are missing.

    Raises
    ------
    MissingExtraError
        The first of `packages` that is not installed.
    """
    from importlib.util import find_spec

    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(task, extra, package)


def load_analyzer(model: str | None, threads: int | None, device: "Device" = "cpu") -> "Analyzer":
    """Return the analyzer of a model folder, or of the model that is built in."""
    from stance.scoring.analyzer import Analyzer

    return Analyzer(model, threads=threads, device=device)


def check_not_an_input(path: str, inputs: Sequence[str]) -> None:
    """Refuse to write a file that is read.

    Raises
    ------
    OutputError
        `path` is one of the inputs.
    """
    if any(is_same_file(source, path) for source in inputs):
        raise OutputError(f"cannot write {path}: it is an input too; name another file")


def is_same_file(path: str, other: str | None) -> bool:
    """Tell whether two paths lead to one file that exists."""
    try:
        return other is not None and Path(path).samefile(other)
    except (OSError, ValueError):  # one of them does not exist
        return False

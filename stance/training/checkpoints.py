"""Checkpoints that are whole or count for nothing.

A checkpoint is a folder of the Trainer's. The last file written to it lists all others with their
sizes and digests; without it, or where a file is not as listed, the checkpoint is passed over.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from stance.errors import OutputError
from stance.modeling.network import write_json

_SEAL = "whole.json"
# PyTorch says in many ways that it could not write, and never which.
_SAID_BY_TORCH = ("PytorchStreamWriter", "inline_container", "iostream error")


@contextlib.contextmanager
def writing(path: Path, advice: str) -> Iterator[None]:
    """Turn what a full disk or a locked folder raises into an error that says what to do.

    Parameters
    ----------
    path : Path
        What is written.
    advice : str
        What to do about it.

    Raises
    ------
    OutputError
        Writing fails.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
    except OutputError as error:
        raise OutputError(f"{error}; {advice}") from error
    except SafetensorError as error:
        reason = str(error)
    except RuntimeError as error:
        if not any(said in str(error) for said in _SAID_BY_TORCH):
            raise
        reason = f"PyTorch could not write the file, {_room(path)}"
    else:
        return
    raise OutputError(f"cannot write {path}: {reason}; {advice}")


def _room(path: Path) -> str:
    """Say how much room is left on the disk of a path."""
    while not path.exists():
        path = path.parent
    return f"{shutil.disk_usage(path).free / 2**20:,.0f} MB of its disk are free"


def seal(checkpoint: Path, facts: dict[str, Any]) -> None:
    """Declare a checkpoint whole, once all of its files are on the disk.

    Parameters
    ----------
    checkpoint : Path
    facts : dict
        What else to remember of it; see `read_facts`.
    """
    files = {}
    for path in sorted(checkpoint.iterdir()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            files[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    write_json(checkpoint / _SEAL, {**facts, "sha256": files})


def last_whole_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint in a folder that was written to its end."""
    return next(filter(is_whole, reversed(checkpoints(folder))), None)


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, whole or not, by their step."""
    found = [path for path in folder.glob("checkpoint-*") if path.name[11:].isdecimal()]
    return sorted(found, key=lambda path: int(path.name[11:]))


def is_whole(checkpoint: Path) -> bool:
    """Tell whether a checkpoint is sealed, and its files are still what was sealed."""
    try:
        sealed = json.loads((checkpoint / _SEAL).read_text(encoding="utf-8"))["sha256"]
        return all(_digest(checkpoint / name) == digest for name, digest in sealed.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_facts(checkpoint: Path) -> dict[str, Any]:
    """Return what `seal` was told to remember of a whole checkpoint."""
    facts: dict[str, Any] = json.loads((checkpoint / _SEAL).read_text(encoding="utf-8"))
    return facts


def remove_broken(folder: Path) -> None:
    """Delete the checkpoints in a folder that are not whole."""
    for checkpoint in checkpoints(folder):
        if not is_whole(checkpoint):
            shutil.rmtree(checkpoint)

"""Suggested scores, appended to a file of labelled comments that `stance train` reads."""

import fcntl
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from stance.errors import OutputError
from stance.labels import ToxicityLabel


class FullError(Exception):
    """The file of suggestions has grown as large as it may."""


class Suggestions:
    """A JSON Lines file with a line for each suggestion: `text` and a column a toxicity label.

    Parameters
    ----------
    path : Path
        Made where it does not exist, readable by its owner alone; its folder must exist.
    max_size : int
        Bytes that it may have.

    Raises
    ------
    OutputError
        It cannot be written, or its name does not end in .jsonl.
    """

    def __init__(self, path: Path, max_size: int) -> None:
        if path.suffix.lower() != ".jsonl":
            raise OutputError(
                f"cannot write suggestions to {path}: expected a file that ends in .jsonl"
            )
        self._path = path
        self._max_size = max_size
        self._lock = threading.Lock()
        try:
            os.close(self._open())
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None

    def append(self, text: str, labels: Mapping[ToxicityLabel, float]) -> None:
        """Add a suggestion; it is on the disk when this returns, whole or not at all.

        Raises
        ------
        FullError
            The file would grow beyond its limit.
        OSError
            The disk is full or broken.
        """
        line = json.dumps({"text": text, **labels}, allow_nan=False).encode() + b"\n"
        with self._lock:
            descriptor = self._open()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)  # other processes may append too
                _append(descriptor, line, self._max_size)
            finally:
                os.close(descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _append(descriptor: int, line: bytes, max_size: int) -> None:
    size = os.fstat(descriptor).st_size
    # A crash or an editor may have left the last line without its end.
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        line = b"\n" + line
    if size + len(line) > max_size:
        raise FullError
    try:
        if os.write(descriptor, line) != len(line):
            raise OSError("the disk is full")
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise

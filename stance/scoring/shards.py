"""Scored rows on disk, shard by shard, so that a run that was killed goes on where it stopped.

While `scores.parquet` is being made there is a folder `scores.parquet.parts` beside it, which holds

- `manifest.json`: what the run is: inputs, model, targets and options;
- `lock`, which a run keeps locked, so that no second one writes the same output;
- `00000012.jsonl.gz`: the rows of shard 12 as JSON lines;
- `00000012.done`: its done-marker, which is written after it.

Each file is written under a temporary name, flushed to disk and renamed. A shard counts as done if
its marker is there and its rows have the size that the marker names; any other is scored again.
Shards may be done in any order, by any process that sees the folder. At the end they are joined in
order into the output, which appears whole, and the folder is removed.
"""

import contextlib
import gzip
import json
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, TextIO

from stance.errors import OutputError
from stance.scoring.rows import EXAMPLE_ROW, RECORD_KEYS
from stance.tables import atomic_file, join_rows, json_bytes

SUFFIX = ".parts"
_VERSION = 1
_OF_A_RUN = re.compile(r"lock|manifest\.json|\d{8}\..*|.*\.tmp")  # names of files
_SHOWN_CHARS = 60  # of a value of the manifest, in messages


@dataclass(frozen=True, slots=True)
class Marker:
    """What a done-marker says of a shard.

    Parameters
    ----------
    rows : int
        How many it has.
    digest : str
        Of what was read: tells on resuming whether the input is still the same.
    unread : list of dict of str to int
        Comments in languages that the model does not read, by ISO 639-1 code, for each input
        that has rows in the shard.
    bytes : int
        Size of the file with its rows, set by `write_shard`.
    """

    rows: int
    digest: str = ""
    unread: list[dict[str, int]] = field(default_factory=list)
    bytes: int = 0


def write_shard(
    folder: Path, number: int, rows: Iterable[Mapping[str, Any]], marker: Marker
) -> None:
    """Write the rows of a shard, and then its done-marker.

    Parameters
    ----------
    folder : Path
        The work folder of a run.
    number : int
        Its place among the shards, from 0.
    rows : iterable of mapping
    marker : Marker

    Raises
    ------
    OutputError
        Writing failed, such as on a full disk.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     write_shard(Path(name), 0, [{"text": "Good."}], Marker(rows=1))
    ...     print(read_marker(Path(name), 0).rows, list(read_shard(Path(name), 0)))
    1 [{'text': 'Good.'}]
    """
    path = _rows_path(folder, number)
    with (
        atomic_file(path) as stream,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=stream, mtime=0) as packed,
    ):
        packed.writelines(map(json_bytes, rows))
    content = {"version": _VERSION, **asdict(marker), "bytes": path.stat().st_size}
    with atomic_file(_marker_path(folder, number)) as stream:
        stream.write(json.dumps(content).encode())


def read_marker(folder: Path, number: int) -> Marker | None:
    """Return the marker of a shard, or None where the shard is not done."""
    try:
        content = json.loads(_marker_path(folder, number).read_bytes())
        if content.pop("version", None) != _VERSION:
            return None
        marker = Marker(**content)
        return marker if _rows_path(folder, number).stat().st_size == marker.bytes else None
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def read_shard(folder: Path, number: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of a shard that is done.

    Raises
    ------
    OutputError
        Its file is damaged.
    """
    with _said_damage(folder, number):
        rows = [json.loads(line) for line in _lines(folder, number)]
    yield from rows


def _lines(folder: Path, number: int) -> list[bytes]:
    with _said_damage(folder, number), gzip.open(_rows_path(folder, number), "rb") as lines:
        return lines.readlines()  # all before any is used: the checksum stands at the end


@contextlib.contextmanager
def _said_damage(folder: Path, number: int) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise OutputError(
            f"{_rows_path(folder, number)}: damaged ({error}); delete it and go on with --resume: "
            "it is scored again"
        ) from None


def _rows_path(folder: Path, number: int) -> Path:
    return folder / f"{number:08}.jsonl.gz"


def _marker_path(folder: Path, number: int) -> Path:
    return folder / f"{number:08}.done"


class ShardStore:
    """The work folder of one output, locked while it is open.

    Use it as a context manager. What is left of it after an error, an interrupt or a kill is what
    `resume` goes on from; where no shard is done, nothing is left.

    Parameters
    ----------
    output : path
        Where the rows go in the end.
    manifest : callable
        Returns what the run is, as JSON values by name; called once. A run is resumed only with the
        same manifest.
    resume : bool
        Whether to go on with what an earlier run left. Where there is nothing of the kind, the run
        begins from the start.

    Raises
    ------
    OutputError
        Another run has the folder open; an earlier run left something and `resume` is not set; the
        earlier run was another one; or there is nothing to resume and the output exists.
    """

    def __init__(
        self, output: Path, manifest: Callable[[], Mapping[str, Any]], *, resume: bool
    ) -> None:
        self.output = output
        self.folder = output.with_name(output.name + SUFFIX)
        self._describe = manifest
        self._resume = resume
        self._lock: TextIO | None = None

    def check(self) -> None:
        """Refuse to resume where there is nothing left to do.

        Raises
        ------
        OutputError
            The output exists, and no work folder.
        """
        if self._resume and not self.folder.exists() and self.output.exists():
            raise OutputError(
                f"{self.output} is there already and no unfinished run of it: nothing to resume; "
                "leave --resume out to score anew"
            )

    def __enter__(self) -> Self:
        self.check()
        try:
            self.folder.mkdir(exist_ok=True)
            self._refuse_a_folder_of_others()
            self._lock = (self.folder / "lock").open("w")
        except OSError as error:
            raise OutputError(f"cannot write {self.folder}: {error.strerror}") from None
        self._take_lock()
        try:
            self._check_what_is_there()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            if not any(self.folder.glob("*.done")):
                shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.close()

    def _refuse_a_folder_of_others(self) -> None:
        """Leave alone what no run has written: a run removes its folder in the end."""
        for path in self.folder.iterdir():
            if path.is_dir() or not _OF_A_RUN.fullmatch(path.name):
                raise OutputError(
                    f"cannot write {self.output}: unfinished output goes to {self.folder}, which "
                    f"holds {path.name!r}, no file of ours; move it, or name another output"
                )

    def discard(self) -> None:
        """Forget all shards: the folder goes when the store is closed."""
        for path in self.folder.glob("*.done"):
            path.unlink(missing_ok=True)

    def _take_lock(self) -> None:
        import fcntl

        assert self._lock is not None  # noqa: S101
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise OutputError(
                f"cannot write {self.output}: another run is writing it; wait for it, or name "
                "another file"
            ) from None

    def _check_what_is_there(self) -> None:
        done = self.done_rows()
        if done and not self._resume:
            raise OutputError(
                f"{self.folder} holds {done:,} comments that an unfinished run scored: add "
                "--resume to go on with it, or delete the folder to begin again"
            )
        manifest = {"version": _VERSION, **json.loads(json.dumps(self._describe()))}
        if done:
            self._check_manifest(manifest)
        for path in self.folder.iterdir():
            if path.name.endswith(".tmp") or (not done and path.name != "lock"):
                path.unlink(missing_ok=True)
        with atomic_file(self.folder / "manifest.json") as stream:
            stream.write(json.dumps(manifest, indent=1).encode())

    def _check_manifest(self, wanted: Mapping[str, Any]) -> None:
        try:
            found = json.loads((self.folder / "manifest.json").read_bytes())
        except (OSError, ValueError) as error:
            raise OutputError(
                f"{self.folder}: its manifest cannot be read ({error}); delete the folder to begin "
                "again"
            ) from None
        for key in {**wanted, **found}:
            if found.get(key) != wanted.get(key):
                raise OutputError(
                    f"cannot go on with {self.output}: the unfinished run had {key} "
                    f"{_shown(found.get(key))}, this one has {_shown(wanted.get(key))}; "
                    f"run it as before, or delete {self.folder} to begin again"
                )

    def marker(self, number: int) -> Marker | None:
        """Return the marker of a shard, or None where the shard is not done."""
        return read_marker(self.folder, number)

    def done_rows(self) -> int:
        """Return how many rows are done, in all shards."""
        numbers = (path.stem for path in self.folder.glob("*.done"))
        markers = (self.marker(int(name)) for name in numbers if name.isdigit())
        return sum(marker.rows for marker in markers if marker is not None)

    def write(self, number: int, rows: Iterable[Mapping[str, Any]], marker: Marker) -> None:
        """Write a shard, as `write_shard`."""
        write_shard(self.folder, number, rows, marker)

    def rows(self, number: int) -> Iterator[dict[str, Any]]:
        """Yield the rows of a shard, as `read_shard`."""
        return read_shard(self.folder, number)

    def assemble(self, count: int) -> None:
        """Join the shards 0 to `count` - 1 into the output, and remove the folder.

        Raises
        ------
        OutputError
            A shard is missing or damaged, or writing failed; the folder stays then.
        """
        for number in range(count):
            if self.marker(number) is None:
                raise OutputError(f"{self.folder}: shard {number} is not done; go on with --resume")

        def lines() -> Iterator[bytes]:
            for number in range(count):
                yield from _lines(self.folder, number)

        join_rows(self.output, lines, example=EXAMPLE_ROW, record_keys=RECORD_KEYS)
        shutil.rmtree(self.folder, ignore_errors=True)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"

"""The same over Ray: any number of comments, scored on one machine or on a cluster.

The driver reads the inputs, finds what each reply answers, and leaves the rows in the run's work
folder, shard by shard, the same shards as `stance.scoring.stream` makes. Ray Data then hands the
numbers of the shards to actors, each of which holds a model, reads its shard, and writes it with
its done-marker (`stance.scoring.shards`). So no comment passes through the driver or Ray's object
store a second time, a shard whose actor dies is scored by another one, and a driver that was killed
goes on with the shards that have no marker. All machines must see the work folder under its path.

A run that began without Ray can go on with it, and the other way round.
"""

import contextlib
import gzip
import json
import logging
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from stance.errors import MissingExtraError, OutputError, StanceError, WorkerError
from stance.scoring.load import THREADS_OF_A_WORKER, choose_load, usable_cores
from stance.scoring.results import is_unread
from stance.scoring.rows import CommentRow, Predictor, Question, output_row, predict_questions
from stance.scoring.shards import Marker, ShardStore, read_marker, write_shard
from stance.scoring.stream import Item, Shard, SourceEnd, check_digest, make_shards
from stance.tables import atomic_file, json_bytes

if TYPE_CHECKING:
    import numpy as np

_OBJECT_STORE_BYTES = 128 * 2**20  # numbers of shards pass through it, and no comments
_MAX_BLOCKS = 10_000  # tasks that Ray is given; with more shards a task has several

# Scores the shards of these numbers in a folder, in any order, and yields the rows of each.
ScoreShards = Callable[[Path, Sequence[int]], Iterable[int]]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where to score.

    Parameters
    ----------
    address : str or None
        Of a Ray cluster, such as "auto" or "ray-head:6379"; None starts Ray on this machine alone.
    workers : int or None
        Actors; None takes as many as there is room for.
    threads : int or None
        Processors of each actor, and threads of its model.
    """

    address: str | None = None
    workers: int | None = None
    threads: int | None = None


# The driver


def score_distributed(
    items: Iterable[Item],
    output: Path,
    score: ScoreShards,
    *,
    manifest: Callable[[], Mapping[str, Any]] = dict,
    resume: bool = False,
    at_end: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Score rows into a file, in order, and return how many are written.

    Parameters
    ----------
    items, output, manifest, resume, at_end, progress
        As for `stance.scoring.stream.score_stream`.
    score : callable
        `RayShards`, or what does the same.

    Raises
    ------
    OutputError
        As for `score_stream`.
    WorkerError
        Ray cannot be reached, has no room, or gave up.
    """
    with ShardStore(output, manifest, resume=resume) as store:
        plan = _leave_shards(make_shards(items), store)
        done = skipped = plan.rows_done
        for rows in score(store.folder.resolve(), plan.left) if plan.left else ():
            done += rows
            if progress is not None:
                progress(done, skipped)
        total = _finish_sources(plan, store)
        try:
            at_end()
        except BaseException:
            store.discard()
            raise
        store.assemble(plan.count)
    return total


@dataclass(frozen=True, slots=True)
class _Plan:
    """What there is to do.

    Parameters
    ----------
    count : int
        Shards in all.
    left : list of int
        Those that have to be scored.
    rows_done : int
        Rows of the others.
    ends : list of (shard, SourceEnd)
        Where each input ends.
    """

    count: int
    left: list[int]
    rows_done: int
    ends: list[tuple[int, SourceEnd]]


def _leave_shards(shards: Iterable[Shard], store: ShardStore) -> _Plan:
    """Write the rows of each shard that is not done into the work folder, for the actors."""
    count = rows_done = 0
    left: list[int] = []
    ends: list[tuple[int, SourceEnd]] = []
    for shard in shards:
        count += 1
        marker = store.marker(shard.number)
        if marker is None:
            _leave_shard(shard, store.folder)
            left.append(shard.number)
        else:
            check_digest(shard, marker, store)
            rows_done += marker.rows
        ends += [(shard.number, item) for item in shard.items if isinstance(item, SourceEnd)]
    return _Plan(count, left, rows_done, ends)


def _finish_sources(plan: _Plan, store: ShardStore) -> int:
    """Tell each input in order that its rows are written, and return the rows of all."""
    ends = iter([*plan.ends, (plan.count, None)])
    number, end = next(ends)
    unread: Counter[str] = Counter()
    total = 0
    for shard in range(plan.count):
        marker = store.marker(shard)
        if marker is None:
            raise OutputError(f"{store.folder}: shard {shard} was not scored; go on with --resume")
        total += marker.rows
        parts = iter(marker.unread)
        unread.update(next(parts, {}))
        while end is not None and number == shard:
            end.finish(unread)
            unread = Counter(next(parts, {}))
            number, end = next(ends)
    return total


# A shard on its way to an actor


def _leave_shard(shard: Shard, folder: Path) -> None:
    def lines() -> Iterator[bytes]:
        yield json_bytes({"digest": shard.digest})
        for item in shard.items:
            if isinstance(item, SourceEnd):
                yield json_bytes({"end": True})
            else:
                row = item.row
                yield json_bytes(
                    {
                        "columns": row.columns,
                        "targets": row.targets,
                        "error": row.error,
                        "parent": item.parent,
                    }
                )

    with (
        atomic_file(_left_path(folder, shard.number)) as stream,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=stream, mtime=0) as packed,
    ):
        packed.writelines(lines())


def _take_shard(folder: Path, number: int) -> tuple[str, list[list[Question]]]:
    """Return the digest of a shard and its questions, input by input."""
    path = _left_path(folder, number)
    try:
        with gzip.open(path, "rb") as packed:
            lines = map(json.loads, cast("Iterator[bytes]", packed))
            digest = str(next(lines)["digest"])
            inputs: list[list[Question]] = [[]]
            for line in lines:
                if "end" in line:
                    inputs.append([])
                else:
                    row = CommentRow(line["columns"], tuple(line["targets"]), line["error"])
                    inputs[-1].append(Question(row, line["parent"]))
    except (OSError, EOFError, zlib.error) as error:
        raise OutputError(
            f"{path}: cannot be read where it is to be scored ({error}); expected an output in a "
            "folder that all machines of the cluster share"
        ) from None
    return digest, inputs


def _left_path(folder: Path, number: int) -> Path:
    return folder / f"{number:08}.left.jsonl.gz"


# An actor


class ShardScorer:
    """Scores shards that the driver left in a folder; each actor has one.

    Parameters
    ----------
    folder : Path
        The work folder.
    load : callable
        Loads the model.
    threshold : float or None
        As for `Analyzer.predict`.
    """

    def __init__(
        self, folder: Path, load: Callable[[], Predictor], threshold: float | None
    ) -> None:
        self._folder = folder
        self._load = load
        self._threshold = threshold
        self._model: Predictor | None = None

    def __call__(self, batch: "Mapping[str, np.ndarray[Any, Any]]") -> dict[str, list[Any]]:
        """Score the shards of a batch of numbers; return their rows, and what went wrong."""
        rows: list[int] = []
        problems: list[str] = []
        for number in batch["number"].tolist():
            try:
                rows.append(self.score(number))
                problems.append("")
            except StanceError as error:  # Ray would wrap it in a stack of calls
                rows.append(0)
                problems.append(str(error))
        return {"rows": rows, "problem": problems}

    def score(self, number: int) -> int:
        """Score one shard, write it with its marker, and return its rows."""
        # An actor that has died since may have done it.
        marker = read_marker(self._folder, number)
        if marker is None:
            digest, inputs = _take_shard(self._folder, number)
            rows, unread = self._answered(inputs)
            marker = Marker(len(rows), digest, unread)
            write_shard(self._folder, number, rows, marker)
        return marker.rows

    def _answered(
        self, inputs: Sequence[Sequence[Question]]
    ) -> tuple[list[dict[str, Any]], list[dict[str, int]]]:
        """Return the rows of a shard, and its unread comments input by input."""
        self._model = self._model or self._load()
        questions = [item for part in inputs for item in part]
        predictions = iter(predict_questions(questions, self._model, self._threshold))
        rows = []
        unread: list[Counter[str]] = []
        for part in inputs:
            unread.append(Counter())
            for item in part:
                prediction = next(predictions)
                if prediction is not None and is_unread(prediction, self._model.languages):
                    unread[-1][prediction.language or ""] += 1
                rows.append(output_row(item.row, prediction, self._model.name))
        return rows, [dict(counter) for counter in unread]


# Ray


class RayShards:
    """Scores shards by Ray Data.

    Parameters
    ----------
    model : str or None
        The model's folder, which all machines must see; None is the embedded one.
    cluster : Cluster
    threshold : float or None

    Raises
    ------
    MissingExtraError
        Ray is not installed.
    """

    def __init__(self, model: str | None, cluster: Cluster, threshold: float | None = None) -> None:
        self._model = model if model is None else str(Path(model).resolve())
        self._cluster = cluster
        self._threshold = threshold
        # Read by Ray when it is imported: nothing is reported to anyone, and no log of its parts
        # gets among our messages.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        try:
            self._ray: Any = import_module("ray")
            self._data: Any = import_module("ray.data")
        except ImportError as error:
            raise MissingExtraError("--engine ray", "ray", error.name or "ray") from None

    def __call__(self, folder: Path, numbers: Sequence[int]) -> Iterator[int]:
        """Score the shards of these numbers and yield the rows of each."""
        ours = not self._ray.is_initialized()
        try:
            if ours:
                self._connect()
            yield from self._scored(folder, numbers)
        except self._ray.exceptions.RayError as error:
            raise WorkerError(f"Ray gave up: {_first_line(error)}; go on with --resume") from None
        finally:
            if ours:
                self._ray.shutdown()

    def _connect(self) -> None:
        local: dict[str, Any] = {}
        if self._cluster.address is None:
            load = choose_load(self._cluster.workers, self._cluster.threads)
            asked = load.workers * (load.threads or 1)
            local = {
                "num_cpus": max(usable_cores(), asked),
                "object_store_memory": _OBJECT_STORE_BYTES,
                "include_dashboard": False,
            }
        try:
            with _quiet():
                self._ray.init(
                    address=self._cluster.address or "local",
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **local,
                )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            where = self._cluster.address or "on this machine"
            raise WorkerError(
                f"cannot reach or start Ray {where} ({_first_line(error)}); expected the address "
                "of a running cluster, such as auto or HOST:6379, or none"
            ) from None

    def _scored(self, folder: Path, numbers: Sequence[int]) -> Iterator[int]:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = self._data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        workers, threads = self._room(len(numbers))
        shards = self._data.from_items(
            [{"number": number} for number in numbers],
            override_num_blocks=min(len(numbers), _MAX_BLOCKS),
        )
        scored = shards.map_batches(
            ShardScorer,
            fn_constructor_args=(folder, _Load(self._model, threads), self._threshold),
            batch_size=1,
            compute=self._data.ActorPoolStrategy(size=workers),
            num_cpus=threads,
        )
        for row in scored.iter_rows():
            if row["problem"]:
                raise WorkerError(row["problem"])
            yield int(row["rows"])

    def _room(self, shards: int) -> tuple[int, int]:
        """Return how many actors there shall be, and processors of each."""
        nodes = [node for node in self._ray.nodes() if node["Alive"]]
        cores = [int(node["Resources"].get("CPU", 0)) for node in nodes]
        largest = max(cores, default=0)
        load = choose_load(self._cluster.workers, self._cluster.threads)
        if self._cluster.address is None:
            threads = load.threads or max(1, largest // load.workers)
            wanted: int | None = load.workers
        else:
            threads = self._cluster.threads or min(THREADS_OF_A_WORKER, max(1, largest))
            wanted = self._cluster.workers
        room = sum(count // threads for count in cores)
        if room < (wanted or 1):
            raise WorkerError(
                f"the cluster has room for {room} actors of {threads} processors, not for "
                f"{wanted or 1}: its machines have {', '.join(map(str, cores)) or 'none'}; give a "
                "smaller number of --workers or --threads"
            )
        return min(wanted or room, shards), threads


@dataclass(frozen=True, slots=True)
class _Load:
    """Loads a model: a plain value, which Ray can send to an actor."""

    model: str | None
    threads: int

    def __call__(self) -> Predictor:
        from stance.scoring.analyzer import Analyzer

        return Analyzer(self.model, threads=self.threads)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the terminal what Ray's core says of its settings; what it raises comes through."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]

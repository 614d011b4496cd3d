"""Any number of comments in constant memory: read, scored and written at the same time.

Rows are gathered in shards of consecutive ones. Within a shard the model's batches are of similar
length. A thread of its own reads ahead, others score, and the caller's writes each shard when its
turn has come (`stance.scoring.shards`), so rows stay in order and a run that was killed goes on
with the first shard that is not done.

A comment that equals one of the last `MAX_REMEMBERED` different ones, with the same targets and
the same parent, is not scored again. Which ones these are depends on the rows alone, not on how
fast they were scored or how often the run was stopped: a resumed run gives the same output.
"""

import contextlib
import itertools
import queue
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from stance.errors import OutputError
from stance.scoring.results import Prediction, is_unread, prediction_of_columns
from stance.scoring.rows import EXAMPLE_ROW, RECORD_KEYS, Predictor, Question, output_row
from stance.scoring.shards import Marker, ShardStore
from stance.tables import write_rows

SHARD_ROWS = 1024
SHARD_CHARS = 2**19  # a shard of long comments has fewer rows
MAX_REMEMBERED = 4096
_STOP_SECONDS = 5.0  # a thread that still waits for its input by then is left behind

T = TypeVar("T")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class SourceEnd:
    """Stands after the rows of an input: what to do when they are written.

    Parameters
    ----------
    finish : callable
        Called with the number of its comments in languages that the model does not read, by code.
    """

    finish: Callable[[Counter[str]], None]


Item = Question | SourceEnd


class Scorer(Protocol):
    """What scores shards, several at a time: a model in this process, or in others."""

    @property
    def name(self) -> str:
        """Name and version of the model."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of what it reads."""
        ...

    @property
    def places(self) -> int:
        """How many predictors may be used at the same time."""
        ...

    def predictor(self) -> Predictor:
        """Return one more predictor, at most `places` in all."""
        ...

    def alone(self) -> Predictor:
        """Return a predictor in this process, for a few rows."""
        ...

    def close(self) -> None:
        """End what the predictors run in."""
        ...


class LocalScorer:
    """A model in this process, loaded when it is first asked for.

    Two threads use it: while one has the model, the other prepares its input or reads its output.
    """

    places = 2

    def __init__(self, load: Callable[[], Predictor]) -> None:
        self._load = load
        self._loaded: Predictor | None = None
        self._lock = threading.Lock()

    def predictor(self) -> Predictor:
        """Return the model."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def alone(self) -> Predictor:
        """Return the model."""
        return self.predictor()

    @property
    def name(self) -> str:
        """Name and version of the model."""
        return self.predictor().name

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of what it reads."""
        return self.predictor().languages

    def close(self) -> None:
        """Do nothing: the model goes with the process."""


def score_stream(
    items: Iterable[Item],
    output: Path,
    scorer: Scorer,
    *,
    threshold: float | None = None,
    manifest: Callable[[], Mapping[str, Any]] = dict,
    resume: bool = False,
    at_end: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Score rows into a file, in order, and return how many are written.

    Up to `SHARD_ROWS` rows are written directly. More go through a work folder beside the output,
    from which a run that was killed can be resumed (see `stance.scoring.shards`).

    Parameters
    ----------
    items : iterable of Question or SourceEnd
        Drawn in a thread of its own, from the start when a run is resumed.
    output : Path
        Its ending is one of `stance.tables.WRITTEN_ENDINGS`.
    scorer : Scorer
    threshold : float, optional
        As for `Analyzer.predict`.
    manifest : callable
        Returns what the run is: only a run with the same manifest can be resumed.
    resume : bool
        Whether to go on with what is in the work folder.
    at_end : callable
        Called when all is scored, before the output appears; an error keeps it from appearing.
    progress : callable, optional
        Called with the rows done so far, and how many of them this run did not score itself.

    Raises
    ------
    OutputError
        As for `ShardStore`, where writing fails, and where the rows of a shard that is done are
        not the ones that were scored.
    """
    store = ShardStore(output, manifest, resume=resume)
    store.check()
    run = _Run(scorer, threshold, progress)
    with contextlib.ExitStack() as stack:
        stack.callback(scorer.close)
        reading = stack.enter_context(contextlib.closing(overlapped(make_shards(items))))
        first = list(itertools.islice(reading, 2))
        if len(first) < 2 and not store.folder.exists():
            run.write_directly(first, output, at_end)
            return run.rows
        stack.enter_context(store)
        count = run.write_shards(itertools.chain(first, reading), store)
        try:
            at_end()
        except BaseException:
            store.discard()
            raise
        store.assemble(count)
    return run.rows


# Reading


@dataclass(slots=True)
class Shard:
    """Consecutive items, and what of them has to be asked of the model.

    Parameters
    ----------
    number : int
        From 0.
    items : list of Question or SourceEnd
    keys : list of (bytes or None)
        What each question asks, None for a bad row.
    asked : list of Question
        The first of each question that is not remembered from before.
    digest : str
        Of the rows.
    """

    number: int
    items: list[Item] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)
    digest: str = ""


class Remembered(Generic[Value]):
    """Values of the last `MAX_REMEMBERED` keys that were looked up, and the number of each."""

    def __init__(self) -> None:
        self._values: OrderedDict[bytes, Value] = OrderedDict()

    def __contains__(self, key: bytes) -> bool:
        return key in self._values

    def items(self) -> Iterable[tuple[bytes, Value]]:
        """Return all keys and their values."""
        return self._values.items()

    def get(self, key: bytes) -> Value:
        """Return the value of a key that is there, which is then the last to be forgotten."""
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: bytes, value: Value) -> None:
        """Remember a value, and forget the one that was not asked for the longest time."""
        self._values[key] = value
        if len(self._values) > MAX_REMEMBERED:
            self._values.popitem(last=False)

    def replace(self, key: bytes, value: Value) -> None:
        """Give a key that is there another value; its turn to be forgotten stays."""
        self._values[key] = value


def make_shards(items: Iterable[Item]) -> Iterator[Shard]:
    """Gather items in shards. The same items give the same shards, on every machine."""
    remembered: Remembered[None] = Remembered()
    shard, digest, chars = Shard(0), blake2b(digest_size=16), 0
    for item in items:
        if isinstance(item, Question):
            if len(shard.keys) == SHARD_ROWS or chars >= SHARD_CHARS:
                shard.digest = digest.hexdigest()
                yield shard
                shard, digest, chars = Shard(shard.number + 1), blake2b(digest_size=16), 0
            digest.update(_bytes((item.row.columns, item.row.targets, item.row.error)))
            key = None
            if item.row.error is None:
                text = item.row.columns["text"]
                chars += len(text)
                key = _key(text, item)
                if key in remembered:
                    remembered.get(key)
                else:
                    remembered.put(key, None)
                    shard.asked.append(item)
            shard.keys.append(key)
        shard.items.append(item)
    if shard.items:
        shard.digest = digest.hexdigest()
        yield shard


def _key(text: str, question: Question) -> bytes:
    asked = _bytes((text, question.row.targets, question.parent))
    return blake2b(asked, digest_size=16).digest()


def _bytes(value: Any) -> bytes:
    return repr(value).encode("utf-8", "surrogatepass")


def overlapped(items: Iterator[T], ahead: int = 1) -> Generator[T, None, None]:
    """Yield items that a thread of its own draws, at most `ahead` and one before they are wanted.

    Examples
    --------
    >>> list(overlapped(iter("abc")))
    ['a', 'b', 'c']
    """
    drawn: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(ahead)
    stopped = threading.Event()

    def put(item: T | None, end: BaseException | None) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                drawn.put((item, end), timeout=0.1)
                return

    def draw() -> None:
        try:
            for item in items:
                put(item, None)
                if stopped.is_set():
                    return
        except BaseException as error:
            put(None, error)
        else:
            put(None, StopIteration())

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    try:
        while True:
            item, end = drawn.get()
            if isinstance(end, StopIteration):
                return
            if end is not None:
                raise end
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join(_STOP_SECONDS)


# Scoring


class _StoppedError(Exception):
    """The run ends: nobody waits for this shard any more."""


@dataclass(slots=True)
class _Stored:
    """A prediction that a run before this one wrote: row `place` of shard `number`."""

    number: int
    place: int


class _Run:
    """The state of a run: what is remembered, and how far it is."""

    def __init__(
        self,
        scorer: Scorer,
        threshold: float | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.rows = 0
        self._scorer = scorer
        self._threshold = threshold
        self._progress = progress or (lambda done, skipped: None)
        self._skipped = 0
        self._under_way: dict[int, int] = {}  # comments done of the shards that are being scored
        self._remembered: Remembered[Prediction | _Stored] = Remembered()
        self._unread: Counter[str] = Counter()  # of the present source
        self._stopped = threading.Event()
        self._idle: queue.SimpleQueue[Predictor] = queue.SimpleQueue()
        self._started = 0
        self._lock = threading.Lock()

    def write_directly(
        self, shards: Iterable[Shard], output: Path, at_end: Callable[[], None]
    ) -> None:
        with write_rows(output, example=EXAMPLE_ROW, record_keys=RECORD_KEYS) as add:
            for shard in shards:
                self._idle.put(self._scorer.alone())
                rows, unread = self._answered(shard, self._predict(shard), None)
                for row in rows:
                    add(row)
                self._finish(shard, unread)
            at_end()

    def write_shards(self, shards: Iterable[Shard], store: ShardStore) -> int:
        """Write all shards that are not done, and return how many there are."""
        count = 0
        for shard, marker, predictions in self._in_order(shards, store):
            count += 1
            if marker is not None:
                check_digest(shard, marker, store)
                self._skip(shard)
                self._finish(shard, marker.unread)
            else:
                rows, unread = self._answered(shard, predictions, store)
                store.write(shard.number, rows, Marker(len(rows), shard.digest, unread))
                self._finish(shard, unread)
        return count

    def _in_order(
        self, shards: Iterable[Shard], store: ShardStore
    ) -> Iterator[tuple[Shard, Marker | None, list[Prediction]]]:
        """Yield each shard with its marker, or else with what the model says, in order."""
        Pending = tuple[Shard, Marker | None, Future[list[Prediction]] | None]  # noqa: N806
        pending: deque[Pending] = deque()
        with ThreadPoolExecutor(self._scorer.places) as pool:
            try:
                for shard in shards:
                    marker = store.marker(shard.number)
                    future = None if marker else pool.submit(self._predict, shard)
                    pending.append((shard, marker, future))
                    if len(pending) > self._scorer.places:
                        yield _result(*pending.popleft())
                while pending:
                    yield _result(*pending.popleft())
            finally:
                self._stopped.set()
                for *_, waiting in pending:
                    if waiting is not None:
                        waiting.cancel()
                self._scorer.close()

    def _predict(self, shard: Shard) -> list[Prediction]:
        if not shard.asked:
            return []
        predictor = self._take()
        try:
            return predictor.predict(
                [question.row.columns["text"] for question in shard.asked],
                [question.row.targets for question in shard.asked],
                parents=[question.parent for question in shard.asked],
                threshold=self._threshold,
                progress=lambda done, _: self._report(shard, done),
            )
        finally:
            self._idle.put(predictor)

    def _take(self) -> Predictor:
        """Return a predictor that is idle, or a new one."""
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        with self._lock:
            self._started += 1
        return self._scorer.predictor()

    def _report(self, shard: Shard, done: int) -> None:
        if self._stopped.is_set():
            raise _StoppedError
        with self._lock:
            self._under_way[shard.number] = done * len(shard.keys) // len(shard.asked)
            under_way = sum(self._under_way.values())
        self._progress(self.rows + under_way, self._skipped)

    def _answered(
        self, shard: Shard, predictions: Iterable[Prediction], store: ShardStore | None
    ) -> tuple[list[dict[str, Any]], list[dict[str, int]]]:
        """Return the rows of a shard, and its unread comments source by source."""
        rows: list[dict[str, Any]] = []
        unread: list[Counter[str]] = [Counter()]
        model, languages = self._scorer.name, self._scorer.languages
        fresh = iter(predictions)
        keys = iter(shard.keys)
        for item in shard.items:
            if isinstance(item, SourceEnd):
                unread.append(Counter())
                continue
            key = next(keys)
            prediction = None if key is None else self._prediction(key, fresh, store)
            if prediction is not None and is_unread(prediction, languages):
                unread[-1][prediction.language or ""] += 1
            rows.append(output_row(item.row, prediction, model))
        return rows, [dict(counter) for counter in unread]

    def _prediction(
        self, key: bytes, fresh: Iterator[Prediction], store: ShardStore | None
    ) -> Prediction:
        # What is remembered here is what `make_shards` remembered when it came to this row.
        if key not in self._remembered:
            prediction = next(fresh)
            self._remembered.put(key, prediction)
            return prediction
        known = self._remembered.get(key)
        if isinstance(known, _Stored):
            assert store is not None  # noqa: S101
            self._load(known.number, store)
            known = self._remembered.get(key)
        assert isinstance(known, Prediction)  # noqa: S101
        return known

    def _load(self, number: int, store: ShardStore) -> None:
        """Read from a shard that is done what is remembered of it."""
        wanted = {
            value.place: key
            for key, value in self._remembered.items()
            if isinstance(value, _Stored) and value.number == number
        }
        for place, row in enumerate(store.rows(number)):
            if place in wanted:
                self._remembered.replace(wanted[place], prediction_of_columns(row))

    def _skip(self, shard: Shard) -> None:
        """Remember of a shard that is done what later rows may repeat."""
        for place, key in enumerate(shard.keys):
            if key is None:
                continue
            if key in self._remembered:
                self._remembered.get(key)
            else:
                self._remembered.put(key, _Stored(shard.number, place))
        self._skipped += len(shard.keys)

    def _finish(self, shard: Shard, unread: list[dict[str, int]]) -> None:
        """Count a shard as done, and tell each source that ends in it."""
        with self._lock:
            self.rows += len(shard.keys)
            self._under_way.pop(shard.number, None)
        self._progress(self.rows + sum(self._under_way.values()), self._skipped)
        parts = iter(unread)
        self._unread.update(next(parts, {}))
        for item in shard.items:
            if isinstance(item, SourceEnd):
                item.finish(self._unread)
                self._unread = Counter(next(parts, {}))


def _result(
    shard: Shard, marker: Marker | None, future: "Future[list[Prediction]] | None"
) -> tuple[Shard, Marker | None, list[Prediction]]:
    return shard, marker, [] if future is None else future.result()


def check_digest(shard: Shard, marker: Marker, store: ShardStore) -> None:
    """Refuse to go on where the rows of a shard are not the ones that were scored."""
    if (shard.digest, len(shard.keys)) != (marker.digest, marker.rows):
        raise OutputError(
            f"cannot go on with {store.output}: the input is not what it was in the unfinished "
            f"run, in the {marker.rows:,} rows of shard {shard.number}; delete {store.folder} to "
            "begin again"
        )

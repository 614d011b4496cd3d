"""Requests of many clients share the passes of the model.

One thread runs the model. What comes while it runs waits in a bounded queue and goes into the next
batch, of which every waiting request gets a piece in turn: a page of a thousand comments does not
hold up a single one that comes after it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field

from stance.scoring.results import Prediction
from stance.scoring.rows import Predictor

BATCH_TEXTS = 64
# Characters of a batch, each counted once for every pass that reads it.
BATCH_CHARACTERS = 32_768
# Texts that a request with many of them gets into a batch before the others have their turn.
PIECE_TEXTS = 16
MAX_WAITING_CHARACTERS = 16_000_000
_LONGEST_RETRY = 60  # seconds


class OverloadedError(Exception):
    """So much is waiting that nothing more is taken.

    Parameters
    ----------
    retry_after : int
        Seconds after which there is likely to be room.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests are waiting; come back in {retry_after} s")
        self.retry_after = retry_after


class ClosedError(Exception):
    """The batcher takes nothing more, since the server is about to stop."""


@dataclass(slots=True, eq=False)
class _Job:
    """The texts of one request, some of them perhaps scored already."""

    texts: Sequence[str]
    targets: Sequence[Sequence[str]]
    parents: Sequence[str | None]
    since: float
    future: "Future[list[Prediction]]" = field(default_factory=Future)
    results: dict[int, Prediction] = field(default_factory=dict)
    taken: int = 0

    def weight(self, place: int) -> int:
        """Characters that are read for one text, over all passes."""
        passes = 1 + len(self.targets[place]) + (self.parents[place] is not None)
        return len(self.texts[place]) * passes + 1

    def total_weight(self) -> int:
        return sum(map(self.weight, range(len(self.texts))))


_Piece = tuple[_Job, int]


class Batcher:
    """Scores texts for many callers at once.

    Parameters
    ----------
    analyzer : Predictor
        Run by one thread alone.
    max_waiting : int
        Requests that may wait.
    wait : float
        Seconds that the first text of a batch waits for others.
    on_batch : callable, optional
        Told of the number of texts of each batch, in the batcher's thread.

    Examples
    --------
    >>> from stance import Analyzer
    >>> batcher = Batcher(Analyzer(), max_waiting=8, wait=0.0)
    >>> [prediction] = batcher.submit(["You are a fool."], [()]).result()
    >>> batcher.close()
    >>> prediction.toxic
    True
    """

    def __init__(
        self,
        analyzer: Predictor,
        *,
        max_waiting: int,
        wait: float,
        on_batch: Callable[[int], None] | None = None,
    ) -> None:
        self._on_batch = on_batch
        self._analyzer = analyzer
        self._max_waiting = max_waiting
        self._wait = wait
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()  # those that have texts left to run
        self._waiting: dict[_Job, int] = {}  # all that are not answered, with their weights
        self._closing = False
        self._speed = 50_000.0  # characters a second, brought up to date with each batch
        self._thread = threading.Thread(target=self._run, name="batcher", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """The number of requests that are not answered yet."""
        return len(self._waiting)

    def submit(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        parents: Sequence[str | None] | None = None,
    ) -> "Future[list[Prediction]]":
        """Take the texts of one request; its answer has their order.

        A future that is cancelled gives up its place.

        Parameters
        ----------
        texts, targets, parents
            As for `Analyzer.predict`.

        Raises
        ------
        OverloadedError
            Too much is waiting.
        ClosedError
            After `close`.
        """
        job = _Job(texts, targets, parents or [None] * len(texts), time.monotonic())
        if not texts:
            job.future.set_result([])
            return job.future
        weight = job.total_weight()
        with self._changed:
            if self._closing:
                raise ClosedError
            load = sum(self._waiting.values())
            if len(self._waiting) >= self._max_waiting or load >= MAX_WAITING_CHARACTERS:
                raise OverloadedError(min(1 + int(load / self._speed), _LONGEST_RETRY))
            self._waiting[job] = weight
            self._jobs.append(job)
            self._changed.notify()
        # Whether it is answered, fails or is cancelled, it waits no more.
        job.future.add_done_callback(lambda _: self._forget(job))
        return job.future

    def close(self) -> None:
        """Answer what was taken, then stop the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _forget(self, job: _Job) -> None:
        with self._changed:
            self._waiting.pop(job, None)

    # The thread

    def _run(self) -> None:
        while batch := self._next_batch():
            start = time.monotonic()
            self._answer(batch)
            if self._on_batch is not None:
                self._on_batch(len(batch))
            spent = max(time.monotonic() - start, 1e-6)
            speed = sum(job.weight(place) for job, place in batch) / spent
            self._speed += 0.1 * (speed - self._speed)

    def _next_batch(self) -> list[_Piece]:
        """Wait for texts; none are left only when the batcher is closing."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._jobs or self._closing)
                if not self._jobs:
                    return []
                self._changed.wait_for(
                    self._is_enough, self._jobs[0].since + self._wait - time.monotonic()
                )
                if batch := self._take():
                    return batch

    def _is_enough(self) -> bool:
        return self._closing or sum(len(job.texts) for job in self._jobs) >= BATCH_TEXTS

    def _take(self) -> list[_Piece]:
        """Return the next texts, some of each waiting request in turn."""
        batch: list[_Piece] = []
        weight = 0
        while self._jobs and len(batch) < BATCH_TEXTS and weight < BATCH_CHARACTERS:
            job = self._jobs.popleft()
            if job.future.done():  # cancelled, or another of its texts failed
                continue
            room = min(PIECE_TEXTS, BATCH_TEXTS - len(batch))
            last = min(len(job.texts), job.taken + room)
            while job.taken < last and weight < BATCH_CHARACTERS:
                batch.append((job, job.taken))
                weight += job.weight(job.taken)
                job.taken += 1
            if job.taken < len(job.texts):
                self._jobs.append(job)
        return batch

    def _answer(self, batch: Sequence[_Piece]) -> None:
        try:
            predictions = self._predict(batch)
        except Exception:
            # One text that the model fails on must not cost the requests beside it.
            for piece in batch:
                self._answer_alone(piece)
            return
        for (job, place), prediction in zip(batch, predictions, strict=True):
            _note(job, place, prediction)

    def _answer_alone(self, piece: _Piece) -> None:
        job, place = piece
        try:
            [prediction] = self._predict([piece])
        except Exception as error:
            with suppress(InvalidStateError):  # it failed before, or was cancelled
                job.future.set_exception(error)
        else:
            _note(job, place, prediction)

    def _predict(self, batch: Sequence[_Piece]) -> list[Prediction]:
        return self._analyzer.predict(
            [job.texts[place] for job, place in batch],
            [job.targets[place] for job, place in batch],
            parents=[job.parents[place] for job, place in batch],
        )


def _note(job: _Job, place: int, prediction: Prediction) -> None:
    """Keep the prediction of one text, and answer the request when it was the last."""
    job.results[place] = prediction
    if len(job.results) == len(job.texts):
        with suppress(InvalidStateError):
            job.future.set_result([job.results[each] for each in range(len(job.texts))])
